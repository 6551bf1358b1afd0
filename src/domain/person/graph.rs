//! People in the contract.

pub mod own;

use std::sync::Arc;

use async_graphql::connection::EmptyFields;
use async_graphql::{Context, ID, InputObject, Object};
use uuid::Uuid;

use crate::db::page::Direction;
use crate::domain::audit::graph::{Reading, reading_selection};
use crate::domain::audit::store::ReadingsOf;
use crate::domain::item::graph::{Item, ItemFilterInput, ItemOrderInput, item_selection};
use crate::domain::item::store::ItemsOf;
use crate::domain::membership::graph::{Membership, MembershipFilterInput, MembershipOrderInput, membership_selection};
use crate::domain::membership::store::MembershipsOf;
use crate::domain::organization::graph::Organization;
use crate::domain::person::graph::own::Consent;
use crate::domain::person::record::{PersonField, Profession, StakeholderGroup};
use crate::domain::person::store::{AffiliationRow, People, PersonFilter, PersonOrder, PersonRow};
use crate::domain::project::graph::{Project, ProjectFilterInput, ProjectOrderInput, project_selection};
use crate::domain::project::store::ProjectsOf;
use crate::domain::role::graph::{Role, RoleFilterInput, RoleOrderInput, role_selection};
use crate::domain::role::store::RolesOf;
use crate::domain::source::graph::{Source, source_selection};
use crate::domain::source::store::SourcesOf;
use crate::domain::topic::graph::{Topic, TopicFilterInput, TopicOrderInput, topic_selection};
use crate::domain::topic::store::TopicsOf;
use crate::error::Fault;
use crate::graph::id;
use crate::graph::node;
use crate::graph::page::{self, Connection, Listable, OrderDirection, PageArguments, Selection};
use crate::graph::scope::Scope;
use crate::graph::text::{self, Date, DateTime, ImpreciseDate, LanguageTag};
use crate::graph::word::{self, Word};
use crate::loaders::Loaders;
use crate::loaders::lists::Lists;
use crate::policy::{self, Identity, NodeKind};

/// A human being.
pub struct Person {
    row: Arc<PersonRow>,
    scope: Scope,
}

/// Where somebody works or worked.
pub struct Affiliation {
    row: AffiliationRow,
    person: Arc<PersonRow>,
    scope: Scope,
}

/// Where somebody works or worked.
#[Object]
impl Affiliation {
    /// The organization; null: hidden.
    async fn organization(&self) -> Option<Result<Organization, Fault>> {
        page::by_id(&self.scope, self.row.organization_id).await.transpose()
    }

    /// The position held; null: not stated.
    async fn title(&self) -> Option<&str> {
        self.scope.serve(self.row.title.as_deref()?, &self.person.original_language.0)
    }

    /// Since when; null: not stated.
    async fn since(&self) -> Option<ImpreciseDate> {
        let since = self.row.since.as_deref()?;
        Some(ImpreciseDate::new(since, &self.person.original_language.0, &self.scope))
    }

    /// Until when; null: not stated, or it goes on.
    async fn until(&self) -> Option<ImpreciseDate> {
        let until = self.row.until.as_deref()?;
        Some(ImpreciseDate::new(until, &self.person.original_language.0, &self.scope))
    }

    /// Whether it is the home organization.
    async fn is_home(&self) -> bool {
        self.row.is_home
    }
}

/// A human being, shown as far as a consent or a public role allows. A field that you may not see is null or empty,
/// just as one that is not stated.
#[Object]
impl Person {
    /// The global id.
    pub async fn id(&self) -> ID {
        id::encode(NodeKind::Person, self.row.id)
    }

    /// The import key, unique among nodes of this kind; it never changes. Null for people without a slug.
    pub async fn key(&self) -> Option<&str> {
        self.row.slug.as_ref().map(|_| self.row.key.as_str())
    }

    /// When it came to the hub.
    pub async fn created_at(&self) -> DateTime {
        DateTime(self.row.created_at)
    }

    /// When it was last changed; null unless you may see every field of the person.
    pub async fn updated_at(&self) -> Option<DateTime> {
        self.sees_everything().then(|| DateTime(self.row.updated_at))
    }

    /// The day somebody last verified it; null: not yet verified.
    pub async fn verified_on(&self) -> Option<Date> {
        self.row.verified_on.map(Date::from)
    }

    /// Counts the changes; send it along with an edit to notice another one in between. Null unless you may see every
    /// field of the person.
    async fn version(&self) -> Option<i32> {
        self.sees_everything().then_some(self.row.version)
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

    /// The name in addresses; null unless the person wants one.
    async fn slug(&self) -> Option<&str> {
        self.row.slug.as_deref()
    }

    /// The name, as the person writes it.
    async fn name(&self) -> &str {
        &self.row.name
    }

    /// Dr., Prof. and the like, as written; null: not stated or hidden.
    async fn honorific(&self) -> Option<&str> {
        self.shown(PersonField::Honorific)?.honorific.as_deref()
    }

    /// What the person does; null: not stated or hidden.
    async fn profession(&self) -> Option<Word<Profession>> {
        self.shown(PersonField::Profession)?.profession.map(|word| Word(word.0))
    }

    /// Which of the three groups the person belongs to; null: not stated or hidden.
    async fn stakeholder_group(&self) -> Option<Word<StakeholderGroup>> {
        self.shown(PersonField::StakeholderGroup)?.stakeholder_group.map(|word| Word(word.0))
    }

    /// ISO 3166-2, such as CA-QC; null: not stated or hidden.
    async fn region(&self) -> Option<&str> {
        self.shown(PersonField::Region)?.region.as_deref()
    }

    /// The languages that the person works in; empty: not stated or hidden.
    async fn languages(&self) -> Vec<LanguageTag> {
        let shown = self.shown(PersonField::Languages);
        shown.map(|row| row.languages.iter().cloned().map(LanguageTag).collect()).unwrap_or_default()
    }

    /// The bare ORCID iD; null: not stated or hidden.
    async fn orcid(&self) -> Option<&str> {
        self.shown(PersonField::Orcid)?.orcid.as_deref()
    }

    /// The home organization; null: not stated or hidden.
    async fn home_organization(&self) -> Option<Result<Organization, Fault>> {
        self.shown(PersonField::HomeOrganization)?;
        self.home().await.transpose()
    }

    /// Where the person works or worked, in the order of import; empty: not stated or hidden.
    async fn affiliations(&self) -> Result<Vec<Affiliation>, Fault> {
        if self.shown(PersonField::Affiliations).is_none() {
            return Ok(Vec::new());
        }
        let rows = self.scope.loaders().affiliations.load(self.row.id).await?;
        let affiliation = |row: &AffiliationRow| Affiliation {
            row: row.clone(),
            person: self.row.clone(),
            scope: self.scope.clone(),
        };
        Ok(rows.iter().map(affiliation).collect())
    }

    /// What the person knows about, by name; empty: not stated or hidden.
    async fn expertise(
        &self,
        #[graphql(desc = "How many from the start, 1 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<TopicFilterInput>,
        #[graphql(desc = "Orders the list.")] order_by: Option<TopicOrderInput>,
    ) -> Result<Connection<Topic>, Fault> {
        // Nobody has the nil id, so a hidden list is an empty one, page and count alike.
        let owner = self.shown(PersonField::Expertise).map_or(Uuid::nil(), |row| row.id);
        let arguments = PageArguments { first, after, last, before };
        page::of(&self.scope, (TopicsOf::Person, owner), arguments, topic_selection(filter, order_by)?).await
    }

    /// The memberships of the person, the earliest first, as far as the person allows.
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
            (MembershipsOf::Person, self.row.id),
            PageArguments { first, after, last, before },
            membership_selection(filter, order_by)?,
        )
        .await
    }

    /// The KT items that the person made, the newest first.
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
            (ItemsOf::Author, self.row.id),
            PageArguments { first, after, last, before },
            item_selection(filter, order_by)?,
        )
        .await
    }

    /// The projects that the person works in, by title; empty: none or hidden.
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
            (ProjectsOf::Person, self.shown(PersonField::Projects).map_or(Uuid::nil(), |row| row.id)),
            PageArguments { first, after, last, before },
            project_selection(filter, order_by)?,
        )
        .await
    }

    /// What the person consented to, in the order in which it was given, what was taken back too; empty unless it is you, or
    /// you run the hub.
    async fn consents(&self) -> Result<Vec<Consent>, Fault> {
        let rows = self.scope.loaders().consents.load(self.row.id).await?;
        if !rows.is_empty() && self.scope.viewer().identity().and_then(Identity::person) != Some(self.row.id) {
            self.scope.note_reading(self.row.id, "consents");
        }
        Ok(rows.iter().cloned().map(Consent::new).collect())
    }

    /// Who read what of the person that is not for everybody, the last first; empty unless it is you, or you run the hub.
    async fn readings(
        &self,
        #[graphql(desc = "How many from the start, 1 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
    ) -> Result<Connection<Reading>, Fault> {
        let arguments = PageArguments { first, after, last, before };
        page::of(&self.scope, (ReadingsOf::Person, self.row.id), arguments, reading_selection()).await
    }

    /// The roles that the person holds or held, the earliest first.
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
            (RolesOf::Person, self.row.id),
            PageArguments { first, after, last, before },
            role_selection(filter, order_by)?,
        )
        .await
    }
}

impl Person {
    /// The row, if the viewer may see this field of it.
    fn shown(&self, field: PersonField) -> Option<&PersonRow> {
        let audience = self.row.field_audiences.get(&field)?;
        if !policy::sees(self.scope.viewer(), audience) {
            return None;
        }
        note_reading(&self.scope, self.row.id, field, audience);
        Some(&self.row)
    }

    fn sees_everything(&self) -> bool {
        self.row.field_audiences.values().all(|audience| policy::sees(self.scope.viewer(), audience))
    }

    async fn home(&self) -> Result<Option<Organization>, Fault> {
        let rows = self.scope.loaders().affiliations.load(self.row.id).await?;
        match rows.iter().find(|row| row.is_home) {
            Some(home) => page::by_id(&self.scope, home.organization_id).await,
            None => Ok(None),
        }
    }
}

impl Listable for Person {
    type Kind = People;
    type EdgeFields = EmptyFields;
    const NAME: &'static str = "Person";

    fn new(row: Arc<PersonRow>, scope: &Scope) -> Self {
        note_reading(scope, row.id, PersonField::Name, &row.audience);
        Self { row, scope: scope.clone() }
    }

    fn lists(loaders: &Loaders) -> &Lists<People> {
        &loaders.people
    }

    fn edge_fields(_row: &Arc<PersonRow>, _scope: &Scope, _parent: Option<Uuid>) -> EmptyFields {
        EmptyFields
    }
}

/// Notes for the audit that a field of a person was read, unless it is for everybody or the reader's own.
pub fn note_reading(scope: &Scope, person: Uuid, field: PersonField, audience: &[String]) {
    note_reading_of(scope, person, field.name(), audience);
}

/// The same for what is a person's and no field of theirs, by its name in the contract.
pub fn note_reading_of(scope: &Scope, person: Uuid, field: &'static str, audience: &[String]) {
    let is_for_all = audience.iter().any(|atom| atom == policy::PUBLIC);
    let reader = scope.viewer().identity();
    if !is_for_all && reader.is_some_and(|reader| reader.person() != Some(person)) {
        scope.note_reading(person, field);
    }
}

/// Narrows a list of people; everything that is given must hold, any value of a list will do. A field that you may
/// not see matches nothing.
#[derive(Clone, Debug, Default, InputObject)]
#[graphql(name = "PersonFilter")]
pub struct PersonFilterInput {
    /// Of one of these professions.
    professions: Option<Vec<Word<Profession>>>,
    /// Of one of these groups.
    stakeholder_groups: Option<Vec<Word<StakeholderGroup>>>,
    /// In one of these regions (ISO 3166-2) or countries (ISO 3166-1 alpha-2).
    regions: Option<Vec<String>>,
    /// Working in one of these languages.
    languages: Option<Vec<LanguageTag>>,
    /// Knowing about one of these topics or a narrower one.
    topics: Option<Vec<ID>>,
    /// Affiliated with one of these organizations.
    organizations: Option<Vec<ID>>,
    /// Holding, now or once, a role in one of these communities, or being an active member of one.
    communities: Option<Vec<ID>>,
    /// These words in the name, as `search` finds them; at most 200 characters.
    text_contains: Option<String>,
}

/// Orders a list of people.
#[derive(Clone, Debug, InputObject)]
#[graphql(name = "PersonOrder")]
pub struct PersonOrderInput {
    /// By what.
    field: Word<PersonOrder>,
    /// Which way; null: ascending.
    direction: Option<Word<OrderDirection>>,
}

/// The list that the arguments ask for.
pub fn person_selection(
    filter: Option<PersonFilterInput>,
    order: Option<PersonOrderInput>,
) -> Result<Selection<People>, Fault> {
    let filter = filter.unwrap_or_default();
    let filter = PersonFilter {
        professions: filter.professions.map(word::words),
        stakeholder_groups: filter.stakeholder_groups.map(word::words),
        regions: filter.regions.map(text::filter_regions).transpose()?,
        languages: filter.languages.map(text::filter_tags).transpose()?,
        topics: filter.topics.map(|ids| id::decode_all(NodeKind::Topic, ids)).transpose()?,
        organizations: filter.organizations.map(|ids| id::decode_all(NodeKind::Organization, ids)).transpose()?,
        communities: filter.communities.map(|ids| id::decode_all(NodeKind::Community, ids)).transpose()?,
        text_contains: filter.text_contains.map(text::search_text).transpose()?,
    };
    let direction = order.as_ref().and_then(|order| order.direction).map_or(Direction::Ascending, |word| word.0.into());
    Ok(Selection { filter, order: order.map_or(PersonOrder::Name, |order| order.field.0), direction })
}

/// People at the root.
#[derive(Default)]
pub struct PersonQuery;

/// People at the root.
#[Object]
impl PersonQuery {
    /// The person with this slug, now or once; null: unknown, hidden, or without one.
    async fn person(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The name in addresses.")] slug: String,
        #[graphql(desc = "The languages to serve texts in, best first; null: those of the request.")] languages: Option<
            Vec<LanguageTag>,
        >,
    ) -> Option<Result<Person, Fault>> {
        let found: Result<Option<Person>, Fault> = node::by_slug(ctx, NodeKind::Person, slug, languages).await;
        // Whoever gave the slug up is not to be found by it any more.
        found.map(|person| person.filter(|person| person.row.slug.is_some())).transpose()
    }

    /// Every person whom you may see, by name.
    async fn people(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<PersonFilterInput>,
        #[graphql(desc = "Orders the list.")] order_by: Option<PersonOrderInput>,
        #[graphql(desc = "The languages to serve texts in, best first; null: those of the request.")] languages: Option<
            Vec<LanguageTag>,
        >,
    ) -> Result<Connection<Person>, Fault> {
        let scope = Scope::of_root(ctx, languages)?;
        page::all(&scope, PageArguments { first, after, last, before }, person_selection(filter, order_by)?).await
    }
}
