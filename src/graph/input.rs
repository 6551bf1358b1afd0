//! What mutations take: texts in several languages, dates and counts as vague as their source, sources; and how they change
//! the fields of a record.
//!
//! A field that an edit leaves out stays as it is; null takes away what a field may lack, and empties a list. A text names the
//! languages that it changes, and leaves the others.

use std::collections::HashSet;

use async_graphql::{ID, InputObject, MaybeUndefined};
use chrono::NaiveDate;
use uuid::Uuid;

use crate::domain::editing::{Name, Named};
use crate::domain::record::{LIST, SourceRecord};
use crate::error::Fault;
use crate::graph::id;
use crate::graph::text::{Date, LanguageTag};
use crate::graph::word::Word;
use crate::policy::NodeKind;
use crate::text::approximate_count::{ApproximateCount, CountQualifier};
use crate::text::imprecise_date::ImpreciseDate;
use crate::text::language;
use crate::text::messages::Message;
use crate::text::statement::Statement;
use crate::text::texts::Texts;
use crate::text::vocabulary::Vocabulary;

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
    /// Which one of the list it is, by its id, to keep its other languages; null: a new one.
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

/// Refuses a list of an input that is longer than any record takes, before anything is done with it.
pub fn bounded<T>(list: &[T], field: &str) -> Result<(), Fault> {
    if list.len() <= LIST {
        return Ok(());
    }
    let message = Message::new("list-too-long").with("max", LIST).with("length", list.len());
    Err(Fault::bad_input(message).of_field(field))
}

/// The list that is to take the place of another one; null: none is.
pub fn list<T>(list: MaybeUndefined<Vec<T>>, field: &str) -> Result<Option<Vec<T>>, Fault> {
    let list = match list {
        MaybeUndefined::Undefined => return Ok(None),
        MaybeUndefined::Null => Vec::new(),
        MaybeUndefined::Value(list) => list,
    };
    bounded(&list, field)?;
    Ok(Some(list))
}

/// A language of an input.
pub fn language(tag: &LanguageTag, field: &str) -> Result<language::LanguageTag, Fault> {
    tag.check().map_err(|fault| fault.of_field(field))
}

/// The text with these languages changed.
pub fn merged(current: Option<&Texts>, changes: Vec<TextInput>, field: &str) -> Result<Texts, Fault> {
    bounded(&changes, field)?;
    let mut texts = current.cloned().unwrap_or_default();
    for change in changes {
        let language = language(&change.language, field)?;
        texts = match change.text {
            Some(text) => texts.with(language, text.trim()),
            None => texts.without(&language),
        };
    }
    Ok(texts)
}

/// A text of its own, or none.
pub fn text_or_none(changes: Option<Vec<TextInput>>, field: &str) -> Result<Option<Texts>, Fault> {
    let text = changes.map(|changes| merged(None, changes, field)).transpose()?;
    Ok(text.filter(|text| !text.is_empty()))
}

/// Changes a text that a record always has.
pub fn change_required_text(text: &mut Texts, change: Option<Vec<TextInput>>, field: &str) -> Result<(), Fault> {
    if let Some(changes) = change {
        *text = merged(Some(text), changes, field)?;
    }
    Ok(())
}

/// Changes a text that a record may have.
pub fn change_text(text: &mut Option<Texts>, change: MaybeUndefined<Vec<TextInput>>, field: &str) -> Result<(), Fault> {
    match change {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => *text = None,
        MaybeUndefined::Value(changes) => {
            *text = Some(merged(text.as_ref(), changes, field)?).filter(|texts| !texts.is_empty());
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
pub fn change_words<E: Vocabulary>(
    words: &mut Vec<E>,
    change: MaybeUndefined<Vec<Word<E>>>,
    field: &str,
) -> Result<(), Fault> {
    if let Some(changed) = list(change, field)? {
        *words = changed.into_iter().map(|word| word.0).collect();
    }
    Ok(())
}

/// Puts other languages in the place of a list.
pub fn change_languages(
    languages: &mut Vec<language::LanguageTag>,
    change: MaybeUndefined<Vec<LanguageTag>>,
    field: &str,
) -> Result<(), Fault> {
    if let Some(tags) = list(change, field)? {
        *languages = tags.iter().map(|tag| language(tag, field)).collect::<Result<_, _>>()?;
    }
    Ok(())
}

/// Changes a date.
pub fn change_date(
    date: &mut Option<ImpreciseDate>,
    change: MaybeUndefined<ImpreciseDateInput>,
    field: &str,
) -> Result<(), Fault> {
    match change {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => *date = None,
        MaybeUndefined::Value(changed) => {
            let before = date.as_ref().and_then(ImpreciseDate::label);
            let label = changed.label.map(|label| merged(before, label, field)).transpose()?;
            let changed = ImpreciseDate::new(changed.edtf.as_deref(), label.filter(|label| !label.is_empty()));
            *date = Some(changed.map_err(|message| Fault::bad_input(message).of_field(field))?);
        }
    }
    Ok(())
}

/// Changes a count.
pub fn change_count(
    count: &mut Option<ApproximateCount>,
    change: MaybeUndefined<ApproximateCountInput>,
    field: &str,
) -> Result<(), Fault> {
    match change {
        MaybeUndefined::Undefined => {}
        MaybeUndefined::Null => *count = None,
        MaybeUndefined::Value(changed) => {
            let text = |before: Option<&Texts>, changes: Option<Vec<TextInput>>| {
                let text = changes.map(|changes| merged(before, changes, field)).transpose();
                text.map(|text| text.filter(|text| !text.is_empty()))
            };
            let before = count.as_ref();
            *count = Some(ApproximateCount {
                min: changed.min,
                max: changed.max,
                qualifier: changed.qualifier.0,
                unit: text(before.and_then(|it| it.unit.as_ref()), changed.unit)?,
                label: text(before.and_then(|it| it.label.as_ref()), changed.label)?,
                as_of: day(changed.as_of, field)?,
                source: changed.source,
            });
        }
    }
    Ok(())
}

/// Puts other statements in the place of a list; one that was there keeps the languages that are not named.
pub fn change_statements(
    statements: &mut Vec<Statement>,
    change: MaybeUndefined<Vec<StatementInput>>,
    field: &str,
) -> Result<(), Fault> {
    let Some(changes) = list(change, field)? else { return Ok(()) };
    let before = statements.iter().map(|statement| statement.id.as_str());
    let mut ids = Ids::of(before, changes.iter().map(|change| change.id.as_deref()));
    let mut changed = Vec::new();
    for change in changes {
        let id = ids.id(change.id);
        let before = statements.iter().find(|before| before.id == id).map(|before| &before.text);
        changed.push(Statement { text: merged(before, change.text, field)?, id });
    }
    *statements = changed;
    Ok(())
}

/// The ids of the elements of a list that takes the place of another one: those that are named, and new ones.
pub struct Ids {
    taken: HashSet<String>,
    last: usize,
}

impl Ids {
    /// Knows the ids that were there and those that the input names.
    pub fn of<'a>(before: impl Iterator<Item = &'a str>, named: impl Iterator<Item = Option<&'a str>>) -> Self {
        Self { taken: before.chain(named.flatten()).map(str::to_owned).collect(), last: 0 }
    }

    /// The id that is named, or a new one: the next number that is free.
    pub fn id(&mut self, named: Option<String>) -> String {
        if let Some(id) = named {
            return id;
        }
        loop {
            self.last = self.last.saturating_add(1);
            let id = self.last.to_string();
            if self.taken.insert(id.clone()) {
                return id;
            }
        }
    }
}

/// Sources as records.
pub fn sources(inputs: Option<Vec<SourceInput>>) -> Result<Vec<SourceRecord>, Fault> {
    let inputs = inputs.unwrap_or_default();
    bounded(&inputs, "sources")?;
    let record = |input: SourceInput| {
        Ok(SourceRecord {
            field: input.field,
            publisher: input.publisher,
            title: text_or_none(input.title, "sources")?,
            url: input.url,
            retrieved_on: day(input.retrieved_on, "sources")?,
            quote: text_or_none(input.quote, "sources")?,
        })
    };
    inputs.into_iter().map(record).collect()
}

fn day(day: Option<Date>, field: &str) -> Result<Option<NaiveDate>, Fault> {
    day.map(|day| day.check().map_err(|fault| fault.of_field(field))).transpose()
}

/// The node behind an id that a field of an input names.
pub fn named(field: &'static str, kind: NodeKind, id: &ID) -> Result<Name, Fault> {
    let row = id::decode_as(kind, id).map_err(|fault| fault.of_field(field))?;
    Ok((field, kind, row))
}

/// The nodes behind the ids that a list of an input names.
pub fn all_named(field: &'static str, kind: NodeKind, ids: &MaybeUndefined<Vec<ID>>) -> Result<Vec<Name>, Fault> {
    let ids = ids.value().map(Vec::as_slice).unwrap_or_default();
    bounded(ids, field)?;
    ids.iter().map(|id| named(field, kind, id)).collect()
}

/// Puts the nodes that a list names in the place of those that a record names by their keys.
pub fn change_keys(
    keys: &mut Vec<String>,
    change: MaybeUndefined<Vec<ID>>,
    (field, kind): (&'static str, NodeKind),
    named: &Named,
) -> Result<(), Fault> {
    if let Some(ids) = list(change, field)? {
        let ids: Vec<Uuid> = ids.iter().map(|id| id::decode_as(kind, id)).collect::<Result<_, _>>()?;
        *keys = named.keys(&ids)?;
    }
    Ok(())
}
