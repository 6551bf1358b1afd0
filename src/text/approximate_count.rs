//! Counts that a source states only roughly: "more than 80", "nearly 30", "a dozen".

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use strum::{AsRefStr, EnumMessage, EnumString, VariantArray};

use super::messages::Message;
use super::texts::{Texts, check_plain};
use super::vocabulary::Vocabulary;

/// How many, as a source states it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", try_from = "Stated")]
pub struct ApproximateCount {
    /// The lowest number that is meant, None if only an upper bound is stated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min: Option<i64>,
    /// The highest number that is meant, None if there is no upper bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max: Option<i64>,
    /// How the bounds are meant.
    pub qualifier: CountQualifier,
    /// What is counted, such as "members"; None if the field says it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<Texts>,
    /// The source's own words, such as "more than 80"; None if it states a bare number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub label: Option<Texts>,
    /// The day on which the count held, None if the source does not state it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<NaiveDate>,
    /// Who states it, at most 300 characters on one line; None if it is the hub's record itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
}

/// How the bounds of a count are meant.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, AsRefStr, EnumString, EnumMessage, VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum CountQualifier {
    /// Exactly this many: both bounds, and equal.
    Exact,
    /// About this many: both bounds, "a dozen" is 12 to 12.
    About,
    /// The lower bound or more, "more than 80" is 81; there is no upper bound.
    AtLeast,
    /// A little below the upper bound, "nearly 30" is 30.
    Nearly,
}

impl Vocabulary for CountQualifier {
    const NAME: &'static str = "CountQualifier";
    const ABOUT: &'static str = "How exact a count is.";
}

impl ApproximateCount {
    /// The largest bound: GraphQL's Int has 32 bits.
    pub const LARGEST: i64 = 2_147_483_647;

    /// The longest `source`, in characters: a citation of three or four lines.
    pub const MAX_SOURCE_CHARS: usize = 300;

    /// Refuses bounds that are negative, crossed, or not those that the qualifier calls for
    /// (`count-impossible`), and a source that is not one line of text. The lengths of unit and
    /// label are the caller's to check.
    pub fn check(&self) -> Result<(), Message> {
        let has_wanted_bounds = match (self.qualifier, self.min, self.max) {
            (CountQualifier::Exact, Some(min), Some(max)) => 0 <= min && min == max,
            (CountQualifier::About | CountQualifier::Nearly, Some(min), Some(max)) => 0 <= min && min <= max,
            (CountQualifier::Nearly, None, Some(max)) => 0 <= max,
            (CountQualifier::AtLeast, Some(min), None) => 0 <= min,
            (CountQualifier::Exact | CountQualifier::About, _, _)
            | (CountQualifier::Nearly, _, None)
            | (CountQualifier::AtLeast, _, _) => false,
        };
        let is_too_large = [self.min, self.max].into_iter().flatten().any(|bound| bound > Self::LARGEST);
        if !has_wanted_bounds || is_too_large {
            return Err(Message::new("count-impossible"));
        }
        if let Some(source) = &self.source {
            check_plain(source, Self::MAX_SOURCE_CHARS, false)?;
        }
        Ok(())
    }
}

/// The shape in JSON, not yet checked.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Stated {
    min: Option<i64>,
    max: Option<i64>,
    qualifier: CountQualifier,
    unit: Option<Texts>,
    label: Option<Texts>,
    as_of: Option<NaiveDate>,
    source: Option<String>,
}

impl TryFrom<Stated> for ApproximateCount {
    type Error = Message;

    fn try_from(stated: Stated) -> Result<Self, Message> {
        let count = Self {
            min: stated.min,
            max: stated.max,
            qualifier: stated.qualifier,
            unit: stated.unit,
            label: stated.label,
            as_of: stated.as_of,
            source: stated.source,
        };
        count.check()?;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn count(qualifier: CountQualifier, min: Option<i64>, max: Option<i64>) -> ApproximateCount {
        ApproximateCount { min, max, qualifier, unit: None, label: None, as_of: None, source: None }
    }

    #[test]
    fn the_words_of_sources_have_their_bounds() {
        for (json, expected) in [
            // "More than 80"
            (r#"{"min":81,"qualifier":"AT_LEAST"}"#, count(CountQualifier::AtLeast, Some(81), None)),
            // "nearly 30"
            (r#"{"max":30,"qualifier":"NEARLY"}"#, count(CountQualifier::Nearly, None, Some(30))),
            // "a dozen"
            (r#"{"min":12,"max":12,"qualifier":"ABOUT"}"#, count(CountQualifier::About, Some(12), Some(12))),
        ] {
            let read: ApproximateCount = serde_json::from_str(json).unwrap();
            assert_eq!(read, expected);
            assert_eq!(serde_json::to_string(&read).unwrap(), json);
        }
    }

    #[test]
    fn bounds_are_those_that_the_qualifier_calls_for() {
        use CountQualifier::{About, AtLeast, Exact, Nearly};
        for (qualifier, min, max, is_possible) in [
            (Exact, Some(3), Some(3), true),
            (Exact, Some(0), Some(0), true),
            (Exact, Some(3), Some(4), false),
            (Exact, Some(3), None, false),
            (Exact, None, Some(3), false),
            (Exact, None, None, false),
            (About, Some(3), Some(3), true),
            (About, Some(3), Some(5), true),
            (About, Some(5), Some(3), false),
            (About, Some(3), None, false),
            (About, None, Some(3), false),
            (About, None, None, false),
            (AtLeast, Some(0), None, true),
            (AtLeast, Some(3), None, true),
            (AtLeast, Some(3), Some(5), false),
            (AtLeast, None, Some(5), false),
            (AtLeast, None, None, false),
            (Nearly, None, Some(30), true),
            (Nearly, Some(25), Some(30), true),
            (Nearly, Some(31), Some(30), false),
            (Nearly, Some(25), None, false),
            (Nearly, None, None, false),
            (Exact, Some(-1), Some(-1), false),
            (About, Some(-1), Some(3), false),
            (AtLeast, Some(-1), None, false),
            (Nearly, None, Some(-1), false),
            (Nearly, Some(-1), Some(3), false),
        ] {
            let result = count(qualifier, min, max).check().map_err(|message| message.id());
            let expected = if is_possible { Ok(()) } else { Err("count-impossible") };
            assert_eq!(result, expected, "{qualifier:?} {min:?} {max:?}");
        }
    }

    #[test]
    fn a_source_is_one_line_of_at_most_300_characters() {
        let mut count = count(CountQualifier::Exact, Some(3), Some(3));
        for (source, refusal) in [
            ("é".repeat(300), None),
            ("é".repeat(301), Some("text-too-long")),
            (" ".to_owned(), Some("text-blank")),
            ("a\nb".to_owned(), Some("text-control-character")),
        ] {
            count.source = Some(source);
            assert_eq!(count.check().err().map(|message| message.id()), refusal);
        }
    }

    #[test]
    fn a_whole_count_is_read_from_and_written_to_json() {
        let json = r#"{"min":81,"qualifier":"AT_LEAST","unit":{"en":"members"},"label":{"en":"More than 80 members"},"asOf":"2024-05-01","source":"Annual report"}"#;
        let read: ApproximateCount = serde_json::from_str(json).unwrap();
        assert_eq!(read.as_of, NaiveDate::from_ymd_opt(2024, 5, 1));
        assert_eq!(serde_json::to_string(&read).unwrap(), json);
        let bare = r#"{"min": 3, "max": 3, "qualifier": "EXACT", "unit": null, "asOf": null}"#;
        let read: ApproximateCount = serde_json::from_str(bare).unwrap();
        assert_eq!(read, count(CountQualifier::Exact, Some(3), Some(3)));
    }

    #[test]
    fn a_flawed_count_is_refused_in_json() {
        for json in [
            "{}",
            r#"{"min": 3, "max": 3}"#,
            r#"{"min": 3, "max": 2, "qualifier": "ABOUT"}"#,
            r#"{"min": 3, "max": 3, "qualifier": "exact"}"#,
            r#"{"min": 3, "max": 3, "qualifier": "EXACT", "note": "x"}"#,
            r#"{"min": 3.5, "qualifier": "AT_LEAST"}"#,
            r#"{"min": 3, "qualifier": "AT_LEAST", "source": ""}"#,
            r#"{"min": 3, "qualifier": "AT_LEAST", "asOf": "2024"}"#,
        ] {
            assert!(serde_json::from_str::<ApproximateCount>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn a_qualifier_has_one_name_everywhere() {
        for (qualifier, name) in [
            (CountQualifier::Exact, "EXACT"),
            (CountQualifier::About, "ABOUT"),
            (CountQualifier::AtLeast, "AT_LEAST"),
            (CountQualifier::Nearly, "NEARLY"),
        ] {
            assert_eq!(qualifier.as_ref(), name);
            assert_eq!(name.parse(), Ok(qualifier));
            assert_eq!(serde_json::to_string(&qualifier).unwrap(), format!("\"{name}\""));
        }
    }

    #[test]
    fn a_count_beyond_the_contracts_numbers_is_refused() {
        let count = |max: i64| format!("{{\"min\": 1, \"max\": {max}, \"qualifier\": \"ABOUT\"}}");
        assert!(serde_json::from_str::<ApproximateCount>(&count(ApproximateCount::LARGEST)).is_ok());
        assert!(serde_json::from_str::<ApproximateCount>(&count(ApproximateCount::LARGEST + 1)).is_err());
    }

    proptest! {
        #[test]
        fn whatever_is_read_from_json_is_written_and_read_again(
            min in prop::option::of(prop_oneof![0..4_i64, any::<i64>()]), max in prop::option::of(prop_oneof![0..4_i64, any::<i64>()]),
            qualifier in prop::sample::select(vec!["EXACT", "ABOUT", "AT_LEAST", "NEARLY", "exact", ""]),
            as_of in prop::option::of("[0-9]{4}-[01][0-9]-[0-3][0-9]|.{0,9}"), source in prop::option::of(".{0,9}"), half: bool,
        ) {
            let mut stated = serde_json::json!({ "min": min, "max": max, "qualifier": qualifier, "asOf": as_of, "source": source });
            if half {
                stated["min"] = serde_json::json!(0.5);
            }
            if let Ok(count) = serde_json::from_str::<ApproximateCount>(&stated.to_string()) {
                prop_assert!(!half && count.check().is_ok());
                let written = serde_json::to_string(&count).unwrap();
                prop_assert_eq!(serde_json::from_str::<ApproximateCount>(&written).unwrap(), count);
            }
        }
    }
}
