//! When rights and tokens begin and end, and what makes a token.
//!
//! ```text
//! a grant: to come ──starts──▶ holds ──ends, or is ended──▶ over
//! a grant that follows from a membership: holds while the membership is active
//! a token: good ──expires, or is revoked──▶ over
//! ```

use chrono::{DateTime, TimeDelta, Utc};

use crate::error::{Code, Fault};
use crate::policy::token_scope::TokenScope;
use crate::text::messages::Message;
use crate::text::texts;

/// How long a token is good unless somebody says otherwise, in days.
pub const TOKEN_DAYS: i64 = 90;

/// How long a token is good at the most, in days: whoever forgets it is reminded once a year.
pub const MAX_TOKEN_DAYS: i64 = 366;

/// The most scopes of one token.
const MAX_SCOPES: usize = 20;

/// The longest name of a token or a service, in characters.
const MAX_NAME_CHARS: usize = 100;

/// From when until when a right is to hold: from now on unless it says otherwise, and not into the past.
pub fn check_times(
    starts_at: Option<DateTime<Utc>>,
    ends_at: Option<DateTime<Utc>>,
    now: DateTime<Utc>,
) -> Result<(DateTime<Utc>, Option<DateTime<Utc>>), Fault> {
    let starts_at = starts_at.unwrap_or(now).max(now);
    match ends_at {
        Some(ends_at) if ends_at <= starts_at => {
            Err(Fault::bad_input(Message::new("period-backwards")).of_field("endsAt"))
        }
        ends_at => Ok((starts_at, ends_at)),
    }
}

/// Nobody gives a right for longer than they have theirs.
pub fn check_no_longer(ends_at: Option<DateTime<Utc>>, own_end: DateTime<Utc>) -> Result<(), Fault> {
    match ends_at {
        Some(ends_at) if ends_at <= own_end => Ok(()),
        Some(_) | None => Err(Fault::bad_input(Message::new("grant-longer-than-own")).of_field("endsAt")),
    }
}

/// Whether somebody may end a right.
pub fn check_may_end(follows: bool, ends_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Result<(), Fault> {
    if follows {
        return Err(Fault::bad_input(Message::new("grant-of-membership")));
    }
    match ends_at {
        Some(ends_at) if ends_at <= now => Err(Fault::new(Code::Conflict, Message::new("grant-over"))),
        Some(_) | None => Ok(()),
    }
}

/// The name of a token or a service.
pub fn check_name(name: &str) -> Result<(), Fault> {
    texts::check_plain(name, MAX_NAME_CHARS, false).map_err(|message| Fault::bad_input(message).of_field("name"))
}

/// What a token is to be good for: something, each once.
pub fn check_scopes(mut scopes: Vec<TokenScope>) -> Result<Vec<TokenScope>, Fault> {
    scopes.sort();
    scopes.dedup();
    if scopes.is_empty() || scopes.len() > MAX_SCOPES {
        let message = Message::new("token-scopes").with("max", MAX_SCOPES);
        return Err(Fault::bad_input(message).of_field("scopes"));
    }
    Ok(scopes)
}

/// When a token expires.
pub fn check_expiry(expires_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> Result<DateTime<Utc>, Fault> {
    let after = |days| now.checked_add_signed(TimeDelta::days(days)).unwrap_or(now);
    let expires_at = expires_at.unwrap_or_else(|| after(TOKEN_DAYS));
    if expires_at <= now || expires_at > after(MAX_TOKEN_DAYS) {
        let message = Message::new("token-expiry").with("days", MAX_TOKEN_DAYS);
        return Err(Fault::bad_input(message).of_field("expiresAt"));
    }
    Ok(expires_at)
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn at(day: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(day)
    }

    #[test]
    fn a_right_begins_no_sooner_than_now_and_ends_after_it_begins() {
        assert_eq!(check_times(None, None, at(5)).unwrap(), (at(5), None));
        assert_eq!(check_times(Some(at(3)), Some(at(9)), at(5)).unwrap(), (at(5), Some(at(9))));
        assert_eq!(check_times(Some(at(7)), None, at(5)).unwrap(), (at(7), None));
        for (starts_at, ends_at) in [(None, 5), (None, 4), (Some(at(7)), 7)] {
            assert_eq!(check_times(starts_at, Some(at(ends_at)), at(5)).unwrap_err().field(), Some("endsAt"));
        }
    }

    #[test]
    fn nobody_gives_a_right_for_longer_than_they_have_theirs() {
        assert!(check_no_longer(Some(at(5)), at(5)).is_ok());
        assert!(check_no_longer(Some(at(6)), at(5)).is_err());
        assert!(check_no_longer(None, at(5)).is_err());
    }

    #[test]
    fn what_is_over_or_follows_from_a_membership_is_not_ended() {
        assert!(check_may_end(false, None, at(5)).is_ok());
        assert!(check_may_end(false, Some(at(6)), at(5)).is_ok());
        assert_eq!(check_may_end(false, Some(at(5)), at(5)).unwrap_err().code(), Code::Conflict);
        assert_eq!(check_may_end(true, None, at(5)).unwrap_err().code(), Code::BadUserInput);
    }

    #[test]
    fn a_token_is_good_for_something_and_not_for_ever() {
        let scope = TokenScope::ReadAsMemberOf(Uuid::nil());
        assert_eq!(check_scopes(vec![scope, scope]).unwrap(), [scope]);
        assert!(check_scopes(Vec::new()).is_err());
        let many = (0..21).map(|n| TokenScope::ReadAsMemberOf(Uuid::from_u128(n))).collect();
        assert!(check_scopes(many).is_err());
        assert_eq!(check_expiry(None, at(0)).unwrap(), at(TOKEN_DAYS));
        assert!(check_expiry(Some(at(MAX_TOKEN_DAYS)), at(0)).is_ok());
        for day in [-1, 0, MAX_TOKEN_DAYS + 1] {
            assert_eq!(check_expiry(Some(at(day)), at(0)).unwrap_err().field(), Some("expiresAt"));
        }
    }
}
