//! One reader of the log: catches up from the table, goes on from the tail, loses nothing and repeats nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::changes::cursor::{self, Cursor};
use crate::changes::routes::{Filter, Routes};
use crate::changes::tail::Tail;
use crate::changes::{Told, told};
use crate::db::Db;
use crate::db::backoff::Backoff;
use crate::db::log::{self, Entry, Stretch};
use crate::error::{Code, Fault};
use crate::policy::Viewer;

/// How many entries make a chunk.
const CHUNK: usize = 200;

/// How long a reader waits for a database that is away before it tries again: at first, and at the longest.
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));

/// A reader's cursor with its filter.
pub struct Follow {
    tail: Tail,
    moved: watch::Receiver<()>,
    viewer: Arc<Viewer>,
    filter: Filter,
    cursor: Cursor,
}

/// What a stretch of the log holds for a reader.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// What the reader is told, in the order of the log; often nothing.
    pub told: Vec<Told>,
    /// Everything up to here has been looked at.
    pub through: Cursor,
}

impl Follow {
    /// A reader after a cursor; null: from now on. A cursor that is of another log or too old is `CURSOR_EXPIRED`, one of
    /// the future `CURSOR_AHEAD`.
    pub async fn open(tail: &Tail, viewer: Arc<Viewer>, after: Option<Cursor>, filter: Filter) -> Result<Self, Fault> {
        let mut follow = Self::from_now_on(tail, viewer, filter);
        let Some(cursor) = after else { return Ok(follow) };
        let is_known = cursor.epoch == follow.cursor.epoch && cursor.position <= follow.cursor.position;
        if !is_known || tail.after(cursor, 1).is_none() {
            // Judged by the table: another process may know more of it than this one.
            read(tail.db(), cursor, 1).await?;
        }
        follow.cursor = cursor;
        Ok(follow)
    }

    /// A reader of what comes from now on.
    pub fn from_now_on(tail: &Tail, viewer: Arc<Viewer>, filter: Filter) -> Self {
        Self { tail: tail.clone(), moved: tail.moved(), viewer, filter, cursor: tail.applied() }
    }

    /// Up to where it has read.
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// The next stretch of the log, as soon as there is one. A database that is away is waited for; an error is
    /// `CURSOR_EXPIRED`, when the log was exchanged or forgotten under the reader.
    pub async fn next(&mut self) -> Result<Chunk, Fault> {
        let mut backoff = BACKOFF;
        loop {
            match self.step().await {
                Ok(Some(chunk)) => return Ok(chunk),
                // An error would mean that the tail is gone, which this reader holds.
                Ok(None) => drop(self.moved.changed().await),
                Err(fault) if fault.code() == Code::CursorExpired || fault.code() == Code::CursorAhead => {
                    return Err(fault);
                }
                Err(fault) => {
                    tracing::warn!(cause = fault.cause(), "a reader of the change log waits for the database");
                    backoff.pause().await;
                }
            }
        }
    }

    /// The next stretch if there is one by now.
    async fn step(&mut self) -> Result<Option<Chunk>, Fault> {
        self.moved.borrow_and_update();
        let entries = match self.tail.after(self.cursor, CHUNK) {
            Some(entries) => entries,
            None => read(self.tail.db(), self.cursor, CHUNK).await?.entries.into_iter().map(Arc::new).collect(),
        };
        let Some(last) = entries.last() else { return Ok(None) };
        let through = Cursor { epoch: self.cursor.epoch, position: last.position };
        let told = tell(self.tail.db(), &self.viewer, &self.filter, &entries).await?;
        self.cursor = through;
        Ok(Some(Chunk { told, through }))
    }
}

/// What a viewer is told of entries that pass a filter.
pub async fn tell(db: &Db, viewer: &Viewer, filter: &Filter, entries: &[Arc<Entry>]) -> Result<Vec<Told>, Fault> {
    let mut seen: Vec<Told> = entries.iter().filter_map(|entry| told(viewer, entry)).collect();
    seen.retain(|told| filter.admits(told));
    if filter.is_routed() && !seen.is_empty() {
        let mut conn = db.connection().await?;
        let routes = Routes::fetch(&mut conn, viewer, filter).await?;
        seen.retain(|told| routes.admit(filter, &told.entry));
    }
    Ok(seen)
}

/// The entries after a cursor, read from the table. A cursor that does not belong there is refused.
pub async fn read(db: &Db, cursor: Cursor, limit: usize) -> Result<Stretch, Fault> {
    let mut conn = db.connection().await?;
    let stretch = log::read(&mut conn, cursor.position, limit).await?;
    if stretch.epoch != cursor.epoch || cursor.position < stretch.forgotten_through {
        return Err(cursor::expired());
    }
    if cursor.position > stretch.end {
        return Err(cursor::ahead());
    }
    Ok(stretch)
}

/// The cursor from which the whole of what is kept follows.
pub async fn start(db: &Db) -> Result<Cursor, Fault> {
    let mut conn = db.connection().await?;
    // One entry is enough to learn where the log begins.
    let stretch = log::read(&mut conn, 0, 1).await?;
    Ok(Cursor { epoch: stretch.epoch, position: stretch.forgotten_through })
}
