//! Sources in the contract.

use std::sync::Arc;

use async_graphql::Object;
use async_graphql::connection::EmptyFields;
use uuid::Uuid;

use crate::db::page::Direction;
use crate::domain::source::store::{SourceFilter, SourceOrder, SourceRow, Sources};
use crate::error::Fault;
use crate::graph::page::{Listable, Selection};
use crate::graph::scope::Scope;
use crate::graph::text::{self, Date};
use crate::loaders::Loaders;
use crate::loaders::lists::Lists;

/// Where a fact comes from.
pub struct Source {
    row: Arc<SourceRow>,
    scope: Scope,
}

/// Where a fact comes from. What the source does not state is null.
#[Object]
impl Source {
    /// The field that it speaks of; null: the whole node.
    async fn field(&self) -> Option<&str> {
        self.row.field.as_deref()
    }

    /// Who published it; null: not stated.
    async fn publisher(&self) -> Option<&str> {
        self.row.publisher.as_deref()
    }

    /// Its title; null: not stated.
    async fn title(&self) -> Option<&str> {
        self.scope.serve(self.row.title.as_deref()?, &self.row.original_language.0)
    }

    /// Its address on the web; null: not stated.
    async fn url(&self) -> Option<&str> {
        self.row.url.as_deref()
    }

    /// The day it was read; null: not stated.
    async fn retrieved_on(&self) -> Option<Date> {
        self.row.retrieved_on.map(Date::from)
    }

    /// Its own words; null: not quoted.
    async fn quote(&self) -> Option<&str> {
        self.scope.serve(self.row.quote.as_deref()?, &self.row.original_language.0)
    }
}

impl Listable for Source {
    type Kind = Sources;
    type EdgeFields = EmptyFields;
    const NAME: &'static str = "Source";

    fn new(row: Arc<SourceRow>, scope: &Scope) -> Self {
        Self { row, scope: scope.clone() }
    }

    fn lists(loaders: &Loaders) -> &Lists<Sources> {
        &loaders.sources
    }

    fn edge_fields(_row: &Arc<SourceRow>, _scope: &Scope, _parent: Option<Uuid>) -> EmptyFields {
        EmptyFields
    }
}

/// What a list of sources is narrowed by.
pub fn source_selection(fields: Option<Vec<String>>) -> Result<Selection<Sources>, Fault> {
    let fields = fields.map(text::filter_values).transpose()?;
    let fields =
        fields.map(|fields| fields.into_iter().map(text::search_text).collect::<Result<_, _>>()).transpose()?;
    Ok(Selection { filter: SourceFilter { fields }, order: SourceOrder::Position, direction: Direction::Ascending })
}
