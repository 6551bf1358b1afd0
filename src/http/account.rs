//! The account page: by whom one may sign in, or who one is here, and how to sign out. It works without scripts.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::{ConnectInfo, RawQuery, Request, State};
use axum::http::header::{CACHE_CONTROL, REFERRER_POLICY, RETRY_AFTER, VARY};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use axum::routing::get;
use minijinja::{Value, context};
use serde::Deserialize;
use url::form_urlencoded;

use crate::domain::account::store::sessions;
use crate::error::{Code, Fault};
use crate::http::Hub;
use crate::http::caller::Shown;
use crate::http::execution::{Asker, Parameters, Short};
use crate::http::graphql::status_of;
use crate::http::pages::{self, PageLanguage};
use crate::policy::{Grant, Identity, On, Right, Viewer};
use crate::text::messages::Message;

/// The page's address.
pub const ADDRESS: &str = "/account";

/// What this page, and each step of a sign-in, costs: it is read or written for one person alone.
const PAGE_COST: u32 = 2_000;

/// What the page shows of whoever is signed in.
const WHO: &str = "{ viewer { account { issuer subject person { name } grants(first: 100, holds: true) { nodes {
  right organization { name } community { displayName } } } } } }";

/// The answer to it.
#[derive(Deserialize)]
struct Answer {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    viewer: Option<AnswerViewer>,
}

#[derive(Deserialize)]
struct AnswerViewer {
    account: Option<AnswerAccount>,
}

#[derive(Deserialize)]
struct AnswerAccount {
    issuer: Option<String>,
    subject: Option<String>,
    person: Option<Named>,
    grants: Grants,
}

#[derive(Deserialize)]
struct Grants {
    nodes: Vec<AnswerGrant>,
}

#[derive(Deserialize)]
struct AnswerGrant {
    right: String,
    organization: Option<Named>,
    community: Option<Named>,
}

/// Something with a name; null: nobody may see it.
#[derive(Deserialize)]
struct Named {
    #[serde(alias = "displayName")]
    name: Option<String>,
}

/// The route of the page.
pub fn router() -> Router<Hub> {
    Router::new().route(ADDRESS, get(account))
}

/// Lets nobody have more of these pages made than they may in a minute: each is read, or written, for whoever asks.
pub async fn enter(
    State(hub): State<Hub>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    request: Request,
    next: Next,
) -> Response {
    let headers = request.headers();
    let entered = Asker::of_request(hub.clone(), peer, headers).enter(headers, PAGE_COST);
    let Err(fault) = entered else { return next.run(request).await };
    let path = request.uri().path().trim_start_matches('/');
    let root = "../".repeat(path.matches('/').count());
    let language = PageLanguage::of_reader(request.uri().query(), headers);
    refusal(&hub, language, &fault, &root, Message::new("account-heading-refused"))
}

async fn account(State(hub): State<Hub>, RawQuery(raw): RawQuery, headers: HeaderMap) -> Response {
    let language = PageLanguage::of_reader(raw.as_deref(), &headers);
    let asker = Asker::new(hub.clone(), Viewer::Anonymous, language.languages());
    let asker = match Shown::of(&headers) {
        Ok(shown) => asker.identified(shown).await,
        Err(fault) => Err(fault),
    };
    let shown = match asker {
        Ok(asker) => match asker.viewer.identity().cloned() {
            Some(identity) => known(&asker, &identity, language).await,
            None => Ok(anybody(&hub, language)),
        },
        Err(fault) => Err(fault),
    };
    match shown {
        Ok(texts) => private(pages::page(
            language,
            "",
            "account.html",
            context! {
                page => "account", has_editor => hub.has_editor(), account => texts,
                choices => pages::choices("account", None),
            },
        )),
        Err(fault) => refusal(&hub, language, &fault, "", Message::new("account-heading-refused")),
    }
}

/// A page that says why something was not done, with a way on. `root` leads from the page's folder to the hub's.
pub fn refusal(hub: &Hub, language: PageLanguage, fault: &Fault, root: &str, heading: Message) -> Response {
    let mut fault = fault.clone();
    let mut paragraphs = Vec::new();
    if let Some(cause) = fault.cause().map(str::to_owned) {
        let reference = hub.reference();
        tracing::error!(reference, code = fault.code().as_ref(), cause, "fault");
        if fault.code() == Code::InternalServerError {
            fault = fault.with_reference(&reference);
        } else {
            paragraphs.push(language.say(&Message::new("account-reference").with("reference", reference)));
        }
    }
    paragraphs.insert(0, language.say(fault.message()));
    let page = format!("{root}account");
    let again = context! {
        address => format!("{page}?lang={}", language.tag()),
        text => language.say(&Message::new("account-sign-in-again")),
    };
    let heading = language.say(&heading);
    let choices = pages::choices(&page, None);
    let texts = context! { heading, paragraphs, links => vec![again], parts => empty(), forms => empty() };
    let values = context! { page, has_editor => hub.has_editor(), account => texts, choices };
    let mut response = private(pages::page(language, root, "account.html", values));
    *response.status_mut() = status_of(fault.code());
    if let Some(seconds) = fault.worth_retrying_after() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// A page for one reader alone, whose forms say where they are of: a browser that tells nobody names no origin either.
pub fn private(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(VARY, HeaderValue::from_static("Accept-Language, Cookie, Authorization"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    response
}

fn empty() -> Vec<Value> {
    Vec::new()
}

/// What anybody is offered.
fn anybody(hub: &Hub, language: PageLanguage) -> Value {
    let providers = hub.providers().all();
    let links: Vec<Value> = providers
        .iter()
        .map(|provider| {
            let return_to = format!("{ADDRESS}?lang={}", language.tag());
            let mut pairs = form_urlencoded::Serializer::for_suffix("sign-in?".to_owned(), "sign-in?".len());
            pairs.append_pair("provider", provider.name()).append_pair("return_to", &return_to);
            let text = Message::new("account-sign-in-with").with("provider", provider.label());
            context! { address => pairs.append_pair("lang", language.tag()).finish(), text => language.say(&text) }
        })
        .collect();
    let about = if links.is_empty() { Message::new("account-no-provider") } else { Message::new("account-about") };
    let heading = language.say(&Message::new("account-heading-anybody"));
    context! { heading, paragraphs => vec![language.say(&about)], links, parts => empty(), forms => empty() }
}

/// Who somebody is here, and where they are signed in.
async fn known(asker: &Asker, identity: &Identity, language: PageLanguage) -> Result<Value, Fault> {
    let say = |message: Message| language.say(&message);
    let mut conn = asker.hub.db().connection().await?;
    let count = sessions::open_count(&mut conn, &asker.viewer, identity.account()).await?;
    // Executing the document takes a connection too.
    drop(conn);
    let account = read(asker).await?;
    let mut parts = Vec::new();
    let mut part = |name: Message, texts: Vec<String>| parts.push(context! { name => say(name), texts });
    if let Some(account) = account {
        part(Message::new("account-issuer"), account.issuer.into_iter().collect());
        part(Message::new("account-subject"), account.subject.into_iter().collect());
        let person = account.person.and_then(|person| person.name);
        let person = person.unwrap_or_else(|| say(Message::new("account-person-none")));
        part(Message::new("account-person"), vec![person]);
        let mut rights = Vec::new();
        for grant in account.grants.nodes {
            rights.push(words_of(grant, identity, language)?);
        }
        if rights.is_empty() {
            rights.push(say(Message::new("account-rights-none")));
        }
        part(Message::new("account-rights"), rights);
    }
    part(Message::new("account-sessions"), vec![say(Message::new("account-session-count").with("count", count))]);
    let form = |address: &str, text: Message| context! { address, text => say(text) };
    let forms = vec![
        form("sign-out", Message::new("account-sign-out")),
        form("sign-out-everywhere", Message::new("account-sign-out-everywhere")),
    ];
    let heading = say(Message::new("account-heading-known"));
    Ok(context! { heading, paragraphs => empty(), links => empty(), parts, forms })
}

/// The account as the contract tells it, by the same rules as anywhere.
async fn read(asker: &Asker) -> Result<Option<AnswerAccount>, Fault> {
    let parameters = Parameters { query: Some(WHO.to_owned()), ..Parameters::default() };
    let unanswered = |short: Short| match short {
        Short::Refused(fault) => fault,
        Short::Unexecuted(errors) => Fault::internal("reading an account", serde_json::Value::from(errors)),
        Short::Partial(_) => Fault::internal("reading an account", "fields failed"),
    };
    let prepared = asker.prepare(parameters).map_err(unanswered)?;
    let body = asker.execute(prepared, None).await.map_err(unanswered)?;
    let answer: Answer = serde_json::from_slice(&body).map_err(|error| Fault::internal("reading an account", error))?;
    Ok(answer.data.viewer.and_then(|viewer| viewer.account))
}

/// A right and where it holds.
fn words_of(grant: AnswerGrant, identity: &Identity, language: PageLanguage) -> Result<String, Fault> {
    let right: Right = grant.right.parse().map_err(|error| Fault::internal("reading rights", error))?;
    // A place that one cannot see is told as none, which is how the whole hub is told too.
    let is_on_hub = identity.holds(Grant { right, on: On::Hub });
    let right = match right {
        Right::Administrator => Message::new("account-right-administrator"),
        Right::Coordinator => Message::new("account-right-coordinator"),
        Right::Reviewer => Message::new("account-right-reviewer"),
        Right::Member => Message::new("account-right-member"),
        Right::Representative => Message::new("account-right-representative"),
    };
    let place = match grant.organization.or(grant.community) {
        Some(Named { name: Some(name) }) => name,
        None if is_on_hub => language.say(&Message::new("account-place-hub")),
        Some(Named { name: None }) | None => language.say(&Message::new("account-place-unseen")),
    };
    Ok(format!("{} – {place}", language.say(&right)))
}
