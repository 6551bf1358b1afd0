//! The search in the contract.

use std::collections::HashSet;
use std::sync::Arc;

use async_graphql::connection::PageInfo;
use async_graphql::{Context, ID, InputObject, Object, SimpleObject};
use tokio::sync::OnceCell;

use crate::db::facets::Dimension;
use crate::db::page::{Direction, Page, Place, SortKey};
use crate::db::search::is_searched;
use crate::domain::search::rules::{self, Phrases, Stemming};
use crate::domain::search::store::{self, Hit, Search, SearchFilter};
use crate::error::Fault;
use crate::graph::facets::{self, Facet};
use crate::graph::id;
use crate::graph::node::{self, FoundText, Node};
use crate::graph::page::{self, PageArguments, Stamp};
use crate::graph::scope::Scope;
use crate::graph::text::{self, LanguageTag};
use crate::graph::word::Word;
use crate::policy::NodeKind;
use crate::text::messages::Message;

/// The most different words that one page of snippets looks at; a page of long bodies is cut there.
const MAX_WORDS: usize = 20_000;

/// A page of what was found.
pub struct SearchConnection {
    shared: Arc<Shared>,
    has_more: bool,
}

struct Shared {
    scope: Scope,
    search: Arc<Search>,
    page: Page,
    stamp: Stamp,
    /// The texts of the page's hits in which a match may stand, each with its matches; made for all at once.
    found: OnceCell<Vec<Option<Snippet>>>,
    hits: Vec<Hit>,
}

/// A node that was found.
pub struct SearchEdge {
    shared: Arc<Shared>,
    index: usize,
    hit: Hit,
    node: Node,
}

/// Where in a node the match stands.
#[derive(Clone, SimpleObject)]
pub struct Snippet {
    /// The field that the text is of, by its path (`summary`, `aims/1/text`).
    field: String,
    /// The language of the text; null for names of people.
    language: Option<LanguageTag>,
    /// The text around the first match, in pieces; the beginning of the text where no word of it matches by itself.
    parts: Vec<SnippetPart>,
}

/// A piece of a snippet.
#[derive(Clone, SimpleObject)]
pub struct SnippetPart {
    /// The piece, as it was written: plain text, never HTML.
    text: String,
    /// Whether it is what was searched for.
    is_match: bool,
}

/// A page of what was found, the best match first. Equals are ordered by id, the newer first.
#[Object]
impl SearchConnection {
    /// The nodes with their places and snippets.
    async fn edges(&self) -> Result<Vec<SearchEdge>, Fault> {
        let nodes = self.shared.nodes().await?;
        let seen = nodes.into_iter().zip(&self.shared.hits).enumerate().filter_map(|(index, (node, hit))| {
            Some(SearchEdge { shared: self.shared.clone(), index, hit: *hit, node: node? })
        });
        Ok(seen.collect())
    }

    /// The nodes alone.
    async fn nodes(&self) -> Result<Vec<Node>, Fault> {
        Ok(self.shared.nodes().await?.into_iter().flatten().collect())
    }

    /// Where the page begins and ends, and whether the list goes on.
    async fn page_info(&self) -> PageInfo {
        let page = &self.shared.page;
        PageInfo {
            has_previous_page: if page.backward { self.has_more } else { page.after.is_some() },
            has_next_page: if page.backward { page.before.is_some() } else { self.has_more },
            start_cursor: self.shared.hits.first().map(|hit| self.shared.cursor(*hit)),
            end_cursor: self.shared.hits.last().map(|hit| self.shared.cursor(*hit)),
        }
    }

    /// How many nodes are found that you can see. Counted only when it is asked for.
    async fn total_count(&self) -> Result<i64, Fault> {
        self.shared.scope.loaders().hit_counts.load(self.shared.search.clone()).await
    }

    /// How everything that is found divides; by KIND, the kinds of nodes. Kinds that have no such dimension are in no
    /// bucket.
    async fn facets(
        &self,
        #[graphql(desc = "By what; each once.")] by: Vec<Word<Dimension>>,
    ) -> Result<Vec<Facet>, Fault> {
        futures_util::future::try_join_all(facets::dimensions(by).into_iter().map(|by| self.shared.facet(by))).await
    }
}

/// A node that was found, and its place.
#[Object]
impl SearchEdge {
    /// The place, for `after` and `before` of the same search.
    async fn cursor(&self) -> String {
        self.shared.cursor(self.hit)
    }

    /// The node.
    async fn node(&self) -> &Node {
        &self.node
    }

    /// Where in it the match stands: in what it says of itself rather than in its name, in your language rather than in
    /// another one.
    async fn snippet(&self) -> Result<Snippet, Fault> {
        let snippets = self.shared.found.get_or_try_init(|| self.shared.snippets()).await?;
        let missing = || Fault::internal("making a snippet", "there is none for the hit");
        snippets.get(self.index).cloned().flatten().ok_or_else(missing)
    }
}

impl Shared {
    fn cursor(&self, hit: Hit) -> String {
        self.stamp.write(Place { keys: vec![SortKey::Number(hit.rank)], id: hit.id })
    }

    /// The node of each hit; null: it was hidden or retired since it was found.
    async fn nodes(&self) -> Result<Vec<Option<Node>>, Fault> {
        let loads = self.hits.iter().map(|hit| node::by_id(&self.scope, hit.kind, hit.id));
        futures_util::future::try_join_all(loads).await
    }

    async fn facet(&self, by: Dimension) -> Result<Facet, Fault> {
        let buckets = self.scope.loaders().hit_facets.ask(by, self.search.clone()).await?;
        Ok(Facet::new(by, buckets, &self.scope))
    }

    /// The snippets of all hits of the page, in their order, with one statement for the matches.
    async fn snippets(&self) -> Result<Vec<Option<Snippet>>, Fault> {
        let loads = self.hits.iter().map(|hit| node::found_texts(&self.scope, hit.kind, hit.id));
        let texts: Vec<Vec<FoundText>> = futures_util::future::try_join_all(loads).await?;
        let mut words: HashSet<(Stemming, String)> = HashSet::new();
        for found in texts.iter().flatten() {
            let stemming = Stemming::of(found.language.as_ref());
            words.extend(rules::words(&found.text).map(|word| (stemming, word.to_owned())));
            if words.len() >= MAX_WORDS {
                break;
            }
        }
        let mut conn = self.scope.db().connection().await?;
        let phrases = store::matching(&mut conn, self.scope.viewer(), &self.search.text, words).await?;
        drop(conn);
        Ok(texts.iter().map(|texts| best(texts, &phrases)).collect())
    }
}

/// The first text with a match, else the first text; null for a hit that is gone.
fn best(texts: &[FoundText], phrases: &Phrases) -> Option<Snippet> {
    let matches = |found: &FoundText| phrases.found_in(&found.text, Stemming::of(found.language.as_ref()));
    let found = texts.iter().find(|found| !matches(found).is_empty()).or(texts.first())?;
    let parts = rules::snippet(&found.text, &matches(found)).into_iter();
    Some(Snippet {
        field: found.field.clone(),
        language: found.language.as_ref().map(LanguageTag::from),
        parts: parts.map(|part| SnippetPart { text: part.text, is_match: part.is_match }).collect(),
    })
}

/// Narrows what is found; everything that is given must hold, any value of a list will do. A kind of node that has no
/// such thing, such as a project a region, is not found at all.
#[derive(Clone, Debug, Default, InputObject)]
#[graphql(name = "SearchFilter")]
pub struct SearchFilterInput {
    /// About one of these topics or a narrower one; also these topics and the narrower ones.
    topics: Option<Vec<ID>>,
    /// Of one of these communities; also these communities.
    communities: Option<Vec<ID>>,
    /// Of one of these organizations.
    organizations: Option<Vec<ID>>,
    /// Working in one of these languages, or, for KT items, being in one of them.
    languages: Option<Vec<LanguageTag>>,
    /// In one of these regions (ISO 3166-2) or countries (ISO 3166-1 alpha-2).
    regions: Option<Vec<String>>,
}

fn search_of(
    text: String,
    kinds: Option<Vec<Word<NodeKind>>>,
    filter: Option<SearchFilterInput>,
) -> Result<Search, Fault> {
    let filter = filter.unwrap_or_default();
    let kinds: Option<Vec<NodeKind>> = kinds.map(|kinds| kinds.into_iter().map(|word| word.0).collect());
    if let Some(kind) = kinds.iter().flatten().find(|kind| !is_searched(**kind)) {
        return Err(Message::new("kind-not-searched").with("kind", kind.as_ref()).into());
    }
    Ok(Search {
        text: text::search_text(text)?,
        kinds,
        filter: SearchFilter {
            topics: filter.topics.map(|ids| id::decode_all(NodeKind::Topic, ids)).transpose()?,
            communities: filter.communities.map(|ids| id::decode_all(NodeKind::Community, ids)).transpose()?,
            organizations: filter.organizations.map(|ids| id::decode_all(NodeKind::Organization, ids)).transpose()?,
            languages: filter.languages.map(text::filter_tags).transpose()?,
            regions: filter.regions.map(text::filter_regions).transpose()?,
        },
    })
}

/// The search at the root.
#[derive(Default)]
pub struct SearchQuery;

/// The search at the root.
#[Object]
impl SearchQuery {
    /// What the words are found in, over every kind of node that has texts, the best match first. Case and accents do
    /// not matter, nor do English and French endings; the last word may be the beginning of one; a word for a topic
    /// finds its other words too ("sponsor" finds "promoteur"). Every word has to be there. At most 20 words and 200
    /// characters count.
    async fn search(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The words.")] text: String,
        #[graphql(
            desc = "Only nodes of these kinds: TOPIC, ORGANIZATION, COMMUNITY, PERSON, PROJECT, ITEM; null: all of them."
        )]
        kinds: Option<Vec<Word<NodeKind>>>,
        #[graphql(desc = "Narrows what is found.")] filter: Option<SearchFilterInput>,
        #[graphql(desc = "How many from the start, 1 to 100; 20 when neither `first` nor `last` is given.")]
        first: Option<i32>,
        #[graphql(desc = "Only what follows this cursor.")] after: Option<String>,
        #[graphql(desc = "How many from the end, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Only what precedes this cursor.")] before: Option<String>,
        #[graphql(desc = "The languages to serve texts in, best first; null: those of the request.")] languages: Option<
            Vec<LanguageTag>,
        >,
    ) -> Result<SearchConnection, Fault> {
        let scope = Scope::of_root(ctx, languages)?;
        let search = search_of(text, kinds, filter)?;
        let stamp = Stamp::with("search.rank".to_owned(), Direction::Descending, &[], &search);
        let arguments = PageArguments { first, after, last, before };
        let page = page::page_of(arguments, &stamp, &store::columns())?;
        let search = Arc::new(search);
        let mut hits = scope.loaders().hits.ask(page.clone(), search.clone()).await?.to_vec();
        let size = usize::try_from(page.size).unwrap_or(usize::MAX);
        let has_more = hits.len() > size;
        hits.truncate(size);
        if page.backward {
            hits.reverse();
        }
        let shared = Shared { scope, search, page, stamp, found: OnceCell::new(), hits };
        Ok(SearchConnection { shared: Arc::new(shared), has_more })
    }
}
