//! How a request shows who sends it: a token in the `Authorization` header, or the cookie of a session.
//!
//! A token is never read from an address: addresses are logged and passed on. A cookie counts only where no page of a
//! foreign site can have sent it.

use std::net::IpAddr;

use axum::http::{HeaderMap, header};
use diesel_async::AsyncPgConnection;
use ipnet::IpNet;

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
        Self::of_page(headers, |_| false)
    }

    /// The same, also of requests that pages of trusted origins send.
    pub fn of_page(headers: &HeaderMap, is_trusted: impl Fn(&str) -> bool) -> Result<Option<Self>, Fault> {
        let origin = headers.get(header::ORIGIN).and_then(|origin| origin.to_str().ok());
        let may_send = || is_own_page(headers) || origin.is_some_and(&is_trusted);
        if let Some(value) = headers.get(header::AUTHORIZATION) {
            return Self::authorization(value.to_str().unwrap_or_default()).map(Some);
        }
        match cookie(headers, SESSION_COOKIE) {
            Some(_) if !may_send() => Err(Fault::new(Code::Forbidden, Message::new("http-origin"))),
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

/// The address that a request comes from: the peer's, or, where the peer is a proxy that is believed, the last one in
/// `X-Forwarded-For` that is none. What stands before that anybody may have written.
pub fn address(peer: IpAddr, headers: &HeaderMap, proxies: &[IpNet]) -> IpAddr {
    let is_proxy = |address: &IpAddr| proxies.iter().any(|proxy| proxy.contains(address));
    let mut address = peer.to_canonical();
    let lines: Vec<&str> = headers.get_all("x-forwarded-for").iter().map(|line| line.to_str().unwrap_or("?")).collect();
    for named in lines.iter().flat_map(|line| line.split(',')).rev() {
        if !is_proxy(&address) {
            break;
        }
        // What is no address was not written by a proxy that is believed.
        let Ok(before) = named.trim().parse::<IpAddr>() else { break };
        address = before.to_canonical();
    }
    address
}

/// What tells an address from others. Whoever has one address of a network of 64 bits has all of it.
pub fn name_of(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => format!("address:{address}"),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("network:{a:x}:{b:x}:{c:x}:{d:x}")
        }
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

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn seen(peer: &str, forwarded: &[&'static str]) -> String {
        let proxies = ["10.0.0.0/8", "127.0.0.1/32", "fd00::/8"].map(|proxy| proxy.parse().unwrap());
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", HeaderValue::from_static(line));
        }
        address(peer.parse().unwrap(), &headers, &proxies).to_string()
    }

    #[test]
    fn only_proxies_that_are_believed_say_where_a_request_comes_from() {
        assert_eq!(seen("192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        assert_eq!(seen("127.0.0.1", &[]), "127.0.0.1");
        assert_eq!(seen("127.0.0.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(seen("::ffff:127.0.0.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(seen("127.0.0.1", &["203.0.113.9, 198.51.100.7, 10.1.2.3"]), "198.51.100.7");
        assert_eq!(seen("127.0.0.1", &["203.0.113.9", "198.51.100.7, 10.1.2.3"]), "198.51.100.7");
        assert_eq!(seen("fd00::1", &["2001:db8::7"]), "2001:db8::7");
        assert_eq!(seen("127.0.0.1", &["203.0.113.9, nonsense, 10.1.2.3"]), "10.1.2.3");
        assert_eq!(seen("127.0.0.1", &["203.0.113.9, "]), "127.0.0.1");
    }

    proptest! {
        #[test]
        fn whatever_is_shown_is_a_secret_or_nothing_or_refused(
            bytes in prop::collection::vec(any::<u8>(), 0..60), scheme in "(Bearer|bearer|Basic|)[ ]{0,2}", random in "[A-Za-z0-9_-]{42,44}",
        ) {
            let token = format!("{scheme}khub_{random}");
            for (value, may_be_known) in [(bytes.as_slice(), false), (token.as_bytes(), true)] {
                let Ok(value) = HeaderValue::from_bytes(value) else { continue };
                let headers: HeaderMap = [(header::AUTHORIZATION, value)].into_iter().collect();
                match Shown::of(&headers) {
                    Ok(shown) => prop_assert!(may_be_known && shown.is_some()),
                    Err(fault) => prop_assert_eq!(fault.code(), Code::Unauthenticated),
                }
            }
        }

        #[test]
        fn a_cookie_is_found_among_others_and_taken_from_no_page_of_another_site(
            others in "[a-z0-9=; _-]{0,40}", origin in "\\PC{0,20}", random in "[A-Za-z0-9_-]{42,44}",
        ) {
            let written = format!("khubs_{random}");
            let text = format!("{others}; {SESSION_COOKIE}={written} ; {others}");
            let mut headers: HeaderMap = [(header::COOKIE, text.parse().unwrap())].into_iter().collect();
            prop_assert_eq!(cookie(&headers, SESSION_COOKIE), Some(written.as_str()));
            let secret = Secret::read(Purpose::Session, &written);
            let shown = secret.map(|secret| Shown { purpose: Purpose::Session, secret });
            prop_assert_eq!(Shown::of(&headers).unwrap(), shown);
            if let Ok(origin) = HeaderValue::from_bytes(origin.as_bytes()) {
                headers.insert(header::ORIGIN, origin);
                prop_assert_eq!(Shown::of(&headers).unwrap_err().code(), Code::Forbidden);
            }
        }

        #[test]
        fn what_stands_before_the_address_that_a_proxy_wrote_says_nothing(line in "[ -~]{0,60}") {
            let mut headers = HeaderMap::new();
            headers.insert("x-forwarded-for", HeaderValue::from_str(&line).unwrap());
            let (proxy, client) = (IpAddr::from([127, 0, 0, 1]), IpAddr::from([198, 51, 100, 7]));
            address(proxy, &headers, &["127.0.0.1/32".parse().unwrap()]);
            headers.append("x-forwarded-for", HeaderValue::from_static("198.51.100.7"));
            prop_assert_eq!(address(proxy, &headers, &["127.0.0.1/32".parse().unwrap()]), client);
            prop_assert_eq!(address(client, &headers, &["127.0.0.1/32".parse().unwrap()]), client);
        }
    }
}
