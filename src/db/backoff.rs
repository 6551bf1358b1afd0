//! Waiting for a database that is away: each time twice as long, up to a bound.

use std::time::Duration;

/// How long to wait before the next attempt.
#[derive(Clone, Copy, Debug)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    /// The first wait and the longest.
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, next: first }
    }

    /// Waits, and longer the next time.
    pub async fn pause(&mut self) {
        tokio::time::sleep(self.next).await;
        self.next = self.longest.min(self.next.saturating_mul(2));
    }

    /// Begins anew after a success.
    pub fn reset(&mut self) {
        self.next = self.first;
    }
}
