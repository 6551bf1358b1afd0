//! KT items in the contract.

pub mod editing;
pub mod published;

use std::sync::Arc;

use async_graphql::connection::EmptyFields;
use async_graphql::{Context, ID, InputObject, Object};
use uuid::Uuid;

use crate::db::page::Direction;
use crate::domain::community::graph::Community;
use crate::domain::community::graph::list::{CommunityFilterInput, CommunityOrderInput, community_selection};
use crate::domain::community::store::CommunitiesOf;
use crate::domain::item::author::graph::{Author, author_selection};
use crate::domain::item::author::store::AuthorsOf;
use crate::domain::item::record::{EvidenceLevel, ItemKind, ItemStatus, Readership};
use crate::domain::item::store::{ItemFilter, ItemOrder, ItemRow, Items};
use crate::domain::link::graph::{Link, LinkFilterInput, LinkOrderInput, link_selection};
use crate::domain::link::rules::LinkDirection;
use crate::domain::link::store::LinksOf;
use crate::domain::project::graph::Project;
use crate::domain::source::graph::{Source, source_selection};
use crate::domain::source::store::SourcesOf;
use crate::domain::topic::graph::{Topic, TopicFilterInput, TopicOrderInput, topic_selection};
use crate::domain::topic::store::TopicsOf;
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
use crate::text::language;
use crate::text::markdown;
use crate::text::texts::{Fields, Texts};

/// A knowledge-translation item.
pub struct Item {
    row: Arc<ItemRow>,
    scope: Scope,
}

/// A knowledge-translation (KT) item: a guide, report, webinar, tool, story or the like.
#[Object]
impl Item {
    /// The global id.
    pub async fn id(&self) -> ID {
        id::encode(NodeKind::Item, self.row.id)
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

    /// What sort of thing it is.
    async fn kind(&self) -> Word<ItemKind> {
        Word(self.row.kind.0)
    }

    /// What it is called.
    async fn title(&self) -> Result<&str, Fault> {
        node::required(self.scope.serve(&self.row.title, &self.row.original_language.0))
    }

    /// The language that the title is served in.
    async fn language(&self) -> Option<LanguageTag> {
        node::language_of(&self.row.title, &self.row.original_language.0, &self.scope)
    }

    /// What it says, in a paragraph; null: not stated.
    async fn summary(&self) -> Option<&str> {
        self.scope.serve(self.row.summary.as_deref()?, &self.row.original_language.0)
    }

    /// Where it is; null: only here, or not stated.
    async fn url(&self) -> Option<&str> {
        self.row.url.as_deref()
    }

    /// The thing itself, in Markdown (CommonMark with tables) as it was written; null: not on the hub.
    async fn body(&self) -> Option<Result<String, Fault>> {
        self.served_body().await.transpose()
    }

    /// The body as HTML without anything that runs or looks elsewhere: safe to put into a page. Null: not on the hub.
    async fn body_html(&self) -> Option<Result<String, Fault>> {
        let body = self.served_body().await.transpose()?;
        Some(body.map(|body| markdown::html(&body)))
    }

    /// Whom it is written for; empty: not stated.
    async fn intended_for(&self) -> Vec<Word<Readership>> {
        self.row.intended_for.iter().map(|word| Word(word.0)).collect()
    }

    /// The licence it is under, best as an SPDX identifier; null: not stated.
    async fn licence(&self) -> Option<&str> {
        self.row.licence.as_deref()
    }

    /// The languages that the thing itself is in; empty: not stated.
    async fn content_languages(&self) -> Vec<LanguageTag> {
        self.row.content_languages.iter().cloned().map(LanguageTag).collect()
    }

    /// Who made it, in the order of the byline.
    async fn authors(
        &self,
        #[graphql(desc = "How many from the start, 1 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
    ) -> Result<Connection<Author>, Fault> {
        let arguments = PageArguments { first, after, last, before };
        page::of(&self.scope, (AuthorsOf::Item, self.row.id), arguments, author_selection()).await
    }

    /// The project that it came out of; null: none, not stated or hidden.
    async fn project(&self) -> Option<Result<Project, Fault>> {
        page::by_id(&self.scope, self.row.project_id?).await.transpose()
    }

    /// The bare DOI, in lower case; null: none, or not stated.
    async fn doi(&self) -> Option<&str> {
        self.row.doi.as_deref()
    }

    /// What its findings rest on; null: not stated.
    async fn evidence_level(&self) -> Option<Word<EvidenceLevel>> {
        self.row.evidence_level.map(|word| Word(word.0))
    }

    /// Where it stands in its workflow.
    async fn status(&self) -> Word<ItemStatus> {
        Word(self.row.status.0)
    }

    /// When it was issued or took place; null: not stated.
    async fn issued(&self) -> Option<ImpreciseDate> {
        let issued = self.row.issued.as_deref()?;
        Some(ImpreciseDate::new(issued, &self.row.original_language.0, &self.scope))
    }

    /// From when the members of its communities see it; null: with everybody else.
    async fn members_at(&self) -> Option<DateTime> {
        self.row.members_at.map(DateTime)
    }

    /// From when everybody whom it is for sees it; null: from `publishedAt`, or with `membersAt` not yet known.
    async fn public_at(&self) -> Option<DateTime> {
        self.row.public_at.map(DateTime)
    }

    /// When it was published on the hub; null: not yet.
    async fn published_at(&self) -> Option<DateTime> {
        self.row.published_at.map(DateTime)
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
            (CommunitiesOf::Item, self.row.id),
            PageArguments { first, after, last, before },
            community_selection(filter, order_by)?,
        )
        .await
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
            (TopicsOf::Item, self.row.id),
            PageArguments { first, after, last, before },
            topic_selection(filter, order_by)?,
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

    /// The texts that are served in another language than your first one that this record has anything in.
    async fn fallback_fields(&self) -> Result<Vec<FallbackField>, Fault> {
        let body = self.written_body().await?;
        Ok(text::fallback_fields(&self.texts_with(&body), self.scope.languages(), &self.row.original_language.0))
    }

    /// Every text in every language, or in one.
    async fn translations(
        &self,
        #[graphql(desc = "Only in this language.")] language: Option<LanguageTag>,
    ) -> Result<Vec<Translation>, Fault> {
        let only = language.map(|tag| tag.check()).transpose()?;
        let body = self.written_body().await?;
        Ok(text::translations((self.row.id, &self.scope), &self.texts_with(&body), only.as_ref()))
    }

    /// Which texts are there in a language, which are served in another one, and which no language has.
    async fn completeness(
        &self,
        #[graphql(desc = "The language to look for.")] language: LanguageTag,
    ) -> Result<Completeness, Fault> {
        let body = self.written_body().await?;
        let original = &self.row.original_language.0;
        completeness::of_record::<Items>(&self.texts_with(&body), language, original, &self.scope)
    }
}

impl Item {
    /// The language that the record was written in.
    pub fn original_language_tag(&self) -> &language::LanguageTag {
        &self.row.original_language.0
    }

    /// The names printed on it, at most the first 20.
    pub async fn byline(&self) -> Result<String, Fault> {
        let rows = page::rows_of::<Author>(&self.scope, (AuthorsOf::Item, self.row.id), author_selection()).await?;
        Ok(rows.iter().map(|row| row.byline.as_str()).collect::<Vec<_>>().join(", "))
    }

    /// The body in every language; null: not on the hub.
    pub async fn written_body(&self) -> Result<Option<Arc<Texts>>, Fault> {
        self.scope.loaders().bodies.load(self.row.id).await
    }

    async fn served_body(&self) -> Result<Option<String>, Fault> {
        let Some(body) = self.written_body().await? else { return Ok(None) };
        Ok(self.scope.serve(&body, &self.row.original_language.0).map(str::to_owned))
    }

    /// Every text in several languages, by the path of its field.
    pub fn texts_with<'a>(&'a self, body: &'a Option<Arc<Texts>>) -> Fields<'a> {
        let mut fields = self.row.texts();
        if let Some(body) = body {
            fields.insert("body".to_owned(), body);
        }
        fields
    }
}

impl Listable for Item {
    type Kind = Items;
    type EdgeFields = EmptyFields;
    const NAME: &'static str = "Item";

    fn new(row: Arc<ItemRow>, scope: &Scope) -> Self {
        Self { row, scope: scope.clone() }
    }

    fn lists(loaders: &Loaders) -> &Lists<Items> {
        &loaders.items
    }

    fn edge_fields(_row: &Arc<ItemRow>, _scope: &Scope, _parent: Option<Uuid>) -> EmptyFields {
        EmptyFields
    }
}

/// Narrows a list of items; everything that is given must hold, any value of a list will do.
#[derive(Clone, Debug, Default, InputObject)]
#[graphql(name = "ItemFilter")]
pub struct ItemFilterInput {
    /// Of one of these sorts.
    kinds: Option<Vec<Word<ItemKind>>>,
    /// About one of these topics or a narrower one.
    topics: Option<Vec<ID>>,
    /// In one of these languages themselves.
    languages: Option<Vec<LanguageTag>>,
    /// Of one of these communities.
    communities: Option<Vec<ID>>,
    /// Of a community that is linked to one of these organizations.
    organizations: Option<Vec<ID>>,
    /// Out of one of these projects.
    projects: Option<Vec<ID>>,
    /// Made by one of these people.
    authors: Option<Vec<ID>>,
    /// Written for one of these readerships.
    intended_for: Option<Vec<Word<Readership>>>,
    /// Resting on one of these.
    evidence_levels: Option<Vec<Word<EvidenceLevel>>>,
    /// Issued then, or taken place then.
    issued_between: Option<DateRangeInput>,
    /// These words in the title, byline, summary or body, as `search` finds them; at most 200 characters.
    text_contains: Option<String>,
}

/// Orders a list of items.
#[derive(Clone, Debug, InputObject)]
#[graphql(name = "ItemOrder")]
pub struct ItemOrderInput {
    /// By what.
    field: Word<ItemOrder>,
    /// Which way; null: ascending.
    direction: Option<Word<OrderDirection>>,
}

/// The list that the arguments ask for; without an order, the newest first.
pub fn item_selection(
    filter: Option<ItemFilterInput>,
    order: Option<ItemOrderInput>,
) -> Result<Selection<Items>, Fault> {
    let filter = filter.unwrap_or_default();
    let filter = ItemFilter {
        kinds: filter.kinds.map(word::words),
        topics: filter.topics.map(|ids| id::decode_all(NodeKind::Topic, ids)).transpose()?,
        languages: filter.languages.map(text::filter_tags).transpose()?,
        communities: filter.communities.map(|ids| id::decode_all(NodeKind::Community, ids)).transpose()?,
        organizations: filter.organizations.map(|ids| id::decode_all(NodeKind::Organization, ids)).transpose()?,
        projects: filter.projects.map(|ids| id::decode_all(NodeKind::Project, ids)).transpose()?,
        authors: filter.authors.map(|ids| id::decode_all(NodeKind::Person, ids)).transpose()?,
        intended_for: filter.intended_for.map(word::words),
        evidence_levels: filter.evidence_levels.map(word::words),
        issued: filter.issued_between.map(DateRangeInput::check).transpose()?,
        text_contains: filter.text_contains.map(text::search_text).transpose()?,
    };
    let (order, direction) = match order {
        None => (ItemOrder::PublishedAt, Direction::Descending),
        Some(order) => (order.field.0, order.direction.map_or(Direction::Ascending, |word| word.0.into())),
    };
    Ok(Selection { filter, order, direction })
}

/// KT items at the root.
#[derive(Default)]
pub struct ItemQuery;

/// KT items at the root.
#[Object]
impl ItemQuery {
    /// The item with this slug, now or once; null: unknown or hidden.
    async fn item(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The name in addresses.")] slug: String,
        #[graphql(desc = "The languages to serve texts in, best first; null: those of the request.")] languages: Option<
            Vec<LanguageTag>,
        >,
    ) -> Option<Result<Item, Fault>> {
        node::by_slug(ctx, NodeKind::Item, slug, languages).await.transpose()
    }

    /// Every item, the newest first.
    async fn items(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<ItemFilterInput>,
        #[graphql(desc = "Orders the list.")] order_by: Option<ItemOrderInput>,
        #[graphql(desc = "The languages to serve texts in, best first; null: those of the request.")] languages: Option<
            Vec<LanguageTag>,
        >,
    ) -> Result<Connection<Item>, Fault> {
        let scope = Scope::of_root(ctx, languages)?;
        page::all(&scope, PageArguments { first, after, last, before }, item_selection(filter, order_by)?).await
    }
}
