//! Topics in the contract.

use std::sync::Arc;

use async_graphql::connection::EmptyFields;
use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use uuid::Uuid;

use crate::db::page::Direction;
use crate::domain::community::graph::Community;
use crate::domain::community::graph::list::{CommunityFilterInput, CommunityOrderInput, community_selection};
use crate::domain::community::store::CommunitiesOf;
use crate::domain::item::graph::{Item, ItemFilterInput, ItemOrderInput, item_selection};
use crate::domain::item::store::ItemsOf;
use crate::domain::person::graph::{Person, PersonFilterInput, PersonOrderInput, person_selection};
use crate::domain::person::store::PeopleOf;
use crate::domain::source::graph::{Source, source_selection};
use crate::domain::source::store::SourcesOf;
use crate::domain::topic::store::{TopicFilter, TopicOrder, TopicRow, Topics, TopicsOf};
use crate::error::Fault;
use crate::graph::completeness::{self, Completeness};
use crate::graph::id;
use crate::graph::node;
use crate::graph::page::{self, Connection, Listable, OrderDirection, PageArguments, Selection};
use crate::graph::scope::Scope;
use crate::graph::text::{self, Date, DateTime, FallbackField, LanguageTag, Translation};
use crate::graph::word::Word;
use crate::loaders::Loaders;
use crate::loaders::lists::Lists;
use crate::policy::NodeKind;

/// A word of the controlled vocabulary.
pub struct Topic {
    row: Arc<TopicRow>,
    scope: Scope,
}

/// Another word for a topic.
#[derive(SimpleObject)]
pub struct Synonym {
    /// Its language.
    language: LanguageTag,
    /// The word.
    text: String,
}

/// A word of the controlled vocabulary, with wider and narrower ones and synonyms in every language.
#[Object]
impl Topic {
    /// The global id.
    pub async fn id(&self) -> ID {
        id::encode(NodeKind::Topic, self.row.id)
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
    async fn name(&self) -> Result<&str, Fault> {
        node::required(self.scope.serve(&self.row.name, &self.row.original_language.0))
    }

    /// The language that the name is served in.
    async fn language(&self) -> Option<LanguageTag> {
        node::language_of(&self.row.name, &self.row.original_language.0, &self.scope)
    }

    /// What it covers; null: not described.
    async fn description(&self) -> Option<&str> {
        self.scope.serve(self.row.description.as_deref()?, &self.row.original_language.0)
    }

    /// Other words for it in every language, or in one, by language.
    async fn synonyms(
        &self,
        #[graphql(desc = "Only in this language.")] language: Option<LanguageTag>,
    ) -> Result<Vec<Synonym>, Fault> {
        let only = language.map(|tag| tag.check()).transpose()?;
        let mut synonyms = Vec::new();
        for (language, words) in
            self.row.synonyms.iter().filter(|(tag, _)| only.as_ref().is_none_or(|only| only == *tag))
        {
            synonyms.extend(words.iter().map(|word| Synonym { language: language.into(), text: word.clone() }));
        }
        Ok(synonyms)
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
        completeness::of_record::<Topics>(&self.row.texts(), language, &self.row.original_language.0, &self.scope)
    }

    /// The topics right above it, by name.
    async fn parents(
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
            (TopicsOf::Child, self.row.id),
            PageArguments { first, after, last, before },
            topic_selection(filter, order_by)?,
        )
        .await
    }

    /// The topics right below it, by name.
    async fn children(
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
            (TopicsOf::Parent, self.row.id),
            PageArguments { first, after, last, before },
            topic_selection(filter, order_by)?,
        )
        .await
    }

    /// The communities about it or a narrower topic, by name.
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
            (CommunitiesOf::Topic, self.row.id),
            PageArguments { first, after, last, before },
            community_selection(filter, order_by)?,
        )
        .await
    }

    /// The KT items about it or a narrower topic, the newest first.
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
            (ItemsOf::Topic, self.row.id),
            PageArguments { first, after, last, before },
            item_selection(filter, order_by)?,
        )
        .await
    }

    /// The people who know about it or a narrower topic, as far as you may know, by name.
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
            (PeopleOf::Topic, self.row.id),
            PageArguments { first, after, last, before },
            person_selection(filter, order_by)?,
        )
        .await
    }
}

impl Listable for Topic {
    type Kind = Topics;
    type EdgeFields = EmptyFields;
    const NAME: &'static str = "Topic";

    fn new(row: Arc<TopicRow>, scope: &Scope) -> Self {
        Self { row, scope: scope.clone() }
    }

    fn lists(loaders: &Loaders) -> &Lists<Topics> {
        &loaders.topics
    }

    fn edge_fields(_row: &Arc<TopicRow>, _scope: &Scope, _parent: Option<Uuid>) -> EmptyFields {
        EmptyFields
    }
}

/// Narrows a list of topics; everything that is given must hold.
#[derive(Clone, Debug, Default, InputObject)]
#[graphql(name = "TopicFilter")]
pub struct TopicFilterInput {
    /// Below one of these topics, at any depth.
    below: Option<Vec<ID>>,
    /// True: without a wider topic; false: with one.
    is_root: Option<bool>,
    /// Without any KT item in this language about it or a narrower topic; fr-CA and fr find each other.
    without_items_in: Option<LanguageTag>,
    /// These words in the name, a synonym or the description, as `search` finds them; at most 200 characters.
    text_contains: Option<String>,
}

/// Orders a list of topics.
#[derive(Clone, Debug, InputObject)]
#[graphql(name = "TopicOrder")]
pub struct TopicOrderInput {
    /// By what.
    field: Word<TopicOrder>,
    /// Which way; null: ascending.
    direction: Option<Word<OrderDirection>>,
}

/// The list that the arguments ask for.
pub fn topic_selection(
    filter: Option<TopicFilterInput>,
    order: Option<TopicOrderInput>,
) -> Result<Selection<Topics>, Fault> {
    let filter = filter.unwrap_or_default();
    let filter = TopicFilter {
        below: filter.below.map(|ids| id::decode_all(NodeKind::Topic, ids)).transpose()?,
        is_root: filter.is_root,
        without_items_in: filter.without_items_in.map(|tag| tag.check()).transpose()?.map(|tag| tag.to_string()),
        text_contains: filter.text_contains.map(text::search_text).transpose()?,
    };
    let direction = order.as_ref().and_then(|order| order.direction).map_or(Direction::Ascending, |word| word.0.into());
    Ok(Selection { filter, order: order.map_or(TopicOrder::Name, |order| order.field.0), direction })
}

/// Topics at the root.
#[derive(Default)]
pub struct TopicQuery;

/// Topics at the root.
#[Object]
impl TopicQuery {
    /// The topic with this slug, now or once; null: unknown or hidden.
    async fn topic(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The name in addresses.")] slug: String,
        #[graphql(desc = "The languages to serve texts in, best first; null: those of the request.")] languages: Option<
            Vec<LanguageTag>,
        >,
    ) -> Option<Result<Topic, Fault>> {
        node::by_slug(ctx, NodeKind::Topic, slug, languages).await.transpose()
    }

    /// Every topic, by name.
    async fn topics(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "How many from the start, 1 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<TopicFilterInput>,
        #[graphql(desc = "Orders the list.")] order_by: Option<TopicOrderInput>,
        #[graphql(desc = "The languages to serve texts in, best first; null: those of the request.")] languages: Option<
            Vec<LanguageTag>,
        >,
    ) -> Result<Connection<Topic>, Fault> {
        let scope = Scope::of_root(ctx, languages)?;
        page::all(&scope, PageArguments { first, after, last, before }, topic_selection(filter, order_by)?).await
    }

    /// The topics without any KT item in a language about them or a narrower topic, by name: where material is missing.
    async fn topics_without(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The language that no item is in; fr-CA and fr find each other.")] language: LanguageTag,
        #[graphql(desc = "How many from the start, 1 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "Narrows the list.")] filter: Option<TopicFilterInput>,
        #[graphql(desc = "Orders the list.")] order_by: Option<TopicOrderInput>,
        #[graphql(desc = "The languages to serve texts in, best first; null: those of the request.")] languages: Option<
            Vec<LanguageTag>,
        >,
    ) -> Result<Connection<Topic>, Fault> {
        let scope = Scope::of_root(ctx, languages)?;
        let filter = TopicFilterInput { without_items_in: Some(language), ..filter.unwrap_or_default() };
        let selection = topic_selection(Some(filter), order_by)?;
        page::all(&scope, PageArguments { first, after, last, before }, selection).await
    }
}
