//! The loaders of one operation; the only file that names the `dataloader` crate.
//!
//! What the crate asks for (measured): only `try_load`, as `load` panics on a missing key; one set per operation,
//! never shared, as its lock is held while a batch runs; batches of 10,000, as the one that fills a batch runs it
//! under the lock; three yields, as every wake of a request polls its whole tree of resolvers again; and the SQL in a
//! task of its own for the same reason. A batch answers every key, errors travel as values, and a load that lost its
//! batch to a cancelled request is tried once more.

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::{Arc, OnceLock};

use dataloader::BatchFn;
use dataloader::cached::Loader;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use uuid::Uuid;

use crate::db::Db;
use crate::db::coverage::{self, Coverage};
use crate::db::facets::{self, Bucket, Dimension};
use crate::db::listing::{self, List, Listed};
use crate::domain::community::store::Communities;
use crate::domain::item;
use crate::domain::item::author::store::Authors;
use crate::domain::item::store::Items;
use crate::domain::link::store::Links;
use crate::domain::membership;
use crate::domain::membership::store::Memberships;
use crate::domain::organization::store::Organizations;
use crate::domain::person;
use crate::domain::person::store::{AffiliationRow, People};
use crate::domain::project::participant::store::Participants;
use crate::domain::project::store::Projects;
use crate::domain::role::store::Roles;
use crate::domain::source::store::Sources;
use crate::domain::topic::store::Topics;
use crate::error::Fault;
use crate::policy::{NodeKind, Viewer};
use crate::text::language::LanguageTag;
use crate::text::texts::Texts;

/// The largest batch. One that is fuller takes a statement more.
const MAX_BATCH: usize = 10_000;

/// How often a load yields before it runs its batch, so that the others of its level can join.
const YIELDS: usize = 3;

/// The loaders of one operation.
pub struct Loaders {
    /// Topics.
    pub topics: Lists<Topics>,
    /// Organizations.
    pub organizations: Lists<Organizations>,
    /// Communities.
    pub communities: Lists<Communities>,
    /// People.
    pub people: Lists<People>,
    /// Roles.
    pub roles: Lists<Roles>,
    /// Memberships.
    pub memberships: Lists<Memberships>,
    /// Projects.
    pub projects: Lists<Projects>,
    /// Who works in projects.
    pub participants: Lists<Participants>,
    /// Items.
    pub items: Lists<Items>,
    /// Who made items.
    pub authors: Lists<Authors>,
    /// Links.
    pub links: Lists<Links>,
    /// Sources.
    pub sources: Lists<Sources>,
    /// The affiliations of a person, in their order.
    pub affiliations: Batch<Uuid, Arc<Vec<AffiliationRow>>>,
    /// How many active memberships a community has.
    pub active_members: Batch<Uuid, i64>,
    /// The body of an item; null: it has none.
    pub bodies: Batch<Uuid, Option<Arc<Texts>>>,
    /// The node that has, or once had, a slug.
    pub slugs: Batch<(NodeKind, String), Option<Uuid>>,
}

impl Loaders {
    /// Loaders that read as `viewer`. Nothing is made before its first use.
    pub fn new(db: &Db, viewer: &Arc<Viewer>) -> Self {
        Self {
            topics: Lists::new(db, viewer),
            organizations: Lists::new(db, viewer),
            communities: Lists::new(db, viewer),
            people: Lists::new(db, viewer),
            roles: Lists::new(db, viewer),
            memberships: Lists::new(db, viewer),
            projects: Lists::new(db, viewer),
            participants: Lists::new(db, viewer),
            items: Lists::new(db, viewer),
            authors: Lists::new(db, viewer),
            links: Lists::new(db, viewer),
            sources: Lists::new(db, viewer),
            affiliations: Batch::new(db, viewer, |db, viewer, people| {
                async move {
                    let mut conn = db.connection().await?;
                    let found = person::store::affiliations_of(&mut conn, &viewer, people).await?;
                    Ok(found.into_iter().map(|(person, rows)| (person, Arc::new(rows))).collect())
                }
                .boxed()
            }),
            active_members: Batch::new(db, viewer, |db, viewer, communities| {
                async move {
                    let mut conn = db.connection().await?;
                    membership::store::active_in(&mut conn, &viewer, communities).await
                }
                .boxed()
            }),
            bodies: Batch::new(db, viewer, |db, viewer, items| {
                async move {
                    let mut conn = db.connection().await?;
                    let found = item::store::bodies(&mut conn, &viewer, items).await?;
                    Ok(found.into_iter().map(|(id, body)| (id, Some(Arc::new(body)))).collect())
                }
                .boxed()
            }),
            slugs: Batch::new(db, viewer, |db, _viewer, slugs| node_of_slugs(db, slugs).boxed()),
        }
    }
}

/// What is loaded of one kind: rows by id, pages and counts by parent.
pub struct Lists<K: Listed> {
    /// Rows by id; null: unknown or hidden.
    pub rows: Batch<Uuid, Option<Arc<K::Row>>>,
    /// A page for a parent; one row more than the page's size tells that there is more.
    pub pages: Batch<PageOf<K>, PageRows<K>>,
    /// How many rows a parent has.
    pub counts: Batch<CountOf<K>, i64>,
    /// How the rows of a parent divide.
    pub facets: Batch<FacetOf<K>, Vec<Bucket>>,
    /// Which texts the rows of a parent have in a language.
    pub coverages: Batch<CoverageOf<K>, Coverage>,
}

/// The rows of a page, shared with whoever serves them.
pub type PageRows<K> = Arc<Vec<Arc<<K as Listed>::Row>>>;

/// The parents that ask for the same thing.
type Groups<T> = HashMap<T, Vec<Uuid>>;

/// A page of the children of one parent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PageOf<K: Listed> {
    /// How they hang on it.
    pub of: K::Of,
    /// The parent.
    pub parent: Uuid,
    /// Which of them.
    pub list: Arc<List<K>>,
}

/// The number of the children of one parent.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CountOf<K: Listed> {
    /// How they hang on it.
    pub of: K::Of,
    /// The parent.
    pub parent: Uuid,
    /// Which of them.
    pub filter: Arc<K::Filter>,
}

/// How the children of one parent divide.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FacetOf<K: Listed> {
    /// How they hang on it.
    pub of: K::Of,
    /// The parent.
    pub parent: Uuid,
    /// Which of them.
    pub filter: Arc<K::Filter>,
    /// By what.
    pub by: Dimension,
}

/// Which texts the children of one parent have in a language.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CoverageOf<K: Listed> {
    /// How they hang on it.
    pub of: K::Of,
    /// The parent.
    pub parent: Uuid,
    /// Which of them.
    pub filter: Arc<K::Filter>,
    /// The language.
    pub language: LanguageTag,
}

impl<K: Listed> Lists<K> {
    fn new(db: &Db, viewer: &Arc<Viewer>) -> Self {
        Self {
            rows: Batch::new(db, viewer, |db, viewer, ids| {
                async move {
                    let mut conn = db.connection().await?;
                    let found = listing::by_ids::<K>(&mut conn, &viewer, ids).await?;
                    Ok(found.into_iter().map(|(id, row)| (id, Some(Arc::new(row)))).collect())
                }
                .boxed()
            }),
            pages: Batch::new(db, viewer, |db, viewer, pages| pages_of_parents(db, viewer, pages).boxed()),
            counts: Batch::new(db, viewer, |db, viewer, counts| counts_of_parents(db, viewer, counts).boxed()),
            facets: Batch::new(db, viewer, |db, viewer, facets| facets_of_parents(db, viewer, facets).boxed()),
            coverages: Batch::new(db, viewer, |db, viewer, asked| coverages_of_parents(db, viewer, asked).boxed()),
        }
    }
}

/// One statement per list that is asked for, whatever the number of parents.
async fn pages_of_parents<K: Listed>(
    db: Db,
    viewer: Arc<Viewer>,
    pages: Vec<PageOf<K>>,
) -> Result<HashMap<PageOf<K>, PageRows<K>>, Fault> {
    let mut groups = Groups::<(K::Of, Arc<List<K>>)>::new();
    for page in pages {
        groups.entry((page.of, page.list)).or_default().push(page.parent);
    }
    let mut conn = db.connection().await?;
    let mut answers = HashMap::new();
    for ((of, list), parents) in groups {
        let found = listing::page_per_parent(&mut conn, &viewer, of, &list, parents).await?;
        for (parent, rows) in found {
            let rows = Arc::new(rows.into_iter().map(Arc::new).collect());
            answers.insert(PageOf { of, parent, list: list.clone() }, rows);
        }
    }
    Ok(answers)
}

async fn counts_of_parents<K: Listed>(
    db: Db,
    viewer: Arc<Viewer>,
    counts: Vec<CountOf<K>>,
) -> Result<HashMap<CountOf<K>, i64>, Fault> {
    let mut groups = Groups::<(K::Of, Arc<K::Filter>)>::new();
    for count in counts {
        groups.entry((count.of, count.filter)).or_default().push(count.parent);
    }
    let mut conn = db.connection().await?;
    let mut answers = HashMap::new();
    for ((of, filter), parents) in groups {
        let found = listing::count_per_parent::<K>(&mut conn, &viewer, of, &filter, parents).await?;
        for (parent, count) in found {
            answers.insert(CountOf { of, parent, filter: filter.clone() }, count);
        }
    }
    Ok(answers)
}

async fn facets_of_parents<K: Listed>(
    db: Db,
    viewer: Arc<Viewer>,
    asked: Vec<FacetOf<K>>,
) -> Result<HashMap<FacetOf<K>, Vec<Bucket>>, Fault> {
    let mut groups = Groups::<(K::Of, Arc<K::Filter>, Dimension)>::new();
    for facet in asked {
        groups.entry((facet.of, facet.filter, facet.by)).or_default().push(facet.parent);
    }
    let mut conn = db.connection().await?;
    let mut answers = HashMap::new();
    for ((of, filter, by), parents) in groups {
        // Whoever asks has made sure that the kind has the dimension.
        let Some(values) = K::values(by, &viewer) else { continue };
        let found = facets::of_parents::<K>(&mut conn, &viewer, of, &filter, &values, parents).await?;
        for (parent, buckets) in found {
            answers.insert(FacetOf { of, parent, filter: filter.clone(), by }, buckets);
        }
    }
    Ok(answers)
}

async fn coverages_of_parents<K: Listed>(
    db: Db,
    viewer: Arc<Viewer>,
    asked: Vec<CoverageOf<K>>,
) -> Result<HashMap<CoverageOf<K>, Coverage>, Fault> {
    let mut groups = Groups::<(K::Of, Arc<K::Filter>, LanguageTag)>::new();
    for coverage in asked {
        groups.entry((coverage.of, coverage.filter, coverage.language)).or_default().push(coverage.parent);
    }
    let mut conn = db.connection().await?;
    let mut answers = HashMap::new();
    for ((of, filter, language), parents) in groups {
        let found = coverage::of_parents::<K>(&mut conn, &viewer, of, &filter, &language, parents).await?;
        for (parent, coverage) in found {
            answers.insert(CoverageOf { of, parent, filter: filter.clone(), language: language.clone() }, coverage);
        }
    }
    Ok(answers)
}

async fn node_of_slugs(
    db: Db,
    slugs: Vec<(NodeKind, String)>,
) -> Result<HashMap<(NodeKind, String), Option<Uuid>>, Fault> {
    let mut groups: HashMap<NodeKind, Vec<String>> = HashMap::new();
    for (kind, slug) in slugs {
        groups.entry(kind).or_default().push(slug);
    }
    let mut conn = db.connection().await?;
    let mut answers = HashMap::new();
    for (kind, slugs) in groups {
        let found = listing::by_slugs(&mut conn, kind, slugs).await?;
        answers.extend(found.into_iter().map(|(slug, id)| ((kind, slug), Some(id))));
    }
    Ok(answers)
}

type Answer<V> = Result<V, Fault>;
type Fetch<K, V> = fn(Db, Arc<Viewer>, Vec<K>) -> BoxFuture<'static, Result<HashMap<K, V>, Fault>>;

/// A batched, cached look-up. A key that the fetch does not answer has the default value.
pub struct Batch<K, V>
where
    K: Clone + Debug + Eq + Hash + Send + Sync + 'static,
    V: Clone + Default + Send + Sync + 'static,
{
    loader: OnceLock<Loader<K, Answer<V>, Runner<K, V>>>,
    runner: Runner<K, V>,
}

struct Runner<K, V> {
    db: Db,
    viewer: Arc<Viewer>,
    fetch: Fetch<K, V>,
}

impl<K, V> Clone for Runner<K, V> {
    fn clone(&self) -> Self {
        Self { db: self.db.clone(), viewer: self.viewer.clone(), fetch: self.fetch }
    }
}

impl<K, V> Batch<K, V>
where
    K: Clone + Debug + Eq + Hash + Send + Sync + 'static,
    V: Clone + Default + Send + Sync + 'static,
{
    fn new(db: &Db, viewer: &Arc<Viewer>, fetch: Fetch<K, V>) -> Self {
        let runner = Runner { db: db.clone(), viewer: viewer.clone(), fetch };
        Self { loader: OnceLock::new(), runner }
    }

    /// The value of one key, together with whatever else is asked for at the same level.
    pub async fn load(&self, key: K) -> Result<V, Fault> {
        let loader = self
            .loader
            .get_or_init(|| Loader::new(self.runner.clone()).with_max_batch_size(MAX_BATCH).with_yield_count(YIELDS));
        if let Ok(answer) = loader.try_load(key.clone()).await {
            return answer;
        }
        // Whoever ran the batch was cancelled, so nobody has the answer.
        loader.try_load(key).await.unwrap_or_else(|error| Err(Fault::internal("loading", error)))
    }
}

impl<K, V> BatchFn<K, Answer<V>> for Runner<K, V>
where
    K: Clone + Eq + Hash + Send + Sync + 'static,
    V: Clone + Default + Send + Sync + 'static,
{
    async fn load(&mut self, keys: &[K]) -> HashMap<K, Answer<V>> {
        let batch = (self.fetch)(self.db.clone(), self.viewer.clone(), keys.to_vec());
        let outcome = tokio::spawn(batch).await.unwrap_or_else(|panic| Err(Fault::internal("loading", panic)));
        match outcome {
            Ok(mut found) => keys.iter().map(|key| (key.clone(), Ok(found.remove(key).unwrap_or_default()))).collect(),
            Err(fault) => keys.iter().map(|key| (key.clone(), Err(fault.clone()))).collect(),
        }
    }
}
