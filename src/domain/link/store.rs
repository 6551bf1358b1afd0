//! The rows of links.

use chrono::{DateTime, NaiveDate, Utc};
use diesel::pg::Pg;
use diesel::{AsChangeset, Insertable, QueryDsl, Queryable, Selectable};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt;
use serde::Serialize;
use strum::{AsRefStr, EnumMessage, EnumString, VariantArray};
use uuid::Uuid;

use crate::db::column::{self, Json, Word};
use crate::db::coverage::TextColumn;
use crate::db::dates::{self, DateRange};
use crate::db::facets::{Dimension, Values};
use crate::db::listing::{self, Listed, Loaded, Selection};
use crate::db::page::{SortColumn, SortKey};
use crate::db::per_parent::PerParent;
use crate::db::schema::links;
use crate::db::statement::{Rows, Sql};
use crate::db::write::Tx;
use crate::domain::link::record::LinkRecord;
use crate::domain::link::rules::{self, LinkDirection, LinkKind, Speaker};
use crate::domain::node::{self, Line, Lines, Owed, Saved, Stored, Writing};
use crate::domain::owners;
use crate::domain::record::{self, Header, Keys, NodeReference};
use crate::domain::source;
use crate::error::Fault;
use crate::policy::{NodeKind, On, Owners, Viewer};
use crate::text::imprecise_date::ImpreciseDate;
use crate::text::language::{LanguageTag, Languages};
use crate::text::texts::{Fields, Texts};
use crate::text::vocabulary::Vocabulary;

/// One link.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = links, check_for_backend(Pg), treat_none_as_null = true)]
pub struct LinkRow {
    /// The link.
    pub id: Uuid,
    /// The import key.
    pub key: String,
    /// Who may see it.
    pub audience: Vec<String>,
    /// The language it was written in.
    pub original_language: Word<LanguageTag>,
    /// The hash of the line it was imported from last.
    pub import_hash: Option<String>,
    /// When somebody last verified it; null: not yet.
    pub verified_on: Option<NaiveDate>,
    /// Counts the writes.
    pub version: i32,
    /// When it was first written.
    pub created_at: DateTime<Utc>,
    /// When it was last written.
    pub updated_at: DateTime<Utc>,
    /// What it says.
    pub kind: Word<LinkKind>,
    /// Where it starts.
    pub from_id: Uuid,
    /// The kind of node there.
    pub from_kind: Word<NodeKind>,
    /// Where it leads.
    pub to_id: Uuid,
    /// The kind of node there.
    pub to_kind: Word<NodeKind>,
    /// Since when; null: not stated.
    pub since: Option<Json<ImpreciseDate>>,
    /// The first day that this can mean.
    pub since_earliest: Option<NaiveDate>,
    /// The last day that this can mean.
    pub since_latest: Option<NaiveDate>,
    /// Until when; null: not stated, or it goes on.
    pub until: Option<Json<ImpreciseDate>>,
    /// The first day that this can mean.
    pub until_earliest: Option<NaiveDate>,
    /// The last day that this can mean.
    pub until_latest: Option<NaiveDate>,
    /// What else the source says; null: nothing.
    pub note: Option<Json<Texts>>,
    /// Whether it was retired.
    pub retired: bool,
}

/// Links.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Links;

/// What a list of links is narrowed by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct LinkFilter {
    /// Those of one of these kinds.
    pub kinds: Option<Vec<String>>,
    /// Those that start at one of these nodes.
    pub from: Option<Vec<Uuid>>,
    /// Those that lead to one of these nodes.
    pub to: Option<Vec<Uuid>>,
    /// Those that held then, from the start to the end.
    pub held: Option<DateRange>,
}

/// What links are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, AsRefStr, EnumString, EnumMessage, VariantArray)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum LinkOrder {
    /// Since when they hold: earliest, then latest.
    Since,
    /// When they came to the hub.
    CreatedAt,
}

impl Vocabulary for LinkOrder {
    const NAME: &'static str = "LinkOrderField";
    const ABOUT: &'static str = "What links are ordered by. Equals are ordered by id; nulls come last both ways.";
}

/// What a list of links hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LinksOf {
    /// The links of a node, one way or (null) both.
    Node(Option<LinkDirection>),
}

impl LinkRow {
    /// Every text in several languages, by the path of its field.
    pub fn texts(&self) -> Fields<'_> {
        let mut fields = Fields::new();
        record::put(&mut fields, "note", self.note.as_deref());
        record::put(&mut fields, "since/label", self.since.as_deref().and_then(ImpreciseDate::label));
        record::put(&mut fields, "until/label", self.until.as_deref().and_then(ImpreciseDate::label));
        fields
    }
}

impl Listed for Links {
    type Row = LinkRow;
    type Filter = LinkFilter;
    type Order = LinkOrder;
    type Of = LinksOf;

    const TABLE: &'static str = "links";
    const ID: &'static str = "links.id";
    const TEXTS: &'static [TextColumn] = &[("note", "links.note")];

    fn condition(filter: &LinkFilter, _viewer: &Viewer) -> Sql {
        let mut sql = Sql::new("TRUE");
        if let Some(kinds) = &filter.kinds {
            sql = sql.and(Sql::new("links.kind = ANY (").texts(kinds.clone()).push(")"));
        }
        for (start, ids) in [("links.from_id = ANY (", &filter.from), ("links.to_id = ANY (", &filter.to)] {
            if let Some(ids) = ids {
                sql = sql.and(Sql::new(start).uuids(ids.clone()).push(")"));
            }
        }
        if let Some(range) = &filter.held {
            sql = sql.and(dates::within("links.since_earliest", "links.until_latest", range));
        }
        sql
    }

    fn hangs_on(of: LinksOf, _viewer: &Viewer) -> Sql {
        match of {
            LinksOf::Node(Some(LinkDirection::Outgoing)) => Sql::new("links.from_id = parent.id"),
            LinksOf::Node(Some(LinkDirection::Incoming)) => Sql::new("links.to_id = parent.id"),
            LinksOf::Node(None) => Sql::new("links.from_id = parent.id OR links.to_id = parent.id"),
        }
    }

    fn columns(order: LinkOrder, _languages: &Languages) -> Vec<SortColumn> {
        match order {
            LinkOrder::Since => vec![
                SortColumn::nullable_date(Sql::new("links.since_earliest")),
                SortColumn::nullable_date(Sql::new("links.since_latest")),
            ],
            LinkOrder::CreatedAt => vec![SortColumn::time(Sql::new("links.created_at"))],
        }
    }

    fn keys(row: &LinkRow, order: LinkOrder, _languages: &Languages) -> Vec<SortKey> {
        match order {
            LinkOrder::Since => vec![SortKey::Date(row.since_earliest), SortKey::Date(row.since_latest)],
            LinkOrder::CreatedAt => vec![SortKey::Time(row.created_at)],
        }
    }

    fn id(row: &LinkRow) -> Uuid {
        row.id
    }

    fn read_bytes(row: &LinkRow) -> usize {
        column::read_bytes(&row.note)
    }

    fn values(by: Dimension, _viewer: &Viewer) -> Option<Values> {
        match by {
            Dimension::Kind => Some(Values::column("links.kind")),
            Dimension::Year => Some(Values::column("extract(year FROM links.since_earliest)::text")),
            Dimension::Topic
            | Dimension::Language
            | Dimension::Community
            | Dimension::Organization
            | Dimension::Region => None,
        }
    }

    fn visible(viewer: &Viewer) -> Sql {
        listing::visible_to(viewer, "links.is_public", "links.audience")
    }

    fn load<'a>(rows: Rows<Selection<Self>>, conn: &'a mut AsyncPgConnection) -> Loaded<'a, LinkRow> {
        rows.load(conn).boxed()
    }

    fn load_per_parent<'a>(
        rows: PerParent<Rows<Selection<Self>>>,
        conn: &'a mut AsyncPgConnection,
    ) -> Loaded<'a, (Uuid, LinkRow)> {
        rows.load(conn).boxed()
    }
}

impl Stored for Links {
    type Record = LinkRecord;

    const KEY: &'static str = "links.key";

    fn lines<'a>(conn: &'a mut AsyncPgConnection, viewer: &'a Viewer, rows: Vec<LinkRow>) -> Lines<'a, LinkRecord> {
        lines(conn, viewer, rows).boxed()
    }

    fn save<'a>(
        tx: &'a mut Tx,
        id: Uuid,
        line: &'a Line<LinkRecord>,
        hash: Option<&'a str>,
        keys: &'a Keys,
    ) -> Owed<'a> {
        async move {
            save(tx, id, line, hash, keys).await?;
            Ok(Vec::new())
        }
        .boxed()
    }
}

/// Writes a link from a line of the transfer format.
async fn save(tx: &mut Tx, id: Uuid, line: &Line<LinkRecord>, hash: Option<&str>, keys: &Keys) -> Result<(), Fault> {
    let doing = |error: diesel::result::Error| Fault::database("writing a link", error);
    // All of it is compared, whatever whoever writes it sees.
    let viewer = Viewer::system("writing");
    let old = listing::by_ids::<Links>(tx.conn(), &viewer, vec![id]).await?.remove(&id);
    let before = match &old {
        Some(row) => lines(tx.conn(), &viewer, vec![row.clone()]).await?.pop(),
        None => None,
    };
    let (header, record) = (&line.header, line.record.clone());
    let row = LinkRow {
        id,
        key: header.key.clone(),
        // The trigger link_audience writes what it derives.
        audience: Vec::new(),
        original_language: Word(header.original_language.clone()),
        import_hash: hash.map(str::to_owned),
        verified_on: header.verified_on,
        version: old.as_ref().map_or(1, |row| row.version.saturating_add(1)),
        created_at: old.as_ref().map_or(tx.now(), |row| row.created_at),
        updated_at: tx.now(),
        retired: header.retired,
        kind: Word(record.link_kind),
        from_id: keys.id(record.from.kind, &record.from.key)?,
        from_kind: Word(record.from.kind),
        to_id: keys.id(record.to.kind, &record.to.key)?,
        to_kind: Word(record.to.kind),
        since_earliest: record.since.as_ref().and_then(ImpreciseDate::earliest),
        since_latest: record.since.as_ref().and_then(ImpreciseDate::latest),
        since: record.since.map(Json::new),
        until_earliest: record.until.as_ref().and_then(ImpreciseDate::earliest),
        until_latest: record.until.as_ref().and_then(ImpreciseDate::latest),
        until: record.until.map(Json::new),
        note: record.note.map(Json::new),
    };
    let owners = match &old {
        Some(_) => owners::of_any(tx.conn(), vec![row.from_id, row.to_id]).await?,
        None => speakers(tx, &row).await?,
    };
    let audience_before = old.as_ref().map(|row| row.audience.as_slice());
    let writing = Writing { kind: NodeKind::Link, id, audience_before, owners: &owners, slug: None };
    node::require_write(tx, writing).await?;
    let old_texts = old.as_ref().map(|row| row.texts()).unwrap_or_default();
    match &old {
        None => diesel::insert_into(links::table).values(&row).execute(tx.conn()).await.map_err(doing)?,
        Some(_) => diesel::update(links::table.find(id)).set(&row).execute(tx.conn()).await.map_err(doing)?,
    };
    let communities = old.iter().chain([&row]).flat_map(communities_of).collect();
    let saved = Saved {
        id,
        before: before.as_ref(),
        texts_before: old_texts,
        texts_after: row.texts(),
        after: line,
        slug: None,
        communities,
        topics: Vec::new(),
        is_publication: false,
    };
    node::keep(tx, saved).await
}

fn communities_of(row: &LinkRow) -> Vec<Uuid> {
    let ends = [(row.from_kind.0, row.from_id), (row.to_kind.0, row.to_id)];
    ends.into_iter().filter(|(kind, _)| *kind == NodeKind::Community).map(|(_, id)| id).collect()
}

/// Who may say that two nodes are linked: nobody puts a community or an item of theirs among those of an organization that does
/// not say so itself, or manages it. Afterwards those who run either end may change it and take it back.
async fn speakers(tx: &mut Tx, row: &LinkRow) -> Result<Owners, Fault> {
    let (from, to) = ((row.from_kind.0, row.from_id), (row.to_kind.0, row.to_id));
    match rules::speaks(from.0, to.0) {
        Speaker::Either => owners::of_any(tx.conn(), vec![from.1, to.1]).await,
        Speaker::From => owners::of_any(tx.conn(), vec![from.1]).await,
        Speaker::Organization => {
            let (organization, other) = if from.0 == NodeKind::Organization { (from, to) } else { (to, from) };
            let owners = owners::of_any(tx.conn(), vec![other.1]).await?;
            let speaks = On::Organization(organization.1);
            Ok(if owners.places.contains(&speaks) { owners } else { Owners::of([speaks]) })
        }
    }
}

async fn lines(
    conn: &mut AsyncPgConnection,
    viewer: &Viewer,
    rows: Vec<LinkRow>,
) -> Result<Vec<Line<LinkRecord>>, Fault> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut sources = source::store::records(conn, viewer, ids).await?;
    let keys = node::keys_of(conn, rows.iter().flat_map(|row| [row.from_id, row.to_id]).collect()).await?;
    let mut lines = Vec::new();
    for row in rows {
        let header = Header {
            slug: None,
            key: row.key,
            former_slugs: Vec::new(),
            original_language: row.original_language.0,
            audience: None,
            retired: row.retired,
            verified_on: row.verified_on,
            sources: sources.remove(&row.id).unwrap_or_default(),
        };
        let record = LinkRecord {
            link_kind: row.kind.0,
            from: NodeReference { kind: row.from_kind.0, key: node::key_of(&keys, row.from_id)? },
            to: NodeReference { kind: row.to_kind.0, key: node::key_of(&keys, row.to_id)? },
            since: row.since.map(Json::into_inner),
            until: row.until.map(Json::into_inner),
            note: row.note.map(Json::into_inner),
        };
        lines.push(Line { header, record });
    }
    Ok(lines)
}
