//! What a website is registered with, and over which days its uses are told.
//!
//! ```text
//! registered ──▶ edited ──▶ edited … ──▶ removed, with what was counted of it
//! ```

use chrono::{Days as DayCount, NaiveDate};
use url::Url;

use crate::error::Fault;
use crate::text::messages::{Message, excerpt};
use crate::text::texts;

/// The longest name of a site, in characters.
pub const MAX_NAME_CHARS: usize = 100;

/// The most origins of a site: all of them stand in one header of every listing that it is served.
pub const MAX_ORIGINS: usize = 20;

/// The longest origin as it is written, in bytes: a host has at most 253 (RFC 1035 §2.3.4).
pub const MAX_ORIGIN_BYTES: usize = 300;

/// The most listings that a site names.
pub const MAX_LISTINGS: usize = 20;

/// The longest name of a listing, in characters.
pub const MAX_LISTING_CHARS: usize = 64;

/// The most days whose uses are told at once: a leap year.
pub const MAX_DAYS: i64 = 366;

/// How many days are told unless somebody says which.
const USUAL_DAYS: u64 = 30;

/// The longest label of a host, in bytes (RFC 1035 §2.3.4).
const MAX_LABEL_BYTES: usize = 63;

/// The longest host, in bytes.
const MAX_HOST_BYTES: usize = 253;

/// The hosts of the machine itself, which need no encryption.
const LOCAL_HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "[::1]"];

/// What somebody registers or changes of a site; null: as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// What it is called.
    pub name: Option<String>,
    /// The origins of its pages.
    pub origins: Option<Vec<String>>,
    /// The names of the listings that it may show; empty: every one.
    pub listings: Option<Vec<String>>,
}

/// Checks what is written of a site, and brings it into one form: origins as browsers write them, nothing twice. Everything that
/// is to be mended is told at once.
pub fn check(written: Written) -> Result<Written, Fault> {
    let Written { name, origins, listings } = written;
    let mut problems = Vec::new();
    if let Some(name) = &name
        && let Err(message) = texts::check_plain(name, MAX_NAME_CHARS, false)
    {
        problems.push(("name".to_owned(), message));
    }
    let origins = origins.map(|written| {
        if written.is_empty() || written.len() > MAX_ORIGINS {
            let message = Message::new("site-origins").with("max", MAX_ORIGINS).with("length", written.len());
            problems.push(("origins".to_owned(), message));
            return Vec::new();
        }
        each_once(&written, "origins", origin, &mut problems)
    });
    let listings = listings.map(|written| {
        if written.len() > MAX_LISTINGS {
            let message = Message::new("list-too-long").with("max", MAX_LISTINGS).with("length", written.len());
            problems.push(("listings".to_owned(), message));
            return Vec::new();
        }
        each_once(&written, "listings", listing, &mut problems)
    });
    match Fault::bad_fields(problems) {
        Some(fault) => Err(fault),
        None => Ok(Written { name, origins, listings }),
    }
}

/// Reads the origin of a website and returns it as browsers write it: scheme and host in lower case, other scripts encoded, the
/// port unless it is the usual one. A single slash at the end is dropped. What comes of it can stand in a header: it holds no
/// white space, quote, comma or semicolon.
///
/// Refused: what is no origin (`site-origin-ill-formed`), what is not encrypted and not of this machine
/// (`site-origin-insecure`), a path, query, fragment or user name (`site-origin-more`), and `*` (`site-origin-wildcard`).
pub fn origin(written: &str) -> Result<String, Message> {
    let ill_formed = || Message::new("site-origin-ill-formed").with("value", excerpt(written));
    let text = written.trim();
    if text.len() > MAX_ORIGIN_BYTES || text.chars().any(|char| char.is_whitespace() || char.is_control()) {
        return Err(ill_formed());
    }
    let (scheme, rest) = text.split_once("://").ok_or_else(ill_formed)?;
    let scheme = scheme.to_ascii_lowercase();
    if scheme != "https" && scheme != "http" {
        return Err(ill_formed());
    }
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    if rest.contains('*') {
        return Err(Message::new("site-origin-wildcard").with("value", excerpt(written)));
    }
    // Before it is parsed: browsers take a backslash for a slash, and forget a path that leads back to its start.
    if rest.contains(['/', '\\', '?', '#', '@']) {
        return Err(Message::new("site-origin-more").with("value", excerpt(written)));
    }
    let address = Url::parse(&format!("{scheme}://{rest}")).map_err(|_| ill_formed())?;
    let host = address.host_str().filter(|host| is_host(host)).ok_or_else(ill_formed)?;
    if scheme == "http" && !LOCAL_HOSTS.contains(&host) {
        return Err(Message::new("site-origin-insecure").with("value", excerpt(written)));
    }
    let port = address.port().map(|port| format!(":{port}")).unwrap_or_default();
    Ok(format!("{scheme}://{host}{port}"))
}

/// Whether it is a name or an address as a policy in a header may write it. The parser takes signs that would end one there.
fn is_host(host: &str) -> bool {
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return address.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':');
    }
    let is_label = |label: &str| {
        (1..=MAX_LABEL_BYTES).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    host.len() <= MAX_HOST_BYTES && host.split('.').all(is_label)
}

/// Checks the name of a listing: 1 to 64 letters `a`–`z`, digits and hyphens, a letter first (`site-listing-ill-formed`).
pub fn listing(written: &str) -> Result<String, Message> {
    let is_sign = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_well_formed = written.starts_with(|first: char| first.is_ascii_lowercase())
        && written.len() <= MAX_LISTING_CHARS
        && written.bytes().all(is_sign);
    if is_well_formed {
        Ok(written.to_owned())
    } else {
        Err(Message::new("site-listing-ill-formed").with("value", excerpt(written)))
    }
}

fn each_once(
    written: &[String],
    field: &str,
    read: impl Fn(&str) -> Result<String, Message>,
    problems: &mut Vec<(String, Message)>,
) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for value in written {
        match read(value) {
            Ok(value) if found.contains(&value) => {}
            Ok(value) => found.push(value),
            Err(message) => problems.push((field.to_owned(), message)),
        }
    }
    found
}

/// A span of days, both ends in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Days {
    /// The first.
    pub first: NaiveDate,
    /// The last.
    pub last: NaiveDate,
}

/// The days whose uses somebody asks for: up to today unless a last day is named, and from 29 days before the last one unless a
/// first day is. At most 366 (`site-uses-days`), not backwards (`period-backwards`).
pub fn days(from: Option<NaiveDate>, to: Option<NaiveDate>, today: NaiveDate) -> Result<Days, Fault> {
    let last = to.unwrap_or(today);
    let usual = last.checked_sub_days(DayCount::new(USUAL_DAYS - 1)).unwrap_or(last);
    let first = from.unwrap_or(usual);
    let count = (last - first).num_days() + 1;
    if count < 1 {
        return Err(Fault::bad_input(Message::new("period-backwards")));
    }
    if count > MAX_DAYS {
        return Err(Fault::bad_input(Message::new("site-uses-days").with("days", count).with("max", MAX_DAYS)));
    }
    Ok(Days { first, last })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_origin_is_written_in_one_way_or_refused_for_one_reason() {
        let ok = |origin: &str| Ok(origin.to_owned());
        let refused = |id: &'static str| Err(id);
        let long_label = "a".repeat(63);
        let longest = format!("https://{long_label}.{long_label}.{long_label}.{}", "b".repeat(61));
        for (written, expected) in [
            ("https://www.example.org", ok("https://www.example.org")),
            (" HTTPS://WWW.Example.ORG/ ", ok("https://www.example.org")),
            ("https://www.example.org:443", ok("https://www.example.org")),
            ("https://www.example.org:", ok("https://www.example.org")),
            ("https://www.example.org:8443/", ok("https://www.example.org:8443")),
            ("https://bücher.example", ok("https://xn--bcher-kva.example")),
            ("https://xn--bcher-kva.example", ok("https://xn--bcher-kva.example")),
            ("https://ex%61mple.org", ok("https://example.org")),
            ("https://intranet", ok("https://intranet")),
            ("https://192.0.2.1:8000", ok("https://192.0.2.1:8000")),
            ("https://[2001:DB8::1]", ok("https://[2001:db8::1]")),
            ("http://localhost", ok("http://localhost")),
            ("http://LOCALHOST:3000/", ok("http://localhost:3000")),
            ("http://localhost:80", ok("http://localhost")),
            ("http://127.0.0.1:8080", ok("http://127.0.0.1:8080")),
            ("http://[::1]:8080", ok("http://[::1]:8080")),
            ("http://[0:0::1]", ok("http://[::1]")),
            (longest.as_str(), ok(&longest)),
            ("http://www.example.org", refused("site-origin-insecure")),
            ("http://127.0.0.2", refused("site-origin-insecure")),
            ("http://localhost.example.org", refused("site-origin-insecure")),
            ("https://www.example.org/path", refused("site-origin-more")),
            ("https://www.example.org//", refused("site-origin-more")),
            ("https://www.example.org/.", refused("site-origin-more")),
            ("https://www.example.org\\", refused("site-origin-more")),
            ("https://www.example.org?", refused("site-origin-more")),
            ("https://www.example.org?a=b", refused("site-origin-more")),
            ("https://www.example.org#top", refused("site-origin-more")),
            ("https://user@www.example.org", refused("site-origin-more")),
            ("https://user:secret@www.example.org", refused("site-origin-more")),
            ("https://*.example.org", refused("site-origin-wildcard")),
            ("https://*", refused("site-origin-wildcard")),
            ("https://www.example.org:*", refused("site-origin-wildcard")),
            ("", refused("site-origin-ill-formed")),
            ("*", refused("site-origin-ill-formed")),
            ("www.example.org", refused("site-origin-ill-formed")),
            ("//www.example.org", refused("site-origin-ill-formed")),
            ("https:www.example.org", refused("site-origin-ill-formed")),
            ("https://", refused("site-origin-ill-formed")),
            ("https:///", refused("site-origin-ill-formed")),
            ("https://:443", refused("site-origin-ill-formed")),
            ("https://www.example.org:65536", refused("site-origin-ill-formed")),
            ("https://www.example.org:x", refused("site-origin-ill-formed")),
            ("https://www..example.org", refused("site-origin-ill-formed")),
            ("https://www.example.org.", refused("site-origin-ill-formed")),
            ("https://a_b.example.org", refused("site-origin-ill-formed")),
            ("https://a;b.example.org", refused("site-origin-ill-formed")),
            ("https://a,b.example.org", refused("site-origin-ill-formed")),
            ("https://a'b.example.org", refused("site-origin-ill-formed")),
            ("https://a\"b.example.org", refused("site-origin-ill-formed")),
            ("https://a%3Bb.example.org", refused("site-origin-ill-formed")),
            ("https://a%2Ab.example.org", refused("site-origin-ill-formed")),
            ("https://a b.example.org", refused("site-origin-ill-formed")),
            ("https://a\tb.example.org", refused("site-origin-ill-formed")),
            ("https://a\nb.example.org", refused("site-origin-ill-formed")),
            ("https://a\u{a0}b.example.org", refused("site-origin-ill-formed")),
            ("ftp://www.example.org", refused("site-origin-ill-formed")),
            ("javascript://www.example.org", refused("site-origin-ill-formed")),
            ("null", refused("site-origin-ill-formed")),
            (&format!("{longest}b"), refused("site-origin-ill-formed")),
            (&format!("https://{long_label}a.example.org"), refused("site-origin-ill-formed")),
            (&format!("https://{}", "a.".repeat(150)), refused("site-origin-ill-formed")),
        ] {
            assert_eq!(origin(written).map_err(|message| message.id()), expected, "{written:?}");
        }
    }

    #[test]
    fn what_is_written_of_a_site_is_checked_as_a_whole() {
        let all = |texts: &[&str]| Some(texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>());
        let written = Written {
            name: Some("Example".to_owned()),
            origins: all(&["https://b.example", "https://A.example", "https://a.example/", "https://b.example:443"]),
            listings: all(&["events", "new-items", "events"]),
        };
        let checked = check(written).unwrap();
        assert_eq!(checked.origins, all(&["https://b.example", "https://a.example"]));
        assert_eq!(checked.listings, all(&["events", "new-items"]));
        assert_eq!(check(Written::default()).unwrap(), Written::default());
        assert_eq!(check(Written { listings: all(&[]), ..Written::default() }).unwrap().listings, all(&[]));
        let many = |count: usize, text: &str| Some((0..count).map(|number| format!("{text}{number}")).collect());
        for (wrong, field, id) in [
            (Written { name: Some(" ".to_owned()), ..Written::default() }, "name", "text-blank"),
            (Written { name: Some("x".repeat(101)), ..Written::default() }, "name", "text-too-long"),
            (Written { name: Some("a\nb".to_owned()), ..Written::default() }, "name", "text-control-character"),
            (Written { origins: all(&[]), ..Written::default() }, "origins", "site-origins"),
            (Written { origins: many(21, "https://a"), ..Written::default() }, "origins", "site-origins"),
            (Written { origins: all(&["a"]), ..Written::default() }, "origins", "site-origin-ill-formed"),
            (Written { listings: many(21, "a"), ..Written::default() }, "listings", "list-too-long"),
            (Written { listings: all(&["A"]), ..Written::default() }, "listings", "site-listing-ill-formed"),
        ] {
            let fault = check(wrong.clone()).unwrap_err();
            assert_eq!((fault.field(), fault.message().id()), (Some(field), id), "{wrong:?}");
        }
        let everything = Written { name: Some(String::new()), origins: all(&["x", "http://y"]), listings: all(&["-"]) };
        assert_eq!(check(everything).unwrap_err().others().len(), 3, "all of it is told at once");
    }

    #[test]
    fn the_name_of_a_listing_begins_with_a_letter_and_is_short() {
        let (longest, too_long) = (format!("a{}", "-".repeat(63)), "a".repeat(65));
        for well_formed in ["a", "new-items", "items2", longest.as_str()] {
            assert_eq!(listing(well_formed).unwrap(), well_formed);
        }
        for ill_formed in ["", "2items", "-a", "a_b", "A", "é", "a b", "a\n", too_long.as_str()] {
            assert_eq!(listing(ill_formed).unwrap_err().id(), "site-listing-ill-formed", "{ill_formed:?}");
        }
    }

    #[test]
    fn the_last_thirty_days_are_told_unless_others_are_named() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let today = day("2026-11-26");
        let span = |first: &str, last: &str| Ok((day(first), day(last)));
        for (from, to, expected) in [
            (None, None, span("2026-10-28", "2026-11-26")),
            (Some("2026-11-26"), None, span("2026-11-26", "2026-11-26")),
            (None, Some("2026-01-30"), span("2026-01-01", "2026-01-30")),
            (Some("2025-11-26"), None, span("2025-11-26", "2026-11-26")),
            (Some("2025-11-25"), None, Err("site-uses-days")),
            (Some("0001-01-01"), Some("9999-12-31"), Err("site-uses-days")),
            (Some("2026-11-27"), None, Err("period-backwards")),
            (Some("2026-02-02"), Some("2026-02-01"), Err("period-backwards")),
        ] {
            let found = days(from.map(day), to.map(day), today);
            let found = found.map(|days| (days.first, days.last)).map_err(|fault| fault.message().id());
            assert_eq!(found, expected, "{from:?} to {to:?}");
        }
    }

    proptest! {
        #[test]
        fn whatever_is_written_an_origin_is_stable_and_fits_a_header(
            text in "(https?://)?(\\PC{0,20}|[a-zA-Z0-9.:\\[\\]%;,'\" *@/_-]{0,30}|[a-z]{1,5}\\.(é|ß|Ⅷ|。|\u{ad}|[a-z]){1,5}(:[0-9]{0,6})?/?)"
        ) {
            if let Ok(origin) = super::origin(&text) {
                prop_assert_eq!(super::origin(&origin).map_err(|message| message.id()), Ok(origin.clone()));
                let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-.:/[]".contains(&byte);
                prop_assert!(origin.bytes().all(fits), "{}", origin);
            }
        }
    }
}
