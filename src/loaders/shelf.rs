//! The shelf: what anonymous viewers have loaded, for the next who load the same.
//!
//! A shelf stands at a position of the change log. A request reads that position after it came, and only then takes the
//! shelf of the position, reads from the database what it does not find there, and lays it down. So what lies on a shelf
//! was read when the log stood there or later, and nobody is ever given something older than the last change that was
//! visible when they asked, whichever process wrote it. The first request that finds the log to have gone on begins an
//! empty shelf: nothing has to be found out about what a change touches.

use std::any::{Any, TypeId};
use std::hash::{BuildHasher, Hash, RandomState};
use std::mem::size_of;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};

/// About how much lies on one shelf: 8 MB. What nobody asked for lately makes room.
const MAX_BYTES: u64 = 8 * 1024 * 1024;

/// About how many things that is.
const ABOUT_THINGS: usize = 10_000;

/// In how many parts a shelf is divided among threads.
const PARTS: usize = 4;

/// The longest that a shelf is used, so that what the log does not tell (an operator's own statement, a database that was
/// restored under a running hub) is seen after a minute: half of it here, half in an answer that is kept.
const MAX_AGE: Duration = Duration::from_secs(30);

/// About what a thing takes besides itself: its place on the shelf, counters, an allocation.
const PLACE_BYTES: usize = 96;

/// Hands out the shelf that is in use.
pub struct Shelves {
    /// Null before the first request.
    current: Mutex<Option<Arc<Shelf>>>,
    max_bytes: u64,
}

/// What was loaded while the log stood at one position.
pub struct Shelf {
    position: i64,
    begun: Instant,
    hasher: RandomState,
    things: Cache<u64, Thing, ByBytes>,
}

/// Something that was loaded, whatever it is, by a digest of what was asked.
#[derive(Clone)]
struct Thing {
    bytes: u64,
    /// An [`Entry`], which says itself what was asked: two questions may have the same digest.
    entry: Arc<dyn Any + Send + Sync>,
}

/// What was asked, of what, and the answer.
struct Entry<A, O, V> {
    asked: A,
    of: O,
    value: V,
}

#[derive(Clone)]
struct ByBytes;

impl Weighter<u64, Thing> for ByBytes {
    fn weight(&self, _digest: &u64, thing: &Thing) -> u64 {
        thing.bytes
    }
}

impl Default for Shelves {
    fn default() -> Self {
        Self::with_room(MAX_BYTES)
    }
}

impl Shelves {
    fn with_room(max_bytes: u64) -> Self {
        Self { current: Mutex::default(), max_bytes }
    }

    /// The shelf, `now`, for a request that read, after it came, that the log stands at `position`.
    pub fn at(&self, position: i64, now: Instant) -> Arc<Shelf> {
        // Nothing that holds the lock can panic half-way.
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        // One of a later position is as good: what lies there is newer than what was asked for.
        if let Some(shelf) = &*current
            && shelf.position >= position
            && now.saturating_duration_since(shelf.begun) <= MAX_AGE
        {
            return shelf.clone();
        }
        let new = Arc::new(Shelf::new(position, now, self.max_bytes));
        let old = current.replace(new.clone());
        drop(current);
        // There may be thousands of things on it, for which nobody is to wait.
        drop(old);
        new
    }
}

impl Shelf {
    fn new(position: i64, begun: Instant, max_bytes: u64) -> Self {
        let mut options = OptionsBuilder::new();
        options.estimated_items_capacity(ABOUT_THINGS).weight_capacity(max_bytes).shards(PARTS);
        // Every option that has to be given is given.
        let options = options.build().expect("a capacity and a number of things");
        let things = Cache::with_options(options, ByBytes, DefaultHashBuilder::default(), DefaultLifecycle::default());
        Self { position, begun, hasher: RandomState::new(), things }
    }

    /// What lies there was read when the log stood here or later.
    pub fn position(&self) -> i64 {
        self.position
    }

    /// What lies there. `L` names what sort of question it is.
    pub fn find<L, A, O, V>(&self, asked: &A, of: &O) -> Option<V>
    where
        L: 'static,
        A: Eq + Hash + Send + Sync + 'static,
        O: Eq + Hash + Send + Sync + 'static,
        V: Clone + Send + Sync + 'static,
    {
        let thing = self.things.get(&self.digest::<L, A, O>(asked, of))?;
        let entry = thing.entry.downcast_ref::<Entry<A, O, V>>()?;
        (entry.asked == *asked && entry.of == *of).then(|| entry.value.clone())
    }

    /// Lays down an answer that holds about so many bytes besides its own size.
    pub fn lay<L, A, O, V>(&self, asked: A, of: O, value: V, held_bytes: usize)
    where
        L: 'static,
        A: Eq + Hash + Send + Sync + 'static,
        O: Eq + Hash + Send + Sync + 'static,
        V: Clone + Send + Sync + 'static,
    {
        let bytes = size_of::<Entry<A, O, V>>().saturating_add(PLACE_BYTES).saturating_add(held_bytes);
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        let digest = self.digest::<L, A, O>(&asked, &of);
        self.things.insert(digest, Thing { bytes, entry: Arc::new(Entry { asked, of, value }) });
    }

    fn digest<L: 'static, A: Hash, O: Hash>(&self, asked: &A, of: &O) -> u64 {
        self.hasher.hash_one((TypeId::of::<L>(), asked, of))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Lengths;
    struct Widths;

    fn find<L: 'static>(shelf: &Shelf, asked: bool, of: u32) -> Option<usize> {
        shelf.find::<L, bool, u32, usize>(&asked, &of)
    }

    fn lay(shelf: &Shelf, of: u32, bytes: usize) {
        shelf.lay::<Lengths, bool, u32, usize>(true, of, bytes, bytes);
    }

    #[test]
    fn what_lies_on_a_shelf_is_found_by_what_was_asked_alone() {
        let shelf = Shelves::default().at(1, Instant::now());
        lay(&shelf, 7, 70);
        lay(&shelf, 8, 80);
        assert_eq!(find::<Lengths>(&shelf, true, 7), Some(70));
        assert_eq!(find::<Lengths>(&shelf, true, 8), Some(80));
        assert_eq!(find::<Lengths>(&shelf, true, 9), None);
        assert_eq!(find::<Lengths>(&shelf, false, 7), None);
        assert_eq!(find::<Widths>(&shelf, true, 7), None);
    }

    #[test]
    fn a_shelf_serves_its_position_and_earlier_ones_until_the_log_goes_on() {
        let (shelves, now) = (Shelves::default(), Instant::now());
        let first = shelves.at(5, now);
        lay(&first, 1, 1);
        assert_eq!(find::<Lengths>(&shelves.at(5, now + MAX_AGE), true, 1), Some(1));
        // Somebody who read the end of the log before others, and comes for a shelf after them.
        assert_eq!(find::<Lengths>(&shelves.at(4, now), true, 1), Some(1));
        assert_eq!(find::<Lengths>(&shelves.at(6, now), true, 1), None);
        // Whoever still reads lays down nothing for those who know more.
        lay(&first, 2, 2);
        assert_eq!(find::<Lengths>(&shelves.at(5, now), true, 2), None);
    }

    #[test]
    fn a_shelf_is_not_used_for_longer_than_half_a_minute() {
        let (shelves, now) = (Shelves::default(), Instant::now());
        lay(&shelves.at(5, now), 1, 1);
        assert_eq!(find::<Lengths>(&shelves.at(5, now + MAX_AGE), true, 1), Some(1));
        let later = now + MAX_AGE + Duration::from_millis(1);
        // A database that was restored may be at an earlier position by then.
        assert_eq!(find::<Lengths>(&shelves.at(3, later), true, 1), None);
        lay(&shelves.at(3, later), 1, 2);
        assert_eq!(find::<Lengths>(&shelves.at(4, later), true, 1), None);
    }

    #[test]
    fn a_shelf_holds_as_much_as_it_may_and_what_is_asked_for_often() {
        let shelf = Shelves::with_room(400_000).at(1, Instant::now());
        (0..20).for_each(|of| lay(&shelf, of, 1_000));
        for round in 1..100 {
            assert!((0..20).all(|of| find::<Lengths>(&shelf, true, of).is_some()), "round {round}");
            (0..50).for_each(|of| lay(&shelf, round * 1_000 + of, 1_000));
            assert!(shelf.things.weight() <= 400_000, "{}", shelf.things.weight());
        }
        lay(&shelf, 1_000_000, 1_000_000);
        assert_eq!(find::<Lengths>(&shelf, true, 1_000_000), None, "what is larger than the shelf is not laid down");
    }
}
