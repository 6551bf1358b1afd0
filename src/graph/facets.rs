//! Facets in the contract: how a list divides.

use std::sync::Arc;

use async_graphql::Object;
use uuid::Uuid;

use crate::db::facets::{Bucket, Dimension, MAX_BUCKETS};
use crate::error::Fault;
use crate::graph::node::{self, Node};
use crate::graph::scope::Scope;
use crate::graph::word::Word;
use crate::policy::NodeKind;
use crate::text::messages::Message;

/// How a list divides by one dimension.
pub struct Facet {
    by: Dimension,
    /// One more than are shown when there are more.
    buckets: Arc<Vec<Bucket>>,
    scope: Scope,
}

/// The nodes of a list that share a value.
pub struct FacetBucket {
    by: Dimension,
    bucket: Bucket,
    scope: Scope,
}

impl Facet {
    /// A facet from its buckets, one more than are shown when there are more.
    pub fn new(by: Dimension, buckets: Arc<Vec<Bucket>>, scope: &Scope) -> Self {
        Self { by, buckets, scope: scope.clone() }
    }
}

/// The dimensions that are asked for, each once.
pub fn dimensions(by: Vec<Word<Dimension>>) -> Vec<Dimension> {
    let mut asked = Vec::new();
    for Word(dimension) in by {
        if !asked.contains(&dimension) {
            asked.push(dimension);
        }
    }
    asked
}

/// Says that a list has no such dimension.
pub fn lacks(list: &str, by: Dimension) -> Fault {
    Message::new("facet-lacking").with("list", list).with("dimension", by.as_ref()).into()
}

/// How a list divides by one dimension, under the same filter and visibility as the list. A node with several values is
/// in several buckets, one without a value in none.
#[Object]
impl Facet {
    /// By what.
    async fn by(&self) -> Word<Dimension> {
        Word(self.by)
    }

    /// The values, the fullest first, at most 100.
    async fn buckets(&self) -> Vec<FacetBucket> {
        let bucket = |bucket: &Bucket| FacetBucket { by: self.by, bucket: bucket.clone(), scope: self.scope.clone() };
        self.buckets.iter().take(MAX_BUCKETS).map(bucket).collect()
    }

    /// Whether there are more values than these.
    async fn is_cut(&self) -> bool {
        self.buckets.len() > MAX_BUCKETS
    }
}

/// The nodes of a list that share a value.
#[Object]
impl FacetBucket {
    /// The value: a word of an enum, a language tag, a region (ISO 3166-2), a year, or the global id of a node.
    async fn value(&self) -> String {
        match self.node_of() {
            Some((kind, row)) => crate::graph::id::encode(kind, row).to_string(),
            None => self.bucket.value.clone(),
        }
    }

    /// What people call it: the name of the node, else the value.
    async fn label(&self) -> Result<String, Fault> {
        let label = match self.node_of() {
            Some((kind, row)) => node::name_of(&self.scope, kind, row).await?,
            None => None,
        };
        Ok(label.unwrap_or_else(|| self.bucket.value.clone()))
    }

    /// How many nodes of the list.
    async fn count(&self) -> i64 {
        self.bucket.count
    }

    /// The topic, community or organization; null for other dimensions.
    async fn node(&self) -> Option<Result<Node, Fault>> {
        let (kind, row) = self.node_of()?;
        node::by_id(&self.scope, kind, row).await.transpose()
    }
}

impl FacetBucket {
    fn node_of(&self) -> Option<(NodeKind, Uuid)> {
        let kind = match self.by {
            Dimension::Topic => NodeKind::Topic,
            Dimension::Community => NodeKind::Community,
            Dimension::Organization => NodeKind::Organization,
            Dimension::Kind | Dimension::Language | Dimension::Region | Dimension::Year => return None,
        };
        Some((kind, self.bucket.value.parse().ok()?))
    }
}
