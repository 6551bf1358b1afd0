//! The rows of research projects, of their organizations and of their communities.

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::pg::Pg;
use diesel::sql_types::{Text, Uuid as SqlUuid};
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
use crate::db::schema::projects;
use crate::db::search;
use crate::db::statement::{Rows, Sql};
use crate::db::write::Tx;
use crate::domain::node::{self, Line, Lines, Owed, Saved, Stored, Writing};
use crate::domain::person;
use crate::domain::person::record::PersonField;
use crate::domain::project::participant;
use crate::domain::project::record::{ProjectPersonRecord, ProjectRecord, ProjectStatus};
use crate::domain::record::{self, Header, Keys};
use crate::domain::source;
use crate::error::Fault;
use crate::policy::{NodeKind, On, Owners, Viewer};
use crate::text::imprecise_date::ImpreciseDate;
use crate::text::language::{LanguageTag, Languages};
use crate::text::statement::Statement;
use crate::text::texts::{Fields, Texts};
use crate::text::vocabulary::Vocabulary;

/// One project.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = projects, check_for_backend(Pg), treat_none_as_null = true)]
pub struct ProjectRow {
    /// The project.
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
    /// Whether it was retired.
    pub retired: bool,
    /// The name in addresses.
    pub slug: String,
    /// What it is called.
    pub title: Json<Texts>,
    /// What it is about; null: not stated.
    pub summary: Option<Json<Texts>>,
    /// Where it stands; null: not stated.
    pub status: Option<Word<ProjectStatus>>,
    /// When it began; null: not stated.
    pub started: Option<Json<ImpreciseDate>>,
    /// The first day that this can mean.
    pub started_earliest: Option<NaiveDate>,
    /// The last day that this can mean.
    pub started_latest: Option<NaiveDate>,
    /// When it ended, or is to end; null: not stated.
    pub ended: Option<Json<ImpreciseDate>>,
    /// The first day that this can mean.
    pub ended_earliest: Option<NaiveDate>,
    /// The last day that this can mean.
    pub ended_latest: Option<NaiveDate>,
    /// What came of it, in its own order.
    pub outputs: Json<Vec<Statement>>,
    /// The organization whose administrators may edit it; null: only administrators of the hub.
    pub managed_by: Option<Uuid>,
}

/// Projects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Projects;

/// What an organization does in a project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, AsRefStr, EnumString, EnumMessage, VariantArray)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum ProjectPart {
    /// Leads it.
    Lead,
    /// Works in it.
    Partner,
    /// Pays for it.
    Funder,
}

impl Vocabulary for ProjectPart {
    const NAME: &'static str = "ProjectPart";
    const ABOUT: &'static str = "What an organization does in a project.";
}

/// What a list of projects is narrowed by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct ProjectFilter {
    /// Those with one of these statuses.
    pub statuses: Option<Vec<String>>,
    /// Those of one of these organizations, as lead, partner or funder.
    pub organizations: Option<Vec<Uuid>>,
    /// Those in which organizations have one of these parts; with `organizations`, those organizations.
    pub parts: Option<Vec<String>>,
    /// Those of one of these communities.
    pub communities: Option<Vec<Uuid>>,
    /// Those in which one of these people works.
    pub people: Option<Vec<Uuid>>,
    /// Those at work then, from the start to the end.
    pub active: Option<DateRange>,
    /// Those that a search for this text finds.
    pub text_contains: Option<String>,
}

/// What projects are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, AsRefStr, EnumString, EnumMessage, VariantArray)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum ProjectOrder {
    /// The title as it is served.
    Title,
    /// When it began: earliest, then latest.
    Started,
    /// When it came to the hub.
    CreatedAt,
}

impl Vocabulary for ProjectOrder {
    const NAME: &'static str = "ProjectOrderField";
    const ABOUT: &'static str = "What projects are ordered by. Equals are ordered by id; nulls come last both ways.";
}

/// What a list of projects hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ProjectsOf {
    /// Those that an organization has a part in.
    Organization,
    /// Those of a community.
    Community,
    /// Those that a person works in. Whether the viewer may know is decided at the person.
    Person,
}

impl ProjectRow {
    /// Every text in several languages, by the path of its field.
    pub fn texts(&self) -> Fields<'_> {
        let mut fields = Fields::new();
        record::put(&mut fields, "title", &*self.title);
        record::put(&mut fields, "summary", self.summary.as_deref());
        record::put(&mut fields, "started/label", self.started.as_deref().and_then(ImpreciseDate::label));
        record::put(&mut fields, "ended/label", self.ended.as_deref().and_then(ImpreciseDate::label));
        record::put_statements(&mut fields, "outputs", &self.outputs);
        fields
    }
}

impl Listed for Projects {
    type Row = ProjectRow;
    type Filter = ProjectFilter;
    type Order = ProjectOrder;
    type Of = ProjectsOf;

    const TABLE: &'static str = "projects";
    const ID: &'static str = "projects.id";
    const TEXTS: &'static [TextColumn] = &[("title", "projects.title"), ("summary", "projects.summary")];

    fn condition(filter: &ProjectFilter, viewer: &Viewer) -> Sql {
        let mut sql = Sql::new("TRUE");
        if let Some(statuses) = &filter.statuses {
            sql = sql.and(Sql::new("projects.status = ANY (").texts(statuses.clone()).push(")"));
        }
        if filter.organizations.is_some() || filter.parts.is_some() {
            let mut part = Sql::new("TRUE");
            if let Some(organizations) = &filter.organizations {
                part = part.and(Sql::new("p.organization_id = ANY (").uuids(organizations.clone()).push(")"));
            }
            if let Some(parts) = &filter.parts {
                part = part.and(Sql::new("p.part = ANY (").texts(parts.clone()).push(")"));
            }
            sql = sql.and(has_part(part, viewer));
        }
        if let Some(communities) = &filter.communities {
            let of = Sql::new("projects.id IN (SELECT p.project_id FROM project_communities p JOIN communities c ON c.id = p.community_id WHERE c.id = ANY (")
                .uuids(communities.clone())
                .push(")")
                .and(listing::visible_to(viewer, "c.is_public", "c.audience"))
                .push(")");
            sql = sql.and(of);
        }
        if let Some(people) = &filter.people {
            let works = Sql::new("projects.id IN (SELECT p.project_id FROM project_people p JOIN people ON people.id = p.person_id WHERE people.id = ANY (")
                .uuids(people.clone())
                .push(")")
                .and(person::store::visible_with(PersonField::Projects, viewer))
                .push(")");
            sql = sql.and(works);
        }
        if let Some(range) = &filter.active {
            sql = sql.and(dates::within("projects.started_earliest", "projects.ended_latest", range));
        }
        if let Some(text) = &filter.text_contains {
            sql = sql.and(search::found("projects.id", text, viewer));
        }
        sql
    }

    fn hangs_on(of: ProjectsOf, viewer: &Viewer) -> Sql {
        // SQL: each by an index that starts with the parent's column.
        match of {
            ProjectsOf::Organization => has_part(Sql::new("p.organization_id = parent.id"), viewer),
            ProjectsOf::Community => Sql::new(
                "projects.id IN (SELECT p.project_id FROM project_communities p WHERE p.community_id = parent.id)",
            ),
            ProjectsOf::Person => {
                Sql::new("projects.id IN (SELECT p.project_id FROM project_people p WHERE p.person_id = parent.id)")
            }
        }
    }

    fn columns(order: ProjectOrder, languages: &Languages) -> Vec<SortColumn> {
        match order {
            ProjectOrder::Title => {
                vec![SortColumn::text(listing::served("projects.title", "projects.original_language", languages))]
            }
            ProjectOrder::Started => vec![
                SortColumn::nullable_date(Sql::new("projects.started_earliest")),
                SortColumn::nullable_date(Sql::new("projects.started_latest")),
            ],
            ProjectOrder::CreatedAt => vec![SortColumn::time(Sql::new("projects.created_at"))],
        }
    }

    fn keys(row: &ProjectRow, order: ProjectOrder, languages: &Languages) -> Vec<SortKey> {
        match order {
            ProjectOrder::Title => vec![SortKey::served(Some(&row.title), &row.original_language.0, languages)],
            ProjectOrder::Started => vec![SortKey::Date(row.started_earliest), SortKey::Date(row.started_latest)],
            ProjectOrder::CreatedAt => vec![SortKey::Time(row.created_at)],
        }
    }

    fn id(row: &ProjectRow) -> Uuid {
        row.id
    }

    fn read_bytes(row: &ProjectRow) -> usize {
        [row.title.read_bytes(), row.outputs.read_bytes(), column::read_bytes(&row.summary)].into_iter().sum()
    }

    fn values(by: Dimension, viewer: &Viewer) -> Option<Values> {
        match by {
            Dimension::Organization => {
                let organizations = Sql::new("SELECT DISTINCT o.id FROM project_organizations p JOIN organizations o ON o.id = p.organization_id WHERE p.project_id = projects.id")
                    .and(listing::visible_to(viewer, "o.is_public", "o.audience"));
                Some(Values::each(organizations))
            }
            Dimension::Community => {
                let communities = Sql::new(" JOIN project_communities f ON f.project_id = projects.id JOIN communities c ON c.id = f.community_id AND ")
                    .append(listing::visible_to(viewer, "c.is_public", "c.audience"));
                Some(Values::joined(communities, "c.id::text"))
            }
            Dimension::Year => Some(Values::column("extract(year FROM projects.started_earliest)::text")),
            Dimension::Kind | Dimension::Topic | Dimension::Language | Dimension::Region => None,
        }
    }

    fn visible(viewer: &Viewer) -> Sql {
        listing::visible_to(viewer, "projects.is_public", "projects.audience")
    }

    fn load<'a>(rows: Rows<Selection<Self>>, conn: &'a mut AsyncPgConnection) -> Loaded<'a, ProjectRow> {
        rows.load(conn).boxed()
    }

    fn load_per_parent<'a>(
        rows: PerParent<Rows<Selection<Self>>>,
        conn: &'a mut AsyncPgConnection,
    ) -> Loaded<'a, (Uuid, ProjectRow)> {
        rows.load(conn).boxed()
    }
}

/// The condition that an organization that the viewer sees has such a part in the project.
fn has_part(part: Sql, viewer: &Viewer) -> Sql {
    // SQL: by project_organizations_organization; organizations by primary key.
    Sql::new("projects.id IN (SELECT p.project_id FROM project_organizations p JOIN organizations o ON o.id = p.organization_id WHERE ")
        .append(part)
        .and(listing::visible_to(viewer, "o.is_public", "o.audience"))
        .push(")")
}

impl Stored for Projects {
    type Record = ProjectRecord;

    const KEY: &'static str = "projects.key";

    fn lines<'a>(
        conn: &'a mut AsyncPgConnection,
        viewer: &'a Viewer,
        rows: Vec<ProjectRow>,
    ) -> Lines<'a, ProjectRecord> {
        lines(conn, viewer, rows).boxed()
    }

    fn save<'a>(
        tx: &'a mut Tx,
        id: Uuid,
        line: &'a Line<ProjectRecord>,
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

async fn save(tx: &mut Tx, id: Uuid, line: &Line<ProjectRecord>, hash: Option<&str>, keys: &Keys) -> Result<(), Fault> {
    let doing = |error: diesel::result::Error| Fault::database("writing a project", error);
    // All of it is compared, whatever whoever writes it sees.
    let viewer = Viewer::system("writing");
    let old = listing::by_ids::<Projects>(tx.conn(), &viewer, vec![id]).await?.remove(&id);
    let before = match &old {
        Some(row) => lines(tx.conn(), &viewer, vec![row.clone()]).await?.pop(),
        None => None,
    };
    let (header, record) = (&line.header, line.record.clone());
    let row = ProjectRow {
        id,
        key: header.key.clone(),
        audience: header.stated_audience(),
        original_language: Word(header.original_language.clone()),
        import_hash: hash.map(str::to_owned),
        verified_on: header.verified_on,
        version: old.as_ref().map_or(1, |row| row.version.saturating_add(1)),
        created_at: old.as_ref().map_or(tx.now(), |row| row.created_at),
        updated_at: tx.now(),
        retired: header.retired,
        slug: header.slug_or_key(),
        title: Json::new(record.title),
        summary: record.summary.map(Json::new),
        status: record.status.map(Word),
        started_earliest: record.started.as_ref().and_then(ImpreciseDate::earliest),
        started_latest: record.started.as_ref().and_then(ImpreciseDate::latest),
        started: record.started.map(Json::new),
        ended_earliest: record.ended.as_ref().and_then(ImpreciseDate::earliest),
        ended_latest: record.ended.as_ref().and_then(ImpreciseDate::latest),
        ended: record.ended.map(Json::new),
        outputs: Json::new(record.outputs),
        managed_by: record.managed_by.map(|key| keys.id(NodeKind::Organization, &key)).transpose()?,
    };
    let managed_before = old.as_ref().and_then(|row| row.managed_by);
    node::require_manager(tx, old.is_none(), managed_before, row.managed_by)?;
    let owners = Owners::of(row.managed_by.map(On::Organization));
    let audience_before = old.as_ref().map(|row| row.audience.as_slice());
    let writing = Writing { kind: NodeKind::Project, id, audience_before, owners: &owners, slug: Some(&row.slug) };
    node::require_write(tx, writing).await?;
    let old_texts = old.as_ref().map(|row| row.texts()).unwrap_or_default();
    match &old {
        None => diesel::insert_into(projects::table).values(&row).execute(tx.conn()).await.map_err(doing)?,
        Some(_) => diesel::update(projects::table.find(id)).set(&row).execute(tx.conn()).await.map_err(doing)?,
    };
    let communities = node::ids_of(keys, NodeKind::Community, &line.record.communities)?;
    let mut concerned =
        node::replace_pairs(tx.conn(), "project_communities", "project_id", "community_id", id, communities.clone())
            .await?;
    concerned.extend(communities);
    write_parts(tx, id, &line.record, keys).await?;
    let mut people = Vec::new();
    for one in &line.record.people {
        people.push((keys.id(NodeKind::Person, &one.person)?, one.role));
    }
    participant::store::replace(tx, id, people).await?;
    let saved = Saved {
        id,
        before: before.as_ref(),
        texts_before: old_texts,
        texts_after: row.texts(),
        after: line,
        slug: Some(&row.slug),
        communities: concerned,
        topics: Vec::new(),
        is_publication: false,
    };
    node::keep(tx, saved).await
}

async fn write_parts(tx: &mut Tx, id: Uuid, record: &ProjectRecord, keys: &Keys) -> Result<(), Fault> {
    let doing = |error: diesel::result::Error| Fault::database("writing who has a part in a project", error);
    let (mut organizations, mut parts) = (Vec::new(), Vec::new());
    let named = [
        (ProjectPart::Lead, record.lead.as_slice()),
        (ProjectPart::Partner, &record.partners),
        (ProjectPart::Funder, &record.funders),
    ];
    for (part, names) in named {
        for organization in node::ids_of(keys, NodeKind::Organization, names)? {
            organizations.push(organization);
            parts.push(part.as_ref().to_owned());
        }
    }
    // SQL: by primary key prefix; then one row per part.
    Sql::new("DELETE FROM project_organizations WHERE project_id = ")
        .uuid(id)
        .returning::<()>()
        .execute(tx.conn())
        .await
        .map_err(doing)?;
    Sql::new("INSERT INTO project_organizations (project_id, organization_id, part) SELECT ")
        .uuid(id)
        .push(", o, p FROM unnest(")
        .uuids(organizations)
        .push(", ")
        .texts(parts)
        .push(") AS parts (o, p)")
        .returning::<()>()
        .execute(tx.conn())
        .await
        .map(|_| ())
        .map_err(doing)
}

/// The keys of the organizations that have a part in projects, by project and part, sorted.
async fn parts_of(
    conn: &mut AsyncPgConnection,
    projects: Vec<Uuid>,
) -> Result<HashMap<(Uuid, String), Vec<String>>, Fault> {
    // SQL: by primary key prefix; nodes by primary key.
    let found: Vec<(Uuid, String, String)> = Sql::new("SELECT p.project_id, p.part, n.key FROM project_organizations p JOIN nodes n ON n.id = p.organization_id WHERE p.project_id = ANY (")
        .uuids(projects)
        .push(") ORDER BY n.key COLLATE \"C\"")
        .returning::<(SqlUuid, Text, Text)>()
        .load(conn)
        .await
        .map_err(|error| Fault::database("reading who has a part in projects", error))?;
    let mut parts: HashMap<(Uuid, String), Vec<String>> = HashMap::new();
    for (project, part, key) in found {
        parts.entry((project, part)).or_default().push(key);
    }
    Ok(parts)
}

async fn lines(
    conn: &mut AsyncPgConnection,
    viewer: &Viewer,
    rows: Vec<ProjectRow>,
) -> Result<Vec<Line<ProjectRecord>>, Fault> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let slugs: Vec<(Uuid, Option<&str>)> = rows.iter().map(|row| (row.id, Some(row.slug.as_str()))).collect();
    let mut former_slugs = node::former_slugs(conn, &slugs).await?;
    let mut sources = source::store::records(conn, viewer, ids.clone()).await?;
    let mut communities =
        node::names_of(conn, "project_communities", "project_id", "community_id", ids.clone()).await?;
    let mut parts = parts_of(conn, ids.clone()).await?;
    let mut people = participant::store::of_projects(conn, viewer, ids).await?;
    let named = people.values().flatten().map(|row| row.person_id).chain(rows.iter().filter_map(|row| row.managed_by));
    let keys = node::keys_of(conn, named.collect()).await?;
    let mut lines = Vec::new();
    for row in rows {
        let mut part = |part: ProjectPart| parts.remove(&(row.id, part.as_ref().to_owned())).unwrap_or_default();
        let (lead, partners, funders) =
            (part(ProjectPart::Lead), part(ProjectPart::Partner), part(ProjectPart::Funder));
        let mut participants = Vec::new();
        for one in people.remove(&row.id).unwrap_or_default() {
            participants.push(ProjectPersonRecord { person: node::key_of(&keys, one.person_id)?, role: one.role.0 });
        }
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
        let record = ProjectRecord {
            title: row.title.into_inner(),
            summary: row.summary.map(Json::into_inner),
            status: row.status.map(|word| word.0),
            started: row.started.map(Json::into_inner),
            ended: row.ended.map(Json::into_inner),
            outputs: row.outputs.into_inner(),
            lead: lead.into_iter().next(),
            partners,
            funders,
            people: participants,
            communities: communities.remove(&row.id).unwrap_or_default(),
            managed_by: row.managed_by.map(|id| node::key_of(&keys, id)).transpose()?,
        };
        lines.push(Line { header, record });
    }
    Ok(lines)
}
