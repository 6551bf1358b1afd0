//! Answers that are kept: what an anonymous reader is told stays true until something changes.
//!
//! Partner sites and dashboards ask the same few documents over and over, and facts change a few times a day. An answer
//! is kept under the position of the change log that was read *before* it was made, and is given only to requests that
//! read the same position *after* they came: it is never older than the last change that was visible when it was asked
//! for, whichever process wrote it. Several who ask for the same thing at once wait for one execution.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use moka::future::Cache;
use moka::policy::EvictionPolicy;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// About how much is kept, keys included: 4 MB, some hundreds of pages.
const MAX_KEPT_BYTES: u64 = 4 * 1024 * 1024;

/// The largest answer that is kept: 512 KB.
const MAX_ANSWER_BYTES: usize = 512 * 1024;

/// The longest that an answer is kept, so that what the log does not tell (an operator's own statement, a database that
/// was restored under a running hub) is seen after a minute: it may be made of what lay on a shelf for as long again.
const MAX_AGE: Duration = Duration::from_secs(30);

/// About what an answer takes besides its own bytes: key, counters, links.
const ENTRY_BYTES: usize = 256;

/// What was asked, how and in which languages, as a digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Asked([u8; 32]);

/// What was asked, at which position of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    asked: Asked,
    position: i64,
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

/// The answers that are kept.
pub struct Kept {
    answers: Cache<Key, Bytes>,
}

impl Asked {
    /// The digest of all that an answer, or what is refused of it, depends on. Null: it cannot be written down.
    pub fn digest(of: &impl Serialize) -> Option<Self> {
        let bytes = serde_json::to_vec(of).ok()?;
        Some(Self(Sha256::digest(bytes).into()))
    }

    /// The key under which the answer is kept.
    pub fn at(self, position: i64) -> Key {
        Key { asked: self, position }
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

impl Default for Kept {
    fn default() -> Self {
        // What is too large outweighs the whole, so that it is not taken in.
        let weight = |_: &Key, body: &Bytes| match body.len() {
            length @ ..=MAX_ANSWER_BYTES => u32::try_from(length.saturating_add(ENTRY_BYTES)).unwrap_or(u32::MAX),
            _ => u32::MAX,
        };
        // Not by how often each was asked for: after a change nobody can ask for the old ones again.
        let by_age = EvictionPolicy::lru();
        let answers = Cache::builder().max_capacity(MAX_KEPT_BYTES).weigher(weight).eviction_policy(by_age);
        Self { answers: answers.time_to_live(MAX_AGE).build() }
    }
}

impl Kept {
    /// The answer that is kept under a key, or else the one that `making` makes. What goes wrong is told to everybody
    /// who waits for it, and is not kept.
    pub async fn answer<E: Send + Sync + 'static>(
        &self,
        key: Key,
        making: impl Future<Output = Result<Bytes, E>>,
    ) -> Result<(Bytes, Source), Arc<E>> {
        let entry = self.answers.entry(key).or_try_insert_with(making).await?;
        let source = if entry.is_fresh() { Source::Made } else { Source::Kept };
        let body = entry.into_value();
        if source == Source::Made && body.len() > MAX_ANSWER_BYTES {
            self.answers.invalidate(&key).await;
        }
        Ok((body, source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(position: i64) -> Key {
        Asked([7; 32]).at(position)
    }

    async fn source(kept: &Kept, position: i64, length: usize) -> Source {
        kept.answer(key(position), async { Ok::<_, ()>(Bytes::from(vec![b'a'; length])) }).await.unwrap().1
    }

    #[tokio::test]
    async fn an_answer_is_kept_for_its_position_alone() {
        let kept = Kept::default();
        assert_eq!(source(&kept, 1, 10).await, Source::Made);
        assert_eq!(source(&kept, 1, 10).await, Source::Kept);
        assert_eq!(source(&kept, 2, 10).await, Source::Made);
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
    async fn what_is_kept_stays_within_its_bytes() {
        let kept = Kept::default();
        for position in 0..100 {
            source(&kept, position, MAX_ANSWER_BYTES).await;
        }
        kept.answers.run_pending_tasks().await;
        assert!(kept.answers.weighted_size() <= MAX_KEPT_BYTES, "{}", kept.answers.weighted_size());
    }
}
