//! The two pages for people, home and query editor, in English and French, and the files that they load.
//!
//! Every address in a page is relative, so that the pages work at any host, port and folder.
//!
//! **Invariant:** no page loads anything from another host or holds a script or style of its own; the policy in its
//! head forbids both.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::RawQuery;
use axum::http::HeaderMap;
use axum::http::header::{
    ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_LANGUAGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderName,
    REFERRER_POLICY, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior, Value, context};
use serde_json::Value as Json;
use url::form_urlencoded;

use crate::http::embed::words;
use crate::http::files;
use crate::text::language::{LanguageTag, Languages};
use crate::text::messages::Message;

/// The routes of the pages: `/editor` where there is one, and `/assets/{path}`.
pub fn router<S: Clone + Send + Sync + 'static>(has_editor: bool) -> Router<S> {
    let router = Router::new().route("/assets/{*path}", get(files::asset));
    if has_editor { router.route("/editor", get(editor)) } else { router }
}

/// What a page may load: its own host's files alone. `data:` is for the small pictures in the editor's style sheet, the
/// hash for the one style that its dialogs set, which keeps the page behind them from scrolling.
const CONTENT_POLICY: &str = "default-src 'self'; script-src 'self'; \
     style-src 'self' 'sha256-nzTgYzXYDNe6BAHiiI7NNlfK8n/auuOAhh2t92YvuXo='; img-src 'self' data:; connect-src 'self'; \
     object-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'";

/// The languages that the pages are written in, in the order of the switch.
const PAGE_LANGUAGES: [PageLanguage; 2] = [PageLanguage::English, PageLanguage::French];

/// The queries that the pages offer; a test of the contract may run them as they stand.
pub const EXAMPLE_QUERIES: [&str; 3] = [RESOT_QUERY, HPCO_QUERY, ONCOLOGY_QUERY];

const RESOT_QUERY: &str = r#"query Resot {
  community(slug: "resot") {
    displayName
    launched { label }
    memberCount { label }
    roles {
      nodes {
        kind
        person { name }
      }
    }
  }
}"#;

const HPCO_QUERY: &str = r#"query HpcoCommunities {
  organization(slug: "hpco") {
    name
    communities {
      nodes { displayName }
    }
  }
}"#;

const ONCOLOGY_QUERY: &str = r#"query OncologyCommunities {
  communities(first: 5, filter: { textContains: "oncolog" }) {
    totalCount
    nodes {
      displayName
      language
    }
  }
}"#;

static TEMPLATES: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut templates = Environment::new();
    // What is printed has to be there; what is only asked for need not.
    templates.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    templates.add_function("asset", files::address);
    words::add_to(&mut templates);
    for (name, source) in [
        ("frame.html", include_str!("templates/frame.html")),
        ("home.html", include_str!("templates/home.html")),
        ("editor.html", include_str!("templates/editor.html")),
        ("account.html", include_str!("templates/account.html")),
        ("embed.html", include_str!("templates/embed.html")),
        ("report.html", include_str!("templates/report.html")),
    ] {
        // The templates are compiled in, and the tests below read every one.
        templates.add_template(name, source).expect("a template is well-formed");
    }
    templates
});

/// A language that the pages are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageLanguage {
    /// English.
    English,
    /// French.
    French,
}

/// What a page's address may ask for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wishes {
    lang: Option<String>,
    query: Option<String>,
}

impl PageLanguage {
    /// The language of whoever asks for a page with this query part and these headers.
    pub fn of_reader(raw: Option<&str>, headers: &HeaderMap) -> Self {
        Self::choose(&Wishes::of(raw), headers)
    }

    /// The language that the address asks for, else the first that the browser asks for, else English.
    fn choose(wishes: &Wishes, headers: &HeaderMap) -> Self {
        let asked = wishes.lang.as_deref().and_then(|lang| LanguageTag::parse(lang).ok());
        if let Some(language) = asked.as_ref().and_then(Self::of) {
            return language;
        }
        let lines: Vec<&str> = headers.get_all(ACCEPT_LANGUAGE).iter().filter_map(|line| line.to_str().ok()).collect();
        let accepted = Languages::accept(&lines.join(","), LanguageTag::english());
        accepted.wanted().iter().find_map(Self::of).unwrap_or(Self::English)
    }

    fn of(tag: &LanguageTag) -> Option<Self> {
        PAGE_LANGUAGES.into_iter().find(|language| language.tag() == tag.primary())
    }

    /// Its tag.
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::French => "fr",
        }
    }

    /// The language's name in itself, as its readers look for it.
    fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::French => "Français",
        }
    }

    /// A sentence in this language.
    pub fn say(self, message: &Message) -> String {
        message.sentence(&self.languages())
    }

    /// What a reader of this language is served in.
    pub fn languages(self) -> Languages {
        // Of the two languages only French has to be asked for.
        let wanted = LanguageTag::parse(self.tag()).into_iter().collect();
        Languages::new(wanted, LanguageTag::english())
    }
}

impl Wishes {
    /// Reads the query part of an address. The first of several equal names counts; nothing is an error.
    fn of(raw: Option<&str>) -> Self {
        let mut wishes = Self::default();
        for (name, value) in form_urlencoded::parse(raw.unwrap_or_default().as_bytes()) {
            let wish = match &*name {
                "lang" => &mut wishes.lang,
                "query" => &mut wishes.query,
                _ => continue,
            };
            wish.get_or_insert_with(|| value.into_owned());
        }
        wishes
    }
}

/// The start page. `holdings`: what the hub holds, as its own document finds it; null: it cannot be told for the moment.
pub fn home(has_editor: bool, language: PageLanguage, holdings: Option<Json>) -> Response {
    let say = |message: Message| language.say(&message);
    let texts = context! {
        heading => say(Message::new("page-home-heading")),
        lead => say(Message::new("page-home-lead")),
        addresses => say(Message::new("page-home-addresses")),
        api => say(Message::new("page-home-api")),
        api_use => say(Message::new("page-home-api-use")),
        editor_use => say(Message::new("page-home-editor-use")),
        dashboard_use => say(Message::new("page-home-dashboard-use")),
        follow => say(Message::new("page-home-follow")),
        follow_use => say(Message::new("page-home-follow-use")),
        schema_use => say(Message::new("page-home-schema-use")),
        examples => say(Message::new("page-home-examples")),
        examples_use => say(match has_editor {
            true => Message::new("page-home-examples-use"),
            false => Message::new("page-home-examples-copy"),
        }),
        open => say(Message::new("page-home-open")),
        copy => say(Message::new("page-home-copy")),
        copied => say(Message::new("page-home-copied")),
        selected => say(Message::new("page-home-selected")),
        sources => say(Message::new("page-home-sources")),
    };
    let holdings = Value::from(Serde(holdings));
    let own = context! { page => "./", has_editor, home => texts, choices => choices("./", None), holdings };
    page(language, "", "home.html", own)
}

async fn editor(RawQuery(raw): RawQuery, headers: HeaderMap) -> Response {
    let wishes = Wishes::of(raw.as_deref());
    let language = PageLanguage::choose(&wishes, &headers);
    let say = |message: Message| language.say(&message);
    let texts = context! {
        examples => say(Message::new("page-editor-examples")),
        no_script => say(Message::new("page-editor-no-script")),
        query => say(Message::new("page-editor-query")),
        run => say(Message::new("page-editor-run")),
        no_answer => say(Message::new("page-editor-no-answer")),
    };
    let query = wishes.query.as_deref();
    let own = context! {
        page => "editor",
        has_editor => true,
        editor => texts,
        choices => choices("editor", query),
        query => query.unwrap_or(RESOT_QUERY),
        start => editor_start(language),
    };
    page(language, "", "editor.html", own)
}

/// The page from its template, its own values, and the values that all pages share. `root` leads from its folder
/// to the hub's.
pub fn page(language: PageLanguage, root: &str, template: &str, own: Value) -> Response {
    let say = |message: Message| language.say(&message);
    let frame = context! {
        hub_name => say(Message::new("page-hub-name")),
        description => say(Message::new("page-description")),
        skip => say(Message::new("page-skip")),
        navigation => say(Message::new("page-navigation")),
        languages => say(Message::new("page-languages")),
        home => say(Message::new("page-home")),
        editor => say(Message::new("page-editor")),
        dashboard => say(Message::new("page-dashboard")),
        embed => say(Message::new("page-embed")),
        account => say(Message::new("page-account")),
        schema => say(Message::new("page-schema")),
    };
    let values = context! { language => language.tag(), interface => language.tag(), lang => language.tag(), frame, root, examples => examples(language), ..own };
    // The templates and the names of their values are fixed, and the tests below fill in every one; values are texts.
    let html = TEMPLATES.get_template(template).and_then(|template| template.render(values)).expect("a page renders");
    let own_headers = [
        (CONTENT_TYPE, "text/html; charset=utf-8"),
        (CONTENT_SECURITY_POLICY, CONTENT_POLICY),
        (CACHE_CONTROL, "no-cache"),
    ];
    (common_headers(language), own_headers, html).into_response()
}

/// The headers of every answer that is written in a language.
pub fn common_headers(language: PageLanguage) -> [(HeaderName, &'static str); 4] {
    [
        (CONTENT_LANGUAGE, language.tag()),
        (VARY, "Accept-Language"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
    ]
}

/// The same page in each language, with the same other parts of its address.
pub fn choices_with(page: &str, rest: &str) -> Vec<Value> {
    let choice = |language: PageLanguage| {
        let address = format!("{page}?{rest}&lang={}", language.tag());
        context! { language => language.tag(), own_name => language.own_name(), address }
    };
    PAGE_LANGUAGES.into_iter().map(choice).collect()
}

/// The same page in each language, with the same query.
pub fn choices(page: &str, query: Option<&str>) -> Vec<Value> {
    let choice = |language: PageLanguage| {
        context! {
            language => language.tag(),
            own_name => language.own_name(),
            address => address(page, language, query),
        }
    };
    PAGE_LANGUAGES.into_iter().map(choice).collect()
}

/// The example queries, each with its title and the address that opens it in the editor.
fn examples(language: PageLanguage) -> Vec<Value> {
    let example = |title: Message, query: &str| {
        context! { title => language.say(&title), query, address => address("editor", language, Some(query)) }
    };
    vec![
        example(Message::new("page-example-resot"), RESOT_QUERY),
        example(Message::new("page-example-hpco"), HPCO_QUERY),
        example(Message::new("page-example-oncology"), ONCOLOGY_QUERY),
    ]
}

/// What stands in the editor on a first visit: two of its keys, and a query to run.
fn editor_start(language: PageLanguage) -> String {
    let run = language.say(&Message::new("page-editor-keys-run"));
    let suggest = language.say(&Message::new("page-editor-keys-suggest"));
    format!("# {run}\n# {suggest}\n\n{RESOT_QUERY}\n")
}

/// A relative address such as `editor?lang=fr&query=…`.
fn address(page: &str, language: PageLanguage, query: Option<&str>) -> String {
    let start = format!("{page}?");
    let start_length = start.len();
    let mut pairs = form_urlencoded::Serializer::for_suffix(start, start_length);
    pairs.append_pair("lang", language.tag());
    if let Some(query) = query {
        pairs.append_pair("query", query);
    }
    pairs.finish()
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use axum::extract::Path;
    use axum::http::{HeaderValue, StatusCode};
    use proptest::prelude::*;

    use super::*;

    const HOSTILE: &str = "</textarea><script>alert(\"1\")</script>' onload=x \u{0}";

    fn headers(pairs: &[(HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), HeaderValue::from_str(value).unwrap())).collect()
    }

    fn encoded(name: &str, value: &str) -> String {
        form_urlencoded::Serializer::new(String::new()).append_pair(name, value).finish()
    }

    async fn text(response: Response) -> String {
        String::from_utf8(to_bytes(response.into_body(), usize::MAX).await.unwrap().to_vec()).unwrap()
    }

    async fn home_of(raw: &str) -> Response {
        home(true, PageLanguage::of_reader(Some(raw), &HeaderMap::new()), None)
    }

    async fn editor_of(raw: &str) -> Response {
        editor(RawQuery(Some(raw.to_owned())), HeaderMap::new()).await
    }

    async fn asset_of(path: &str, headers: HeaderMap) -> Response {
        files::asset(Ok(Path(path.to_owned())), headers).await
    }

    fn chosen(raw: &str, accept: &str) -> PageLanguage {
        PageLanguage::choose(&Wishes::of(Some(raw)), &headers(&[(ACCEPT_LANGUAGE, accept)]))
    }

    #[tokio::test]
    async fn both_pages_speak_both_languages() {
        for language in PAGE_LANGUAGES {
            let raw = encoded("lang", language.tag());
            for response in [home_of(&raw).await, editor_of(&raw).await] {
                assert_eq!(response.status(), StatusCode::OK);
                assert_eq!(response.headers()[CONTENT_LANGUAGE], language.tag());
                let html = text(response).await;
                assert!(html.contains(&format!("<html lang=\"{}\">", language.tag())));
                assert!(html.contains(&language.say(&Message::new("page-hub-name"))));
                assert!(html.contains(&language.say(&Message::new("page-editor"))));
                assert!(!html.contains(">page-"), "a sentence is missing");
            }
        }
    }

    #[tokio::test]
    async fn the_home_page_shows_the_addresses_and_the_examples() {
        let html = text(home_of("lang=fr").await).await;
        for part in ["POST /graphql", "href=\"editor?lang=fr\"", "href=\"schema.graphql\""] {
            assert!(html.contains(part), "{part}");
        }
        for query in EXAMPLE_QUERIES {
            let first_line = query.lines().next().unwrap();
            assert!(html.contains(&format!("<code>{first_line}")));
            assert!(html.contains(&format!("editor?lang=fr&amp;{}", encoded("query", query))));
        }
    }

    #[tokio::test]
    async fn each_page_links_to_itself_in_the_other_language_with_its_query() {
        let html = text(editor_of("lang=en&query=%7B+a+%26+b+%7D").await).await;
        for language in PAGE_LANGUAGES {
            let tag = language.tag();
            let link = format!("hreflang=\"{tag}\" href=\"editor?lang={tag}&amp;query=%7B+a+%26+b+%7D\"");
            assert!(html.contains(&link), "{link}");
        }
        assert!(html.contains("hreflang=\"x-default\" href=\"editor\""));
    }

    #[test]
    fn the_address_chooses_the_language_then_the_browser_then_english() {
        use PageLanguage::{English, French};
        for (raw, accept, expected) in [
            ("", "", English),
            ("", "fr-CA,fr;q=0.9,en;q=0.8", French),
            ("", "de,en;q=0.2,fr;q=0.3", French),
            ("", "de", English),
            ("lang=fr", "en", French),
            ("lang=en", "fr", English),
            ("lang=FR-ca", "en", French),
            ("lang=de", "fr", French),
            ("lang=", "fr", French),
            ("lang=fr_CA", "en", English),
            ("lang=%ff%00", "fr", French),
            ("lang=fr&lang=en", "en", French),
            ("&&=&lang", "fr", French),
        ] {
            assert_eq!(chosen(raw, accept), expected, "{raw} {accept}");
        }
        let unreadable = HeaderMap::from_iter([(ACCEPT_LANGUAGE, HeaderValue::from_bytes(b"\xfffr").unwrap())]);
        assert_eq!(PageLanguage::choose(&Wishes::default(), &unreadable), English);
    }

    #[tokio::test]
    async fn without_an_editor_nothing_leads_to_it() {
        let html = text(home(false, PageLanguage::English, None)).await;
        assert!(html.contains("<pre") && !html.contains("editor"), "{html}");
    }

    #[tokio::test]
    async fn hostile_addresses_are_shown_as_text() {
        let raw = format!("{}&{}", encoded("lang", HOSTILE), encoded("query", HOSTILE));
        for response in [home_of(&raw).await, editor_of(&raw).await] {
            assert_eq!(response.headers()[CONTENT_LANGUAGE], "en");
            let html = text(response).await;
            assert!(!html.contains("alert(\""), "{html}");
            assert_eq!(html.matches("</textarea>").count(), html.matches("<textarea").count());
        }
        assert!(text(editor_of(&raw).await).await.contains("&lt;/textarea&gt;&lt;script&gt;"));
    }

    #[tokio::test]
    async fn every_page_forbids_what_it_does_not_need() {
        for response in [home_of("").await, editor_of("").await] {
            let headers = response.headers().clone();
            assert_eq!(headers[CONTENT_TYPE], "text/html; charset=utf-8");
            assert_eq!(headers[VARY], "Accept-Language");
            assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
            assert_eq!(headers[REFERRER_POLICY], "no-referrer");
            let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(policy.contains("script-src 'self';") && policy.contains("frame-ancestors 'none'"));
            assert!(!policy.contains("unsafe") && !policy.contains("http"));
            let html = text(response).await;
            assert!(!html.contains("<style") && !html.contains(" style=") && !html.contains("<script>"));
            assert!(!html.contains("=\"/") && !html.contains("://"), "an address is not relative");
        }
    }

    #[tokio::test]
    async fn every_file_that_a_page_names_is_there_with_its_media_type() {
        let pages = text(home_of("").await).await + &text(editor_of("").await).await;
        let mut count = 0;
        for rest in pages.split("\"assets/").skip(1) {
            let name = rest.split('?').next().unwrap().to_owned();
            let response = asset_of(&name, HeaderMap::new()).await;
            assert_eq!(response.status(), StatusCode::OK, "{name}");
            let media_type = response.headers()[CONTENT_TYPE].to_str().unwrap();
            let expected = match name.rsplit_once('.').unwrap().1 {
                "js" => "text/javascript; charset=utf-8",
                "css" => "text/css; charset=utf-8",
                "svg" => "image/svg+xml",
                other => panic!("{other}"),
            };
            assert_eq!(media_type, expected);
            count += 1;
        }
        assert_eq!(count, 13);
    }

    proptest! {
        #[test]
        fn no_address_makes_a_page_panic(raw in ".*", query in ".*") {
            let wishes = Wishes::of(Some(&raw));
            let language = PageLanguage::choose(&wishes, &HeaderMap::new());
            let link = address("editor", language, Some(&query));
            let read = Wishes::of(link.strip_prefix("editor?"));
            prop_assert_eq!(read.query, Some(query));
        }
    }
}
