//! Organizations in the contract.

pub mod editing;

use std::sync::Arc;

use async_graphql::connection::EmptyFields;
use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use uuid::Uuid;

use crate::db::page::Direction;
use crate::domain::account::graph::grant::{Grant, grant_selection};
use crate::domain::account::store::grants::GrantsOf;
use crate::domain::community::graph::Community;
use crate::domain::community::graph::list::{CommunityFilterInput, CommunityOrderInput, community_selection};
use crate::domain::community::store::CommunitiesOf;
use crate::domain::item::graph::{Item, ItemFilterInput, ItemOrderInput, item_selection};
use crate::domain::item::store::ItemsOf;
use crate::domain::link::graph::{Link, LinkFilterInput, LinkOrderInput, link_selection};
use crate::domain::link::rules::LinkDirection;
use crate::domain::link::store::LinksOf;
use crate::domain::membership::graph::application::{Application, ApplicationFilterInput, application_selection};
use crate::domain::membership::store::applications::ApplicationsOf;
use crate::domain::organization::record::{
    Address as AddressRecord, ExternalIdentifier as IdentifierRecord, IdentifierScheme, OrganizationKind,
    OrganizationStatus,
};
use crate::domain::organization::store::{
    OrganizationFilter, OrganizationOrder, OrganizationRow, Organizations, OrganizationsOf,
};
use crate::domain::person::graph::{Person, PersonFilterInput, PersonOrderInput, person_selection};
use crate::domain::person::store::PeopleOf;
use crate::domain::project::graph::{Project, ProjectFilterInput, ProjectOrderInput, project_selection};
use crate::domain::project::store::ProjectsOf;
use crate::domain::role::graph::{Role, RoleFilterInput, RoleOrderInput, role_selection};
use crate::domain::role::store::RolesOf;
use crate::domain::site::graph::{Site, site_selection};
use crate::domain::site::store::SitesOf;
use crate::domain::source::graph::{Source, source_selection};
use crate::domain::source::store::SourcesOf;
use crate::domain::translation::graph::{TranslationWork, TranslationWorkFilterInput, work_selection};
use crate::domain::translation::store::WorksOf;
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

/// An association, partnership, society, hospital, agency or the like.
pub struct Organization {
    row: Arc<OrganizationRow>,
    scope: Scope,
}

/// A postal address.
#[derive(SimpleObject)]
pub struct Address {
    /// Street lines, as written.
    lines: Vec<String>,
    /// The city, town or village; null: not stated.
    locality: Option<String>,
    /// ISO 3166-2, such as CA-ON; null: not stated.
    region: Option<String>,
    /// As written; null: not stated.
    postal_code: Option<String>,
    /// ISO 3166-1 alpha-2, such as CA; null: not stated.
    country: Option<String>,
}

impl From<&AddressRecord> for Address {
    fn from(address: &AddressRecord) -> Self {
        Self {
            lines: address.lines.clone(),
            locality: address.locality.clone(),
            region: address.region.clone(),
            postal_code: address.postal_code.clone(),
            country: address.country.clone(),
        }
    }
}

/// An identifier that others gave to an organization.
#[derive(SimpleObject)]
pub struct ExternalIdentifier {
    /// Whose numbering it is.
    scheme: Word<IdentifierScheme>,
    /// The bare identifier.
    value: String,
}

impl From<&IdentifierRecord> for ExternalIdentifier {
    fn from(identifier: &IdentifierRecord) -> Self {
        Self { scheme: Word(identifier.scheme), value: identifier.value.clone() }
    }
}

/// An association, partnership, society, community-based organization, hospital, university, agency or sponsor.
#[Object]
impl Organization {
    /// The global id.
    pub async fn id(&self) -> ID {
        id::encode(NodeKind::Organization, self.row.id)
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

    /// What sort of organization it is.
    async fn kind(&self) -> Word<OrganizationKind> {
        Word(self.row.kind.0)
    }

    /// What it is called.
    async fn name(&self) -> Result<&str, Fault> {
        node::required(self.scope.serve(&self.row.name, &self.row.original_language.0))
    }

    /// The language that the name is served in.
    async fn language(&self) -> Option<LanguageTag> {
        node::language_of(&self.row.name, &self.row.original_language.0, &self.scope)
    }

    /// Other names and acronyms.
    async fn aliases(&self) -> Vec<&str> {
        node::statements(&self.row.aliases, &self.row.original_language.0, &self.scope)
    }

    /// The ids of its other names, in the same order, for edits that keep their other languages.
    async fn alias_ids(&self) -> Vec<&str> {
        node::statement_ids(&self.row.aliases, &self.row.original_language.0, &self.scope)
    }

    /// What it is, in a few sentences; null: not stated.
    async fn summary(&self) -> Option<&str> {
        self.scope.serve(self.row.summary.as_deref()?, &self.row.original_language.0)
    }

    /// The state of the world it works for; null: not stated.
    async fn vision(&self) -> Option<&str> {
        self.scope.serve(self.row.vision.as_deref()?, &self.row.original_language.0)
    }

    /// What it does towards its vision; null: not stated.
    async fn mission(&self) -> Option<&str> {
        self.scope.serve(self.row.mission.as_deref()?, &self.row.original_language.0)
    }

    /// Its aims, in its own order.
    async fn aims(&self) -> Vec<&str> {
        node::statements(&self.row.aims, &self.row.original_language.0, &self.scope)
    }

    /// The ids of its aims, in the same order, for edits that keep their other languages.
    async fn aim_ids(&self) -> Vec<&str> {
        node::statement_ids(&self.row.aims, &self.row.original_language.0, &self.scope)
    }

    /// When it was founded; null: not stated.
    async fn founded(&self) -> Option<ImpreciseDate> {
        let founded = self.row.founded.as_deref()?;
        Some(ImpreciseDate::new(founded, &self.row.original_language.0, &self.scope))
    }

    /// Where it is.
    async fn addresses(&self) -> Vec<Address> {
        self.row.addresses.iter().map(Address::from).collect()
    }

    /// Telephone, as written; null: not stated.
    async fn phone(&self) -> Option<&str> {
        self.row.phone.as_deref()
    }

    /// Fax, as written; null: not stated.
    async fn fax(&self) -> Option<&str> {
        self.row.fax.as_deref()
    }

    /// The e-mail address of a role, never of a person; null: not stated.
    async fn email(&self) -> Option<&str> {
        self.row.email.as_deref()
    }

    /// Its own site; null: not stated.
    async fn website(&self) -> Option<&str> {
        self.row.website.as_deref()
    }

    /// Identifiers that others gave it.
    async fn identifiers(&self) -> Vec<ExternalIdentifier> {
        self.row.identifiers.iter().map(ExternalIdentifier::from).collect()
    }

    /// The languages it works in.
    async fn languages(&self) -> Vec<LanguageTag> {
        self.row.languages.iter().cloned().map(LanguageTag).collect()
    }

    /// Whether it is at work, as the hub's editors see it.
    async fn status(&self) -> Word<OrganizationStatus> {
        Word(self.row.status.0)
    }

    /// The applications that ask for its endorsement, the longest waiting first. Its administrators see them.
    async fn endorsements(
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
        page::of(&self.scope, (ApplicationsOf::Endorser, self.row.id), arguments, selection).await
    }

    /// What of its own is left to translate into a language: of itself, of the communities and projects that it manages, of
    /// their roles and items; in the order in which they came to the hub.
    async fn translation_work(
        &self,
        #[graphql(desc = "The language; fr-CA does for fr.")] language: LanguageTag,
        #[graphql(desc = "How many from the start, 1 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<TranslationWorkFilterInput>,
    ) -> Result<Connection<TranslationWork>, Fault> {
        let arguments = PageArguments { first, after, last, before };
        let selection = work_selection(&language, filter)?;
        page::of(&self.scope, (WorksOf::Organization, self.row.id), arguments, selection).await
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
        completeness::of_record::<Organizations>(
            &self.row.texts(),
            language,
            &self.row.original_language.0,
            &self.scope,
        )
    }

    /// The organization it is part of; null: none, not stated, or hidden.
    async fn parent(&self) -> Option<Result<Organization, Fault>> {
        page::by_id(&self.scope, self.row.parent_id?).await.transpose()
    }

    /// The organizations that are part of it, by name.
    async fn children(
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
            (OrganizationsOf::Parent, self.row.id),
            PageArguments { first, after, last, before },
            organization_selection(filter, order_by)?,
        )
        .await
    }

    /// The communities that it hosts, coordinates or is linked to in any other way, by name.
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
            (CommunitiesOf::Organization, self.row.id),
            PageArguments { first, after, last, before },
            community_selection(filter, order_by)?,
        )
        .await
    }

    /// The people affiliated with it, as far as you may know, by name.
    async fn people(
        &self,
        #[graphql(desc = "How many from the start, 1 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<PersonFilterInput>,
        #[graphql(desc = "Orders the list.")] order_by: Option<PersonOrderInput>,
    ) -> Result<Connection<Person>, Fault> {
        page::of(
            &self.scope,
            (PeopleOf::Organization, self.row.id),
            PageArguments { first, after, last, before },
            person_selection(filter, order_by)?,
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
            (RolesOf::Organization, self.row.id),
            PageArguments { first, after, last, before },
            role_selection(filter, order_by)?,
        )
        .await
    }

    /// The rights on it, in the order in which they were given; yours alone unless you administer it.
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
        page::of(&self.scope, (GrantsOf::Organization, self.row.id), arguments, grant_selection(holds)).await
    }

    /// The websites registered for it, earliest first; empty unless you run it.
    async fn sites(
        &self,
        #[graphql(desc = "How many from the start, 1 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
    ) -> Result<Connection<Site>, Fault> {
        let arguments = PageArguments { first, after, last, before };
        page::of(&self.scope, (SitesOf::Organization, self.row.id), arguments, site_selection()).await
    }

    /// The projects that it leads, works in or pays for, by title.
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
            (ProjectsOf::Organization, self.row.id),
            PageArguments { first, after, last, before },
            project_selection(filter, order_by)?,
        )
        .await
    }

    /// The KT items of the communities that it is linked to, the newest first.
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
            (ItemsOf::Organization, self.row.id),
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

impl Listable for Organization {
    type Kind = Organizations;
    type EdgeFields = EmptyFields;
    const NAME: &'static str = "Organization";

    fn new(row: Arc<OrganizationRow>, scope: &Scope) -> Self {
        Self { row, scope: scope.clone() }
    }

    fn lists(loaders: &Loaders) -> &Lists<Organizations> {
        &loaders.organizations
    }

    fn edge_fields(_row: &Arc<OrganizationRow>, _scope: &Scope, _parent: Option<Uuid>) -> EmptyFields {
        EmptyFields
    }
}

/// Narrows a list of organizations; everything that is given must hold, any value of a list will do.
#[derive(Clone, Debug, Default, InputObject)]
#[graphql(name = "OrganizationFilter")]
pub struct OrganizationFilterInput {
    /// Of one of these sorts.
    kinds: Option<Vec<Word<OrganizationKind>>>,
    /// With one of these statuses.
    statuses: Option<Vec<Word<OrganizationStatus>>>,
    /// With an address in one of these regions (ISO 3166-2) or countries (ISO 3166-1 alpha-2).
    regions: Option<Vec<String>>,
    /// Working in one of these languages.
    languages: Option<Vec<LanguageTag>>,
    /// Linked to one of these communities.
    communities: Option<Vec<ID>>,
    /// Part of one of these organizations.
    parents: Option<Vec<ID>>,
    /// Founded then.
    founded_between: Option<DateRangeInput>,
    /// These words in the name, an alias or what it says of itself, as `search` finds them; at most 200 characters.
    text_contains: Option<String>,
}

/// Orders a list of organizations.
#[derive(Clone, Debug, InputObject)]
#[graphql(name = "OrganizationOrder")]
pub struct OrganizationOrderInput {
    /// By what.
    field: Word<OrganizationOrder>,
    /// Which way; null: ascending.
    direction: Option<Word<OrderDirection>>,
}

/// The list that the arguments ask for.
pub fn organization_selection(
    filter: Option<OrganizationFilterInput>,
    order: Option<OrganizationOrderInput>,
) -> Result<Selection<Organizations>, Fault> {
    let filter = filter.unwrap_or_default();
    let filter = OrganizationFilter {
        kinds: filter.kinds.map(word::words),
        statuses: filter.statuses.map(word::words),
        regions: filter.regions.map(text::filter_regions).transpose()?,
        languages: filter.languages.map(text::filter_tags).transpose()?,
        communities: filter.communities.map(|ids| id::decode_all(NodeKind::Community, ids)).transpose()?,
        parents: filter.parents.map(|ids| id::decode_all(NodeKind::Organization, ids)).transpose()?,
        founded: filter.founded_between.map(DateRangeInput::check).transpose()?,
        text_contains: filter.text_contains.map(text::search_text).transpose()?,
    };
    let direction = order.as_ref().and_then(|order| order.direction).map_or(Direction::Ascending, |word| word.0.into());
    Ok(Selection { filter, order: order.map_or(OrganizationOrder::Name, |order| order.field.0), direction })
}

/// Organizations at the root.
#[derive(Default)]
pub struct OrganizationQuery;

/// Organizations at the root.
#[Object]
impl OrganizationQuery {
    /// The organization with this slug, now or once; null: unknown or hidden.
    async fn organization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The name in addresses.")] slug: String,
        #[graphql(desc = "The languages to serve texts in, best first; null: those of the request.")] languages: Option<
            Vec<LanguageTag>,
        >,
    ) -> Option<Result<Organization, Fault>> {
        node::by_slug(ctx, NodeKind::Organization, slug, languages).await.transpose()
    }

    /// Every organization, by name.
    async fn organizations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<OrganizationFilterInput>,
        #[graphql(desc = "Orders the list.")] order_by: Option<OrganizationOrderInput>,
        #[graphql(desc = "The languages to serve texts in, best first; null: those of the request.")] languages: Option<
            Vec<LanguageTag>,
        >,
    ) -> Result<Connection<Organization>, Fault> {
        let scope = Scope::of_root(ctx, languages)?;
        page::all(&scope, PageArguments { first, after, last, before }, organization_selection(filter, order_by)?).await
    }
}
