//! What a search finds, in the order of its rank.

use std::collections::HashSet;

use diesel::sql_types::{BigInt, Integer, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use serde::Serialize;
use strum::VariantArray;
use uuid::Uuid;

use crate::db::facets::{Bucket, Dimension, MAX_BUCKETS};
use crate::db::listing::{self, Listed};
use crate::db::page::{self, Direction, Page, SortColumn};
use crate::db::search;
use crate::db::statement::Sql;
use crate::domain::community::store::{Communities, CommunityFilter};
use crate::domain::item::store::{ItemFilter, Items};
use crate::domain::organization::store::{OrganizationFilter, Organizations};
use crate::domain::person::store::{People, PersonFilter};
use crate::domain::project::store::{ProjectFilter, Projects};
use crate::domain::search::rules::{Phrases, Stemming};
use crate::error::Fault;
use crate::policy::{NodeKind, Viewer};

/// What is searched for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct Search {
    /// The words.
    pub text: String,
    /// Nodes of these kinds alone; null: of every kind that is searched.
    pub kinds: Option<Vec<NodeKind>>,
    /// What the nodes are narrowed by.
    pub filter: SearchFilter,
}

/// What found nodes are narrowed by. A kind of node that has no such thing is not found by it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct SearchFilter {
    /// Those about one of these topics or a narrower one, and these topics.
    pub topics: Option<Vec<Uuid>>,
    /// Those of one of these communities, and these communities.
    pub communities: Option<Vec<Uuid>>,
    /// Those of one of these organizations.
    pub organizations: Option<Vec<Uuid>>,
    /// Those that work in one of these languages, or are in one of them.
    pub languages: Option<Vec<String>>,
    /// Those in one of these regions or countries.
    pub regions: Option<Vec<String>>,
}

/// A node that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The node.
    pub id: Uuid,
    /// Its kind.
    pub kind: NodeKind,
    /// How well it fits, in millionths; the greater the better.
    pub rank: i32,
}

/// The columns that hits are sorted by: the best first.
pub fn columns() -> Vec<SortColumn> {
    vec![SortColumn::number(Sql::new("found.rank"))]
}

/// The hits of one page, at most one more than its size.
pub async fn page(
    conn: &mut AsyncPgConnection,
    viewer: &Viewer,
    search: &Search,
    page: &Page,
) -> Result<Vec<Hit>, Fault> {
    let columns = columns();
    let mut sql = Sql::new("SELECT found.node_id, found.kind, found.rank FROM (")
        .append(found(search, viewer, "(ts_rank(d.document, q.query) * 1000000)::integer"))
        .push(") AS found");
    if let Some(between) = page::between(&columns, "found.node_id", Direction::Descending, page) {
        sql = sql.push(" WHERE ").append(between);
    }
    let sql = sql.append(page::order(&columns, "found.node_id", Direction::Descending, page));
    let rows: Vec<(Uuid, String, i32)> = sql
        .returning::<(SqlUuid, Text, Integer)>()
        .load(conn)
        .await
        .map_err(|error| Fault::database("searching", error))?;
    Ok(rows.into_iter().filter_map(|(id, kind, rank)| Some(Hit { id, kind: kind.parse().ok()?, rank })).collect())
}

/// How many nodes are found.
pub async fn count(conn: &mut AsyncPgConnection, viewer: &Viewer, search: &Search) -> Result<i64, Fault> {
    Sql::new("SELECT count(*) FROM (")
        .append(found(search, viewer, "0"))
        .push(") AS found")
        .returning::<BigInt>()
        .get_result(conn)
        .await
        .map_err(|error| Fault::database("counting what is found", error))
}

/// How what is found divides, the fullest bucket first; one more than [`MAX_BUCKETS`] tells that there are more.
pub async fn facet(
    conn: &mut AsyncPgConnection,
    viewer: &Viewer,
    search: &Search,
    by: Dimension,
) -> Result<Vec<Bucket>, Fault> {
    let mut values = match by {
        Dimension::Kind => Sql::new("SELECT kind AS value FROM found"),
        Dimension::Topic
        | Dimension::Language
        | Dimension::Community
        | Dimension::Organization
        | Dimension::Region
        | Dimension::Year => Sql::new("SELECT NULL::text AS value WHERE FALSE"),
    };
    if by != Dimension::Kind {
        let branches = [
            branch::<Organizations>(by, viewer),
            branch::<Communities>(by, viewer),
            branch::<People>(by, viewer),
            branch::<Projects>(by, viewer),
            branch::<Items>(by, viewer),
        ];
        for branch in branches.into_iter().flatten() {
            values = values.push(" UNION ALL ").append(branch);
        }
    }
    // SQL: what is found once, then its rows by primary key.
    let rows: Vec<(String, i64)> = Sql::new("WITH found AS MATERIALIZED (")
        .append(found(search, viewer, "0"))
        .push(") SELECT value, count(*) FROM (")
        .append(values)
        .push(") AS bucket WHERE value IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1")
        .limit(i64::try_from(MAX_BUCKETS).unwrap_or(i64::MAX).saturating_add(1))
        .returning::<(Text, BigInt)>()
        .load(conn)
        .await
        .map_err(|error| Fault::database("dividing what is found", error))?;
    Ok(rows.into_iter().map(|(value, count)| Bucket { value, count }).collect())
}

/// Which words, as they stand in texts, are found by which word of which phrase of a search.
pub async fn matching(
    conn: &mut AsyncPgConnection,
    viewer: &Viewer,
    text: &str,
    words: HashSet<(Stemming, String)>,
) -> Result<Phrases, Fault> {
    let (stemmings, written): (Vec<&str>, Vec<String>) =
        words.into_iter().map(|(stemming, word)| (stemming.configuration(), word)).unzip();
    // SQL: no table but that of topics' words. Each word is stemmed once, in the language of its text. What is no more
    // than grammar ("de" in "fin de vie") is found as it stands, within a phrase that says something.
    type Row = (i64, i64, i64, String, String);
    let rows: Vec<Row> = Sql::new("WITH w AS MATERIALIZED (SELECT f.configuration, f.word, f.folded, to_tsvector(f.configuration::regconfig, f.folded) AS vector FROM (SELECT a.configuration, a.word, trim(search_words(a.word)) AS folded FROM unnest(")
        .texts(stemmings)
        .push(", ")
        .texts(written)
        .push(") AS a (configuration, word)) AS f), p AS MATERIALIZED (SELECT t.*, bool_or(t.term IS NOT NULL) OVER (PARTITION BY t.nth) AS says FROM (SELECT p.nth, cardinality(p.words)::bigint AS length, a.place, a.word, search_term(a.word, p.is_last AND a.place = cardinality(p.words))::tsquery AS term FROM search_phrases(")
        .text(text)
        .push(", ")
        .append(listing::atoms(viewer))
        .push(
            ") WITH ORDINALITY AS p (span, words, is_last, nth), unnest(p.words) WITH ORDINALITY AS a (word, place)) AS t) \
             SELECT p.nth, p.length, p.place, w.configuration, w.word FROM p \
             JOIN w ON w.vector @@ p.term OR (p.term IS NULL AND w.folded = p.word) WHERE p.says",
        )
        .returning::<(BigInt, BigInt, BigInt, Text, Text)>()
        .load(conn)
        .await
        .map_err(|error| Fault::database("looking for matches", error))?;
    let mut phrases = Phrases::default();
    for (phrase, length, place, configuration, word) in rows {
        let number = |number: i64| usize::try_from(number).unwrap_or_default();
        if let Some(stemming) = Stemming::of_configuration(&configuration) {
            phrases.add(number(phrase), number(length), number(place), stemming, word);
        }
    }
    Ok(phrases)
}

/// What is found, with its kind and this as its rank.
fn found(search: &Search, viewer: &Viewer, rank: &'static str) -> Sql {
    // SQL: the words by search_documents_document; each filter at the row of its kind by primary key.
    let mut sql = Sql::new("SELECT d.node_id, d.kind, ")
        .push(rank)
        .push(" AS rank FROM search_query(")
        .text(search.text.as_str())
        .push(", ")
        .append(listing::atoms(viewer))
        .push(") AS q (query), search_documents d WHERE d.document @@ q.query AND ")
        .append(listing::visible_to(viewer, "d.is_public", "d.audience"));
    if let Some(kinds) = &search.kinds {
        sql = sql.and(Sql::new("d.kind = ANY (").texts(kinds.iter().map(AsRef::as_ref)).push(")"));
    }
    if search.filter != SearchFilter::default() {
        let mut any = Sql::new("FALSE");
        for kind in NodeKind::VARIANTS.iter().filter(|kind| search::is_searched(**kind)) {
            if let Some(narrowed) = narrowed(*kind, &search.filter, viewer) {
                any = any.push(" OR (").append(narrowed).push(")");
            }
        }
        sql = sql.and(any);
    }
    sql
}

/// The condition that a found node of a kind passes the filter; null when none of the kind can.
fn narrowed(kind: NodeKind, filter: &SearchFilter, viewer: &Viewer) -> Option<Sql> {
    let SearchFilter { topics, communities, organizations, languages, regions } = filter.clone();
    match kind {
        NodeKind::Topic => {
            let alone = communities.is_none() && organizations.is_none() && languages.is_none() && regions.is_none();
            let family = Sql::new("d.kind = 'TOPIC' AND d.node_id IN (SELECT id FROM topic_family(")
                .uuids(topics.filter(|_| alone)?)
                .push(", ")
                .append(listing::atoms(viewer))
                .push("))");
            Some(family)
        }
        NodeKind::Organization => {
            let own =
                OrganizationFilter { communities, parents: organizations, languages, regions, ..Default::default() };
            topics.is_none().then(|| at_row::<Organizations>("d.kind = 'ORGANIZATION'", &own, viewer))
        }
        NodeKind::Community => {
            let own = CommunityFilter { topics, organizations, languages, regions, ..Default::default() };
            let row = at_row::<Communities>("d.kind = 'COMMUNITY'", &own, viewer);
            Some(match communities {
                Some(ids) => row.and(Sql::new("d.node_id = ANY (").uuids(ids).push(")")),
                None => row,
            })
        }
        NodeKind::Person => {
            let own = PersonFilter { topics, communities, organizations, languages, regions, ..Default::default() };
            Some(at_row::<People>("d.kind = 'PERSON'", &own, viewer))
        }
        NodeKind::Project => {
            let own = ProjectFilter { communities, organizations, ..Default::default() };
            let has_all = topics.is_none() && languages.is_none() && regions.is_none();
            has_all.then(|| at_row::<Projects>("d.kind = 'PROJECT'", &own, viewer))
        }
        NodeKind::Item => {
            let own = ItemFilter { topics, communities, organizations, languages, ..Default::default() };
            regions.is_none().then(|| at_row::<Items>("d.kind = 'ITEM'", &own, viewer))
        }
        NodeKind::Role | NodeKind::Membership | NodeKind::Link => None,
    }
}

fn at_row<K: Listed>(is_kind: &'static str, filter: &K::Filter, viewer: &Viewer) -> Sql {
    Sql::new(is_kind)
        .push(" AND d.node_id IN (SELECT ")
        .push(K::ID)
        .push(" FROM ")
        .push(K::TABLE)
        .push(" WHERE ")
        .append(K::condition(filter, viewer))
        .push(")")
}

/// The values of a dimension among the found nodes of one kind; null when the kind has none.
fn branch<K: Listed>(by: Dimension, viewer: &Viewer) -> Option<Sql> {
    let values = K::values(by, viewer)?;
    let sql = Sql::new("SELECT ")
        .push(values.value)
        .push(" FROM ")
        .push(K::TABLE)
        .append(values.join)
        .push(" WHERE ")
        .push(K::ID)
        .push(" IN (SELECT found.node_id FROM found) AND ")
        .append(K::visible(viewer));
    Some(sql)
}
