//! What is left to translate, in the contract.

use std::sync::Arc;

use async_graphql::connection::EmptyFields;
use async_graphql::{InputObject, Object, SimpleObject};
use uuid::Uuid;

use crate::db::page::Direction;
use crate::domain::translation::store::{TranslationState, WorkFilter, WorkOrder, WorkRow, Works};
use crate::error::Fault;
use crate::graph::node::{self, Node};
use crate::graph::page::{Listable, Selection};
use crate::graph::scope::Scope;
use crate::graph::text::LanguageTag;
use crate::graph::word::{self, Word};
use crate::loaders::Loaders;
use crate::loaders::lists::Lists;
use crate::policy::NodeKind;

/// A node that has something left to translate.
pub struct TranslationWork {
    row: Arc<WorkRow>,
    scope: Scope,
}

/// A text that is left to translate.
#[derive(SimpleObject)]
pub struct TranslationGap {
    /// The field, by its path, as `textTranslate` takes it.
    field: String,
    /// What is left to do.
    state: Word<TranslationState>,
}

/// A node that has something left to translate.
#[Object]
impl TranslationWork {
    /// The node; null: it was hidden meanwhile.
    async fn node(&self) -> Option<Result<Node, Fault>> {
        node::by_id(&self.scope, self.row.kind.0, self.row.id).await.transpose()
    }

    /// Its texts that are missing or stale in a language, in the order of their paths.
    async fn gaps(
        &self,
        #[graphql(desc = "The language; fr-CA does for fr.")] language: LanguageTag,
    ) -> Result<Vec<TranslationGap>, Fault> {
        let gaps = self.scope.loaders().translation_gaps.ask(language.check()?, self.row.id).await?;
        let gap =
            |(field, state): &(String, TranslationState)| TranslationGap { field: field.clone(), state: Word(*state) };
        Ok(gaps.iter().map(gap).collect())
    }
}

impl Listable for TranslationWork {
    type Kind = Works;
    type EdgeFields = EmptyFields;
    const NAME: &'static str = "TranslationWork";

    fn new(row: Arc<WorkRow>, scope: &Scope) -> Self {
        Self { row, scope: scope.clone() }
    }

    fn lists(loaders: &Loaders) -> &Lists<Works> {
        &loaders.translation_works
    }

    fn edge_fields(_row: &Arc<WorkRow>, _scope: &Scope, _parent: Option<Uuid>) -> EmptyFields {
        EmptyFields
    }
}

/// Narrows a list of what is left to translate; everything that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
#[graphql(name = "TranslationWorkFilter")]
pub struct TranslationWorkFilterInput {
    /// With texts where one of these is left to do.
    states: Option<Vec<Word<TranslationState>>>,
    /// Of one of these kinds.
    kinds: Option<Vec<Word<NodeKind>>>,
}

/// The list that the arguments ask for.
pub fn work_selection(
    language: &LanguageTag,
    filter: Option<TranslationWorkFilterInput>,
) -> Result<Selection<Works>, Fault> {
    let filter = filter.unwrap_or_default();
    let filter = WorkFilter {
        language: Some(language.check()?),
        states: filter.states.map(word::words),
        kinds: filter.kinds.map(word::words),
    };
    Ok(Selection { filter, order: WorkOrder::CreatedAt, direction: Direction::Ascending })
}
