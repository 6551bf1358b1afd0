//! Listings in partners' pages: what they show and to whom, how long they are kept, who may frame them, and how mistakes in them
//! are reported.

use std::io::Read as _;
use std::time::{Duration, Instant};

use diesel_async::SimpleAsyncConnection;
use flate2::read::GzDecoder;
use knowledge_hub::policy::{NodeKind, Right};
use reqwest::header::{HeaderMap, HeaderName};
use serde_json::{Value, json};

use crate::callers::Caller;
use crate::lines::{community, item, organization, person, project, public, role, topic, with};
use crate::support::{self, TestHub};

/// Within how long a change holds in what the hub serves.
const WITHIN: Duration = Duration::from_secs(1);

/// Each kind of listing, with what the sample data have to list.
const LISTINGS: [&str; 6] = [
    "communities-of-organization.html?organization=qcroc",
    "communities-by-topic.html?topic=psychosocial-oncology",
    "communities-by-language.html?language=fr",
    "community.html?community=resot",
    "projects-of-organization.html?organization=cpop",
    "items-of-community.html?community=sample-community-7",
];

/// An answer.
pub struct Got {
    pub status: u16,
    headers: HeaderMap,
    pub text: String,
}

impl Got {
    /// A header; empty where there is none.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }
}

async fn get_with(hub: &TestHub, path: &str, headers: &[(&str, &str)]) -> Got {
    let mut request = hub.client.get(hub.url(path));
    for (name, value) in headers {
        request = request.header(HeaderName::from_bytes(name.as_bytes()).unwrap(), *value);
    }
    let response = request.send().await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let bytes = response.bytes().await.unwrap();
    let mut text = String::new();
    if headers.get("content-encoding").is_some_and(|encoding| encoding == "gzip") {
        GzDecoder::new(&*bytes).read_to_string(&mut text).unwrap();
    } else {
        text = String::from_utf8(bytes.to_vec()).unwrap();
    }
    Got { status, headers, text }
}

/// What is at a path.
pub async fn get(hub: &TestHub, path: &str) -> Got {
    get_with(hub, path, &[]).await
}

/// A community of an organization, with everything that a card can show.
pub fn world() -> Vec<Value> {
    vec![
        topic("t", json!({})),
        organization("o", json!({"name": {"en": "Organization O", "fr": "Organisme O"}})),
        community(
            "c",
            json!({"name": {"en": "Community C"}, "domain": {"en": "care at home", "fr": "soins à domicile"}, "topics": ["t"],
                "eligibility": {"en": "Nurses"}, "meetings": {"fr": "Le premier mardi"}, "joinPolicy": "OPEN", "languages": ["fr"],
                "joinUrl": "https://join.example/c", "contactEmail": "team+c@example.org", "verifiedOn": "2026-03-01",
                "memberCount": {"min": 81, "qualifier": "AT_LEAST"},
                "centreCount": {"min": 1200, "max": 1200, "qualifier": "EXACT", "asOf": "2025-05-03"}}),
        ),
        json!({"kind": "link", "key": "l", "originalLanguage": "en", "linkKind": "HOSTS", "from": "organization:o",
            "to": "community:c"}),
    ]
}

const OF_O: &str = "/embed/communities-of-organization.fragment.html?organization=o&lang=en";

/// Asks until an answer is as wanted, for as long as a change may take.
async fn within(hub: &TestHub, path: &str, is_right: impl Fn(&Got) -> bool) -> Got {
    let began = Instant::now();
    loop {
        let got = get(hub, path).await;
        if is_right(&got) {
            assert!(began.elapsed() < WITHIN, "{path} took {:?}", began.elapsed());
            return got;
        }
        assert!(began.elapsed() < WITHIN * 20, "{path} never came right: {} {}", got.status, got.text);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_listing_is_there_in_both_languages_as_a_page_and_as_a_fragment() {
    let hub = TestHub::with_sample_data().await;
    for listing in LISTINGS {
        for (language, verified) in [("en", "Not yet verified"), ("fr", "Pas encore vérifié")] {
            for layout in ["", "&layout=cards", "&layout=compact"] {
                let path = format!("/embed/{listing}&lang={language}{layout}");
                let page = get(&hub, &path).await;
                assert_eq!(page.status, 200, "{path}: {}", page.text);
                assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
                assert_eq!(page.header("content-language"), language, "{path}");
                assert_eq!(page.header("vary"), "Accept-Encoding");
                let caching = "public, max-age=300, stale-while-revalidate=300, stale-if-error=86400";
                assert_eq!(page.header("cache-control"), caching);
                assert!(page.header("content-security-policy").ends_with("; frame-ancestors *"));
                assert!(!page.header("content-security-policy").contains("unsafe"));
                assert!(page.text.contains(&format!("<html lang=\"{language}\"")), "{path}");
                assert!(page.text.contains("<h1 class=\"kh-"), "{path}");
                assert!(page.text.contains(verified), "{path}");
                assert!(page.text.contains("class=\"kh-report\""), "{path}");
                let fragment = get(&hub, &path.replace(".html?", ".fragment.html?")).await;
                assert_eq!(fragment.status, 200);
                assert!(
                    fragment.text.starts_with("<section class=\"kh\"") && fragment.text.contains("<h2 class=\"kh-")
                );
                assert_eq!(fragment.header("access-control-allow-origin"), "*");
                // One template for both.
                let ids = |text: &str| text.matches("class=\"kh-card\"").count();
                assert!(ids(&page.text) > 0 && ids(&page.text) == ids(&fragment.text), "{path}");
                let data = page.text.split("<script type=\"application/ld+json\">").nth(1).unwrap();
                let data: Value = serde_json::from_str(data.split("</script>").next().unwrap()).unwrap();
                assert_eq!(data["@type"], "ItemList", "{path}");
                assert!(data["itemListElement"][0]["item"]["name"].is_string(), "{path}: {data}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_card_says_what_is_known_in_the_readers_language_and_no_more() {
    let hub = TestHub::with_lines(&world()).await;
    let english = get(&hub, OF_O).await.text;
    for part in [
        "Communities of practice of Organization O",
        "care at home",
        "Nurses",
        "more than 80 members",
        "(date not stated)",
        "1,200 centres",
        "(as of May 3, 2025)",
        "Open to everyone, at once.",
        "href=\"https://join.example/c\"",
        "mailto:team%2Bc@example.org",
        "Verified on March 1, 2026",
        "<span dir=\"auto\" lang=\"fr\">Le premier mardi</span>",
        "<span class=\"kh-hidden\"> (in French)</span>",
        "https://hub.example/report?community=c&amp;lang=en",
    ] {
        assert!(english.contains(part), "{part}: {english}");
    }
    assert_eq!(english.matches("kh-mark").count(), 1, "one text is in another language");
    let french = get(&hub, &OF_O.replace("lang=en", "lang=fr-CA")).await.text;
    for part in [
        "Communautés de pratique\u{a0}: Organisme O",
        "soins à domicile",
        "plus de 80 membres",
        "(date non précisée)",
        "1200\u{a0}établissements",
        "(au 3 mai 2025)",
        "Vérifié le 1er mars 2026",
        "<span dir=\"auto\">Le premier mardi</span>",
        "<span dir=\"auto\" lang=\"en\">Nurses</span>",
        "(en anglais)",
    ] {
        assert!(french.contains(part), "{part}: {french}");
    }
    let sample = TestHub::with_sample_data().await;
    let resot = get(&sample, "/embed/community.html?community=resot&lang=en").await.text;
    // Two communities have no name in any source.
    assert!(resot.contains("<div data-person><dt>Leader</dt>") && resot.contains("Nathalie Daaboul"), "{resot}");
    let nameless = get(&sample, "/embed/community.html?community=qcroc-2022&lang=fr").await.text;
    assert!(nameless.contains("près de 30 médecins") && nameless.contains("winter of 2022"), "{nameless}");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_language_in_the_address_the_readers_own_is_served_and_caches_are_told() {
    let hub = TestHub::with_lines(&world()).await;
    let path = "/embed/community.html?community=c";
    for (accept, language) in [("fr-CA, en;q=0.5", "fr"), ("en", "en"), ("de", "en"), ("", "en")] {
        let got = get_with(&hub, path, &[("accept-language", accept)]).await;
        assert_eq!((got.status, got.header("content-language")), (200, language), "{accept}");
        assert_eq!(got.header("vary"), "Accept-Encoding, Accept-Language");
    }
    let arabic = community(
        "ar",
        json!({"originalLanguage": "ar", "name": {"ar": "مجتمع تجريبي"}, "domain": {"ar": "نص تجريبي"}}),
    );
    support::import(&hub.db, vec![support::file(&[arabic])]).await.unwrap();
    let got = within(&hub, "/embed/community.html?community=ar&lang=ar", |got| got.status == 200).await;
    assert_eq!(got.header("content-language"), "ar, en");
    assert!(got.text.contains("<span dir=\"auto\" lang=\"ar\">نص تجريبي</span>"), "{}", got.text);
    assert!(!got.text.contains("kh-mark"), "it is the language that was asked for");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unchanged_listing_costs_no_query_and_is_not_sent_again() {
    let hub = TestHub::with_lines(&world()).await;
    let plain = get(&hub, OF_O).await;
    let before = hub.db.statements();
    let gzip = get_with(&hub, OF_O, &[("accept-encoding", "gzip, br")]).await;
    assert_eq!((gzip.header("content-encoding"), &gzip.text), ("gzip", &plain.text));
    assert_ne!(gzip.header("etag"), plain.header("etag"), "a tag for each encoding");
    for (tag, encoding) in [(plain.header("etag"), "identity"), (gzip.header("etag"), "gzip")] {
        for held in [tag.to_owned(), format!("\"x\", W/{tag}"), "*".to_owned()] {
            let got = get_with(&hub, OF_O, &[("if-none-match", &held), ("accept-encoding", encoding)]).await;
            assert_eq!((got.status, got.text.len(), got.header("etag")), (304, 0, tag), "{held} {encoding}");
            assert_eq!(got.header("cache-control"), plain.header("cache-control"));
            assert_eq!(got.header("vary"), plain.header("vary"));
        }
        let other = get_with(&hub, OF_O, &[("if-none-match", "\"x\""), ("accept-encoding", encoding)]).await;
        assert_eq!(other.status, 200);
    }
    let head = hub.client.head(hub.url(OF_O)).send().await.unwrap();
    assert_eq!(head.headers()["etag"], plain.header("etag"));
    assert_eq!(hub.db.statements() - before, 0);
    // What changes elsewhere leaves the tag; what changes here does not.
    support::import(&hub.db, vec![support::file(&[organization("elsewhere", json!({}))])]).await.unwrap();
    hub.hub.catch_up().await;
    assert_eq!(get(&hub, OF_O).await.header("etag"), plain.header("etag"));
    let renamed = with(world().remove(2), json!({"name": {"en": "Renamed"}}));
    support::import(&hub.db, vec![support::file(&[renamed])]).await.unwrap();
    let changed = within(&hub, OF_O, |got| got.text.contains("Renamed")).await;
    assert_ne!(changed.header("etag"), plain.header("etag"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_hidden_embargoed_or_retired_is_in_no_listing_at_once() {
    let mut lines = world();
    lines.push(item("seen", json!({"communities": ["c"]})));
    lines.push(item(
        "later",
        json!({"communities": ["c"], "membersAt": "2026-01-01T00:00:00Z", "publicAt": "2999-01-01T00:00:00Z"}),
    ));
    lines.push(with(item("draft", json!({"communities": ["c"]})), json!({"status": "DRAFT", "publishedAt": null})));
    lines.push(project("p", json!({"lead": "o", "communities": ["c"]})));
    let hub = TestHub::with_lines(&lines).await;
    let items = "/embed/items-of-community.html?community=c&lang=en";
    let got = get(&hub, items).await;
    assert_eq!(got.status, 200, "{}", got.text);
    assert!(got.text.contains(">seen<") && !got.text.contains("later") && !got.text.contains("draft"), "{}", got.text);
    let projects = "/embed/projects-of-organization.html?organization=o&lang=en";
    assert!(get(&hub, projects).await.text.contains(">p<"));
    let ways = [
        OF_O,
        "/embed/communities-of-organization.html?organization=o&lang=en",
        "/embed/communities-by-topic.html?topic=t&lang=fr",
        "/embed/communities-by-language.fragment.html?language=fr&lang=en",
    ];
    for path in ways {
        assert!(get(&hub, path).await.text.contains("community=c"), "{path}");
    }
    let alone = "/embed/community.html?community=c&lang=en";
    assert_eq!(get(&hub, alone).await.status, 200);
    // An item that is retired, as if it had never been.
    support::import(&hub.db, vec![support::file(&[json!({"retire": "item:seen"})])]).await.unwrap();
    within(&hub, items, |got| !got.text.contains(">seen<")).await;
    // A community that is retired.
    support::import(&hub.db, vec![support::file(&[json!({"retire": "community:c"})])]).await.unwrap();
    within(&hub, alone, |got| got.status == 404).await;
    for path in ways {
        let got = within(&hub, path, |got| !got.text.contains("community=c")).await;
        assert_eq!(got.status, 200, "{path}");
    }
    let gone = get(&hub, items).await;
    assert_eq!((gone.status, gone.header("cache-control")), (404, "no-cache"));
    assert_eq!(gone.header("access-control-allow-origin"), "*", "a script has to tell it from a hub that is away");
    let never = get(&hub, "/embed/community.html?community=never&lang=en").await;
    let text = |got: &Got| got.text.replace("community=never", "community=c");
    assert_eq!((never.status, text(&never)), (404, text(&get(&hub, alone).await)), "hidden is as if it were not there");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_follows_a_listing_is_told_of_all_that_it_is_made_of() {
    let mut lines = world();
    lines.push(person("leader", json!({"consents": public(&["NAME"])})));
    lines.push(role("r", "leader", "community:c"));
    lines.push(item("i", json!({"communities": ["c"]})));
    lines.push(project("p", json!({"lead": "o", "communities": ["c"]})));
    let hub = TestHub::with_lines(&lines).await;
    let renamed = json!({"name": {"en": "renamed"}});
    let communities = [
        with(world().remove(2), renamed.clone()),
        with(role("r", "leader", "community:c"), json!({"title": {"en": "chief"}})),
        person("leader", json!({"consents": public(&["NAME"]), "name": "Sample leader"})),
        with(world().remove(1), renamed),
    ];
    let topic = [topic("t", json!({"name": {"en": "renamed"}}))];
    let project = [project("p", json!({"lead": "o", "communities": ["c"], "title": {"en": "renamed"}}))];
    let item = [item("i", json!({"communities": ["c"], "title": {"en": "renamed"}}))];
    let follow = async |path: &str| {
        let html = get(&hub, path).await.text;
        let text = html.split("data-follow=\"").nth(1).unwrap().split('"').next().unwrap().replace("&quot;", "\"");
        serde_json::from_str::<Value>(&text).unwrap()
    };
    let of_communities = [
        OF_O,
        "/embed/communities-by-topic.fragment.html?topic=t",
        "/embed/communities-by-language.fragment.html?language=fr",
        "/embed/community.fragment.html?community=c",
    ];
    let mut cases = Vec::new();
    for path in of_communities {
        let of_topic = if path.contains("topic=") { topic.len() } else { 0 };
        cases.push((follow(path).await, communities.len() + of_topic));
    }
    cases.push((follow("/embed/projects-of-organization.fragment.html?organization=o").await, 1));
    cases.push((follow("/embed/items-of-community.fragment.html?community=c").await, 1));
    let after = hub.data("{ changeCursor }").await["changeCursor"].clone();
    for line in communities.iter().chain(&topic).chain(&project).chain(&item) {
        support::import(&hub.db, vec![support::file(std::slice::from_ref(line))]).await.unwrap();
    }
    hub.hub.catch_up().await;
    let query = "query($after: String, $filter: ChangeFilterInput) { changes(first: 100, after: $after, filter: $filter) { nodes { kind } } }";
    for (filter, least) in cases {
        let answer = hub.ask_in("en", query, json!({"after": after, "filter": filter})).await;
        let told = answer["data"]["changes"]["nodes"].as_array().unwrap().len();
        assert!(told >= least, "{filter}: {answer}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_content_is_shown_as_text() {
    let long = "x".repeat(10_000);
    let hostile = "<script>alert(1)</script>\u{202e}\"'& 🎗";
    let hub = TestHub::with_lines(&[
        organization("o", json!({"name": {"en": hostile}})),
        community("c", json!({"name": {"en": "c"}, "eligibility": {"en": &long[..5_000]}, "domain": {"en": "d"}})),
        json!({"kind": "link", "key": "l", "originalLanguage": "en", "linkKind": "HOSTS", "from": "organization:o", "to": "community:c"}),
    ])
    .await;
    // No way in lets these through; a listing does not rely on it.
    let sql = format!(
        "UPDATE communities SET join_url = 'javascript:alert(1)', contact_email = 'a?cc=x\"><b@example.org', \
         domain = jsonb_build_object('en', '{long}'), name = jsonb_build_object('en', '{}')",
        hostile.replace('\'', "''")
    );
    let mut conn = hub.db.connection().await.unwrap();
    conn.batch_execute(&sql).await.unwrap();
    for path in [
        OF_O,
        "/embed/communities-of-organization.html?organization=o&lang=en",
        "/embed/community.html?community=c&lang=en",
    ] {
        let got = get(&hub, path).await;
        assert_eq!(got.status, 200, "{}", got.text);
        assert!(
            !got.text.contains("<script>") && !got.text.contains("javascript:") && !got.text.contains("<b@"),
            "{}",
            got.text
        );
        assert!(got.text.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), "{}", got.text);
        assert!(got.text.contains("<span dir=\"auto\">") && got.text.contains('🎗'));
        for attribute in ["title>", "aria-label=\""] {
            let found = got.text.split(attribute).nth(1).unwrap_or_default();
            let value = found.split(['<', '"']).next().unwrap();
            assert!(!value.contains('\u{202e}'), "{value}");
        }
        assert!(got.text.contains(&long), "what is long is whole");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registered_site_shows_on_its_own_pages_what_it_agreed_to_and_its_uses_are_counted() {
    let hub = TestHub::with_lines(&world()).await;
    let coordinator = Caller::new(&hub, "k", None, &[(Right::Coordinator, Some((NodeKind::Community, "c")))]).await;
    let id = hub.data("{ community(slug: \"c\") { id } }").await["community"]["id"].clone();
    let input = json!({"on": id, "name": "Partner", "origins": ["https://www.partner.example", "https://other.example:8443"],
        "listings": ["community"]});
    let made = coordinator.done(&hub, "siteRegister", input, "site { id }").await["site"]["id"].clone();
    let site = made.as_str().unwrap();
    let page = format!("/embed/community.html?community=c&lang=en&site={site}");
    let fragment = page.replace(".html", ".fragment.html");
    let got = get(&hub, &page).await;
    assert_eq!(got.status, 200);
    let ancestors = "; frame-ancestors 'self' https://www.partner.example https://other.example:8443";
    assert!(got.header("content-security-policy").ends_with(ancestors), "{}", got.header("content-security-policy"));
    for (origin, status, allowed) in [
        ("https://www.partner.example", 200, "https://www.partner.example"),
        ("https://hub.example", 200, "https://hub.example"),
        ("https://partner.example", 403, "*"),
        ("null", 403, "*"),
    ] {
        let got = get_with(&hub, &fragment, &[("origin", origin)]).await;
        assert_eq!((got.status, got.header("access-control-allow-origin")), (status, allowed), "{origin}");
        assert!(got.header("vary").contains("Origin"), "{origin}");
    }
    let other = get(&hub, &format!("{OF_O}&site={site}")).await;
    assert_eq!((other.status, other.text.contains("registered for other listings")), (403, true), "{}", other.text);
    for unknown in ["x", "WAAAAAAAAAAAAAAAAAAAAAA"] {
        assert_eq!(get(&hub, &format!("/embed/community.html?community=c&site={unknown}")).await.status, 404);
    }
    let tag = get(&hub, &page).await.header("etag").to_owned();
    assert_eq!(get_with(&hub, &page, &[("if-none-match", &tag)]).await.status, 304);
    // Two pages, two fragments, one that was known already.
    hub.hub.embeds().sites().write(&hub.hub).await.unwrap();
    let uses = "{ community(slug: \"c\") { sites { nodes { uses { listing count } } } } }";
    let counted = coordinator.data(&hub, uses).await;
    let counted = &counted["community"]["sites"]["nodes"][0]["uses"];
    assert_eq!(*counted, json!([{"listing": "community", "count": 5}]));
    // Nothing is noted of who reads.
    let edit = json!({"site": site, "origins": ["https://new.example"]});
    coordinator.done(&hub, "siteEdit", edit, "site { id }").await;
    let framed = |got: &Got| got.header("content-security-policy").ends_with("'self' https://new.example");
    within(&hub, &page, framed).await;
    coordinator.done(&hub, "siteRemove", json!({"site": site}), "site { id }").await;
    within(&hub, &page, |got| got.status == 404).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_an_address_is_said_in_the_readers_language() {
    let hub = TestHub::with_lines(&world()).await;
    for (path, status, sentence) in [
        ("community.html?lang=fr", 400, "Il manque «\u{a0}community\u{a0}»"),
        ("community.fragment.html?lang=en", 400, "The address lacks “community”"),
        ("communities-of-organization.html?organization=o&first=0&lang=en", 400, "This listing cannot be made:"),
        (
            "communities-of-organization.html?organization=o&after=x&lang=fr",
            400,
            "Cette liste ne peut pas être produite",
        ),
        ("communities-by-language.html?language=fr_CA&lang=en", 400, "This listing cannot be made:"),
        ("community.html?community=c&layout=table&lang=en", 400, "“table” is no value for “layout”"),
        ("community.html?community=none&lang=fr", 404, "n’est pas public"),
        ("comunity.fragment.html?community=c&lang=en", 404, "is not public"),
        ("nothing.html?lang=en", 404, "is not public"),
    ] {
        let got = get(&hub, &format!("/embed/{path}")).await;
        assert_eq!(got.status, status, "{path}: {}", got.text);
        assert!(got.text.contains(sentence), "{path}: {}", got.text);
        let is_page = !path.contains(".fragment.");
        assert_eq!(got.text.contains("<!DOCTYPE html>"), is_page);
        assert_eq!(got.header("access-control-allow-origin"), "*");
        assert!(!got.header("cache-control").contains("public"));
    }
    for path in [
        "nothing.html",
        "community",
        "community.htm",
        "../embed/community.html.html",
        "v1/nothing.js",
        "v9/listing.js",
        "%ff.html",
    ] {
        assert_eq!(get(&hub, &format!("/embed/{path}")).await.status, 404, "{path}");
    }
    let poor = TestHub::with_flags(hub.db.clone(), &["--limit", "cost_per_minute=3000"]).await;
    let mut refused = None;
    for count in 0..200 {
        let got = get(&poor, &format!("/embed/community.html?community=c&lang=en&heading={}", count % 5 + 1)).await;
        if got.status == 429 {
            refused = Some(got);
            break;
        }
    }
    let refused = refused.expect("nobody may have as many made as they like");
    assert!(refused.header("retry-after").parse::<u32>().unwrap() > 0);
}
