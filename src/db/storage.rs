//! Whether there is room to write: a volume that is full stops PostgreSQL, and reading with it.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::db::local;

/// How long what was seen counts.
const LOOK_EVERY: Duration = Duration::from_secs(1);

type Measure = Box<dyn Fn() -> Option<u64> + Send + Sync>;

/// The volume on which a database lies, and how much of it has to stay free.
pub struct Storage {
    floor_bytes: u64,
    measure: Measure,
    seen: Mutex<Option<Seen>>,
}

#[derive(Clone, Copy)]
struct Seen {
    at: Instant,
    has_room: bool,
}

impl Storage {
    /// The volume of a data folder. With a floor of 0 bytes there is always room.
    pub fn of_folder(data_dir: PathBuf, floor_bytes: u64) -> Self {
        Self::measured_by(floor_bytes, move || local::free_bytes(&data_dir))
    }

    /// A volume whose free space, in bytes, is told by a function; null: it cannot be told, which is taken for room.
    pub fn measured_by(floor_bytes: u64, measure: impl Fn() -> Option<u64> + Send + Sync + 'static) -> Self {
        Self { floor_bytes, measure: Box::new(measure), seen: Mutex::new(None) }
    }

    /// Whether there is room. Looks at the volume once a second at the most.
    pub fn has_room(&self) -> bool {
        if self.floor_bytes == 0 {
            return true;
        }
        let now = Instant::now();
        // Nothing that holds the lock can panic half-way.
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seen) = *seen
            && now.saturating_duration_since(seen.at) < LOOK_EVERY
        {
            return seen.has_room;
        }
        let free = (self.measure)();
        let has_room = free.is_none_or(|free| free >= self.floor_bytes);
        let had_room = seen.is_none_or(|seen| seen.has_room);
        *seen = Some(Seen { at: now, has_room });
        drop(seen);
        let floor = self.floor_bytes;
        match (had_room, has_room) {
            (true, false) => tracing::warn!(free, floor, "too little space is free: nothing is written"),
            (false, true) => tracing::info!(free, floor, "enough space is free again: everything is written"),
            (true, true) | (false, false) => {}
        }
        has_room
    }
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Storage").field("floor_bytes", &self.floor_bytes).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;

    #[test]
    fn there_is_room_from_the_floor_on_and_where_nobody_can_tell() {
        for (floor, free, expected) in
            [(10, Some(10), true), (10, Some(9), false), (0, Some(0), true), (u64::MAX, None, true)]
        {
            assert_eq!(Storage::measured_by(floor, move || free).has_room(), expected, "{floor} {free:?}");
        }
    }

    #[test]
    fn the_volume_is_not_looked_at_for_every_write() {
        let looks = Arc::new(AtomicU64::new(0));
        let counted = looks.clone();
        let storage = Storage::measured_by(1, move || Some(counted.fetch_add(1, Ordering::Relaxed)));
        let began = Instant::now();
        while began.elapsed() < LOOK_EVERY / 2 {
            assert!(!storage.has_room());
        }
        assert_eq!(looks.load(Ordering::Relaxed), 1);
        while !storage.has_room() {
            assert!(began.elapsed() < LOOK_EVERY * 10);
        }
        assert!(began.elapsed() >= LOOK_EVERY);
    }

    #[test]
    fn a_folder_that_is_not_made_yet_lies_where_it_will_be_made() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Storage::of_folder(folder.path().join("a/b"), 1).has_room());
        assert!(!Storage::of_folder(folder.path().join("a/b"), u64::MAX).has_room());
    }
}
