//! The change log: what a transaction did, appended as its last statement, in commit order; and where it ends.
//!
//! **Invariant:** positions become visible in their order. They are handed out under a transaction-scoped advisory
//! lock that is taken just before the last statement; stores never take it, so nothing can deadlock on it.

use diesel::Insertable;
use std::collections::{HashMap, HashSet};

use diesel::sql_types::{Array, BigInt, Integer, Text, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use strum::AsRefStr;
use uuid::Uuid;

use crate::db::schema::changes;
use crate::db::statement::Sql;
use crate::error::Fault;
use crate::policy::NodeKind;

/// What happened to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, AsRefStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum ChangeAction {
    /// It was written for the first time.
    Created,
    /// Fields or audience changed.
    Updated,
    /// It was put before its readers.
    Published,
    /// It was retired.
    Retired,
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

/// Appends what a transaction did; the caller commits next.
pub async fn append(conn: &mut AsyncPgConnection, actor: &str, mut entries: Vec<Change>) -> Result<(), Fault> {
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
    if entries.is_empty() {
        return Ok(());
    }
    let audiences = audiences_of(conn, &entries, &moved).await.map_err(doing)?;
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
            actor,
        })
        .collect();
    conn.batch_execute(&format!("SELECT pg_advisory_xact_lock({LOG_LOCK})")).await.map_err(doing)?;
    for chunk in rows.chunks(ROWS_PER_INSERT) {
        diesel::insert_into(changes::table).values(chunk).execute(conn).await.map_err(doing)?;
    }
    Ok(())
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
    // SQL: one row from the server's control file and catalogue.
    let (system_identifier, timeline, database_oid, log_oid): (i64, i32, i64, i64) = Sql::new(
        "SELECT s.system_identifier, c.timeline_id, d.oid::bigint, 'changes'::regclass::oid::bigint \
         FROM pg_control_system() s, pg_control_checkpoint() c, pg_database d WHERE d.datname = current_database()",
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
