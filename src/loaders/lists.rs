//! What is loaded of lists: rows by id, and pages, counts, facets and coverages of whole lists and of those that hang on
//! nodes.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::mem::size_of;
use std::sync::Arc;

use serde::Serialize;
use uuid::Uuid;

use crate::db::coverage::{self, Coverage};
use crate::db::facets::{self, Bucket, Dimension};
use crate::db::listing::{self, List, Listed};
use crate::error::Fault;
use crate::loaders::shelf::Shelf;
use crate::loaders::{Batch, Load, Reader, share_bytes};
use crate::text::language::LanguageTag;

/// How much more memory a row takes than the row itself, for its short texts.
pub const ROW_FACTOR: usize = 2;

/// How much more memory a filter takes than its JSON, at the most: a short word of a list is a text of its own.
pub const JSON_FACTOR: usize = 8;

/// What is loaded of one kind.
pub struct Lists<K: Listed> {
    /// Rows by id; null: unknown or hidden.
    pub rows: Batch<Rows<K>>,
    pages: Batch<Pages<K>>,
    counts: Batch<Counts<K>>,
    facets: Batch<Facets<K>>,
    coverages: Batch<Coverages<K>>,
}

/// How a list hangs on which node; null: it is the whole list of its kind.
pub type Parent<K> = Option<(<K as Listed>::Of, Uuid)>;

/// The rows of a page, shared with whoever serves them.
pub type PageRows<K> = Arc<Vec<Arc<<K as Listed>::Row>>>;

impl<K: Listed> Lists<K> {
    /// Nothing is made before its first use.
    pub fn new(reader: &Arc<Reader>) -> Self {
        Self {
            rows: Batch::new(reader),
            pages: Batch::new(reader),
            counts: Batch::new(reader),
            facets: Batch::new(reader),
            coverages: Batch::new(reader),
        }
    }

    /// A page of a list; one row more than the page's size tells that there is more.
    pub async fn page(&self, parent: Parent<K>, list: Arc<List<K>>) -> Result<PageRows<K>, Fault> {
        let (of, node) = parent.unzip();
        self.pages.ask((of, list), node).await
    }

    /// How many rows a list has under a filter.
    pub async fn count(&self, parent: Parent<K>, filter: Arc<K::Filter>) -> Result<i64, Fault> {
        let (of, node) = parent.unzip();
        self.counts.ask((of, filter), node).await
    }

    /// How the rows of a list divide under a filter; nothing when they have no such dimension.
    pub async fn facet(
        &self,
        parent: Parent<K>,
        filter: Arc<K::Filter>,
        by: Dimension,
    ) -> Result<Arc<Vec<Bucket>>, Fault> {
        let (of, node) = parent.unzip();
        self.facets.ask((of, filter, by), node).await
    }

    /// Which texts the rows of a list have in a language under a filter.
    pub async fn coverage(
        &self,
        parent: Parent<K>,
        filter: Arc<K::Filter>,
        language: LanguageTag,
    ) -> Result<Arc<Coverage>, Fault> {
        let (of, node) = parent.unzip();
        self.coverages.ask((of, filter, language), node).await
    }
}

/// Rows by id.
pub struct Rows<K>(PhantomData<K>);

/// Pages of lists.
struct Pages<K>(PhantomData<K>);

/// Counts of lists.
struct Counts<K>(PhantomData<K>);

/// Facets of lists.
struct Facets<K>(PhantomData<K>);

/// Coverages of lists.
struct Coverages<K>(PhantomData<K>);

impl<K: Listed> Load for Rows<K> {
    type Asked = ();
    type Of = Uuid;
    type Value = Option<Arc<K::Row>>;

    async fn fetch(reader: &Reader, (): &(), ids: Vec<Uuid>) -> Result<HashMap<Uuid, Self::Value>, Fault> {
        let mut conn = reader.db.connection().await?;
        let found = listing::by_ids::<K>(&mut conn, &reader.viewer, ids).await?;
        Ok(found.into_iter().map(|(id, row)| (id, Some(Arc::new(row)))).collect())
    }

    fn rows(row: &Self::Value) -> usize {
        usize::from(row.is_some())
    }

    fn held_bytes(_id: &Uuid, row: &Self::Value) -> usize {
        row.as_ref().map_or(0, |row| row_bytes::<K>(row))
    }
}

impl<K: Listed> Load for Pages<K> {
    type Asked = (Option<K::Of>, Arc<List<K>>);
    type Of = Option<Uuid>;
    type Value = PageRows<K>;

    async fn fetch(
        reader: &Reader,
        (of, list): &Self::Asked,
        parents: Vec<Option<Uuid>>,
    ) -> Result<HashMap<Option<Uuid>, PageRows<K>>, Fault> {
        let mut conn = reader.db.connection().await?;
        let found = match of {
            None => HashMap::from([(None, listing::page(&mut conn, &reader.viewer, list).await?)]),
            Some(of) => {
                by_parent(listing::page_per_parent(&mut conn, &reader.viewer, *of, list, nodes(parents)).await?)
            }
        };
        Ok(found
            .into_iter()
            .map(|(parent, rows)| (parent, Arc::new(rows.into_iter().map(Arc::new).collect())))
            .collect())
    }

    fn rows(rows: &Self::Value) -> usize {
        rows.len()
    }

    fn asked_bytes((_, list): &Self::Asked) -> usize {
        let List { filter, page, .. } = &**list;
        let places = [&page.after, &page.before].into_iter().flatten().map(json_bytes).sum();
        size_of::<List<K>>().saturating_add(filter_bytes::<K>(filter)).saturating_add(places)
    }

    fn held_bytes(_parent: &Option<Uuid>, rows: &PageRows<K>) -> usize {
        size_of::<Uuid>().saturating_mul(rows.len())
    }

    /// A page lies there as its ids: each row lies there once, and makes room by itself.
    fn find(shelf: &Shelf, asked: &Self::Asked, parent: &Option<Uuid>) -> Option<PageRows<K>> {
        let ids: Arc<[Uuid]> = shelf.find::<Self, _, _, _>(asked, parent)?;
        let rows: Option<Vec<_>> = ids.iter().map(|id| Rows::<K>::find(shelf, &(), id)?).collect();
        rows.map(Arc::new)
    }

    fn lay(shelf: &Shelf, asked: &Self::Asked, found: &[(Option<Uuid>, PageRows<K>)]) {
        let share = share_bytes(Self::asked_bytes(asked), found.len());
        let List { order, languages, .. } = &*asked.1;
        for (parent, rows) in found {
            let mut is_of_now = true;
            for row in rows.iter() {
                let id = K::id(row);
                match Rows::<K>::find(shelf, &(), &id) {
                    // None lies there when the row was looked for before it was visible.
                    None | Some(None) => Rows::<K>::lay(shelf, &(), &[(id, Some(row.clone()))]),
                    // Another state of the row stands elsewhere in the list.
                    Some(Some(known)) => {
                        is_of_now &= K::keys(&known, *order, languages) == K::keys(row, *order, languages);
                    }
                }
            }
            if is_of_now {
                let ids: Arc<[Uuid]> = rows.iter().map(|row| K::id(row)).collect();
                let held = Self::held_bytes(parent, rows).saturating_add(share);
                shelf.lay::<Self, _, _, _>(asked.clone(), *parent, ids, held);
            }
        }
    }
}

impl<K: Listed> Load for Counts<K> {
    type Asked = (Option<K::Of>, Arc<K::Filter>);
    type Of = Option<Uuid>;
    type Value = i64;

    async fn fetch(
        reader: &Reader,
        (of, filter): &Self::Asked,
        parents: Vec<Option<Uuid>>,
    ) -> Result<HashMap<Option<Uuid>, i64>, Fault> {
        let mut conn = reader.db.connection().await?;
        Ok(match of {
            None => HashMap::from([(None, listing::count::<K>(&mut conn, &reader.viewer, filter).await?)]),
            Some(of) => {
                by_parent(listing::count_per_parent::<K>(&mut conn, &reader.viewer, *of, filter, nodes(parents)).await?)
            }
        })
    }

    fn asked_bytes((_, filter): &Self::Asked) -> usize {
        filter_bytes::<K>(filter)
    }

    fn held_bytes(_parent: &Option<Uuid>, _count: &i64) -> usize {
        0
    }
}

impl<K: Listed> Load for Facets<K> {
    type Asked = (Option<K::Of>, Arc<K::Filter>, Dimension);
    type Of = Option<Uuid>;
    type Value = Arc<Vec<Bucket>>;

    async fn fetch(
        reader: &Reader,
        (of, filter, by): &Self::Asked,
        parents: Vec<Option<Uuid>>,
    ) -> Result<HashMap<Option<Uuid>, Arc<Vec<Bucket>>>, Fault> {
        let Some(values) = K::values(*by, &reader.viewer) else { return Ok(HashMap::new()) };
        let mut conn = reader.db.connection().await?;
        let found = match of {
            None => HashMap::from([(None, facets::of_list::<K>(&mut conn, &reader.viewer, filter, &values).await?)]),
            Some(of) => by_parent(
                facets::of_parents::<K>(&mut conn, &reader.viewer, *of, filter, &values, nodes(parents)).await?,
            ),
        };
        Ok(found.into_iter().map(|(parent, buckets)| (parent, Arc::new(buckets))).collect())
    }

    fn rows(buckets: &Self::Value) -> usize {
        buckets.len()
    }

    fn asked_bytes((_, filter, _): &Self::Asked) -> usize {
        filter_bytes::<K>(filter)
    }

    fn held_bytes(_parent: &Option<Uuid>, buckets: &Arc<Vec<Bucket>>) -> usize {
        bucket_bytes(buckets)
    }
}

impl<K: Listed> Load for Coverages<K> {
    type Asked = (Option<K::Of>, Arc<K::Filter>, LanguageTag);
    type Of = Option<Uuid>;
    type Value = Arc<Coverage>;

    async fn fetch(
        reader: &Reader,
        (of, filter, language): &Self::Asked,
        parents: Vec<Option<Uuid>>,
    ) -> Result<HashMap<Option<Uuid>, Arc<Coverage>>, Fault> {
        let mut conn = reader.db.connection().await?;
        let found = match of {
            None => HashMap::from([(None, coverage::of_list::<K>(&mut conn, &reader.viewer, filter, language).await?)]),
            Some(of) => by_parent(
                coverage::of_parents::<K>(&mut conn, &reader.viewer, *of, filter, language, nodes(parents)).await?,
            ),
        };
        Ok(found.into_iter().map(|(parent, coverage)| (parent, Arc::new(coverage))).collect())
    }

    fn asked_bytes((_, filter, _): &Self::Asked) -> usize {
        filter_bytes::<K>(filter)
    }

    fn held_bytes(_parent: &Option<Uuid>, coverage: &Arc<Coverage>) -> usize {
        size_of::<Coverage>().saturating_add(size_of::<(i64, i64)>().saturating_mul(coverage.texts.len()))
    }
}

/// About how many bytes buckets take.
pub fn bucket_bytes(buckets: &[Bucket]) -> usize {
    buckets.iter().map(|bucket| size_of::<Bucket>().saturating_add(bucket.value.len())).sum()
}

/// How many bytes a value takes as JSON.
pub fn json_bytes(value: &impl Serialize) -> usize {
    // Filters, places and searches are plain data, which always serializes.
    serde_json::to_vec(value).map_or(0, |json| json.len())
}

/// The nodes that lists hang on; the whole list hangs on none.
fn nodes(parents: Vec<Option<Uuid>>) -> Vec<Uuid> {
    parents.into_iter().flatten().collect()
}

fn by_parent<V>(found: HashMap<Uuid, V>) -> HashMap<Option<Uuid>, V> {
    found.into_iter().map(|(parent, value)| (Some(parent), value)).collect()
}

fn filter_bytes<K: Listed>(filter: &K::Filter) -> usize {
    let held = if *filter == K::Filter::default() { 0 } else { json_bytes(filter).saturating_mul(JSON_FACTOR) };
    size_of::<K::Filter>().saturating_add(held)
}

fn row_bytes<K: Listed>(row: &K::Row) -> usize {
    // A column that is taken apart takes about as much as before.
    size_of::<K::Row>().saturating_mul(ROW_FACTOR).saturating_add(K::read_bytes(row))
}
