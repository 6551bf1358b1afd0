//! Answers that are kept: what an anonymous reader is told stays true until something changes.
//!
//! Partner sites and dashboards ask the same few documents over and over, and facts change a few times a day. An answer
//! is kept under the position of the change log that was read *before* it was made, and is given only to requests that
//! read the same position *after* they came: it is never older than the last change that was visible when it was asked
//! for, whichever process wrote it. Several who ask for the same thing at once wait for one execution.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// About how much is kept, keys included: 3 MB, some hundreds of pages. What nobody asked for lately makes room.
const MAX_KEPT_BYTES: u64 = 3 * 1024 * 1024;

/// The largest answer that is kept: 512 KB.
const MAX_ANSWER_BYTES: usize = 512 * 1024;

/// In how many parts the answers are divided among threads.
const PARTS: usize = 2;

/// How much of it is for what was asked for again. After a change nobody can ask for the old answers any more, so that the
/// new ones need room beside them: the largest answer fits into the rest of each part.
const FOR_AGAIN: f64 = 0.5;

/// About how many answers there are.
const ABOUT_ANSWERS: usize = 500;

/// The longest that an answer is kept, so that what the log does not tell (an operator's own statement, a database that
/// was restored under a running hub) is seen after a minute: it may be made of what lay on a shelf for as long again.
const MAX_AGE: Duration = Duration::from_secs(30);

/// About what an answer takes besides its own bytes: key, counters, links.
const ENTRY_BYTES: usize = 256;

/// What was asked, how and in which languages, as a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Asked([u8; 32]);

/// What was asked, at which position of the log and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    asked: Asked,
    position: i64,
    /// Ages since the hub was started: what was asked in another one is asked anew.
    age: u64,
}

/// Where an answer comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// It was kept, or was just being made for somebody else.
    Kept,
    /// It was made, and is kept now if it is not too large.
    Made,
    /// It was made because the reader wanted it so.
    Wanted,
    /// It was made because the end of the log was not to be had.
    Unkept,
}

/// The answers that are kept, and what goes wrong, as long as somebody waits for it.
pub struct Kept<V, E> {
    answers: Cache<Key, Made<V, E>, ByBytes>,
    started: Instant,
    max_age: Duration,
}

/// What can be kept.
pub trait Weighed {
    /// How many bytes it takes.
    fn bytes(&self) -> usize;
}

impl Weighed for Bytes {
    fn bytes(&self) -> usize {
        self.len()
    }
}

/// How many requests are known to be within the limits: at 80 bytes each.
const ADMITTED: usize = 4_096;

/// The requests that were found to be within the limits, each with its cost, so that a document is not read again when its
/// answer is kept.
pub struct Admitted {
    costs: Cache<Asked, u64>,
}

impl Default for Admitted {
    fn default() -> Self {
        Self { costs: Cache::new(ADMITTED) }
    }
}

impl Admitted {
    /// The cost of a request that is within the limits; null: it has to be looked at.
    pub fn cost(&self, asked: &Asked) -> Option<u64> {
        self.costs.get(asked)
    }

    /// Remembers the cost of a request that is within the limits.
    pub fn admit(&self, asked: Asked, cost: u64) {
        self.costs.insert(asked, cost);
    }
}

/// What was made.
type Made<V, E> = Result<V, Arc<E>>;

#[derive(Clone)]
struct ByBytes;

impl<V: Weighed, E> Weighter<Key, Made<V, E>> for ByBytes {
    fn weight(&self, _key: &Key, made: &Made<V, E>) -> u64 {
        match made {
            Ok(value) if value.bytes() <= MAX_ANSWER_BYTES => {
                u64::try_from(value.bytes().saturating_add(ENTRY_BYTES)).unwrap_or(u64::MAX)
            }
            // It outweighs the whole, so that it is not taken in.
            Ok(_) | Err(_) => u64::MAX,
        }
    }
}

impl Asked {
    /// The digest of all that an answer, or what is refused of it, depends on. Null: it cannot be written down.
    pub fn digest(of: &impl Serialize) -> Option<Self> {
        let bytes = serde_json::to_vec(of).ok()?;
        Some(Self(Sha256::digest(bytes).into()))
    }
}

impl Key {
    /// Where the log stood after the request came.
    pub fn position(&self) -> i64 {
        self.position
    }
}

impl Source {
    /// How `Cache-Status` (RFC 9211) says it.
    pub fn status(self) -> &'static str {
        match self {
            Self::Kept => "hub; hit",
            Self::Made => "hub; fwd=miss",
            Self::Wanted => "hub; fwd=request",
            Self::Unkept => "hub; fwd=bypass",
        }
    }
}

impl<V: Weighed + Clone, E> Default for Kept<V, E> {
    fn default() -> Self {
        Self::for_as_long_as(MAX_AGE)
    }
}

impl<V: Weighed + Clone, E> Kept<V, E> {
    /// Keeps answers for so long at the most.
    pub fn for_as_long_as(max_age: Duration) -> Self {
        let mut options = OptionsBuilder::new();
        options.estimated_items_capacity(ABOUT_ANSWERS).weight_capacity(MAX_KEPT_BYTES).shards(PARTS);
        options.hot_allocation(FOR_AGAIN);
        // Every option that has to be given is given.
        let options = options.build().expect("a capacity and a number of answers");
        let answers = Cache::with_options(options, ByBytes, DefaultHashBuilder::default(), DefaultLifecycle::default());
        Self { answers, started: Instant::now(), max_age }
    }

    /// The key of what is asked `now`, when the log stands at `position`.
    pub fn key(&self, asked: Asked, position: i64, now: Instant) -> Key {
        let age = now
            .saturating_duration_since(self.started)
            .as_secs()
            .checked_div(self.max_age.as_secs())
            .unwrap_or_default();
        Key { asked, position, age }
    }

    /// Whether an answer is kept under a key.
    pub fn has(&self, key: &Key) -> bool {
        self.get(key).is_some()
    }

    /// The answer that is kept under a key; null: none.
    pub fn get(&self, key: &Key) -> Option<V> {
        self.answers.get(key).and_then(Result::ok)
    }

    /// The answer that is kept under a key, or else the one that `making` makes. What goes wrong is told to everybody
    /// who waits for it, and is not kept.
    pub async fn answer(&self, key: Key, making: impl Future<Output = Result<V, E>>) -> Result<(V, Source), Arc<E>> {
        match self.answers.get_value_or_guard_async(&key).await {
            Ok(made) => made.map(|value| (value, Source::Kept)),
            Err(place) => {
                let made = making.await.map_err(Arc::new);
                // An error would mean that the place was taken away, which nobody does.
                let _ = place.insert(made.clone());
                made.map(|value| (value, Source::Made))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn source(kept: &Kept<Bytes, ()>, position: i64, length: usize) -> Source {
        let key = kept.key(Asked([7; 32]), position, kept.started);
        kept.answer(key, async { Ok(Bytes::from(vec![b'a'; length])) }).await.unwrap().1
    }

    #[tokio::test]
    async fn an_answer_is_kept_for_its_position_alone() {
        let kept = Kept::default();
        assert_eq!(source(&kept, 1, 10).await, Source::Made);
        assert_eq!(source(&kept, 1, 10).await, Source::Kept);
        assert_eq!(source(&kept, 2, 10).await, Source::Made);
    }

    #[tokio::test]
    async fn an_answer_is_not_kept_for_longer_than_half_a_minute() {
        let kept = Kept::<Bytes, ()>::default();
        let asked = async |after: Duration| {
            let key = kept.key(Asked([7; 32]), 1, kept.started + after);
            kept.answer(key, async { Ok(Bytes::new()) }).await.unwrap().1
        };
        assert_eq!(asked(Duration::ZERO).await, Source::Made);
        assert_eq!(asked(MAX_AGE - Duration::from_millis(1)).await, Source::Kept);
        assert_eq!(asked(MAX_AGE).await, Source::Made);
    }

    #[tokio::test]
    async fn a_very_large_answer_is_given_and_not_kept() {
        let kept = Kept::default();
        for _ in 0..2 {
            assert_eq!(source(&kept, 1, MAX_ANSWER_BYTES + 1).await, Source::Made);
        }
        assert_eq!(source(&kept, 2, MAX_ANSWER_BYTES).await, Source::Made);
        assert_eq!(source(&kept, 2, MAX_ANSWER_BYTES).await, Source::Kept);
    }

    #[tokio::test]
    async fn a_large_answer_is_kept_at_once_when_all_is_full_of_old_ones() {
        let kept = Kept::default();
        for position in 0..5_000 {
            source(&kept, position, 4_000).await;
            source(&kept, position, 4_000).await;
        }
        assert_eq!(source(&kept, 5_000, MAX_ANSWER_BYTES).await, Source::Made);
        assert_eq!(source(&kept, 5_000, MAX_ANSWER_BYTES).await, Source::Kept);
    }

    #[tokio::test]
    async fn what_is_kept_stays_within_its_bytes() {
        let kept = Kept::default();
        for position in 0..100 {
            source(&kept, position, MAX_ANSWER_BYTES).await;
        }
        assert!(kept.answers.weight() <= MAX_KEPT_BYTES, "{}", kept.answers.weight());
    }

    #[tokio::test]
    async fn what_goes_wrong_is_told_to_all_who_wait_and_kept_for_nobody() {
        let kept = Kept::<Bytes, &str>::default();
        let key = kept.key(Asked([7; 32]), 1, kept.started);
        let (go, gone) = tokio::sync::oneshot::channel::<()>();
        let first = kept.answer(key, async {
            gone.await.unwrap();
            Err("broken")
        });
        let second = kept.answer(key, async { panic!("somebody is making it") });
        let (first, second, ()) = tokio::join!(first, second, async { go.send(()).unwrap() });
        assert_eq!((*first.unwrap_err(), *second.unwrap_err()), ("broken", "broken"));
        assert_eq!(kept.answer(key, async { Ok(Bytes::new()) }).await.unwrap().1, Source::Made);
    }

    #[tokio::test]
    async fn whoever_gives_up_leaves_the_making_to_the_next() {
        let kept = Kept::<Bytes, ()>::default();
        let key = kept.key(Asked([7; 32]), 1, kept.started);
        let mut first = Box::pin(kept.answer(key, std::future::pending()));
        assert!(futures_util::poll!(&mut first).is_pending());
        let mut second = Box::pin(kept.answer(key, async { Ok(Bytes::from_static(b"made")) }));
        assert!(futures_util::poll!(&mut second).is_pending());
        drop(first);
        assert_eq!(second.await.unwrap(), (Bytes::from_static(b"made"), Source::Made));
    }
}
