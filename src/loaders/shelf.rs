//! The shelf: what anonymous viewers have loaded, for the next who load the same.
//!
//! A shelf stands at a position of the change log. A request reads that position after it came, and only then takes the
//! shelf of the position, reads from the database what it does not find there, and lays it down. So what lies on a shelf
//! was read when the log stood there or later, and nobody is ever given something older than the last change that was
//! visible when they asked, whichever process wrote it. The first request that finds the log to have gone on begins an
//! empty shelf: nothing has to be found out about what a change touches.

use std::any::{Any, TypeId};
use std::hash::{BuildHasher, RandomState};
use std::mem::size_of;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::db::listing::Listed;
use crate::loaders::Load;
use crate::loaders::lists::Rows;

/// About how much lies on one shelf: 6 MB. What nobody asked for lately makes room.
const MAX_BYTES: u64 = 6 * 1024 * 1024;

/// About how many things that is, so that the shelf is divided sensibly among threads.
const ABOUT_THINGS: usize = 10_000;

/// The longest that a shelf is used, so that what the log does not tell (an operator's own statement, a database that was
/// restored under a running hub) is seen after a minute: half of it here, half in an answer that is kept.
const MAX_AGE: Duration = Duration::from_secs(30);

/// About what a thing takes besides itself: its place on the shelf, counters, an allocation.
const PLACE_BYTES: usize = 96;

/// Hands out the shelf that is in use.
pub struct Shelves {
    current: Mutex<Arc<Shelf>>,
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
    /// A [`Loaded`], which says itself what was asked: two questions may have the same digest.
    loaded: Arc<dyn Any + Send + Sync>,
}

/// What was asked, of what, and the answer.
struct Loaded<L: Load> {
    asked: L::Asked,
    of: L::Of,
    value: L::Value,
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
        Self { current: Mutex::new(Arc::new(Shelf::new(0, max_bytes))), max_bytes }
    }

    /// The shelf for a request that read, after it came, that the log stands at `position`.
    pub fn at(&self, position: i64) -> Arc<Shelf> {
        // Nothing that holds the lock can panic half-way.
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        // One of a later position is as good: what lies there is newer than what was asked for.
        if current.position < position || current.begun.elapsed() > MAX_AGE {
            *current = Arc::new(Shelf::new(position, self.max_bytes));
        }
        current.clone()
    }
}

impl Shelf {
    fn new(position: i64, max_bytes: u64) -> Self {
        let things = Cache::with_weighter(ABOUT_THINGS, max_bytes, ByBytes);
        Self { position, begun: Instant::now(), hasher: RandomState::new(), things }
    }

    /// What lies there.
    pub fn find<L: Load>(&self, asked: &L::Asked, of: &L::Of) -> Option<L::Value> {
        let thing = self.things.get(&self.digest::<L>(asked, of))?;
        let loaded = thing.loaded.downcast_ref::<Loaded<L>>()?;
        (loaded.asked == *asked && loaded.of == *of).then(|| loaded.value.clone())
    }

    /// Lays down what was asked of several at once.
    pub fn put<L: Load>(&self, asked: &L::Asked, found: &[(L::Of, L::Value)]) {
        // They share what was asked.
        let share = L::asked_bytes(asked).checked_div(found.len()).unwrap_or_default();
        for (of, value) in found {
            self.lay::<L>(Loaded { asked: asked.clone(), of: of.clone(), value: value.clone() }, share);
        }
    }

    /// The rows of a page, each of them shared with whoever else has it.
    pub fn share<K: Listed>(&self, rows: Vec<K::Row>) -> Vec<Arc<K::Row>> {
        let shared = |row: K::Row| {
            let id = K::id(&row);
            // None lies there when the row was looked for before it was visible.
            if let Some(Some(known)) = self.find::<Rows<K>>(&(), &id) {
                return known;
            }
            let row = Arc::new(row);
            self.lay::<Rows<K>>(Loaded { asked: (), of: id, value: Some(row.clone()) }, 0);
            row
        };
        rows.into_iter().map(shared).collect()
    }

    fn lay<L: Load>(&self, loaded: Loaded<L>, more_bytes: usize) {
        let held = L::held_bytes(&loaded.of, &loaded.value).saturating_add(more_bytes);
        let bytes = size_of::<Loaded<L>>().saturating_add(PLACE_BYTES).saturating_add(held);
        let digest = self.digest::<L>(&loaded.asked, &loaded.of);
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.things.insert(digest, Thing { bytes, loaded: Arc::new(loaded) });
    }

    fn digest<L: Load>(&self, asked: &L::Asked, of: &L::Of) -> u64 {
        self.hasher.hash_one((TypeId::of::<L>(), asked, of))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::error::Fault;
    use crate::loaders::Reader;

    /// Texts of a length; every one of two questions.
    struct Lengths;

    impl Load for Lengths {
        type Asked = bool;
        type Of = u32;
        type Value = usize;

        async fn fetch(_: &Reader, _: &bool, _: Vec<u32>) -> Result<HashMap<u32, usize>, Fault> {
            Ok(HashMap::new())
        }

        fn held_bytes(_: &u32, value: &usize) -> usize {
            *value
        }
    }

    /// The same keys and values, and another load.
    struct Widths;

    impl Load for Widths {
        type Asked = bool;
        type Of = u32;
        type Value = usize;

        async fn fetch(_: &Reader, _: &bool, _: Vec<u32>) -> Result<HashMap<u32, usize>, Fault> {
            Ok(HashMap::new())
        }

        fn held_bytes(_: &u32, value: &usize) -> usize {
            *value
        }
    }

    #[test]
    fn what_lies_on_a_shelf_is_found_by_what_was_asked_alone() {
        let shelf = Shelves::default().at(1);
        shelf.put::<Lengths>(&true, &[(7, 70), (8, 80)]);
        assert_eq!(shelf.find::<Lengths>(&true, &7), Some(70));
        assert_eq!(shelf.find::<Lengths>(&true, &8), Some(80));
        assert_eq!(shelf.find::<Lengths>(&true, &9), None);
        assert_eq!(shelf.find::<Lengths>(&false, &7), None);
        assert_eq!(shelf.find::<Widths>(&true, &7), None);
    }

    #[test]
    fn a_shelf_serves_its_position_and_earlier_ones_until_the_log_goes_on() {
        let shelves = Shelves::default();
        let first = shelves.at(5);
        first.put::<Lengths>(&true, &[(1, 1)]);
        assert_eq!(shelves.at(5).find::<Lengths>(&true, &1), Some(1));
        // Somebody who read the end of the log before others, and comes for a shelf after them.
        assert_eq!(shelves.at(4).find::<Lengths>(&true, &1), Some(1));
        assert_eq!(shelves.at(6).find::<Lengths>(&true, &1), None);
        // Whoever still reads lays down nothing for those who know more.
        first.put::<Lengths>(&true, &[(2, 2)]);
        assert_eq!(shelves.at(5).find::<Lengths>(&true, &2), None);
    }

    #[test]
    fn a_shelf_holds_as_much_as_it_may_and_what_is_asked_for_often() {
        let shelf = Shelves::with_room(200_000).at(1);
        let often = || (0..20).all(|of| shelf.find::<Lengths>(&true, &of).is_some());
        shelf.put::<Lengths>(&true, &(0..20).map(|of| (of, 1_000)).collect::<Vec<_>>());
        for round in 1..100 {
            assert!(often(), "round {round}");
            shelf.put::<Lengths>(&true, &(0..50).map(|of| (round * 1_000 + of, 1_000)).collect::<Vec<_>>());
            assert!(shelf.things.weight() <= 200_000, "{}", shelf.things.weight());
        }
        shelf.put::<Lengths>(&false, &[(1, 1_000_000)]);
        assert_eq!(shelf.find::<Lengths>(&false, &1), None, "what is larger than the shelf is not laid down");
    }
}
