//! Texts, languages, days and moments in the contract. Scalars take any string and are checked where they are used,
//! so that what is wrong with them is said in the reader's language.

use async_graphql::{InputObject, InputValueError, InputValueResult, Object, Scalar, ScalarType, SimpleObject, Value};
use chrono::{DateTime as Moment, NaiveDate, SecondsFormat, Utc};
use strum::{AsRefStr, EnumMessage, EnumString, VariantArray};
use uuid::Uuid;

use crate::db::dates::DateRange;
use crate::db::text_origins::TextOrigin;
use crate::error::Fault;
use crate::graph::scope::Scope;
use crate::graph::word::Word;
use crate::text::approximate_count::{ApproximateCount as Count, CountQualifier};
use crate::text::imprecise_date::{ImpreciseDate as Imprecise, Qualifier};
use crate::text::language::{self, Languages};
use crate::text::messages::Message;
use crate::text::texts::{Fields, Texts};
use crate::text::vocabulary::Vocabulary;

/// The longest text that a list can be searched for, in characters.
const MAX_SEARCH_CHARS: usize = 200;

/// The most values that one filter takes.
const MAX_FILTER_VALUES: usize = 50;

/// A language tag as BCP 47 writes it, such as `fr` or `fr-CA`. Ill-formed: `BAD_USER_INPUT`.
#[derive(Clone, Debug)]
pub struct LanguageTag(pub String);

/// A language tag as BCP 47 writes it, such as `fr` or `fr-CA`. Ill-formed: `BAD_USER_INPUT`.
#[Scalar(name = "LanguageTag", specified_by_url = "https://www.rfc-editor.org/info/bcp47")]
impl ScalarType for LanguageTag {
    fn parse(value: Value) -> InputValueResult<Self> {
        text_of(value).map(Self)
    }

    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::String(_))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

impl LanguageTag {
    /// The tag in canonical case.
    pub fn check(&self) -> Result<language::LanguageTag, Fault> {
        language::LanguageTag::parse(&self.0).map_err(Fault::from)
    }
}

impl From<&language::LanguageTag> for LanguageTag {
    fn from(tag: &language::LanguageTag) -> Self {
        Self(tag.to_string())
    }
}

/// A day of the Gregorian calendar as ISO 8601 writes it, such as `2026-11-21`. Ill-formed: `BAD_USER_INPUT`.
#[derive(Clone, Debug)]
pub struct Date(pub String);

/// A day of the Gregorian calendar as ISO 8601 writes it, such as `2026-11-21`. Ill-formed: `BAD_USER_INPUT`.
#[Scalar(name = "Date", specified_by_url = "https://www.rfc-editor.org/rfc/rfc3339#section-5.6")]
impl ScalarType for Date {
    fn parse(value: Value) -> InputValueResult<Self> {
        text_of(value).map(Self)
    }

    fn is_valid(value: &Value) -> bool {
        matches!(value, Value::String(_))
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.clone())
    }
}

impl From<NaiveDate> for Date {
    fn from(day: NaiveDate) -> Self {
        Self(day.to_string())
    }
}

impl Date {
    /// The day.
    pub fn check(&self) -> Result<NaiveDate, Fault> {
        let shape =
            |(index, byte): (usize, u8)| if matches!(index, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
        let is_shaped = self.0.len() == "2026-11-21".len() && self.0.bytes().enumerate().all(shape);
        let day = Some(&self.0).filter(|_| is_shaped).and_then(|text| text.parse().ok());
        day.ok_or_else(|| Message::new("day-ill-formed").with("value", crate::text::messages::excerpt(&self.0)).into())
    }
}

/// A moment in UTC as RFC 3339 writes it, such as `2026-11-21T09:30:00Z`.
#[derive(Clone, Debug)]
pub struct DateTime(pub Moment<Utc>);

/// A moment in UTC as RFC 3339 writes it, such as `2026-11-21T09:30:00Z`.
#[Scalar(name = "DateTime", specified_by_url = "https://www.rfc-editor.org/rfc/rfc3339#section-5.6")]
impl ScalarType for DateTime {
    fn parse(value: Value) -> InputValueResult<Self> {
        let text = text_of(value)?;
        Moment::parse_from_rfc3339(&text).map(|moment| Self(moment.to_utc())).map_err(InputValueError::custom)
    }

    fn to_value(&self) -> Value {
        Value::String(self.0.to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}

fn text_of<T: async_graphql::InputType>(value: Value) -> Result<String, InputValueError<T>> {
    match value {
        Value::String(text) => Ok(text),
        other => Err(InputValueError::expected_type(other)),
    }
}

/// A span of days to search in. What states neither a first nor a last day is never found by one.
#[derive(Clone, Debug, InputObject)]
pub struct DateRangeInput {
    /// The first day; null: no limit.
    from: Option<Date>,
    /// The last day; null: no limit.
    to: Option<Date>,
    /// True: only what lies inside for certain. False: whatever may overlap.
    #[graphql(default = false)]
    certain: bool,
}

impl DateRangeInput {
    /// The range for a store.
    pub fn check(self) -> Result<DateRange, Fault> {
        let from = self.from.map(|day| day.check()).transpose()?;
        let to = self.to.map(|day| day.check()).transpose()?;
        if let (Some(from), Some(to)) = (from, to)
            && from > to
        {
            return Err(Message::new("period-backwards").into());
        }
        Ok(DateRange { from, to, certain: self.certain })
    }
}

/// A text to search for, checked: not blank, not over 200 characters, no control characters.
pub fn search_text(text: String) -> Result<String, Fault> {
    crate::text::texts::check_plain(&text, MAX_SEARCH_CHARS, false)?;
    Ok(text)
}

/// The values of a filter, checked: at most 50.
pub fn filter_values<T>(values: Vec<T>) -> Result<Vec<T>, Fault> {
    if values.len() > MAX_FILTER_VALUES {
        let message = Message::new("list-too-long").with("max", MAX_FILTER_VALUES).with("length", values.len());
        return Err(message.into());
    }
    Ok(values)
}

/// Language tags of a filter, checked and in canonical case.
pub fn filter_tags(tags: Vec<LanguageTag>) -> Result<Vec<String>, Fault> {
    filter_values(tags)?.iter().map(|tag| tag.check().map(|tag| tag.to_string())).collect()
}

/// Regions (ISO 3166-2) or countries (ISO 3166-1) of a filter, checked and in capitals.
pub fn filter_regions(regions: Vec<String>) -> Result<Vec<String>, Fault> {
    let check = |region: &String| match crate::text::identifier::country(region) {
        Ok(country) => Ok(country),
        Err(_) => crate::text::identifier::region(region).map_err(Fault::from),
    };
    filter_values(regions)?.iter().map(check).collect()
}

/// A date as vague as its source.
pub struct ImpreciseDate {
    date: Imprecise,
    original: language::LanguageTag,
    scope: Scope,
}

impl ImpreciseDate {
    /// The date of a row, for a reader.
    pub fn new(date: &Imprecise, original: &language::LanguageTag, scope: &Scope) -> Self {
        Self { date: date.clone(), original: original.clone(), scope: scope.clone() }
    }
}

/// A date as vague as its source: what the source says, and what it can mean. The marks `~` and `?` of EDTF set the
/// qualifier and do not widen the days.
#[Object]
impl ImpreciseDate {
    /// The Extended Date/Time Format, level 0 or 1; null: the words cannot be put so.
    async fn edtf(&self) -> Option<&str> {
        self.date.edtf()
    }

    /// The first day it can mean; null: unknown or open.
    async fn earliest(&self) -> Option<Date> {
        self.date.earliest().map(Date::from)
    }

    /// The last day it can mean; null: unknown or open.
    async fn latest(&self) -> Option<Date> {
        self.date.latest().map(Date::from)
    }

    /// How sure the source is.
    async fn qualifier(&self) -> Word<Qualifier> {
        Word(self.date.qualifier())
    }

    /// The source's own words; null: not given.
    async fn label(&self) -> Option<&str> {
        let served = self.date.label()?.look_up(self.scope.languages(), &self.original)?;
        Some(served.text)
    }
}

/// A number as vague as its source.
pub struct ApproximateCount {
    count: Count,
    original: language::LanguageTag,
    scope: Scope,
}

impl ApproximateCount {
    /// The count of a row, for a reader.
    pub fn new(count: &Count, original: &language::LanguageTag, scope: &Scope) -> Self {
        Self { count: count.clone(), original: original.clone(), scope: scope.clone() }
    }

    fn serve<'a>(&'a self, texts: Option<&'a Texts>) -> Option<&'a str> {
        Some(texts?.look_up(self.scope.languages(), &self.original)?.text)
    }
}

/// A number as vague as its source: "more than 80" is at least 81, "nearly 30" is at most 30.
#[Object]
impl ApproximateCount {
    /// The least it can be; null: not stated.
    async fn min(&self) -> Option<i64> {
        self.count.min
    }

    /// The most it can be; null: not stated.
    async fn max(&self) -> Option<i64> {
        self.count.max
    }

    /// How exact it is.
    async fn qualifier(&self) -> Word<CountQualifier> {
        Word(self.count.qualifier)
    }

    /// What is counted; null: not stated.
    async fn unit(&self) -> Option<&str> {
        self.serve(self.count.unit.as_ref())
    }

    /// The source's own words; null: not given.
    async fn label(&self) -> Option<&str> {
        self.serve(self.count.label.as_ref())
    }

    /// The day it was true; null: not stated.
    async fn as_of(&self) -> Option<Date> {
        self.count.as_of.map(Date::from)
    }

    /// Who states it; null: see the node's sources for this field.
    async fn source(&self) -> Option<&str> {
        self.count.source.as_deref()
    }
}

/// The smallest count over people whom one may not all list that is shown.
const SMALLEST_SHOWN: i64 = 5;

/// Why a count is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, AsRefStr, EnumString, EnumMessage, VariantArray)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum CountWithheld {
    /// It is 1 to 4: so few people could be guessed from it.
    SmallNumber,
}

impl Vocabulary for CountWithheld {
    const NAME: &'static str = "CountWithheld";
    const ABOUT: &'static str = "Why a count is not shown.";
}

/// A count over people whom you may not all see.
#[derive(Clone, Debug, SimpleObject)]
pub struct ProtectedCount {
    /// The count; null: withheld.
    value: Option<i64>,
    /// Why it is withheld; null: it is not.
    withheld: Option<Word<CountWithheld>>,
}

impl ProtectedCount {
    /// A count over people: under 5 it is withheld, except where there is nobody to guess.
    pub fn over_people(count: i64) -> Self {
        match count {
            1..SMALLEST_SHOWN => Self { value: None, withheld: Some(Word(CountWithheld::SmallNumber)) },
            _ => Self { value: Some(count), withheld: None },
        }
    }
}

/// A text that was served in another language than the one the reader would rather have.
#[derive(Clone, Debug, SimpleObject)]
pub struct FallbackField {
    /// The field, by its path (`name`, `aims/1/text`).
    pub field: String,
    /// The language that was served instead.
    pub language: LanguageTag,
}

/// One text of a node in one language.
pub struct Translation {
    node: Uuid,
    field: String,
    language: language::LanguageTag,
    text: String,
    scope: Scope,
}

/// One text of a node in one language.
#[Object]
impl Translation {
    /// The field, by its path (`name`, `aims/1/text`).
    async fn field(&self) -> &str {
        &self.field
    }

    /// The language.
    async fn language(&self) -> LanguageTag {
        (&self.language).into()
    }

    /// The text.
    async fn text(&self) -> &str {
        &self.text
    }

    /// Where it comes from; null: not known.
    async fn origin(&self) -> Option<Result<Word<TextOrigin>, Fault>> {
        let origin = self.known().await.map(|known| known.map(|(origin, _)| Word(origin)));
        origin.transpose()
    }

    /// Whether it is a translation of an original that has changed since.
    async fn is_stale(&self) -> Result<bool, Fault> {
        Ok(self.known().await?.is_some_and(|(_, is_stale)| is_stale))
    }
}

impl Translation {
    async fn known(&self) -> Result<Option<(TextOrigin, bool)>, Fault> {
        let origins = self.scope.loaders().origins.load(self.node).await?;
        Ok(origins.get(&(self.field.clone(), self.language.to_string())).copied())
    }
}

/// The texts that are served in another language than the reader's first matched one: the first wanted language that
/// the record has anything in. A reader without wishes has no fallbacks.
pub fn fallback_fields(
    fields: &Fields<'_>,
    languages: &Languages,
    original: &language::LanguageTag,
) -> Vec<FallbackField> {
    let Some(first) = languages.wanted().first() else { return Vec::new() };
    let has_any = |wanted: &&language::LanguageTag| fields.values().any(|texts| texts.matching(wanted).is_some());
    let matched = languages.wanted().iter().find(has_any).unwrap_or(first);
    let mut fallbacks = Vec::new();
    for (field, texts) in fields {
        if texts.matching(matched).is_none()
            && let Some(served) = texts.look_up(languages, original)
        {
            fallbacks.push(FallbackField { field: field.clone(), language: served.language.into() });
        }
    }
    fallbacks
}

/// Every text of a node in every language, or in one.
pub fn translations(
    (node, scope): (Uuid, &Scope),
    fields: &Fields<'_>,
    only: Option<&language::LanguageTag>,
) -> Vec<Translation> {
    let mut translations = Vec::new();
    for (field, texts) in fields {
        for (language, text) in texts.iter().filter(|(language, _)| only.is_none_or(|only| only == *language)) {
            let (field, text) = (field.clone(), text.to_owned());
            translations.push(Translation { node, field, language: language.clone(), text, scope: scope.clone() });
        }
    }
    translations
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_day_comes_back_or_is_refused(text in "\\PC{0,12}", day in "[+-]?[0-9]{4,5}-[01]?[0-9]-[0-3]?[0-9]") {
            for text in [text, day] {
                match Date(text.clone()).check() {
                    Ok(day) => prop_assert_eq!(Date::from(day).0, text),
                    Err(fault) => prop_assert_eq!(fault.message().id(), "day-ill-formed"),
                }
            }
        }
    }
}
