//! One reader of the log: catches up from the table, goes on from the tail, loses nothing and repeats nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use uuid::Uuid;

use crate::changes::cursor::{self, Cursor};
use crate::changes::routes::{Filter, Routes};
use crate::changes::tail::Tail;
use crate::changes::{Told, rights, told};
use crate::db::Db;
use crate::db::backoff::Backoff;
use crate::db::log::{self, ChangeAction, Entry, Stretch};
use crate::error::{Code, Fault};
use crate::policy::Viewer;

/// How many entries make a chunk.
const CHUNK: usize = 200;

/// How long a reader waits for a database that is away before it tries again: at first, and at the longest.
const BACKOFF: Backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(5));

/// A reader's cursor with its filter, who reads the tail as it grows.
pub struct Follow {
    tail: Tail,
    moved: watch::Receiver<()>,
    reader: Reader,
}

/// A reader's cursor with its filter.
pub struct Reader {
    /// Who reads, with the rights that they had at the cursor.
    viewer: Arc<Viewer>,
    /// The same with the rights that they had when they began to read.
    present: Arc<Viewer>,
    /// How far the log went by then, as far as this process knew.
    opened_at: i64,
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
        let moved = tail.moved();
        let applied = tail.applied();
        let cursor = after.unwrap_or(applied);
        let is_known = cursor.epoch == applied.epoch && cursor.position <= applied.position;
        if !is_known || tail.after(cursor, 1).is_none() {
            // Judged by the table: another process may know more of it than this one.
            read(tail.db(), cursor, 1).await?;
        }
        let reader = Reader::open(tail.db(), viewer, cursor, filter).await?;
        Ok(Self { tail: tail.clone(), moved, reader })
    }

    /// Up to where it has read.
    pub fn cursor(&self) -> Cursor {
        self.reader.cursor
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
        let cursor = self.reader.cursor;
        let entries = match self.tail.after(cursor, CHUNK) {
            Some(entries) => entries,
            None => read(self.tail.db(), cursor, CHUNK).await?.entries.into_iter().map(Arc::new).collect(),
        };
        if entries.is_empty() {
            return Ok(None);
        }
        let told = self.reader.take(self.tail.db(), &entries).await?;
        Ok(Some(Chunk { told, through: self.reader.cursor }))
    }
}

impl Reader {
    /// A reader at a cursor.
    pub async fn open(db: &Db, viewer: Arc<Viewer>, cursor: Cursor, filter: Filter) -> Result<Self, Fault> {
        let mut opened_at = cursor.position;
        let mut present = viewer.clone();
        let viewer = match viewer.identity() {
            Some(identity) => {
                let mut conn = db.connection().await?;
                opened_at = log::position(&mut conn).await?;
                present = Arc::new(rights::as_of(&mut conn, identity, opened_at).await?);
                Arc::new(rights::as_of(&mut conn, identity, cursor.read_from()).await?)
            }
            None => viewer,
        };
        Ok(Self { viewer, present, opened_at, filter, cursor })
    }

    /// Up to where it has read.
    pub fn cursor(&self) -> Cursor {
        self.cursor
    }

    /// What the reader is told of the entries that follow the cursor, which moves as far as was read: not to the last of
    /// them when the reader's own rights change on the way.
    pub async fn take(&mut self, db: &Db, entries: &[Arc<Entry>]) -> Result<Vec<Told>, Fault> {
        let turn =
            entries.iter().position(|entry| rights::after(&self.viewer, entry).is_some()).unwrap_or(entries.len());
        let (before, from_turn) = entries.split_at_checked(turn).unwrap_or((entries, &[]));
        let Some(entry) = from_turn.first().filter(|_| before.is_empty()) else {
            let told = before.iter().filter_map(|entry| told(&self.viewer, entry)).collect();
            let told = self.narrowed(db, told).await?;
            if let Some(last) = before.last() {
                self.cursor = Cursor::at(self.cursor.epoch, last.position);
            }
            return Ok(told);
        };
        let Some(after) = rights::after(&self.viewer, entry) else { return Ok(Vec::new()) };
        let within = if self.cursor.position == entry.position { self.cursor.within } else { Uuid::nil() };
        // While it is followed the rights of now go along.
        if entry.position > self.opened_at {
            self.present = Arc::new(after.clone());
        }
        let mut conn = db.connection().await?;
        let told = rights::expand(&mut conn, (&self.viewer, &after, &self.present), entry, within, CHUNK).await?;
        drop(conn);
        let through = match told.last() {
            Some(last) if told.len() == CHUNK => last.cursor(self.cursor.epoch),
            Some(_) | None => Cursor::at(self.cursor.epoch, entry.position),
        };
        let told = self.narrowed(db, told).await?;
        if through.within == Uuid::max() {
            self.viewer = Arc::new(after);
        }
        self.cursor = through;
        Ok(told)
    }

    /// What passes the filter.
    async fn narrowed(&self, db: &Db, told: Vec<Told>) -> Result<Vec<Told>, Fault> {
        // What a lost right showed is gone, whatever it would lead to: its text and its places are not known any more.
        let is_gone = |told: &Told| told.within != Uuid::max() && told.action == ChangeAction::Removed;
        let order = |told: &Told| told.cursor(Uuid::nil()).place();
        let (mut gone, mut told): (Vec<Told>, Vec<Told>) = told.into_iter().partition(is_gone);
        gone.retain(|told| self.filter.admits_gone(told));
        told.retain(|told| self.filter.admits(told));
        if self.filter.is_routed() && !told.is_empty() {
            let mut conn = db.connection().await?;
            let routes = Routes::fetch(&mut conn, &self.viewer, &self.filter).await?;
            told.retain(|told| routes.admit(&self.filter, &told.entry));
        }
        told.extend(gone);
        told.sort_by_key(order);
        Ok(told)
    }
}

/// The entries after a cursor, read from the table. A cursor that does not belong there is refused.
pub async fn read(db: &Db, cursor: Cursor, limit: usize) -> Result<Stretch, Fault> {
    let mut conn = db.connection().await?;
    let stretch = log::read(&mut conn, cursor.read_from(), limit).await?;
    if stretch.epoch != cursor.epoch || cursor.read_from() < stretch.forgotten_through {
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
    Ok(Cursor::at(stretch.epoch, stretch.forgotten_through))
}
