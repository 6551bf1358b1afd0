//! What each asker may use up in a minute: the cost of what is executed for them, and a little for every request.

use std::num::NonZeroU32;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use governor::clock::{Clock, DefaultClock};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};

use crate::error::{Code, Fault};
use crate::text::messages::Message;

/// What every request costs, however little it asks for: a kept answer takes about 0.02 ms.
pub const BASE_COST: u32 = 20;

/// How many askers are remembered before those are forgotten who may use as much as anybody.
const REMEMBERED: usize = 20_000;

/// How long it takes at least between two times of forgetting.
const FORGET_EVERY: Duration = Duration::from_secs(5);

/// Whose budget is used by askers who are more than can be remembered.
const EVERYBODY_ELSE: &str = "everybody else";

/// The budgets of all askers of this process.
pub struct Budgets {
    /// Null: everybody may ask for as much as they like.
    limiter: Option<DefaultKeyedRateLimiter<String>>,
    per_minute: u32,
    clock: DefaultClock,
    forgotten_at: Mutex<Option<Instant>>,
}

impl Budgets {
    /// Budgets of this much in a minute; 0: everybody may ask for as much as they like.
    pub fn new(per_minute: u32) -> Self {
        let limiter = NonZeroU32::new(per_minute).map(|most| RateLimiter::keyed(Quota::per_minute(most)));
        Self { limiter, per_minute, clock: DefaultClock::default(), forgotten_at: Mutex::default() }
    }

    /// Uses up a part of somebody's budget. `RATE_LIMITED` when it is used up, with when to come back.
    pub fn spend(&self, asker: &str, cost: u64) -> Result<(), Fault> {
        let Some(limiter) = &self.limiter else { return Ok(()) };
        // What costs more than a whole minute's budget is paid with all of it.
        let cost = u32::try_from(cost).unwrap_or(u32::MAX).min(self.per_minute);
        let Some(cost) = NonZeroU32::new(cost) else { return Ok(()) };
        let asker = if limiter.len() > REMEMBERED && !self.forget(limiter) { EVERYBODY_ELSE } else { asker };
        match limiter.check_key_n(&asker.to_owned(), cost) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(later)) => {
                let wait = later.wait_time_from(self.clock.now());
                let seconds = u32::try_from(wait.as_secs()).unwrap_or(u32::MAX).saturating_add(1);
                let message = Message::new("rate-limited").with("seconds", i64::from(seconds));
                Err(Fault::new(Code::RateLimited, message).retry_after(seconds))
            }
            // The cost is never more than the whole.
            Err(more_than_all) => Err(Fault::internal("spending a budget", more_than_all)),
        }
    }

    /// Forgets those who may use as much as anybody; the answer is whether there is room again.
    fn forget(&self, limiter: &DefaultKeyedRateLimiter<String>) -> bool {
        let Ok(mut forgotten_at) = self.forgotten_at.try_lock() else { return false };
        let now = Instant::now();
        if forgotten_at.is_none_or(|at| now.saturating_duration_since(at) >= FORGET_EVERY) {
            *forgotten_at = Some(now);
            limiter.retain_recent();
        }
        limiter.len() <= REMEMBERED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_asker_has_a_budget_of_their_own() {
        let budgets = Budgets::new(1_000);
        assert!(budgets.spend("one", 600).is_ok());
        let fault = budgets.spend("one", 600).unwrap_err();
        assert_eq!(fault.code(), Code::RateLimited);
        // 200 are missing, at 1,000 a minute.
        assert!((12..=13).contains(&fault.worth_retrying_after().unwrap()));
        assert!(budgets.spend("other", 600).is_ok());
        assert!(budgets.spend("one", 300).is_ok(), "what is refused is not paid for");
    }

    #[test]
    fn what_costs_more_than_all_is_paid_with_all_of_it() {
        let budgets = Budgets::new(1_000);
        assert!(budgets.spend("one", u64::MAX).is_ok());
        assert!(budgets.spend("one", 1).is_err());
    }

    #[test]
    fn nothing_is_counted_when_there_is_no_limit() {
        let budgets = Budgets::new(0);
        for _ in 0..100 {
            assert!(budgets.spend("one", u64::MAX).is_ok());
        }
    }

    #[test]
    fn more_askers_than_can_be_remembered_share_a_budget() {
        let budgets = Budgets::new(1_000);
        for asker in 0..=REMEMBERED {
            assert!(budgets.spend(&asker.to_string(), 1_000).is_ok());
        }
        assert!(budgets.spend("the next", 1_000).is_ok());
        assert!(budgets.spend("the one after", 1_000).is_err());
    }
}
