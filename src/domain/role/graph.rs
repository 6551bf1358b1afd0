//! Roles in the contract.

pub mod editing;

use std::sync::Arc;

use async_graphql::connection::EmptyFields;
use async_graphql::{Context, ID, InputObject, Object, Union};
use uuid::Uuid;

use crate::db::page::Direction;
use crate::domain::community::graph::Community;
use crate::domain::organization::graph::Organization;
use crate::domain::person::graph::Person;
use crate::domain::role::record::RoleKind;
use crate::domain::role::store::{RoleFilter, RoleOrder, RoleRow, Roles};
use crate::domain::source::graph::{Source, source_selection};
use crate::domain::source::store::SourcesOf;
use crate::error::Fault;
use crate::graph::completeness::{self, Completeness};
use crate::graph::id;
use crate::graph::page::{self, Connection, Listable, OrderDirection, PageArguments, Selection};
use crate::graph::scope::Scope;
use crate::graph::text::{
    self, Date, DateRangeInput, DateTime, FallbackField, ImpreciseDate, LanguageTag, Translation,
};
use crate::graph::word::{self, Word};
use crate::loaders::Loaders;
use crate::loaders::lists::Lists;
use crate::policy::NodeKind;

/// A published fact about a person and a community or organization.
pub struct Role {
    row: Arc<RoleRow>,
    scope: Scope,
}

/// What a role can be held in.
#[derive(Union)]
pub enum RoleTarget {
    /// A community.
    Community(Community),
    /// An organization.
    Organization(Organization),
}

/// A published fact: a person holds or held a role in a community or an organization. It gives no right. Sources that
/// contradict each other stand side by side as two roles.
#[Object]
impl Role {
    /// The global id.
    pub async fn id(&self) -> ID {
        id::encode(NodeKind::Role, self.row.id)
    }

    /// The import key, unique among nodes of this kind; it never changes. Null for people without a slug.
    pub async fn key(&self) -> Option<&str> {
        Some(&self.row.key)
    }

    /// When it came to the hub.
    pub async fn created_at(&self) -> DateTime {
        DateTime(self.row.created_at)
    }

    /// When it was last changed.
    pub async fn updated_at(&self) -> Option<DateTime> {
        Some(DateTime(self.row.updated_at))
    }

    /// The day somebody last verified it; null: not yet verified.
    pub async fn verified_on(&self) -> Option<Date> {
        self.row.verified_on.map(Date::from)
    }

    /// Counts the changes; send it along with an edit to notice another one in between.
    async fn version(&self) -> i32 {
        self.row.version
    }

    /// The language that the record was written in.
    async fn original_language(&self) -> LanguageTag {
        (&self.row.original_language.0).into()
    }

    /// Where the facts come from, in the order of import.
    pub async fn sources(
        &self,
        #[graphql(desc = "How many from the start, 1 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those that speak of one of these fields.")] fields: Option<Vec<String>>,
    ) -> Result<Connection<Source>, Fault> {
        let arguments = PageArguments { first, after, last, before };
        page::of(&self.scope, (SourcesOf::Node, self.row.id), arguments, source_selection(fields)?).await
    }

    /// Who holds or held it; null: hidden.
    async fn person(&self) -> Option<Result<Person, Fault>> {
        page::by_id(&self.scope, self.row.person_id).await.transpose()
    }

    /// What it is held in; null: hidden.
    async fn of(&self) -> Option<Result<RoleTarget, Fault>> {
        self.target().await.transpose()
    }

    /// What the person is to it.
    async fn kind(&self) -> Word<RoleKind> {
        Word(self.row.kind.0)
    }

    /// What the source calls it; null: not stated.
    async fn title(&self) -> Option<&str> {
        self.scope.serve(self.row.title.as_deref()?, &self.row.original_language.0)
    }

    /// Since when; null: not stated.
    async fn since(&self) -> Option<ImpreciseDate> {
        let since = self.row.since.as_deref()?;
        Some(ImpreciseDate::new(since, &self.row.original_language.0, &self.scope))
    }

    /// Until when; null: not stated, or it goes on.
    async fn until(&self) -> Option<ImpreciseDate> {
        let until = self.row.until.as_deref()?;
        Some(ImpreciseDate::new(until, &self.row.original_language.0, &self.scope))
    }

    /// The texts that are served in another language than your first one that this record has anything in.
    async fn fallback_fields(&self) -> Vec<FallbackField> {
        text::fallback_fields(&self.row.texts(), self.scope.languages(), &self.row.original_language.0)
    }

    /// Every text in every language, or in one.
    async fn translations(
        &self,
        #[graphql(desc = "Only in this language.")] language: Option<LanguageTag>,
    ) -> Result<Vec<Translation>, Fault> {
        let only = language.map(|tag| tag.check()).transpose()?;
        Ok(text::translations((self.row.id, &self.scope), &self.row.texts(), only.as_ref()))
    }

    /// Which texts are there in a language, which are served in another one, and which no language has.
    async fn completeness(
        &self,
        #[graphql(desc = "The language to look for.")] language: LanguageTag,
    ) -> Result<Completeness, Fault> {
        completeness::of_record::<Roles>(&self.row.texts(), language, &self.row.original_language.0, &self.scope)
    }
}

impl Role {
    async fn target(&self) -> Result<Option<RoleTarget>, Fault> {
        match (self.row.community_id, self.row.organization_id) {
            (Some(id), _) => Ok(page::by_id(&self.scope, id).await?.map(RoleTarget::Community)),
            (None, Some(id)) => Ok(page::by_id(&self.scope, id).await?.map(RoleTarget::Organization)),
            (None, None) => Ok(None),
        }
    }
}

impl Listable for Role {
    type Kind = Roles;
    type EdgeFields = EmptyFields;
    const NAME: &'static str = "Role";

    fn new(row: Arc<RoleRow>, scope: &Scope) -> Self {
        Self { row, scope: scope.clone() }
    }

    fn lists(loaders: &Loaders) -> &Lists<Roles> {
        &loaders.roles
    }

    fn edge_fields(_row: &Arc<RoleRow>, _scope: &Scope, _parent: Option<Uuid>) -> EmptyFields {
        EmptyFields
    }
}

/// Narrows a list of roles; everything that is given must hold, any value of a list will do.
#[derive(Clone, Debug, Default, InputObject)]
#[graphql(name = "RoleFilter")]
pub struct RoleFilterInput {
    /// Of one of these kinds.
    kinds: Option<Vec<Word<RoleKind>>>,
    /// Held by one of these people.
    people: Option<Vec<ID>>,
    /// Held in one of these communities.
    communities: Option<Vec<ID>>,
    /// Held in one of these organizations.
    organizations: Option<Vec<ID>>,
    /// Held then: from the first day that the start can mean to the last day that the end can mean.
    held_between: Option<DateRangeInput>,
    /// True: only those whose end is stated; false: only those whose end is not.
    has_ended: Option<bool>,
}

/// Orders a list of roles.
#[derive(Clone, Debug, InputObject)]
#[graphql(name = "RoleOrder")]
pub struct RoleOrderInput {
    /// By what.
    field: Word<RoleOrder>,
    /// Which way; null: ascending.
    direction: Option<Word<OrderDirection>>,
}

/// The list that the arguments ask for.
pub fn role_selection(
    filter: Option<RoleFilterInput>,
    order: Option<RoleOrderInput>,
) -> Result<Selection<Roles>, Fault> {
    let filter = filter.unwrap_or_default();
    let filter = RoleFilter {
        kinds: filter.kinds.map(word::words),
        people: filter.people.map(|ids| id::decode_all(NodeKind::Person, ids)).transpose()?,
        communities: filter.communities.map(|ids| id::decode_all(NodeKind::Community, ids)).transpose()?,
        organizations: filter.organizations.map(|ids| id::decode_all(NodeKind::Organization, ids)).transpose()?,
        held: filter.held_between.map(DateRangeInput::check).transpose()?,
        has_ended: filter.has_ended,
    };
    let direction = order.as_ref().and_then(|order| order.direction).map_or(Direction::Ascending, |word| word.0.into());
    Ok(Selection { filter, order: order.map_or(RoleOrder::Since, |order| order.field.0), direction })
}

/// Roles at the root.
#[derive(Default)]
pub struct RoleQuery;

/// Roles at the root.
#[Object]
impl RoleQuery {
    /// Every role, the earliest first.
    async fn roles(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<RoleFilterInput>,
        #[graphql(desc = "Orders the list.")] order_by: Option<RoleOrderInput>,
        #[graphql(desc = "The languages to serve texts in, best first; null: those of the request.")] languages: Option<
            Vec<LanguageTag>,
        >,
    ) -> Result<Connection<Role>, Fault> {
        let scope = Scope::of_root(ctx, languages)?;
        page::all(&scope, PageArguments { first, after, last, before }, role_selection(filter, order_by)?).await
    }
}
