//! Facets: how the rows of a list divide, under the same filter and visibility as the list itself.

use std::collections::HashMap;

use diesel::sql_types::{BigInt, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use strum::{AsRefStr, EnumMessage, EnumString, VariantArray};
use uuid::Uuid;

use crate::db::listing::Listed;
use crate::db::per_parent::PerParent;
use crate::db::statement::Sql;
use crate::error::Fault;
use crate::policy::Viewer;
use crate::text::vocabulary::Vocabulary;

/// The most buckets of one facet.
pub const MAX_BUCKETS: usize = 100;

/// What the nodes of a list are divided by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, AsRefStr, EnumString, EnumMessage, VariantArray)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Dimension {
    /// The sort of organization, item, role or link; in a search, the kind of node.
    Kind,
    /// The topics themselves, not the wider ones above them.
    Topic,
    /// The languages that they work in, or that an item is in.
    Language,
    /// The communities that they belong to.
    Community,
    /// The organizations that they belong to.
    Organization,
    /// The regions, ISO 3166-2.
    Region,
    /// The first year that their date can mean.
    Year,
}

impl Vocabulary for Dimension {
    const NAME: &'static str = "FacetDimension";
    const ABOUT: &'static str = "What the nodes of a list are divided by. Not every kind has every dimension; asking for one that it lacks is `BAD_USER_INPUT`.";
}

/// Where the values of a dimension come from: a join that gives each row each of its values once, and the value.
#[derive(Clone, Debug)]
pub struct Values {
    /// What follows FROM and the table; empty for a column of the row itself.
    pub join: Sql,
    /// The value as text; null values are in no bucket.
    pub value: &'static str,
}

impl Values {
    /// The values of a column of the row.
    pub fn column(value: &'static str) -> Self {
        Self { join: Sql::default(), value }
    }

    /// The values of an array of the row.
    pub fn array(unnested: &'static str) -> Self {
        Self { join: Sql::new(", ").push(unnested).push(" AS bucket(value)"), value: "bucket.value" }
    }

    /// The values that a subquery gives for each row, as `value`.
    pub fn each(subquery: Sql) -> Self {
        Self {
            join: Sql::new(" CROSS JOIN LATERAL (").append(subquery).push(") AS bucket(value)"),
            value: "bucket.value::text",
        }
    }

    /// The values of a table of pairs, as far as the viewer may see the node that the other end is.
    pub fn joined(join: Sql, value: &'static str) -> Self {
        Self { join, value }
    }
}

/// One value and how many rows have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// The value: a word, a language tag, a region, a year, or the id of a row.
    pub value: String,
    /// How many rows.
    pub count: i64,
}

/// The buckets of a list, the fullest first; one more than [`MAX_BUCKETS`] tells that there are more.
pub async fn of_list<K: Listed>(
    conn: &mut AsyncPgConnection,
    viewer: &Viewer,
    filter: &K::Filter,
    values: &Values,
) -> Result<Vec<Bucket>, Fault> {
    let found: Vec<(String, i64)> = buckets::<K>(viewer, filter, values, Sql::new("TRUE"))
        .returning::<(Text, BigInt)>()
        .load(conn)
        .await
        .map_err(|error| Fault::database("dividing a list", error))?;
    Ok(found.into_iter().map(|(value, count)| Bucket { value, count }).collect())
}

/// The buckets of the list that hangs on each parent.
pub async fn of_parents<K: Listed>(
    conn: &mut AsyncPgConnection,
    viewer: &Viewer,
    of: K::Of,
    filter: &K::Filter,
    values: &Values,
    parents: Vec<Uuid>,
) -> Result<HashMap<Uuid, Vec<Bucket>>, Fault> {
    let query = buckets::<K>(viewer, filter, values, K::hangs_on(of, viewer)).returning::<(Text, BigInt)>();
    let found: Vec<(Uuid, (String, i64))> =
        PerParent { parents, query }.load(conn).await.map_err(|error| Fault::database("dividing a list", error))?;
    let mut grouped: HashMap<Uuid, Vec<Bucket>> = HashMap::new();
    for (parent, (value, count)) in found {
        grouped.entry(parent).or_default().push(Bucket { value, count });
    }
    Ok(grouped)
}

fn buckets<K: Listed>(viewer: &Viewer, filter: &K::Filter, values: &Values, scope: Sql) -> Sql {
    // SQL: one pass over the rows of the list; whatever the filter and the join are indexed by.
    Sql::new("SELECT ")
        .push(values.value)
        .push(" AS value, count(*) AS count FROM ")
        .push(K::TABLE)
        .append(values.join.clone())
        .push(" WHERE ")
        .append(K::visible(viewer))
        .and(scope)
        .and(K::condition(filter, viewer))
        .push(" AND ")
        .push(values.value)
        .push(" IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1")
        .limit(i64::try_from(MAX_BUCKETS).unwrap_or(i64::MAX).saturating_add(1))
}
