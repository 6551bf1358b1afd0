//! The page on which a webmaster chooses a listing, sees it, and copies a snippet. It works without scripts: a form that asks for
//! itself.

use std::net::SocketAddr;

use axum::extract::{ConnectInfo, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use minijinja::value::Serde;
use minijinja::{Value, context};
use serde_json::{Value as Json, json};
use strum::VariantArray;
use url::form_urlencoded;

use crate::error::Fault;
use crate::http::embed::address::{Layout, Theme, Wish};
use crate::http::embed::render::{Made, Shape};
use crate::http::embed::{self, listings, scripts};
use crate::http::execution::Asker;
use crate::http::files::escaped;
use crate::http::pages::{self, PageLanguage};
use crate::http::{Hub, account};
use crate::text::language::LanguageTag;
use crate::text::messages::Message;

/// The page's address.
const ADDRESS: &str = "embed";

/// What the page costs: it reads the names that one can choose from.
const PAGE_COST: u32 = 1_000;

/// The kind of listing that is chosen at first, and what of.
const FIRST: &str = "communities-of-organization";

/// The accent that listings have by themselves, as a colour field shows it.
const OWN_ACCENT: &str = "0b5a6b";

/// The least contrast between text and ground (WCAG 2.2, 1.4.3).
const LEAST_CONTRAST: f64 = 4.5;

/// The names that are offered at first; others are found while one types.
const CHOICES: &str = "query EmbedChoices {
  organizations(first: 100) { nodes { slug name } }
  communities(first: 100) { nodes { slug name: displayName } }
  topics(first: 100) { nodes { slug name } }
}";

/// What the form holds.
#[derive(Clone, Default)]
struct Form {
    listing: String,
    values: Vec<(String, String)>,
    tag: String,
    layout: String,
    theme: String,
    accent: String,
    is_live: bool,
    site: String,
}

impl Form {
    fn of(raw: Option<&str>) -> Self {
        let mut form = Self { listing: FIRST.to_owned(), ..Self::default() };
        for (name, value) in form_urlencoded::parse(raw.unwrap_or_default().as_bytes()) {
            let value = value.trim();
            if value.is_empty() {
                continue;
            }
            match &*name {
                "listing" => value.clone_into(&mut form.listing),
                "in" => value.clone_into(&mut form.tag),
                "layout" => value.clone_into(&mut form.layout),
                "theme" => value.clone_into(&mut form.theme),
                "accent" => value.trim_start_matches('#').clone_into(&mut form.accent),
                "live" => form.is_live = true,
                "site" => value.clone_into(&mut form.site),
                "lang" => {}
                // The first of several equal names counts, as in the address of a listing.
                name if form.value(name).is_empty() => form.values.push((name.to_owned(), value.to_owned())),
                _ => {}
            }
        }
        // A name that the listing does not know would stand in the snippet as it is.
        let listing = listings::by_name(&form.listing);
        let knows =
            |name: &str| listing.is_some_and(|own| own.variables().iter().any(|variable| variable.name == name));
        form.values.retain(|(name, _)| knows(name));
        if form.accent.eq_ignore_ascii_case(OWN_ACCENT) {
            form.accent.clear();
        }
        form
    }

    /// What is asked for as the address of a listing has it.
    fn query(&self) -> String {
        let mut pairs = form_urlencoded::Serializer::new(String::new());
        pairs.extend_pairs(&self.values);
        for (name, value) in [
            ("lang", &self.tag),
            ("layout", &self.layout),
            ("theme", &self.theme),
            ("accent", &self.accent),
            ("site", &self.site),
        ] {
            if !value.is_empty() {
                pairs.append_pair(name, value);
            }
        }
        pairs.finish()
    }

    fn value(&self, name: &str) -> &str {
        self.values.iter().find(|(given, _)| given == name).map(|(_, value)| value.as_str()).unwrap_or_default()
    }
}

/// Shows the page.
pub async fn page(
    State(hub): State<Hub>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Response {
    let language = PageLanguage::of_reader(raw.as_deref(), &headers);
    let asker = Asker::of_request(hub.clone(), peer, &headers);
    let shown = async {
        asker.enter(&headers, PAGE_COST)?;
        let form = Form::of(raw.as_deref());
        Ok((choices(&asker, language).await?, result(&asker, &form, language).await?, form))
    };
    match shown.await {
        Ok((choices, result, form)) => written(&hub, language, &form, &choices, result),
        Err(fault) => account::refusal(&hub, language, &fault, "", Message::new("embed-refused-title")),
    }
}

fn written(hub: &Hub, language: PageLanguage, form: &Form, choices: &Json, result: Value) -> Response {
    let kinds: Vec<Value> = listings::all()
        .map(|listing| {
            let fields: Vec<&str> = listing
                .variables()
                .iter()
                .filter(|variable| variable.is_required)
                .map(|variable| variable.name.as_str())
                .collect();
            context! { name => listing.name(), fields => fields.join(" "), is_chosen => listing.name() == form.listing }
        })
        .collect();
    let mut names: Vec<&str> = Vec::new();
    for variable in listings::all().flat_map(listings::Listing::variables).filter(|variable| variable.is_required) {
        if !names.contains(&variable.name.as_str()) {
            names.push(&variable.name);
        }
    }
    let fields: Vec<Value> = names
        .into_iter()
        .map(|name| {
            let offered = choices.pointer(&format!("/{}/nodes", plural(name))).cloned().unwrap_or_default();
            context! { name, value => form.value(name), offered => Value::from(Serde(offered)) }
        })
        .collect();
    let looks: Vec<&str> = Layout::VARIANTS.iter().map(AsRef::as_ref).collect();
    let themes: Vec<&str> = Theme::VARIANTS.iter().map(AsRef::as_ref).collect();
    let accent = if form.accent.is_empty() { OWN_ACCENT } else { &form.accent };
    pages::page(
        language,
        "",
        "embed.html",
        context! {
            page => ADDRESS, has_editor => hub.has_editor(), choices => pages::choices(ADDRESS, None),
            kinds, fields, looks, themes, result,
            chosen => context! {
                layout => form.layout.as_str(), theme => form.theme.as_str(), tag => form.tag.as_str(),
                accent => format!("#{accent}"), live => form.is_live, site => form.site.as_str(),
            },
            script => format!("embed/{}", scripts::address("configurator.js")),
            style => format!("embed/{}", scripts::address("configurator.css")),
            resize => format!("embed/{}", scripts::address("resize.js")),
        },
    )
}

/// The list in which names for a variable are found.
fn plural(name: &str) -> &'static str {
    match name {
        "organization" => "organizations",
        "community" => "communities",
        "topic" => "topics",
        _ => "",
    }
}

/// The names that one can choose from.
async fn choices(asker: &Asker, language: PageLanguage) -> Result<Json, Fault> {
    let asker = asker.clone().reading(language.languages());
    embed::render::executed(&asker, CHOICES, json!({})).await
}

/// The listing that is chosen, and how to show it; or what is missing.
async fn result(asker: &Asker, form: &Form, language: PageLanguage) -> Result<Value, Fault> {
    let Some(listing) = listings::by_name(&form.listing) else {
        return Ok(context! { sentence => language.say(&Message::new("embed-choose-kind")) });
    };
    let has_all =
        listing.variables().iter().all(|variable| !variable.is_required || !form.value(&variable.name).is_empty());
    if !has_all {
        return Ok(context! { sentence => language.say(&Message::new("embed-choose-what")) });
    }
    let lang = LanguageTag::parse(if form.tag.is_empty() { language.tag() } else { &form.tag });
    let wish = match (Wish::read(listing, Some(&form.query())), &lang) {
        (Ok(wish), Ok(_)) => wish,
        (Err(fault), _) => return Ok(context! { sentence => language.say(fault.message()) }),
        (_, Err(message)) => return Ok(context! { sentence => language.say(message) }),
    };
    let lang = lang.unwrap_or_else(|_| LanguageTag::english());
    let made = embed::made(asker, &wish, (Shape::Page, &lang), asker.hub.recent().await?).await;
    let rendered = match &made {
        Ok(made) => match &**made {
            Made::Listing(rendered) => rendered,
            Made::Missing => return Ok(context! { sentence => language.say(&Message::new("embed-missing")) }),
        },
        Err(fault) if fault.cause().is_none() => return Ok(context! { sentence => language.say(fault.message()) }),
        Err(fault) => return Err(fault.clone()),
    };
    let hub_address = asker.hub.public_url();
    let snippets = Snippets { wish: &wish, form, lang: &lang, hub: hub_address, title: &rendered.title };
    let faint = wish.accent.as_deref().map(contrast_with_white).filter(|contrast| *contrast < LEAST_CONTRAST);
    Ok(context! {
        title => rendered.title.as_str(),
        preview => snippets.preview(),
        faint => faint.map(|contrast| format!("{contrast:.1}")),
        component => snippets.component(None),
        pinned => scripts::newest().map(|release| snippets.component(Some(&release))),
        frame => snippets.framed(),
        html => snippets.included(),
        oembed => snippets.address(),
    })
}

/// What is copied.
struct Snippets<'a> {
    wish: &'a Wish,
    form: &'a Form,
    lang: &'a LanguageTag,
    hub: &'a str,
    title: &'a str,
}

impl Snippets<'_> {
    fn address(&self) -> String {
        format!("{}/embed/{}.html?{}", self.hub, self.wish.listing.name(), self.form.query())
    }

    /// The page that shows it here: the same, but without the site, whose pages alone may frame it.
    fn preview(&self) -> String {
        let form = Form { site: String::new(), ..self.form.clone() };
        let lang = form_urlencoded::Serializer::new(String::new()).append_pair("lang", self.lang.as_str()).finish();
        let query = form.query();
        let rest = if form.tag.is_empty() { format!("&{lang}") } else { String::new() };
        format!("embed/{}.html?{query}{rest}", self.wish.listing.name())
    }

    fn component(&self, release: Option<&scripts::Release>) -> String {
        let script = match release {
            None => format!("<script type=\"module\" src=\"{}/embed/v1/listing.js\"></script>", self.hub),
            Some(release) => format!(
                "<script type=\"module\" src=\"{}/embed/v{}/listing.js\" integrity=\"{}\" crossorigin=\"anonymous\"></script>",
                self.hub, release.version, release.integrity,
            ),
        };
        let mut attributes = format!(" listing=\"{}\"", self.wish.listing.name());
        let mut add = |name: &str, value: &str| {
            if !value.is_empty() {
                attributes.push_str(&format!(" {name}=\"{}\"", escaped(value)));
            }
        };
        for (name, value) in &self.form.values {
            add(name, value);
        }
        add("lang", &self.form.tag);
        add("layout", &self.form.layout);
        add("theme", &self.form.theme);
        add("accent", &self.form.accent);
        add("site", &self.form.site);
        let live = if self.form.is_live { " live" } else { "" };
        let address = self.address();
        format!(
            "{script}\n<knowledge-hub-listing{attributes}{live}><a href=\"{}\">{}</a></knowledge-hub-listing>",
            escaped(&address),
            escaped(self.title),
        )
    }

    fn framed(&self) -> String {
        let frame = frame(&self.address(), self.title, embed::oembed::HEIGHT);
        format!("{frame}\n<script type=\"module\" src=\"{}/embed/v1/resize.js\"></script>", self.hub)
    }

    fn included(&self) -> String {
        format!("{}/embed/{}.fragment.html?{}", self.hub, self.wish.listing.name(), self.form.query())
    }
}

/// The frame that shows what is at an address.
pub fn frame(address: &str, title: &str, height: u32) -> String {
    format!(
        "<iframe data-knowledge-hub src=\"{}\" title=\"{}\" width=\"100%\" height=\"{height}\" loading=\"lazy\" \
         referrerpolicy=\"no-referrer\" sandbox=\"allow-scripts allow-same-origin allow-popups allow-popups-to-escape-sandbox \
         allow-top-navigation-by-user-activation\"></iframe>",
        escaped(address),
        escaped(title),
    )
}

/// The contrast of a colour with white (WCAG 2.2, relative luminance).
fn contrast_with_white(digits: &str) -> f64 {
    let channel = |start: usize| {
        let value = digits.get(start..start.saturating_add(2)).and_then(|part| u8::from_str_radix(part, 16).ok());
        let value = f64::from(value.unwrap_or_default()) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    let luminance = 0.2126 * channel(0) + 0.7152 * channel(2) + 0.0722 * channel(4);
    1.05 / (luminance + 0.05)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contrast_is_that_of_the_guidelines() {
        for (colour, expected) in [("ffffff", 1.0), ("000000", 21.0), ("767676", 4.54), ("0b5a6b", 7.81)] {
            let contrast = contrast_with_white(colour);
            assert!((contrast - expected).abs() < 0.1, "{colour}: {contrast}");
        }
    }

    #[test]
    fn what_is_chosen_becomes_an_address() {
        let form =
            Form::of(Some("listing=community&community=r%C3%A9sot&in=fr&layout=&accent=%230B5A6B&lang=en&live=on"));
        assert_eq!(form.query(), "community=r%C3%A9sot&lang=fr");
        assert!(form.is_live && form.accent.is_empty());
        let form = Form::of(Some("listing=community&community=a&community=b&onclick=x&organization=o"));
        assert_eq!(form.query(), "community=a");
        assert_eq!(Form::of(None).listing, FIRST);
    }
}
