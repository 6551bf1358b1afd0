//! How often one sender may do what others have to read.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use async_graphql::Context;
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::error::Fault;

/// How many messages a sender may send at once.
// A literal that is not zero.
const BURST: NonZeroU32 = NonZeroU32::new(5).unwrap();

/// How long it takes until they may send another one: six an hour.
const EVERY: Duration = Duration::from_secs(600);

/// How many senders are remembered before those are forgotten who may send as many as anybody.
const REMEMBERED: usize = 10_000;

/// The pace of all senders of this process.
pub struct Paces {
    limiter: DefaultKeyedRateLimiter<String>,
}

impl Default for Paces {
    fn default() -> Self {
        // A literal that is longer than nothing.
        let quota = Quota::with_period(EVERY).expect("the period is not empty").allow_burst(BURST);
        Self { limiter: RateLimiter::keyed(quota) }
    }
}

/// The pace of one sender.
#[derive(Clone)]
pub struct Pace {
    paces: Arc<Paces>,
    sender: String,
}

impl Pace {
    /// The pace of whoever this tells from every other: an account, or where somebody unknown asks from.
    pub fn new(paces: Arc<Paces>, sender: String) -> Self {
        Self { paces, sender }
    }

    /// The pace of whoever sent a request.
    pub fn of(ctx: &Context<'_>) -> Result<Self, Fault> {
        let pace = ctx.data_opt::<Self>().cloned();
        pace.ok_or_else(|| Fault::internal("resolving", "no pace in the request"))
    }

    /// Whether they may send one more now, which counts then.
    pub fn allows(&self) -> bool {
        if self.paces.limiter.len() > REMEMBERED {
            self.paces.limiter.retain_recent();
        }
        self.paces.limiter.check_key(&self.sender).is_ok()
    }
}
