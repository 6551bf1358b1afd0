//! Global ids: opaque to clients, one letter of kind and sixteen bytes of UUID inside.

use async_graphql::ID;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::error::Fault;
use crate::policy::NodeKind;
use crate::text::messages::{self, Message};

/// The id of a node.
pub fn encode(kind: NodeKind, id: Uuid) -> ID {
    let mut bytes = vec![letter(kind)];
    bytes.extend_from_slice(id.as_bytes());
    ID(URL_SAFE_NO_PAD.encode(bytes))
}

/// The kind and the key of the row behind an id. Malformed: `BAD_USER_INPUT`.
pub fn decode(id: &ID) -> Result<(NodeKind, Uuid), Fault> {
    parse(id).ok_or_else(|| Message::new("id-malformed").with("id", messages::excerpt(id)).into())
}

/// The rows behind ids of one kind. Malformed or of another kind: `BAD_USER_INPUT`.
pub fn decode_all(kind: NodeKind, ids: Vec<ID>) -> Result<Vec<Uuid>, Fault> {
    let ids = crate::graph::text::filter_values(ids)?;
    ids.iter().map(|id| decode_as(kind, id)).collect()
}

/// The row behind an id of one kind. Malformed or of another kind: `BAD_USER_INPUT`.
pub fn decode_as(kind: NodeKind, id: &ID) -> Result<Uuid, Fault> {
    match decode(id)? {
        (found, row) if found == kind => Ok(row),
        (found, _) => {
            let message = Message::new("id-of-wrong-kind")
                .with("id", messages::excerpt(id))
                .with("kind", found.as_ref())
                .with("wanted", kind.as_ref());
            Err(message.into())
        }
    }
}

/// What has an id and is no node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing {
    /// An account.
    Account,
    /// A right that an account has.
    Grant,
    /// A token.
    Token,
    /// A session.
    Session,
    /// A message to the coordinators of a community.
    Message,
    /// An application for a membership.
    Application,
    /// A website that shows the hub's listings.
    Site,
}

impl Thing {
    fn letter(self) -> u8 {
        match self {
            Self::Account => b'A',
            Self::Grant => b'G',
            Self::Token => b'T',
            Self::Session => b'S',
            Self::Message => b'M',
            Self::Application => b'Q',
            Self::Site => b'W',
        }
    }

    /// The id of such a thing.
    pub fn encode(self, id: Uuid) -> ID {
        let mut bytes = vec![self.letter()];
        bytes.extend_from_slice(id.as_bytes());
        ID(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The row behind an id. Malformed, or the id of something else: `BAD_USER_INPUT`.
    pub fn decode(self, id: &ID) -> Result<Uuid, Fault> {
        self.read(id).ok_or_else(|| Message::new("id-malformed").with("id", messages::excerpt(id)).into())
    }

    /// The row behind an id as it stands in an address; null: it is malformed, or the id of something else.
    pub fn read(self, id: &str) -> Option<Uuid> {
        let bytes = URL_SAFE_NO_PAD.decode(id).ok()?;
        Uuid::from_slice(bytes.strip_prefix(&[self.letter()])?).ok()
    }
}

fn parse(id: &ID) -> Option<(NodeKind, Uuid)> {
    let bytes = URL_SAFE_NO_PAD.decode(id.as_bytes()).ok()?;
    let (first, uuid) = bytes.split_first()?;
    let kind = kind_of(*first)?;
    Some((kind, Uuid::from_slice(uuid).ok()?))
}

fn letter(kind: NodeKind) -> u8 {
    match kind {
        NodeKind::Topic => b't',
        NodeKind::Organization => b'o',
        NodeKind::Community => b'c',
        NodeKind::Person => b'p',
        NodeKind::Role => b'r',
        NodeKind::Membership => b'm',
        NodeKind::Project => b'j',
        NodeKind::Item => b'i',
        NodeKind::Link => b'l',
    }
}

fn kind_of(byte: u8) -> Option<NodeKind> {
    use strum::VariantArray;
    NodeKind::VARIANTS.iter().copied().find(|kind| letter(*kind) == byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use strum::VariantArray;

    use super::*;

    const THINGS: [Thing; 7] =
        [Thing::Account, Thing::Grant, Thing::Token, Thing::Session, Thing::Message, Thing::Application, Thing::Site];

    #[test]
    fn every_kind_comes_back_from_its_id() {
        for kind in NodeKind::VARIANTS {
            let id = Uuid::from_u128(0x0123_4567_89ab_cdef);
            assert_eq!(decode(&encode(*kind, id)).unwrap(), (*kind, id));
        }
    }

    #[test]
    fn what_is_no_node_has_ids_of_its_own() {
        let row = Uuid::from_u128(7);
        for one in THINGS {
            assert!(decode(&one.encode(row)).is_err());
            for other in THINGS {
                assert_eq!(other.decode(&one.encode(row)).ok(), (one == other).then_some(row));
            }
        }
    }

    proptest! {
        #[test]
        fn no_text_panics_and_what_is_read_is_written_the_same(text in "\\PC{0,40}") {
            if let Ok((kind, id)) = decode(&ID(text.clone())) {
                prop_assert_eq!(encode(kind, id).to_string(), text);
            }
        }

        #[test]
        fn bytes_are_the_id_of_one_thing_or_refused(letter in "[tocprmjilAGTSMQW\0\x7f]", more in prop::collection::vec(any::<u8>(), 14..19)) {
            let bytes = [letter.as_bytes(), &more].concat();
            let text = URL_SAFE_NO_PAD.encode(bytes);
            let id = ID(text.clone());
            let mut written: Vec<ID> = THINGS.iter().filter_map(|thing| Some(thing.encode(thing.decode(&id).ok()?))).collect();
            match decode(&id) {
                Ok((kind, row)) => written.push(encode(kind, row)),
                Err(fault) => prop_assert_eq!(fault.message().id(), "id-malformed"),
            }
            let is_whole = more.len() == 16 && !["\0", "\x7f"].contains(&letter.as_str());
            prop_assert_eq!(written, if is_whole { vec![id] } else { Vec::new() });
            prop_assert!(decode(&ID(format!("{text}="))).is_err(), "there is one way to write an id");
        }
    }
}
