//! The migrations, compiled in.

use std::time::Duration;

use diesel::sql_types::Bool;
use diesel_async::{AsyncMigrationHarness, RunQueryDsl};
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

use crate::db::statement::Sql;
use crate::db::{Connection, Db};
use crate::error::Fault;

const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// The key of the advisory lock of migrators ("hub" and "mig" as bytes).
const MIGRATION_LOCK: i64 = 0x6875_6200_6d69_6700;

/// How often a migrator that found another one at work looks again.
const POLL: Duration = Duration::from_millis(50);

/// How a database's schema stands to this program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SchemaState {
    /// The one this program was built for.
    Current,
    /// No migration has ever run.
    Empty,
    /// These migrations have not run, the first of them first.
    Older(Vec<String>),
    /// These migrations are not known to this program: a newer one was here.
    Newer(Vec<String>),
}

/// Compares the database with this program. Writes nothing.
pub async fn state(db: &Db) -> Result<SchemaState, Fault> {
    let mut connection = db.connection().await?;
    // SQL: the table that the migrations keep; reading it through the harness would create it.
    let exists: bool = Sql::new("SELECT to_regclass('__diesel_schema_migrations') IS NOT NULL")
        .returning::<Bool>()
        .get_result(&mut connection)
        .await
        .map_err(|error| Fault::database("looking for migrations", error))?;
    if !exists {
        return Ok(SchemaState::Empty);
    }
    let applied: Vec<String> = Sql::new("SELECT version::text FROM __diesel_schema_migrations ORDER BY version")
        .returning::<diesel::sql_types::Text>()
        .load(&mut connection)
        .await
        .map_err(|error| Fault::database("reading migrations", error))?;
    judged(&applied)
}

/// How a schema made by these migrations stands to this program.
pub fn judged(applied: &[String]) -> Result<SchemaState, Fault> {
    if applied.is_empty() {
        return Ok(SchemaState::Empty);
    }
    let known = known()?;
    let newer: Vec<String> = applied.iter().filter(|version| !known.contains(version)).cloned().collect();
    if !newer.is_empty() {
        return Ok(SchemaState::Newer(newer));
    }
    let older: Vec<String> = known.into_iter().filter(|version| !applied.contains(version)).collect();
    Ok(if older.is_empty() { SchemaState::Current } else { SchemaState::Older(older) })
}

/// Runs what has not run yet; the answer names it. Any number of processes may call this at once.
pub async fn run(db: &Db) -> Result<Vec<String>, Fault> {
    let mut connection = locked(db).await?;
    let mut harness = AsyncMigrationHarness::new(connection);
    let versions = harness
        .run_pending_migrations(MIGRATIONS)
        .map(|versions| versions.iter().map(ToString::to_string).collect::<Vec<_>>());
    let outcome = versions.map_err(|error| Fault::internal("migrating", error));
    connection = harness.into_inner();
    unlock(&mut connection).await?;
    outcome
}

/// Takes every migration back, the last first; for tests of the way down.
pub async fn revert_all(db: &Db) -> Result<(), Fault> {
    let connection = locked(db).await?;
    let mut harness = AsyncMigrationHarness::new(connection);
    let outcome = harness.revert_all_migrations(MIGRATIONS).map(|_| ());
    unlock(&mut harness.into_inner()).await?;
    outcome.map_err(|error| Fault::internal("reverting migrations", error))
}

fn known() -> Result<Vec<String>, Fault> {
    use diesel::migration::MigrationSource;
    let migrations = MigrationSource::<diesel::pg::Pg>::migrations(&MIGRATIONS)
        .map_err(|error| Fault::internal("listing migrations", error))?;
    let mut versions: Vec<String> = migrations.iter().map(|migration| migration.name().version().to_string()).collect();
    versions.sort();
    Ok(versions)
}

/// A connection that holds the migrators' lock. It polls: waiting inside a statement would hold a snapshot, and a
/// concurrent index build of the migrator at work would wait for that snapshot in turn.
pub(super) async fn locked(db: &Db) -> Result<Connection, Fault> {
    let mut connection = db.connection().await?;
    loop {
        let taken: bool = Sql::new("SELECT pg_try_advisory_lock(")
            .text(MIGRATION_LOCK.to_string())
            .push("::bigint)")
            .returning::<Bool>()
            .get_result(&mut connection)
            .await
            .map_err(|error| Fault::database("taking the migration lock", error))?;
        if taken {
            return Ok(connection);
        }
        tokio::time::sleep(POLL).await;
    }
}

/// Gives that lock up.
pub(super) async fn unlock(connection: &mut Connection) -> Result<(), Fault> {
    Sql::new("SELECT pg_advisory_unlock(")
        .text(MIGRATION_LOCK.to_string())
        .push("::bigint)")
        .returning::<Bool>()
        .get_result::<bool>(connection)
        .await
        .map(|_| ())
        .map_err(|error| Fault::database("giving up the migration lock", error))
}
