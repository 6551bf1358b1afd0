//! The rows of roles.

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
use crate::db::schema::roles;
use crate::db::statement::{Rows, Sql};
use crate::db::write::Tx;
use crate::domain::node::{self, Line, Lines, Owed, Saved, Stored, Writing};
use crate::domain::owners;
use crate::domain::record::{self, Header, Keys, NodeReference};
use crate::domain::role::record::{RoleKind, RoleRecord};
use crate::domain::source;
use crate::error::Fault;
use crate::policy::{NodeKind, Viewer};
use crate::text::imprecise_date::ImpreciseDate;
use crate::text::language::{LanguageTag, Languages};
use crate::text::texts::{Fields, Texts};
use crate::text::vocabulary::Vocabulary;

/// One role.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = roles, check_for_backend(Pg), treat_none_as_null = true)]
pub struct RoleRow {
    /// The role.
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
    /// Who held it.
    pub person_id: Uuid,
    /// The community it was held in; null: an organization.
    pub community_id: Option<Uuid>,
    /// The organization it was held in; null: a community.
    pub organization_id: Option<Uuid>,
    /// What the person is to it.
    pub kind: Word<RoleKind>,
    /// What the source calls it; null: not stated.
    pub title: Option<Json<Texts>>,
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
    /// Whether it was retired.
    pub retired: bool,
}

/// Roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Roles;

/// What a list of roles is narrowed by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct RoleFilter {
    /// Those of one of these kinds.
    pub kinds: Option<Vec<String>>,
    /// Those held by one of these people.
    pub people: Option<Vec<Uuid>>,
    /// Those held in one of these communities.
    pub communities: Option<Vec<Uuid>>,
    /// Those held in one of these organizations.
    pub organizations: Option<Vec<Uuid>>,
    /// Those held then, from the start to the end.
    pub held: Option<DateRange>,
    /// True: only those with an end; false: only those without.
    pub has_ended: Option<bool>,
}

/// What roles are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, AsRefStr, EnumString, EnumMessage, VariantArray)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum RoleOrder {
    /// When it began: earliest, then latest.
    Since,
    /// When it came to the hub.
    CreatedAt,
}

impl Vocabulary for RoleOrder {
    const NAME: &'static str = "RoleOrderField";
    const ABOUT: &'static str = "What roles are ordered by. Equals are ordered by id; nulls come last both ways.";
}

/// What a list of roles hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RolesOf {
    /// The roles of a person.
    Person,
    /// The roles held in a community.
    Community,
    /// The roles held in an organization.
    Organization,
}

impl RoleRow {
    /// Every text in several languages, by the path of its field.
    pub fn texts(&self) -> Fields<'_> {
        let mut fields = Fields::new();
        record::put(&mut fields, "title", self.title.as_deref());
        record::put(&mut fields, "since/label", self.since.as_deref().and_then(ImpreciseDate::label));
        record::put(&mut fields, "until/label", self.until.as_deref().and_then(ImpreciseDate::label));
        fields
    }
}

impl Listed for Roles {
    type Row = RoleRow;
    type Filter = RoleFilter;
    type Order = RoleOrder;
    type Of = RolesOf;

    const TABLE: &'static str = "roles";
    const ID: &'static str = "roles.id";
    const TEXTS: &'static [TextColumn] = &[("title", "roles.title")];

    fn condition(filter: &RoleFilter, _viewer: &Viewer) -> Sql {
        let mut sql = Sql::new("TRUE");
        if let Some(kinds) = &filter.kinds {
            sql = sql.and(Sql::new("roles.kind = ANY (").texts(kinds.clone()).push(")"));
        }
        let ends = [
            ("roles.person_id = ANY (", &filter.people),
            ("roles.community_id = ANY (", &filter.communities),
            ("roles.organization_id = ANY (", &filter.organizations),
        ];
        for (start, ids) in ends {
            if let Some(ids) = ids {
                sql = sql.and(Sql::new(start).uuids(ids.clone()).push(")"));
            }
        }
        if let Some(range) = &filter.held {
            sql = sql.and(dates::within("roles.since_earliest", "roles.until_latest", range));
        }
        if let Some(has_ended) = filter.has_ended {
            sql = sql.and(Sql::new(if has_ended { "roles.until IS NOT NULL" } else { "roles.until IS NULL" }));
        }
        sql
    }

    fn hangs_on(of: RolesOf, _viewer: &Viewer) -> Sql {
        match of {
            RolesOf::Person => Sql::new("roles.person_id = parent.id"),
            RolesOf::Community => Sql::new("roles.community_id = parent.id"),
            RolesOf::Organization => Sql::new("roles.organization_id = parent.id"),
        }
    }

    fn columns(order: RoleOrder, _languages: &Languages) -> Vec<SortColumn> {
        match order {
            RoleOrder::Since => vec![
                SortColumn::nullable_date(Sql::new("roles.since_earliest")),
                SortColumn::nullable_date(Sql::new("roles.since_latest")),
            ],
            RoleOrder::CreatedAt => vec![SortColumn::time(Sql::new("roles.created_at"))],
        }
    }

    fn keys(row: &RoleRow, order: RoleOrder, _languages: &Languages) -> Vec<SortKey> {
        match order {
            RoleOrder::Since => vec![SortKey::Date(row.since_earliest), SortKey::Date(row.since_latest)],
            RoleOrder::CreatedAt => vec![SortKey::Time(row.created_at)],
        }
    }

    fn id(row: &RoleRow) -> Uuid {
        row.id
    }

    fn read_bytes(row: &RoleRow) -> usize {
        column::read_bytes(&row.title)
    }

    fn values(by: Dimension, _viewer: &Viewer) -> Option<Values> {
        match by {
            Dimension::Kind => Some(Values::column("roles.kind")),
            // Whoever sees a role sees what it is held in.
            Dimension::Community => Some(Values::column("roles.community_id::text")),
            Dimension::Organization => Some(Values::column("roles.organization_id::text")),
            Dimension::Year => Some(Values::column("extract(year FROM roles.since_earliest)::text")),
            Dimension::Topic | Dimension::Language | Dimension::Region => None,
        }
    }

    fn visible(viewer: &Viewer) -> Sql {
        listing::visible_to(viewer, "roles.is_public", "roles.audience")
    }

    fn load<'a>(rows: Rows<Selection<Self>>, conn: &'a mut AsyncPgConnection) -> Loaded<'a, RoleRow> {
        rows.load(conn).boxed()
    }

    fn load_per_parent<'a>(
        rows: PerParent<Rows<Selection<Self>>>,
        conn: &'a mut AsyncPgConnection,
    ) -> Loaded<'a, (Uuid, RoleRow)> {
        rows.load(conn).boxed()
    }
}

impl Stored for Roles {
    type Record = RoleRecord;

    const KEY: &'static str = "roles.key";

    fn lines<'a>(conn: &'a mut AsyncPgConnection, viewer: &'a Viewer, rows: Vec<RoleRow>) -> Lines<'a, RoleRecord> {
        lines(conn, viewer, rows).boxed()
    }

    fn save<'a>(
        tx: &'a mut Tx,
        id: Uuid,
        line: &'a Line<RoleRecord>,
        hash: Option<&'a str>,
        keys: &'a Keys,
    ) -> Owed<'a> {
        save(tx, id, line, hash, keys).boxed()
    }
}

/// Writes a role from a line of the transfer format. The answer is whom the caller owes
/// `person::audiences::recompute`: who holds the role, and who held it before.
async fn save(
    tx: &mut Tx,
    id: Uuid,
    line: &Line<RoleRecord>,
    hash: Option<&str>,
    keys: &Keys,
) -> Result<Vec<Uuid>, Fault> {
    let doing = |error: diesel::result::Error| Fault::database("writing a role", error);
    // All of it is compared, whatever whoever writes it sees.
    let viewer = Viewer::system("writing");
    let old = listing::by_ids::<Roles>(tx.conn(), &viewer, vec![id]).await?.remove(&id);
    let before = match &old {
        Some(row) => lines(tx.conn(), &viewer, vec![row.clone()]).await?.pop(),
        None => None,
    };
    let (header, record) = (&line.header, line.record.clone());
    let of = keys.id(record.of.kind, &record.of.key)?;
    let community = Some(of).filter(|_| record.of.kind == NodeKind::Community);
    let row = RoleRow {
        id,
        key: header.key.clone(),
        // The trigger role_audience writes what it derives.
        audience: Vec::new(),
        original_language: Word(header.original_language.clone()),
        import_hash: hash.map(str::to_owned),
        verified_on: header.verified_on,
        version: old.as_ref().map_or(1, |row| row.version.saturating_add(1)),
        created_at: old.as_ref().map_or(tx.now(), |row| row.created_at),
        updated_at: tx.now(),
        retired: header.retired,
        person_id: keys.id(NodeKind::Person, &record.person)?,
        community_id: community,
        organization_id: Some(of).filter(|_| community.is_none()),
        kind: Word(record.role_kind),
        title: record.title.map(Json::new),
        since_earliest: record.from.as_ref().and_then(ImpreciseDate::earliest),
        since_latest: record.from.as_ref().and_then(ImpreciseDate::latest),
        since: record.from.map(Json::new),
        until_earliest: record.until.as_ref().and_then(ImpreciseDate::earliest),
        until_latest: record.until.as_ref().and_then(ImpreciseDate::latest),
        until: record.until.map(Json::new),
    };
    let owners = owners::of_any(tx.conn(), row.community_id.into_iter().chain(row.organization_id).collect()).await?;
    let audience_before = old.as_ref().map(|row| row.audience.as_slice());
    let writing = Writing { kind: NodeKind::Role, id, audience_before, owners: &owners, slug: None };
    node::require_write(tx, writing).await?;
    let old_texts = old.as_ref().map(|row| row.texts()).unwrap_or_default();
    match &old {
        None => diesel::insert_into(roles::table).values(&row).execute(tx.conn()).await.map_err(doing)?,
        Some(_) => diesel::update(roles::table.find(id)).set(&row).execute(tx.conn()).await.map_err(doing)?,
    };
    let saved = Saved {
        id,
        before: before.as_ref(),
        texts_before: old_texts,
        texts_after: row.texts(),
        after: line,
        slug: None,
        communities: old.iter().filter_map(|row| row.community_id).chain(community).collect(),
        topics: Vec::new(),
        is_publication: false,
    };
    node::keep(tx, saved).await?;
    Ok(old.iter().map(|row| row.person_id).chain([row.person_id]).collect())
}

async fn lines(
    conn: &mut AsyncPgConnection,
    viewer: &Viewer,
    rows: Vec<RoleRow>,
) -> Result<Vec<Line<RoleRecord>>, Fault> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut sources = source::store::records(conn, viewer, ids).await?;
    let named =
        rows.iter().flat_map(|row| [Some(row.person_id), row.community_id, row.organization_id]).flatten().collect();
    let keys = node::keys_of(conn, named).await?;
    let mut lines = Vec::new();
    for row in rows {
        let (kind, of) = match (row.community_id, row.organization_id) {
            (Some(id), _) => (NodeKind::Community, id),
            (None, Some(id)) => (NodeKind::Organization, id),
            (None, None) => return Err(Fault::internal("reading a role", "it is held in nothing")),
        };
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
        let record = RoleRecord {
            person: node::key_of(&keys, row.person_id)?,
            of: NodeReference { kind, key: node::key_of(&keys, of)? },
            role_kind: row.kind.0,
            title: row.title.map(Json::into_inner),
            from: row.since.map(Json::into_inner),
            until: row.until.map(Json::into_inner),
        };
        lines.push(Line { header, record });
    }
    Ok(lines)
}
