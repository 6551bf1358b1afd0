//! How a text is cut down to where it was found.
//!
//! ```text
//! a long text ──▶ … some words before, the MATCH, some words after …
//! ```

use std::collections::{BTreeMap, HashSet};

use crate::text::language::LanguageTag;

/// How long a snippet is at the most, in characters, without the dots at its ends.
const LENGTH: usize = 200;

/// How much of it stands before the first match, in characters.
const BEFORE: usize = 60;

/// How the words of a text are stemmed, by its language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stemming {
    /// As English.
    English,
    /// As French.
    French,
    /// Not at all.
    Plain,
}

impl Stemming {
    /// The stemming of texts in a language; null: in none in particular.
    pub fn of(language: Option<&LanguageTag>) -> Self {
        match language.map(LanguageTag::primary) {
            Some("en") => Self::English,
            Some("fr") => Self::French,
            Some(_) | None => Self::Plain,
        }
    }

    /// The name of the database's configuration for it.
    pub fn configuration(self) -> &'static str {
        match self {
            Self::English => "pg_catalog.english",
            Self::French => "pg_catalog.french",
            Self::Plain => "pg_catalog.simple",
        }
    }

    /// The stemming behind a configuration's name.
    pub fn of_configuration(name: &str) -> Option<Self> {
        [Self::English, Self::French, Self::Plain].into_iter().find(|stemming| stemming.configuration() == name)
    }
}

/// The phrases of a search: of each word of each phrase, the words in texts that it finds.
#[derive(Clone, Debug, Default)]
pub struct Phrases {
    phrases: BTreeMap<usize, Vec<HashSet<(Stemming, String)>>>,
}

impl Phrases {
    /// Notes that the word at a place (from 1) of a phrase of a length finds a word.
    pub fn add(&mut self, phrase: usize, length: usize, place: usize, stemming: Stemming, word: String) {
        let words = self.phrases.entry(phrase).or_insert_with(|| vec![HashSet::new(); length]);
        if let Some(found) = place.checked_sub(1).and_then(|index| words.get_mut(index)) {
            found.insert((stemming, word));
        }
    }

    /// The words of a text that are found: those of a phrase alone where they stand side by side. By their numbers.
    pub fn found_in(&self, text: &str, stemming: Stemming) -> HashSet<usize> {
        let written: Vec<(Stemming, String)> = words(text).map(|word| (stemming, word.to_owned())).collect();
        let mut found = HashSet::new();
        for phrase in self.phrases.values() {
            for start in 0..written.len() {
                let end = start.saturating_add(phrase.len());
                let side_by_side = written.get(start..end).unwrap_or_default();
                let is_there = side_by_side.len() == phrase.len();
                if is_there && side_by_side.iter().zip(phrase).all(|(word, finds)| finds.contains(word)) {
                    found.extend(start..end);
                }
            }
        }
        found
    }
}

/// A piece of a snippet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The text of the piece, as it was written.
    pub text: String,
    /// Whether it is what was searched for.
    pub is_match: bool,
}

/// The words of a text, in their order: what letters and digits make.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|char: char| !char.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// The part of a text around its first match, or its beginning when it has none. `matches` are the numbers of its words
/// that match.
pub fn snippet(text: &str, matches: &HashSet<usize>) -> Vec<Part> {
    let chars: Vec<char> = text.chars().map(|char| if char.is_whitespace() { ' ' } else { char }).collect();
    let spans = spans(&chars, matches);
    let first = spans.first().map_or(0, |(start, _)| *start);
    let (start, end) = window(&chars, first);
    let mut parts = Vec::new();
    let mut at = start;
    let piece = |from: usize, to: usize| chars.get(from..to).unwrap_or_default().iter().collect::<String>();
    for (from, to) in spans.into_iter().filter(|(from, to)| *from >= start && *to <= end) {
        parts.push(Part { text: piece(at, from), is_match: false });
        parts.push(Part { text: piece(from, to), is_match: true });
        at = to;
    }
    parts.push(Part { text: piece(at, end), is_match: false });
    if start > 0 {
        parts.insert(0, Part { text: "… ".to_owned(), is_match: false });
    }
    if end < chars.len() {
        parts.push(Part { text: " …".to_owned(), is_match: false });
    }
    joined(parts)
}

/// Where the matches stand, in characters.
fn spans(chars: &[char], matches: &HashSet<usize>) -> Vec<(usize, usize)> {
    let (mut spans, mut word, mut start) = (Vec::new(), 0, None);
    for (index, char) in chars.iter().copied().chain([' ']).enumerate() {
        match (char.is_alphanumeric(), start) {
            (true, None) => start = Some(index),
            (false, Some(from)) => {
                if matches.contains(&word) {
                    spans.push((from, index));
                }
                word += 1;
                start = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }
    spans
}

/// The span to show, cut between words where there is a space to cut at.
fn window(chars: &[char], first: usize) -> (usize, usize) {
    if chars.len() <= LENGTH {
        return (0, chars.len());
    }
    let space =
        |range: std::ops::Range<usize>| chars.get(range).unwrap_or_default().iter().position(|char| *char == ' ');
    let mut start = first.saturating_sub(BEFORE);
    if start > 0 {
        start += space(start..first).map_or(0, |offset| offset + 1);
    }
    let mut end = (start + LENGTH).min(chars.len());
    if end < chars.len() {
        let back = chars.get(start..end).unwrap_or_default().iter().rev().position(|char| *char == ' ');
        end -= back.map_or(0, |offset| offset + 1).min(BEFORE);
    }
    (start, end)
}

/// Empty pieces away, neighbours of one kind together.
fn joined(parts: Vec<Part>) -> Vec<Part> {
    let mut joined: Vec<Part> = Vec::new();
    for part in parts.into_iter().filter(|part| !part.text.is_empty()) {
        match joined.last_mut() {
            Some(last) if last.is_match == part.is_match => last.text.push_str(&part.text),
            _ => joined.push(part),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The numbers of the words of a text that are among these.
    fn set(text: &str, matches: &[&str]) -> HashSet<usize> {
        words(text).enumerate().filter(|(_, word)| matches.contains(word)).map(|(number, _)| number).collect()
    }

    fn marked(text: &str, matches: &[&str]) -> String {
        let write = |part: Part| if part.is_match { format!("[{}]", part.text) } else { part.text };
        snippet(text, &set(text, matches)).into_iter().map(write).collect()
    }

    #[test]
    fn a_phrase_is_found_where_its_words_stand_side_by_side_in_the_language_of_the_text() {
        let mut phrases = Phrases::default();
        phrases.add(1, 2, 1, Stemming::English, "trial".to_owned());
        phrases.add(1, 2, 2, Stemming::English, "promoters".to_owned());
        phrases.add(2, 1, 1, Stemming::French, "promoteur".to_owned());
        let found = |text, stemming| {
            let mut numbers: Vec<usize> = phrases.found_in(text, stemming).into_iter().collect();
            numbers.sort_unstable();
            numbers
        };
        assert_eq!(found("a trial, of trial promoters", Stemming::English), [3, 4]);
        assert_eq!(found("trial", Stemming::English), Vec::<usize>::new());
        assert_eq!(found("promoteur", Stemming::English), Vec::<usize>::new());
        assert_eq!(found("le promoteur", Stemming::French), [1]);
        assert_eq!(found("", Stemming::Plain), Vec::<usize>::new());
    }

    #[test]
    fn every_match_is_marked_as_it_is_written() {
        assert_eq!(
            marked("Les promoteurs, d’un Promoteur.", &["promoteurs", "Promoteur"]),
            "Les [promoteurs], d’un [Promoteur]."
        );
        assert_eq!(marked("RÉSOT", &["RÉSOT"]), "[RÉSOT]");
        assert_eq!(marked("nothing here", &["there"]), "nothing here");
        assert_eq!(marked("", &["x"]), "");
        assert_eq!(marked("a\nb", &["b"]), "a [b]");
    }

    #[test]
    fn a_long_text_is_cut_around_its_first_match_between_words() {
        let text = format!("{}needle {}", "hay ".repeat(100), "straw ".repeat(100));
        let snippet = marked(&text, &["needle"]);
        assert!(snippet.starts_with("… hay ") && snippet.ends_with(" …"), "{snippet}");
        assert!(snippet.contains("hay [needle] straw"), "{snippet}");
        assert!(!snippet.contains("stra …") && !snippet.contains("… ay"), "{snippet}");
        let start = marked(&text, &["elsewhere"]);
        assert!(start.starts_with("hay hay") && start.ends_with("hay …"), "{start}");
    }

    proptest! {
        #[test]
        fn no_text_panics_and_no_snippet_is_long(text in "\\PC{0,400}", word in "\\w{1,3}") {
            let length: usize = snippet(&text, &set(&text, &[&word])).iter().map(|part| part.text.chars().count()).sum();
            prop_assert!(length <= LENGTH + 4);
        }

        #[test]
        fn a_short_text_is_shown_whole(text in "[a-z ]{0,150}") {
            let whole: String = snippet(&text, &set(&text, &["a", "b"])).into_iter().map(|part| part.text).collect();
            prop_assert_eq!(whole, text);
        }
    }
}
