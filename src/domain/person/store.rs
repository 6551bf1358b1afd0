//! The rows of people, of their affiliations and expertise, and who may see what of them.

pub mod consents;
pub mod erasing;
pub mod exporting;

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::pg::Pg;
use diesel::{AsChangeset, ExpressionMethods, Insertable, QueryDsl, Queryable, Selectable, SelectableHelper};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt;
use serde::Serialize;
use strum::{AsRefStr, EnumMessage, EnumString, VariantArray};
use uuid::Uuid;

use crate::db::column::{Json, Word};
use crate::db::coverage::TextColumn;
use crate::db::facets::{Dimension, Values};
use crate::db::listing::{self, Listed, Loaded, Selection};
use crate::db::page::{SortColumn, SortKey};
use crate::db::per_parent::PerParent;
use crate::db::schema::{affiliations, people};
use crate::db::search;
use crate::db::statement::{Rows, Sql};
use crate::db::write::Tx;
use crate::domain::membership;
use crate::domain::node::{self, Line, Lines, Owed, Saved, Stored, Writing};
use crate::domain::person::record::{AffiliationRecord, PersonField, PersonRecord, Profession, StakeholderGroup};
use crate::domain::person::rules::FieldAudiences;
use crate::domain::record::{Header, Keys};
use crate::domain::source;
use crate::error::Fault;
use crate::policy::{NodeKind, Owners, Viewer};
use crate::text::imprecise_date::ImpreciseDate;
use crate::text::language::{LanguageTag, Languages};
use crate::text::texts::Texts;
use crate::text::vocabulary::Vocabulary;

/// One person.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = people, check_for_backend(Pg), treat_none_as_null = true)]
pub struct PersonRow {
    /// The person.
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
    /// The name in addresses; null unless the person wants one.
    pub slug: Option<String>,
    /// The name.
    pub name: String,
    /// The honorific; null: not stated.
    pub honorific: Option<String>,
    /// What the person does; null: not stated.
    pub profession: Option<Word<Profession>>,
    /// Which of the three groups the person belongs to; null: not stated.
    pub stakeholder_group: Option<Word<StakeholderGroup>>,
    /// ISO 3166-2; null: not stated.
    pub region: Option<String>,
    /// The languages that the person works in.
    pub languages: Vec<String>,
    /// The bare ORCID iD; null: not stated.
    pub orcid: Option<String>,
    /// Who may see each field.
    pub field_audiences: Json<FieldAudiences>,
    /// Whether it was retired.
    pub retired: bool,
}

/// One affiliation of one person.
#[derive(Clone, Debug, Queryable, Selectable, Insertable)]
#[diesel(table_name = affiliations, check_for_backend(Pg))]
pub struct AffiliationRow {
    /// The person.
    pub person_id: Uuid,
    /// The affiliation's name within the person.
    pub key: String,
    /// Its place in the list.
    pub position: i32,
    /// The organization.
    pub organization_id: Uuid,
    /// The position held; null: not stated.
    pub title: Option<Json<Texts>>,
    /// Since when; null: not stated.
    pub since: Option<Json<ImpreciseDate>>,
    /// Until when; null: not stated, or it goes on.
    pub until: Option<Json<ImpreciseDate>>,
    /// Whether it is the home organization.
    pub is_home: bool,
}

/// People.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct People;

/// What a list of people is narrowed by. A field that the viewer may not see matches nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct PersonFilter {
    /// Those with one of these professions.
    pub professions: Option<Vec<String>>,
    /// Those of one of these groups.
    pub stakeholder_groups: Option<Vec<String>>,
    /// Those in one of these regions or countries.
    pub regions: Option<Vec<String>>,
    /// Those who work in one of these languages.
    pub languages: Option<Vec<String>>,
    /// Those who know about one of these topics or a narrower one.
    pub topics: Option<Vec<Uuid>>,
    /// Those affiliated with one of these organizations.
    pub organizations: Option<Vec<Uuid>>,
    /// Those who hold or held a role in one of these communities, or are active members of one.
    pub communities: Option<Vec<Uuid>>,
    /// Those that a search for this text finds.
    pub text_contains: Option<String>,
}

/// What people are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, AsRefStr, EnumString, EnumMessage, VariantArray)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum PersonOrder {
    /// The name.
    Name,
    /// When the person came to the hub.
    CreatedAt,
}

impl Vocabulary for PersonOrder {
    const NAME: &'static str = "PersonOrderField";
    const ABOUT: &'static str = "What people are ordered by. Equals are ordered by id; nulls come last both ways.";
}

/// What a list of people hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PeopleOf {
    /// Those affiliated with an organization.
    Organization,
    /// Those who know about a topic or a narrower one.
    Topic,
}

impl Listed for People {
    type Row = PersonRow;
    type Filter = PersonFilter;
    type Order = PersonOrder;
    type Of = PeopleOf;

    const TABLE: &'static str = "people";
    const ID: &'static str = "people.id";
    const TEXTS: &'static [TextColumn] = &[];

    fn condition(filter: &PersonFilter, viewer: &Viewer) -> Sql {
        let mut sql = Sql::new("TRUE");
        let words = [
            (PersonField::Profession, "people.profession = ANY (", &filter.professions, ")"),
            (PersonField::StakeholderGroup, "people.stakeholder_group = ANY (", &filter.stakeholder_groups, ")"),
            (PersonField::Region, "ARRAY[people.region, split_part(people.region, '-', 1)] && ", &filter.regions, ""),
        ];
        for (field, start, values, end) in words {
            if let Some(values) = values {
                sql = sql.and(Sql::new(start).texts(values.clone()).push(end)).and(field_visible(field, viewer));
            }
        }
        if let Some(languages) = &filter.languages {
            let works = listing::serves("people.languages", languages);
            sql = sql.and(works).and(field_visible(PersonField::Languages, viewer));
        }
        if let Some(topics) = &filter.topics {
            sql = sql.and(knows_about(Sql::default().uuids(topics.clone()), viewer));
        }
        if let Some(organizations) = &filter.organizations {
            let one_of = Sql::new("a.organization_id = ANY (").uuids(organizations.clone()).push(")");
            sql = sql.and(affiliated(one_of, viewer));
        }
        if let Some(communities) = &filter.communities {
            let belongs = Sql::new("people.id IN (SELECT r.person_id FROM roles r WHERE r.community_id = ANY (")
                .uuids(communities.clone())
                .push(")")
                .and(listing::visible_to(viewer, "r.is_public", "r.audience"))
                .push(" UNION ALL SELECT m.person_id FROM memberships m WHERE m.status = 'ACTIVE' AND m.community_id = ANY (")
                .uuids(communities.clone())
                .push(")")
                .and(listing::visible_to(viewer, "m.is_public", "m.audience"))
                .push(")");
            sql = sql.and(belongs);
        }
        if let Some(text) = &filter.text_contains {
            sql = sql.and(search::found("people.id", text, viewer));
        }
        sql
    }

    fn hangs_on(of: PeopleOf, viewer: &Viewer) -> Sql {
        match of {
            PeopleOf::Organization => affiliated(Sql::new("a.organization_id = parent.id"), viewer),
            PeopleOf::Topic => knows_about(Sql::new("ARRAY[parent.id]"), viewer),
        }
    }

    fn columns(order: PersonOrder, _languages: &Languages) -> Vec<SortColumn> {
        match order {
            PersonOrder::Name => vec![SortColumn::text(Sql::new("people.name COLLATE \"und-x-icu\""))],
            PersonOrder::CreatedAt => vec![SortColumn::time(Sql::new("people.created_at"))],
        }
    }

    fn keys(row: &PersonRow, order: PersonOrder, _languages: &Languages) -> Vec<SortKey> {
        match order {
            PersonOrder::Name => vec![SortKey::Text(Some(row.name.clone()))],
            PersonOrder::CreatedAt => vec![SortKey::Time(row.created_at)],
        }
    }

    fn id(row: &PersonRow) -> Uuid {
        row.id
    }

    fn read_bytes(row: &PersonRow) -> usize {
        row.field_audiences.read_bytes()
    }

    fn values(by: Dimension, viewer: &Viewer) -> Option<Values> {
        match by {
            Dimension::Topic => {
                let topics = Sql::new("SELECT t.id FROM person_expertise e JOIN topics t ON t.id = e.topic_id WHERE e.person_id = people.id")
                    .and(listing::visible_to(viewer, "t.is_public", "t.audience"))
                    .and(field_visible(PersonField::Expertise, viewer));
                Some(Values::each(topics))
            }
            Dimension::Language => {
                let languages = Sql::new("SELECT l FROM unnest(people.languages) AS l WHERE ")
                    .append(field_visible(PersonField::Languages, viewer));
                Some(Values::each(languages))
            }
            Dimension::Region => {
                let region = Sql::new("SELECT people.region WHERE ").append(field_visible(PersonField::Region, viewer));
                Some(Values::each(region))
            }
            Dimension::Community => {
                let communities = Sql::new("SELECT r.community_id FROM roles r WHERE r.person_id = people.id AND r.community_id IS NOT NULL")
                    .and(listing::visible_to(viewer, "r.is_public", "r.audience"))
                    .push(" UNION SELECT m.community_id FROM memberships m WHERE m.status = 'ACTIVE' AND m.person_id = people.id")
                    .and(listing::visible_to(viewer, "m.is_public", "m.audience"));
                Some(Values::each(communities))
            }
            Dimension::Organization => {
                let affiliated = Sql::new("SELECT DISTINCT o.id FROM affiliations a JOIN organizations o ON o.id = a.organization_id WHERE a.person_id = people.id")
                    .and(listing::visible_to(viewer, "o.is_public", "o.audience"))
                    .and(affiliation_visible(viewer));
                Some(Values::each(affiliated))
            }
            Dimension::Kind | Dimension::Year => None,
        }
    }

    fn visible(viewer: &Viewer) -> Sql {
        listing::visible_to(viewer, "people.is_public", "people.audience")
    }

    fn load<'a>(rows: Rows<Selection<Self>>, conn: &'a mut AsyncPgConnection) -> Loaded<'a, PersonRow> {
        rows.load(conn).boxed()
    }

    fn load_per_parent<'a>(
        rows: PerParent<Rows<Selection<Self>>>,
        conn: &'a mut AsyncPgConnection,
    ) -> Loaded<'a, (Uuid, PersonRow)> {
        rows.load(conn).boxed()
    }
}

/// The condition that a viewer sees the person in the row and this field of them.
pub fn visible_with(field: PersonField, viewer: &Viewer) -> Sql {
    People::visible(viewer).and(field_visible(field, viewer))
}

/// Whether a viewer may see a field of the person in the row. Twin of `policy::sees` over the field's audience.
pub fn field_visible(field: PersonField, viewer: &Viewer) -> Sql {
    match viewer.atoms() {
        None => Sql::new("TRUE"),
        Some(atoms) => Sql::new("people.field_audiences -> ").text(field.as_ref()).push(" ?| ").texts(atoms),
    }
}

/// The condition that the person is affiliated, as far as the viewer may know: all affiliations, or the home alone.
fn affiliated(one_of: Sql, viewer: &Viewer) -> Sql {
    // SQL: affiliations by organization.
    Sql::new("EXISTS (SELECT 1 FROM affiliations a JOIN organizations o ON o.id = a.organization_id WHERE a.person_id = people.id")
        .and(one_of)
        .and(listing::visible_to(viewer, "o.is_public", "o.audience"))
        .and(affiliation_visible(viewer))
        .push(")")
}

/// Whether a viewer may know of the affiliation `a` of the person in the row.
fn affiliation_visible(viewer: &Viewer) -> Sql {
    Sql::new("(")
        .append(field_visible(PersonField::Affiliations, viewer))
        .push(") OR (a.is_home AND ")
        .append(field_visible(PersonField::HomeOrganization, viewer))
        .push(")")
}

/// The condition that the person knows about one of the topics or a narrower one, as far as the viewer may know.
fn knows_about(topics: Sql, viewer: &Viewer) -> Sql {
    Sql::new("people.id IN (SELECT e.person_id FROM topic_family(")
        .append(topics)
        .push(", ")
        .append(listing::atoms(viewer))
        .push(") f JOIN person_expertise e ON e.topic_id = f.id)")
        .and(field_visible(PersonField::Expertise, viewer))
}

/// The affiliations of many people in their order. Which of them the viewer may see is decided at the person.
pub async fn affiliations_of(
    conn: &mut AsyncPgConnection,
    viewer: &Viewer,
    people: Vec<Uuid>,
) -> Result<HashMap<Uuid, Vec<AffiliationRow>>, Fault> {
    // SQL: affiliations by person; people and organizations by primary key.
    let rows = Rows {
        selection: AffiliationRow::as_select(),
        table: "affiliations",
        condition: Sql::new("affiliations.person_id = ANY (")
            .keys(people)
            .push(") AND EXISTS (SELECT 1 FROM organizations o WHERE o.id = affiliations.organization_id AND ")
            .append(listing::visible_to(viewer, "o.is_public", "o.audience"))
            .push(") AND EXISTS (SELECT 1 FROM people p WHERE p.id = affiliations.person_id AND ")
            .append(listing::visible_to(viewer, "p.is_public", "p.audience"))
            .push(")"),
        order: Sql::new(" ORDER BY affiliations.person_id, affiliations.position"),
    };
    let found: Vec<AffiliationRow> =
        rows.load(conn).await.map_err(|error| Fault::database("reading affiliations", error))?;
    let mut grouped: HashMap<Uuid, Vec<AffiliationRow>> = HashMap::new();
    for row in found {
        grouped.entry(row.person_id).or_default().push(row);
    }
    Ok(grouped)
}

impl Stored for People {
    type Record = PersonRecord;

    const KEY: &'static str = "people.key";

    fn lines<'a>(conn: &'a mut AsyncPgConnection, viewer: &'a Viewer, rows: Vec<PersonRow>) -> Lines<'a, PersonRecord> {
        lines(conn, viewer, rows).boxed()
    }

    fn save<'a>(
        tx: &'a mut Tx,
        id: Uuid,
        line: &'a Line<PersonRecord>,
        hash: Option<&'a str>,
        keys: &'a Keys,
    ) -> Owed<'a> {
        async move {
            save(tx, id, line, hash, keys).await?;
            Ok(vec![id])
        }
        .boxed()
    }
}

/// Writes a person from a line of the transfer format. Who may see what is decided by `audiences::recompute`, which
/// the caller owes afterwards; until then nobody sees a new person.
async fn save(tx: &mut Tx, id: Uuid, line: &Line<PersonRecord>, hash: Option<&str>, keys: &Keys) -> Result<(), Fault> {
    let doing = |error: diesel::result::Error| Fault::database("writing a person", error);
    // All of it is compared, whatever whoever writes it sees.
    let viewer = Viewer::system("writing");
    let old = listing::by_ids::<People>(tx.conn(), &viewer, vec![id]).await?.remove(&id);
    let before = match &old {
        Some(row) => lines(tx.conn(), &viewer, vec![row.clone()]).await?.pop(),
        None => None,
    };
    let (header, record) = (&line.header, line.record.clone());
    let row = PersonRow {
        id,
        key: header.key.clone(),
        audience: old.as_ref().map(|row| row.audience.clone()).unwrap_or_default(),
        original_language: Word(header.original_language.clone()),
        import_hash: hash.map(str::to_owned),
        verified_on: header.verified_on,
        version: old.as_ref().map_or(1, |row| row.version.saturating_add(1)),
        created_at: old.as_ref().map_or(tx.now(), |row| row.created_at),
        updated_at: tx.now(),
        retired: header.retired,
        slug: header.slug.clone(),
        name: record.name,
        honorific: record.honorific,
        profession: record.profession.map(Word),
        stakeholder_group: record.stakeholder_group.map(Word),
        region: record.region,
        languages: record.languages.iter().map(ToString::to_string).collect(),
        orcid: record.orcid,
        field_audiences: old.as_ref().map(|row| row.field_audiences.clone()).unwrap_or_default(),
    };
    let owners = Owners::default();
    let audience_before = old.as_ref().map(|row| row.audience.as_slice());
    let writing = Writing { kind: NodeKind::Person, id, audience_before, owners: &owners, slug: row.slug.as_deref() };
    node::require_write(tx, writing).await?;
    match &old {
        None => diesel::insert_into(people::table).values(&row).execute(tx.conn()).await.map_err(doing)?,
        Some(_) => diesel::update(people::table.find(id)).set(&row).execute(tx.conn()).await.map_err(doing)?,
    };
    match old.as_ref().map(|row| row.retired) {
        Some(false) if row.retired => membership::store::count_all_of(tx, id, -1).await?,
        Some(true) if !row.retired => membership::store::count_all_of(tx, id, 1).await?,
        Some(_) | None => {}
    }
    write_relations(tx, id, &line.record, keys).await?;
    let saved = Saved {
        id,
        before: before.as_ref(),
        texts_before: before.as_ref().map(|line| line.record.texts()).unwrap_or_default(),
        texts_after: line.record.texts(),
        after: line,
        slug: row.slug.as_deref(),
        communities: Vec::new(),
        topics: Vec::new(),
        is_publication: false,
    };
    node::keep(tx, saved).await?;
    let home = |record: &PersonRecord| record.affiliations.iter().find(|it| it.home).map(|it| it.organization.clone());
    if before.as_ref().and_then(|line| home(&line.record)) != home(&line.record) {
        tx.also_touched(id, PersonField::HomeOrganization.name());
    }
    Ok(())
}

async fn write_relations(tx: &mut Tx, id: Uuid, record: &PersonRecord, keys: &Keys) -> Result<(), Fault> {
    let doing = |error: diesel::result::Error| Fault::database("writing a person", error);
    let topics = node::ids_of(keys, NodeKind::Topic, &record.expertise)?;
    let mut affiliated = Vec::new();
    for (position, affiliation) in (0_i32..).zip(&record.affiliations) {
        affiliated.push(AffiliationRow {
            person_id: id,
            key: affiliation.id.clone(),
            position,
            organization_id: keys.id(NodeKind::Organization, &affiliation.organization)?,
            title: affiliation.title.clone().map(Json::new),
            since: affiliation.from.clone().map(Json::new),
            until: affiliation.until.clone().map(Json::new),
            is_home: affiliation.home,
        });
    }
    node::replace_pairs(tx.conn(), "person_expertise", "person_id", "topic_id", id, topics).await?;
    let conn = tx.conn();
    diesel::delete(affiliations::table.filter(affiliations::person_id.eq(id))).execute(conn).await.map_err(doing)?;
    diesel::insert_into(affiliations::table).values(affiliated).execute(conn).await.map_err(doing)?;
    consents::replace_imported(conn, id, &record.consents).await
}

async fn lines(
    conn: &mut AsyncPgConnection,
    viewer: &Viewer,
    rows: Vec<PersonRow>,
) -> Result<Vec<Line<PersonRecord>>, Fault> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let slugs: Vec<(Uuid, Option<&str>)> = rows.iter().map(|row| (row.id, row.slug.as_deref())).collect();
    let mut former_slugs = node::former_slugs(conn, &slugs).await?;
    let mut sources = source::store::records(conn, viewer, ids.clone()).await?;
    let mut expertise = node::names_of(conn, "person_expertise", "person_id", "topic_id", ids.clone()).await?;
    let mut consents = consents::of_people(conn, ids.clone()).await?;
    let mut affiliations = affiliations_of(conn, viewer, ids).await?;
    let homes = affiliations.values().flatten().map(|row| row.organization_id).collect();
    let keys = node::keys_of(conn, homes).await?;
    let mut lines = Vec::new();
    for row in rows {
        let mut affiliated = Vec::new();
        for affiliation in affiliations.remove(&row.id).unwrap_or_default() {
            affiliated.push(AffiliationRecord {
                id: affiliation.key,
                organization: node::key_of(&keys, affiliation.organization_id)?,
                title: affiliation.title.map(Json::into_inner),
                from: affiliation.since.map(Json::into_inner),
                until: affiliation.until.map(Json::into_inner),
                home: affiliation.is_home,
            });
        }
        let header = Header {
            slug: row.slug,
            key: row.key,
            former_slugs: former_slugs.remove(&row.id).unwrap_or_default(),
            original_language: row.original_language.0,
            audience: None,
            retired: row.retired,
            verified_on: row.verified_on,
            sources: sources.remove(&row.id).unwrap_or_default(),
        };
        let record = PersonRecord {
            name: row.name,
            honorific: row.honorific,
            profession: row.profession.map(|word| word.0),
            stakeholder_group: row.stakeholder_group.map(|word| word.0),
            region: row.region,
            languages: node::tags(&row.languages)?,
            expertise: expertise.remove(&row.id).unwrap_or_default(),
            orcid: row.orcid,
            affiliations: affiliated,
            consents: consents.remove(&row.id).unwrap_or_default(),
        };
        lines.push(Line { header, record });
    }
    Ok(lines)
}
