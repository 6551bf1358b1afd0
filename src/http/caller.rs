//! How a request shows who sends it: a token in the `Authorization` header, or the cookie of a session.
//!
//! A token is never read from an address: addresses are logged and passed on. A cookie counts only where no page of a
//! foreign site can have sent it.

use axum::http::{HeaderMap, header};
use diesel_async::AsyncPgConnection;

use crate::auth::secret::{Purpose, Secret};
use crate::domain::account::store;
use crate::domain::permission;
use crate::error::{Code, Fault};
use crate::policy::Identity;
use crate::text::messages::Message;

/// The cookie of a session: for this host alone, over TLS alone, read by no script.
pub const SESSION_COOKIE: &str = "__Host-hub-session";

/// What somebody shows to be known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    purpose: Purpose,
    secret: Secret,
}

impl Shown {
    /// What the headers of a request show; null: nothing. What is shown and is none, as a token of another make, is
    /// `UNAUTHENTICATED` instead of nothing, so that nobody is taken for anybody by mistake. A cookie that a page of
    /// another site sent is `FORBIDDEN`: `SameSite` keeps browsers from sending it, and this keeps the hub from taking it.
    pub fn of(headers: &HeaderMap) -> Result<Option<Self>, Fault> {
        if let Some(value) = headers.get(header::AUTHORIZATION) {
            return Self::authorization(value.to_str().unwrap_or_default()).map(Some);
        }
        match cookie(headers, SESSION_COOKIE) {
            Some(_) if !is_own_page(headers) => Err(Fault::new(Code::Forbidden, Message::new("http-origin"))),
            Some(text) => {
                let secret = Secret::read(Purpose::Session, text);
                Ok(secret.map(|secret| Self { purpose: Purpose::Session, secret }))
            }
            None => Ok(None),
        }
    }

    /// What `Bearer …` shows.
    pub fn authorization(value: &str) -> Result<Self, Fault> {
        let (scheme, rest) = value.trim().split_once(' ').unwrap_or_default();
        let secret = Secret::read(Purpose::Token, rest.trim()).filter(|_| scheme.eq_ignore_ascii_case("bearer"));
        secret.map(|secret| Self { purpose: Purpose::Token, secret }).ok_or_else(permission::ended)
    }

    /// Who it is of. A token that holds no longer is `UNAUTHENTICATED`; null: the session is over, as its cookie outlives it
    /// and the page is to work all the same.
    pub async fn identity(&self, conn: &mut AsyncPgConnection) -> Result<Option<Identity>, Fault> {
        let Some(seen) = store::by_secret(conn, self.purpose, &self.secret).await? else {
            return if self.purpose == Purpose::Session { Ok(None) } else { Err(permission::ended()) };
        };
        if !seen.is_known_today {
            store::note_use(conn, seen.identity.credential()).await?;
        }
        Ok(Some(seen.identity))
    }
}

/// The value of a cookie.
pub fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(';')).find_map(|pair| {
        let (found, value) = pair.trim().split_once('=')?;
        (found == name).then_some(value)
    })
}

/// Whether a request is of one of the hub's own pages, or of no page at all: browsers name the page's origin.
pub fn is_own_page(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(header::ORIGIN) else { return true };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let own = origin.to_str().ok().and_then(|origin| Some(origin.split_once("://")?.1));
    own.is_some() && own == host
}
