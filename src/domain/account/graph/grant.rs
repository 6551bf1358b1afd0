//! Rights in the contract.

use std::sync::Arc;

use async_graphql::connection::EmptyFields;
use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use futures_util::FutureExt;
use uuid::Uuid;

use crate::db::page::Direction;
use crate::domain::account::graph::person_of;
use crate::domain::account::store::grants::{self, GrantFilter, GrantOrder, GrantRow, Grants, NewGrant};
use crate::domain::community::graph::Community;
use crate::domain::membership::graph::Membership;
use crate::domain::organization::graph::Organization;
use crate::domain::permission;
use crate::domain::person::graph::Person;
use crate::error::Fault;
use crate::graph::id::{self, Thing};
use crate::graph::mutation::{self, Call, UserError};
use crate::graph::page::{self, Listable, Selection};
use crate::graph::scope::Scope;
use crate::graph::text::DateTime;
use crate::graph::word::Word;
use crate::loaders::Loaders;
use crate::loaders::lists::Lists;
use crate::policy::{self, NodeKind, On, Right};
use crate::text::messages::Message;

/// A right that an account has, had or is to have.
pub struct Grant {
    row: Arc<GrantRow>,
    scope: Scope,
}

/// A right that an account has, had or is to have: not a published role, which gives none. You see your own, and those on
/// what you run.
#[Object]
impl Grant {
    /// The id of the right.
    async fn id(&self) -> ID {
        Thing::Grant.encode(self.row.id)
    }

    /// The right.
    async fn right(&self) -> Word<Right> {
        Word(self.row.held_right.0)
    }

    /// The organization on which it holds; null: it holds elsewhere.
    async fn organization(&self) -> Option<Result<Organization, Fault>> {
        page::by_id(&self.scope, self.row.organization_id?).await.transpose()
    }

    /// The community on which it holds; null: it holds elsewhere. Neither an organization nor a community: on the whole hub.
    async fn community(&self) -> Option<Result<Community, Fault>> {
        page::by_id(&self.scope, self.row.community_id?).await.transpose()
    }

    /// The id of the account that holds it.
    async fn account_id(&self) -> ID {
        Thing::Account.encode(self.row.account_id)
    }

    /// The person of the account; null: it is linked to nobody, or you cannot see the account or the person.
    async fn holder(&self) -> Option<Result<Person, Fault>> {
        person_of(&self.scope, self.row.account_id).await
    }

    /// The membership that it follows from; null: somebody gave it.
    async fn membership(&self) -> Option<Result<Membership, Fault>> {
        page::by_id(&self.scope, self.row.membership_id?).await.transpose()
    }

    /// From when it holds.
    async fn starts_at(&self) -> DateTime {
        DateTime(self.row.starts_at)
    }

    /// Until when it holds or held; null: until somebody ends it.
    async fn ends_at(&self) -> Option<DateTime> {
        self.row.ends_at.map(DateTime)
    }

    /// Whether it holds now.
    async fn holds(&self) -> bool {
        self.row.holds
    }

    /// The person who gave it; null: the hub itself, an account without a person, or somebody you cannot see.
    async fn granted_by(&self) -> Option<Result<Person, Fault>> {
        person_of(&self.scope, self.row.granted_by?).await
    }
}

impl Listable for Grant {
    type Kind = Grants;
    type EdgeFields = EmptyFields;
    const NAME: &'static str = "Grant";

    fn new(row: Arc<GrantRow>, scope: &Scope) -> Self {
        Self { row, scope: scope.clone() }
    }

    fn lists(loaders: &Loaders) -> &Lists<Grants> {
        &loaders.grants
    }

    fn edge_fields(_row: &Arc<GrantRow>, _scope: &Scope, _parent: Option<Uuid>) -> EmptyFields {
        EmptyFields
    }
}

/// The list that the argument asks for.
pub fn grant_selection(holds: Option<bool>) -> Selection<Grants> {
    Selection { filter: GrantFilter { holds }, order: GrantOrder::Given, direction: Direction::Ascending }
}

/// Where a right is to hold: on a node that is seen, or on the whole hub. An id of another kind is `BAD_USER_INPUT`.
pub fn place(on: Option<&ID>) -> Result<On, Fault> {
    let Some(on) = on else { return Ok(On::Hub) };
    match id::decode(on)? {
        (NodeKind::Organization, id) => Ok(On::Organization(id)),
        (NodeKind::Community, id) => Ok(On::Community(id)),
        (
            found @ (NodeKind::Topic
            | NodeKind::Person
            | NodeKind::Role
            | NodeKind::Membership
            | NodeKind::Project
            | NodeKind::Item
            | NodeKind::Link),
            _,
        ) => {
            let message = Message::new("id-of-wrong-kind")
                .with("id", crate::text::messages::excerpt(on))
                .with("kind", found.as_ref())
                .with("wanted", NodeKind::Community.as_ref());
            Err(Fault::bad_input(message).of_field("on"))
        }
    }
}

/// Gives a right.
#[derive(Debug, InputObject)]
pub struct GrantGiveInput {
    /// The account that is to have it.
    account: ID,
    /// The right. Administrators run the hub or an organization; the other rights are on communities, representatives on
    /// organizations too.
    right: Word<Right>,
    /// The organization or community on which it is to hold; null: the whole hub.
    on: Option<ID>,
    /// From when; null: from now on.
    starts_at: Option<DateTime>,
    /// Until when; null: until somebody ends it. No longer than your own right to give it.
    ends_at: Option<DateTime>,
    /// Why, for the audit; at most 300 characters.
    reason: Option<String>,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// What came of giving a right.
#[derive(SimpleObject)]
pub struct GrantGivePayload {
    /// The right; null: nothing was done.
    grant: Option<Grant>,
    /// What is to be mended; empty: it was done.
    user_errors: Vec<UserError>,
}

/// Ends a right.
#[derive(Debug, InputObject)]
pub struct GrantEndInput {
    /// The right. One that follows from a membership ends with it alone.
    grant: ID,
    /// Why, for the audit; at most 300 characters.
    reason: Option<String>,
    /// A key of your choice, at most 100 characters: sent again within a day with the same input, it is answered again and not
    /// done again. Null: it is done each time it is sent.
    idempotency_key: Option<String>,
}

/// What came of ending a right.
#[derive(SimpleObject)]
pub struct GrantEndPayload {
    /// The right as it was; null: nothing was done.
    grant: Option<Grant>,
    /// What is to be mended; empty: it was done.
    user_errors: Vec<UserError>,
}

/// Rights at the root.
#[derive(Default)]
pub struct GrantMutation;

/// Rights at the root.
#[Object]
impl GrantMutation {
    /// Gives a right, by those who run what it is on, or the organization that manages it. What you cannot see is `NOT_FOUND`, as if it were not there.
    async fn grant_give(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: GrantGiveInput,
    ) -> Result<GrantGivePayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key.clone(), input.reason.clone())?;
        let GrantGiveInput { account, right, on, starts_at, ends_at, .. } = input;
        let asked = || -> Result<NewGrant, Fault> {
            Ok(NewGrant {
                account: Thing::Account.decode(&account)?,
                grant: policy::Grant { right: right.0, on: place(on.as_ref())? },
                starts_at: starts_at.map(|at| at.0),
                ends_at: ends_at.map(|at| at.0),
            })
        };
        let outcome = match asked() {
            Ok(new) => {
                mutation::run(&scope, call, move |tx| {
                    async move {
                        permission::require_place(tx, new.grant.on).await?;
                        grants::give(tx, new).await.map(|row| row.id)
                    }
                    .boxed()
                })
                .await?
            }
            Err(fault) => mutation::mended(&scope, Err(fault))?,
        };
        Ok(match outcome {
            Ok(id) => GrantGivePayload { grant: page::by_id(&scope, id).await?, user_errors: Vec::new() },
            Err(user_errors) => GrantGivePayload { grant: None, user_errors },
        })
    }

    /// Ends a right now, by those who run what it is on, or takes back one that was to come. Whoever follows by it is told
    /// what they no longer see.
    async fn grant_end(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to do.")] input: GrantEndInput,
    ) -> Result<GrantEndPayload, Fault> {
        let scope = Scope::of_root(ctx, None)?.anew();
        let call = Call::of(ctx, input.idempotency_key.clone(), input.reason.clone())?;
        let outcome = match Thing::Grant.decode(&input.grant) {
            Ok(id) => {
                mutation::run(&scope, call, move |tx| {
                    async move { grants::end(tx, id).await.map(|row| row.id) }.boxed()
                })
                .await?
            }
            Err(fault) => mutation::mended(&scope, Err(fault))?,
        };
        Ok(match outcome {
            Ok(id) => GrantEndPayload { grant: page::by_id(&scope, id).await?, user_errors: Vec::new() },
            Err(user_errors) => GrantEndPayload { grant: None, user_errors },
        })
    }
}
