//! Links in the contract.

pub mod editing;

use std::sync::Arc;

use async_graphql::{Context, ID, InputObject, Object};
use uuid::Uuid;

use crate::db::page::Direction;
use crate::domain::link::rules::{self, LinkDirection, LinkKind};
use crate::domain::link::store::{LinkFilter, LinkOrder, LinkRow, Links};
use crate::domain::source::graph::{Source, source_selection};
use crate::domain::source::store::SourcesOf;
use crate::error::Fault;
use crate::graph::completeness::{self, Completeness};
use crate::graph::id;
use crate::graph::node::{self, Node};
use crate::graph::page::{self, Connection, Listable, OrderDirection, PageArguments, Selection};
use crate::graph::scope::Scope;
use crate::graph::text::{
    self, Date, DateRangeInput, DateTime, FallbackField, ImpreciseDate, LanguageTag, Translation,
};
use crate::graph::word::{self, Word};
use crate::loaders::Loaders;
use crate::loaders::lists::Lists;
use crate::policy::NodeKind;

/// A typed edge between two nodes.
pub struct Link {
    row: Arc<LinkRow>,
    scope: Scope,
}

/// A typed, dated, sourced edge between two nodes, to be followed from either end.
#[Object]
impl Link {
    /// The global id.
    pub async fn id(&self) -> ID {
        id::encode(NodeKind::Link, self.row.id)
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

    /// What it says.
    async fn kind(&self) -> Word<LinkKind> {
        Word(self.row.kind.0)
    }

    /// How it reads from its start, such as "hosts".
    async fn name(&self) -> String {
        self.scope.sentence(&rules::name(self.row.kind.0, LinkDirection::Outgoing))
    }

    /// How it reads from its end, such as "is hosted by".
    async fn inverse_name(&self) -> String {
        self.scope.sentence(&rules::name(self.row.kind.0, LinkDirection::Incoming))
    }

    /// Where it starts; null: hidden.
    async fn from(&self) -> Option<Result<Node, Fault>> {
        node::by_id(&self.scope, self.row.from_kind.0, self.row.from_id).await.transpose()
    }

    /// Where it leads; null: hidden.
    async fn to(&self) -> Option<Result<Node, Fault>> {
        node::by_id(&self.scope, self.row.to_kind.0, self.row.to_id).await.transpose()
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

    /// What else the source says; null: nothing.
    async fn note(&self) -> Option<&str> {
        self.scope.serve(self.row.note.as_deref()?, &self.row.original_language.0)
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
        completeness::of_record::<Links>(&self.row.texts(), language, &self.row.original_language.0, &self.scope)
    }
}

/// How a link is seen from the node that it was listed at.
pub struct LinkEdgeFields {
    row: Arc<LinkRow>,
    scope: Scope,
    direction: Option<LinkDirection>,
}

/// How a link is seen from the node that it was listed at.
#[Object]
impl LinkEdgeFields {
    /// Which way the link is seen; null when it was not listed at a node.
    async fn direction(&self) -> Option<Word<LinkDirection>> {
        self.direction.map(Word)
    }

    /// How the link reads from there: its name, or its inverse name when it is seen from its end.
    async fn label(&self) -> String {
        let direction = self.direction.unwrap_or(LinkDirection::Outgoing);
        self.scope.sentence(&rules::name(self.row.kind.0, direction))
    }

    /// The node at the other end; null: hidden.
    async fn other(&self) -> Option<Result<Node, Fault>> {
        let (kind, id) = match self.direction.unwrap_or(LinkDirection::Outgoing) {
            LinkDirection::Outgoing => (self.row.to_kind.0, self.row.to_id),
            LinkDirection::Incoming => (self.row.from_kind.0, self.row.from_id),
        };
        node::by_id(&self.scope, kind, id).await.transpose()
    }
}

impl Listable for Link {
    type Kind = Links;
    type EdgeFields = LinkEdgeFields;
    const NAME: &'static str = "Link";

    fn new(row: Arc<LinkRow>, scope: &Scope) -> Self {
        Self { row, scope: scope.clone() }
    }

    fn lists(loaders: &Loaders) -> &Lists<Links> {
        &loaders.links
    }

    fn edge_fields(row: &Arc<LinkRow>, scope: &Scope, parent: Option<Uuid>) -> LinkEdgeFields {
        let direction =
            parent.map(|parent| if parent == row.from_id { LinkDirection::Outgoing } else { LinkDirection::Incoming });
        LinkEdgeFields { row: row.clone(), scope: scope.clone(), direction }
    }
}

/// Narrows a list of links; everything that is given must hold, any value of a list will do.
#[derive(Clone, Debug, Default, InputObject)]
#[graphql(name = "LinkFilter")]
pub struct LinkFilterInput {
    /// Of one of these kinds.
    kinds: Option<Vec<Word<LinkKind>>>,
    /// Starting at one of these nodes.
    from: Option<Vec<ID>>,
    /// Leading to one of these nodes.
    to: Option<Vec<ID>>,
    /// Holding then: from the first day that the start can mean to the last day that the end can mean.
    held_between: Option<DateRangeInput>,
}

/// Orders a list of links.
#[derive(Clone, Debug, InputObject)]
#[graphql(name = "LinkOrder")]
pub struct LinkOrderInput {
    /// By what.
    field: Word<LinkOrder>,
    /// Which way; null: ascending.
    direction: Option<Word<OrderDirection>>,
}

/// The list that the arguments ask for.
pub fn link_selection(
    filter: Option<LinkFilterInput>,
    order: Option<LinkOrderInput>,
) -> Result<Selection<Links>, Fault> {
    let filter = filter.unwrap_or_default();
    let ends = |ids: Vec<ID>| {
        let ids = text::filter_values(ids)?;
        ids.iter().map(|id| id::decode(id).map(|(_, row)| row)).collect::<Result<Vec<Uuid>, Fault>>()
    };
    let filter = LinkFilter {
        kinds: filter.kinds.map(word::words),
        from: filter.from.map(ends).transpose()?,
        to: filter.to.map(ends).transpose()?,
        held: filter.held_between.map(DateRangeInput::check).transpose()?,
    };
    let direction = order.as_ref().and_then(|order| order.direction).map_or(Direction::Ascending, |word| word.0.into());
    Ok(Selection { filter, order: order.map_or(LinkOrder::Since, |order| order.field.0), direction })
}

/// Links at the root.
#[derive(Default)]
pub struct LinkQuery;

/// Links at the root.
#[Object]
impl LinkQuery {
    /// Every link, the earliest first.
    async fn links(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<LinkFilterInput>,
        #[graphql(desc = "Orders the list.")] order_by: Option<LinkOrderInput>,
        #[graphql(desc = "The languages to serve texts in, best first; null: those of the request.")] languages: Option<
            Vec<LanguageTag>,
        >,
    ) -> Result<Connection<Link>, Fault> {
        let scope = Scope::of_root(ctx, languages)?;
        page::all(&scope, PageArguments { first, after, last, before }, link_selection(filter, order_by)?).await
    }
}
