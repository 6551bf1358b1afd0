//! Identifiers and addresses as people type them, checked and brought into one form.
//!
//! Only the form is checked: nothing here asks a registry whether the thing exists. White space
//! around a value is dropped, except around a slug.

use percent_encoding::percent_decode_str;
use url::Url;

use super::messages::{Message, excerpt};

/// The longest web address, in bytes: what browsers and proxies carry safely.
pub const MAX_WEB_ADDRESS_BYTES: usize = 2_000;

/// The longest e-mail address, in bytes (RFC 5321 §4.5.3.1.3, without its two brackets).
pub const MAX_EMAIL_BYTES: usize = 254;

/// The longest slug, in characters: it has to be read in an address bar.
pub const MAX_SLUG_CHARS: usize = 80;

/// The longest DOI, in bytes: none of the registered ones comes near it.
pub const MAX_DOI_BYTES: usize = 300;

/// The longest phone number, in characters: 15 digits (ITU-T E.164), signs, and an extension.
pub const MAX_PHONE_CHARS: usize = 40;

/// Reads an ORCID iD, bare or as an `orcid.org` address, and returns it bare:
/// `0000-0002-1825-0097`. A wrong check character (ISO 7064 mod 11-2) is refused (`orcid-wrong`).
pub fn orcid(written: &str) -> Result<String, Message> {
    let bare = without_address(written, "orcid.org/").to_ascii_uppercase();
    if is_orcid(&bare) { Ok(bare) } else { Err(Message::new("orcid-wrong").with("value", excerpt(written))) }
}

/// Reads a ROR id, bare or as a `ror.org` address, and returns it bare in lower case: `03yrm5c26`.
/// Wrong check digits (ISO 7064 mod 97-10) are refused (`ror-wrong`).
pub fn ror(written: &str) -> Result<String, Message> {
    let bare = without_address(written, "ror.org/").to_ascii_lowercase();
    if is_ror(&bare) { Ok(bare) } else { Err(Message::new("ror-wrong").with("value", excerpt(written))) }
}

/// Reads an ISNI, with or without spaces, and returns its sixteen characters. A wrong check character
/// (ISO 7064 mod 11-2, as in an ORCID iD, which is one) is refused (`isni-wrong`).
pub fn isni(written: &str) -> Result<String, Message> {
    let bare: String = written.chars().filter(|char| !char.is_whitespace()).collect();
    let mut grouped = String::new();
    for (index, char) in bare.to_ascii_uppercase().chars().enumerate() {
        if index > 0 && index % 4 == 0 {
            grouped.push('-');
        }
        grouped.push(char);
    }
    if is_orcid(&grouped) {
        Ok(bare.to_ascii_uppercase())
    } else {
        Err(Message::new("isni-wrong").with("value", excerpt(written)))
    }
}

/// Reads a Wikidata item (`Q` and a number) and returns it in capitals (`wikidata-wrong`).
pub fn wikidata(written: &str) -> Result<String, Message> {
    let item = written.trim().to_ascii_uppercase();
    let number = item.strip_prefix('Q').unwrap_or_default();
    let is_well_formed = (1..=12).contains(&number.len())
        && number.bytes().all(|byte| byte.is_ascii_digit())
        && !number.starts_with('0');
    if is_well_formed { Ok(item) } else { Err(Message::new("wikidata-wrong").with("value", excerpt(written))) }
}

/// Reads a DOI, bare, with `doi:` or as a `doi.org` address, and returns it bare in lower case, as DOIs are compared
/// without case: `10.1000/182`. Percent-encoded signs of an address are decoded. Only the form is checked: a prefix of
/// `10.` and 4 to 9 digits, perhaps with further parts, then a suffix without white space, at most 300 bytes in all
/// (`doi-ill-formed`).
pub fn doi(written: &str) -> Result<String, Message> {
    let is_address = written.trim().len() > without_address(written, "doi.org/").len();
    let bare = without_address(written, "doi.org/");
    let bare = if bare == written.trim() { without_address(written, "dx.doi.org/") } else { bare };
    let is_address = is_address || bare != written.trim();
    let bare = strip_prefix_ignoring_case(bare, "doi:").unwrap_or(bare).trim_start();
    let decoded = if is_address { percent_decode_str(bare).decode_utf8().ok() } else { Some(bare.into()) };
    match decoded.map(|doi| doi.to_lowercase()) {
        Some(doi) if is_doi(&doi) => Ok(doi),
        Some(_) | None => Err(Message::new("doi-ill-formed").with("value", excerpt(written))),
    }
}

/// Reads a region code (ISO 3166-2) and returns it in upper case: `CA-ON`. Only the shape is
/// checked (`region-ill-formed`).
pub fn region(written: &str) -> Result<String, Message> {
    let code = written.trim().to_ascii_uppercase();
    let is_well_formed = match code.split_once('-') {
        Some((country, part)) => is_country(country) && is_upper_alphanumeric(part, 1, 3),
        None => false,
    };
    if is_well_formed { Ok(code) } else { Err(Message::new("region-ill-formed").with("value", excerpt(written))) }
}

/// Reads a country code (ISO 3166-1, two letters) and returns it in upper case: `CA`. Only the
/// shape is checked (`country-ill-formed`).
pub fn country(written: &str) -> Result<String, Message> {
    let code = written.trim().to_ascii_uppercase();
    if is_country(&code) { Ok(code) } else { Err(Message::new("country-ill-formed").with("value", excerpt(written))) }
}

/// Checks a slug: 1 to 80 characters, words of `a`–`z` and `0`–`9` joined by single hyphens
/// (`slug-ill-formed`).
pub fn slug(written: &str) -> Result<String, Message> {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(is_slug_byte);
    if written.len() <= MAX_SLUG_CHARS && written.split('-').all(is_word) {
        Ok(written.to_owned())
    } else {
        Err(Message::new("slug-ill-formed").with("value", excerpt(written)))
    }
}

/// Reads a web address and returns it as browsers do: scheme and host in lower case, other scripts
/// encoded, a path of at least `/`. Refused (`web-address-ill-formed`) if it is not `http` or
/// `https`, names no host, holds a user name, white space or control characters, or has more than
/// 2,000 bytes.
pub fn web_address(written: &str) -> Result<String, Message> {
    match canonical_web_address(written.trim()) {
        Some(address) => Ok(address),
        None => Err(Message::new("web-address-ill-formed").with("value", excerpt(written))),
    }
}

/// Reads an e-mail address and returns it with the domain in lower case. Only the plain shape is
/// checked, and at most 254 bytes (`email-ill-formed`).
pub fn email(written: &str) -> Result<String, Message> {
    let address = written.trim();
    match address.rsplit_once('@') {
        Some((local, domain)) if address.len() <= MAX_EMAIL_BYTES && is_local_part(local) && is_domain(domain) => {
            Ok(format!("{local}@{}", domain.to_lowercase()))
        }
        Some(_) | None => Err(Message::new("email-ill-formed").with("value", excerpt(written))),
    }
}

/// Checks a phone number and keeps it as it is written: digits, spaces and `+ ( ) - .`, at least
/// three digits (short numbers such as 811), then perhaps `x`, `ext` or the French `poste` and the
/// digits of an extension; at most 40 characters (`phone-ill-formed`).
pub fn phone(written: &str) -> Result<String, Message> {
    let number = written.trim();
    if number.len() <= MAX_PHONE_CHARS && is_phone(number) {
        Ok(number.to_owned())
    } else {
        Err(Message::new("phone-ill-formed").with("value", excerpt(written)))
    }
}

fn is_doi(doi: &str) -> bool {
    let Some((prefix, suffix)) = doi.split_once('/') else { return false };
    let mut parts = prefix.split('.');
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let has_registrant = parts.next() == Some("10")
        && parts.next().is_some_and(|part| is_number(part) && (4..=9).contains(&part.len()))
        && parts.all(is_number);
    let is_written = |char: char| !char.is_whitespace() && !char.is_control();
    has_registrant && !suffix.is_empty() && suffix.chars().all(is_written) && doi.len() <= MAX_DOI_BYTES
}

/// Drops the scheme and host under which a registry publishes its ids, in any case.
fn without_address<'a>(written: &'a str, host: &str) -> &'a str {
    let written = written.trim();
    let rest =
        strip_prefix_ignoring_case(written, "https://").or_else(|| strip_prefix_ignoring_case(written, "http://"));
    let bare = rest.and_then(|rest| strip_prefix_ignoring_case(rest, host));
    bare.unwrap_or(written)
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (start, rest) = text.split_at_checked(prefix.len())?;
    start.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn is_orcid(text: &str) -> bool {
    let mut total: u32 = 0;
    let mut check = None;
    for (place, char) in text.chars().enumerate() {
        match (place, char) {
            (4 | 9 | 14, '-') => {}
            (4 | 9 | 14, _) => return false,
            (18, 'X') => check = Some(10),
            (18, _) => check = char.to_digit(10),
            (0..18, _) => match char.to_digit(10) {
                // 15 digits below 10, each doubled up to 15 times, stay below 20 × 2^15.
                Some(digit) => total = (total + digit) * 2,
                None => return false,
            },
            _ => return false,
        }
    }
    check == Some((12 - total % 11) % 11)
}

fn is_ror(text: &str) -> bool {
    // Crockford's digits: the place in this list is the value; i, l, o and u are left out.
    const DIGITS: &str = "0123456789abcdefghjkmnpqrstvwxyz";
    let Some((body, check)) = text.split_at_checked(7) else {
        return false;
    };
    let mut value: usize = 0;
    for char in body.chars() {
        match DIGITS.find(char) {
            // Seven digits of five bits, 35 bits in all, taken modulo 97 on the way.
            Some(digit) => value = (value * 32 + digit) % 97,
            None => return false,
        }
    }
    body.starts_with('0') && check == format!("{:02}", 98 - value * 100 % 97)
}

fn is_country(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

fn is_upper_alphanumeric(text: &str, min_len: usize, max_len: usize) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit();
    (min_len..=max_len).contains(&text.len()) && text.bytes().all(is_allowed)
}

fn is_slug_byte(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

/// The address as a browser would send it, None if it is refused.
fn canonical_web_address(written: &str) -> Option<String> {
    let rest =
        strip_prefix_ignoring_case(written, "https://").or_else(|| strip_prefix_ignoring_case(written, "http://"))?;
    // The parser forgives what people do not mean: it drops line breaks and extra slashes, and
    // takes a backslash for a slash.
    let is_forgiven = |char: char| char.is_whitespace() || char.is_control() || char == '\\';
    if rest.starts_with('/') || written.contains(is_forgiven) {
        return None;
    }
    let url = Url::parse(written).ok()?;
    let authority = rest.split(['/', '?', '#']).next()?;
    if !url.has_host() || authority.contains('@') || url.as_str().len() > MAX_WEB_ADDRESS_BYTES {
        return None;
    }
    Some(url.into())
}

fn is_local_part(text: &str) -> bool {
    // 64 bytes: RFC 5321 §4.5.3.1.1. Quoted local parts are not in use and are refused.
    let is_refused = |char: char| char.is_whitespace() || char.is_control() || "\"(),:;<>@[\\]".contains(char);
    (1..=64).contains(&text.len()) && !text.contains(is_refused) && text.split('.').all(|part| !part.is_empty())
}

fn is_domain(text: &str) -> bool {
    let is_label = |label: &str| {
        // 63 bytes: RFC 1035 §2.3.4. Letters of every script: internationalized domains.
        (1..=63).contains(&label.len())
            && label.chars().all(|char| char.is_alphanumeric() || char == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.contains('.') && text.split('.').all(is_label)
}

fn is_phone(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let main = lower.trim_end_matches(|char: char| char.is_ascii_digit() || char == ' ');
    let main = main.strip_suffix('.').unwrap_or(main);
    let with_extension = ["ext", "x", "poste"].iter().find_map(|word| main.strip_suffix(word));
    let number = match with_extension {
        // The extension's word must be followed by its digits.
        Some(_) if !lower.ends_with(|char: char| char.is_ascii_digit()) => return false,
        Some(number) => number,
        None => &lower,
    };
    let is_allowed = |char: char| char.is_ascii_digit() || " +()-.".contains(char);
    let digit_count = number.bytes().filter(u8::is_ascii_digit).count();
    number.chars().all(is_allowed) && digit_count >= 3
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Reader = fn(&str) -> Result<String, Message>;

    fn reads(reader: Reader, pairs: &[(&str, &str)]) {
        for (written, canonical) in pairs {
            assert_eq!(reader(written).as_deref(), Ok(*canonical), "{written}");
            // What was returned is canonical: reading it again changes nothing.
            assert_eq!(reader(canonical).as_deref(), Ok(*canonical), "{written}");
        }
    }

    fn refuses(reader: Reader, id: &str, values: &[&str]) {
        for value in values {
            let message = reader(value).expect_err(value);
            assert_eq!(message.id(), id, "{value}");
            assert!(message.to_string().contains(&excerpt(value)), "{message}");
        }
    }

    #[test]
    fn a_doi_is_read_bare_or_as_an_address_and_compared_without_case() {
        for written in
            ["10.5555/AbC-1", "doi:10.5555/abc-1", " https://doi.org/10.5555/ABC-1 ", "http://dx.doi.org/10.5555/abc-1"]
        {
            assert_eq!(doi(written).unwrap(), "10.5555/abc-1", "{written}");
        }
        assert_eq!(
            doi("https://doi.org/10.1002/(SICI)1%3C1::AID-X%3E3.0.CO;2-5").unwrap(),
            "10.1002/(sici)1<1::aid-x>3.0.co;2-5"
        );
        assert_eq!(doi("10.1000.10/123%3c").unwrap(), "10.1000.10/123%3c", "a bare one is taken as it is");
        for written in [
            "",
            "10.5555",
            "10.5555/",
            "10.555/x",
            "11.5555/x",
            "10.a555/x",
            "10.5555/a b",
            "https://example.org/10.5555/x",
            "10.1234567890/x",
        ] {
            assert_eq!(doi(written).unwrap_err().id(), "doi-ill-formed", "{written}");
        }
        assert!(doi(&format!("10.5555/{}", "x".repeat(300))).is_err());
    }

    #[test]
    fn an_orcid_is_read_bare_or_as_an_address() {
        reads(
            orcid,
            &[
                ("0000-0002-1825-0097", "0000-0002-1825-0097"),
                ("https://orcid.org/0000-0002-1694-233X", "0000-0002-1694-233X"),
                ("HTTP://ORCID.org/0000-0002-1694-233x", "0000-0002-1694-233X"),
                (" 0000-0001-5109-3700 ", "0000-0001-5109-3700"),
            ],
        );
        refuses(
            orcid,
            "orcid-wrong",
            &[
                "",
                "0000-0002-1825-0098",
                "0000000218250097",
                "0000-0002-1825-009",
                "0000-0002-1825-00977",
                "0000 0002 1825 0097",
                "X000-0002-1825-0097",
                "https://example.org/0000-0002-1825-0097",
                "https://orcid.org/",
                "orcid.org/0000-0002-1825-0097",
                "0000-0002-1825-009٧",
                "é",
            ],
        );
    }

    #[test]
    fn a_ror_is_read_bare_or_as_an_address() {
        reads(
            ror,
            &[
                ("03yrm5c26", "03yrm5c26"),
                ("https://ror.org/03YRM5C26", "03yrm5c26"),
                ("http://ror.org/03yrm5c26 ", "03yrm5c26"),
            ],
        );
        refuses(
            ror,
            "ror-wrong",
            &[
                "",
                "03yrm5c27",
                "3yrm5c26",
                "13yrm5c26",
                "03yrm5c2",
                "03yrm5c266",
                "03yrm5i26",
                "03yrm5é6",
                "03yrm5c+6",
                "https://example.org/03yrm5c26",
            ],
        );
    }

    #[test]
    fn regions_and_countries_are_upper_cased() {
        reads(region, &[("ca-on", "CA-ON"), ("FR-75C", "FR-75C"), ("FR-0", "FR-0")]);
        refuses(region, "region-ill-formed", &["", "CA", "CA-", "CA-ABCD", "CAN-ON", "CA ON", "CA-ON-T", "CA-É"]);
        reads(country, &[("ca", "CA"), (" FR ", "FR")]);
        refuses(country, "country-ill-formed", &["", "C", "CAN", "C1", "Canada", "ÉÉ"]);
    }

    #[test]
    fn a_slug_is_words_joined_by_single_hyphens() {
        let longest = "a".repeat(80);
        reads(slug, &[("a", "a"), ("grief-2-0", "grief-2-0"), (&longest, &longest)]);
        let overlong = "a".repeat(81);
        refuses(slug, "slug-ill-formed", &["", "-", "a-", "-a", "a--b", "A", "a b", "a_b", "é", " a", &overlong]);
    }

    #[test]
    fn a_web_address_is_written_as_browsers_write_it() {
        reads(
            web_address,
            &[
                ("https://Example.org", "https://example.org/"),
                ("HTTP://example.org:8080/a?b=c#d", "http://example.org:8080/a?b=c#d"),
                ("https://example.org:443/a/../b", "https://example.org/b"),
                ("https://exämple.org/é", "https://xn--exmple-cua.org/%C3%A9"),
                ("https://example.org/@name?to=a@b", "https://example.org/@name?to=a@b"),
                (" https://[2001:db8::1]/ ", "https://[2001:db8::1]/"),
            ],
        );
        let overlong = format!("https://example.org/{}", "a".repeat(1_981));
        let expanding = format!("https://example.org/{}", "é".repeat(400));
        refuses(
            web_address,
            "web-address-ill-formed",
            &[
                "",
                "example.org",
                "www.example.org",
                "ftp://example.org",
                "javascript:alert(1)",
                "https:example.org",
                "https://",
                "https:///example.org",
                "https://?a",
                "https://user@example.org",
                "https://user:pw@example.org",
                "https://@example.org",
                "https://example.org/a b",
                "https://exa\nmple.org",
                "https://example.org\\a",
                "https://example.org:99999",
                "https://exa<mple.org",
                "https://[::1",
                &overlong,
                &expanding,
            ],
        );
        assert!(web_address(overlong.strip_suffix('a').unwrap()).is_ok());
    }

    #[test]
    fn an_email_address_has_the_plain_shape() {
        reads(
            email,
            &[
                ("Info@Example.ORG", "Info@example.org"),
                ("a.b+c'd@mail.example.org", "a.b+c'd@mail.example.org"),
                (" é@exämple.org ", "é@exämple.org"),
            ],
        );
        let long_local = format!("{}@example.org", "a".repeat(65));
        let overlong = format!("a@{}org", "example.".repeat(32));
        refuses(
            email,
            "email-ill-formed",
            &[
                "",
                "a",
                "@example.org",
                "a@",
                "a@b@example.org",
                "a b@example.org",
                "a@example",
                "a@example..org",
                "a@.example.org",
                "a@example.org.",
                "a@-example.org",
                "a@exa_mple.org",
                ".a@example.org",
                "a.@example.org",
                "a..b@example.org",
                "<a@example.org>",
                "mailto:a@example.org",
                "\"a\"@example.org",
                "a\n@example.org",
                &long_local,
                &overlong,
            ],
        );
    }

    #[test]
    fn a_phone_number_is_kept_as_written() {
        for number in [
            "811",
            "1-888-939-3333",
            "+1 (416) 555-0123",
            "416.555.0123 x12",
            "416 555 0123 ext. 1234",
            "416-555-0123 Ext 5",
            "514 555-0123 poste 12",
        ] {
            reads(phone, &[(number, number)]);
        }
        let overlong = "1".repeat(41);
        refuses(
            phone,
            "phone-ill-formed",
            &[
                "",
                "12",
                "abc",
                "1-800-FLOWERS",
                "416 555 0123 x",
                "416 555 0123 ext.",
                "x12",
                "416 555 0123 x12 x13",
                "416/555",
                "416\n555",
                "416 555 0123 extension 4",
                "ext 1234",
                &overlong,
            ],
        );
    }

    #[test]
    fn a_refusal_repeats_at_most_sixty_characters() {
        let message = country(&"é".repeat(10_000)).unwrap_err();
        let expected = Message::new("country-ill-formed").with("value", format!("{}…", "é".repeat(59)));
        assert_eq!(message, expected);
    }

    /// The text with another character at one place.
    fn changed(text: &str, place: usize, to: char) -> String {
        let replace = |(at, char)| if at == place { to } else { char };
        text.chars().enumerate().map(replace).collect()
    }

    /// A valid ORCID iD with these 15 digits, found by trying every check character.
    fn orcid_of(digits: u64) -> String {
        let digits = format!("{digits:015}");
        let groups = format!("{}-{}-{}-{}", &digits[..4], &digits[4..8], &digits[8..12], &digits[12..]);
        let candidates = "0123456789X".chars().map(|check| format!("{groups}{check}"));
        let valid: Vec<String> = candidates.filter(|candidate| orcid(candidate).is_ok()).collect();
        assert_eq!(valid.len(), 1);
        valid[0].clone()
    }

    /// A valid ROR id with these characters, found by trying every pair of check digits.
    fn ror_of(body: &str) -> String {
        let candidates = (0..100).map(|check| format!("0{body}{check:02}"));
        let valid: Vec<String> = candidates.filter(|candidate| ror(candidate).is_ok()).collect();
        assert_eq!(valid.len(), 1);
        valid[0].clone()
    }

    proptest! {
        #[test]
        fn an_orcid_with_a_changed_character_is_refused(
            digits in 0..1_000_000_000_000_000_u64, place in 0..19_usize, to in "[0-9X-]",
        ) {
            let valid = orcid_of(digits);
            let changed = changed(&valid, place, to.chars().next().unwrap());
            prop_assert!(changed == valid || orcid(&changed).is_err(), "{} and {}", valid, changed);
        }

        #[test]
        fn a_ror_with_a_changed_character_is_refused(
            body in "[0-9a-hjkmnp-tv-z]{6}", place in 0..9_usize, to in "[0-9a-z]",
        ) {
            let valid = ror_of(&body);
            let changed = changed(&valid, place, to.chars().next().unwrap());
            prop_assert!(changed == valid || ror(&changed).is_err(), "{} and {}", valid, changed);
        }

        #[test]
        fn no_text_makes_a_reader_panic_and_every_result_is_canonical(text in ".*", tail in "[ -~]*") {
            let address = format!("https://{tail}");
            let resolver = |name: &str| format!("https://{name}/{text}{tail}");
            let resolvers = [resolver("doi.org"), resolver("dx.doi.org"), resolver("orcid.org"), resolver("ror.org")];
            for reader in [orcid, ror, isni, wikidata, doi, region, country, slug, web_address, email, phone] {
                for written in [&text, &tail, &address].into_iter().chain(&resolvers) {
                    if let Ok(canonical) = reader(written) {
                        prop_assert_eq!(reader(&canonical), Ok(canonical.clone()));
                    }
                }
            }
        }
    }
}
