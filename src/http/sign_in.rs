//! Signing in and out: a browser leaves for its provider, comes back with a code, and holds a session's cookie from then on.
//!
//! **Invariant:** a sign-in ends in the browser that began it, once: what the provider hands back is what the browser's own
//! cookie holds, and its row is gone before anything else is done.

use axum::Router;
use axum::extract::{RawQuery, State};
use axum::http::header::{CACHE_CONTROL, LOCATION, ORIGIN, REFERRER_POLICY, SET_COOKIE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::FutureExt;
use url::{Url, form_urlencoded};

use crate::auth::oidc::{self, Known, Provider, Returning};
use crate::auth::secret::{Purpose, Secret};
use crate::db::write;
use crate::domain::account::store;
use crate::domain::account::store::sessions;
use crate::domain::account::store::sign_ins::{self, SignIn};
use crate::error::{Code, Fault};
use crate::http::caller::{self, SESSION_COOKIE, Shown};
use crate::http::pages::PageLanguage;
use crate::http::{Hub, account};
use crate::policy::{Credential, Identity, Viewer};
use crate::text::messages::Message;

/// The cookie of a sign-in that is under way: for this host alone, over TLS alone, read by no script.
pub const SIGN_IN_COOKIE: &str = "__Host-hub-sign-in";

/// How long a sign-in may take, in seconds; the row lasts as long.
const SIGN_IN_LASTS_S: i64 = 600;

/// What both cookies are besides their value and age. `Lax`: the browser comes back from another site, and brings them.
const COOKIE_ATTRIBUTES: &str = "Path=/; HttpOnly; Secure; SameSite=Lax";

/// The longest path to go back to, in bytes.
const MAX_RETURN_BYTES: usize = 2_000;

/// The routes: `/sign-in`, `/sign-in/callback`, `/sign-out` and `/sign-out-everywhere`.
pub fn router() -> Router<Hub> {
    Router::new()
        .route("/sign-in", get(leave))
        .route(oidc::CALLBACK, get(come_back))
        .route("/sign-out", post(sign_out))
        .route("/sign-out-everywhere", post(sign_out_everywhere))
}

/// What the addresses of a sign-in may hold. The first of several equal names counts.
#[derive(Default)]
struct Query {
    provider: Option<String>,
    return_to: Option<String>,
    state: Option<String>,
    code: Option<String>,
    issuer: Option<String>,
    error: Option<String>,
}

impl Query {
    fn of(raw: Option<&str>) -> Self {
        let mut query = Self::default();
        for (name, value) in form_urlencoded::parse(raw.unwrap_or_default().as_bytes()) {
            let part = match &*name {
                "provider" => &mut query.provider,
                "return_to" => &mut query.return_to,
                "state" => &mut query.state,
                "code" => &mut query.code,
                "iss" => &mut query.issuer,
                "error" => &mut query.error,
                _ => continue,
            };
            part.get_or_insert_with(|| value.into_owned());
        }
        query
    }
}

/// Sends a browser to its provider.
async fn leave(State(hub): State<Hub>, RawQuery(raw): RawQuery, headers: HeaderMap) -> Response {
    let language = PageLanguage::of_reader(raw.as_deref(), &headers);
    match begin(&hub, Query::of(raw.as_deref()), language).await {
        Ok((address, state)) => redirect(&address, &[cookie(SIGN_IN_COOKIE, state.reveal(), SIGN_IN_LASTS_S)]),
        Err(fault) => account::refusal(&hub, language, &fault, "", Message::new("account-heading-trouble")),
    }
}

async fn begin(hub: &Hub, query: Query, language: PageLanguage) -> Result<(String, Secret), Fault> {
    let return_to = match query.return_to {
        Some(given) => local_path(&given).ok_or_else(|| Fault::bad_input(Message::new("sign-in-return-unfit")))?,
        None => account::ADDRESS.to_owned(),
    };
    let provider = hub.providers().named(query.provider.as_deref().unwrap_or_default()).ok_or_else(unknown_provider)?;
    let leaving = provider.leave(language.tag()).await?;
    let state = leaving.state.clone();
    let provider = provider.name().to_owned();
    let sign_in = SignIn { provider, nonce: leaving.nonce, verifier: leaving.verifier, return_to };
    write::write(hub.db(), Viewer::system("sign-in"), move |tx| {
        async move { sign_ins::begin(tx, &state, sign_in).await }.boxed()
    })
    .await?;
    Ok((leaving.address.into(), leaving.state))
}

/// Takes a browser back from its provider.
async fn come_back(State(hub): State<Hub>, RawQuery(raw): RawQuery, headers: HeaderMap) -> Response {
    let language = PageLanguage::of_reader(None, &headers);
    let query = Query::of(raw.as_deref());
    let refused = |fault: &Fault| {
        let heading = Message::new("account-heading-trouble");
        account::refusal(&hub, language, fault, "../", heading)
    };
    let sign_in = match taken(&hub, &query, &headers).await {
        Ok(sign_in) => sign_in,
        Err(fault) => return refused(&fault),
    };
    let return_to = sign_in.return_to.clone();
    let forgotten = cookie(SIGN_IN_COOKIE, "", 0);
    match finish(&hub, query, sign_in, &headers).await {
        Ok(session) => redirect(&return_to, &[cookie(SESSION_COOKIE, session.reveal(), sessions::LASTS_S), forgotten]),
        Err(fault) => {
            let mut response = refused(&fault);
            append(&mut response, &forgotten);
            response
        }
    }
}

/// The sign-in that this browser began, which is over with that, whatever comes of it.
async fn taken(hub: &Hub, query: &Query, headers: &HeaderMap) -> Result<SignIn, Fault> {
    let elsewhere = || Fault::new(Code::BadRequest, Message::new("sign-in-elsewhere"));
    let read = |text: Option<&str>| text.and_then(|text| Secret::read(Purpose::SignIn, text));
    let held = read(caller::cookie(headers, SIGN_IN_COOKIE)).ok_or_else(elsewhere)?;
    let state = read(query.state.as_deref()).ok_or_else(elsewhere)?;
    // Their hashes are compared: how long that takes tells nothing of either.
    if held.hash() != state.hash() {
        return Err(elsewhere());
    }
    let taken = write::write(hub.db(), Viewer::system("sign-in"), move |tx| {
        async move { sign_ins::take(tx, &state).await }.boxed()
    });
    taken.await?.ok_or_else(|| Fault::new(Code::BadRequest, Message::new("sign-in-over")))
}

/// Asks the provider who came back, and begins their session.
async fn finish(hub: &Hub, query: Query, sign_in: SignIn, headers: &HeaderMap) -> Result<Secret, Fault> {
    let provider = hub.providers().named(&sign_in.provider).ok_or_else(unknown_provider)?;
    let code = code_of(provider, query.code, query.error)?;
    let SignIn { nonce, verifier, .. } = sign_in;
    let known = provider.identify(Returning { code, issuer: query.issuer, nonce, verifier }).await?;
    // A browser is signed in once: its cookie is about to be another.
    if let Some(identity) = session_of(hub, headers).await? {
        end(hub, identity, false).await?;
    }
    let Known { issuer, subject } = known;
    let session = Secret::fresh(Purpose::Session)?;
    let hash = session.hash();
    write::write(hub.db(), Viewer::system("sign-in"), move |tx| {
        async move {
            let account = store::of_subject(tx, &issuer, &subject).await?;
            sessions::begin(tx, account, hash).await
        }
        .boxed()
    })
    .await?;
    Ok(session)
}

fn code_of(provider: &Provider, code: Option<String>, error: Option<String>) -> Result<String, Fault> {
    let label = provider.label();
    match (code, error) {
        (_, Some(error)) if error == "access_denied" => {
            Err(Fault::new(Code::Forbidden, Message::new("sign-in-denied").with("provider", label)))
        }
        (_, Some(error)) => {
            let message = Message::new("sign-in-misconfigured").with("provider", label);
            let cause = format!("the provider sends the browser back with {}", oidc::shortened(&error));
            Err(Fault::new(Code::Forbidden, message).because(cause))
        }
        (Some(code), None) => Ok(code),
        (None, None) => Err(Fault::new(Code::BadRequest, Message::new("sign-in-over"))),
    }
}

fn unknown_provider() -> Fault {
    Fault::new(Code::NotFound, Message::new("sign-in-provider-unknown"))
}

/// Ends the browser's session.
async fn sign_out(State(hub): State<Hub>, headers: HeaderMap) -> Response {
    signed_out(&hub, &headers, false).await
}

/// Ends all sessions of whoever's browser it is.
async fn sign_out_everywhere(State(hub): State<Hub>, headers: HeaderMap) -> Response {
    signed_out(&hub, &headers, true).await
}

async fn signed_out(hub: &Hub, headers: &HeaderMap, everywhere: bool) -> Response {
    let outcome = async {
        if !is_sent_by_own_page(headers) {
            return Err(Fault::new(Code::Forbidden, Message::new("sign-out-own-page")));
        }
        // Somebody whose session is over already has nothing to end.
        match session_of(hub, headers).await? {
            Some(identity) => end(hub, identity, everywhere).await,
            None => Ok(()),
        }
    };
    match outcome.await {
        Ok(()) => redirect(account::ADDRESS, &[cookie(SESSION_COOKIE, "", 0)]),
        Err(fault) => {
            let language = PageLanguage::of_reader(None, headers);
            account::refusal(hub, language, &fault, "", Message::new("account-heading-refused"))
        }
    }
}

async fn end(hub: &Hub, identity: Identity, everywhere: bool) -> Result<(), Fault> {
    let Credential::Session(session) = identity.credential() else { return Ok(()) };
    let (account, only) = (identity.account(), (!everywhere).then_some(session));
    // Nobody has to stay signed in for want of space.
    let db = hub.db().for_upkeep();
    write::write(&db, Viewer::Known(Box::new(identity)), move |tx| sessions::end(tx, account, only).boxed()).await?;
    hub.catch_up().await;
    Ok(())
}

/// Who is signed in in the browser that sent these headers; null: nobody.
async fn session_of(hub: &Hub, headers: &HeaderMap) -> Result<Option<Identity>, Fault> {
    let Some(shown) = Shown::of(headers)? else { return Ok(None) };
    let mut conn = hub.db().connection().await?;
    let identity = shown.identity(&mut conn).await?;
    Ok(identity.filter(|identity| matches!(identity.credential(), Credential::Session(_))))
}

/// Whether a form of the hub's own pages was sent. Every browser says so; what says nothing is none of them.
fn is_sent_by_own_page(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site");
    let is_told = site.is_some() || headers.contains_key(ORIGIN);
    is_told && caller::is_own_page(headers) && site.is_none_or(|site| site == "same-origin")
}

/// The path of a page of this hub, as a browser understands it; null: it leads elsewhere, or browsers differ about it.
fn local_path(given: &str) -> Option<String> {
    let is_odd = |byte: u8| byte == b'\\' || byte.is_ascii_control();
    if given.len() > MAX_RETURN_BYTES || !given.starts_with('/') || given.bytes().any(is_odd) {
        return None;
    }
    // Any host does: what stays there is local.
    let host = Url::parse("https://hub.invalid/").ok()?;
    let url = host.join(given).ok()?;
    let local = url.as_str().strip_prefix(host.as_str().trim_end_matches('/'))?;
    // What leaves out a folder (`/.//elsewhere`) may begin with two slashes now, which leads to another host.
    (local.starts_with('/') && !local.starts_with("//")).then(|| local.to_owned())
}

fn cookie(name: &str, value: &str, age_s: i64) -> String {
    format!("{name}={value}; Max-Age={age_s}; {COOKIE_ATTRIBUTES}")
}

/// Leads a browser on, by GET whatever it sent, and keeps nothing of it anywhere else.
fn redirect(address: &str, cookies: &[String]) -> Response {
    let Ok(address) = HeaderValue::from_str(address) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let no_store = HeaderValue::from_static("no-store");
    let headers =
        [(LOCATION, address), (CACHE_CONTROL, no_store), (REFERRER_POLICY, HeaderValue::from_static("no-referrer"))];
    let mut response = (StatusCode::SEE_OTHER, headers).into_response();
    for cookie in cookies {
        append(&mut response, cookie);
    }
    response
}

fn append(response: &mut Response, cookie: &str) {
    // A secret is letters, digits, - and _.
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(SET_COOKIE, value);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_is_led_back_to_a_page_of_this_hub_alone() {
        for (given, path) in [
            ("/", "/"),
            ("/account?lang=fr", "/account?lang=fr"),
            ("/editor?query=%7Ba%7D#x", "/editor?query=%7Ba%7D#x"),
            ("/é", "/%C3%A9"),
            ("/a/../b", "/b"),
            ("/@evil.example", "/@evil.example"),
        ] {
            assert_eq!(local_path(given).as_deref(), Some(path), "{given}");
        }
        for given in [
            "",
            "account",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/a\r\nSet-Cookie: x=y",
            "https://evil.example/",
            "https:/evil.example",
            "javascript:alert(1)",
            "/.//evil.example",
            "/a/..//evil.example",
            "/%2e%2e//evil.example",
            "@evil.example",
            " /account",
        ] {
            assert_eq!(local_path(given), None, "{given}");
        }
        assert_eq!(local_path(&format!("/{}", "a".repeat(MAX_RETURN_BYTES))), None);
    }

    proptest! {
        #[test]
        fn no_path_leads_to_another_host(given in "[/\\\\.a@:?#%2e\t ]{0,12}") {
            let hub = Url::parse("https://hub.example/sign-in/callback?code=x").unwrap();
            if let Some(path) = local_path(&given) {
                let url = hub.join(&path).unwrap();
                prop_assert_eq!(url.host_str(), Some("hub.example"));
            }
        }
    }
}
