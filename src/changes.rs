//! The change log, read: cursors, what a viewer is told of an entry, and the stream that every outlet follows.
//!
//! Readers pull. A [`tail::Tail`] per process keeps the newest entries in memory and wakes whoever waits; a
//! [`follow::Follow`] is one reader's cursor with its filter, which reads the table while it is behind and the tail once it
//! has caught up. Nothing here is needed to find the way back: a cursor and the table are.

pub mod cursor;
pub mod end;
pub mod follow;
pub mod rights;
pub mod routes;
pub mod tail;

use std::sync::Arc;

use uuid::Uuid;

use crate::changes::cursor::Cursor;
use crate::db::log::{ChangeAction, Entry};
use crate::policy::{self, NodeKind, Viewer};

/// An entry of the log as a viewer is told of it.
#[derive(Clone, Debug)]
pub struct Told {
    /// What happened, as far as the viewer can see.
    pub action: ChangeAction,
    /// To what kind of node.
    pub kind: NodeKind,
    /// The entry; where it stands for many nodes, made out for this one.
    pub entry: Arc<Entry>,
    /// Up to which node the entry has been told with this; the last of all when it is of one node.
    pub within: Uuid,
}

impl Told {
    /// The place of what is told in its log.
    pub fn cursor(&self, epoch: Uuid) -> Cursor {
        Cursor { epoch, position: self.entry.position, within: self.within }
    }
}

/// What a viewer is told of an entry; null: nothing. Decided from the entry's two audiences and the viewer alone, never
/// from what the node is by now.
pub fn told(viewer: &Viewer, entry: &Arc<Entry>) -> Option<Told> {
    // Of whom is erased nothing is left but the place; what is of rights is told by `rights`.
    let kind = entry.kind.filter(|_| !entry.node_id.is_nil())?;
    let before = policy::sees(viewer, &entry.audiences.before);
    let after = policy::sees(viewer, &entry.audiences.after);
    let action = match (before, after) {
        (false, false) => return None,
        // Some fields of a person were given or taken: the person was there before and still is.
        _ if is_of_fields_alone(entry) => ChangeAction::Updated,
        (true, false) => ChangeAction::Removed,
        (false, true) => match entry.action {
            ChangeAction::Created => ChangeAction::Created,
            ChangeAction::Published => ChangeAction::Published,
            ChangeAction::Updated | ChangeAction::Released | ChangeAction::Retired | ChangeAction::Removed => {
                ChangeAction::Released
            }
        },
        (true, true) => match entry.action {
            ChangeAction::Released => ChangeAction::Updated,
            ChangeAction::Created
            | ChangeAction::Updated
            | ChangeAction::Published
            | ChangeAction::Retired
            | ChangeAction::Removed => entry.action,
        },
    };
    Some(Told { action, kind, entry: entry.clone(), within: Uuid::max() })
}

/// Whether an entry takes something from somebody: whatever was made before it may show what nobody may see any more.
pub fn narrows(entry: &Entry) -> bool {
    if entry.kind.is_none() {
        // Of an account: what it lost is gone, whatever it gained.
        return !entry.audiences.before.is_empty();
    }
    let kept = |atom: &String| policy::covers(&entry.audiences.after, atom);
    !entry.audiences.before.iter().all(kept)
}

/// A person's fields have audiences of their own, each with an entry; the one of the name is that of the person.
fn is_of_fields_alone(entry: &Entry) -> bool {
    let is_whole = |field: &String| field == "name" || field == "audience";
    entry.kind == Some(NodeKind::Person) && entry.action != ChangeAction::Created && !entry.fields.iter().any(is_whole)
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::db::log::Audiences;

    fn entry(action: ChangeAction, kind: NodeKind, fields: &[&str], before: &[&str], after: &[&str]) -> Arc<Entry> {
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        Arc::new(Entry {
            position: 1,
            created_at: DateTime::UNIX_EPOCH,
            action,
            kind: Some(kind),
            node_id: Uuid::from_u128(1),
            fields: owned(fields),
            communities: Vec::new(),
            topics: Vec::new(),
            languages: Vec::new(),
            audiences: Audiences { before: owned(before), after: owned(after) },
            actor: "system: test".to_owned(),
        })
    }

    #[test]
    fn what_is_told_follows_from_the_two_audiences() {
        use ChangeAction::{Created, Published, Released, Removed, Retired, Updated};
        let (nobody, members, everybody): (&[&str], &[&str], &[&str]) = (&[], &["member:x"], &["public"]);
        for (action, before, after, anonymous, system) in [
            (Created, nobody, everybody, Some(Created), Created),
            (Created, nobody, members, None, Created),
            (Updated, everybody, everybody, Some(Updated), Updated),
            (Updated, members, members, None, Updated),
            (Updated, members, everybody, Some(Released), Updated),
            (Updated, everybody, members, Some(Removed), Updated),
            (Published, nobody, everybody, Some(Published), Published),
            (Published, everybody, everybody, Some(Published), Published),
            (Released, members, everybody, Some(Released), Updated),
            (Retired, everybody, nobody, Some(Removed), Retired),
            (Retired, members, nobody, None, Retired),
            (Removed, everybody, nobody, Some(Removed), Removed),
        ] {
            let entry = entry(action, NodeKind::Item, &["title"], before, after);
            let to = |viewer: &Viewer| told(viewer, &entry).map(|told| told.action);
            assert_eq!(to(&Viewer::Anonymous), anonymous, "{action:?} {before:?} {after:?}");
            assert_eq!(to(&Viewer::system("test")), Some(system), "{action:?} {before:?} {after:?}");
        }
    }

    #[test]
    fn nothing_is_told_of_whom_is_erased_and_of_rights_only_by_their_own_way() {
        let erased = Entry {
            node_id: Uuid::nil(),
            ..(*entry(ChangeAction::Updated, NodeKind::Item, &[], &["public"], &["public"])).clone()
        };
        assert!(told(&Viewer::system("test"), &Arc::new(erased.clone())).is_none());
        let of_rights = Entry { kind: None, node_id: Uuid::from_u128(1), ..erased };
        assert!(narrows(&of_rights));
        assert!(told(&Viewer::system("test"), &Arc::new(of_rights)).is_none());
    }

    #[test]
    fn a_field_that_a_person_hides_does_not_remove_the_person() {
        let told_of = |fields: &[&str]| {
            let entry = entry(ChangeAction::Updated, NodeKind::Person, fields, &["public"], &[]);
            told(&Viewer::Anonymous, &entry).map(|told| told.action)
        };
        assert_eq!(told_of(&["region"]), Some(ChangeAction::Updated));
        assert_eq!(told_of(&["name", "region"]), Some(ChangeAction::Removed));
    }

    #[test]
    fn whoever_loses_something_is_noticed() {
        let narrowed = |before: &[&str], after: &[&str]| {
            narrows(&entry(ChangeAction::Updated, NodeKind::Item, &[], before, after))
        };
        assert!(!narrowed(&[], &["public"]));
        assert!(!narrowed(&["member:x"], &["public"]));
        assert!(!narrowed(&["public"], &["public"]));
        assert!(narrowed(&["public"], &["member:x"]));
        assert!(narrowed(&["member:x", "member:y"], &["member:x"]));
        assert!(narrowed(&["public"], &[]));
    }
}
