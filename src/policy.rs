//! Who may see and do what: one pure function over a viewer, an action and a subject.
//!
//! ```text
//!                READ                          WRITE
//! anonymous      audience holds `public`       refused
//! system         everything                    everything
//! ```

use serde::{Deserialize, Serialize};
use strum::{AsRefStr, EnumMessage, EnumString, VariantArray};

use crate::text::vocabulary::Vocabulary;

/// The atom of an audience that everybody has.
pub const PUBLIC: &str = "public";

/// What kind of thing a node is.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    AsRefStr,
    EnumString,
    EnumMessage,
    VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum NodeKind {
    /// A word of the controlled vocabulary.
    Topic,
    /// An association, partnership, society, hospital, agency or the like.
    Organization,
    /// A community of practice.
    Community,
    /// A human being.
    Person,
    /// A published fact: a person held a role in a community or an organization.
    Role,
    /// A person belongs to a community.
    Membership,
    /// A research project.
    Project,
    /// A knowledge-translation item.
    Item,
    /// A typed edge between two nodes.
    Link,
}

impl Vocabulary for NodeKind {
    const NAME: &'static str = "NodeKind";
    const ABOUT: &'static str = "What kind of thing a node is.";
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Viewer {
    /// Anybody: nothing is known about who asks.
    Anonymous,
    /// The hub itself, for a job with a stated reason.
    System(&'static str),
}

impl Viewer {
    /// The hub itself; the reason is kept with what it writes.
    pub fn system(reason: &'static str) -> Self {
        Self::System(reason)
    }

    /// The atoms of audience that this viewer has; null for a viewer who sees everything.
    pub fn atoms(&self) -> Option<Vec<String>> {
        match self {
            Self::Anonymous => Some(vec![PUBLIC.to_owned()]),
            Self::System(_) => None,
        }
    }

    /// How the change log names this viewer as an actor.
    pub fn actor(&self) -> String {
        match self {
            Self::Anonymous => "anonymous".to_owned(),
            Self::System(reason) => format!("system: {reason}"),
        }
    }
}

/// What somebody wants to do with a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, VariantArray)]
pub enum Action {
    /// See it.
    Read,
    /// Create, change or retire it.
    Write,
}

/// What an action is about.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The kind of node.
    pub kind: NodeKind,
    /// Who may see it: atoms, sorted; empty means nobody but the system.
    pub audience: &'a [String],
}

/// The answer of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may be done.
    Allow,
    /// Answer as if the subject did not exist.
    Hide,
    /// It may be seen but not done.
    Refuse,
}

/// Decides whether `viewer` may do `action` to `subject`.
pub fn can(viewer: &Viewer, action: Action, subject: Subject<'_>) -> Verdict {
    let seen = sees(viewer, subject.audience);
    match (viewer, action) {
        (Viewer::System(_), Action::Read | Action::Write) => Verdict::Allow,
        (Viewer::Anonymous, Action::Read) if seen => Verdict::Allow,
        (Viewer::Anonymous, Action::Write) if seen => Verdict::Refuse,
        (Viewer::Anonymous, Action::Read | Action::Write) => Verdict::Hide,
    }
}

/// Whether an audience holds one of the viewer's atoms.
pub fn sees(viewer: &Viewer, audience: &[String]) -> bool {
    match viewer.atoms() {
        None => true,
        Some(atoms) => atoms.iter().any(|atom| audience.contains(atom)),
    }
}

/// The audience of what joins two things: if one is public, the other's; else what both share. Twin of the database's
/// `audience_meet`.
pub fn meet(one: &[String], other: &[String]) -> Vec<String> {
    let is_public = |audience: &[String]| audience.iter().any(|atom| atom == PUBLIC);
    match (is_public(one), is_public(other)) {
        (true, _) => other.to_vec(),
        (_, true) => one.to_vec(),
        (false, false) => one.iter().filter(|atom| other.contains(atom)).cloned().collect(),
    }
}

/// Whether whoever has an atom sees what is for an audience: everybody sees what is public.
pub fn covers(audience: &[String], atom: &str) -> bool {
    audience.iter().any(|held| held == PUBLIC || held == atom)
}
