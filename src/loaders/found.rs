//! What is loaded of searches.

use std::collections::HashMap;
use std::mem::size_of;
use std::sync::Arc;

use crate::db::facets::{Bucket, Dimension};
use crate::db::page::Page;
use crate::domain::search::store::{self, Hit, Search};
use crate::error::Fault;
use crate::loaders::lists::{self, JSON_FACTOR};
use crate::loaders::{Load, Reader};

/// A page of what is found; one hit more than the page's size tells that there is more.
pub struct Hits;

/// How many nodes are found.
pub struct HitCounts;

/// How what is found divides.
pub struct HitFacets;

impl Load for Hits {
    type Asked = Page;
    type Of = Arc<Search>;
    type Value = Arc<Vec<Hit>>;

    async fn fetch(
        reader: &Reader,
        page: &Page,
        searches: Vec<Arc<Search>>,
    ) -> Result<HashMap<Arc<Search>, Self::Value>, Fault> {
        let mut conn = reader.db.connection().await?;
        let mut found = HashMap::new();
        for search in searches {
            let hits = store::page(&mut conn, &reader.viewer, &search, page).await?;
            found.insert(search, Arc::new(hits));
        }
        Ok(found)
    }

    fn rows(hits: &Self::Value) -> usize {
        hits.len()
    }

    fn asked_bytes(page: &Page) -> usize {
        [&page.after, &page.before].into_iter().flatten().map(lists::json_bytes).sum()
    }

    fn held_bytes(search: &Arc<Search>, hits: &Self::Value) -> usize {
        search_bytes(search).saturating_add(hits.len().saturating_mul(size_of::<Hit>()))
    }
}

impl Load for HitCounts {
    type Asked = ();
    type Of = Arc<Search>;
    type Value = i64;

    async fn fetch(reader: &Reader, (): &(), searches: Vec<Arc<Search>>) -> Result<HashMap<Arc<Search>, i64>, Fault> {
        let mut conn = reader.db.connection().await?;
        let mut found = HashMap::new();
        for search in searches {
            let count = store::count(&mut conn, &reader.viewer, &search).await?;
            found.insert(search, count);
        }
        Ok(found)
    }

    fn held_bytes(search: &Arc<Search>, _count: &i64) -> usize {
        search_bytes(search)
    }
}

impl Load for HitFacets {
    type Asked = Dimension;
    type Of = Arc<Search>;
    type Value = Arc<Vec<Bucket>>;

    async fn fetch(
        reader: &Reader,
        by: &Dimension,
        searches: Vec<Arc<Search>>,
    ) -> Result<HashMap<Arc<Search>, Self::Value>, Fault> {
        let mut conn = reader.db.connection().await?;
        let mut found = HashMap::new();
        for search in searches {
            let buckets = store::facet(&mut conn, &reader.viewer, &search, *by).await?;
            found.insert(search, Arc::new(buckets));
        }
        Ok(found)
    }

    fn rows(buckets: &Self::Value) -> usize {
        buckets.len()
    }

    fn held_bytes(search: &Arc<Search>, buckets: &Self::Value) -> usize {
        search_bytes(search).saturating_add(lists::bucket_bytes(buckets))
    }
}

fn search_bytes(search: &Search) -> usize {
    size_of::<Search>().saturating_add(lists::json_bytes(search).saturating_mul(JSON_FACTOR))
}
