//! How long the database may take over what is asked of it, and what every new connection is told.

use std::time::Duration;

use diesel::result::QueryResult;
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use crate::config::limits::Limits;
use crate::db::statement::Sql;

/// Asks the server for English, by which failures are told apart here. Where the role may not ask for it, the server's own
/// language stays, and a statement that was cut counts as the hub's own fault.
const IN_ENGLISH: &str = "DO $$ BEGIN PERFORM set_config('lc_messages', 'C', false); \
                          EXCEPTION WHEN insufficient_privilege THEN NULL; END $$";

/// How long things may take; without a bound, as long as they like. A command that migrates or imports has none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// One statement.
    pub statement: Option<Duration>,
    /// The waiting of a statement for a lock.
    pub lock: Option<Duration>,
    /// The waiting for a connection of the pool.
    pub connection_wait: Option<Duration>,
}

impl Bounds {
    /// Those of a hub that serves.
    pub fn of(limits: &Limits) -> Self {
        Self {
            statement: Some(Duration::from_secs(limits.statement_seconds)),
            lock: Some(Duration::from_secs(limits.lock_seconds)),
            connection_wait: Some(Duration::from_secs(limits.connection_wait_seconds)),
        }
    }

    /// Prepares a new connection, once: none of it is said again when it is borrowed.
    pub(super) async fn set_up(self, conn: &mut AsyncPgConnection) -> QueryResult<()> {
        conn.batch_execute(IN_ENGLISH).await?;
        if self.statement.is_none() && self.lock.is_none() {
            return Ok(());
        }
        // SQL: a shorter bound that the address or the role has stays; 0 stands for none.
        Sql::new("SELECT set_config(name, coalesce(least(nullif(setting::bigint, 0), nullif(CASE name WHEN 'statement_timeout' THEN ")
            .number(milliseconds(self.statement))
            .push(" ELSE ")
            .number(milliseconds(self.lock))
            .push(" END, 0)), 0)::text, false) FROM pg_settings WHERE name IN ('statement_timeout', 'lock_timeout')")
            .returning::<()>()
            .execute(conn)
            .await
            .map(|_| ())
    }
}

/// As PostgreSQL counts; what it cannot count to is none.
fn milliseconds(bound: Option<Duration>) -> i32 {
    bound.map_or(0, |bound| i32::try_from(bound.as_millis()).unwrap_or(0))
}
