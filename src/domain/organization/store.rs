//! The rows of organizations.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::pg::Pg;
use diesel::sql_types::Uuid as SqlUuid;
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
use crate::db::schema::organizations;
use crate::db::search;
use crate::db::statement::{Rows, Sql};
use crate::db::write::Tx;
use crate::domain::hierarchy;
use crate::domain::node::{self, Line, Lines, Owed, Saved, Stored, Writing};
use crate::domain::organization::record::{
    Address, ExternalIdentifier, OrganizationKind, OrganizationRecord, OrganizationStatus,
};
use crate::domain::project::store::ProjectPart;
use crate::domain::record::{self, Header, Keys};
use crate::domain::source;
use crate::error::Fault;
use crate::policy::{NodeKind, On, Owners, Viewer};
use crate::text::imprecise_date::ImpreciseDate;
use crate::text::language::{LanguageTag, Languages};
use crate::text::messages::Message;
use crate::text::statement::Statement;
use crate::text::texts::{Fields, Texts};
use crate::text::vocabulary::Vocabulary;

/// One organization.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = organizations, check_for_backend(Pg), treat_none_as_null = true)]
pub struct OrganizationRow {
    /// The organization.
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
    /// The name in addresses.
    pub slug: String,
    /// What sort of organization it is.
    pub kind: Word<OrganizationKind>,
    /// What it is called.
    pub name: Json<Texts>,
    /// Other names and acronyms.
    pub aliases: Json<Vec<Statement>>,
    /// What it is; null: not stated.
    pub summary: Option<Json<Texts>>,
    /// Its vision; null: not stated.
    pub vision: Option<Json<Texts>>,
    /// Its mission; null: not stated.
    pub mission: Option<Json<Texts>>,
    /// Its aims, in its own order.
    pub aims: Json<Vec<Statement>>,
    /// When it was founded; null: not stated.
    pub founded: Option<Json<ImpreciseDate>>,
    /// The first day that this can mean.
    pub founded_earliest: Option<NaiveDate>,
    /// The last day that this can mean.
    pub founded_latest: Option<NaiveDate>,
    /// Where it is.
    pub addresses: Json<Vec<Address>>,
    /// The regions and countries of the addresses.
    pub regions: Vec<String>,
    /// Telephone; null: not stated.
    pub phone: Option<String>,
    /// Fax; null: not stated.
    pub fax: Option<String>,
    /// Role address; null: not stated.
    pub email: Option<String>,
    /// Its own site; null: not stated.
    pub website: Option<String>,
    /// Identifiers that others gave it.
    pub identifiers: Json<Vec<ExternalIdentifier>>,
    /// What it is part of; null: nothing, or not stated.
    pub parent_id: Option<Uuid>,
    /// The languages it works in.
    pub languages: Vec<String>,
    /// Whether it is at work.
    pub status: Word<OrganizationStatus>,
    /// Whether it was retired.
    pub retired: bool,
}

/// Organizations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Organizations;

/// What a list of organizations is narrowed by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct OrganizationFilter {
    /// Those of one of these sorts.
    pub kinds: Option<Vec<String>>,
    /// Those with one of these statuses.
    pub statuses: Option<Vec<String>>,
    /// Those with an address in one of these regions or countries.
    pub regions: Option<Vec<String>>,
    /// Those that work in one of these languages.
    pub languages: Option<Vec<String>>,
    /// Those linked to one of these communities.
    pub communities: Option<Vec<Uuid>>,
    /// Those that are part of one of these organizations.
    pub parents: Option<Vec<Uuid>>,
    /// Those founded then.
    pub founded: Option<DateRange>,
    /// Those that a search for this text finds.
    pub text_contains: Option<String>,
}

/// What organizations are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, AsRefStr, EnumString, EnumMessage, VariantArray)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum OrganizationOrder {
    /// The name as it is served.
    Name,
    /// When it was founded: earliest, then latest.
    Founded,
    /// When it came to the hub.
    CreatedAt,
}

impl Vocabulary for OrganizationOrder {
    const NAME: &'static str = "OrganizationOrderField";
    const ABOUT: &'static str =
        "What organizations are ordered by. Equals are ordered by id; nulls come last both ways.";
}

/// What a list of organizations hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OrganizationsOf {
    /// The organizations that are part of one.
    Parent,
    /// The organizations that a community is linked to, whichever way.
    Community,
    /// The organizations that have this part in a project; null: any part.
    Project(Option<ProjectPart>),
}

impl OrganizationRow {
    /// Every text in several languages, by the path of its field.
    pub fn texts(&self) -> Fields<'_> {
        let mut fields = Fields::new();
        record::put(&mut fields, "name", &*self.name);
        record::put_statements(&mut fields, "aliases", &self.aliases);
        record::put(&mut fields, "summary", self.summary.as_deref());
        record::put(&mut fields, "vision", self.vision.as_deref());
        record::put(&mut fields, "mission", self.mission.as_deref());
        record::put_statements(&mut fields, "aims", &self.aims);
        record::put(&mut fields, "founded/label", self.founded.as_deref().and_then(ImpreciseDate::label));
        fields
    }
}

impl Listed for Organizations {
    type Row = OrganizationRow;
    type Filter = OrganizationFilter;
    type Order = OrganizationOrder;
    type Of = OrganizationsOf;

    const TABLE: &'static str = "organizations";
    const ID: &'static str = "organizations.id";
    const TEXTS: &'static [TextColumn] = &[
        ("name", "organizations.name"),
        ("summary", "organizations.summary"),
        ("vision", "organizations.vision"),
        ("mission", "organizations.mission"),
    ];

    fn condition(filter: &OrganizationFilter, viewer: &Viewer) -> Sql {
        let mut sql = Sql::new("TRUE");
        let words = [
            ("organizations.kind = ANY (", &filter.kinds, ")"),
            ("organizations.status = ANY (", &filter.statuses, ")"),
            ("organizations.regions && ", &filter.regions, ""),
        ];
        for (start, values, end) in words {
            if let Some(values) = values {
                sql = sql.and(Sql::new(start).texts(values.clone()).push(end));
            }
        }
        if let Some(communities) = &filter.communities {
            let ids = Sql::new("SELECT unnest(").uuids(communities.clone()).push(")");
            sql = sql.and(listing::linked_to("organizations.id", ids, viewer));
        }
        if let Some(parents) = &filter.parents {
            let seen = Sql::new("organizations.parent_id IN (SELECT o.id FROM organizations o WHERE o.id = ANY (")
                .uuids(parents.clone())
                .push(") AND ")
                .append(listing::visible_to(viewer, "o.is_public", "o.audience"))
                .push(")");
            sql = sql.and(seen);
        }
        if let Some(range) = &filter.founded {
            let within = dates::within("organizations.founded_earliest", "organizations.founded_latest", range);
            sql = sql.and(within);
        }
        if let Some(languages) = &filter.languages {
            sql = sql.and(listing::serves("organizations.languages", languages));
        }
        if let Some(text) = &filter.text_contains {
            sql = sql.and(search::found("organizations.id", text, viewer));
        }
        sql
    }

    fn hangs_on(of: OrganizationsOf, viewer: &Viewer) -> Sql {
        match of {
            OrganizationsOf::Parent => Sql::new("organizations.parent_id = parent.id"),
            OrganizationsOf::Community => listing::linked_to_parent("organizations.id", viewer),
            // SQL: by primary key prefix.
            OrganizationsOf::Project(part) => {
                let of = Sql::new(
                    "organizations.id IN (SELECT p.organization_id FROM project_organizations p WHERE p.project_id = parent.id",
                );
                match part {
                    Some(part) => of.and(Sql::new("p.part = ").text(part.as_ref())).push(")"),
                    None => of.push(")"),
                }
            }
        }
    }

    fn columns(order: OrganizationOrder, languages: &Languages) -> Vec<SortColumn> {
        match order {
            OrganizationOrder::Name => {
                let name = listing::served("organizations.name", "organizations.original_language", languages);
                vec![SortColumn::text(name)]
            }
            OrganizationOrder::Founded => vec![
                SortColumn::nullable_date(Sql::new("organizations.founded_earliest")),
                SortColumn::nullable_date(Sql::new("organizations.founded_latest")),
            ],
            OrganizationOrder::CreatedAt => vec![SortColumn::time(Sql::new("organizations.created_at"))],
        }
    }

    fn keys(row: &OrganizationRow, order: OrganizationOrder, languages: &Languages) -> Vec<SortKey> {
        match order {
            OrganizationOrder::Name => {
                vec![SortKey::served(Some(&row.name), &row.original_language.0, languages)]
            }
            OrganizationOrder::Founded => {
                vec![SortKey::Date(row.founded_earliest), SortKey::Date(row.founded_latest)]
            }
            OrganizationOrder::CreatedAt => vec![SortKey::Time(row.created_at)],
        }
    }

    fn id(row: &OrganizationRow) -> Uuid {
        row.id
    }

    fn read_bytes(row: &OrganizationRow) -> usize {
        [
            row.name.read_bytes(),
            row.aliases.read_bytes(),
            row.aims.read_bytes(),
            row.addresses.read_bytes(),
            row.identifiers.read_bytes(),
            column::read_bytes(&row.summary),
            column::read_bytes(&row.vision),
            column::read_bytes(&row.mission),
        ]
        .into_iter()
        .sum()
    }

    fn values(by: Dimension, viewer: &Viewer) -> Option<Values> {
        match by {
            Dimension::Kind => Some(Values::column("organizations.kind")),
            Dimension::Language => Some(Values::array("unnest(organizations.languages)")),
            // The countries stand beside their regions.
            Dimension::Region => {
                let regions = "SELECT r FROM unnest(organizations.regions) AS r WHERE strpos(r, '-') > 0";
                Some(Values::each(Sql::new(regions)))
            }
            Dimension::Community => {
                let communities = Sql::new("SELECT c.id FROM communities c WHERE ")
                    .append(listing::visible_to(viewer, "c.is_public", "c.audience"))
                    .and(listing::linked_to("c.id", Sql::new("organizations.id"), viewer));
                Some(Values::each(communities))
            }
            Dimension::Organization => {
                let parents = Sql::new("SELECT o.id FROM organizations o WHERE o.id = organizations.parent_id AND ")
                    .append(listing::visible_to(viewer, "o.is_public", "o.audience"));
                Some(Values::each(parents))
            }
            Dimension::Year => Some(Values::column("extract(year FROM organizations.founded_earliest)::text")),
            Dimension::Topic => None,
        }
    }

    fn visible(viewer: &Viewer) -> Sql {
        listing::visible_to(viewer, "organizations.is_public", "organizations.audience")
    }

    fn load<'a>(rows: Rows<Selection<Self>>, conn: &'a mut AsyncPgConnection) -> Loaded<'a, OrganizationRow> {
        rows.load(conn).boxed()
    }

    fn load_per_parent<'a>(
        rows: PerParent<Rows<Selection<Self>>>,
        conn: &'a mut AsyncPgConnection,
    ) -> Loaded<'a, (Uuid, OrganizationRow)> {
        rows.load(conn).boxed()
    }
}

impl Stored for Organizations {
    type Record = OrganizationRecord;

    const KEY: &'static str = "organizations.key";

    fn lines<'a>(
        conn: &'a mut AsyncPgConnection,
        viewer: &'a Viewer,
        rows: Vec<OrganizationRow>,
    ) -> Lines<'a, OrganizationRecord> {
        lines(conn, viewer, rows).boxed()
    }

    fn save<'a>(
        tx: &'a mut Tx,
        id: Uuid,
        line: &'a Line<OrganizationRecord>,
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

/// Writes an organization from a line of the transfer format.
async fn save(
    tx: &mut Tx,
    id: Uuid,
    line: &Line<OrganizationRecord>,
    hash: Option<&str>,
    keys: &Keys,
) -> Result<(), Fault> {
    let doing = |error: diesel::result::Error| Fault::database("writing an organization", error);
    // All of it is compared, whatever whoever writes it sees.
    let viewer = Viewer::system("writing");
    let old = listing::by_ids::<Organizations>(tx.conn(), &viewer, vec![id]).await?.remove(&id);
    let before = match &old {
        Some(row) => lines(tx.conn(), &viewer, vec![row.clone()]).await?.pop(),
        None => None,
    };
    let mut row = row_of(id, line, keys)?;
    row.import_hash = hash.map(str::to_owned);
    row.updated_at = tx.now();
    row.created_at = old.as_ref().map_or(tx.now(), |row| row.created_at);
    row.version = old.as_ref().map_or(1, |row| row.version.saturating_add(1));
    let owners = Owners::of([On::Organization(id)]);
    let audience_before = old.as_ref().map(|row| row.audience.as_slice());
    let writing = Writing { kind: NodeKind::Organization, id, audience_before, owners: &owners, slug: Some(&row.slug) };
    node::require_write(tx, writing).await?;
    let old_texts = old.as_ref().map(|row| row.texts()).unwrap_or_default();
    match &old {
        None => diesel::insert_into(organizations::table).values(&row).execute(tx.conn()).await.map_err(doing)?,
        Some(_) => diesel::update(organizations::table.find(id)).set(&row).execute(tx.conn()).await.map_err(doing)?,
    };
    let saved = Saved {
        id,
        before: before.as_ref(),
        texts_before: old_texts,
        texts_after: row.texts(),
        after: line,
        slug: Some(&row.slug),
        communities: Vec::new(),
        topics: Vec::new(),
        is_publication: false,
    };
    node::keep(tx, saved).await
}

/// Refuses organizations that are above themselves, among those just written.
pub async fn check_hierarchy(tx: &mut Tx, written: Vec<Uuid>) -> Result<(), Fault> {
    // SQL: up from the written organizations by primary key; UNION ends a loop.
    let edges: Vec<(Uuid, Uuid)> = Sql::new(
        "WITH RECURSIVE up (id, parent_id) AS (\
           SELECT id, parent_id FROM organizations WHERE parent_id IS NOT NULL AND id = ANY (",
    )
    .uuids(written.clone())
    .push(
        ") UNION SELECT o.id, o.parent_id FROM up JOIN organizations o ON o.id = up.parent_id \
         WHERE o.parent_id IS NOT NULL) SELECT id, parent_id FROM up",
    )
    .returning::<(SqlUuid, SqlUuid)>()
    .load(tx.conn())
    .await
    .map_err(|error| Fault::database("checking the hierarchy of organizations", error))?;
    let parents: HashMap<Uuid, Vec<Uuid>> = edges.into_iter().map(|(child, parent)| (child, vec![parent])).collect();
    let Some(id) = hierarchy::above_itself(&written, &parents) else { return Ok(()) };
    let keys = node::keys_of(tx.conn(), vec![id]).await?;
    let message = Message::new("above-itself").with("key", node::key_of(&keys, id)?);
    Err(Fault::bad_input(message).of_field("parent"))
}

fn row_of(id: Uuid, line: &Line<OrganizationRecord>, keys: &Keys) -> Result<OrganizationRow, Fault> {
    let (header, record) = (&line.header, line.record.clone());
    let parent = record.parent.as_ref().map(|key| keys.id(NodeKind::Organization, key)).transpose()?;
    Ok(OrganizationRow {
        id,
        key: header.key.clone(),
        audience: header.stated_audience(),
        original_language: Word(header.original_language.clone()),
        import_hash: None,
        verified_on: header.verified_on,
        version: 1,
        created_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
        retired: header.retired,
        slug: header.slug_or_key(),
        kind: Word(record.organization_kind),
        regions: record.regions(),
        name: Json::new(record.name),
        aliases: Json::new(record.aliases),
        summary: record.summary.map(Json::new),
        vision: record.vision.map(Json::new),
        mission: record.mission.map(Json::new),
        aims: Json::new(record.aims),
        founded_earliest: record.founded.as_ref().and_then(ImpreciseDate::earliest),
        founded_latest: record.founded.as_ref().and_then(ImpreciseDate::latest),
        founded: record.founded.map(Json::new),
        addresses: Json::new(record.addresses),
        phone: record.phone,
        fax: record.fax,
        email: record.email,
        website: record.website,
        identifiers: Json::new(record.identifiers),
        parent_id: parent,
        languages: record.languages.iter().map(ToString::to_string).collect(),
        status: Word(record.status),
    })
}

async fn lines(
    conn: &mut AsyncPgConnection,
    viewer: &Viewer,
    rows: Vec<OrganizationRow>,
) -> Result<Vec<Line<OrganizationRecord>>, Fault> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let slugs: Vec<(Uuid, Option<&str>)> = rows.iter().map(|row| (row.id, Some(row.slug.as_str()))).collect();
    let mut former_slugs = node::former_slugs(conn, &slugs).await?;
    let mut sources = source::store::records(conn, viewer, ids).await?;
    let parents = rows.iter().filter_map(|row| row.parent_id).collect();
    let keys = node::keys_of(conn, parents).await?;
    let mut lines = Vec::new();
    for row in rows {
        let header = Header {
            slug: Some(row.slug).filter(|slug| *slug != row.key),
            key: row.key,
            former_slugs: former_slugs.remove(&row.id).unwrap_or_default(),
            original_language: row.original_language.0,
            audience: node::stated(row.audience, row.retired),
            retired: row.retired,
            verified_on: row.verified_on,
            sources: sources.remove(&row.id).unwrap_or_default(),
        };
        let record = OrganizationRecord {
            organization_kind: row.kind.0,
            name: row.name.into_inner(),
            aliases: row.aliases.into_inner(),
            summary: row.summary.map(Json::into_inner),
            vision: row.vision.map(Json::into_inner),
            mission: row.mission.map(Json::into_inner),
            aims: row.aims.into_inner(),
            founded: row.founded.map(Json::into_inner),
            addresses: row.addresses.into_inner(),
            phone: row.phone,
            fax: row.fax,
            email: row.email,
            website: row.website,
            identifiers: row.identifiers.into_inner(),
            parent: row.parent_id.map(|id| node::key_of(&keys, id)).transpose()?,
            languages: node::tags(&row.languages)?,
            status: row.status.0,
        };
        lines.push(Line { header, record });
    }
    Ok(lines)
}
