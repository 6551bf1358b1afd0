//! Dates that are known only roughly, kept as vague as their source states them.
//!
//! The notation is EDTF (Library of Congress, 2019), levels 0 and 1, without times of day: the hub
//! dates facts, not moments.

mod span;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{AsRefStr, EnumMessage, EnumString, VariantArray};

use super::messages::Message;
use super::texts::Texts;
use super::vocabulary::Vocabulary;
use span::{Refusal, Span};

/// A date as a source states it: EDTF notation, the source's own words, or both. In JSON
/// `{"edtf": "2018", "label": {"en": "in 2018"}}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Stated", into = "Stated")]
pub struct ImpreciseDate {
    edtf: Option<Edtf>,
    label: Option<Texts>,
}

/// A date or interval in EDTF level 0 or 1, and the days that it can mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edtf {
    text: String,
    earliest: Option<NaiveDate>,
    latest: Option<NaiveDate>,
    qualifier: Qualifier,
}

/// How sure the source is of a date. The earliest and latest day stay as the digits say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, AsRefStr, EnumString, EnumMessage, VariantArray)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Qualifier {
    /// The date is stated plainly.
    #[default]
    None,
    /// `?`: the source may be wrong.
    Uncertain,
    /// `~`: the date is about right.
    Approximate,
    /// `%`: both uncertain and approximate.
    Both,
}

impl Vocabulary for Qualifier {
    const NAME: &'static str = "DateQualifier";
    const ABOUT: &'static str = "How sure a source is of a date.";
}

impl ImpreciseDate {
    /// Makes a date of its two parts. Refused without either (`date-empty`; a label without any
    /// text counts as absent) and for notation that [`Edtf::parse`] refuses.
    pub fn new(edtf: Option<&str>, label: Option<Texts>) -> Result<Self, Message> {
        let edtf = edtf.map(Edtf::parse).transpose()?;
        let label = label.filter(|texts| !texts.is_empty());
        if edtf.is_none() && label.is_none() {
            return Err(Message::new("date-empty"));
        }
        Ok(Self { edtf, label })
    }

    /// The EDTF notation as it was written, None if the source states only words.
    pub fn edtf(&self) -> Option<&str> {
        self.edtf.as_ref().map(Edtf::text)
    }

    /// The first day that the date can mean, None without EDTF or with an open or unknown start.
    pub fn earliest(&self) -> Option<NaiveDate> {
        self.edtf.as_ref().and_then(Edtf::earliest)
    }

    /// The last day that the date can mean, None without EDTF or with an open or unknown end: it
    /// goes on.
    pub fn latest(&self) -> Option<NaiveDate> {
        self.edtf.as_ref().and_then(Edtf::latest)
    }

    /// The source's own words, None if there are none.
    pub fn label(&self) -> Option<&Texts> {
        self.label.as_ref()
    }

    /// How sure the source is; `Qualifier::None` without EDTF.
    pub fn qualifier(&self) -> Qualifier {
        self.edtf.as_ref().map(Edtf::qualifier).unwrap_or_default()
    }

    /// Whether the date can share a day with the days `from` to `to`, both included; None is
    /// unbounded. A date with neither an earliest nor a latest day never does.
    pub fn may_overlap(&self, from: Option<NaiveDate>, to: Option<NaiveDate>) -> bool {
        self.is_placed() && ordered(from, self.latest()) && ordered(self.earliest(), to)
    }

    /// Whether every day that the date can mean lies in `from` to `to`, both included; None is
    /// unbounded. A date with neither an earliest nor a latest day never does.
    pub fn certainly_within(&self, from: Option<NaiveDate>, to: Option<NaiveDate>) -> bool {
        let starts_inside = match (from, self.earliest()) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(from), Some(earliest)) => from <= earliest,
        };
        let ends_inside = match (self.latest(), to) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(latest), Some(to)) => latest <= to,
        };
        self.is_placed() && starts_inside && ends_inside
    }

    fn is_placed(&self) -> bool {
        self.earliest().is_some() || self.latest().is_some()
    }
}

impl Edtf {
    /// The longest notation that is read, in characters: two long years with qualifiers take 19.
    pub const MAX_CHARS: usize = 40;

    /// Reads a date such as `2018`, `2018-04-XX`, `2018-21~` or `Y-20000`, or an interval such as
    /// `2018/2020`, `2018/..` or `/2020?`. Refusals: `date-ill-formed` (also for times of day and
    /// level 2), `date-year-too-far` (beyond the calendar's years −262,143 to 262,142),
    /// `date-backwards` (an interval whose first day comes after its last).
    pub fn parse(text: &str) -> Result<Self, Message> {
        if text.len() > Self::MAX_CHARS || !text.is_ascii() {
            return Err(Refusal::IllFormed.message(text));
        }
        let span = Span::read(text).map_err(|refusal| refusal.message(text))?;
        Ok(Self { text: text.to_owned(), earliest: span.earliest, latest: span.latest, qualifier: span.qualifier })
    }

    /// The notation as it was written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The first day that the date can mean, None for an open or unknown start.
    pub fn earliest(&self) -> Option<NaiveDate> {
        self.earliest
    }

    /// The last day that the date can mean, None for an open or unknown end: it goes on.
    pub fn latest(&self) -> Option<NaiveDate> {
        self.latest
    }

    /// How sure the source is; for an interval, what is said of either end.
    pub fn qualifier(&self) -> Qualifier {
        self.qualifier
    }
}

impl Qualifier {
    /// What is said of an interval if this is said of one end and `other` of the other.
    fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::None, qualifier) | (qualifier, Self::None) => qualifier,
            (Self::Uncertain, Self::Uncertain) => Self::Uncertain,
            (Self::Approximate, Self::Approximate) => Self::Approximate,
            (Self::Both, _)
            | (_, Self::Both)
            | (Self::Uncertain, Self::Approximate)
            | (Self::Approximate, Self::Uncertain) => Self::Both,
        }
    }
}

/// The shape in JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stated {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    edtf: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    label: Option<Texts>,
}

impl TryFrom<Stated> for ImpreciseDate {
    type Error = Message;

    fn try_from(stated: Stated) -> Result<Self, Message> {
        Self::new(stated.edtf.as_deref(), stated.label)
    }
}

impl From<ImpreciseDate> for Stated {
    fn from(date: ImpreciseDate) -> Self {
        Self { edtf: date.edtf.map(|edtf| edtf.text), label: date.label }
    }
}

/// Whether `first` is not after `last`, where None lies beyond every day.
fn ordered(first: Option<NaiveDate>, last: Option<NaiveDate>) -> bool {
    match (first, last) {
        (Some(first), Some(last)) => first <= last,
        (None, _) | (_, None) => true,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::language::LanguageTag;
    use super::*;

    fn day(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    fn dated(edtf: &str) -> ImpreciseDate {
        ImpreciseDate::new(Some(edtf), None).unwrap()
    }

    fn words() -> Texts {
        Texts::one(LanguageTag::english(), "some years ago")
    }

    #[test]
    fn a_date_needs_notation_or_words() {
        let empty = ImpreciseDate::new(None, None).unwrap_err();
        assert_eq!(empty.id(), "date-empty");
        let empty = ImpreciseDate::new(None, Some(Texts::default())).unwrap_err();
        assert_eq!(empty.id(), "date-empty");
        let worded = ImpreciseDate::new(None, Some(words())).unwrap();
        assert_eq!(worded.label(), Some(&words()));
        assert_eq!((worded.edtf(), worded.earliest(), worded.latest()), (None, None, None));
        assert_eq!(worded.qualifier(), Qualifier::None);
        assert_eq!(dated("2018~").edtf(), Some("2018~"));
        assert_eq!(dated("2018~").qualifier(), Qualifier::Approximate);
    }

    #[test]
    fn a_date_is_read_from_and_written_to_json() {
        for json in [
            r#"{"edtf":"2018","label":{"en":"in 2018"}}"#,
            r#"{"edtf":"2018/.."}"#,
            r#"{"label":{"en":"some years ago"}}"#,
        ] {
            let date: ImpreciseDate = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&date).unwrap(), json);
        }
        let date: ImpreciseDate = serde_json::from_str(r#"{"edtf": "2018", "label": null}"#).unwrap();
        assert_eq!(date, dated("2018"));
        for json in [
            "{}",
            r#"{"edtf": null, "label": null}"#,
            r#"{"label": {}}"#,
            r#"{"edtf": ""}"#,
            r#"{"edtf": "soon"}"#,
            r#"{"edtf": "2018", "earliest": "2018-01-01"}"#,
            r#"{"label": {"en": ""}}"#,
            r#""2018""#,
        ] {
            assert!(serde_json::from_str::<ImpreciseDate>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn a_between_filter_matches_what_may_overlap_or_what_lies_inside() {
        let from = Some(day(2018, 4, 1));
        let to = Some(day(2018, 4, 30));
        for (edtf, may_overlap, certainly_within) in [
            ("2018", true, false),
            ("2018-04", true, true),
            ("2018-04-01", true, true),
            ("2018-04-30", true, true),
            ("2018-03-31", false, false),
            ("2018-05-01", false, false),
            ("2018-03/2018-04", true, false),
            ("2017/..", true, false),
            ("2018-04-02/", true, false),
            ("2018-05/..", false, false),
            ("../2018-04-02", true, false),
            ("/2018-03", false, false),
        ] {
            assert_eq!(dated(edtf).may_overlap(from, to), may_overlap, "{edtf}");
            assert_eq!(dated(edtf).certainly_within(from, to), certainly_within, "{edtf}");
        }
        assert!(dated("2018-05/..").may_overlap(from, None));
        assert!(dated("2018-05/..").certainly_within(from, None));
        assert!(dated("../2018-03").certainly_within(None, to));
        assert!(!dated("../2018-03").may_overlap(from, None));
        assert!(dated("2018").may_overlap(None, None) && dated("2018").certainly_within(None, None));
        let worded = ImpreciseDate::new(None, Some(words())).unwrap();
        assert!(!worded.may_overlap(None, None) && !worded.certainly_within(None, None));
    }

    proptest! {
        #[test]
        fn what_lies_inside_also_overlaps(
            start in 1990..2030_i32, years in 0..9_i32, from in 1990..2030_i32, to_years in 0..20_i32,
        ) {
            let (from, to) = (Some(day(from, 1, 1)), Some(day(from + to_years, 12, 31)));
            let date = dated(&format!("{start}/{}", start + years));
            prop_assert!(!date.certainly_within(from, to) || date.may_overlap(from, to));
        }

        #[test]
        fn whatever_is_read_from_json_is_written_and_read_again(
            edtf in prop::option::of("(Y?-?[0-9]{4}(-[0-2][0-9])?[?~%]?/?){1,2}(\\.\\.)?|.{0,12}"), label in prop::option::of(".{0,12}"),
        ) {
            let label = label.map(|label| serde_json::json!({ "en": label }));
            let stated = serde_json::json!({ "edtf": edtf, "label": label }).to_string();
            if let Ok(date) = serde_json::from_str::<ImpreciseDate>(&stated) {
                let written = serde_json::to_string(&date).unwrap();
                prop_assert_eq!(date.edtf(), edtf.as_deref());
                prop_assert_eq!(serde_json::from_str::<ImpreciseDate>(&written).unwrap(), date);
            }
        }
    }
}
