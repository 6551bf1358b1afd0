//! The clock: applies what is due through the stores that own the nodes, and forgets old changes.
//!
//! Who sees what never depends on the time at which it is read. When its time comes, a stored audience is changed in a
//! transaction that appends to the change log, so that lists, counts, the log and whoever follows it agree. Every process
//! runs this; a lock lets one at a time do it, and nobody is its leader.

use std::convert::Infallible;
use std::time::Duration;

use diesel_async::SimpleAsyncConnection;
use futures_util::FutureExt;

use crate::db::Db;
use crate::db::due::{self, Due, DueAction};
use crate::db::log::{self, Retention};
use crate::db::sent;
use crate::db::write::{self, Tx};
use crate::domain::{account, item, person};
use crate::error::Fault;
use crate::policy::Viewer;

/// The key of the advisory lock of the clock ("hub" and "clk" as bytes).
const CLOCK_LOCK: i64 = 0x6875_6200_636c_6b00;

/// The longest between two looks: what another process notes is found this late at the most.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How many rows are applied in one transaction.
const AT_ONCE: i64 = 500;

/// How often old changes are forgotten.
const FORGET_EVERY: Duration = Duration::from_secs(60);

/// Runs until it is dropped. A database that is away is waited for.
pub async fn run(db: Db, retention: Retention) -> Infallible {
    let mut forget = tokio::time::interval(FORGET_EVERY);
    loop {
        let wait = match drain(&db).await {
            Ok(wait) => wait,
            Err(fault) => {
                tracing::warn!(cause = fault.cause(), "what is due cannot be applied for the moment");
                LOOK_EVERY
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = forget.tick() => {
                if let Err(fault) = forget_old(&db, retention).await {
                    tracing::warn!(cause = fault.cause(), "old changes cannot be forgotten for the moment");
                }
            }
        }
    }
}

/// Applies all that is due; the answer is how long to wait before looking again.
pub async fn drain(db: &Db) -> Result<Duration, Fault> {
    loop {
        let mut conn = db.connection().await?;
        let wait = due::wait_ms(&mut conn).await?;
        drop(conn);
        let wait = wait.map_or(LOOK_EVERY, |wait| Duration::from_millis(u64::try_from(wait).unwrap_or(0)));
        if !wait.is_zero() {
            return Ok(wait.min(LOOK_EVERY));
        }
        let applied = match apply_some(db, AT_ONCE).await {
            Ok(applied) => applied,
            // One of them stands in the way of the others, or somebody is writing it: one by one.
            Err(fault) => match apply_some(db, 1).await {
                Ok(applied) => applied,
                Err(_) => {
                    tracing::error!(cause = fault.cause(), "what is due cannot be applied; it is tried again later");
                    due::postpone_first(&mut *db.connection().await?).await?;
                    1
                }
            },
        };
        if applied == 0 {
            // Another process is at it.
            return Ok(LOOK_EVERY);
        }
    }
}

async fn apply_some(db: &Db, limit: i64) -> Result<usize, Fault> {
    write::write(db, Viewer::system("clock"), move |tx| apply(tx, limit).boxed()).await
}

async fn apply(tx: &mut Tx, limit: i64) -> Result<usize, Fault> {
    // Whoever writes a node meanwhile goes first: waiting for each other would end in a deadlock, at their cost.
    let give_way = tx.conn().batch_execute("SET LOCAL lock_timeout = '200ms'").await;
    give_way.map_err(|error| Fault::database("beginning to apply what is due", error))?;
    if !tx.try_lock(CLOCK_LOCK).await? {
        return Ok(0);
    }
    let due = due::take(tx.conn(), limit).await?;
    let count = due.len();
    let of = |action| -> Vec<Due> { due.iter().filter(|due| due.action == action).cloned().collect() };
    item::store::due::apply(tx, of(DueAction::Publish)).await?;
    let ids = |action| of(action).into_iter().map(|due| due.of).collect();
    person::audiences::recompute(tx, ids(DueAction::Consent), Vec::new()).await?;
    account::rights::apply_due(tx, ids(DueAction::Grant)).await?;
    Ok(count)
}

/// Forgets the changes that are too old or too many, and what was sent too long ago to be sent again.
pub async fn forget_old(db: &Db, retention: Retention) -> Result<i64, Fault> {
    let mut total = 0;
    loop {
        let mut conn = db.connection().await?;
        let now = due::now(&mut conn).await?;
        let forgotten = log::forget(&mut conn, retention, now).await?;
        total += forgotten;
        if forgotten == 0 {
            sent::forget(&mut conn).await?;
            return Ok(total);
        }
    }
}
