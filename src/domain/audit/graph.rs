//! Who read what of whom, in the contract.

use std::sync::Arc;

use async_graphql::Object;
use async_graphql::connection::EmptyFields;
use uuid::Uuid;

use crate::db::page::Direction;
use crate::domain::account::graph::person_of;
use crate::domain::audit::store::{ReadingFilter, ReadingOrder, ReadingRow, Readings};
use crate::domain::person::graph::Person;
use crate::error::Fault;
use crate::graph::page::{Listable, Selection};
use crate::graph::scope::Scope;
use crate::graph::text::DateTime;
use crate::loaders::Loaders;
use crate::loaders::lists::Lists;

/// Somebody read what of a person is not for everybody.
pub struct Reading {
    row: Arc<ReadingRow>,
    scope: Scope,
}

/// Somebody read what of a person is not for everybody. The person sees it; administrators of the hub see all.
#[Object]
impl Reading {
    /// When.
    async fn read_at(&self) -> DateTime {
        DateTime(self.row.created_at)
    }

    /// The fields, by their names in the contract; `all`: everything was handed out as a file.
    async fn fields(&self) -> &[String] {
        &self.row.fields
    }

    /// Who read it; null: an account without a person, somebody who is gone, or somebody whom you cannot see.
    async fn reader(&self) -> Option<Result<Person, Fault>> {
        person_of(&self.scope, self.row.account_id?).await
    }

    /// What the account is called: by its issuer, or as a service; null: somebody who is gone.
    async fn reader_account(&self) -> Result<Option<String>, Fault> {
        match self.row.account_id {
            Some(account) => self.scope.loaders().names_of_accounts.load(account).await,
            None => Ok(None),
        }
    }

    /// Whether it was read by a program with a token.
    async fn is_by_token(&self) -> bool {
        self.row.token_id.is_some()
    }

    /// The operation that the reader named; null: none.
    async fn operation(&self) -> Option<&str> {
        Some(self.row.why.as_str()).filter(|why| !why.is_empty())
    }
}

impl Listable for Reading {
    type Kind = Readings;
    type EdgeFields = EmptyFields;
    const NAME: &'static str = "Reading";

    fn new(row: Arc<ReadingRow>, scope: &Scope) -> Self {
        Self { row, scope: scope.clone() }
    }

    fn lists(loaders: &Loaders) -> &Lists<Readings> {
        &loaders.readings
    }

    fn edge_fields(_row: &Arc<ReadingRow>, _scope: &Scope, _parent: Option<Uuid>) -> EmptyFields {
        EmptyFields
    }
}

/// All readings, the last first.
pub fn reading_selection() -> Selection<Readings> {
    Selection { filter: ReadingFilter, order: ReadingOrder::ReadAt, direction: Direction::Descending }
}
