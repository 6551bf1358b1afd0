//! Listings that partners put into their own pages: as a web component, in a frame, as HTML, or by their bare address.
//!
//! **Invariant:** a listing shows what anybody sees. It is a trusted document, executed like any other, and a template.
//! **Invariant:** what was made of an address is given while the change log ends where it ended when it was made, and the end was
//! seen within the last second.
//!
//! A new kind of listing is a document and a template in `embed/listings/`, and its sentences.

pub mod address;
pub mod answer;
pub mod configurator;
pub mod listings;
pub mod oembed;
pub mod render;
pub mod report;
pub mod scripts;
pub mod sites;
pub mod words;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::rejection::PathRejection;
use axum::extract::{ConnectInfo, Path, RawQuery, State};
use axum::http::header::{CONTENT_LANGUAGE, ORIGIN, RETRY_AFTER};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::changes::cursor::Cursor;
use crate::error::{Code, Fault};
use crate::http::Hub;
use crate::http::budget::BASE_COST;
use crate::http::embed::address::Wish;
use crate::http::embed::answer::{SHARED, Told};
use crate::http::embed::listings::Listing;
use crate::http::embed::render::{Made, Rendered, Shape};
use crate::http::embed::sites::{Sites, Terms};
use crate::http::execution::Asker;
use crate::http::files;
use crate::http::graphql::status_of;
use crate::http::kept::{Asked, Kept};
use crate::http::operations::Transport;
use crate::http::pages::PageLanguage;
use crate::text::language::LanguageTag;
use crate::text::messages::Message;

/// The longest that a listing is kept while nothing changes: as long as any cache on the way may keep it, so that what the log
/// does not tell, such as an operator's own statement, is seen by then.
const MAX_AGE: Duration = Duration::from_secs(300);

/// How the name of a fragment ends, and that of a page.
const FRAGMENT: &str = ".fragment.html";
const PAGE: &str = ".html";

/// What is kept for listings.
pub struct Embeds {
    kept: Kept<Arc<Made>, Fault>,
    sites: Sites,
}

impl Default for Embeds {
    fn default() -> Self {
        Self { kept: Kept::for_as_long_as(MAX_AGE), sites: Sites::default() }
    }
}

impl Embeds {
    /// The sites that show listings.
    pub fn sites(&self) -> &Sites {
        &self.sites
    }
}

/// The routes: `/embed` and what lies below it, `/oembed` and `/report`.
pub fn router() -> Router<Hub> {
    Router::new()
        .route("/embed", get(configurator::page))
        .route("/embed/{file}", get(show))
        .route("/embed/{version}/{file}", get(scripts::file))
        .route("/oembed", get(oembed::answer))
        .merge(report::router())
}

/// The names of the operations that listings, and the pages around them, are made of.
pub fn operations() -> impl Iterator<Item = String> {
    let of_pages = ["EmbedChoices", "HubHoldings", "ReportCommunity", "ReportMistake"];
    listings::all().map(Listing::operation).chain(of_pages).map(str::to_owned)
}

async fn show(
    State(hub): State<Hub>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    path: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    // A path that cannot be decoded names no file either.
    let Some((name, shape)) = path.as_ref().ok().and_then(|Path(file)| shaped(file)) else {
        return files::missing(&headers);
    };
    let asker = Asker::of_request(hub, peer, &headers);
    let reading = Reading { asker, shape, headers: &headers };
    match reading.answer(name, query.as_deref()).await {
        Ok(response) => response,
        Err(fault) => reading.refuse(query.as_deref(), &fault),
    }
}

/// The name of the listing that a file is to show, and how much of it.
fn shaped(file: &str) -> Option<(&str, Shape)> {
    match file.strip_suffix(FRAGMENT) {
        Some(name) => Some((name, Shape::Fragment)),
        None => Some((file.strip_suffix(PAGE)?, Shape::Page)),
    }
}

/// A request for a listing.
struct Reading<'a> {
    asker: Asker,
    shape: Shape,
    headers: &'a HeaderMap,
}

impl Reading<'_> {
    async fn answer(&self, name: &str, query: Option<&str>) -> Result<Response, Fault> {
        self.asker.enter(self.headers, BASE_COST)?;
        let unknown = || Fault::new(Code::NotFound, Message::new("embed-missing"));
        let listing = listings::by_name(name).ok_or_else(unknown)?;
        let wish = Wish::read(listing, query)?;
        let hub = &self.asker.hub;
        let at = hub.recent().await?;
        let terms = match &wish.site {
            Some(site) => Some(hub.embeds().sites.terms(&self.asker, site, at).await?),
            None => None,
        };
        let origin = self.origin(listing, terms.as_deref())?;
        let lang = language(&self.asker, &wish);
        let made = made(&self.asker, &wish, (self.shape, &lang), at).await?;
        let rendered = match &*made {
            Made::Listing(rendered) => rendered,
            Made::Missing => return Err(unknown()),
        };
        if let Some(terms) = &terms {
            hub.embeds().sites.count(terms, listing.name(), crate::http::now().date_naive());
        }
        Ok(rendered.body.answer(self.told(&wish, rendered, terms.as_deref(), origin)?, self.headers))
    }

    /// Whose pages may read the answer: anybody's, unless a site is named; then its own.
    fn origin(&self, listing: &Listing, terms: Option<&Terms>) -> Result<HeaderValue, Fault> {
        let anybody = HeaderValue::from_static("*");
        let Some(terms) = terms else { return Ok(anybody) };
        if !terms.shows(listing.name()) {
            return Err(Fault::new(Code::Forbidden, Message::new("embed-listing-not-agreed")));
        }
        // Nobody tells where a frame or a server asks from; who may frame it is told to the browser.
        let Some(origin) = self.headers.get(ORIGIN) else { return Ok(anybody) };
        let is_own = origin.to_str().is_ok_and(|origin| terms.has(origin) || origin == self.asker.hub.public_url());
        if is_own { Ok(origin.clone()) } else { Err(Fault::new(Code::Forbidden, Message::new("embed-site-elsewhere"))) }
    }

    fn told(
        &self,
        wish: &Wish,
        rendered: &Rendered,
        terms: Option<&Terms>,
        origin: HeaderValue,
    ) -> Result<Told, Fault> {
        let policy = match terms.filter(|_| self.shape == Shape::Page) {
            None => rendered.policy.clone(),
            Some(terms) => framed_by(terms, &rendered.policy)?,
        };
        Ok(Told {
            media_type: "text/html; charset=utf-8",
            languages: rendered.languages.clone(),
            caching: HeaderValue::from_static(SHARED),
            policy: Some(policy),
            origin: Some(origin),
            varies: match (wish.lang.is_some(), terms.is_some()) {
                (true, false) => "Accept-Encoding",
                (false, false) => "Accept-Encoding, Accept-Language",
                (true, true) => "Accept-Encoding, Origin",
                (false, true) => "Accept-Encoding, Accept-Language, Origin",
            },
        })
    }

    /// Says in a sentence why there is no listing. Scripts of other pages may read that, too: they have to tell a listing that is
    /// gone from a hub that is away.
    fn refuse(&self, query: Option<&str>, fault: &Fault) -> Response {
        let hub = &self.asker.hub;
        let language = PageLanguage::of_reader(query, self.headers);
        let fault = hub.told(fault);
        let sentence = language.say(fault.message());
        let body = match self.shape {
            Shape::Fragment => None,
            Shape::Page => {
                let interface = LanguageTag::parse(language.tag()).unwrap_or_else(|_| LanguageTag::english());
                let title = language.say(&Message::new("embed-refused-title"));
                let root = format!("{}/", hub.public_url());
                render::message_page(&title, &sentence, &interface, &root).ok()
            }
        };
        let is_page = body.is_some();
        let status = status_of(fault.code());
        let mut response = (status, body.unwrap_or(sentence)).into_response();
        let policy = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'";
        let told = Told {
            media_type: if is_page { "text/html; charset=utf-8" } else { "text/plain; charset=utf-8" },
            languages: None,
            caching: HeaderValue::from_static(if status == StatusCode::NOT_FOUND { "no-cache" } else { "no-store" }),
            policy: Some(HeaderValue::from_static(policy)),
            origin: Some(HeaderValue::from_static("*")),
            varies: "Accept-Language, Origin",
        };
        let headers = response.headers_mut();
        told.put_into(headers);
        headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(language.tag()));
        if let Some(seconds) = fault.worth_retrying_after() {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

/// The language that an address asks for, else the one that the reader likes best, else the hub's.
fn language(asker: &Asker, wish: &Wish) -> LanguageTag {
    let own = || asker.languages.wanted().first().cloned();
    wish.lang.clone().or_else(own).unwrap_or_else(|| asker.hub.default_language().clone())
}

/// A listing that is kept, or else made, where the log stood there after the request came.
async fn made(
    asker: &Asker,
    wish: &Wish,
    (shape, lang): (Shape, &LanguageTag),
    at: Cursor,
) -> Result<Arc<Made>, Fault> {
    let hub = &asker.hub;
    // A page repeats in its links how it was asked for.
    let look = (wish.layout.as_ref(), wish.dress(), wish.lang.is_some());
    let asked = Asked::digest(&(wish.listing.name(), &wish.variables, look, lang.as_str(), shape.as_ref(), at.epoch));
    let key = asked.map(|asked| hub.embeds().kept.key(asked, at.position, Instant::now()));
    if let Some(key) = key
        && let Some(made) = hub.embeds().kept.get(&key)
    {
        return Ok(made);
    }
    let asker = asker.clone().recorded(Transport::Embed);
    // Everybody pays for themselves, and nobody is refused what somebody else has no budget for.
    let prepared = render::prepare(&asker, wish)?;
    let making = render::make((&asker, prepared), wish, shape, lang, at.position);
    let Some(key) = key else { return making.await };
    match hub.embeds().kept.answer(key, making).await {
        Ok((made, _)) => Ok(made),
        Err(fault) => Err((*fault).clone()),
    }
}

/// The policy of a page that the pages of a site alone may frame. Without a site anybody may, as nothing can be done in it but
/// follow links.
fn framed_by(terms: &Terms, policy: &HeaderValue) -> Result<HeaderValue, Fault> {
    let policy = policy.to_str().unwrap_or_default().trim_end_matches(render::ANYBODY);
    let policy = format!("{policy}'self' {}", terms.origins().join(" "));
    HeaderValue::try_from(policy).map_err(|error| Fault::internal("writing a policy", error))
}
