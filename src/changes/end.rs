//! Where the change log ends, read once for all who ask at the same time.
//!
//! Before an answer that is kept is given, and before rows that others loaded are used, it has to be known that nothing
//! was committed since. The tail is told of changes a moment after their commit, so it cannot say that; a statement can.
//! One is under way at a time: who comes meanwhile waits for the next one, which begins after they came, and shares it.
//! It has a connection of its own, so that nobody waits behind somebody's long query for what is kept already.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use diesel_async::AsyncPgConnection;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::db::{Db, log};
use crate::error::Fault;

/// How long a reading may take before its connection counts as lost.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);

/// Reads the end of the log.
pub struct End {
    shared: Arc<Shared>,
}

struct Shared {
    db: Db,
    /// The reading that has not begun yet.
    next: Mutex<Option<Reading>>,
    /// Whoever holds it reads; null: not connected.
    connection: tokio::sync::Mutex<Option<AsyncPgConnection>>,
    readings: AtomicU64,
}

type Reading = futures_util::future::Shared<BoxFuture<'static, Option<i64>>>;

impl End {
    /// Connects when it is asked for the first time.
    pub fn new(db: Db) -> Self {
        Self {
            shared: Arc::new(Shared {
                db,
                next: Mutex::default(),
                connection: tokio::sync::Mutex::default(),
                readings: AtomicU64::new(0),
            }),
        }
    }

    /// The position of the last change that is visible now, or in a moment; null when it cannot be read.
    pub async fn position(&self) -> Option<i64> {
        let reading =
            self.shared.next(|next| next.get_or_insert_with(|| read(self.shared.clone()).boxed().shared()).clone());
        reading.await
    }

    /// How often it was read, ever.
    pub fn readings(&self) -> u64 {
        self.shared.readings.load(Ordering::Relaxed)
    }
}

impl Shared {
    fn next<T>(&self, change: impl FnOnce(&mut Option<Reading>) -> T) -> T {
        // Nothing that holds the lock can panic half-way.
        change(&mut self.next.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

async fn read(shared: Arc<Shared>) -> Option<i64> {
    let mut connection = shared.connection.lock().await;
    // From here on it is too late to join.
    shared.next(|next| drop(next.take()));
    shared.readings.fetch_add(1, Ordering::Relaxed);
    let reading = async {
        // What goes wrong, or is given up, leaves no connection behind.
        let mut conn = match connection.take() {
            Some(conn) => conn,
            None => shared.db.dedicated().await?,
        };
        let position = log::position(&mut conn).await?;
        *connection = Some(conn);
        Ok(position)
    };
    let outcome: Result<i64, Fault> = match tokio::time::timeout(ANSWER_WITHIN, reading).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Fault::unavailable("the database does not answer")),
    };
    // Once, however many wait for it.
    outcome.inspect_err(|fault| tracing::warn!(cause = fault.cause(), "the end of the change log cannot be read")).ok()
}
