//! One line of the transfer format: what every node carries, how a record is checked, how keys become ids.

use std::collections::HashMap;

use chrono::{Datelike, NaiveDate};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::policy::{NodeKind, PUBLIC};
use crate::text::approximate_count::ApproximateCount;
use crate::text::identifier;
use crate::text::imprecise_date::ImpreciseDate;
use crate::text::language::LanguageTag;
use crate::text::messages::Message;
use crate::text::statement::Statement;
use crate::text::texts::{self, Fields, Texts};

/// A name or a title: at most 300 characters.
pub const LINE: usize = 300;
/// A paragraph or a few: at most 10,000 characters.
pub const TEXT: usize = 10_000;
/// Statements, topics, languages and the like in one list: at most 50.
pub const LIST: usize = 50;

/// The first year that PostgreSQL's dates can hold in full is 4712 BC, which is the year -4711 of ISO 8601.
const FIRST_YEAR: i32 = -4711;

/// What every node carries besides the fields of its kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Header {
    /// Unique per kind; never changes.
    pub key: String,
    /// The name in addresses; null: the key (for people, none; roles and links have none).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// Slugs that it had and that keep leading to it. One that a line leaves out is not forgotten.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_slugs: Vec<String>,
    /// The language that the record was written in.
    pub original_language: LanguageTag,
    /// Who may see it; null: everybody. People, roles and links derive theirs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<Vec<String>>,
    /// Whether it was retired: it keeps its key and its place in the log, and nobody sees it any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retired: bool,
    /// When somebody last verified it; null: not yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verified_on: Option<NaiveDate>,
    /// Where the facts come from.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SourceRecord>,
}

/// The fields of a line that belong to [`Header`].
pub const HEADER_FIELDS: [&str; 8] =
    ["key", "slug", "formerSlugs", "originalLanguage", "audience", "retired", "verifiedOn", "sources"];

/// Where a fact comes from. What the source does not state is null.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SourceRecord {
    /// The field it speaks of; null: the whole record.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// Who published it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publisher: Option<String>,
    /// Its title.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Texts>,
    /// Its address on the web.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The day it was read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retrieved_on: Option<NaiveDate>,
    /// Its own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<Texts>,
}

/// What is wrong with one field of a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The field, by its path in the line.
    pub field: String,
    /// What is wrong with it.
    pub message: Message,
}

/// Gathers what is wrong with a line.
#[derive(Debug, Default)]
pub struct Problems {
    found: Vec<Problem>,
}

impl Problems {
    /// Notes a problem.
    pub fn add(&mut self, field: impl Into<String>, message: Message) {
        self.found.push(Problem { field: field.into(), message });
    }

    /// Notes the problem of a check that failed.
    pub fn check(&mut self, field: &str, outcome: Result<(), Message>) {
        if let Err(message) = outcome {
            self.add(field, message);
        }
    }

    /// Checks the length of a text in several languages.
    pub fn texts<'a>(&mut self, field: &str, texts: impl Into<Option<&'a Texts>>, max_chars: usize) {
        if let Some(texts) = texts.into() {
            if texts.is_empty() {
                self.add(field, Message::new("text-blank"));
            }
            self.check(field, texts.check(max_chars));
        }
    }

    /// Checks a text in one language.
    pub fn plain(&mut self, field: &str, text: Option<&String>, max_chars: usize) {
        if let Some(text) = text {
            self.check(field, texts::check_plain(text, max_chars, false));
        }
    }

    /// Checks a value and puts it into its canonical form.
    pub fn canonical(
        &mut self,
        field: &str,
        value: &mut Option<String>,
        parse: impl Fn(&str) -> Result<String, Message>,
    ) {
        if let Some(written) = value {
            match parse(written) {
                Ok(canonical) => *written = canonical,
                Err(message) => self.add(field, message),
            }
        }
    }

    /// Checks the length of a list.
    pub fn list<T>(&mut self, field: &str, list: &[T]) {
        self.list_of(field, list, LIST);
    }

    /// Checks the length of a list that may have another one than most.
    pub fn list_of<T>(&mut self, field: &str, list: &[T], max: usize) {
        if list.len() > max {
            self.add(field, Message::new("list-too-long").with("max", max).with("length", list.len()));
        }
    }

    /// Checks the label of a vague date, and that the database can hold its bounds.
    pub fn date(&mut self, field: &str, date: Option<&ImpreciseDate>) {
        let Some(date) = date else { return };
        self.texts(field, date.label(), LINE);
        let bounds = [date.earliest(), date.latest()];
        if bounds.into_iter().flatten().any(|day| day.year() < FIRST_YEAR) {
            let written = date.edtf().unwrap_or_default();
            self.add(field, Message::new("date-too-early").with("text", written));
        }
    }

    /// Checks the texts of a count.
    pub fn count(&mut self, field: &str, count: Option<&ApproximateCount>) {
        let Some(count) = count else { return };
        self.check(field, count.check());
        self.texts(field, count.unit.as_ref(), LINE);
        self.texts(field, count.label.as_ref(), LINE);
    }

    /// Checks an ordered list of statements.
    pub fn statements(&mut self, field: &str, statements: &[Statement]) {
        self.list(field, statements);
        self.ids(field, statements.iter().map(|statement| statement.id.as_str()));
        for statement in statements {
            self.texts(&format!("{field}/{}/text", statement.id), &statement.text, TEXT);
        }
    }

    /// Checks that the names within a list are well formed and there once.
    pub fn ids<'a>(&mut self, field: &str, ids: impl Iterator<Item = &'a str>) {
        let mut seen = Vec::new();
        for id in ids {
            if let Err(message) = identifier::slug(id) {
                self.add(format!("{field}/{id}"), message);
            }
            if seen.contains(&id) {
                self.add(format!("{field}/{id}"), Message::new("id-twice").with("id", id));
            }
            seen.push(id);
        }
    }

    /// Checks that two ends of a period are in order, as far as both are known.
    pub fn period(&mut self, field: &str, from: Option<&ImpreciseDate>, until: Option<&ImpreciseDate>) {
        let starts = from.and_then(ImpreciseDate::earliest);
        let ends = until.and_then(ImpreciseDate::latest);
        if let (Some(starts), Some(ends)) = (starts, ends)
            && starts > ends
        {
            self.add(field, Message::new("period-backwards"));
        }
    }

    /// What was found.
    pub fn into_vec(self) -> Vec<Problem> {
        self.found
    }
}

impl Header {
    /// That of a node that is written here: public, and with a key made from its id.
    pub fn new(original_language: LanguageTag, slug: Option<String>, sources: Vec<SourceRecord>) -> Self {
        Self {
            key: String::new(),
            slug,
            former_slugs: Vec::new(),
            original_language,
            audience: None,
            retired: false,
            verified_on: None,
            sources,
        }
    }

    /// Gives it another slug, unless there is none to give, and adds sources.
    pub fn change(&mut self, slug: Option<String>, sources: Vec<SourceRecord>) {
        if slug.is_some() {
            self.slug = slug;
        }
        self.sources.extend(sources);
    }

    /// Checks what every node carries.
    pub fn check(&mut self, kind: NodeKind, problems: &mut Problems) {
        problems.check("key", identifier::slug(&self.key).map(|_| ()));
        problems.canonical("slug", &mut self.slug, identifier::slug);
        problems.list("formerSlugs", &self.former_slugs);
        for slug in &self.former_slugs {
            problems.check("formerSlugs", identifier::slug(slug).map(|_| ()));
        }
        let has_slug = match kind {
            NodeKind::Topic
            | NodeKind::Organization
            | NodeKind::Community
            | NodeKind::Person
            | NodeKind::Project
            | NodeKind::Item => true,
            NodeKind::Role | NodeKind::Membership | NodeKind::Link => false,
        };
        if !has_slug && (self.slug.is_some() || !self.former_slugs.is_empty()) {
            problems.add("slug", Message::new("slug-not-taken"));
        }
        in_order(&mut self.former_slugs);
        let current = if kind == NodeKind::Person { self.slug.clone() } else { Some(self.slug_or_key()) };
        self.former_slugs.retain(|slug| current.as_ref() != Some(slug));
        // What goes without saying is not said, so that two ways to write a line are one.
        if kind != NodeKind::Person {
            self.slug = self.slug.take().filter(|slug| *slug != self.key);
        }
        self.audience = self.audience.take().filter(|audience| *audience != [PUBLIC]);
        if let Some(audience) = &self.audience {
            let derived = match kind {
                NodeKind::Person | NodeKind::Role | NodeKind::Membership | NodeKind::Link => true,
                NodeKind::Topic | NodeKind::Organization | NodeKind::Community | NodeKind::Project | NodeKind::Item => {
                    false
                }
            };
            if derived || audience.iter().any(|atom| atom != PUBLIC) || audience.len() > 1 {
                problems.add("audience", Message::new("audience-not-importable"));
            }
        }
        if self.retired && self.audience.is_some() {
            problems.add("audience", Message::new("retired-audience"));
        }
        problems.list("sources", &self.sources);
        for (index, source) in self.sources.iter_mut().enumerate() {
            let field = |name: &str| format!("sources/{}/{name}", index + 1);
            problems.plain(&field("publisher"), source.publisher.as_ref(), LINE);
            problems.plain(&field("field"), source.field.as_ref(), LINE);
            problems.texts(&field("title"), source.title.as_ref(), LINE);
            problems.texts(&field("quote"), source.quote.as_ref(), TEXT);
            problems.canonical(&field("url"), &mut source.url, identifier::web_address);
            let says_nothing =
                source.title.is_none() && source.quote.is_none() && source.publisher.is_none() && source.url.is_none();
            if says_nothing {
                problems.add(field("title"), Message::new("source-empty"));
            }
        }
    }

    /// The stored audience for kinds that state their own; what is retired is for nobody.
    pub fn stated_audience(&self) -> Vec<String> {
        if self.retired {
            return Vec::new();
        }
        self.audience.clone().unwrap_or_else(|| vec![PUBLIC.to_owned()])
    }

    /// The slug of kinds that always have one.
    pub fn slug_or_key(&self) -> String {
        self.slug.clone().unwrap_or_else(|| self.key.clone())
    }
}

/// The fields of one kind of node, as a line of the transfer format states them.
pub trait Record: Clone + Serialize + DeserializeOwned + Send + Sync + 'static {
    /// The kind of node.
    const KIND: NodeKind;

    /// Checks the record and puts identifiers into their canonical form.
    fn check(&mut self, problems: &mut Problems);

    /// What the contract calls a field of the line.
    fn name_in_contract(field: &str) -> &str {
        field
    }

    /// What the line calls a field of the contract.
    fn name_in_line(field: &str) -> &str {
        field
    }

    /// The nodes that the record names by key, with the field that names them.
    fn references(&self) -> Vec<Reference>;
}

/// A node named by its key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Reference {
    /// The field that names it.
    pub field: &'static str,
    /// Its kind.
    pub kind: NodeKind,
    /// Its key.
    pub key: String,
}

impl Reference {
    /// Names a node.
    pub fn new(field: &'static str, kind: NodeKind, key: &str) -> Self {
        Self { field, kind, key: key.to_owned() }
    }
}

/// The ids behind keys. Everything a record names is in here before the record is written.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    ids: HashMap<(NodeKind, String), Uuid>,
}

impl Keys {
    /// Remembers the id behind a key.
    pub fn insert(&mut self, kind: NodeKind, key: String, id: Uuid) {
        self.ids.insert((kind, key), id);
    }

    /// The id behind a key; the message says that there is none.
    pub fn id(&self, kind: NodeKind, key: &str) -> Result<Uuid, Message> {
        let found = self.ids.get(&(kind, key.to_owned())).copied();
        found.ok_or_else(|| Message::new("key-unknown").with("kind", kind.as_ref().to_lowercase()).with("key", key))
    }

    /// Whether the key leads to a node.
    pub fn contains(&self, kind: NodeKind, key: &str) -> bool {
        self.ids.contains_key(&(kind, key.to_owned()))
    }
}

/// A reference to a node of any kind, written `kind:key` (`community:resot`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeReference {
    /// Its kind.
    pub kind: NodeKind,
    /// Its key.
    pub key: String,
}

impl Serialize for NodeReference {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{}:{}", self.kind.as_ref().to_lowercase(), self.key))
    }
}

impl<'de> Deserialize<'de> for NodeReference {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = String::deserialize(deserializer)?;
        let parts = written.split_once(':');
        let parsed = parts.and_then(|(kind, key)| {
            let kind: NodeKind = kind.to_uppercase().parse().ok()?;
            Some(Self { kind, key: key.to_owned() })
        });
        parsed.ok_or_else(|| serde::de::Error::custom(Message::new("reference-ill-formed").with("value", written)))
    }
}

/// Puts every text of an optional field into a list of fields.
pub fn put<'a>(fields: &mut Fields<'a>, path: &str, texts: impl Into<Option<&'a Texts>>) {
    if let Some(texts) = texts.into() {
        fields.insert(path.to_owned(), texts);
    }
}

/// Puts the texts of an ordered list into a list of fields.
pub fn put_statements<'a>(fields: &mut Fields<'a>, path: &str, statements: &'a [Statement]) {
    for statement in statements {
        fields.insert(format!("{path}/{}/text", statement.id), &statement.text);
    }
}

/// Sorts keys whose order says nothing, each once, so that a record is always written the same way.
pub fn in_order(keys: &mut Vec<String>) {
    keys.sort();
    keys.dedup();
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    proptest! {
        #[test]
        fn a_reference_is_written_as_it_is_read_or_refused(
            text in "\\PC{0,30}", kind in "topic|Item|COMMUNITY|nobody|", key in "\\PC{0,9}",
        ) {
            for text in [text, format!("{kind}:{key}")] {
                match serde_json::from_value::<NodeReference>(Value::from(text.as_str())) {
                    Ok(reference) => {
                        let written = serde_json::to_value(&reference).unwrap();
                        prop_assert_eq!(text.split_once(':').unwrap().1, &reference.key);
                        prop_assert_eq!(serde_json::from_value::<NodeReference>(written).unwrap(), reference);
                    }
                    Err(error) => prop_assert!(!error.to_string().is_empty()),
                }
            }
        }
    }
}
