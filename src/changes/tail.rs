//! The end of the log in memory: one per process, filled by one connection, read by all who follow.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use futures_util::{FutureExt, StreamExt};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::changes;
use crate::changes::cursor::Cursor;
use crate::db::Db;
use crate::db::backoff::Backoff;
use crate::db::log::{self, Entry, Stretch};
use crate::error::Fault;
use crate::policy::Viewer;

/// How many of the newest entries are kept: at some 400 bytes each, 1.6 MB.
const KEPT: usize = 4_096;

/// Of how many accounts it is known when they lost a right.
const MAX_LOST: usize = 10_000;

/// How many entries are read at once.
const CHUNK: usize = 500;

/// How long the tail relies on being told of new entries before it looks for itself.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How long it counts as the end of the log what was seen to be it.
const COUNTS_FOR: Duration = Duration::from_secs(1);

/// How long the database may take to answer before the connection counts as lost.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

/// How long the tail waits before it connects anew: at first, and at the longest.
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(50), Duration::from_secs(2));

/// The channel on which every append is told; the migration's trigger names it too.
const LISTEN: &str = "LISTEN hub_changes";

/// The end of the log. Clones share it; it is kept up to date as long as one of them lives.
#[derive(Clone)]
pub struct Tail {
    shared: Arc<Shared>,
    _keeper: Arc<Keeper>,
}

struct Shared {
    db: Db,
    window: RwLock<Window>,
    moved: watch::Sender<()>,
    /// When the reading began that found nothing more, last of all.
    confirmed: RwLock<Instant>,
}

struct Window {
    epoch: Uuid,
    /// The entries after this position are kept.
    from: i64,
    /// The last entry that this process knows of.
    to: i64,
    /// The last entry that took a node, or something of it, from somebody.
    narrowed: i64,
    /// The last entry by which each account lost a right.
    lost: HashMap<Uuid, i64>,
    entries: VecDeque<Arc<Entry>>,
}

/// Ends the task that keeps the tail.
struct Keeper(JoinHandle<Infallible>);

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Tail {
    /// Begins at the present end of the log; `new_epoch` makes an epoch for a database that needs one.
    pub async fn start(db: Db, new_epoch: fn() -> Uuid) -> Result<Self, Fault> {
        let mut conn = db.connection().await?;
        let epoch = log::ensure_epoch(&mut conn, new_epoch()).await?;
        let confirmed = RwLock::new(Instant::now());
        let end = log::position(&mut conn).await?;
        drop(conn);
        let window =
            Window { epoch, from: end, to: end, narrowed: end, lost: HashMap::new(), entries: VecDeque::new() };
        let shared = Arc::new(Shared { db, window: RwLock::new(window), moved: watch::Sender::new(()), confirmed });
        let keeper = Keeper(tokio::spawn(keep(shared.clone(), new_epoch)));
        Ok(Self { shared, _keeper: Arc::new(keeper) })
    }

    /// The last entry that this process knows of. Whatever is read from the database after this call was written by then
    /// or later.
    pub fn applied(&self) -> Cursor {
        let window = self.shared.read();
        Cursor::at(window.epoch, window.to)
    }

    /// The same, where it was the end of the log within the last second, without asking the database; null: it cannot be told,
    /// as when the connection is gone.
    pub fn confirmed(&self) -> Option<Cursor> {
        // Nothing that holds the lock can panic.
        let at = *self.shared.confirmed.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        (at.elapsed() <= COUNTS_FOR).then(|| self.applied())
    }

    /// The last entry that took something from somebody, or a right from this viewer: what was made from an earlier state, or
    /// of another log, may show them too much.
    pub fn narrowed(&self, viewer: &Viewer) -> Cursor {
        let window = self.shared.read();
        let lost = viewer.identity().and_then(|identity| window.lost.get(&identity.account()).copied());
        Cursor::at(window.epoch, window.narrowed.max(lost.unwrap_or_default()))
    }

    /// Resolves at the next [`watch::Receiver::changed`] after an entry was added.
    pub fn moved(&self) -> watch::Receiver<()> {
        self.shared.moved.subscribe()
    }

    /// The entries after a cursor, one that was read in part among them, `limit` at the most; null when they are not kept, or the cursor is of another log.
    pub fn after(&self, cursor: Cursor, limit: usize) -> Option<Vec<Arc<Entry>>> {
        let window = self.shared.read();
        let after = cursor.read_from();
        if window.epoch != cursor.epoch || after < window.from {
            return None;
        }
        let first = window.entries.partition_point(|entry| entry.position <= after);
        Some(window.entries.iter().skip(first).take(limit).cloned().collect())
    }

    /// The database behind it.
    pub fn db(&self) -> &Db {
        &self.shared.db
    }
}

impl Shared {
    fn read(&self) -> RwLockReadGuard<'_, Window> {
        // Nothing that holds the lock can panic in the middle of a change; what it holds is whole either way.
        self.window.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Window> {
        self.window.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Takes a stretch in; the answer is whether more of it follows.
    fn take(&self, stretch: Stretch) -> bool {
        let mut window = self.write();
        if stretch.epoch != window.epoch || stretch.end < window.to {
            // Another log: what is kept is of the old one, and so is whatever was made from it.
            let (epoch, end) = (stretch.epoch, stretch.end);
            *window =
                Window { epoch, from: end, to: end, narrowed: end, lost: HashMap::new(), entries: VecDeque::new() };
            drop(window);
            self.moved.send_replace(());
            return false;
        }
        let is_empty = stretch.entries.is_empty();
        for entry in stretch.entries {
            window.to = entry.position;
            match entry.kind {
                _ if !changes::narrows(&entry) => {}
                Some(_) => window.narrowed = entry.position,
                // So many are as good as all.
                None if window.lost.len() >= MAX_LOST => {
                    window.narrowed = entry.position;
                    window.lost.clear();
                }
                None => {
                    window.lost.insert(entry.node_id, entry.position);
                }
            }
            window.entries.push_back(Arc::new(entry));
        }
        while window.entries.len() > KEPT
            && let Some(oldest) = window.entries.pop_front()
        {
            window.from = oldest.position;
        }
        drop(window);
        if !is_empty {
            self.moved.send_replace(());
        }
        stretch.has_more
    }
}

/// Follows the log for as long as the process lives, whatever happens to the connection.
async fn keep(shared: Arc<Shared>, new_epoch: fn() -> Uuid) -> Infallible {
    let mut backoff = BACKOFF;
    loop {
        let was_at = shared.read().to;
        let Err(fault) = listen(&shared, new_epoch).await;
        tracing::warn!(cause = fault.cause(), "the change log cannot be followed for the moment");
        if shared.read().to > was_at {
            backoff.reset();
        }
        backoff.pause().await;
    }
}

/// Follows the log on one connection until that breaks.
async fn listen(shared: &Shared, new_epoch: fn() -> Uuid) -> Result<Infallible, Fault> {
    let mut conn = in_time(shared.db.dedicated()).await?;
    // First listen, then read: what comes in between is told.
    let listening = async { conn.batch_execute(LISTEN).await.map_err(Fault::unavailable) };
    in_time(listening).await?;
    in_time(log::ensure_epoch(&mut conn, new_epoch())).await?;
    loop {
        while catch_up(shared, &mut conn).await? {}
        let mut notices = std::pin::pin!(conn.notifications_stream());
        match tokio::time::timeout(LOOK_EVERY, notices.next()).await {
            // Nothing was told: look all the same.
            Ok(Some(Ok(_))) | Err(_) => {}
            Ok(Some(Err(error))) => return Err(Fault::unavailable(error)),
            Ok(None) => return Err(Fault::unavailable("the connection ended")),
        }
        // Several appends are told one by one, and read at once.
        while let Some(Some(Ok(_))) = notices.next().now_or_never() {}
    }
}

async fn catch_up(shared: &Shared, conn: &mut AsyncPgConnection) -> Result<bool, Fault> {
    let (began, after) = (Instant::now(), shared.read().to);
    let stretch = in_time(log::read(conn, after, CHUNK)).await?;
    let has_more = shared.take(stretch);
    if !has_more {
        *shared.confirmed.write().unwrap_or_else(std::sync::PoisonError::into_inner) = began;
    }
    Ok(has_more)
}

async fn in_time<T>(work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    match tokio::time::timeout(ANSWER_WITHIN, work).await {
        Ok(outcome) => outcome,
        Err(_) => Err(Fault::unavailable("the database does not answer")),
    }
}
