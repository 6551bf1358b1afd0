//! Who may see and do what: one pure function over a viewer, an action and a subject.
//!
//! ```text
//!                       READ                              WRITE
//! a node                audience and viewer share an atom those who run what it belongs to, its authors
//! an endorsement        audience and viewer share an atom those who run the organization that gives it
//! a grant               its holder, those who may give it those who hold the rights there, or manage it
//! an account            itself                            hub administrators (link it to a person)
//! tokens of an account  itself                            itself
//! personal data         the person                        the person
//! messages to a         its coordinators                  whoever sees the community (send one)
//! community
//! websites registered   those who run or manage it        those who run or manage it
//! for something
//!
//! hub administrators and the hub itself may do everything
//! ```
//!
//! Published roles give no right, and a token gives no more than its scopes.

pub mod token_scope;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use strum::{AsRefStr, EnumMessage, EnumString, VariantArray};
use uuid::Uuid;

use crate::policy::token_scope::TokenScope;
use crate::text::vocabulary::Vocabulary;

/// The atom of an audience that everybody has.
pub const PUBLIC: &str = "public";

/// The atom of those who see everything; it stands in no audience.
pub const HUB: &str = "hub";

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

/// What an account may do somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, AsRefStr, EnumString, EnumMessage, VariantArray)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum Right {
    /// Runs the hub, or an organization on it.
    Administrator,
    /// Runs a community.
    Coordinator,
    /// Judges what is submitted to a community.
    Reviewer,
    /// Belongs to a community, and sees what is for its members.
    Member,
    /// Speaks for an organization, or in a community for those who sent them.
    Representative,
}

impl Vocabulary for Right {
    const NAME: &'static str = "Right";
    const ABOUT: &'static str = "What an account may do somewhere.";
}

/// Where a right holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum On {
    /// On the whole hub.
    Hub,
    /// On an organization.
    Organization(Uuid),
    /// On a community.
    Community(Uuid),
}

/// A right somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Grant {
    /// The right.
    pub right: Right,
    /// Where it holds.
    pub on: On,
}

impl Grant {
    /// Whether there is such a right there.
    pub fn exists(self) -> bool {
        match (self.right, self.on) {
            (Right::Administrator, On::Hub | On::Organization(_))
            | (Right::Representative, On::Organization(_) | On::Community(_))
            | (Right::Coordinator | Right::Reviewer | Right::Member, On::Community(_)) => true,
            (Right::Administrator, On::Community(_))
            | (Right::Representative, On::Hub)
            | (Right::Coordinator | Right::Reviewer | Right::Member, On::Hub | On::Organization(_)) => false,
        }
    }

    /// The atoms of audience that it gives.
    fn atoms(self) -> Vec<String> {
        match (self.right, self.on) {
            (Right::Administrator, On::Hub) => vec![HUB.to_owned()],
            (Right::Administrator, On::Organization(id)) => vec![format!("admin:{id}")],
            (Right::Coordinator, On::Community(id)) => vec![format!("coordinator:{id}"), format!("member:{id}")],
            (Right::Reviewer, On::Community(id)) => vec![format!("reviewer:{id}")],
            (Right::Member | Right::Representative, On::Community(id)) => vec![format!("member:{id}")],
            // Speaking for an organization shows nothing more of it.
            (Right::Representative, On::Organization(_))
            | (Right::Administrator, On::Community(_))
            | (Right::Representative, On::Hub)
            | (Right::Coordinator | Right::Reviewer | Right::Member, On::Hub | On::Organization(_)) => Vec::new(),
        }
    }
}

/// The atoms of audience of an account with these grants and this person, besides `public`; sorted.
pub fn atoms_of(grants: &[Grant], person: Option<Uuid>) -> Vec<String> {
    let of_grants = grants.iter().flat_map(|grant| grant.atoms());
    let atoms: BTreeSet<String> = of_grants.chain(person.map(|person| format!("self:{person}"))).collect();
    atoms.into_iter().collect()
}

/// By what somebody is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Credential {
    /// A session of a person who signed in.
    Session(Uuid),
    /// A token.
    Token(Uuid),
}

/// Somebody who is known: an account, with the rights that it has by its credential.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Identity {
    account: Uuid,
    credential: Credential,
    person: Option<Uuid>,
    grants: Vec<Grant>,
    writes_items_of: Vec<Uuid>,
    /// Of the token; null: everything that the account may.
    scopes: Option<Vec<TokenScope>>,
    /// Those of the account, sorted.
    account_atoms: Vec<String>,
    /// Those of the viewer, `public` among them; null: everything is seen.
    atoms: Option<Vec<String>>,
}

impl Identity {
    /// Somebody by their account, with what it holds and, by a token, no more than its scopes allow. `atoms` are those of
    /// the account, as [`atoms_of`] makes them.
    pub fn new(
        (account, credential): (Uuid, Credential),
        person: Option<Uuid>,
        grants: Vec<Grant>,
        scopes: Option<Vec<TokenScope>>,
        atoms: Vec<String>,
    ) -> Self {
        // A scope that reaches everything is as good as none.
        let scopes = scopes.filter(|scopes| !scopes.contains(&TokenScope::ActAsAccount));
        let mut identity = Self {
            account,
            credential,
            person,
            grants,
            writes_items_of: Vec::new(),
            scopes,
            account_atoms: Vec::new(),
            atoms: None,
        };
        if let Some(scopes) = identity.scopes.clone() {
            let held = |scope: &&TokenScope| scope.needs().is_some_and(|grant| identity.holds(grant));
            let (mut grants, mut writes_items_of) = (Vec::new(), Vec::new());
            for scope in scopes.iter().filter(held) {
                match scope {
                    TokenScope::WriteItemsOf(community) => writes_items_of.push(*community),
                    TokenScope::ActAsAccount
                    | TokenScope::ReadPublic
                    | TokenScope::ReadAsMemberOf(_)
                    | TokenScope::AdministerOrganization(_) => grants.extend(scope.needs()),
                }
            }
            identity.grants = grants;
            identity.writes_items_of = writes_items_of;
            identity.person = None;
        }
        identity.with_atoms(atoms)
    }

    /// The same, when the account had these atoms.
    pub fn with_atoms(self, atoms: Vec<String>) -> Self {
        Self { atoms: self.limited(&atoms), account_atoms: atoms, ..self }
    }

    /// The same, after the account lost and gained atoms: how a change of rights is told to those who follow.
    pub fn turned(&self, lost: &[String], gained: &[String]) -> Self {
        let kept = self.account_atoms.iter().filter(|atom| !lost.contains(atom));
        let atoms: BTreeSet<String> = kept.chain(gained).cloned().collect();
        self.clone().with_atoms(atoms.into_iter().collect())
    }

    /// The account.
    pub fn account(&self) -> Uuid {
        self.account
    }

    /// By what it is known.
    pub fn credential(&self) -> Credential {
        self.credential
    }

    /// Whose data are its own; null: nobody's, or the token does not reach them.
    pub fn person(&self) -> Option<Uuid> {
        self.person
    }

    /// What it may do where, by its credential.
    pub fn grants(&self) -> &[Grant] {
        &self.grants
    }

    /// Whether it is known by something that reaches everything of its account.
    pub fn is_unlimited(&self) -> bool {
        self.scopes.is_none()
    }

    /// Whether it runs the hub.
    pub fn runs_the_hub(&self) -> bool {
        self.grants.contains(&Grant { right: Right::Administrator, on: On::Hub })
    }

    /// Whether it holds a right, by itself or with a greater one.
    pub fn holds(&self, wanted: Grant) -> bool {
        let has = |right, on| self.grants.contains(&Grant { right, on });
        let by_greater = match (wanted.right, wanted.on) {
            (Right::Member, on @ On::Community(_)) => has(Right::Coordinator, on) || has(Right::Representative, on),
            (
                Right::Administrator | Right::Coordinator | Right::Reviewer | Right::Representative | Right::Member,
                On::Hub | On::Organization(_) | On::Community(_),
            ) => false,
        };
        self.runs_the_hub() || by_greater || has(wanted.right, wanted.on)
    }

    /// The organizations that it administers.
    pub fn administers(&self) -> impl Iterator<Item = Uuid> + '_ {
        self.grants.iter().filter_map(|grant| match (grant.right, grant.on) {
            (Right::Administrator, On::Organization(id)) => Some(id),
            (
                Right::Administrator | Right::Coordinator | Right::Reviewer | Right::Member | Right::Representative,
                On::Hub | On::Organization(_) | On::Community(_),
            ) => None,
        })
    }

    /// The communities that it coordinates.
    pub fn coordinates(&self) -> impl Iterator<Item = Uuid> + '_ {
        self.grants.iter().filter_map(|grant| match (grant.right, grant.on) {
            (Right::Coordinator, On::Community(id)) => Some(id),
            (
                Right::Administrator | Right::Coordinator | Right::Reviewer | Right::Member | Right::Representative,
                On::Hub | On::Organization(_) | On::Community(_),
            ) => None,
        })
    }

    /// Whether it may put items before a community: its members, and those who run it, by a token made for it too.
    pub fn writes_for(&self, community: Uuid) -> bool {
        self.holds(Grant { right: Right::Member, on: On::Community(community) })
            || self.writes_items_of.contains(&community)
    }

    /// Whether it runs what rights there are on.
    pub fn runs(&self, on: On) -> bool {
        match on {
            On::Hub => self.runs_the_hub(),
            On::Organization(_) => self.holds(Grant { right: Right::Administrator, on }),
            On::Community(_) => self.holds(Grant { right: Right::Coordinator, on }),
        }
    }

    /// Whether it runs what rights there are on, or the organization that manages that.
    fn manages(&self, on: On, managed_by: Option<Uuid>) -> bool {
        self.runs(on) || managed_by.is_some_and(|id| self.runs(On::Organization(id)))
    }

    fn limited(&self, atoms: &[String]) -> Option<Vec<String>> {
        let has = |atom: &str| atoms.iter().any(|held| held == atom || held == HUB);
        let mut own = vec![PUBLIC.to_owned()];
        match &self.scopes {
            None if has(HUB) => return None,
            None => own.extend(atoms.iter().cloned()),
            Some(scopes) => {
                let wanted = scopes.iter().filter_map(|scope| match scope {
                    TokenScope::ReadAsMemberOf(id) => Some(format!("member:{id}")),
                    TokenScope::AdministerOrganization(id) => Some(format!("admin:{id}")),
                    TokenScope::ActAsAccount | TokenScope::ReadPublic | TokenScope::WriteItemsOf(_) => None,
                });
                own.extend(wanted.filter(|atom| has(atom)));
            }
        }
        own.sort();
        own.dedup();
        Some(own)
    }
}

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Viewer {
    /// Anybody: nothing is known about who asks.
    Anonymous,
    /// Somebody who is known.
    Known(Box<Identity>),
    /// The hub itself, for a job with a stated reason.
    System(&'static str),
}

impl Viewer {
    /// The hub itself; the reason is kept with what it writes.
    pub fn system(reason: &'static str) -> Self {
        Self::System(reason)
    }

    /// Who it is, if that is known.
    pub fn identity(&self) -> Option<&Identity> {
        match self {
            Self::Known(identity) => Some(identity),
            Self::Anonymous | Self::System(_) => None,
        }
    }

    /// The atoms of audience that this viewer has; null for a viewer who sees everything.
    pub fn atoms(&self) -> Option<Vec<String>> {
        match self {
            Self::Anonymous => Some(vec![PUBLIC.to_owned()]),
            Self::Known(identity) => identity.atoms.clone(),
            Self::System(_) => None,
        }
    }

    /// What tells this viewer from every other, by the credential: two who are known are never the same.
    pub fn key(&self) -> String {
        match self {
            Self::Anonymous | Self::System(_) => self.actor(),
            Self::Known(identity) => match identity.credential {
                Credential::Session(id) => format!("session:{id}"),
                Credential::Token(id) => format!("token:{id}"),
            },
        }
    }

    /// How the change log names this viewer as an actor.
    pub fn actor(&self) -> String {
        match self {
            Self::Anonymous => "anonymous".to_owned(),
            Self::Known(identity) => match identity.credential {
                Credential::Session(_) => format!("account:{}", identity.account),
                Credential::Token(token) => format!("account:{} token:{token}", identity.account),
            },
            Self::System(reason) => format!("system: {reason}"),
        }
    }
}

/// What somebody wants to do with a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, VariantArray)]
pub enum Action {
    /// See it.
    Read,
    /// Create, change or end it; of messages, send one.
    Write,
}

/// Who may write a node besides the hub's administrators.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Owners {
    /// What it belongs to: whoever runs any of these may. The organization that manages something is among them.
    pub places: Vec<On>,
    /// The people who made it.
    pub authors: Vec<Uuid>,
}

impl Owners {
    /// Those who run any of these places.
    pub fn of(places: impl IntoIterator<Item = On>) -> Self {
        Self { places: places.into_iter().collect(), authors: Vec::new() }
    }

    /// Those who run an organization or a community, and what manages it.
    pub fn of_community(community: Uuid, managed_by: Option<Uuid>) -> Self {
        Self::of(std::iter::once(On::Community(community)).chain(managed_by.map(On::Organization)))
    }
}

/// What an action is about.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// A node.
    Node {
        /// Its kind.
        kind: NodeKind,
        /// Who may see it: atoms, sorted; empty means nobody but those who see everything.
        audience: &'a [String],
        /// Who may write it.
        owners: &'a Owners,
    },
    /// A right that an account has or is to have.
    Grant {
        /// The right.
        grant: Grant,
        /// The account.
        of: Uuid,
        /// The organization that manages what it is on; null: none does.
        managed_by: Option<Uuid>,
    },
    /// An account: who it is linked to, where it is signed in.
    Account(Uuid),
    /// The tokens of an account.
    Tokens(Uuid),
    /// What the hub holds on a person, who read it, and what they consent to.
    PersonalData(Uuid),
    /// The endorsement that an organization gives to whoever applies for a membership.
    Endorsement {
        /// The organization.
        organization: Uuid,
        /// Who may see the application.
        audience: &'a [String],
    },
    /// The messages to the coordinators of a community.
    Messages {
        /// The community.
        community: Uuid,
        /// Who may see it.
        audience: &'a [String],
    },
    /// The websites that are registered for an organization or a community.
    Sites {
        /// The organization or community.
        on: On,
        /// The organization that manages it; null: none does.
        managed_by: Option<Uuid>,
        /// Who may see it.
        audience: &'a [String],
    },
}

/// The answer of the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It may be done.
    Allow,
    /// Answer as if the subject did not exist.
    Hide,
    /// It may be known of but not done.
    Refuse(Reason),
}

/// Why something may not be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Nobody knows who asks.
    SignIn,
    /// Whoever asks has no right to it.
    Right,
}

/// Decides whether `viewer` may do `action` to `subject`.
pub fn can(viewer: &Viewer, action: Action, subject: Subject<'_>) -> Verdict {
    let identity = match viewer {
        Viewer::System(_) => return Verdict::Allow,
        Viewer::Known(identity) if identity.runs_the_hub() => return Verdict::Allow,
        Viewer::Known(identity) => Some(identity),
        Viewer::Anonymous => None,
    };
    let is = |right: bool, otherwise: Verdict| if right { Verdict::Allow } else { otherwise };
    let refused = Verdict::Refuse(if identity.is_some() { Reason::Right } else { Reason::SignIn });
    // Tokens that reach less than their account do nothing to the account itself.
    let oneself = |account: Uuid| identity.is_some_and(|it| it.account == account && it.is_unlimited());
    match (action, subject) {
        (Action::Read, Subject::Node { audience, .. }) => is(sees(viewer, audience), Verdict::Hide),
        // Tokens that write the items of a community alone see no drafts, and finish their own nevertheless.
        (Action::Write, Subject::Node { kind: NodeKind::Item, owners, .. })
            if identity.is_some_and(|it| writes_items_of(it, owners)) =>
        {
            Verdict::Allow
        }
        (Action::Write, Subject::Node { audience, .. }) if !sees(viewer, audience) => Verdict::Hide,
        (Action::Write, Subject::Node { owners, .. }) => is(identity.is_some_and(|it| writes(it, owners)), refused),
        (Action::Read, Subject::Endorsement { audience, .. }) => is(sees(viewer, audience), Verdict::Hide),
        (Action::Write, Subject::Endorsement { audience, .. }) if !sees(viewer, audience) => Verdict::Hide,
        (Action::Write, Subject::Endorsement { organization, .. }) => {
            is(identity.is_some_and(|it| it.runs(On::Organization(organization))), refused)
        }
        (Action::Read, Subject::Grant { grant, of, managed_by }) => {
            is(oneself(of) || identity.is_some_and(|it| it.manages(grant.on, managed_by)), Verdict::Hide)
        }
        (Action::Write, Subject::Grant { grant, managed_by, .. }) => {
            is(identity.is_some_and(|it| it.manages(grant.on, managed_by)), refused)
        }
        (Action::Read, Subject::Account(account)) => is(oneself(account), Verdict::Hide),
        (Action::Write, Subject::Account(account)) => is(false, if oneself(account) { refused } else { Verdict::Hide }),
        (Action::Read | Action::Write, Subject::Tokens(account)) => is(oneself(account), Verdict::Hide),
        (Action::Read | Action::Write, Subject::PersonalData(person)) => {
            is(identity.is_some_and(|it| it.person == Some(person)), Verdict::Hide)
        }
        (Action::Read, Subject::Messages { community, .. }) => {
            is(identity.is_some_and(|it| it.runs(On::Community(community))), Verdict::Hide)
        }
        (Action::Write, Subject::Messages { audience, .. }) if !sees(viewer, audience) => Verdict::Hide,
        // In somebody's name only by what reaches all of their account.
        (Action::Write, Subject::Messages { .. }) => is(identity.is_none_or(|it| it.is_unlimited()), refused),
        (Action::Read, Subject::Sites { on, managed_by, .. }) => {
            is(identity.is_some_and(|it| it.manages(on, managed_by)), Verdict::Hide)
        }
        (Action::Write, Subject::Sites { audience, .. }) if !sees(viewer, audience) => Verdict::Hide,
        (Action::Write, Subject::Sites { on, managed_by, .. }) => {
            is(identity.is_some_and(|it| it.manages(on, managed_by)), refused)
        }
    }
}

fn writes(identity: &Identity, owners: &Owners) -> bool {
    owners.places.iter().any(|on| identity.runs(*on))
        || identity.person.is_some_and(|person| owners.authors.contains(&person))
}

fn writes_items_of(identity: &Identity, owners: &Owners) -> bool {
    owners.places.iter().any(|on| identity.writes_items_of.iter().any(|id| *on == On::Community(*id)))
}

/// Whether an audience holds one of the viewer's atoms.
pub fn sees(viewer: &Viewer, audience: &[String]) -> bool {
    match viewer {
        Viewer::Anonymous => audience.iter().any(|atom| atom == PUBLIC),
        Viewer::Known(identity) => {
            identity.atoms.as_ref().is_none_or(|atoms| atoms.iter().any(|atom| audience.contains(atom)))
        }
        Viewer::System(_) => true,
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
