//! Who works in a project, in the contract.

use std::sync::Arc;

use async_graphql::Object;
use async_graphql::connection::EmptyFields;
use uuid::Uuid;

use crate::db::page::Direction;
use crate::domain::person::graph::Person;
use crate::domain::project::participant::store::{ParticipantFilter, ParticipantOrder, ParticipantRow, Participants};
use crate::domain::project::record::ProjectRole;
use crate::error::Fault;
use crate::graph::page::{self, Listable, Selection};
use crate::graph::scope::Scope;
use crate::graph::word::{self, Word};
use crate::loaders::Loaders;
use crate::loaders::lists::Lists;

/// Somebody who works in a project.
pub struct Participant {
    row: Arc<ParticipantRow>,
    scope: Scope,
}

/// Somebody who works in a project.
#[Object]
impl Participant {
    /// Who; null: hidden.
    async fn person(&self) -> Option<Result<Person, Fault>> {
        page::by_id(&self.scope, self.row.person_id).await.transpose()
    }

    /// What the person does in it.
    async fn role(&self) -> Word<ProjectRole> {
        Word(self.row.role.0)
    }
}

impl Listable for Participant {
    type Kind = Participants;
    type EdgeFields = EmptyFields;
    const NAME: &'static str = "Participant";

    fn new(row: Arc<ParticipantRow>, scope: &Scope) -> Self {
        Self { row, scope: scope.clone() }
    }

    fn lists(loaders: &Loaders) -> &Lists<Participants> {
        &loaders.participants
    }

    fn edge_fields(_row: &Arc<ParticipantRow>, _scope: &Scope, _parent: Option<Uuid>) -> EmptyFields {
        EmptyFields
    }
}

/// The list that the arguments ask for, in the project's own order.
pub fn participant_selection(roles: Option<Vec<Word<ProjectRole>>>) -> Selection<Participants> {
    let filter = ParticipantFilter { roles: roles.map(word::words) };
    Selection { filter, order: ParticipantOrder::Position, direction: Direction::Ascending }
}
