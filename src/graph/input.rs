//! What mutations take: texts in several languages, dates and counts as vague as their source, sources; and how they change
//! the fields of a record.
//!
//! A field that an edit leaves out stays as it is; null takes away what a field held. A text names the languages that it
//! changes, and leaves the others.

use async_graphql::{InputObject, MaybeUndefined};
use uuid::Uuid;

use crate::domain::record::SourceRecord;
use crate::error::Fault;
use crate::graph::id;
use crate::graph::text::{Date, LanguageTag};
use crate::graph::word::Word;
use crate::policy::NodeKind;
use crate::text::approximate_count::{ApproximateCount, CountQualifier};
use crate::text::imprecise_date::ImpreciseDate;
use crate::text::messages::Message;
use crate::text::statement::Statement;
use crate::text::texts::Texts;
use crate::text::vocabulary::Vocabulary;

/// The most languages of one text that an input names.
const MAX_LANGUAGES: usize = 50;

/// A text in one language.
#[derive(Clone, Debug, InputObject)]
pub struct TextInput {
    /// The language.
    pub language: LanguageTag,
    /// The text; null: there is none in this language any more.
    pub text: Option<String>,
}

/// One statement of an ordered list, in one language or several.
#[derive(Clone, Debug, InputObject)]
pub struct StatementInput {
    /// Which one of the list it is, to keep its other languages; null: a new one.
    id: Option<String>,
    /// What is stated.
    text: Vec<TextInput>,
}

/// A date as vague as its source. Without both, the source says nothing.
#[derive(Clone, Debug, InputObject)]
pub struct ImpreciseDateInput {
    /// The Extended Date/Time Format, level 0 or 1; null: the words cannot be put so.
    edtf: Option<String>,
    /// The source's own words; null: none.
    label: Option<Vec<TextInput>>,
}

/// A number as vague as its source: "more than 80" is at least 81, "nearly 30" is at most 30.
#[derive(Clone, Debug, InputObject)]
pub struct ApproximateCountInput {
    /// The least it can be; null: not stated.
    min: Option<i64>,
    /// The most it can be; null: not stated.
    max: Option<i64>,
    /// How exact it is.
    qualifier: Word<CountQualifier>,
    /// What is counted; null: not stated.
    unit: Option<Vec<TextInput>>,
    /// The source's own words; null: none.
    label: Option<Vec<TextInput>>,
    /// The day it was true; null: not stated.
    as_of: Option<Date>,
    /// Who states it; null: see the sources.
    source: Option<String>,
}

/// Where a fact comes from. What the source does not state is null; it states something.
#[derive(Clone, Debug, InputObject)]
pub struct SourceInput {
    /// The field that it speaks of; null: the whole node.
    field: Option<String>,
    /// Who published it.
    publisher: Option<String>,
    /// Its title.
    title: Option<Vec<TextInput>>,
    /// Its address on the web.
    url: Option<String>,
    /// The day it was read.
    retrieved_on: Option<Date>,
    /// Its own words.
    quote: Option<Vec<TextInput>>,
}

/// The text with these languages changed.
fn merged(current: Option<&Texts>, changes: Vec<TextInput>) -> Result<Texts, Fault> {
    if changes.len() > MAX_LANGUAGES {
        let message = Message::new("list-too-long").with("max", MAX_LANGUAGES).with("length", changes.len());
        return Err(message.into());
    }
    let mut texts = current.cloned().unwrap_or_default();
    for change in changes {
        let language = change.language.check()?;
        texts = match change.text {
            Some(text) => texts.with(language, text.trim()),
            None => texts.without(&language),
        };
    }
    Ok(texts)
}

/// A text of its own.
pub fn text(changes: Vec<TextInput>) -> Result<Texts, Fault> {
    merged(None, changes)
}

/// A text of its own, or none.
pub fn text_or_none(changes: Option<Vec<TextInput>>) -> Result<Option<Texts>, Fault> {
    changes.map(text).transpose()
}

/// Changes a text that a record always has.
pub fn change_required_text(field: &mut Texts, change: Option<Vec<TextInput>>) -> Result<(), Fault> {
    if let Some(changes) = change {
        *field = merged(Some(field), changes)?;
    }
    Ok(())
}

/// Changes a text that a record may have.
pub fn change_text(field: &mut Option<Texts>, change: MaybeUndefined<Vec<TextInput>>) -> Result<(), Fault> {
    match change {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => *field = None,
        MaybeUndefined::Value(changes) => {
            *field = Some(merged(field.as_ref(), changes)?).filter(|texts| !texts.is_empty());
        }
    }
    Ok(())
}

/// Changes what a record may have.
pub fn change<T>(field: &mut Option<T>, change: MaybeUndefined<T>) {
    match change {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => *field = None,
        MaybeUndefined::Value(value) => *field = Some(value),
    }
}

/// Changes a word that a record may have.
pub fn change_word<E: Vocabulary>(field: &mut Option<E>, word: MaybeUndefined<Word<E>>) {
    change(field, word.map_value(|word| word.0));
}

/// Puts other words in the place of a list.
pub fn change_words<E: Vocabulary>(field: &mut Vec<E>, words: Option<Vec<Word<E>>>) {
    if let Some(words) = words {
        *field = words.into_iter().map(|word| word.0).collect();
    }
}

/// Puts other languages in the place of a list.
pub fn change_languages(
    field: &mut Vec<crate::text::language::LanguageTag>,
    tags: Option<Vec<LanguageTag>>,
) -> Result<(), Fault> {
    if let Some(tags) = tags {
        *field = tags.iter().map(LanguageTag::check).collect::<Result<_, _>>()?;
    }
    Ok(())
}

/// Changes a date.
pub fn change_date(
    field: &mut Option<ImpreciseDate>,
    date: MaybeUndefined<ImpreciseDateInput>,
    name: &str,
) -> Result<(), Fault> {
    match date {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => *field = None,
        MaybeUndefined::Value(date) => {
            let label =
                date.label.map(|label| merged(field.as_ref().and_then(ImpreciseDate::label), label)).transpose()?;
            let label = label.filter(|label| !label.is_empty());
            let date = ImpreciseDate::new(date.edtf.as_deref(), label);
            *field = Some(date.map_err(|message| Fault::bad_input(message).of_field(name))?);
        }
    }
    Ok(())
}

/// Changes a count.
pub fn change_count(
    field: &mut Option<ApproximateCount>,
    count: MaybeUndefined<ApproximateCountInput>,
) -> Result<(), Fault> {
    match count {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => *field = None,
        MaybeUndefined::Value(count) => {
            let before = field.as_ref();
            let unit = count.unit.map(|unit| merged(before.and_then(|it| it.unit.as_ref()), unit)).transpose()?;
            let label = count.label.map(|label| merged(before.and_then(|it| it.label.as_ref()), label)).transpose()?;
            *field = Some(ApproximateCount {
                min: count.min,
                max: count.max,
                qualifier: count.qualifier.0,
                unit: unit.filter(|texts| !texts.is_empty()),
                label: label.filter(|texts| !texts.is_empty()),
                as_of: count.as_of.map(|day| day.check()).transpose()?,
                source: count.source,
            });
        }
    }
    Ok(())
}

/// Puts other statements in the place of a list; one that was there keeps the languages that are not named.
pub fn change_statements(field: &mut Vec<Statement>, statements: Option<Vec<StatementInput>>) -> Result<(), Fault> {
    let Some(statements) = statements else { return Ok(()) };
    let mut ids: Vec<String> = field.iter().map(|statement| statement.id.clone()).collect();
    ids.extend(statements.iter().filter_map(|statement| statement.id.clone()));
    let mut changed = Vec::new();
    for statement in statements {
        let id = statement.id.unwrap_or_else(|| fresh_id(&mut ids));
        let before = field.iter().find(|before| before.id == id).map(|before| &before.text);
        changed.push(Statement { text: merged(before, statement.text)?, id });
    }
    *field = changed;
    Ok(())
}

/// The name of something new in a list: the first number that is free.
pub fn fresh_id(taken: &mut Vec<String>) -> String {
    let mut number = 1;
    while taken.contains(&format!("{number}")) {
        number += 1;
    }
    let id = format!("{number}");
    taken.push(id.clone());
    id
}

/// Sources as records.
pub fn sources(inputs: Option<Vec<SourceInput>>) -> Result<Vec<SourceRecord>, Fault> {
    let record = |input: SourceInput| {
        Ok(SourceRecord {
            field: input.field,
            publisher: input.publisher,
            title: text_or_none(input.title)?,
            url: input.url,
            retrieved_on: input.retrieved_on.map(|day| day.check()).transpose()?,
            quote: text_or_none(input.quote)?,
        })
    };
    inputs.unwrap_or_default().into_iter().map(record).collect()
}

/// The node behind an id that a field of an input names.
pub fn named(
    field: &'static str,
    kind: NodeKind,
    id: &async_graphql::ID,
) -> Result<(&'static str, NodeKind, Uuid), Fault> {
    let row = id::decode_as(kind, id).map_err(|fault| fault.of_field(field))?;
    Ok((field, kind, row))
}
