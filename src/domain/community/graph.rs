//! Communities in the contract.

pub mod editing;
pub mod joining;
pub mod list;
pub mod naming;

use std::sync::Arc;

use async_graphql::connection::EmptyFields;
use async_graphql::{Context, ID, Object, SimpleObject};
use uuid::Uuid;

use crate::domain::account::graph::grant::{Grant, grant_selection};
use crate::domain::account::store::grants::GrantsOf;
use crate::domain::community::graph::joining::{Charter, Question, TierRule};
use crate::domain::community::graph::list::{CommunityFilterInput, CommunityOrderInput, community_selection};
use crate::domain::community::record::{ActivityKind, CommunityStatus, JoinPolicy};
use crate::domain::community::store::{Communities, CommunityRow};
use crate::domain::contact::graph::{ContactMessage, message_selection};
use crate::domain::contact::store::MessagesOf;
use crate::domain::item::graph::{Item, ItemFilterInput, ItemOrderInput, item_selection};
use crate::domain::item::store::ItemsOf;
use crate::domain::link::graph::{Link, LinkFilterInput, LinkOrderInput, link_selection};
use crate::domain::link::rules::LinkDirection;
use crate::domain::link::store::LinksOf;
use crate::domain::membership::graph::application::{Application, ApplicationFilterInput, application_selection};
use crate::domain::membership::graph::{Membership, MembershipFilterInput, MembershipOrderInput, membership_selection};
use crate::domain::membership::store::MembershipsOf;
use crate::domain::membership::store::applications::ApplicationsOf;
use crate::domain::organization::graph::{
    Organization, OrganizationFilterInput, OrganizationOrderInput, organization_selection,
};
use crate::domain::organization::store::OrganizationsOf;
use crate::domain::person::record::Profession;
use crate::domain::project::graph::{Project, ProjectFilterInput, ProjectOrderInput, project_selection};
use crate::domain::project::store::ProjectsOf;
use crate::domain::role::graph::{Role, RoleFilterInput, RoleOrderInput, role_selection};
use crate::domain::role::store::RolesOf;
use crate::domain::site::graph::{Site, site_selection};
use crate::domain::site::store::SitesOf;
use crate::domain::source::graph::{Source, source_selection};
use crate::domain::source::store::SourcesOf;
use crate::domain::topic::graph::{Topic, TopicFilterInput, TopicOrderInput, topic_selection};
use crate::domain::topic::store::TopicsOf;
use crate::error::Fault;
use crate::graph::completeness::{self, Completeness};
use crate::graph::id;
use crate::graph::node;
use crate::graph::page::{self, Connection, Listable, OrderDirection, PageArguments};
use crate::graph::scope::Scope;
use crate::graph::text::{
    self, ApproximateCount, Date, DateTime, FallbackField, ImpreciseDate, LanguageTag, ProtectedCount, Translation,
};
use crate::graph::word::Word;
use crate::loaders::Loaders;
use crate::loaders::lists::Lists;
use crate::policy::NodeKind;

/// A community of practice.
pub struct Community {
    row: Arc<CommunityRow>,
    scope: Scope,
}

/// What membership is good for: a cause and its effect.
#[derive(SimpleObject)]
pub struct Benefit {
    /// Unique within the list, for edits that keep its other languages.
    id: String,
    /// What members do or have.
    cause: String,
    /// What comes of it.
    effect: String,
}

/// A community of practice: people who share an interest in a domain and learn from each other.
#[Object]
impl Community {
    /// The global id.
    pub async fn id(&self) -> ID {
        id::encode(NodeKind::Community, self.row.id)
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

    /// What it is called; null when no source states a name.
    async fn name(&self) -> Option<&str> {
        self.scope.serve(self.row.name.as_deref()?, &self.row.original_language.0)
    }

    /// The language that the display name is served in; null when the hub made it.
    async fn language(&self) -> Option<LanguageTag> {
        node::language_of(self.row.name.as_deref()?, &self.row.original_language.0, &self.scope)
    }

    /// The name, or where no source states one, what the hub calls it by its domain, partner or host.
    async fn display_name(&self) -> Result<String, Fault> {
        self.name_or_editorial().await
    }

    /// True when the hub made the display name, as no source states one.
    async fn display_name_is_editorial(&self) -> bool {
        self.row.name.is_none()
    }

    /// The field of interest that members share; null: not stated.
    async fn domain(&self) -> Option<&str> {
        self.scope.serve(self.row.domain.as_deref()?, &self.row.original_language.0)
    }

    /// Who the members are and what they do together; null: not stated.
    async fn community(&self) -> Option<&str> {
        self.scope.serve(self.row.community.as_deref()?, &self.row.original_language.0)
    }

    /// The resources that members share: experiences, stories, tools; null: not stated.
    async fn practice(&self) -> Option<&str> {
        self.scope.serve(self.row.practice.as_deref()?, &self.row.original_language.0)
    }

    /// What it is for; null: not stated.
    async fn purpose(&self) -> Option<&str> {
        self.scope.serve(self.row.purpose.as_deref()?, &self.row.original_language.0)
    }

    /// Its objectives, in its own order.
    async fn objectives(&self) -> Vec<&str> {
        node::statements(&self.row.objectives, &self.row.original_language.0, &self.scope)
    }

    /// The ids of its objectives, in the same order, for edits that keep their other languages.
    async fn objective_ids(&self) -> Vec<&str> {
        node::statement_ids(&self.row.objectives, &self.row.original_language.0, &self.scope)
    }

    /// What members do together.
    async fn activities(&self) -> Vec<Word<ActivityKind>> {
        self.row.activities.iter().map(|word| Word(word.0)).collect()
    }

    /// What membership is good for, in the source's order.
    async fn benefits(&self) -> Vec<Benefit> {
        let original = &self.row.original_language.0;
        let served = self.row.benefits.iter().filter_map(|benefit| {
            let cause = self.scope.serve(&benefit.cause, original)?.to_owned();
            let id = benefit.id.clone();
            Some(Benefit { id, cause, effect: self.scope.serve(&benefit.effect, original)?.to_owned() })
        });
        served.collect()
    }

    /// Who can take part; null: not stated.
    async fn eligibility(&self) -> Option<&str> {
        self.scope.serve(self.row.eligibility.as_deref()?, &self.row.original_language.0)
    }

    /// The professions that can take part.
    async fn professions(&self) -> Vec<Word<Profession>> {
        self.row.professions.iter().map(|word| Word(word.0)).collect()
    }

    /// How one joins; null: not stated.
    async fn join_policy(&self) -> Option<Word<JoinPolicy>> {
        self.row.join_policy.map(|word| Word(word.0))
    }

    /// Where one joins; null: not stated.
    async fn join_url(&self) -> Option<&str> {
        self.row.join_url.as_deref()
    }

    /// When it was launched; null: not stated.
    async fn launched(&self) -> Option<ImpreciseDate> {
        let launched = self.row.launched.as_deref()?;
        Some(ImpreciseDate::new(launched, &self.row.original_language.0, &self.scope))
    }

    /// How many members a source states; null: not stated.
    async fn member_count(&self) -> Option<ApproximateCount> {
        let count = self.row.member_count.as_deref()?;
        Some(ApproximateCount::new(count, &self.row.original_language.0, &self.scope))
    }

    /// How many centres a source states; null: not stated.
    async fn centre_count(&self) -> Option<ApproximateCount> {
        let count = self.row.centre_count.as_deref()?;
        Some(ApproximateCount::new(count, &self.row.original_language.0, &self.scope))
    }

    /// The regions where it is at work, ISO 3166-2, such as CA-QC; empty: not stated.
    async fn regions(&self) -> &[String] {
        &self.row.regions
    }

    /// How and how often it meets; null: not stated.
    async fn meetings(&self) -> Option<&str> {
        self.scope.serve(self.row.meetings.as_deref()?, &self.row.original_language.0)
    }

    /// The e-mail address of a role, never of a person; null: not stated.
    async fn contact_email(&self) -> Option<&str> {
        self.row.contact_email.as_deref()
    }

    /// The languages it works in.
    async fn languages(&self) -> Vec<LanguageTag> {
        self.row.languages.iter().cloned().map(LanguageTag).collect()
    }

    /// Where it stands in its life, as the hub's editors see it.
    async fn status(&self) -> Word<CommunityStatus> {
        Word(self.row.status.0)
    }

    /// The organization whose administrators may edit it; null: only those who run it otherwise, or you cannot see it.
    async fn managed_by(&self) -> Option<Result<Organization, Fault>> {
        page::by_id(&self.scope, self.row.managed_by?).await.transpose()
    }

    /// What it asks of those who want to join, in its own order.
    async fn questions(&self) -> Vec<Question> {
        let original = &self.row.original_language.0;
        self.row.questions.iter().map(|question| Question::new(question, original, &self.scope)).collect()
    }

    /// What those who join accept; null: nothing.
    async fn charter(&self) -> Option<Charter> {
        let charter = self.row.charters.last()?;
        Some(Charter::new(charter, &self.row.original_language.0, &self.scope))
    }

    /// How far its memberships go, the usual one first; empty: OPEN alone.
    async fn tiers(&self) -> Vec<TierRule> {
        self.row.tiers.iter().map(TierRule::new).collect()
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
        completeness::of_record::<Communities>(&self.row.texts(), language, &self.row.original_language.0, &self.scope)
    }

    /// Its topics, by name.
    async fn topics(
        &self,
        #[graphql(desc = "How many from the start, 1 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<TopicFilterInput>,
        #[graphql(desc = "Orders the list.")] order_by: Option<TopicOrderInput>,
    ) -> Result<Connection<Topic>, Fault> {
        page::of(
            &self.scope,
            (TopicsOf::Community, self.row.id),
            PageArguments { first, after, last, before },
            topic_selection(filter, order_by)?,
        )
        .await
    }

    /// The organizations that host or coordinate it or are linked to it in any other way, by name.
    async fn organizations(
        &self,
        #[graphql(desc = "How many from the start, 1 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<OrganizationFilterInput>,
        #[graphql(desc = "Orders the list.")] order_by: Option<OrganizationOrderInput>,
    ) -> Result<Connection<Organization>, Fault> {
        page::of(
            &self.scope,
            (OrganizationsOf::Community, self.row.id),
            PageArguments { first, after, last, before },
            organization_selection(filter, order_by)?,
        )
        .await
    }

    /// The roles held in it, the earliest first.
    async fn roles(
        &self,
        #[graphql(desc = "How many from the start, 1 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<RoleFilterInput>,
        #[graphql(desc = "Orders the list.")] order_by: Option<RoleOrderInput>,
    ) -> Result<Connection<Role>, Fault> {
        page::of(
            &self.scope,
            (RolesOf::Community, self.row.id),
            PageArguments { first, after, last, before },
            role_selection(filter, order_by)?,
        )
        .await
    }

    /// How many active members the hub knows of, whoever may see them, withheld from 1 to 4; `memberCount` is what a source
    /// states.
    async fn active_member_count(&self) -> Result<ProtectedCount, Fault> {
        Ok(ProtectedCount::over_people(self.scope.loaders().active_members.load(self.row.id).await?))
    }

    /// What was written to its coordinators, the last first; empty unless you coordinate it.
    async fn messages(
        &self,
        #[graphql(desc = "How many from the start, 1 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
    ) -> Result<Connection<ContactMessage>, Fault> {
        let arguments = PageArguments { first, after, last, before };
        page::of(&self.scope, (MessagesOf::Community, self.row.id), arguments, message_selection()).await
    }

    /// The rights on it, in the order in which they were given; yours alone unless you coordinate it.
    async fn grants(
        &self,
        #[graphql(desc = "How many from the start, 1 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Only those that hold now, or only those that do not; null: all.")] holds: Option<bool>,
    ) -> Result<Connection<Grant>, Fault> {
        let arguments = PageArguments { first, after, last, before };
        page::of(&self.scope, (GrantsOf::Community, self.row.id), arguments, grant_selection(holds)).await
    }

    /// The websites registered for it, earliest first; empty unless you run it, or the organization that manages it.
    async fn sites(
        &self,
        #[graphql(desc = "How many from the start, 1 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
    ) -> Result<Connection<Site>, Fault> {
        let arguments = PageArguments { first, after, last, before };
        page::of(&self.scope, (SitesOf::Community, self.row.id), arguments, site_selection()).await
    }

    /// The memberships in it that you see, the earliest first.
    async fn memberships(
        &self,
        #[graphql(desc = "How many from the start, 1 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<MembershipFilterInput>,
        #[graphql(desc = "Orders the list.")] order_by: Option<MembershipOrderInput>,
    ) -> Result<Connection<Membership>, Fault> {
        page::of(
            &self.scope,
            (MembershipsOf::Community, self.row.id),
            PageArguments { first, after, last, before },
            membership_selection(filter, order_by)?,
        )
        .await
    }

    /// The projects that belong to it, by title.
    async fn projects(
        &self,
        #[graphql(desc = "How many from the start, 1 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<ProjectFilterInput>,
        #[graphql(desc = "Orders the list.")] order_by: Option<ProjectOrderInput>,
    ) -> Result<Connection<Project>, Fault> {
        page::of(
            &self.scope,
            (ProjectsOf::Community, self.row.id),
            PageArguments { first, after, last, before },
            project_selection(filter, order_by)?,
        )
        .await
    }

    /// Those who want to join, the longest waiting first. The coordinators see all, everybody else their own.
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
        page::of(&self.scope, (ApplicationsOf::Community, self.row.id), arguments, selection).await
    }

    /// Its KT items, the newest first.
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
            (ItemsOf::Community, self.row.id),
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
}

impl Listable for Community {
    type Kind = Communities;
    type EdgeFields = EmptyFields;
    const NAME: &'static str = "Community";

    fn new(row: Arc<CommunityRow>, scope: &Scope) -> Self {
        Self { row, scope: scope.clone() }
    }

    fn lists(loaders: &Loaders) -> &Lists<Communities> {
        &loaders.communities
    }

    fn edge_fields(_row: &Arc<CommunityRow>, _scope: &Scope, _parent: Option<Uuid>) -> EmptyFields {
        EmptyFields
    }
}

/// Communities at the root.
#[derive(Default)]
pub struct CommunityQuery;

/// Communities at the root.
#[Object]
impl CommunityQuery {
    /// The community with this slug, now or once; null: unknown or hidden.
    async fn community(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The name in addresses.")] slug: String,
        #[graphql(desc = "The languages to serve texts in, best first; null: those of the request.")] languages: Option<
            Vec<LanguageTag>,
        >,
    ) -> Option<Result<Community, Fault>> {
        node::by_slug(ctx, NodeKind::Community, slug, languages).await.transpose()
    }

    /// Every community, by name; those without a name come last.
    async fn communities(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<CommunityFilterInput>,
        #[graphql(desc = "Orders the list.")] order_by: Option<CommunityOrderInput>,
        #[graphql(desc = "The languages to serve texts in, best first; null: those of the request.")] languages: Option<
            Vec<LanguageTag>,
        >,
    ) -> Result<Connection<Community>, Fault> {
        let scope = Scope::of_root(ctx, languages)?;
        page::all(&scope, PageArguments { first, after, last, before }, community_selection(filter, order_by)?).await
    }
}
