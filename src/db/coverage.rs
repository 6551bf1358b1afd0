//! Coverage: which texts of a list's rows are there in a language, served by fallback, or missing.

use std::collections::HashMap;

use diesel::sql_types::{Array, BigInt};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use crate::db::listing::Listed;
use crate::db::per_parent::PerParent;
use crate::db::statement::Sql;
use crate::error::Fault;
use crate::policy::Viewer;
use crate::text::language::LanguageTag;

/// A text that a kind of row can have: its name in the contract, and its column.
pub type TextColumn = (&'static str, &'static str);

/// How far the texts of a list are there in one language.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    /// How many rows the list has.
    pub rows: i64,
    /// How many rows have every text that they have in the language.
    pub complete: i64,
    /// Per text, in the order of [`Listed::TEXTS`]: in the language, and in others alone.
    pub texts: Vec<(i64, i64)>,
}

impl Coverage {
    fn read(counts: &[i64]) -> Self {
        let mut counts = counts.iter().copied();
        let (rows, complete) = (counts.next().unwrap_or(0), counts.next().unwrap_or(0));
        let mut texts = Vec::new();
        while let (Some(existing), Some(elsewhere)) = (counts.next(), counts.next()) {
            texts.push((existing, elsewhere));
        }
        Self { rows, complete, texts }
    }
}

/// The coverage of a list.
pub async fn of_list<K: Listed>(
    conn: &mut AsyncPgConnection,
    viewer: &Viewer,
    filter: &K::Filter,
    language: &LanguageTag,
) -> Result<Coverage, Fault> {
    let counts: Vec<i64> = counts::<K>(viewer, filter, language, Sql::new("TRUE"))
        .returning::<Array<BigInt>>()
        .get_result(conn)
        .await
        .map_err(|error| Fault::database("looking for texts", error))?;
    Ok(Coverage::read(&counts))
}

/// The coverage of the list that hangs on each parent.
pub async fn of_parents<K: Listed>(
    conn: &mut AsyncPgConnection,
    viewer: &Viewer,
    of: K::Of,
    filter: &K::Filter,
    language: &LanguageTag,
    parents: Vec<Uuid>,
) -> Result<HashMap<Uuid, Coverage>, Fault> {
    let query = counts::<K>(viewer, filter, language, K::hangs_on(of, viewer)).returning::<Array<BigInt>>();
    let found: Vec<(Uuid, Vec<i64>)> =
        PerParent { parents, query }.load(conn).await.map_err(|error| Fault::database("looking for texts", error))?;
    Ok(found.into_iter().map(|(parent, counts)| (parent, Coverage::read(&counts))).collect())
}

fn counts<K: Listed>(viewer: &Viewer, filter: &K::Filter, language: &LanguageTag, scope: Sql) -> Sql {
    let has = |column: &'static str| Sql::new("has_text(").push(column).push(", ").text(language.as_str()).push(")");
    let mut complete = Sql::new("TRUE");
    let mut each = Sql::default();
    for (_, column) in K::TEXTS {
        complete = complete.and(Sql::new(column).push(" IS NULL OR ").append(has(column)));
        each = each
            .push(", count(*) FILTER (WHERE ")
            .append(has(column))
            .push("), count(*) FILTER (WHERE ")
            .push(column)
            .push(" IS NOT NULL AND NOT ")
            .append(has(column))
            .push(")");
    }
    // SQL: one pass over the rows of the list.
    Sql::new("SELECT ARRAY[count(*), count(*) FILTER (WHERE ")
        .append(complete)
        .push(")")
        .append(each)
        .push("] AS counts FROM ")
        .push(K::TABLE)
        .push(" WHERE ")
        .append(K::visible(viewer))
        .and(scope)
        .and(K::condition(filter, viewer))
}
