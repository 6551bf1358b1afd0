//! Lists of every kind, read one way: visibility, filter, place and order in one statement.
//!
//! A kind says what its filter, its orders and its parents mean in SQL ([`Listed`]); the functions here are the only
//! ones that read rows, and each takes the viewer, so that no list can forget who asks.

use std::collections::{HashMap, HashSet};
use std::fmt::Debug;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use diesel::pg::Pg;
use diesel::result::QueryResult;
use diesel::sql_types::{BigInt, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::future::BoxFuture;
use serde::Serialize;
use uuid::Uuid;

use crate::db::coverage::TextColumn;
use crate::db::facets::{Dimension, Values};
use crate::db::page::{self, Direction, Page, SortColumn, SortKey};
use crate::db::per_parent::PerParent;
use crate::db::statement::{Rows, Sql};
use crate::error::Fault;
use crate::policy::{NodeKind, Viewer};
use crate::text::language::{LanguageTag, Languages};

/// A kind of row that is listed, filtered, ordered and looked up.
pub trait Listed: Copy + Debug + Eq + Hash + Send + Sync + 'static {
    /// One row of the table.
    type Row: diesel::Selectable<Pg> + Send + Sync + 'static;
    /// What a list may be narrowed by; the default narrows nothing.
    type Filter: Clone + Debug + Default + Eq + Hash + Serialize + Send + Sync + 'static;
    /// What a list may be ordered by.
    type Order: Copy + Debug + Eq + Hash + Send + Sync + 'static;
    /// Which nodes a list may hang on.
    type Of: Copy + Debug + Eq + Hash + Send + Sync + 'static;

    /// The table.
    const TABLE: &'static str;
    /// The table's id column, qualified.
    const ID: &'static str;
    /// The texts that a row can have in several languages, one column each; parts of lists are not among them.
    const TEXTS: &'static [TextColumn];

    /// The condition of a filter.
    fn condition(filter: &Self::Filter, viewer: &Viewer) -> Sql;
    /// The condition that a row hangs on `parent.id`.
    fn hangs_on(of: Self::Of, viewer: &Viewer) -> Sql;
    /// A table of pairs that holds this order for each parent; null: the rows have to be sorted. Most kinds have none.
    fn pairs(_of: Self::Of, _order: Self::Order, _viewer: &Viewer) -> Option<Pairs> {
        None
    }
    /// The columns of an order.
    fn columns(order: Self::Order, languages: &Languages) -> Vec<SortColumn>;
    /// The values of those columns for a row.
    fn keys(row: &Self::Row, order: Self::Order, languages: &Languages) -> Vec<SortKey>;
    /// The row's id.
    fn id(row: &Self::Row) -> Uuid;
    /// How many bytes the columns of a row hold that may be long, as they were read.
    fn read_bytes(_row: &Self::Row) -> usize {
        0
    }
    /// Where the values of a dimension come from; null: rows of this kind have none.
    fn values(by: Dimension, viewer: &Viewer) -> Option<Values>;
    /// The rows' condition of visibility; kinds that are not nodes decide it by their node.
    fn visible(viewer: &Viewer) -> Sql;

    /// Runs the statement (`rows.load(conn)`, written where the row type is known).
    fn load<'a>(rows: Rows<Selection<Self>>, conn: &'a mut AsyncPgConnection) -> Loaded<'a, Self::Row>;
    /// Runs the statement for many parents.
    fn load_per_parent<'a>(
        rows: PerParent<Rows<Selection<Self>>>,
        conn: &'a mut AsyncPgConnection,
    ) -> Loaded<'a, (Uuid, Self::Row)>;
}

/// A table of pairs with a copy of the order of its rows, so that the first children of a parent are the first of an
/// index and nothing is sorted.
pub struct Pairs {
    /// The kind's table joined to the pairs.
    pub tables: &'static str,
    /// The condition that a pair is of `parent.id`, as the index has it.
    pub condition: Sql,
    /// The columns of the order, in the pairs.
    pub columns: Vec<SortColumn>,
    /// The column of the child's id, in the pairs.
    pub id: &'static str,
}

/// Rows on their way from the database.
pub type Loaded<'a, R> = BoxFuture<'a, QueryResult<Vec<R>>>;

/// The columns of a kind's row.
pub type Selection<K> = diesel::dsl::AsSelect<<K as Listed>::Row, Pg>;

/// A list as it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<K: Listed> {
    /// What it is narrowed by.
    pub filter: Arc<K::Filter>,
    /// What it is ordered by.
    pub order: K::Order,
    /// Which way.
    pub direction: Direction,
    /// Which page of it.
    pub page: Page,
    /// The reader's languages, since texts are ordered as they are served.
    pub languages: Arc<Languages>,
}

/// Lists are keys of loaders, once for each parent: of the many parts of a filter none is hashed when it narrows nothing.
impl<K: Listed> Hash for List<K> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let Self { filter, order, direction, page, languages } = self;
        (order, direction, page, languages).hash(state);
        if **filter != K::Filter::default() {
            filter.hash(state);
        }
    }
}

/// Who may see the rows of a table with an audience. Twin of `policy::sees`.
///
/// Anonymous viewers are a literal condition, because partial indexes need one.
pub fn visible_to(viewer: &Viewer, is_public: &'static str, audience: &'static str) -> Sql {
    if *viewer == Viewer::Anonymous {
        return Sql::new(is_public);
    }
    match viewer.atoms() {
        None => Sql::new("TRUE"),
        Some(atoms) => Sql::new(audience).push(" && ").texts(atoms),
    }
}

/// The viewer's atoms for an SQL function; null: the viewer sees everything.
pub fn atoms(viewer: &Viewer) -> Sql {
    match viewer.atoms() {
        None => Sql::new("NULL::text[]"),
        Some(atoms) => Sql::default().texts(atoms),
    }
}

/// The condition that a node is linked, whichever way, to one of the nodes that a subquery names.
pub fn linked_to(id: &'static str, others: Sql, viewer: &Viewer) -> Sql {
    // SQL: both ends of links by their indexes.
    let seen = visible_to(viewer, "l.is_public", "l.audience");
    Sql::new(id)
        .push(" IN (SELECT l.from_id FROM links l WHERE l.to_id IN (")
        .append(others.clone())
        .push(")")
        .and(seen.clone())
        .push(" UNION ALL SELECT l.to_id FROM links l WHERE l.from_id IN (")
        .append(others)
        .push(")")
        .and(seen)
        .push(")")
}

/// The condition that a node is linked, whichever way, to `parent.id`.
pub fn linked_to_parent(id: &'static str, viewer: &Viewer) -> Sql {
    linked_to(id, Sql::new("parent.id"), viewer)
}

/// The condition that one of the languages in a column serves one of these; fr-CA and fr find each other, while the tags
/// x-… and i-… share no language with any other.
pub fn serves(column: &'static str, languages: &[String]) -> Sql {
    let primary = languages.iter().filter_map(|tag| tag.split('-').next().filter(|first| first.len() > 1));
    Sql::new(column)
        .push(" && ")
        .texts(languages.to_vec())
        .push(" OR EXISTS (SELECT 1 FROM unnest(")
        .push(column)
        .push(") AS l WHERE split_part(l, '-', 1) = ANY (")
        .texts(primary)
        .push("))")
}

/// A text of a row as the reader is served it, for an order. Twin of `Texts::look_up`.
pub fn served(texts: &'static str, original: &'static str, languages: &Languages) -> Sql {
    // The first wanted tag, if the text is there in it, is what look-up ends with; only else it has to be gone through.
    let first = match languages.wanted().first() {
        Some(tag) => Sql::default().text(tag.as_str()),
        None => Sql::new(original),
    };
    Sql::new("coalesce(")
        .push(texts)
        .push(" ->> ")
        .append(first)
        .push(", served_text(")
        .push(texts)
        .push(", ")
        .texts(languages.wanted().iter().map(LanguageTag::as_str))
        .push(", ")
        .push(original)
        .push(", ")
        .text(languages.default().as_str())
        .push(")) COLLATE \"und-x-icu\"")
}

/// The rows of one page, at most one more than its size, in the page's order (backward pages from their end).
pub async fn page<K: Listed>(
    conn: &mut AsyncPgConnection,
    viewer: &Viewer,
    list: &List<K>,
) -> Result<Vec<K::Row>, Fault> {
    let rows = rows_of_page(viewer, list, K::visible(viewer));
    K::load(rows, conn).await.map_err(|error| Fault::database(K::TABLE, error))
}

/// The rows of one page for each parent.
pub async fn page_per_parent<K: Listed>(
    conn: &mut AsyncPgConnection,
    viewer: &Viewer,
    of: K::Of,
    list: &List<K>,
    parents: Vec<Uuid>,
) -> Result<HashMap<Uuid, Vec<K::Row>>, Fault> {
    let query = match K::pairs(of, list.order, viewer) {
        Some(pairs) => rows_of_pairs(viewer, list, pairs),
        None => rows_of_page(viewer, list, K::visible(viewer).and(K::hangs_on(of, viewer))),
    };
    let query = PerParent { parents, query };
    let found = K::load_per_parent(query, conn).await.map_err(|error| Fault::database(K::TABLE, error))?;
    let mut grouped: HashMap<Uuid, Vec<K::Row>> = HashMap::new();
    for (parent, row) in found {
        grouped.entry(parent).or_default().push(row);
    }
    Ok(grouped)
}

/// How many rows a viewer can list.
pub async fn count<K: Listed>(conn: &mut AsyncPgConnection, viewer: &Viewer, filter: &K::Filter) -> Result<i64, Fault> {
    // SQL: the same condition as the page's, without order; no index is needed beyond the filter's own.
    let statement = Sql::new("SELECT count(*) FROM ")
        .push(K::TABLE)
        .push(" WHERE ")
        .append(K::visible(viewer))
        .and(K::condition(filter, viewer))
        .returning::<BigInt>();
    statement.get_result(conn).await.map_err(|error| Fault::database(K::TABLE, error))
}

/// How many rows a viewer can list for each parent.
pub async fn count_per_parent<K: Listed>(
    conn: &mut AsyncPgConnection,
    viewer: &Viewer,
    of: K::Of,
    filter: &K::Filter,
    parents: Vec<Uuid>,
) -> Result<HashMap<Uuid, i64>, Fault> {
    // SQL: one count per parent, over the index that `hangs_on` uses.
    let query = Sql::new("SELECT count(*) AS count FROM ")
        .push(K::TABLE)
        .push(" WHERE ")
        .append(K::visible(viewer))
        .and(K::hangs_on(of, viewer))
        .and(K::condition(filter, viewer))
        .returning::<BigInt>();
    let counts: Vec<(Uuid, i64)> = PerParent { parents, query }
        .load::<(Uuid, i64)>(conn)
        .await
        .map_err(|error| Fault::database(K::TABLE, error))?;
    Ok(counts.into_iter().collect())
}

/// The rows with these ids that the viewer may see, in no order.
pub async fn by_ids<K: Listed>(
    conn: &mut AsyncPgConnection,
    viewer: &Viewer,
    ids: Vec<Uuid>,
) -> Result<HashMap<Uuid, K::Row>, Fault> {
    let rows = Rows {
        selection: selection::<K>(),
        table: K::TABLE,
        condition: K::visible(viewer).and(Sql::new(K::ID).push(" = ANY (").keys(ids).push(")")),
        order: Sql::default(),
    };
    let found = K::load(rows, conn).await.map_err(|error| Fault::database(K::TABLE, error))?;
    Ok(found.into_iter().map(|row| (K::id(&row), row)).collect())
}

/// Which of these rows a filter lets through and the viewer sees.
pub async fn matching<K: Listed>(
    conn: &mut AsyncPgConnection,
    viewer: &Viewer,
    filter: &K::Filter,
    ids: Vec<Uuid>,
) -> Result<HashSet<Uuid>, Fault> {
    // SQL: by primary key, then what the filter asks for.
    let found: Vec<Uuid> = Sql::new("SELECT ")
        .push(K::ID)
        .push(" FROM ")
        .push(K::TABLE)
        .push(" WHERE ")
        .push(K::ID)
        .push(" = ANY (")
        .keys(ids)
        .push(")")
        .and(K::visible(viewer))
        .and(K::condition(filter, viewer))
        .returning::<SqlUuid>()
        .load(conn)
        .await
        .map_err(|error| Fault::database(K::TABLE, error))?;
    Ok(found.into_iter().collect())
}

/// Rows in the order of their keys, after one of them; for export.
pub async fn by_key_after<K: Listed>(
    conn: &mut AsyncPgConnection,
    viewer: &Viewer,
    key: &'static str,
    after: &str,
    limit: i64,
) -> Result<Vec<K::Row>, Fault> {
    let rows = Rows {
        selection: selection::<K>(),
        table: K::TABLE,
        condition: K::visible(viewer).and(Sql::new(key).push(" COLLATE \"C\" > ").text(after)),
        order: Sql::new(" ORDER BY ").push(key).push(" COLLATE \"C\"").limit(limit),
    };
    K::load(rows, conn).await.map_err(|error| Fault::database(K::TABLE, error))
}

/// The node that has, or once had, each slug, as far as the viewer sees it: a look-up that leads to what is hidden takes no
/// more statements than one that leads nowhere.
pub async fn by_slugs(
    conn: &mut AsyncPgConnection,
    viewer: &Viewer,
    kind: NodeKind,
    slugs: Vec<String>,
) -> Result<HashMap<String, Uuid>, Fault> {
    // SQL: both by primary key.
    let statement = Sql::new("SELECT s.slug, s.node_id FROM slugs s JOIN nodes n ON n.id = s.node_id WHERE s.kind = ")
        .text(kind.as_ref())
        .push(" AND s.slug = ANY (")
        .texts(slugs)
        .push(")")
        .and(visible_to(viewer, "n.is_public", "n.audience"))
        .returning::<(Text, SqlUuid)>();
    let found: Vec<(String, Uuid)> =
        statement.load(conn).await.map_err(|error| Fault::database("looking up slugs", error))?;
    Ok(found.into_iter().collect())
}

fn selection<K: Listed>() -> Selection<K> {
    <K::Row as diesel::SelectableHelper<Pg>>::as_select()
}

fn rows_of_pairs<K: Listed>(viewer: &Viewer, list: &List<K>, pairs: Pairs) -> Rows<Selection<K>> {
    let Pairs { tables, condition, columns, id } = pairs;
    let mut condition = condition.and(K::visible(viewer)).and(K::condition(&list.filter, viewer));
    if let Some(between) = page::between(&columns, id, list.direction, &list.page) {
        condition = condition.and(between);
    }
    Rows {
        selection: selection::<K>(),
        table: tables,
        condition,
        order: page::order(&columns, id, list.direction, &list.page),
    }
}

fn rows_of_page<K: Listed>(viewer: &Viewer, list: &List<K>, scope: Sql) -> Rows<Selection<K>> {
    let columns = K::columns(list.order, &list.languages);
    let mut condition = scope.and(K::condition(&list.filter, viewer));
    if let Some(between) = page::between(&columns, K::ID, list.direction, &list.page) {
        condition = condition.and(between);
    }
    Rows {
        selection: selection::<K>(),
        table: K::TABLE,
        condition,
        order: page::order(&columns, K::ID, list.direction, &list.page),
    }
}
