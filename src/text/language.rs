//! Language tags (BCP 47) and the languages that a reader wants.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, LazyLock};

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::messages::{Message, excerpt};

/// A well-formed language tag in canonical case, such as `fr-CA`. At most 35 characters, the
/// length that RFC 5646 §4.4.1 asks software to hold.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct LanguageTag(Arc<str>);

/// The two tags of nearly every text, made once: each row that is read has several.
static ENGLISH: LazyLock<LanguageTag> = LazyLock::new(|| LanguageTag(Arc::from("en")));
static FRENCH: LazyLock<LanguageTag> = LazyLock::new(|| LanguageTag(Arc::from("fr")));

/// The languages a reader wants, best first, and the hub's default language.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Languages {
    wanted: Vec<LanguageTag>,
    default: LanguageTag,
}

impl LanguageTag {
    /// The longest tag that is accepted, in characters (RFC 5646 §4.4.1).
    pub const MAX_CHARS: usize = 35;

    /// Reads a tag in any case. An ill-formed or overlong one is refused (`language-ill-formed`);
    /// whether its parts are registered is not checked.
    pub fn parse(text: &str) -> Result<Self, Message> {
        match text {
            "en" => return Ok(ENGLISH.clone()),
            "fr" => return Ok(FRENCH.clone()),
            _ => {}
        }
        let refusal = || Message::new("language-ill-formed").with("tag", excerpt(text));
        // A well-formed tag is ASCII, so bytes are characters.
        if text.len() > Self::MAX_CHARS {
            return Err(refusal());
        }
        match oxilangtag::LanguageTag::parse_and_normalize(text) {
            Ok(tag) => Ok(Self(tag.into_inner().into())),
            Err(_) => Err(refusal()),
        }
    }

    /// English, `en`: the language that every sentence of the hub has.
    pub fn english() -> Self {
        ENGLISH.clone()
    }

    /// The tag in canonical case.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The primary language, `fr` of `fr-CA`. A tag that has none (`x-…`, `i-…`) stands for itself
    /// as a whole: two private tags share no language.
    pub fn primary(&self) -> &str {
        match self.0.split_once('-') {
            Some((first, _)) if first.len() > 1 => first,
            Some(_) | None => &self.0,
        }
    }
}

impl fmt::Display for LanguageTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for LanguageTag {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// Order, equality and hash are those of the string, as `Borrow` demands.
impl Borrow<str> for LanguageTag {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl FromStr for LanguageTag {
    type Err = Message;

    fn from_str(text: &str) -> Result<Self, Message> {
        Self::parse(text)
    }
}

impl<'de> Deserialize<'de> for LanguageTag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(TagVisitor)
    }
}

/// Reads the tag where it stands, without a copy of its text first.
struct TagVisitor;

impl Visitor<'_> for TagVisitor {
    type Value = LanguageTag;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a language tag such as fr-CA")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<LanguageTag, E> {
        LanguageTag::parse(text).map_err(E::custom)
    }
}

impl Serialize for LanguageTag {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl Languages {
    /// How many wanted languages are kept; readers name two or three.
    pub const MAX_WANTED: usize = 10;

    /// The longest `Accept-Language` header that is read, in bytes; browsers send under 100.
    pub const MAX_HEADER_BYTES: usize = 1_000;

    /// Keeps the first ten different tags of `wanted`, best first.
    pub fn new(wanted: Vec<LanguageTag>, default: LanguageTag) -> Self {
        let mut kept: Vec<LanguageTag> = Vec::new();
        for tag in wanted {
            if kept.len() < Self::MAX_WANTED && !kept.contains(&tag) {
                kept.push(tag);
            }
        }
        Self { wanted: kept, default }
    }

    /// Reads an `Accept-Language` header (RFC 9110 §12.5.4): highest quality first, equal ones in
    /// the header's order, `q=0` left out. The header is a hint and never an error: `*` and
    /// ill-formed entries are ignored, and so is a header longer than 1,000 bytes.
    pub fn accept(header: &str, default: LanguageTag) -> Self {
        let mut weighted: Vec<(u16, LanguageTag)> = Vec::new();
        if header.len() <= Self::MAX_HEADER_BYTES {
            weighted.extend(header.split(',').filter_map(accept_entry));
        }
        // A stable sort: equal qualities keep the header's order.
        weighted.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
        Self::new(weighted.into_iter().map(|(_, tag)| tag).collect(), default)
    }

    /// The wanted languages, best first, without duplicates; empty when the reader named none.
    pub fn wanted(&self) -> &[LanguageTag] {
        &self.wanted
    }

    /// The hub's default language.
    pub fn default(&self) -> &LanguageTag {
        &self.default
    }
}

/// The weight in thousandths and the tag of one entry, None if it is to be ignored.
fn accept_entry(entry: &str) -> Option<(u16, LanguageTag)> {
    let (range, weight) = match entry.split_once(';') {
        Some((range, parameter)) => (range, weight(parameter)?),
        None => (entry, 1_000),
    };
    let tag = LanguageTag::parse(trim(range)).ok()?;
    (weight > 0).then_some((weight, tag))
}

/// Reads `q=0.5` as thousandths: 500. At most three decimals, at most 1 (RFC 9110 §12.4.2).
fn weight(parameter: &str) -> Option<u16> {
    let (name, value) = trim(parameter).split_once('=')?;
    let (whole, decimals) = value.split_once('.').unwrap_or((value, ""));
    let is_decimal = decimals.len() <= 3 && decimals.bytes().all(|byte| byte.is_ascii_digit());
    if !name.eq_ignore_ascii_case("q") || !is_decimal {
        return None;
    }
    let thousandths: u16 = format!("{decimals:0<3}").parse().ok()?;
    match (whole, thousandths) {
        ("0", thousandths) => Some(thousandths),
        ("1", 0) => Some(1_000),
        _ => None,
    }
}

/// Without the white space that HTTP allows around list members and parameters.
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t'])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn wanted(header: &str) -> Vec<String> {
        let languages = Languages::accept(header, LanguageTag::english());
        languages.wanted().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_tag_is_kept_in_canonical_case() {
        for (written, canonical) in [
            ("EN", "en"),
            ("fr-ca", "fr-CA"),
            ("ZH-HANT-tw", "zh-Hant-TW"),
            ("sl-rozaj", "sl-rozaj"),
            ("iu-Latn", "iu-Latn"),
            ("X-Hub", "x-hub"),
        ] {
            assert_eq!(LanguageTag::parse(written).unwrap().as_str(), canonical);
        }
    }

    #[test]
    fn an_ill_formed_or_overlong_tag_is_refused_by_name() {
        let overlong = format!("en-{}", ["abcdefgh"; 4].join("-"));
        assert_eq!(overlong.len(), 38);
        for text in ["", "e", "fr_CA", "french language", "fr-", "-fr", "fr-é", "en-x", &overlong] {
            let message = LanguageTag::parse(text).unwrap_err();
            assert_eq!(message.id(), "language-ill-formed", "{text}");
            assert!(message.to_string().contains(text));
        }
    }

    #[test]
    fn the_primary_language_is_the_first_part_unless_the_tag_is_private() {
        for (tag, primary) in
            [("fr-CA", "fr"), ("en", "en"), ("zh-min-nan", "zh"), ("x-hub", "x-hub"), ("i-klingon", "i-klingon")]
        {
            assert_eq!(LanguageTag::parse(tag).unwrap().primary(), primary);
        }
    }

    #[test]
    fn a_tag_is_a_checked_string_in_json() {
        let tag: LanguageTag = serde_json::from_str("\"fr-ca\"").unwrap();
        assert_eq!(serde_json::to_string(&tag).unwrap(), "\"fr-CA\"");
        let error = serde_json::from_str::<LanguageTag>("\"fr_CA\"").unwrap_err();
        assert!(error.to_string().contains("fr_CA"), "{error}");
    }

    #[test]
    fn accepted_languages_come_best_first() {
        assert_eq!(wanted("fr-CA,fr;q=0.9,en;q=0.8"), ["fr-CA", "fr", "en"]);
        assert_eq!(wanted("en;q=0.8 , fr-CA, de; q=0.85"), ["fr-CA", "de", "en"]);
        assert_eq!(wanted("en;q=0.5,fr;Q=0.500"), ["en", "fr"]);
        assert_eq!(wanted("en;q=1.000,fr;q=1.,de;q=0.999"), ["en", "fr", "de"]);
    }

    #[test]
    fn refused_starred_and_ill_formed_entries_are_ignored() {
        assert_eq!(wanted("en;q=0,fr"), ["fr"]);
        assert_eq!(wanted("en;q=0.000,*;q=0.5,fr"), ["fr"]);
        assert_eq!(wanted("en;q=2,de;q=1.001,nl;q=0.1234,it;q=,pt;q=-1,es;level=1,fr"), ["fr"]);
        assert_eq!(wanted("fr_CA,,;q=1,fr"), ["fr"]);
        assert_eq!(wanted(""), Vec::<String>::new());
        assert_eq!(wanted(&format!("fr{}", " ".repeat(999))), Vec::<String>::new());
        assert_eq!(wanted(&format!("fr{}", " ".repeat(998))), ["fr"]);
    }

    #[test]
    fn at_most_ten_different_languages_are_kept() {
        assert_eq!(wanted("fr;q=0.5,en,FR,fr-ca"), ["en", "fr", "fr-CA"]);
        let many: Vec<String> = ('a'..='z').map(|letter| format!("a{letter}")).collect();
        assert_eq!(wanted(&many.join(",")), many[..10]);
    }

    proptest! {
        #[test]
        fn no_tag_and_no_header_makes_the_parser_panic(text in ".*", header in "[a-zA-Z0-9*;,=.q -]*") {
            if let Ok(tag) = LanguageTag::parse(&text) {
                prop_assert_eq!(LanguageTag::parse(tag.as_str()), Ok(tag));
            }
            Languages::accept(&text, LanguageTag::english());
            Languages::accept(&header, LanguageTag::english());
        }

        #[test]
        fn tags_come_back_in_one_form_and_those_of_a_header_in_the_order_of_their_weights(
            entries in prop::collection::vec(("[a-zA-Z]{2,3}(-[a-zA-Z]{2,4}|-x-[a-z0-9]{1,9})?", 0..=1_000_u16), 0..14),
        ) {
            let mut weighted: Vec<(u16, LanguageTag)> = Vec::new();
            for (text, weight) in &entries {
                match LanguageTag::parse(text) {
                    Ok(tag) => {
                        prop_assert!(tag.as_str().eq_ignore_ascii_case(text), "{} for {}", tag, text);
                        weighted.push((*weight, tag));
                    }
                    Err(message) => prop_assert_eq!(message.id(), "language-ill-formed"),
                }
            }
            weighted.retain(|(weight, _)| *weight > 0);
            weighted.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
            let expected = Languages::new(weighted.into_iter().map(|(_, tag)| tag).collect(), LanguageTag::english());
            let written = |(text, weight): &(String, u16)| format!("{text};q={}.{:03}", weight / 1_000, weight % 1_000);
            let header = entries.iter().map(written).collect::<Vec<_>>().join(", ");
            prop_assert_eq!(Languages::accept(&header, LanguageTag::english()), expected);
        }
    }
}
