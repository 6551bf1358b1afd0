//! Synthetic texts: sentences with their gaps filled, in one language or in two.

use crate::text::language::LanguageTag;
use crate::text::messages::Message;
use crate::text::texts::Texts;
use crate::transfer::generate::chance::Chance;
use crate::transfer::generate::sentences::{ASIDES, CLOSINGS, MIDDLES, OPENINGS, TITLES};
use crate::transfer::generate::words::{GROUPS, METHODS, OUTCOMES, PLACES, Pair, RARITIES, SUBJECTS};

/// The tags of the two languages, read once.
#[derive(Clone, Debug)]
pub struct Tags {
    /// English.
    pub english: LanguageTag,
    /// French.
    pub french: LanguageTag,
}

impl Tags {
    /// Reads them.
    pub fn new() -> Result<Self, Message> {
        Ok(Self { english: LanguageTag::english(), french: LanguageTag::parse("fr")? })
    }
}

/// The languages that a record has its texts in.
#[derive(Clone, Debug)]
pub struct Tongues<'a> {
    tags: &'a Tags,
    has_english: bool,
    has_french: bool,
    is_french: bool,
}

/// The words that stand in the gaps of a sentence.
#[derive(Clone, Copy, Debug)]
pub struct Gaps {
    subject: Pair,
    group: Pair,
    place: Pair,
    method: Pair,
    outcome: Pair,
    rarity: Pair,
    number: usize,
}

impl<'a> Tongues<'a> {
    /// Both languages in 60 of a hundred cases, English alone in 25, French alone in 15.
    pub fn draw(tags: &'a Tags, chance: &mut Chance) -> Self {
        let (has_english, has_french) = chance.weighed(&[(60, (true, true)), (25, (true, false))], (false, true));
        let is_french = !has_english || (has_french && chance.percent(25));
        Self { tags, has_english, has_french, is_french }
    }

    /// Both languages, as for everything that everybody needs.
    pub fn both(tags: &'a Tags, is_french: bool) -> Self {
        Self { tags, has_english: true, has_french: true, is_french }
    }

    /// The language that the record was written in.
    pub fn original(&self) -> LanguageTag {
        if self.is_french { self.tags.french.clone() } else { self.tags.english.clone() }
    }

    /// Every language, in alphabetical order.
    pub fn all(&self) -> Vec<LanguageTag> {
        let both = [(self.has_english, &self.tags.english), (self.has_french, &self.tags.french)];
        both.into_iter().filter(|(has, _)| *has).map(|(_, tag)| tag.clone()).collect()
    }

    /// A text in the languages of the record.
    pub fn say(&self, write: impl Fn(Tongue) -> String) -> Texts {
        let mut texts = Texts::default();
        if self.has_english {
            texts = texts.with(self.tags.english.clone(), write(Tongue::English));
        }
        if self.has_french {
            texts = texts.with(self.tags.french.clone(), write(Tongue::French));
        }
        texts
    }
}

/// One of the two languages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tongue {
    /// English.
    English,
    /// French.
    French,
}

impl Tongue {
    /// The words of a pair in this language.
    pub fn of(self, pair: Pair) -> &'static str {
        match self {
            Self::English => pair.0,
            Self::French => pair.1,
        }
    }
}

impl Gaps {
    /// Draws the words for one sentence.
    pub fn draw(chance: &mut Chance) -> Self {
        Self {
            subject: *chance.pick(&SUBJECTS),
            group: *chance.pick(&GROUPS),
            place: *chance.pick(&PLACES),
            method: *chance.pick(&METHODS),
            outcome: *chance.pick(&OUTCOMES),
            rarity: *chance.pick(&RARITIES),
            number: chance.between(3, 40),
        }
    }

    /// The sentence with its gaps filled.
    pub fn fill(&self, sentence: Pair, tongue: Tongue) -> String {
        let mut text = String::with_capacity(160);
        self.fill_into(&mut text, tongue.of(sentence), tongue);
        text
    }

    fn fill_into(&self, text: &mut String, sentence: &str, tongue: Tongue) {
        let mut parts = sentence.split('{');
        text.push_str(parts.next().unwrap_or_default());
        for part in parts {
            let (gap, after) = part.split_once('}').unwrap_or(("", part));
            match gap {
                "s" => text.push_str(tongue.of(self.subject)),
                "g" => text.push_str(tongue.of(self.group)),
                "p" => text.push_str(tongue.of(self.place)),
                "m" => text.push_str(tongue.of(self.method)),
                "o" => text.push_str(tongue.of(self.outcome)),
                "r" => text.push_str(tongue.of(self.rarity)),
                _ => text.push_str(&self.number.to_string()),
            }
            text.push_str(after);
        }
    }
}

/// A title such as "Sample guide: grief support for caregivers".
pub fn title(tongues: &Tongues<'_>, chance: &mut Chance, kind: Pair) -> Texts {
    let (gaps, sentence) = (Gaps::draw(chance), *chance.pick(&TITLES));
    tongues.say(|tongue| {
        let mut text = String::with_capacity(100);
        text.push_str(tongue.of(("Sample ", "Exemple : ")));
        text.push_str(tongue.of(kind));
        text.push_str(tongue.of((": ", " – ")));
        gaps.fill_into(&mut text, tongue.of(sentence), tongue);
        text
    })
}

/// A summary of 25 to 50 words.
pub fn summary(tongues: &Tongues<'_>, chance: &mut Chance) -> Texts {
    let mut sentences =
        vec![(Gaps::draw(chance), *chance.pick(&OPENINGS)), (Gaps::draw(chance), *chance.pick(&MIDDLES))];
    if chance.percent(5) {
        sentences.push((Gaps::draw(chance), *chance.pick(&ASIDES)));
    }
    if chance.percent(60) {
        sentences.push((Gaps::draw(chance), *chance.pick(&CLOSINGS)));
    }
    tongues.say(|tongue| {
        let mut text = String::with_capacity(400);
        for (gaps, sentence) in &sentences {
            if !text.is_empty() {
                text.push(' ');
            }
            gaps.fill_into(&mut text, tongue.of(*sentence), tongue);
        }
        text
    })
}

/// One sentence of a list.
pub fn sentence(tongues: &Tongues<'_>, chance: &mut Chance, list: &[Pair]) -> Texts {
    let (gaps, sentence) = (Gaps::draw(chance), *chance.pick(list));
    tongues.say(|tongue| gaps.fill(sentence, tongue))
}
