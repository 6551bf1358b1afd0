//! Research projects in the contract.

pub mod editing;

use std::sync::Arc;

use async_graphql::connection::EmptyFields;
use async_graphql::{Context, ID, InputObject, Object};
use uuid::Uuid;

use crate::db::page::Direction;
use crate::domain::community::graph::Community;
use crate::domain::community::graph::list::{CommunityFilterInput, CommunityOrderInput, community_selection};
use crate::domain::community::store::CommunitiesOf;
use crate::domain::item::graph::{Item, ItemFilterInput, ItemOrderInput, item_selection};
use crate::domain::item::store::ItemsOf;
use crate::domain::link::graph::{Link, LinkFilterInput, LinkOrderInput, link_selection};
use crate::domain::link::rules::LinkDirection;
use crate::domain::link::store::LinksOf;
use crate::domain::organization::graph::{
    Organization, OrganizationFilterInput, OrganizationOrderInput, organization_selection,
};
use crate::domain::organization::store::OrganizationsOf;
use crate::domain::project::participant::graph::{Participant, participant_selection};
use crate::domain::project::participant::store::ParticipantsOf;
use crate::domain::project::record::{ProjectRole, ProjectStatus};
use crate::domain::project::store::{ProjectFilter, ProjectOrder, ProjectPart, ProjectRow, Projects};
use crate::domain::source::graph::{Source, source_selection};
use crate::domain::source::store::SourcesOf;
use crate::error::Fault;
use crate::graph::completeness::{self, Completeness};
use crate::graph::id;
use crate::graph::node;
use crate::graph::page::{self, Connection, Listable, OrderDirection, PageArguments, Selection};
use crate::graph::scope::Scope;
use crate::graph::text::{
    self, Date, DateRangeInput, DateTime, FallbackField, ImpreciseDate, LanguageTag, Translation,
};
use crate::graph::word::{self, Word};
use crate::loaders::Loaders;
use crate::loaders::lists::Lists;
use crate::policy::NodeKind;

/// A research project.
pub struct Project {
    row: Arc<ProjectRow>,
    scope: Scope,
}

/// A research project: who leads it, who works in it, who pays for it, and what came of it.
#[Object]
impl Project {
    /// The global id.
    pub async fn id(&self) -> ID {
        id::encode(NodeKind::Project, self.row.id)
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

    /// The name in addresses. It may change; old ones keep leading here.
    async fn slug(&self) -> &str {
        &self.row.slug
    }

    /// What it is called.
    async fn title(&self) -> Result<&str, Fault> {
        node::required(self.scope.serve(&self.row.title, &self.row.original_language.0))
    }

    /// The language that the title is served in.
    async fn language(&self) -> Option<LanguageTag> {
        node::language_of(&self.row.title, &self.row.original_language.0, &self.scope)
    }

    /// What it is about; null: not stated.
    async fn summary(&self) -> Option<&str> {
        self.scope.serve(self.row.summary.as_deref()?, &self.row.original_language.0)
    }

    /// Where it stands; null: not stated.
    async fn status(&self) -> Option<Word<ProjectStatus>> {
        self.row.status.map(|word| Word(word.0))
    }

    /// When it began; null: not stated.
    async fn started(&self) -> Option<ImpreciseDate> {
        let started = self.row.started.as_deref()?;
        Some(ImpreciseDate::new(started, &self.row.original_language.0, &self.scope))
    }

    /// When it ended, or is to end; null: not stated.
    async fn ended(&self) -> Option<ImpreciseDate> {
        let ended = self.row.ended.as_deref()?;
        Some(ImpreciseDate::new(ended, &self.row.original_language.0, &self.scope))
    }

    /// What came of it besides its KT items, in its own order.
    async fn outputs(&self) -> Vec<&str> {
        node::statements(&self.row.outputs, &self.row.original_language.0, &self.scope)
    }

    /// The ids of what came of it, in the same order, for edits that keep their other languages.
    async fn output_ids(&self) -> Vec<&str> {
        node::statement_ids(&self.row.outputs, &self.row.original_language.0, &self.scope)
    }

    /// The organization that leads it; null: not stated or hidden.
    async fn lead_organization(&self) -> Option<Result<Organization, Fault>> {
        self.lead().await.transpose()
    }

    /// The organizations that have a part in it, or this part, by name.
    async fn organizations(
        &self,
        #[graphql(desc = "How many from the start, 1 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those that have this part; null: any.")] part: Option<Word<ProjectPart>>,
        #[graphql(desc = "Narrows the list.")] filter: Option<OrganizationFilterInput>,
        #[graphql(desc = "Orders the list.")] order_by: Option<OrganizationOrderInput>,
    ) -> Result<Connection<Organization>, Fault> {
        page::of(
            &self.scope,
            (OrganizationsOf::Project(part.map(|word| word.0)), self.row.id),
            PageArguments { first, after, last, before },
            organization_selection(filter, order_by)?,
        )
        .await
    }

    /// Who works in it, in its own order, as far as they let it be known.
    async fn people(
        &self,
        #[graphql(desc = "How many from the start, 1 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those with one of these roles.")] roles: Option<Vec<Word<ProjectRole>>>,
    ) -> Result<Connection<Participant>, Fault> {
        let arguments = PageArguments { first, after, last, before };
        let selection = participant_selection(roles);
        page::of(&self.scope, (ParticipantsOf::Project, self.row.id), arguments, selection).await
    }

    /// The communities that it belongs to, by name.
    async fn communities(
        &self,
        #[graphql(desc = "How many from the start, 1 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<CommunityFilterInput>,
        #[graphql(desc = "Orders the list.")] order_by: Option<CommunityOrderInput>,
    ) -> Result<Connection<Community>, Fault> {
        page::of(
            &self.scope,
            (CommunitiesOf::Project, self.row.id),
            PageArguments { first, after, last, before },
            community_selection(filter, order_by)?,
        )
        .await
    }

    /// The KT items that came out of it, the newest first.
    async fn items(
        &self,
        #[graphql(desc = "How many from the start, 1 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<ItemFilterInput>,
        #[graphql(desc = "Orders the list.")] order_by: Option<ItemOrderInput>,
    ) -> Result<Connection<Item>, Fault> {
        page::of(
            &self.scope,
            (ItemsOf::Project, self.row.id),
            PageArguments { first, after, last, before },
            item_selection(filter, order_by)?,
        )
        .await
    }

    /// Its links to other nodes, the earliest first.
    async fn links(
        &self,
        #[graphql(desc = "How many from the start, 1 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those that start here, or lead here; null: both.")] direction: Option<
            Word<LinkDirection>,
        >,
        #[graphql(desc = "Narrows the list.")] filter: Option<LinkFilterInput>,
        #[graphql(desc = "Orders the list.")] order_by: Option<LinkOrderInput>,
    ) -> Result<Connection<Link>, Fault> {
        let of = LinksOf::Node(direction.map(|word| word.0));
        let arguments = PageArguments { first, after, last, before };
        page::of(&self.scope, (of, self.row.id), arguments, link_selection(filter, order_by)?).await
    }

    /// The organization whose administrators may edit it; null: only those of the hub, or you cannot see it.
    async fn managed_by(&self) -> Option<Result<Organization, Fault>> {
        page::by_id(&self.scope, self.row.managed_by?).await.transpose()
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
        completeness::of_record::<Projects>(&self.row.texts(), language, &self.row.original_language.0, &self.scope)
    }
}

impl Project {
    async fn lead(&self) -> Result<Option<Organization>, Fault> {
        let of = (OrganizationsOf::Project(Some(ProjectPart::Lead)), self.row.id);
        let rows = page::rows_of::<Organization>(&self.scope, of, organization_selection(None, None)?).await?;
        Ok(rows.first().map(|row| Organization::new(row.clone(), &self.scope)))
    }
}

impl Listable for Project {
    type Kind = Projects;
    type EdgeFields = EmptyFields;
    const NAME: &'static str = "Project";

    fn new(row: Arc<ProjectRow>, scope: &Scope) -> Self {
        Self { row, scope: scope.clone() }
    }

    fn lists(loaders: &Loaders) -> &Lists<Projects> {
        &loaders.projects
    }

    fn edge_fields(_row: &Arc<ProjectRow>, _scope: &Scope, _parent: Option<Uuid>) -> EmptyFields {
        EmptyFields
    }
}

/// Narrows a list of projects; everything that is given must hold, any value of a list will do.
#[derive(Clone, Debug, Default, InputObject)]
#[graphql(name = "ProjectFilter")]
pub struct ProjectFilterInput {
    /// With one of these statuses.
    statuses: Option<Vec<Word<ProjectStatus>>>,
    /// In which one of these organizations has a part.
    organizations: Option<Vec<ID>>,
    /// In which an organization has one of these parts; given with `organizations`, one of those.
    parts: Option<Vec<Word<ProjectPart>>>,
    /// Of one of these communities.
    communities: Option<Vec<ID>>,
    /// In which one of these people works, as far as they let it be known.
    people: Option<Vec<ID>>,
    /// At work then: from the first day that its beginning can mean to the last day that its end can mean.
    active_between: Option<DateRangeInput>,
    /// These words in the title, summary or outputs, as `search` finds them; at most 200 characters.
    text_contains: Option<String>,
}

/// Orders a list of projects.
#[derive(Clone, Debug, InputObject)]
#[graphql(name = "ProjectOrder")]
pub struct ProjectOrderInput {
    /// By what.
    field: Word<ProjectOrder>,
    /// Which way; null: ascending.
    direction: Option<Word<OrderDirection>>,
}

/// The list that the arguments ask for.
pub fn project_selection(
    filter: Option<ProjectFilterInput>,
    order: Option<ProjectOrderInput>,
) -> Result<Selection<Projects>, Fault> {
    let filter = filter.unwrap_or_default();
    let filter = ProjectFilter {
        statuses: filter.statuses.map(word::words),
        organizations: filter.organizations.map(|ids| id::decode_all(NodeKind::Organization, ids)).transpose()?,
        parts: filter.parts.map(word::words),
        communities: filter.communities.map(|ids| id::decode_all(NodeKind::Community, ids)).transpose()?,
        people: filter.people.map(|ids| id::decode_all(NodeKind::Person, ids)).transpose()?,
        active: filter.active_between.map(DateRangeInput::check).transpose()?,
        text_contains: filter.text_contains.map(text::search_text).transpose()?,
    };
    let direction = order.as_ref().and_then(|order| order.direction).map_or(Direction::Ascending, |word| word.0.into());
    Ok(Selection { filter, order: order.map_or(ProjectOrder::Title, |order| order.field.0), direction })
}

/// Research projects at the root.
#[derive(Default)]
pub struct ProjectQuery;

/// Research projects at the root.
#[Object]
impl ProjectQuery {
    /// The project with this slug, now or once; null: unknown or hidden.
    async fn project(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The name in addresses.")] slug: String,
        #[graphql(desc = "The languages to serve texts in, best first; null: those of the request.")] languages: Option<
            Vec<LanguageTag>,
        >,
    ) -> Option<Result<Project, Fault>> {
        node::by_slug(ctx, NodeKind::Project, slug, languages).await.transpose()
    }

    /// Every project, by title.
    async fn projects(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<ProjectFilterInput>,
        #[graphql(desc = "Orders the list.")] order_by: Option<ProjectOrderInput>,
        #[graphql(desc = "The languages to serve texts in, best first; null: those of the request.")] languages: Option<
            Vec<LanguageTag>,
        >,
    ) -> Result<Connection<Project>, Fault> {
        let scope = Scope::of_root(ctx, languages)?;
        page::all(&scope, PageArguments { first, after, last, before }, project_selection(filter, order_by)?).await
    }
}
