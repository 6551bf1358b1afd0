//! The workflow of a KT item, and who sees it when.
//!
//! ```text
//! DRAFT ──publish──▶ PUBLISHED: held back ──▶ members first ──▶ out
//!                               until the earlier of membersAt, publicAt; without either until publishedAt
//!                                             from membersAt    from publicAt
//!
//! a draft, and what is held back   its authors, the coordinators of its communities and who manages these
//! members first                    the members of its communities too
//! out                              whom its line says: everybody unless it says otherwise
//! ```
//!
//! Whatever is retired is for nobody, in every state. A review between draft and publication is to have its place here.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::domain::item::record::{ItemRecord, ItemStatus};
use crate::error::{Code, Fault};
use crate::policy::PUBLIC;
use crate::text::messages::Message;

/// What decides who sees an item when.
#[derive(Clone, Copy, Debug)]
pub struct Release<'a> {
    /// Where it stands in its workflow.
    pub status: ItemStatus,
    /// Whether it was retired.
    pub is_retired: bool,
    /// Whom it is for once it is out; null: everybody.
    pub readers: Option<&'a [String]>,
    /// When it is published; null: not yet.
    pub published_at: Option<DateTime<Utc>>,
    /// From when the members of its communities see it; null: with everybody else.
    pub members_at: Option<DateTime<Utc>>,
    /// From when it is out; null: from its publication, or with `members_at` not yet.
    pub public_at: Option<DateTime<Utc>>,
}

/// Who makes an item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Makers {
    /// The communities that it belongs to.
    pub communities: Vec<Uuid>,
    /// The organizations that manage them.
    pub managers: Vec<Uuid>,
    /// The people who wrote it.
    pub authors: Vec<Uuid>,
}

/// Who sees an item at a moment: atoms, sorted.
pub fn audience(release: &Release<'_>, makers: &Makers, now: DateTime<Utc>) -> Vec<String> {
    if release.is_retired {
        return Vec::new();
    }
    let is_published = release.status == ItemStatus::Published;
    let has_come = |at: Option<DateTime<Utc>>| is_published && at.is_some_and(|at| at <= now);
    let out_at = out_at(release.members_at, release.public_at, release.published_at);
    if has_come(out_at) {
        return release.readers.map_or_else(|| vec![PUBLIC.to_owned()], <[String]>::to_vec);
    }
    let mut atoms = atoms_of(makers);
    if has_come(release.members_at) {
        atoms.extend(makers.communities.iter().map(|id| format!("member:{id}")));
    }
    atoms.into_iter().collect()
}

/// When somebody more sees an item next; null: never.
pub fn next_turn(release: &Release<'_>, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    if release.is_retired || release.status != ItemStatus::Published {
        return None;
    }
    let out_at = out_at(release.members_at, release.public_at, release.published_at);
    [release.members_at, out_at].into_iter().flatten().filter(|at| *at > now).min()
}

/// Whether an item with this audience is before readers, and not only before those who make it.
pub fn is_out(audience: &[String], makers: &Makers) -> bool {
    let own = atoms_of(makers);
    audience.iter().any(|atom| !own.contains(atom))
}

/// Publishes an item, or changes when those see it who do not yet: at once unless times say otherwise.
pub fn publish(
    record: &mut ItemRecord,
    (members_at, public_at): (Option<DateTime<Utc>>, Option<DateTime<Utc>>),
    now: DateTime<Utc>,
) -> Result<(), Fault> {
    let is_published = record.status == ItemStatus::Published;
    let has_come = |at: Option<DateTime<Utc>>| is_published && at.is_some_and(|at| at <= now);
    if has_come(out_at(record.members_at, record.public_at, record.published_at)) {
        return Err(Fault::new(Code::Conflict, Message::new("item-out-already")));
    }
    for (field, at) in [("membersAt", members_at), ("publicAt", public_at)] {
        if at.is_some_and(|at| at < now) {
            return Err(Fault::bad_input(Message::new("item-time-over")).of_field(field));
        }
    }
    if has_come(record.members_at) {
        if members_at.is_some() {
            return Err(Fault::new(Code::Conflict, Message::new("item-members-already")).of_field("membersAt"));
        }
        record.public_at = public_at.or(Some(now));
        return Ok(());
    }
    check_order(members_at, public_at).map_err(|message| Fault::bad_input(message).of_field("publicAt"))?;
    record.status = ItemStatus::Published;
    record.published_at = [members_at, public_at].into_iter().flatten().min().or(Some(now));
    (record.members_at, record.public_at) = (members_at, public_at);
    Ok(())
}

/// From when those see an item whom it is for; null: not yet known.
fn out_at(
    members_at: Option<DateTime<Utc>>,
    public_at: Option<DateTime<Utc>>,
    published_at: Option<DateTime<Utc>>,
) -> Option<DateTime<Utc>> {
    if members_at.is_some() { public_at } else { public_at.or(published_at) }
}

/// Members come first, or not at all.
pub fn check_order(members_at: Option<DateTime<Utc>>, public_at: Option<DateTime<Utc>>) -> Result<(), Message> {
    match (members_at, public_at) {
        (Some(members_at), Some(public_at)) if members_at >= public_at => Err(Message::new("item-members-first")),
        (Some(_) | None, Some(_) | None) => Ok(()),
    }
}

fn atoms_of(makers: &Makers) -> BTreeSet<String> {
    let coordinators = makers.communities.iter().map(|id| format!("coordinator:{id}"));
    let managers = makers.managers.iter().map(|id| format!("admin:{id}"));
    coordinators.chain(managers).chain(makers.authors.iter().map(|id| format!("self:{id}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HERE: Uuid = Uuid::from_u128(1);
    const ANN: Uuid = Uuid::from_u128(2);
    const ORGANIZATION: Uuid = Uuid::from_u128(3);

    fn at(hour: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + chrono::TimeDelta::hours(hour)
    }

    fn makers() -> Makers {
        Makers { communities: vec![HERE], managers: vec![ORGANIZATION], authors: vec![ANN] }
    }

    #[test]
    fn readers_members_and_makers_see_it_in_this_order_whatever_its_state_and_times() {
        let atom = |word: &str| match word {
            "admin" => format!("admin:{ORGANIZATION}"),
            "self" => format!("self:{ANN}"),
            word => format!("{word}:{HERE}"),
        };
        let (readers, own, members) = (
            vec!["public".to_owned()],
            ["admin", "coordinator", "self"].map(atom).to_vec(),
            ["admin", "coordinator", "member", "self"].map(atom).to_vec(),
        );
        use ItemStatus::{Draft, Published};
        // Status, retired, published, members, public; who sees it at 1, 3 and 5; the next turns from there.
        for (status, retired, published, first, all, seen, turns) in [
            (Draft, false, None, None, None, [&own, &own, &own], [None, None, None]),
            (Published, false, Some(1), None, None, [&readers, &readers, &readers], [None, None, None]),
            (Published, false, Some(3), None, None, [&own, &readers, &readers], [Some(3), None, None]),
            (Published, false, Some(3), None, Some(3), [&own, &readers, &readers], [Some(3), None, None]),
            (Published, false, Some(3), Some(3), Some(5), [&own, &members, &readers], [Some(3), Some(5), None]),
            (Published, false, Some(3), Some(3), None, [&own, &members, &members], [Some(3), None, None]),
            (Draft, false, None, Some(3), Some(5), [&own, &own, &own], [None, None, None]),
        ] {
            let release = Release {
                status,
                is_retired: retired,
                readers: None,
                published_at: published.map(at),
                members_at: first.map(at),
                public_at: all.map(at),
            };
            for ((hour, seen), turn) in [1, 3, 5].into_iter().zip(seen).zip(turns) {
                assert_eq!(audience(&release, &makers(), at(hour)), *seen, "{release:?} at {hour}");
                assert_eq!(next_turn(&release, at(hour)), turn.map(at), "{release:?} at {hour}");
                assert_eq!(is_out(seen, &makers()), *seen != own);
            }
            let retired = Release { is_retired: true, ..release };
            assert!(audience(&retired, &makers(), at(5)).is_empty() && next_turn(&retired, at(0)).is_none());
        }
    }

    #[test]
    fn publishing_is_for_all_at_once_or_at_times_to_come_in_order_and_not_again_once_all_see_it() {
        let published = |before: &[(Option<i64>, Option<i64>, i64)], times: (Option<i64>, Option<i64>), now: i64| {
            let mut record = ItemRecord::blank();
            record.communities = vec!["c".to_owned()];
            for (members, public, now) in before {
                publish(&mut record, (members.map(at), public.map(at)), at(*now)).unwrap();
            }
            publish(&mut record, (times.0.map(at), times.1.map(at)), at(now))
                .map(|()| (record.published_at.unwrap(), record.members_at, record.public_at))
        };
        let is = |published: i64, members: Option<i64>, public: Option<i64>| {
            (at(published), members.map(at), public.map(at))
        };
        assert_eq!(published(&[], (None, None), 2).unwrap(), is(2, None, None));
        assert_eq!(published(&[], (Some(3), Some(4)), 2).unwrap(), is(3, Some(3), Some(4)));
        assert_eq!(published(&[], (None, Some(4)), 2).unwrap(), is(4, None, Some(4)));
        // Before it is out, times change; what members see, they go on seeing.
        assert_eq!(published(&[(None, Some(4), 2)], (None, None), 3).unwrap(), is(3, None, None));
        assert_eq!(published(&[(Some(3), Some(9), 2)], (None, Some(7)), 4).unwrap(), is(3, Some(3), Some(7)));
        assert_eq!(published(&[(Some(3), None, 2)], (None, None), 4).unwrap(), is(3, Some(3), Some(4)));
        assert_eq!(published(&[(Some(3), None, 2)], (Some(9), None), 4).unwrap_err().code(), Code::Conflict);
        assert_eq!(published(&[(None, None, 2)], (None, None), 2).unwrap_err().code(), Code::Conflict);
        for (members, public, field) in
            [(Some(1), None, "membersAt"), (None, Some(1), "publicAt"), (Some(4), Some(4), "publicAt")]
        {
            assert_eq!(published(&[], (members, public), 2).unwrap_err().field(), Some(field));
        }
    }
}
