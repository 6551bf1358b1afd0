//! Making a listing: its document is executed as anybody would execute it, and its template written with what came of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::http::HeaderValue;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use minijinja::value::Serde;
use minijinja::{Value, context};
use serde_json::Value as Json;
use sha2::{Digest, Sha256};
use url::form_urlencoded;

use crate::error::{Code, Fault};
use crate::http::embed::address::Wish;
use crate::http::embed::answer::Encoded;
use crate::http::embed::{listings, scripts, words};
use crate::http::execution::{Asker, Parameters, Prepared, Short};
use crate::http::kept::Weighed;
use crate::text::language::{LanguageTag, Languages};
use crate::text::messages::Message;

/// What a page may load: the hub's own script and styles, and nothing that could be clicked in somebody else's name.
const PAGE_POLICY: &str =
    "default-src 'none'; script-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; style-src 'self'";

/// The end of the policy of a page that anybody may frame.
pub const ANYBODY: &str = "*";

/// What a fragment may do when somebody opens it by itself: nothing.
const FRAGMENT_POLICY: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox";

/// How much of a listing is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::AsRefStr)]
pub enum Shape {
    /// The listing alone, to be put into a page.
    Fragment,
    /// A page with the listing.
    Page,
}

/// What was made for an address.
pub enum Made {
    /// A listing.
    Listing(Box<Rendered>),
    /// There is nothing of the kind, or nobody may see it.
    Missing,
}

/// A listing.
pub struct Rendered {
    /// What it is called, as plain text.
    pub title: String,
    /// The bytes.
    pub body: Encoded,
    /// The languages that it is in.
    pub languages: Option<HeaderValue>,
    /// What it may load, for whoever frames it.
    pub policy: HeaderValue,
}

impl Weighed for Arc<Made> {
    fn bytes(&self) -> usize {
        match &**self {
            Made::Listing(rendered) => rendered.body.bytes().saturating_add(rendered.title.len()),
            Made::Missing => 0,
        }
    }
}

/// The document of a listing with what it is asked for, judged without the database, and paid for by whoever asks.
pub fn prepare(asker: &Asker, wish: &Wish) -> Result<Prepared, Fault> {
    let variables: serde_json::Map<String, Json> = wish.variables.clone().into_iter().collect();
    paid(asker, wish.listing.document(), variables.into())
}

/// Makes a listing in a language. `position` is where the log stood after the request came.
pub async fn make(
    (asker, prepared): (&Asker, Prepared),
    wish: &Wish,
    shape: Shape,
    lang: &LanguageTag,
    position: i64,
) -> Result<Arc<Made>, Fault> {
    let languages = Languages::new(vec![lang.clone()], asker.hub.default_language().clone());
    let data = found(&asker.clone().reading(languages), prepared, position).await?;
    // What it asks for is not there, or nobody may see it.
    if data.as_object().is_none_or(|fields| fields.values().any(Json::is_null)) {
        return Ok(Arc::new(Made::Missing));
    }
    let root = format!("{}/", asker.hub.public_url());
    let interface = words::interface_of(lang, asker.hub.default_language());
    let own_style = wish.accent.as_ref().filter(|_| shape == Shape::Page).map(|accent| style(accent));
    let level = wish.heading.unwrap_or(if shape == Shape::Page { 1 } else { 2 });
    let values = Values { wish, lang, interface: &interface, root: &root };
    let fragment = values.fragment(&data, level);
    let (title, fragment) = fragment.map_err(|error| Fault::internal("writing a listing", error))?;
    let languages = languages_of(&data, lang, &interface);
    let (text, policy) = match shape {
        Shape::Fragment => (fragment, FRAGMENT_POLICY.to_owned()),
        Shape::Page => {
            let page = values.page(&title, &fragment, own_style.as_deref());
            let page = page.map_err(|error| Fault::internal("writing the page of a listing", error))?;
            let hash = own_style.map(|style| format!(" 'sha256-{}'", STANDARD.encode(Sha256::digest(style))));
            (page, format!("{PAGE_POLICY}{}; frame-ancestors {ANYBODY}", hash.unwrap_or_default()))
        }
    };
    let languages = HeaderValue::from_str(&languages).ok();
    let policy = HeaderValue::try_from(policy).map_err(|error| Fault::internal("writing a policy", error))?;
    Ok(Arc::new(Made::Listing(Box::new(Rendered { title, body: Encoded::new(text), languages, policy }))))
}

/// The data that a trusted document of the hub's pages finds, paid for by whoever asks.
pub async fn executed(asker: &Asker, document: &str, variables: Json) -> Result<Json, Fault> {
    let prepared = paid(asker, document, variables)?;
    let at = asker.hub.recent().await?;
    found(asker, prepared, at.position).await
}

fn paid(asker: &Asker, document: &str, variables: Json) -> Result<Prepared, Fault> {
    let parameters =
        Parameters { query: Some(document.to_owned()), variables: Some(variables), ..Parameters::default() };
    let prepared = asker.prepare(parameters).map_err(refusal_of)?;
    asker.spend(prepared.cost)?;
    Ok(prepared)
}

async fn found(asker: &Asker, prepared: Prepared, position: i64) -> Result<Json, Fault> {
    let body = asker.execute(prepared, Some(position)).await.map_err(refusal_of)?;
    let unreadable = |error: serde_json::Error| Fault::internal("reading what a document found", error);
    let mut answer: Json = serde_json::from_slice(&body).map_err(unreadable)?;
    Ok(answer.get_mut("data").map(Json::take).unwrap_or_default())
}

/// What is wrong with the values of an address, in the words of the contract; or what went wrong.
fn refusal_of(short: Short) -> Fault {
    let errors = match short {
        Short::Refused(fault) => return fault,
        Short::Unexecuted(errors) => errors,
        Short::Partial(body) => {
            let answer: Json = serde_json::from_slice(&body).unwrap_or_default();
            answer.get("errors").and_then(Json::as_array).cloned().unwrap_or_default()
        }
    };
    let text = |error: &Json, at: &str| error.pointer(at).and_then(Json::as_str).map(str::to_owned);
    // What the values of an address lead to, among them more than the operator lets anybody ask for.
    let of_values = [Code::BadUserInput, Code::GraphqlValidationFailed, Code::QueryTooComplex];
    let of_user = errors.iter().find(|error| {
        let code = text(error, "/extensions/code");
        code.is_some_and(|code| of_values.iter().any(|own| own.as_ref() == code))
    });
    match of_user.and_then(|error| text(error, "/message")) {
        Some(reason) => Fault::new(Code::BadRequest, Message::new("embed-refused").with("reason", reason)),
        None => Fault::internal("making a listing", Json::from(errors)),
    }
}

/// The languages of a listing: the one that was asked for, if anything is in it, and that of the hub's own words.
fn languages_of(data: &Json, lang: &LanguageTag, interface: &LanguageTag) -> String {
    let mut found = BTreeSet::new();
    collect(data, &mut found);
    let has_any = lang.primary() != interface.primary()
        && found.iter().any(|tag| LanguageTag::parse(tag).is_ok_and(|tag| tag.primary() == lang.primary()));
    if has_any { format!("{lang}, {interface}") } else { interface.to_string() }
}

fn collect<'a>(value: &'a Json, found: &mut BTreeSet<&'a str>) {
    match value {
        Json::Object(fields) => {
            for (name, value) in fields {
                match value {
                    Json::String(tag) if name == "language" => {
                        found.insert(tag);
                    }
                    other => collect(other, found),
                }
            }
        }
        Json::Array(values) => values.iter().for_each(|value| collect(value, found)),
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}

/// The one rule that an address brings along.
fn style(accent: &str) -> String {
    format!(":root{{--knowledge-hub-accent:#{accent}}}")
}

/// What the templates are filled with.
struct Values<'a> {
    wish: &'a Wish,
    lang: &'a LanguageTag,
    interface: &'a LanguageTag,
    root: &'a str,
}

impl Values<'_> {
    fn common(&self) -> Value {
        let variables: serde_json::Map<String, Json> = self.wish.variables.clone().into_iter().collect();
        context! {
            listing => self.wish.listing.name(),
            variables => Value::from(Serde(variables)),
            lang => self.lang.as_str(),
            interface => self.interface.as_str(),
            layout => self.wish.layout.as_ref(),
            theme => self.wish.theme.as_ref().map(AsRef::as_ref),
            root => self.root,
            dress => Value::from(Serde(self.wish.dress())),
            page_address => format!("{}{}", self.root, self.wish.page(self.lang)),
        }
    }

    /// The title and the fragment.
    fn fragment(&self, data: &Json, level: u8) -> Result<(String, String), minijinja::Error> {
        let template = listings::templates().get_template(&format!("{}.html", self.wish.listing.name()))?;
        let own = context! {
            data => Value::from(Serde(data)), level, card_level => level.saturating_add(1).min(6),
        };
        let written = template.render_captured(context! { ..own, ..self.common() })?;
        let title = written.state().lookup("title").and_then(|title| title.as_str().map(str::to_owned));
        Ok((title.unwrap_or_default(), written.into_output()))
    }

    fn page(&self, title: &str, fragment: &str, own_style: Option<&str>) -> Result<String, minijinja::Error> {
        let whole = format!("{}{}", self.root, self.wish.whole_page());
        let oembed = |format: &str| {
            let start = format!("{}oembed?", self.root);
            let length = start.len();
            let mut pairs = form_urlencoded::Serializer::for_suffix(start, length);
            pairs.append_pair("url", &whole).append_pair("format", format);
            pairs.finish()
        };
        let mut tags: Vec<LanguageTag> =
            ["en", "fr"].into_iter().filter_map(|tag| LanguageTag::parse(tag).ok()).collect();
        if !tags.iter().any(|tag| tag.primary() == self.lang.primary()) {
            tags.push(self.lang.clone());
        }
        let choices: Vec<Value> = tags
            .iter()
            .map(|tag| {
                let address = format!("{}{}", self.root, self.wish.page(tag));
                context! { language => tag.as_str(), address }
            })
            .collect();
        let own = context! {
            title, fragment, own_style, choices,
            oembed_json => oembed("json"),
            oembed_xml => oembed("xml"),
            ..scripts::addresses()?
        };
        let template = listings::templates().get_template("page.html")?;
        template.render(context! { ..own, ..self.common() })
    }
}

/// A page that says in a sentence why there is no listing.
pub fn message_page(
    title: &str,
    sentence: &str,
    interface: &LanguageTag,
    root: &str,
) -> Result<String, minijinja::Error> {
    let template = listings::templates().get_template("message.html")?;
    template.render(context! {
        title, sentence, root,
        interface => interface.as_str(),
        lang => interface.as_str(),
        ..scripts::addresses()?
    })
}
