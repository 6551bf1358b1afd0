//! What the clock will do: a row for each moment at which who sees a node changes.

use chrono::{DateTime, Utc};
use diesel::sql_types::{BigInt, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use strum::{AsRefStr, EnumString};
use uuid::Uuid;

use crate::db::statement::Sql;
use crate::error::Fault;

/// What is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq, AsRefStr, EnumString)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum DueAction {
    /// An item comes before its readers.
    Publish,
    /// A consent begins or ends.
    Consent,
    /// A right begins or ends.
    Grant,
}

/// Something that is due. What is to be done follows from the row that it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The node, or the grant.
    pub of: Uuid,
    /// What is due.
    pub action: DueAction,
}

/// Notes when something will be due for a node, in the place of what was noted before; null: never.
pub async fn keep(
    conn: &mut AsyncPgConnection,
    node: Uuid,
    action: DueAction,
    due_at: Option<DateTime<Utc>>,
    new_id: Uuid,
) -> Result<(), Fault> {
    let statement = match due_at {
        // SQL: by the unique index on (node_id, action).
        None => Sql::new("DELETE FROM due WHERE node_id = ").uuid(node).push(" AND action = ").text(action.as_ref()),
        // SQL: by the unique index on (node_id, action).
        Some(due_at) => Sql::new("INSERT INTO due (id, node_id, action, due_at) VALUES (")
            .uuid(new_id)
            .push(", ")
            .uuid(node)
            .push(", ")
            .text(action.as_ref())
            .push(", ")
            .time(due_at)
            .push(") ON CONFLICT (node_id, action) DO UPDATE SET due_at = excluded.due_at"),
    };
    let noted = statement.returning::<()>().execute(conn).await;
    noted.map(|_| ()).map_err(|error| Fault::database("noting what will be due", error))
}

/// Notes when a grant starts or ends next, in the place of what was noted before; null: never.
pub async fn keep_grant(
    conn: &mut AsyncPgConnection,
    grant: Uuid,
    due_at: Option<DateTime<Utc>>,
    new_id: Uuid,
) -> Result<(), Fault> {
    let statement = match due_at {
        // SQL: by the unique index on grant_id.
        None => Sql::new("DELETE FROM due WHERE grant_id = ").uuid(grant),
        Some(due_at) => Sql::new("INSERT INTO due (id, grant_id, action, due_at) VALUES (")
            .uuid(new_id)
            .push(", ")
            .uuid(grant)
            .push(", ")
            .text(DueAction::Grant.as_ref())
            .push(", ")
            .time(due_at)
            .push(") ON CONFLICT (grant_id) DO UPDATE SET due_at = excluded.due_at"),
    };
    let noted = statement.returning::<()>().execute(conn).await;
    noted.map(|_| ()).map_err(|error| Fault::database("noting what will be due", error))
}

/// Takes what is due by the database's clock, so many at the most; what another transaction has just taken is passed over.
pub async fn take(conn: &mut AsyncPgConnection, limit: i64) -> Result<Vec<Due>, Fault> {
    type Row = (Uuid, String);
    // SQL: by due_at.
    let statement = Sql::new(
        "DELETE FROM due WHERE id IN \
         (SELECT d.id FROM due d WHERE d.due_at <= now() ORDER BY d.due_at, d.id",
    )
    .limit(limit)
    .push(" FOR UPDATE SKIP LOCKED) RETURNING coalesce(node_id, grant_id), action");
    let rows: Vec<Row> = statement
        .returning::<(SqlUuid, Text)>()
        .load(conn)
        .await
        .map_err(|error| Fault::database("looking for what is due", error))?;
    let due = rows.into_iter().map(|(of, action)| {
        let action = action.parse().map_err(|_| Fault::internal("looking for what is due", &action))?;
        Ok(Due { of, action })
    });
    due.collect()
}

/// Puts what is due first off for five seconds, so that it does not stand in the way of the rest.
pub async fn postpone_first(conn: &mut AsyncPgConnection) -> Result<(), Fault> {
    // SQL: the start of due_at.
    Sql::new(
        "UPDATE due SET due_at = clock_timestamp() + interval '5 seconds' WHERE id = \
         (SELECT d.id FROM due d WHERE d.due_at <= now() ORDER BY d.due_at, d.id LIMIT 1 FOR UPDATE SKIP LOCKED)",
    )
    .returning::<()>()
    .execute(conn)
    .await
    .map(|_| ())
    .map_err(|error| Fault::database("putting off what is due", error))
}

/// How long until something is due by the database's clock, in milliseconds, at least 0; null: nothing is noted.
pub async fn wait_ms(conn: &mut AsyncPgConnection) -> Result<Option<i64>, Fault> {
    // SQL: the start of due_at.
    let statement =
        Sql::new("SELECT ceil(extract(epoch FROM min(due_at) - clock_timestamp()) * 1000)::bigint FROM due");
    let wait = statement.returning::<Nullable<BigInt>>().get_result(conn).await;
    let wait: Option<i64> = wait.map_err(|error| Fault::database("looking for what is due next", error))?;
    Ok(wait.map(|wait| wait.max(0)))
}

/// The database's clock.
pub async fn now(conn: &mut AsyncPgConnection) -> Result<DateTime<Utc>, Fault> {
    let now = Sql::new("SELECT clock_timestamp()").returning::<Timestamptz>().get_result(conn).await;
    now.map_err(|error| Fault::database("asking what time it is", error))
}
