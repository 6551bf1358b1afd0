//! One text in several languages, and which of them a reader gets.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::language::{LanguageTag, Languages};
use super::messages::Message;

/// The most languages of one text.
const MAX_LANGUAGES: usize = 50;

/// One text in several languages, in JSON `{"en": "…", "fr": "…"}`. Read from JSON it holds no
/// blank text, no control character other than line feed and tab, and each language once.
///
/// In the alphabetical order of the tags: two pairs take a sixth of the memory of a tree for two, and rows in memory are
/// mostly texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Texts(Vec<(LanguageTag, String)>);

/// A text in the language that a reader is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Served<'a> {
    /// The language of the text.
    pub language: &'a LanguageTag,
    /// The text itself.
    pub text: &'a str,
    /// Whether one of the reader's languages matched; false for every fallback.
    pub wanted: bool,
}

/// The texts of a record by the path of their field (`name`, `aims/<id>/text`).
pub type Fields<'a> = BTreeMap<String, &'a Texts>;

impl Texts {
    /// A text in one language, unchecked (see [`Texts::check`]).
    pub fn one(language: LanguageTag, text: impl Into<String>) -> Self {
        Self::default().with(language, text)
    }

    /// Adds a text, or replaces the one in that very language; unchecked (see [`Texts::check`]).
    pub fn with(mut self, language: LanguageTag, text: impl Into<String>) -> Self {
        let place = self.place(language.as_str());
        // What was found is replaced.
        if let Ok(at) = place {
            self.0.remove(at);
        }
        self.0.insert(place.unwrap_or_else(|at| at), (language, text.into()));
        self
    }

    /// Takes the text in that very language away.
    #[must_use]
    pub fn without(mut self, language: &LanguageTag) -> Self {
        self.0.retain(|(other, _)| other != language);
        self
    }

    /// Whether there is no text in any language.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Every language and its text, in the alphabetical order of the tags.
    pub fn iter(&self) -> impl Iterator<Item = (&LanguageTag, &str)> {
        self.0.iter().map(|(language, text)| (language, text.as_str()))
    }

    /// The text in exactly this language, None if there is none.
    pub fn exact(&self, language: &LanguageTag) -> Option<&str> {
        self.0.get(self.place(language.as_str()).ok()?).map(|(_, text)| text.as_str())
    }

    /// The length of the longest text in characters, 0 if there is no text.
    pub fn longest_chars(&self) -> usize {
        let lengths = self.iter().map(|(_, text)| text.chars().count());
        lengths.max().unwrap_or(0)
    }

    /// Refuses more than fifty languages, a blank text, a control character other than line feed and tab, and a text of more
    /// than `max_chars` characters, in whichever language it is.
    pub fn check(&self, max_chars: usize) -> Result<(), Message> {
        if self.0.len() > MAX_LANGUAGES {
            return Err(Message::new("list-too-long").with("max", MAX_LANGUAGES).with("length", self.0.len()));
        }
        for (_, text) in self.iter() {
            check_plain(text, max_chars, true)?;
        }
        Ok(())
    }

    /// The text for a reader, None only if there is no text in any language. RFC 4647 lookup of
    /// each wanted language in turn, then of the record's original language, then of the hub's
    /// default, each by the steps of [`Texts::matching`]; then the first tag alphabetically.
    pub fn look_up<'a>(&'a self, languages: &Languages, original: &LanguageTag) -> Option<Served<'a>> {
        let serve = |(language, text), wanted| Served { language, text, wanted };
        for range in languages.wanted() {
            if let Some(found) = self.matching(range) {
                return Some(serve(found, true));
            }
        }
        let fallback = self.matching(original);
        let fallback = fallback.or_else(|| self.matching(languages.default()));
        let fallback = fallback.or_else(|| self.iter().next());
        fallback.map(|found| serve(found, false))
    }

    /// The language and text that a wish for `range` is served, None if nothing matches: the exact
    /// tag, then the tag shortened part by part (RFC 4647 §3.4), then the first tag alphabetically
    /// of the same primary language. So fr-CA finds fr, and fr finds fr-CA.
    pub fn matching(&self, range: &LanguageTag) -> Option<(&LanguageTag, &str)> {
        let mut shortened = Some(range.as_str());
        while let Some(tag) = shortened {
            if let Some((language, text)) = self.place(tag).ok().and_then(|at| self.0.get(at)) {
                return Some((language, text));
            }
            shortened = shorten(tag);
        }
        self.iter().find(|(language, _)| language.primary() == range.primary())
    }

    /// Where the text in a language is, or else where it would be.
    fn place(&self, tag: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(language, _)| language.as_str().cmp(tag))
    }
}

impl Serialize for Texts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(TextsVisitor)
    }
}

/// Checks a text in one language: not blank, at most `max_chars` characters, no control character;
/// line feed and tab are allowed if `multiline`. Refusals: `text-blank`, `text-too-long`,
/// `text-control-character`.
pub fn check_plain(text: &str, max_chars: usize, multiline: bool) -> Result<(), Message> {
    check_written(text, multiline)?;
    let length = text.chars().count();
    if length > max_chars {
        return Err(Message::new("text-too-long").with("max", max_chars).with("length", length));
    }
    Ok(())
}

fn check_written(text: &str, multiline: bool) -> Result<(), Message> {
    if text.trim().is_empty() {
        return Err(Message::new("text-blank"));
    }
    let is_allowed = |char: char| !char.is_control() || (multiline && matches!(char, '\n' | '\t'));
    if text.chars().all(is_allowed) { Ok(()) } else { Err(Message::new("text-control-character")) }
}

/// Drops the last part of a tag, and then a part of one letter: it only introduces what followed
/// it. None when nothing is left.
fn shorten(tag: &str) -> Option<&str> {
    let (rest, _) = tag.rsplit_once('-')?;
    match rest.rsplit_once('-') {
        Some((before, last)) if last.len() == 1 => Some(before),
        None if rest.len() == 1 => None,
        Some(_) | None => Some(rest),
    }
}

/// Reads the map entry by entry: a derived reader would silently keep the last of two texts whose
/// tags differ only in case.
struct TextsVisitor;

impl<'de> Visitor<'de> for TextsVisitor {
    type Value = Texts;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("texts by language, such as {\"en\": \"…\", \"fr\": \"…\"}")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Texts, A::Error> {
        let mut texts = Vec::new();
        while let Some((language, text)) = map.next_entry::<LanguageTag, String>()? {
            check_written(&text, true).map_err(A::Error::custom)?;
            texts.push((language, text));
        }
        texts.sort_by(|(one, _), (other, _)| one.cmp(other));
        let twice = texts.windows(2).find(|pair| matches!(pair, [(one, _), (next, _)] if one == next));
        if let Some((language, _)) = twice.and_then(<[_]>::first) {
            let message = Message::new("text-language-twice").with("tag", language.as_str());
            return Err(A::Error::custom(message));
        }
        texts.shrink_to_fit();
        Ok(Texts(texts))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tag(text: &str) -> LanguageTag {
        LanguageTag::parse(text).unwrap()
    }

    /// Texts in these languages; each text is its own tag.
    fn texts(tags: &[&str]) -> Texts {
        tags.iter().fold(Texts::default(), |texts, text| texts.with(tag(text), *text))
    }

    fn matched(tags: &[&str], range: &str) -> Option<String> {
        let texts = texts(tags);
        texts.matching(&tag(range)).map(|(language, text)| {
            assert_eq!(language.as_str(), text);
            text.to_owned()
        })
    }

    fn served(tags: &[&str], wanted: &[&str], original: &str, default: &str) -> (String, bool) {
        let wanted = wanted.iter().map(|text| tag(text)).collect();
        let texts = texts(tags);
        let languages = Languages::new(wanted, tag(default));
        let served = texts.look_up(&languages, &tag(original)).unwrap();
        assert_eq!(texts.exact(served.language), Some(served.text));
        (served.text.to_owned(), served.wanted)
    }

    #[test]
    fn a_wish_finds_the_exact_tag_then_shorter_ones_then_relatives() {
        for (tags, range, found) in [
            (vec!["fr", "fr-CA"], "fr-CA", Some("fr-CA")),
            (vec!["fr", "fr-BE"], "fr-CA", Some("fr")),
            (vec!["en", "fr-CA"], "fr", Some("fr-CA")),
            (vec!["fr-BE", "fr-CH"], "fr-CA", Some("fr-BE")),
            (vec!["zh", "zh-Hant"], "zh-Hant-TW", Some("zh-Hant")),
            (vec!["en"], "fr", None),
            // Dropping `b` leaves the single letter `a`, which goes with it.
            (vec!["de-DE", "de"], "de-DE-a-bb", Some("de-DE")),
            (vec!["x-a"], "x-b", None),
            (vec!["x-hub"], "x-hub-old", Some("x-hub")),
            (vec!["frp"], "fr", None),
            (vec![], "fr", None),
        ] {
            assert_eq!(matched(&tags, range).as_deref(), found, "{range} in {tags:?}");
        }
    }

    #[test]
    fn a_tag_is_shortened_past_single_letters() {
        assert_eq!(shorten("zh-Hant-CN-x-private1"), Some("zh-Hant-CN"));
        assert_eq!(shorten("zh-Hant-CN"), Some("zh-Hant"));
        assert_eq!(shorten("zh"), None);
        assert_eq!(shorten("x-hub"), None);
    }

    #[test]
    fn a_reader_is_served_wishes_first_then_original_default_and_first() {
        let yes = |text: &str| (text.to_owned(), true);
        let no = |text: &str| (text.to_owned(), false);
        assert_eq!(served(&["en", "fr"], &["fr-CA"], "en", "en"), yes("fr"));
        assert_eq!(served(&["en", "fr"], &["de", "fr"], "en", "en"), yes("fr"));
        assert_eq!(served(&["en", "fr"], &["fr", "en"], "en", "en"), yes("fr"));
        assert_eq!(served(&["en", "fr"], &["de"], "fr-CA", "en"), no("fr"));
        assert_eq!(served(&["en", "fr"], &[], "de", "fr"), no("fr"));
        assert_eq!(served(&["nl", "fr"], &["it"], "de", "en"), no("fr"));
        let languages = Languages::new(vec![tag("en")], tag("en"));
        assert_eq!(Texts::default().look_up(&languages, &tag("en")), None);
    }

    #[test]
    fn texts_are_a_map_in_json_with_canonical_tags() {
        let texts: Texts = serde_json::from_str(r#"{"fr-ca": "à\n\tb", "en": "a"}"#).unwrap();
        let json = serde_json::to_string(&texts).unwrap();
        assert_eq!(json, r#"{"en":"a","fr-CA":"à\n\tb"}"#);
        assert_eq!(texts.longest_chars(), 4);
        assert!(serde_json::from_str::<Texts>("{}").unwrap().is_empty());
    }

    #[test]
    fn texts_with_a_flaw_are_refused_in_json() {
        for (json, reason) in [
            (r#"{"en": ""}"#, "text-blank"),
            (r#"{"en": " \n\u00a0"}"#, "text-blank"),
            (r#"{"en": "a\u0000"}"#, "text-control-character"),
            (r#"{"en": "a\r\nb"}"#, "text-control-character"),
            (r#"{"en": "a\u001b"}"#, "text-control-character"),
        ] {
            let error = serde_json::from_str::<Texts>(json).unwrap_err().to_string();
            let sentence = match reason {
                "text-blank" => Message::new("text-blank"),
                _ => Message::new("text-control-character"),
            };
            assert!(error.contains(&sentence.to_string()), "{json}: {error}");
        }
        let twice = serde_json::from_str::<Texts>(r#"{"fr-CA": "a", "fr-ca": "b"}"#).unwrap_err();
        assert!(twice.to_string().contains("fr-CA"), "{twice}");
        for json in [r#"{"fr_CA": "a"}"#, r#"{"en": null}"#, r#"{"en": 1}"#, r#""a""#, "[]", "null"] {
            assert!(serde_json::from_str::<Texts>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn a_plain_text_is_checked_in_characters() {
        let id = |text, max, multiline| check_plain(text, max, multiline).map_err(|m| m.id());
        assert_eq!(id("éé", 2, false), Ok(()));
        assert_eq!(id("ééé", 2, false), Err("text-too-long"));
        assert_eq!(id(" ", 2, false), Err("text-blank"));
        assert_eq!(id("", 2, true), Err("text-blank"));
        assert_eq!(id("a\nb\tc", 9, true), Ok(()));
        assert_eq!(id("a\nb", 9, false), Err("text-control-character"));
        assert_eq!(id("a\tb", 9, false), Err("text-control-character"));
        assert_eq!(id("a\u{85}b", 9, true), Err("text-control-character"));
    }

    #[test]
    fn every_language_is_held_to_the_limit() {
        let texts = Texts::one(tag("en"), "ab").with(tag("fr"), "abc");
        assert_eq!(texts.check(3), Ok(()));
        let too_long = Message::new("text-too-long").with("max", 2).with("length", 3);
        assert_eq!(texts.check(2), Err(too_long));
        let blank = Texts::one(tag("en"), " ").check(9).unwrap_err();
        assert_eq!(blank.id(), "text-blank");
    }

    proptest! {
        #[test]
        fn whatever_is_read_from_json_is_written_and_read_again(text in ".*") {
            let texts = Texts::one(tag("en"), text);
            let json = serde_json::to_string(&texts).unwrap();
            match serde_json::from_str::<Texts>(&json) {
                Ok(again) => prop_assert_eq!(again, texts),
                Err(_) => prop_assert!(texts.check(usize::MAX).is_err()),
            }
        }

        #[test]
        fn a_reader_always_gets_some_text(tags in prop::collection::vec("[a-z]{2}(-[A-Z]{2})?", 1..5), wanted in "[a-z]{2}") {
            let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
            served(&tags, &[&wanted], "en", "fr");
        }
    }
}
