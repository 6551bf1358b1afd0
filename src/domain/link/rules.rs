//! What a link may join, and how it reads from either end.
//!
//! ```text
//! from ──kind──▶ to        read forwards by its name, backwards by its inverse name
//! ```
//!
//! A link has no states: it is there or not, and its dates say when it held.

use serde::{Deserialize, Serialize};
use strum::{AsRefStr, EnumMessage, EnumString, VariantArray};

use crate::policy::NodeKind;
use crate::text::messages::Message;
use crate::text::vocabulary::Vocabulary;

/// What a link says. The list is closed.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, AsRefStr, EnumString, EnumMessage, VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum LinkKind {
    /// An organization hosts a community.
    Hosts,
    /// A community is coordinated by an organization.
    CoordinatedBy,
    /// A community or an organization works together with an organization.
    PartnersWith,
    /// An organization is a member of another one.
    MemberOf,
    /// An organization endorses a community or an item.
    Endorses,
    /// An organization adopts the practice of a community, or what an item says.
    Adopts,
    /// An organization provides the website of another one.
    ProvidesWebsiteFor,
    /// An organization publishes again an item, or what a community or an organization published.
    Republishes,
    /// An organization or a project brought a community or an organization into being, or a project an item.
    Created,
    /// A community, an organization or an item grew out of another one.
    DerivesFrom,
    /// A community, an organization or an item took the place of another one.
    Supersedes,
}

impl Vocabulary for LinkKind {
    const NAME: &'static str = "LinkKind";
    const ABOUT: &'static str = "What a link says of its two ends. The list is closed.";
}

/// Which way a link is seen from a node.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, AsRefStr, EnumString, EnumMessage, VariantArray,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum LinkDirection {
    /// The link starts at the node.
    Outgoing,
    /// The link leads to the node.
    Incoming,
}

impl Vocabulary for LinkDirection {
    const NAME: &'static str = "LinkDirection";
    const ABOUT: &'static str = "Which way a link is seen from a node.";
}

/// Whether a link of this kind may join two nodes of these kinds.
pub fn may_join(kind: LinkKind, from: NodeKind, to: NodeKind) -> bool {
    use NodeKind::{Community, Item, Organization, Project};
    match kind {
        LinkKind::Hosts => (from, to) == (Organization, Community),
        LinkKind::Endorses | LinkKind::Adopts => matches!((from, to), (Organization, Community | Item)),
        LinkKind::CoordinatedBy => (from, to) == (Community, Organization),
        LinkKind::PartnersWith => matches!((from, to), (Organization | Community, Organization)),
        LinkKind::MemberOf | LinkKind::ProvidesWebsiteFor => (from, to) == (Organization, Organization),
        LinkKind::Republishes => matches!((from, to), (Organization, Organization | Community | Item)),
        LinkKind::Created => {
            matches!((from, to), (Organization, Organization | Community) | (Project, Organization | Community | Item))
        }
        LinkKind::DerivesFrom | LinkKind::Supersedes => {
            matches!((from, to), (Organization, Organization) | (Community, Community) | (Item, Item))
        }
    }
}

/// Who may say that there is a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// Those who run either end.
    Either,
    /// Those who run the end where it starts.
    From,
    /// Those who run the organization at one of its ends, or what it manages at the other.
    Organization,
}

/// Who may say that two nodes of these kinds are linked: what is linked to an organization is listed with it.
pub fn speaks(from: NodeKind, to: NodeKind) -> Speaker {
    match (from == NodeKind::Organization, to == NodeKind::Organization) {
        (true, true) => Speaker::Either,
        (true, false) | (false, true) => Speaker::Organization,
        (false, false) => Speaker::From,
    }
}

/// How a link reads from the end that it is seen from.
pub fn name(kind: LinkKind, direction: LinkDirection) -> Message {
    match (kind, direction) {
        (LinkKind::Hosts, LinkDirection::Outgoing) => Message::new("link-hosts"),
        (LinkKind::Hosts, LinkDirection::Incoming) => Message::new("link-hosts-inverse"),
        (LinkKind::CoordinatedBy, LinkDirection::Outgoing) => Message::new("link-coordinated-by"),
        (LinkKind::CoordinatedBy, LinkDirection::Incoming) => Message::new("link-coordinated-by-inverse"),
        (LinkKind::PartnersWith, LinkDirection::Outgoing) => Message::new("link-partners-with"),
        (LinkKind::PartnersWith, LinkDirection::Incoming) => Message::new("link-partners-with-inverse"),
        (LinkKind::MemberOf, LinkDirection::Outgoing) => Message::new("link-member-of"),
        (LinkKind::MemberOf, LinkDirection::Incoming) => Message::new("link-member-of-inverse"),
        (LinkKind::Endorses, LinkDirection::Outgoing) => Message::new("link-endorses"),
        (LinkKind::Endorses, LinkDirection::Incoming) => Message::new("link-endorses-inverse"),
        (LinkKind::Adopts, LinkDirection::Outgoing) => Message::new("link-adopts"),
        (LinkKind::Adopts, LinkDirection::Incoming) => Message::new("link-adopts-inverse"),
        (LinkKind::ProvidesWebsiteFor, LinkDirection::Outgoing) => Message::new("link-provides-website-for"),
        (LinkKind::ProvidesWebsiteFor, LinkDirection::Incoming) => Message::new("link-provides-website-for-inverse"),
        (LinkKind::Republishes, LinkDirection::Outgoing) => Message::new("link-republishes"),
        (LinkKind::Republishes, LinkDirection::Incoming) => Message::new("link-republishes-inverse"),
        (LinkKind::Created, LinkDirection::Outgoing) => Message::new("link-created"),
        (LinkKind::Created, LinkDirection::Incoming) => Message::new("link-created-inverse"),
        (LinkKind::DerivesFrom, LinkDirection::Outgoing) => Message::new("link-derives-from"),
        (LinkKind::DerivesFrom, LinkDirection::Incoming) => Message::new("link-derives-from-inverse"),
        (LinkKind::Supersedes, LinkDirection::Outgoing) => Message::new("link-supersedes"),
        (LinkKind::Supersedes, LinkDirection::Incoming) => Message::new("link-supersedes-inverse"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_joins_something_and_none_joins_topics_or_people() {
        for kind in LinkKind::VARIANTS {
            let joins = |from: &NodeKind, to: &NodeKind| may_join(*kind, *from, *to);
            assert!(NodeKind::VARIANTS.iter().any(|from| NodeKind::VARIANTS.iter().any(|to| joins(from, to))));
            for other in [NodeKind::Topic, NodeKind::Person, NodeKind::Role, NodeKind::Membership, NodeKind::Link] {
                assert!(NodeKind::VARIANTS.iter().all(|end| !joins(&other, end) && !joins(end, &other)));
            }
        }
    }

    #[test]
    fn an_organization_speaks_for_itself() {
        use NodeKind::{Community, Item, Organization};
        assert_eq!(speaks(Organization, Organization), Speaker::Either);
        assert_eq!(speaks(Organization, Community), Speaker::Organization);
        assert_eq!(speaks(Community, Organization), Speaker::Organization);
        assert_eq!(speaks(Item, Item), Speaker::From);
    }

    #[test]
    fn every_kind_reads_differently_from_its_two_ends_unless_it_is_mutual() {
        for kind in LinkKind::VARIANTS {
            let forwards = name(*kind, LinkDirection::Outgoing);
            let backwards = name(*kind, LinkDirection::Incoming);
            assert_ne!(forwards.id(), backwards.id());
        }
    }
}
