//! The change log: what a transaction did, appended as its last statement, in commit order; and how it is read.
//!
//! **Invariant:** positions become visible in their order. They are handed out under a transaction-scoped advisory
//! lock that is taken just before the last statement; stores never take it, so nothing can deadlock on it.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use diesel::Insertable;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use strum::{AsRefStr, EnumMessage, EnumString, VariantArray};
use uuid::Uuid;

use crate::db::audit;
use crate::db::schema::changes;
use crate::db::statement::Sql;
use crate::error::Fault;
use crate::policy::NodeKind;
use crate::text::vocabulary::Vocabulary;

/// What happened to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, AsRefStr, EnumString, EnumMessage, VariantArray)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum ChangeAction {
    /// It was written for the first time.
    Created,
    /// Fields or audience changed.
    Updated,
    /// It was put before its readers.
    Published,
    /// It can be seen by somebody who could not see it before.
    Released,
    /// It was retired, and can still be seen.
    Retired,
    /// It can no longer be seen.
    Removed,
}

impl Vocabulary for ChangeAction {
    const NAME: &'static str = "ChangeAction";
    const ABOUT: &'static str = "What happened to a node, as far as whoever is told can see it.";
}

/// One entry of the change log, as the store that made the change tells it. Never holds content.
#[derive(Clone, Debug)]
pub struct Change {
    /// What happened.
    pub action: ChangeAction,
    /// To what kind of node.
    pub kind: NodeKind,
    /// To which node.
    pub node_id: Uuid,
    /// The fields touched, by their names in the contract.
    pub fields: Vec<String>,
    /// The communities it concerns.
    pub communities: Vec<Uuid>,
    /// The topics it concerns.
    pub topics: Vec<Uuid>,
    /// The languages of the texts it concerns.
    pub languages: Vec<String>,
    /// Who could see those fields before and can now; null: who can see the node.
    pub audiences: Option<Audiences>,
}

/// What changed of an account's rights.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RightsChange {
    /// The account.
    pub account: Uuid,
    /// The atoms of audience that it has no longer.
    pub lost: Vec<String>,
    /// The atoms of audience that it has now.
    pub gained: Vec<String>,
}

/// Who made changes, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// As the change log names them.
    pub actor: String,
    /// The account; null: the hub itself.
    pub account: Option<Uuid>,
    /// The token that it used; null: none.
    pub token: Option<Uuid>,
    /// The reason that was given.
    pub why: String,
}

/// An audience before and after a change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audiences {
    /// Before the transaction; empty when nobody could.
    pub before: Vec<String>,
    /// After it.
    pub after: Vec<String>,
}

#[derive(Insertable)]
#[diesel(table_name = changes)]
struct NewChange<'a> {
    action: &'a str,
    kind: &'a str,
    node_id: Uuid,
    fields: &'a [String],
    communities: &'a [Uuid],
    topics: &'a [Uuid],
    languages: &'a [String],
    audience_before: &'a [String],
    audience_after: &'a [String],
    actor: &'a str,
}

/// The key of the advisory lock that orders the log ("hub" and "log" as bytes).
const LOG_LOCK: i64 = 0x6875_6200_6c6f_6700;

/// At most this many rows in one INSERT: PostgreSQL binds at most 65,535 values in a statement, a row has ten.
const ROWS_PER_INSERT: usize = 5_000;

/// The kind of entries that tell of an account's rights.
const VIEWER: &str = "VIEWER";

/// Appends what a transaction did, and notes it in the audit; the caller commits next. The answer is the position of the
/// last entry; null when there is nothing to tell.
pub async fn append(
    conn: &mut AsyncPgConnection,
    author: &Author,
    mut entries: Vec<Change>,
    rights: &[RightsChange],
) -> Result<Option<i64>, Fault> {
    let doing = |error: diesel::result::Error| Fault::database("appending to the change log", error);
    conn.batch_execute("SET CONSTRAINTS ALL IMMEDIATE").await.map_err(doing)?;
    let moved = moved_audiences(conn).await.map_err(doing)?;
    // Derived audiences (of links, roles, people) move without their store being asked.
    let told: HashSet<Uuid> = entries.iter().map(|entry| entry.node_id).collect();
    for node in &moved {
        if !told.contains(&node.id) && node.audiences.before != node.audiences.after {
            entries.push(Change {
                action: ChangeAction::Updated,
                kind: node.kind,
                node_id: node.id,
                fields: vec!["audience".to_owned()],
                communities: Vec::new(),
                topics: Vec::new(),
                languages: Vec::new(),
                audiences: None,
            });
        }
    }
    if entries.is_empty() && rights.is_empty() {
        return Ok(None);
    }
    let audiences = audiences_of(conn, &entries, &moved).await.map_err(doing)?;
    let rights_fields = ["rights".to_owned()];
    let of_rights = rights.iter().map(|change| NewChange {
        action: ChangeAction::Updated.as_ref(),
        kind: VIEWER,
        node_id: change.account,
        fields: &rights_fields,
        communities: &[],
        topics: &[],
        languages: &[],
        audience_before: &change.lost,
        audience_after: &change.gained,
        actor: &author.actor,
    });
    let rows: Vec<NewChange<'_>> = entries
        .iter()
        .zip(&audiences)
        .map(|(entry, audiences)| NewChange {
            action: entry.action.as_ref(),
            kind: entry.kind.as_ref(),
            node_id: entry.node_id,
            fields: &entry.fields,
            communities: &entry.communities,
            topics: &entry.topics,
            languages: &entry.languages,
            audience_before: &audiences.before,
            audience_after: &audiences.after,
            actor: &author.actor,
        })
        .chain(of_rights)
        .collect();
    conn.batch_execute(&format!("SELECT pg_advisory_xact_lock({LOG_LOCK})")).await.map_err(doing)?;
    let before = position(conn).await?;
    for chunk in rows.chunks(ROWS_PER_INSERT) {
        diesel::insert_into(changes::table).values(chunk).execute(conn).await.map_err(doing)?;
    }
    audit::of_changes(conn, author, before).await?;
    // Nobody else appends before this transaction ends.
    position(conn).await.map(Some)
}

/// One entry of the change log, as it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the log.
    pub position: i64,
    /// When it was appended.
    pub created_at: DateTime<Utc>,
    /// What happened.
    pub action: ChangeAction,
    /// To what kind of node; null: to the rights of an account.
    pub kind: Option<NodeKind>,
    /// To which node, or account; nil: somebody was erased, and this is all that is left.
    pub node_id: Uuid,
    /// The fields touched, by their names in the contract.
    pub fields: Vec<String>,
    /// The communities it concerns.
    pub communities: Vec<Uuid>,
    /// The topics it concerns.
    pub topics: Vec<Uuid>,
    /// The languages of the texts it concerns.
    pub languages: Vec<String>,
    /// Who could see it before and can now; of an account, the atoms that it lost and gained.
    pub audiences: Audiences,
    /// Who did it.
    pub actor: String,
}

/// A stretch of the log, and what the log was when it was read, of one snapshot.
#[derive(Clone, Debug)]
pub struct Stretch {
    /// Which log it is.
    pub epoch: Uuid,
    /// The position up to which entries were forgotten.
    pub forgotten_through: i64,
    /// The position of the last entry.
    pub end: i64,
    /// The entries, in their order.
    pub entries: Vec<Entry>,
    /// Whether entries follow that were not read.
    pub has_more: bool,
}

/// The entries after a position, `limit` at the most.
pub async fn read(conn: &mut AsyncPgConnection, after: i64, limit: usize) -> Result<Stretch, Fault> {
    type Row = ((Uuid, i64, i64), Option<EntryRow>);
    let doing = |error: diesel::result::Error| Fault::database("reading the change log", error);
    // SQL: a range of the primary key; with the singleton row in one statement, so that what is forgotten meanwhile
    // cannot leave a gap that nobody notices.
    let statement = Sql::new(
        "SELECT e.epoch, e.forgotten_through, (SELECT coalesce(max(position), 0) FROM changes), \
         c.position, c.created_at, c.action, c.kind, c.node_id, c.fields, c.communities, c.topics, c.languages, \
         c.audience_before, c.audience_after, c.actor \
         FROM log_epoch e LEFT JOIN LATERAL (SELECT * FROM changes WHERE position > ",
    )
    .text(after.to_string())
    .push("::bigint ORDER BY position")
    .limit(i64::try_from(limit).unwrap_or(i64::MAX))
    .push(") AS c ON TRUE ORDER BY c.position");
    let rows: Vec<Row> =
        statement.returning::<((SqlUuid, BigInt, BigInt), Nullable<EntrySql>)>().load(conn).await.map_err(doing)?;
    let Some(((epoch, forgotten_through, end), _)) = rows.as_slice().first() else {
        return Err(Fault::internal("reading the change log", "it has no epoch"));
    };
    let (epoch, forgotten_through, end) = (*epoch, *forgotten_through, *end);
    let rows: Vec<EntryRow> = rows.into_iter().filter_map(|(_, row)| row).collect();
    let has_more = rows.len() == limit;
    let entries = rows.into_iter().map(entry_of).collect::<Result<_, _>>()?;
    Ok(Stretch { epoch, forgotten_through, end, entries, has_more })
}

type EntryRow = (
    i64,
    DateTime<Utc>,
    String,
    String,
    Uuid,
    Vec<String>,
    Vec<Uuid>,
    Vec<Uuid>,
    Vec<String>,
    Vec<String>,
    Vec<String>,
    String,
);

type EntrySql = (
    BigInt,
    Timestamptz,
    Text,
    Text,
    SqlUuid,
    Array<Text>,
    Array<SqlUuid>,
    Array<SqlUuid>,
    Array<Text>,
    Array<Text>,
    Array<Text>,
    Text,
);

fn entry_of(row: EntryRow) -> Result<Entry, Fault> {
    let (position, created_at, action, kind, node_id, fields, communities, topics, languages, before, after, actor) =
        row;
    let unknown = |word: &str| Fault::internal("reading the change log", format_args!("{word} at {position}"));
    Ok(Entry {
        position,
        created_at,
        action: action.parse().map_err(|_| unknown(&action))?,
        kind: match kind.as_str() {
            VIEWER => None,
            kind => Some(kind.parse().map_err(|_| unknown(kind))?),
        },
        node_id,
        fields,
        communities,
        topics,
        languages,
        audiences: Audiences { before, after },
        actor,
    })
}

/// How much of the log is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Entries are kept for so long.
    pub age: TimeDelta,
    /// So many of the newest are kept at the most.
    pub count: i64,
}

/// How many entries are looked at, and forgotten, in one statement.
const FORGOTTEN_AT_ONCE: i64 = 5_000;

/// Forgets entries that are too old or too many, some thousands at a time; the answer is how many. The last entry
/// always stays: it says where the log ends.
pub async fn forget(conn: &mut AsyncPgConnection, retention: Retention, now: DateTime<Utc>) -> Result<i64, Fault> {
    // Null is unlimited: an age that reaches beyond the calendar.
    let before = now.checked_sub_signed(retention.age).unwrap_or(DateTime::UNIX_EPOCH);
    // SQL: from the start of the primary key on. Entries are in the order of their times, so the last that is too old
    // ends them.
    let statement = Sql::new("WITH oldest AS (SELECT position, created_at FROM changes ORDER BY position")
        .limit(FORGOTTEN_AT_ONCE)
        .push("), bounds AS (SELECT max(position) AS through FROM oldest WHERE position < (SELECT max(position) FROM changes) AND (created_at < ")
        .time(before)
        .push(" OR position <= (SELECT max(position) FROM changes) - ")
        .text(retention.count.to_string())
        .push(
            "::bigint)), noted AS (UPDATE log_epoch SET forgotten_through = greatest(forgotten_through, through) \
             FROM bounds WHERE through IS NOT NULL), \
             gone AS (DELETE FROM changes USING bounds WHERE position <= through RETURNING 1) SELECT count(*) FROM gone",
        );
    let forgotten = statement.returning::<BigInt>().get_result(conn).await;
    forgotten.map_err(|error| Fault::database("forgetting old changes", error))
}

/// The position of the last change that is visible; 0 when there is none.
pub async fn position(conn: &mut AsyncPgConnection) -> Result<i64, Fault> {
    // SQL: the end of the primary key.
    Sql::new("SELECT coalesce(max(position), 0) FROM changes")
        .returning::<BigInt>()
        .get_result(conn)
        .await
        .map_err(|error| Fault::database("reading the end of the change log", error))
}

struct MovedNode {
    id: Uuid,
    kind: NodeKind,
    audiences: Audiences,
}

/// The nodes whose audience this transaction changed, with the audience before it, which is forgotten with that:
/// committed rows hold none, so what is found here is this transaction's own.
async fn moved_audiences(conn: &mut AsyncPgConnection) -> diesel::QueryResult<Vec<MovedNode>> {
    type Row = (Uuid, String, Vec<String>, Vec<String>);
    // SQL: by the partial index nodes_audience_moved.
    let rows: Vec<Row> = Sql::new(
        "WITH moved AS (SELECT id, kind, audience_before, audience FROM nodes WHERE audience_before IS NOT NULL), \
         cleared AS (UPDATE nodes SET audience_before = NULL FROM moved WHERE nodes.id = moved.id) \
         SELECT id, kind, audience_before, audience FROM moved ORDER BY id",
    )
    .returning::<(SqlUuid, Text, Array<Text>, Array<Text>)>()
    .load(conn)
    .await?;
    let moved = rows.into_iter().filter_map(|(id, kind, before, after)| {
        let kind = kind.parse().ok()?;
        Some(MovedNode { id, kind, audiences: Audiences { before, after } })
    });
    Ok(moved.collect())
}

/// The audiences of each entry: as its store says, else as the node moved, else as the node is.
async fn audiences_of(
    conn: &mut AsyncPgConnection,
    entries: &[Change],
    moved: &[MovedNode],
) -> diesel::QueryResult<Vec<Audiences>> {
    let ids = entries.iter().map(|entry| entry.node_id).collect();
    // SQL: by primary key.
    let now: Vec<(Uuid, Vec<String>)> = Sql::new("SELECT id, audience FROM nodes WHERE id = ANY (")
        .uuids(ids)
        .push(")")
        .returning::<(SqlUuid, Array<Text>)>()
        .load(conn)
        .await?;
    let now: HashMap<Uuid, Vec<String>> = now.into_iter().collect();
    let moved: HashMap<Uuid, &Audiences> = moved.iter().map(|node| (node.id, &node.audiences)).collect();
    let audiences = entries.iter().map(|entry| match (&entry.audiences, moved.get(&entry.node_id)) {
        (Some(audiences), _) => audiences.clone(),
        (None, Some(audiences)) => (*audiences).clone(),
        (None, None) => {
            let audience = now.get(&entry.node_id).cloned().unwrap_or_default();
            Audiences { before: audience.clone(), after: audience }
        }
    });
    Ok(audiences.collect())
}

/// What tells one database's log from every other: a clone, a restore or a point-in-time recovery has another.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Stamp {
    system_identifier: i64,
    timeline: i32,
    database_oid: i64,
    log_oid: i64,
}

/// Compares the database's stamp with the one kept beside the epoch, and begins the epoch `new` when they differ.
/// Every start calls this; the answer is the epoch in force.
pub async fn ensure_epoch(conn: &mut AsyncPgConnection, new: Uuid) -> Result<Uuid, Fault> {
    let doing = |error: diesel::result::Error| Fault::database("comparing the log's epoch", error);
    // SQL: one row from the server's control file and catalogue. The timeline is that of the log as it is written now: the
    // last checkpoint's stays the old one for a while after a failover.
    let (system_identifier, timeline, database_oid, log_oid): (i64, i32, i64, i64) = Sql::new(
        "SELECT s.system_identifier, ('x' || substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))::bit(32)::integer, \
         d.oid::bigint, 'changes'::regclass::oid::bigint \
         FROM pg_control_system() s, pg_database d WHERE d.datname = current_database()",
    )
    .returning::<(BigInt, Integer, BigInt, BigInt)>()
    .get_result(conn)
    .await
    .map_err(doing)?;
    let stamp = Stamp { system_identifier, timeline, database_oid, log_oid };
    // SQL: the singleton row; two processes that start at once agree, as the second sees no difference any more.
    let statement =
        Sql::new("INSERT INTO log_epoch AS kept (epoch, system_identifier, timeline, database_oid, log_oid) VALUES (")
            .uuid(new)
            .push(", ")
            .text(stamp.system_identifier.to_string())
            .push("::bigint, ")
            .text(stamp.timeline.to_string())
            .push("::integer, ")
            .text(stamp.database_oid.to_string())
            .push("::bigint, ")
            .text(stamp.log_oid.to_string())
            .push(
                "::bigint) ON CONFLICT (only_row) DO UPDATE SET epoch = excluded.epoch, created_at = now(), \
         system_identifier = excluded.system_identifier, timeline = excluded.timeline, \
         database_oid = excluded.database_oid, log_oid = excluded.log_oid \
         WHERE (kept.system_identifier, kept.timeline, kept.database_oid, kept.log_oid) \
         IS DISTINCT FROM \
         (excluded.system_identifier, excluded.timeline, excluded.database_oid, excluded.log_oid)",
            );
    statement.returning::<()>().execute(conn).await.map_err(doing)?;
    Sql::new("SELECT epoch FROM log_epoch").returning::<SqlUuid>().get_result(conn).await.map_err(doing)
}
