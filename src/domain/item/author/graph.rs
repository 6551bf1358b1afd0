//! Authors in the contract.

use std::sync::Arc;

use async_graphql::Object;
use async_graphql::connection::EmptyFields;
use uuid::Uuid;

use crate::db::page::Direction;
use crate::domain::item::author::store::{AuthorFilter, AuthorOrder, AuthorRow, Authors};
use crate::domain::person::graph::Person;
use crate::error::Fault;
use crate::graph::page::{self, Listable, Selection};
use crate::graph::scope::Scope;
use crate::loaders::Loaders;
use crate::loaders::lists::Lists;

/// Who made an item.
pub struct Author {
    row: Arc<AuthorRow>,
    scope: Scope,
}

/// Who made an item, as it is printed on it.
#[Object]
impl Author {
    /// The name as printed; it is shown whoever may see the person.
    async fn byline(&self) -> &str {
        &self.row.byline
    }

    /// The person; null: not known to the hub, or hidden.
    async fn person(&self) -> Option<Result<Person, Fault>> {
        page::by_id(&self.scope, self.row.person_id?).await.transpose()
    }
}

impl Listable for Author {
    type Kind = Authors;
    type EdgeFields = EmptyFields;
    const NAME: &'static str = "Author";

    fn new(row: Arc<AuthorRow>, scope: &Scope) -> Self {
        Self { row, scope: scope.clone() }
    }

    fn lists(loaders: &Loaders) -> &Lists<Authors> {
        &loaders.authors
    }

    fn edge_fields(_row: &Arc<AuthorRow>, _scope: &Scope, _parent: Option<Uuid>) -> EmptyFields {
        EmptyFields
    }
}

/// The list of authors, in the order of the byline.
pub fn author_selection() -> Selection<Authors> {
    Selection { filter: AuthorFilter, order: AuthorOrder::Position, direction: Direction::Ascending }
}
