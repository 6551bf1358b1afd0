//! oEmbed: where an address of a listing is pasted, the listing is shown (<https://oembed.com>).

use std::fmt::Write as _;
use std::net::SocketAddr;

use axum::extract::{ConnectInfo, RawQuery, State};
use axum::http::header::{
    ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use url::form_urlencoded;

use crate::error::{Code, Fault};
use crate::http::budget::BASE_COST;
use crate::http::embed::address::Wish;
use crate::http::embed::render::{Made, Shape};
use crate::http::embed::{self, configurator, listings};
use crate::http::execution::Asker;
use crate::http::graphql::status_of;
use crate::http::pages::PageLanguage;
use crate::http::{Hub, files};
use crate::text::messages::Message;

/// How large a listing is shown when nobody says how large it may be, in CSS pixels.
const WIDTH: u32 = 640;

/// How high, in CSS pixels.
pub const HEIGHT: u32 = 600;

/// How long a consumer may keep the answer, in seconds: as long as the listing itself.
const CACHE_AGE_S: u32 = 300;

/// The longest query part that is read, in bytes: an address within an address.
const MAX_QUERY_BYTES: usize = 8_000;

/// What a consumer asks.
#[derive(Default)]
struct Query {
    url: Option<String>,
    format: Option<String>,
    width: Option<u32>,
    height: Option<u32>,
}

impl Query {
    fn of(raw: Option<&str>) -> Self {
        let mut query = Self::default();
        let raw = raw.filter(|raw| raw.len() <= MAX_QUERY_BYTES).unwrap_or_default();
        for (name, value) in form_urlencoded::parse(raw.as_bytes()) {
            match &*name {
                "url" => query.url = query.url.or_else(|| Some(value.into_owned())),
                "format" => query.format = query.format.or_else(|| Some(value.into_owned())),
                "maxwidth" => query.width = value.parse().ok(),
                "maxheight" => query.height = value.parse().ok(),
                _ => {}
            }
        }
        query
    }
}

/// Answers a consumer of oEmbed.
pub async fn answer(
    State(hub): State<Hub>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    RawQuery(raw): RawQuery,
    headers: HeaderMap,
) -> Response {
    let asker = Asker::of_request(hub.clone(), peer, &headers);
    let query = Query::of(raw.as_deref());
    let is_xml = match query.format.as_deref() {
        None | Some("json") => false,
        Some("xml") => true,
        Some(_) => return plain(&headers, StatusCode::NOT_IMPLEMENTED, &Message::new("oembed-format")),
    };
    match listing(&asker, &query, &headers).await {
        Ok((title, html, size)) => found(&hub, is_xml, (&title, &html), size),
        Err(fault) => {
            let fault = hub.told(&fault);
            let mut response = plain(&headers, status_of(fault.code()), fault.message());
            if let Some(seconds) = fault.worth_retrying_after() {
                response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
            }
            response
        }
    }
}

/// The title of the listing at an address, the frame that shows it, and its size.
async fn listing(asker: &Asker, query: &Query, headers: &HeaderMap) -> Result<(String, String, (u32, u32)), Fault> {
    asker.enter(headers, BASE_COST)?;
    let unknown = || Fault::new(Code::NotFound, Message::new("oembed-unknown"));
    let address =
        query.url.as_deref().ok_or_else(|| Fault::new(Code::BadRequest, Message::new("oembed-no-address")))?;
    let below = format!("{}/embed/", asker.hub.public_url());
    let rest = address.strip_prefix(&below).ok_or_else(unknown)?;
    let rest = rest.split('#').next().unwrap_or_default();
    let (file, asked) = rest.split_once('?').unwrap_or((rest, ""));
    let Some((name, Shape::Page)) = embed::shaped(file) else { return Err(unknown()) };
    let listing = listings::by_name(name).ok_or_else(unknown)?;
    let wish = Wish::read(listing, Some(asked))?;
    let lang = embed::language(asker, &wish);
    let made = embed::made(asker, &wish, (Shape::Page, &lang), asker.hub.recent().await?).await?;
    let Made::Listing(rendered) = &*made else { return Err(unknown()) };
    let within = |most: Option<u32>, usual: u32| most.map_or(usual, |most| most.min(usual));
    let size = (within(query.width, WIDTH), within(query.height, HEIGHT));
    let address = format!("{}/{}", asker.hub.public_url(), wish.whole_page());
    let frame = configurator::frame(&address, &rendered.title, size.1);
    Ok((rendered.title.clone(), frame, size))
}

fn found(hub: &Hub, is_xml: bool, (title, html): (&str, &str), (width, height): (u32, u32)) -> Response {
    let provider = PageLanguage::English.say(&Message::new("page-hub-name"));
    let address = format!("{}/", hub.public_url());
    let (media_type, body) = if is_xml {
        let mut xml = String::from("<?xml version=\"1.0\" encoding=\"utf-8\" standalone=\"yes\"?>\n<oembed>");
        let (width, height, age) = (width.to_string(), height.to_string(), CACHE_AGE_S.to_string());
        for (name, value) in [
            ("type", "rich"),
            ("version", "1.0"),
            ("title", title),
            ("provider_name", &provider),
            ("provider_url", &address),
            ("cache_age", &age),
            ("width", &width),
            ("height", &height),
            ("html", html),
        ] {
            // Writing to a string never fails.
            let _ = write!(xml, "<{name}>{}</{name}>", files::escaped(value));
        }
        xml.push_str("</oembed>\n");
        ("text/xml; charset=utf-8", xml)
    } else {
        let json = json!({
            "type": "rich", "version": "1.0", "title": title, "provider_name": provider, "provider_url": address,
            "cache_age": CACHE_AGE_S, "width": width, "height": height, "html": html,
        });
        ("application/json; charset=utf-8", json.to_string())
    };
    let headers = [
        (CONTENT_TYPE, media_type),
        (CACHE_CONTROL, "public, max-age=300"),
        (VARY, "Accept-Language"),
        (ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    (headers, body).into_response()
}

fn plain(headers: &HeaderMap, status: StatusCode, message: &Message) -> Response {
    let sentence = PageLanguage::of_reader(None, headers).say(message) + "\n";
    let own = [(CONTENT_TYPE, "text/plain; charset=utf-8"), (CACHE_CONTROL, "no-cache"), (VARY, "Accept-Language")];
    (status, own, [(X_CONTENT_TYPE_OPTIONS, "nosniff"), (ACCESS_CONTROL_ALLOW_ORIGIN, "*")], sentence).into_response()
}
