//! What one operation takes of the database: its statements, its batches, and the texts of those that were slow.
//!
//! **Invariant:** a tally holds names and numbers alone. Texts of statements are the program's own, and the values bound in
//! them never come here.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use diesel::connection::{Instrumentation, InstrumentationEvent};
use tokio::sync::watch;

/// How many batches are remembered one by one; all of them are counted.
const MAX_BATCHES: usize = 200;

/// How many slow statements are remembered.
const MAX_STATEMENTS: usize = 20;

/// From when on a statement is remembered by its text: so long waits nothing that has its index.
const SLOW_STATEMENT: Duration = Duration::from_millis(50);

/// How much of a statement's text is remembered, in characters: as far as the first of its tables.
const MAX_SHAPE_CHARS: usize = 300;

/// What precedes the values where a statement is written out with them.
const BINDS: &str = " -- binds";

/// What was looked up for many at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// What was looked up: the name of the loader's type, with the places where types are defined.
    pub what: &'static str,
    /// For how many.
    pub keys: usize,
    /// How many rows came of it.
    pub rows: usize,
    /// How long it took.
    pub took: Duration,
}

/// The name of a type without the places where types are defined, as the log has it.
pub fn short_name(full: &str) -> String {
    let ends = full.split('<').map(|part| part.rsplit("::").next().unwrap_or(part));
    ends.collect::<Vec<_>>().join("<")
}

/// A statement that took long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlowStatement {
    /// The beginning of its text, without any value.
    pub shape: String,
    /// How long it took until its first rows came.
    pub took: Duration,
}

/// What one operation took of the database so far.
#[derive(Debug, Default)]
pub struct Tally {
    statements: AtomicU64,
    rows: AtomicU64,
    remembered: Mutex<Remembered>,
}

#[derive(Clone, Debug, Default)]
struct Remembered {
    batches: Vec<Batch>,
    batches_beyond: usize,
    slow: Vec<SlowStatement>,
}

impl Tally {
    /// Counts a batch, and remembers it unless there are too many already.
    pub fn note_batch(&self, batch: Batch) {
        self.rows.fetch_add(u64::try_from(batch.rows).unwrap_or(u64::MAX), Ordering::Relaxed);
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.batches.len() < MAX_BATCHES {
            remembered.batches.push(batch);
        } else {
            remembered.batches_beyond = remembered.batches_beyond.saturating_add(1);
        }
    }

    fn note_slow(&self, statement: SlowStatement) {
        let mut remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        if remembered.slow.len() < MAX_STATEMENTS {
            remembered.slow.push(statement);
        }
    }

    /// How many statements were sent.
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// How many rows the batches brought.
    pub fn rows(&self) -> u64 {
        self.rows.load(Ordering::Relaxed)
    }

    /// The batches in the order in which they ended, 200 at the most, and how many more there were.
    pub fn batches(&self) -> (Vec<Batch>, usize) {
        let remembered = self.remembered.lock().unwrap_or_else(PoisonError::into_inner);
        (remembered.batches.clone(), remembered.batches_beyond)
    }

    /// The statements that took longer than 50 ms, 20 at the most.
    pub fn slow_statements(&self) -> Vec<SlowStatement> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner).slow.clone()
    }
}

/// Counts the statements of a connection while somebody has it: for the whole pool, and for one operation.
pub struct Counter {
    all: Arc<AtomicU64>,
    tally: Option<Arc<Tally>>,
    began: Option<Instant>,
}

impl Counter {
    /// A counter for a connection on loan.
    pub fn new(all: Arc<AtomicU64>, tally: Option<Arc<Tally>>) -> Self {
        Self { all, tally, began: None }
    }
}

impl Instrumentation for Counter {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartQuery { .. } => {
                self.all.fetch_add(1, Ordering::Relaxed);
                if let Some(tally) = &self.tally {
                    tally.statements.fetch_add(1, Ordering::Relaxed);
                    self.began = Some(Instant::now());
                }
            }
            InstrumentationEvent::FinishQuery { query, .. } => {
                let took = self.began.take().map(|began| began.elapsed());
                if let (Some(tally), Some(took)) = (&self.tally, took)
                    && took >= SLOW_STATEMENT
                {
                    tally.note_slow(SlowStatement { shape: shape_of(query), took });
                }
            }
            // Connecting is nobody's statement, and transactions are told as the statements that they are.
            _ => {}
        }
    }
}

/// The beginning of a statement's text, its blanks drawn together. What follows it, the values, is not even written.
fn shape_of(statement: &(impl fmt::Display + ?Sized)) -> String {
    let mut shape = Shape::default();
    // It ends with an error as soon as there is enough.
    let _ = fmt::write(&mut shape, format_args!("{statement}"));
    shape.text.trim_end().to_owned()
}

#[derive(Default)]
struct Shape {
    text: String,
    chars: usize,
}

impl fmt::Write for Shape {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        let (own, is_over) = match piece.split_once(BINDS) {
            Some((own, _)) => (own, true),
            None => (piece, false),
        };
        for next in own.chars() {
            let next = if next.is_whitespace() { ' ' } else { next };
            if next == ' ' && (self.text.is_empty() || self.text.ends_with(' ')) {
                continue;
            }
            if self.chars == MAX_SHAPE_CHARS {
                self.text.push('…');
                return Err(fmt::Error);
            }
            self.text.push(next);
            self.chars = self.chars.saturating_add(1);
        }
        if is_over { Err(fmt::Error) } else { Ok(()) }
    }
}

/// How many writes are under way in this process.
pub struct Writes(watch::Sender<usize>);

/// A write that is under way until this is dropped.
pub struct WriteUnderWay(Arc<Writes>);

impl Default for Writes {
    fn default() -> Self {
        Self(watch::Sender::new(0))
    }
}

impl Writes {
    /// Counts a write in.
    pub fn begin(self: &Arc<Self>) -> WriteUnderWay {
        self.0.send_modify(|under_way| *under_way = under_way.saturating_add(1));
        WriteUnderWay(self.clone())
    }

    /// How many there are.
    pub fn under_way(&self) -> usize {
        *self.0.borrow()
    }

    /// Waits until there is none.
    pub async fn finished(&self) {
        // An error would mean that the sender is gone, which is held here.
        let _ = self.0.subscribe().wait_for(|under_way| *under_way == 0).await;
    }
}

impl Drop for WriteUnderWay {
    fn drop(&mut self) {
        self.0.0.send_modify(|under_way| *under_way = under_way.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::db::statement::Sql;

    #[test]
    fn the_shape_of_a_statement_holds_no_value() {
        let statement = Sql::new("SELECT id\n   FROM people WHERE name = ").text("Margot Secret").returning::<()>();
        let written = diesel::debug_query::<diesel::pg::Pg, _>(&statement);
        assert!(written.to_string().contains("Margot"), "it is written out with its values: {written}");
        assert_eq!(shape_of(&written), "SELECT id FROM people WHERE name = $1");
    }

    #[test]
    fn a_long_statement_is_cut() {
        let long = shape_of(&"é".repeat(1_000));
        assert_eq!(long.chars().count(), MAX_SHAPE_CHARS + 1);
        assert!(long.ends_with('…'));
        assert_eq!(shape_of("  SELECT \t 1  "), "SELECT 1");
    }

    #[test]
    fn all_batches_are_counted_and_the_first_are_remembered() {
        let tally = Tally::default();
        for keys in 0..MAX_BATCHES + 7 {
            tally.note_batch(Batch { what: "Rows<Items>", keys, rows: 2, took: Duration::ZERO });
        }
        let (batches, beyond) = tally.batches();
        assert_eq!((batches.len(), beyond, tally.rows()), (MAX_BATCHES, 7, 414));
    }

    #[tokio::test]
    async fn writes_are_waited_for() {
        let writes = Arc::new(Writes::default());
        writes.finished().await;
        let first = writes.begin();
        let second = writes.begin();
        let mut finished = std::pin::pin!(writes.finished());
        assert!(futures_util::poll!(finished.as_mut()).is_pending());
        drop(first);
        assert!(futures_util::poll!(finished.as_mut()).is_pending());
        drop(second);
        finished.await;
        assert_eq!(writes.under_way(), 0);
    }
}
