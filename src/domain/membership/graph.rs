//! Memberships in the contract.

pub mod application;
pub mod joining;

use std::sync::Arc;

use async_graphql::connection::EmptyFields;
use async_graphql::{Context, ID, InputObject, Object};
use uuid::Uuid;

use crate::db::page::Direction;
use crate::domain::community::graph::Community;
use crate::domain::membership::graph::application::{Application, ApplicationFilterInput, application_selection};
use crate::domain::membership::record::{MembershipStatus, MembershipTier};
use crate::domain::membership::store::applications::ApplicationsOf;
use crate::domain::membership::store::{MembershipFilter, MembershipOrder, MembershipRow, Memberships};
use crate::domain::person::graph::{Person, note_reading};
use crate::domain::person::record::PersonField;
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

/// A person belongs to a community.
pub struct Membership {
    row: Arc<MembershipRow>,
    scope: Scope,
}

/// A person belongs to a community. You see it as far as the person allows.
#[Object]
impl Membership {
    /// The global id.
    pub async fn id(&self) -> ID {
        id::encode(NodeKind::Membership, self.row.id)
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

    /// Who belongs; null: hidden.
    async fn person(&self) -> Option<Result<Person, Fault>> {
        page::by_id(&self.scope, self.row.person_id).await.transpose()
    }

    /// To which community; null: hidden.
    async fn community(&self) -> Option<Result<Community, Fault>> {
        page::by_id(&self.scope, self.row.community_id).await.transpose()
    }

    /// Where it stands.
    async fn status(&self) -> Word<MembershipStatus> {
        Word(self.row.status.0)
    }

    /// How far it goes; null: not stated.
    async fn tier(&self) -> Option<Word<MembershipTier>> {
        self.row.tier.map(|word| Word(word.0))
    }

    /// Since when; null: not stated.
    async fn since(&self) -> Option<ImpreciseDate> {
        let since = self.row.since.as_deref()?;
        Some(ImpreciseDate::new(since, &self.row.original_language.0, &self.scope))
    }

    /// What was sent for it, the first first. The person sees it, the coordinators do, and who is asked to endorse it.
    async fn applications(
        &self,
        #[graphql(desc = "How many from the start, 1 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<ApplicationFilterInput>,
        #[graphql(desc = "Which way; null: the longest waiting first.")] direction: Option<Word<OrderDirection>>,
    ) -> Result<Connection<Application>, Fault> {
        let selection = application_selection(filter, direction, &self.scope)?;
        let arguments = PageArguments { first, after, last, before };
        page::of(&self.scope, (ApplicationsOf::Membership, self.row.id), arguments, selection).await
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
        let original = &self.row.original_language.0;
        completeness::of_record::<Memberships>(&self.row.texts(), language, original, &self.scope)
    }
}

impl Listable for Membership {
    type Kind = Memberships;
    type EdgeFields = EmptyFields;
    const NAME: &'static str = "Membership";

    fn new(row: Arc<MembershipRow>, scope: &Scope) -> Self {
        note_reading(scope, row.person_id, PersonField::Memberships, &row.audience);
        Self { row, scope: scope.clone() }
    }

    fn lists(loaders: &Loaders) -> &Lists<Memberships> {
        &loaders.memberships
    }

    fn edge_fields(_row: &Arc<MembershipRow>, _scope: &Scope, _parent: Option<Uuid>) -> EmptyFields {
        EmptyFields
    }
}

/// Narrows a list of memberships; everything that is given must hold, any value of a list will do.
#[derive(Clone, Debug, Default, InputObject)]
#[graphql(name = "MembershipFilter")]
pub struct MembershipFilterInput {
    /// With one of these statuses.
    statuses: Option<Vec<Word<MembershipStatus>>>,
    /// Of one of these tiers.
    tiers: Option<Vec<Word<MembershipTier>>>,
    /// Of one of these people.
    people: Option<Vec<ID>>,
    /// In one of these communities.
    communities: Option<Vec<ID>>,
    /// Begun then.
    since_between: Option<DateRangeInput>,
}

/// Orders a list of memberships.
#[derive(Clone, Debug, InputObject)]
#[graphql(name = "MembershipOrder")]
pub struct MembershipOrderInput {
    /// By what.
    field: Word<MembershipOrder>,
    /// Which way; null: ascending.
    direction: Option<Word<OrderDirection>>,
}

/// The list that the arguments ask for.
pub fn membership_selection(
    filter: Option<MembershipFilterInput>,
    order: Option<MembershipOrderInput>,
) -> Result<Selection<Memberships>, Fault> {
    let filter = filter.unwrap_or_default();
    let filter = MembershipFilter {
        statuses: filter.statuses.map(word::words),
        tiers: filter.tiers.map(word::words),
        people: filter.people.map(|ids| id::decode_all(NodeKind::Person, ids)).transpose()?,
        communities: filter.communities.map(|ids| id::decode_all(NodeKind::Community, ids)).transpose()?,
        since: filter.since_between.map(DateRangeInput::check).transpose()?,
    };
    let direction = order.as_ref().and_then(|order| order.direction).map_or(Direction::Ascending, |word| word.0.into());
    Ok(Selection { filter, order: order.map_or(MembershipOrder::Since, |order| order.field.0), direction })
}

/// Memberships at the root.
#[derive(Default)]
pub struct MembershipQuery;

/// Memberships at the root.
#[Object]
impl MembershipQuery {
    /// Every membership that you see, the earliest first.
    async fn memberships(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<MembershipFilterInput>,
        #[graphql(desc = "Orders the list.")] order_by: Option<MembershipOrderInput>,
        #[graphql(desc = "The languages to serve texts in, best first; null: those of the request.")] languages: Option<
            Vec<LanguageTag>,
        >,
    ) -> Result<Connection<Membership>, Fault> {
        let scope = Scope::of_root(ctx, languages)?;
        page::all(&scope, PageArguments { first, after, last, before }, membership_selection(filter, order_by)?).await
    }
}
