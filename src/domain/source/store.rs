//! The rows of sources. A source is as visible as its node, and for a person as the field that it speaks of.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use diesel::pg::Pg;
use diesel::{Insertable, Queryable, Selectable, SelectableHelper};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt;
use uuid::Uuid;

use crate::db::column::{self, Json, Word};
use crate::db::coverage::TextColumn;
use crate::db::facets::{Dimension, Values};
use crate::db::listing::{self, Listed, Loaded, Selection};
use crate::db::page::{SortColumn, SortKey};
use crate::db::per_parent::PerParent;
use crate::db::schema::sources;
use crate::db::statement::{Rows, Sql};
use crate::db::write::Tx;
use crate::domain::record::SourceRecord;
use crate::error::Fault;
use crate::policy::Viewer;
use crate::text::language::{LanguageTag, Languages};
use crate::text::texts::Texts;

/// One source of one node.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = sources, check_for_backend(Pg))]
pub struct SourceRow {
    /// The source.
    pub id: Uuid,
    /// The node it speaks of.
    pub node_id: Uuid,
    /// Its place among the node's sources.
    pub position: i32,
    /// The language that the node was written in.
    pub original_language: Word<LanguageTag>,
    /// The field it speaks of; null: the whole node.
    pub field: Option<String>,
    /// Who published it; null: not stated.
    pub publisher: Option<String>,
    /// Its title; null: not stated.
    pub title: Option<Json<Texts>>,
    /// Its address; null: not stated.
    pub url: Option<String>,
    /// The day it was read; null: not stated.
    pub retrieved_on: Option<NaiveDate>,
    /// Its own words; null: not quoted.
    pub quote: Option<Json<Texts>>,
}

/// Sources, listed by node in the order of import.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Sources;

/// What a list of sources hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SourcesOf {
    /// The node they speak of.
    Node,
}

/// What sources are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::AsRefStr)]
pub enum SourceOrder {
    /// The order of import.
    Position,
}

/// What a list of sources is narrowed by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, serde::Serialize)]
pub struct SourceFilter {
    /// Those that speak of one of these fields.
    pub fields: Option<Vec<String>>,
}

impl Listed for Sources {
    type Row = SourceRow;
    type Filter = SourceFilter;
    type Order = SourceOrder;
    type Of = SourcesOf;

    const TABLE: &'static str = "sources";
    const ID: &'static str = "sources.id";
    const TEXTS: &'static [TextColumn] = &[("title", "sources.title"), ("quote", "sources.quote")];

    fn condition(filter: &SourceFilter, _viewer: &Viewer) -> Sql {
        match &filter.fields {
            None => Sql::new("TRUE"),
            Some(fields) => Sql::new("sources.field = ANY (").texts(fields.clone()).push(")"),
        }
    }

    fn hangs_on(of: SourcesOf, _viewer: &Viewer) -> Sql {
        match of {
            SourcesOf::Node => Sql::new("sources.node_id = parent.id"),
        }
    }

    fn columns(order: SourceOrder, _languages: &Languages) -> Vec<SortColumn> {
        match order {
            // Ids ascend in the order of import.
            SourceOrder::Position => Vec::new(),
        }
    }

    fn keys(_row: &SourceRow, order: SourceOrder, _languages: &Languages) -> Vec<SortKey> {
        match order {
            SourceOrder::Position => Vec::new(),
        }
    }

    fn id(row: &SourceRow) -> Uuid {
        row.id
    }

    fn read_bytes(row: &SourceRow) -> usize {
        [column::read_bytes(&row.title), column::read_bytes(&row.quote)].into_iter().sum()
    }

    fn values(_by: Dimension, _viewer: &Viewer) -> Option<Values> {
        None
    }

    fn visible(viewer: &Viewer) -> Sql {
        // SQL: the node and the person by primary key. A source names its field as the transfer format does
        // ("homeOrganization"), field audiences as the vocabulary does ("HOME_ORGANIZATION"). What speaks of
        // a whole person, or of something without an audience of its own, is for those who see every field.
        let node = Sql::new("EXISTS (SELECT 1 FROM nodes WHERE nodes.id = sources.node_id AND ")
            .append(listing::visible_to(viewer, "nodes.is_public", "nodes.audience"))
            .push(")");
        let Some(atoms) = viewer.atoms() else { return node };
        let hidden_field = Sql::new(
            "NOT EXISTS (SELECT 1 FROM people, jsonb_each(people.field_audiences) AS shown WHERE people.id = sources.node_id \
             AND (sources.field IS NULL OR NOT people.field_audiences ? upper(regexp_replace(sources.field, '([A-Z])', '_\\1', 'g')) \
             OR shown.key = upper(regexp_replace(sources.field, '([A-Z])', '_\\1', 'g'))) AND NOT shown.value ?| ",
        )
        .texts(atoms)
        .push(")");
        node.and(hidden_field)
    }

    fn load<'a>(rows: Rows<Selection<Self>>, conn: &'a mut AsyncPgConnection) -> Loaded<'a, SourceRow> {
        rows.load(conn).boxed()
    }

    fn load_per_parent<'a>(
        rows: PerParent<Rows<Selection<Self>>>,
        conn: &'a mut AsyncPgConnection,
    ) -> Loaded<'a, (Uuid, SourceRow)> {
        rows.load(conn).boxed()
    }
}

/// Puts these sources in the place of a node's sources.
pub async fn replace(
    tx: &mut Tx,
    node_id: Uuid,
    original: &LanguageTag,
    records: &[SourceRecord],
) -> Result<(), Fault> {
    let doing = |error: diesel::result::Error| Fault::database("writing sources", error);
    // SQL: by the unique index on (node_id, position).
    Sql::new("DELETE FROM sources WHERE node_id = ")
        .uuid(node_id)
        .returning::<()>()
        .execute(tx.conn())
        .await
        .map_err(doing)?;
    let mut rows = Vec::new();
    for (position, record) in (0_i32..).zip(records) {
        rows.push(SourceRow {
            id: tx.new_id(),
            node_id,
            position,
            original_language: Word(original.clone()),
            field: record.field.clone(),
            publisher: record.publisher.clone(),
            title: record.title.clone().map(Json::new),
            url: record.url.clone(),
            retrieved_on: record.retrieved_on,
            quote: record.quote.clone().map(Json::new),
        });
    }
    diesel::insert_into(sources::table).values(rows).execute(tx.conn()).await.map(|_| ()).map_err(doing)
}

/// The sources of many nodes in the transfer format, for the hub itself: comparing and exporting.
pub async fn records(
    conn: &mut AsyncPgConnection,
    viewer: &Viewer,
    nodes: Vec<Uuid>,
) -> Result<BTreeMap<Uuid, Vec<SourceRecord>>, Fault> {
    let rows = Rows {
        selection: SourceRow::as_select(),
        table: Sources::TABLE,
        condition: Sources::visible(viewer).and(Sql::new("sources.node_id = ANY (").uuids(nodes).push(")")),
        order: Sql::new(" ORDER BY sources.node_id, sources.position"),
    };
    let found: Vec<SourceRow> = rows.load(conn).await.map_err(|error| Fault::database("reading sources", error))?;
    let mut records: BTreeMap<Uuid, Vec<SourceRecord>> = BTreeMap::new();
    for row in found {
        records.entry(row.node_id).or_default().push(SourceRecord {
            field: row.field,
            publisher: row.publisher,
            title: row.title.map(Json::into_inner),
            url: row.url,
            retrieved_on: row.retrieved_on,
            quote: row.quote.map(Json::into_inner),
        });
    }
    Ok(records)
}
