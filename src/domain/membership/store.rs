//! The rows of memberships, and how many of them are active.

pub mod applications;
pub mod joining;

use std::collections::HashMap;

use chrono::{DateTime, NaiveDate, Utc};
use diesel::pg::Pg;
use diesel::sql_types::{BigInt, Uuid as SqlUuid};
use diesel::{AsChangeset, Insertable, QueryDsl, Queryable, Selectable};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::FutureExt;
use serde::Serialize;
use strum::{AsRefStr, EnumMessage, EnumString, VariantArray};
use uuid::Uuid;

use crate::db::column::{Json, Word};
use crate::db::coverage::TextColumn;
use crate::db::dates::{self, DateRange};
use crate::db::facets::{Dimension, Values};
use crate::db::listing::{self, Listed, Loaded, Selection};
use crate::db::page::{SortColumn, SortKey};
use crate::db::per_parent::PerParent;
use crate::db::schema::memberships;
use crate::db::statement::{Rows, Sql};
use crate::db::write::Tx;
use crate::domain::membership::record::{MembershipRecord, MembershipStatus, MembershipTier};
use crate::domain::node::{self, Line, Lines, Owed, Saved, Stored, Writing};
use crate::domain::owners;
use crate::domain::permission;
use crate::domain::record::{self, Header, Keys};
use crate::domain::source;
use crate::error::Fault;
use crate::policy::{Action, NodeKind, Subject, Viewer};
use crate::text::imprecise_date::ImpreciseDate;
use crate::text::language::{LanguageTag, Languages};
use crate::text::messages::Message;
use crate::text::texts::Fields;
use crate::text::vocabulary::Vocabulary;

/// One membership.
#[derive(Clone, Debug, Queryable, Selectable, Insertable, AsChangeset)]
#[diesel(table_name = memberships, check_for_backend(Pg), treat_none_as_null = true)]
pub struct MembershipRow {
    /// The membership.
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
    /// Who belongs.
    pub person_id: Uuid,
    /// To what.
    pub community_id: Uuid,
    /// Where it stands.
    pub status: Word<MembershipStatus>,
    /// How far it goes; null: not stated.
    pub tier: Option<Word<MembershipTier>>,
    /// Since when; null: not stated.
    pub since: Option<Json<ImpreciseDate>>,
    /// The first day that this can mean.
    pub since_earliest: Option<NaiveDate>,
    /// The last day that this can mean.
    pub since_latest: Option<NaiveDate>,
    /// When the person applied last by their own account; null: never.
    pub applied_at: Option<DateTime<Utc>>,
}

/// Memberships.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Memberships;

/// What a list of memberships is narrowed by.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct MembershipFilter {
    /// Those with one of these statuses.
    pub statuses: Option<Vec<String>>,
    /// Those of one of these tiers.
    pub tiers: Option<Vec<String>>,
    /// Those of one of these people.
    pub people: Option<Vec<Uuid>>,
    /// Those in one of these communities.
    pub communities: Option<Vec<Uuid>>,
    /// Those that began then.
    pub since: Option<DateRange>,
}

/// What memberships are ordered by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, AsRefStr, EnumString, EnumMessage, VariantArray)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum MembershipOrder {
    /// When it began: earliest, then latest.
    Since,
    /// When it came to the hub.
    CreatedAt,
}

impl Vocabulary for MembershipOrder {
    const NAME: &'static str = "MembershipOrderField";
    const ABOUT: &'static str = "What memberships are ordered by. Equals are ordered by id; nulls come last both ways.";
}

/// What a list of memberships hangs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MembershipsOf {
    /// Those of a person.
    Person,
    /// Those in a community.
    Community,
}

impl MembershipRow {
    /// Every text in several languages, by the path of its field.
    pub fn texts(&self) -> Fields<'_> {
        let mut fields = Fields::new();
        record::put(&mut fields, "since/label", self.since.as_deref().and_then(ImpreciseDate::label));
        fields
    }

    /// Whether it is one of the active members of its community, unless the person was retired.
    fn is_counted(&self, retired_people: &[Uuid]) -> bool {
        self.status.0 == MembershipStatus::Active && !self.retired && !retired_people.contains(&self.person_id)
    }
}

impl Listed for Memberships {
    type Row = MembershipRow;
    type Filter = MembershipFilter;
    type Order = MembershipOrder;
    type Of = MembershipsOf;

    const TABLE: &'static str = "memberships";
    const ID: &'static str = "memberships.id";
    const TEXTS: &'static [TextColumn] = &[];

    fn condition(filter: &MembershipFilter, viewer: &Viewer) -> Sql {
        let mut sql = Sql::new("TRUE");
        for (start, words) in
            [("memberships.status = ANY (", &filter.statuses), ("memberships.tier = ANY (", &filter.tiers)]
        {
            if let Some(words) = words {
                sql = sql.and(Sql::new(start).texts(words.clone()).push(")"));
            }
        }
        if let Some(ids) = &filter.people {
            // SQL: by primary key. Coordinators see that they refused somebody whom they may not see any more.
            let people = Sql::new("memberships.person_id IN (SELECT p.id FROM people p WHERE p.id = ANY (")
                .uuids(ids.clone())
                .push(")")
                .and(listing::visible_to(viewer, "p.is_public", "p.audience"));
            sql = sql.and(people.push(")"));
        }
        // Whoever sees a membership sees the community.
        if let Some(ids) = &filter.communities {
            sql = sql.and(Sql::new("memberships.community_id = ANY (").uuids(ids.clone()).push(")"));
        }
        if let Some(range) = &filter.since {
            sql = sql.and(dates::within("memberships.since_earliest", "memberships.since_latest", range));
        }
        sql
    }

    fn hangs_on(of: MembershipsOf, _viewer: &Viewer) -> Sql {
        match of {
            MembershipsOf::Person => Sql::new("memberships.person_id = parent.id"),
            MembershipsOf::Community => Sql::new("memberships.community_id = parent.id"),
        }
    }

    fn columns(order: MembershipOrder, _languages: &Languages) -> Vec<SortColumn> {
        match order {
            MembershipOrder::Since => vec![
                SortColumn::nullable_date(Sql::new("memberships.since_earliest")),
                SortColumn::nullable_date(Sql::new("memberships.since_latest")),
            ],
            MembershipOrder::CreatedAt => vec![SortColumn::time(Sql::new("memberships.created_at"))],
        }
    }

    fn keys(row: &MembershipRow, order: MembershipOrder, _languages: &Languages) -> Vec<SortKey> {
        match order {
            MembershipOrder::Since => vec![SortKey::Date(row.since_earliest), SortKey::Date(row.since_latest)],
            MembershipOrder::CreatedAt => vec![SortKey::Time(row.created_at)],
        }
    }

    fn id(row: &MembershipRow) -> Uuid {
        row.id
    }

    fn values(by: Dimension, _viewer: &Viewer) -> Option<Values> {
        match by {
            Dimension::Community => Some(Values::column("memberships.community_id::text")),
            Dimension::Year => Some(Values::column("extract(year FROM memberships.since_earliest)::text")),
            Dimension::Kind | Dimension::Topic | Dimension::Language | Dimension::Organization | Dimension::Region => {
                None
            }
        }
    }

    fn visible(viewer: &Viewer) -> Sql {
        listing::visible_to(viewer, "memberships.is_public", "memberships.audience")
    }

    fn load<'a>(rows: Rows<Selection<Self>>, conn: &'a mut AsyncPgConnection) -> Loaded<'a, MembershipRow> {
        rows.load(conn).boxed()
    }

    fn load_per_parent<'a>(
        rows: PerParent<Rows<Selection<Self>>>,
        conn: &'a mut AsyncPgConnection,
    ) -> Loaded<'a, (Uuid, MembershipRow)> {
        rows.load(conn).boxed()
    }
}

impl Stored for Memberships {
    type Record = MembershipRecord;

    const KEY: &'static str = "memberships.key";

    fn lines<'a>(
        conn: &'a mut AsyncPgConnection,
        viewer: &'a Viewer,
        rows: Vec<MembershipRow>,
    ) -> Lines<'a, MembershipRecord> {
        lines(conn, viewer, rows).boxed()
    }

    fn save<'a>(
        tx: &'a mut Tx,
        id: Uuid,
        line: &'a Line<MembershipRecord>,
        hash: Option<&'a str>,
        keys: &'a Keys,
    ) -> Owed<'a> {
        save(tx, (id, By::Owners), line, hash, keys).boxed()
    }
}

/// How many active memberships communities have, whoever may see them, as far as the viewer sees the community.
pub async fn active_in(
    conn: &mut AsyncPgConnection,
    viewer: &Viewer,
    communities: Vec<Uuid>,
) -> Result<HashMap<Uuid, i64>, Fault> {
    // SQL: both tables by primary key.
    let found: Vec<(Uuid, i64)> = Sql::new("SELECT n.community_id, n.active_members FROM community_counts n JOIN communities c ON c.id = n.community_id WHERE n.community_id = ANY (")
        .keys(communities)
        .push(")")
        .and(listing::visible_to(viewer, "c.is_public", "c.audience"))
        .returning::<(SqlUuid, BigInt)>()
        .load(conn)
        .await
        .map_err(|error| Fault::database("counting members", error))?;
    Ok(found.into_iter().collect())
}

/// Who writes a membership.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    /// Those who run the community.
    Owners,
    /// The person, of whose own data it is.
    Person,
    /// Whoever was asked already whether they run the community, of whatever they see of the membership.
    Inviter,
}

/// Writes a membership from a line of the transfer format. The answer is whom the caller owes
/// `person::audiences::recompute`.
async fn save(
    tx: &mut Tx,
    (id, by): (Uuid, By),
    line: &Line<MembershipRecord>,
    hash: Option<&str>,
    keys: &Keys,
) -> Result<Vec<Uuid>, Fault> {
    let doing = |error: diesel::result::Error| Fault::database("writing a membership", error);
    // All of it is compared, whatever whoever writes it sees.
    let viewer = Viewer::system("writing");
    let old = listing::by_ids::<Memberships>(tx.conn(), &viewer, vec![id]).await?.remove(&id);
    let before = match &old {
        Some(row) => lines(tx.conn(), &viewer, vec![row.clone()]).await?.pop(),
        None => None,
    };
    let (header, record) = (&line.header, line.record.clone());
    let row = MembershipRow {
        id,
        key: header.key.clone(),
        // The trigger membership_audience writes what it derives.
        audience: Vec::new(),
        original_language: Word(header.original_language.clone()),
        import_hash: hash.map(str::to_owned),
        verified_on: header.verified_on,
        version: old.as_ref().map_or(1, |row| row.version.saturating_add(1)),
        created_at: old.as_ref().map_or(tx.now(), |row| row.created_at),
        updated_at: tx.now(),
        retired: header.retired,
        person_id: keys.id(NodeKind::Person, &record.person)?,
        community_id: keys.id(NodeKind::Community, &record.community)?,
        status: Word(record.status),
        tier: record.tier.map(Word),
        since_earliest: record.since.as_ref().and_then(ImpreciseDate::earliest),
        since_latest: record.since.as_ref().and_then(ImpreciseDate::latest),
        since: record.since.map(Json::new),
        applied_at: old.as_ref().and_then(|row| row.applied_at),
    };
    match by {
        By::Owners => {
            let owners = owners::of_any(tx.conn(), vec![row.community_id]).await?;
            let audience_before = old.as_ref().map(|row| row.audience.as_slice());
            let writing = Writing { kind: NodeKind::Membership, id, audience_before, owners: &owners, slug: None };
            node::require_write(tx, writing).await?;
        }
        By::Person => permission::require(tx, Action::Write, Subject::PersonalData(row.person_id)).await?,
        By::Inviter => {}
    }
    require_one_per_pair(tx, &row).await?;
    let old_texts = old.as_ref().map(|row| row.texts()).unwrap_or_default();
    match &old {
        None => diesel::insert_into(memberships::table).values(&row).execute(tx.conn()).await.map_err(doing)?,
        Some(_) => diesel::update(memberships::table.find(id)).set(&row).execute(tx.conn()).await.map_err(doing)?,
    };
    let people = old.iter().map(|row| row.person_id).chain([row.person_id]).collect();
    let retired_people = retired_among(tx.conn(), people).await?;
    if let Some(old) = old.as_ref().filter(|old| old.is_counted(&retired_people)) {
        tx.count_active_members(old.community_id, -1);
    }
    if row.is_counted(&retired_people) {
        tx.count_active_members(row.community_id, 1);
    }
    applications::close_if_settled(tx.conn(), id, row.status.0, row.retired).await?;
    let saved = Saved {
        id,
        before: before.as_ref(),
        texts_before: old_texts,
        texts_after: row.texts(),
        after: line,
        slug: None,
        communities: old.iter().map(|row| row.community_id).chain([row.community_id]).collect(),
        topics: Vec::new(),
        is_publication: false,
    };
    node::keep(tx, saved).await?;
    Ok(old.iter().map(|row| row.person_id).chain([row.person_id]).collect())
}

async fn retired_among(conn: &mut AsyncPgConnection, people: Vec<Uuid>) -> Result<Vec<Uuid>, Fault> {
    // SQL: by primary key.
    Sql::new("SELECT id FROM people WHERE retired AND id = ANY (")
        .uuids(people)
        .push(")")
        .returning::<SqlUuid>()
        .load(conn)
        .await
        .map_err(|error| Fault::database("looking for retired people", error))
}

/// Counts the active memberships of a person in or out, who was brought back or retired.
pub async fn count_all_of(tx: &mut Tx, person: Uuid, difference: i64) -> Result<(), Fault> {
    // SQL: by memberships_person_all.
    let communities: Vec<Uuid> =
        Sql::new("SELECT community_id FROM memberships WHERE status = 'ACTIVE' AND NOT retired AND person_id = ")
            .uuid(person)
            .returning::<SqlUuid>()
            .load(tx.conn())
            .await
            .map_err(|error| Fault::database("counting members", error))?;
    for community in communities {
        tx.count_active_members(community, difference);
    }
    Ok(())
}

/// Refuses a second membership of one person in one community, whatever its key.
async fn require_one_per_pair(tx: &mut Tx, row: &MembershipRow) -> Result<(), Fault> {
    if row.retired {
        return Ok(());
    }
    // SQL: by memberships_person.
    let others: Vec<String> = Sql::new("SELECT key FROM memberships WHERE NOT retired AND person_id = ")
        .uuid(row.person_id)
        .push(" AND community_id = ")
        .uuid(row.community_id)
        .push(" AND id <> ")
        .uuid(row.id)
        .returning::<diesel::sql_types::Text>()
        .load(tx.conn())
        .await
        .map_err(|error| Fault::database("looking for another membership", error))?;
    match others.into_iter().next() {
        Some(key) => Err(Message::new("membership-twice").with("key", key).into()),
        None => Ok(()),
    }
}

async fn lines(
    conn: &mut AsyncPgConnection,
    viewer: &Viewer,
    rows: Vec<MembershipRow>,
) -> Result<Vec<Line<MembershipRecord>>, Fault> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
    let mut sources = source::store::records(conn, viewer, ids).await?;
    let keys = node::keys_of(conn, rows.iter().flat_map(|row| [row.person_id, row.community_id]).collect()).await?;
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
        let record = MembershipRecord {
            person: node::key_of(&keys, row.person_id)?,
            community: node::key_of(&keys, row.community_id)?,
            status: row.status.0,
            tier: row.tier.map(|word| word.0),
            since: row.since.map(Json::into_inner),
        };
        lines.push(Line { header, record });
    }
    Ok(lines)
}
