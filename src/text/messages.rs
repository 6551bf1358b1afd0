//! The hub's own sentences, kept in one catalogue per language under `messages/<language>/*.ftl`.
//!
//! The catalogues are compiled in. A changed file is noticed by cargo; a *new* `.ftl` file only
//! once this file is compiled again (`touch` it).

use std::collections::HashMap;
use std::fmt;

use fluent_templates::fluent_bundle::FluentValue;
use fluent_templates::{LanguageIdentifier, Loader, static_loader};

use super::language::{LanguageTag, Languages};

static_loader! {
    static CATALOGUES = {
        locales: "./src/text/messages",
        fallback_language: "en",
        // The invisible marks that Fluent puts around values end up in clients' JSON and in searches.
        customise: |bundle| bundle.set_use_isolating(false),
    };
}

/// A sentence of the hub that is not yet put into a language: an id of the catalogues and the
/// values that the sentence names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    id: &'static str,
    args: Vec<(&'static str, Argument)>,
}

/// A value that a sentence names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Argument {
    /// Words, shown as they are.
    Text(String),
    /// A whole number, which can also choose between singular and plural.
    Number(i64),
}

impl Message {
    /// Names a sentence by its id in the catalogues. Write the id as a literal: a test looks for
    /// every one in the catalogues.
    pub fn new(id: &'static str) -> Self {
        Self { id, args: Vec::new() }
    }

    /// Adds the value of the sentence's variable `name`.
    pub fn with(mut self, name: &'static str, value: impl Into<Argument>) -> Self {
        self.args.push((name, value.into()));
        self
    }

    /// The id in the catalogues.
    pub fn id(&self) -> &'static str {
        self.id
    }

    /// The sentence in the first wanted language that has a catalogue (fr-CA finds fr), else in the
    /// hub's default, else in English. An id that no catalogue has, or a missing value, yields the
    /// bare id.
    pub fn sentence(&self, languages: &Languages) -> String {
        let args = self.args.iter().map(|(name, value)| (*name, value.to_fluent())).collect();
        look_up(self.id, &args, languages).unwrap_or_else(|| self.id.to_owned())
    }
}

/// A sentence whose id the compiler does not know, as templates name it; null: no catalogue has it, or not with these values.
pub fn find(id: &str, values: &[(String, Argument)], languages: &Languages) -> Option<String> {
    let args = values.iter().map(|(name, value)| (name.as_str(), value.to_fluent())).collect();
    look_up(id, &args, languages)
}

fn look_up(id: &str, args: &HashMap<&str, FluentValue<'_>>, languages: &Languages) -> Option<String> {
    let wanted = languages.wanted().iter().chain([languages.default()]);
    let mut catalogues = wanted.filter_map(catalogue).chain([CATALOGUES.fallback()]);
    catalogues.find_map(|catalogue| CATALOGUES.lookup_single_language(catalogue, id, Some(args)).ok())
}

/// The language in which a sentence is served to somebody: that of the first catalogue that fits.
pub fn language_for(languages: &Languages) -> LanguageTag {
    let wanted = languages.wanted().iter().chain([languages.default()]);
    let found =
        wanted.filter_map(catalogue).next().and_then(|catalogue| LanguageTag::parse(&catalogue.to_string()).ok());
    found.unwrap_or_else(LanguageTag::english)
}

/// The English sentence, for logs and for errors of `serde`, which know no reader.
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let languages = Languages::new(Vec::new(), LanguageTag::english());
        f.write_str(&self.sentence(&languages))
    }
}

impl std::error::Error for Message {}

impl Argument {
    fn to_fluent(&self) -> FluentValue<'_> {
        match self {
            Self::Text(text) => FluentValue::from(text.as_str()),
            Self::Number(number) => FluentValue::from(*number),
        }
    }
}

impl From<&str> for Argument {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Argument {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Argument {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<i32> for Argument {
    fn from(number: i32) -> Self {
        Self::Number(number.into())
    }
}

impl From<usize> for Argument {
    fn from(number: usize) -> Self {
        Self::Number(i64::try_from(number).unwrap_or(i64::MAX))
    }
}

/// The beginning of what a user wrote, to be repeated in a sentence: at most 60 characters (what
/// fits beside the rest of a sentence), on one line, with `…` where something was cut off.
pub fn excerpt(written: &str) -> String {
    const MAX_CHARS: usize = 60;
    let mut excerpt = String::new();
    for (count, char) in written.chars().enumerate() {
        if count == MAX_CHARS - 1 && written.chars().nth(MAX_CHARS).is_some() {
            excerpt.push('…');
            break;
        }
        excerpt.push(if char.is_control() { ' ' } else { char });
    }
    excerpt
}

fn catalogue(tag: &LanguageTag) -> Option<&'static LanguageIdentifier> {
    CATALOGUES.locales().find(|catalogue| catalogue.language.as_str() == tag.primary())
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::fs;
    use std::path::Path;

    use super::*;

    fn tag(text: &str) -> LanguageTag {
        LanguageTag::parse(text).unwrap()
    }

    fn reader(wanted: &[&str], default: &str) -> Languages {
        Languages::new(wanted.iter().map(|text| tag(text)).collect(), tag(default))
    }

    /// The ids of all files of a language, each with the names of its variables.
    fn entries(language: &str) -> BTreeMap<String, BTreeSet<String>> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/text/messages").join(language);
        let mut entries = BTreeMap::new();
        for file in fs::read_dir(folder).unwrap() {
            let mut id = String::new();
            for line in fs::read_to_string(file.unwrap().path()).unwrap().lines() {
                if line.starts_with(|first: char| first.is_ascii_alphabetic()) {
                    id = line.split_once(" =").unwrap().0.to_owned();
                    let before = entries.insert(id.clone(), BTreeSet::new());
                    assert!(before.is_none(), "{id} is there twice in {language}");
                }
                if line.starts_with('#') {
                    continue;
                }
                for rest in line.split('$').skip(1) {
                    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_');
                    let name = &rest[..end.unwrap_or(rest.len())];
                    entries.get_mut(&id).unwrap().insert(name.to_owned());
                }
            }
        }
        entries
    }

    fn rendered(language: &str, id: &str, variables: &BTreeSet<String>, number: i64) -> String {
        let mut args = HashMap::new();
        for name in variables {
            args.insert(name.as_str(), FluentValue::from(number));
        }
        let catalogue = catalogue(&tag(language)).unwrap();
        CATALOGUES
            .lookup_single_language(catalogue, id, Some(&args))
            .unwrap_or_else(|error| panic!("{id} in {language}: {error}"))
    }

    #[test]
    fn every_sentence_exists_in_both_languages_with_the_same_variables() {
        let english = entries("en");
        assert!(!english.is_empty());
        assert_eq!(english, entries("fr"));
    }

    #[test]
    fn every_sentence_can_be_rendered_and_french_differs_from_english() {
        for (id, variables) in entries("en") {
            for number in [0, 1, 2] {
                let english = rendered("en", &id, &variables, number);
                let french = rendered("fr", &id, &variables, number);
                assert_ne!(english, french, "{id}");
                for mark in ['\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}'] {
                    assert!(!english.contains(mark) && !french.contains(mark), "{id}");
                }
            }
        }
    }

    #[test]
    fn a_sentence_speaks_the_first_wanted_language_that_has_a_catalogue() {
        let message = Message::new("text-blank");
        let english = message.sentence(&reader(&["en"], "fr"));
        let french = message.sentence(&reader(&["fr"], "en"));
        assert_ne!(english, french);
        assert_eq!(message.sentence(&reader(&["fr-CA", "en"], "en")), french);
        assert_eq!(message.sentence(&reader(&["de", "fr"], "en")), french);
        assert_eq!(message.sentence(&reader(&["de"], "fr-CA")), french);
        assert_eq!(message.sentence(&reader(&["de"], "nl")), english);
        assert_eq!(message.to_string(), english);
    }

    #[test]
    fn values_are_shown_as_they_are_written() {
        let message = Message::new("text-too-long").with("max", 1000).with("length", 1234_usize);
        let english = message.to_string();
        assert!(english.contains("1000") && english.contains("1234"), "{english}");
        let message = Message::new("language-ill-formed").with("tag", "{ $x }");
        assert!(message.to_string().contains("{ $x }"));
    }

    #[test]
    fn an_unknown_id_or_a_missing_value_yields_the_id() {
        // Not literals in the call: those are looked for in the catalogues.
        let unknown = "no-such-sentence";
        assert_eq!(Message::new(unknown).to_string(), "no-such-sentence");
        let incomplete = "text-too-long";
        assert_eq!(Message::new(incomplete).to_string(), "text-too-long");
    }

    #[test]
    fn an_excerpt_is_one_line_of_at_most_sixty_characters() {
        assert_eq!(excerpt("a\nb"), "a b");
        assert_eq!(excerpt(&"é".repeat(60)), "é".repeat(60));
        assert_eq!(excerpt(&"é".repeat(61)), format!("{}…", "é".repeat(59)));
    }
}
