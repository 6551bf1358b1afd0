//! Which texts are there in a language: of one node, and of a list.

use async_graphql::SimpleObject;

use crate::db::coverage::Coverage;
use crate::db::listing::Listed;
use crate::error::Fault;
use crate::graph::scope::Scope;
use crate::graph::text::{FallbackField, LanguageTag};
use crate::text::language::{self, Languages};
use crate::text::texts::Fields;

/// Which texts of a node are there in a language.
#[derive(SimpleObject)]
pub struct Completeness {
    /// The language that was looked for; fr-CA and fr find each other.
    language: LanguageTag,
    /// True when every text that the node has is there in the language.
    is_complete: bool,
    /// The texts that are there, by their paths (`name`, `aims/1/text`).
    existing: Vec<String>,
    /// The texts that a reader of the language is served in another one.
    fallback: Vec<FallbackField>,
    /// The texts that nodes of this kind can have and that this one has in no language.
    missing: Vec<String>,
}

/// Which texts of the nodes of a list are there in a language. Parts of lists, such as objectives, are not counted.
#[derive(SimpleObject)]
pub struct ListCompleteness {
    /// The language that was looked for; fr-CA and fr find each other.
    language: LanguageTag,
    /// How many nodes the list has.
    total_count: i64,
    /// How many of them have each of the texts below that they have at all in the language.
    complete_count: i64,
    /// Text by text.
    fields: Vec<FieldCompleteness>,
}

/// How often one text is there in a language.
#[derive(SimpleObject)]
pub struct FieldCompleteness {
    /// The text, by the name of its field.
    field: String,
    /// How many nodes have it in the language.
    existing_count: i64,
    /// How many nodes have it in other languages alone.
    fallback_count: i64,
    /// How many nodes have it in no language.
    missing_count: i64,
}

/// The completeness of one node.
pub fn of_record<K: Listed>(
    fields: &Fields<'_>,
    language: LanguageTag,
    original: &language::LanguageTag,
    scope: &Scope,
) -> Result<Completeness, Fault> {
    let wanted = language.check()?;
    let languages = Languages::new(vec![wanted.clone()], scope.languages().default().clone());
    let (mut existing, mut fallback) = (Vec::new(), Vec::new());
    for (field, texts) in fields {
        match texts.look_up(&languages, original) {
            Some(served) if served.wanted => existing.push(field.clone()),
            Some(served) => fallback.push(FallbackField { field: field.clone(), language: served.language.into() }),
            None => {}
        }
    }
    let missing = K::TEXTS.iter().filter(|(field, _)| !fields.contains_key(*field));
    let missing = missing.map(|(field, _)| (*field).to_owned()).collect();
    Ok(Completeness { language: (&wanted).into(), is_complete: fallback.is_empty(), existing, fallback, missing })
}

/// The completeness of a list, from what was counted.
pub fn of_list<K: Listed>(language: &language::LanguageTag, coverage: &Coverage) -> ListCompleteness {
    let fields = K::TEXTS.iter().zip(&coverage.texts).map(|((field, _), (existing, elsewhere))| FieldCompleteness {
        field: (*field).to_owned(),
        existing_count: *existing,
        fallback_count: *elsewhere,
        missing_count: coverage.rows - existing - elsewhere,
    });
    ListCompleteness {
        language: language.into(),
        total_count: coverage.rows,
        complete_count: coverage.complete,
        fields: fields.collect(),
    }
}
