//! Where a reader stands in the log: opaque to clients; a version, the log's epoch and a position inside.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::error::{Code, Fault};
use crate::text::messages::Message;

/// A place in the log: everything up to it has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// Which log it belongs to.
    pub epoch: Uuid,
    /// The position of the last entry that was read, at least in part; 0 is the start.
    pub position: i64,
    /// How far an entry was read that stands for many nodes: up to this one. The last of all when it was read as a whole.
    pub within: Uuid,
}

/// A place within one log, in its order.
pub type Place = (i64, Uuid);

/// The first byte of a cursor after whole entries.
const VERSION: u8 = 1;

/// The first byte of a cursor within an entry.
const VERSION_WITHIN: u8 = 2;

impl Cursor {
    /// The cursor after the whole of an entry.
    pub fn at(epoch: Uuid, position: i64) -> Self {
        Self { epoch, position, within: Uuid::max() }
    }

    /// The position after which to read on: an entry that was read in part is read again.
    pub fn read_from(self) -> i64 {
        if self.within == Uuid::max() { self.position } else { self.position.saturating_sub(1) }
    }

    /// The place within its log.
    pub fn place(self) -> Place {
        (self.position, self.within)
    }

    /// The text of the cursor: 34 characters, or 55 within an entry.
    pub fn write(self) -> String {
        let is_whole = self.within == Uuid::max();
        let mut bytes = vec![if is_whole { VERSION } else { VERSION_WITHIN }];
        bytes.extend_from_slice(self.epoch.as_bytes());
        bytes.extend_from_slice(&self.position.to_be_bytes());
        if !is_whole {
            bytes.extend_from_slice(self.within.as_bytes());
        }
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// The cursor that a text stands for; else `CURSOR_MALFORMED`.
    pub fn read(text: &str) -> Result<Self, Fault> {
        let malformed = || Fault::new(Code::CursorMalformed, Message::new("cursor-malformed"));
        // A longer text is none, and not worth decoding.
        if text.len() > 64 {
            return Err(malformed());
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| malformed())?;
        let (version, rest) = bytes.split_first().ok_or_else(malformed)?;
        let (epoch, rest) = rest.split_at_checked(16).ok_or_else(malformed)?;
        let (position, within) = rest.split_at_checked(8).ok_or_else(malformed)?;
        let epoch = Uuid::from_slice(epoch).map_err(|_| malformed())?;
        let position = i64::from_be_bytes(position.try_into().map_err(|_| malformed())?);
        let within = match *version {
            VERSION if within.is_empty() => Uuid::max(),
            VERSION_WITHIN => Uuid::from_slice(within).map_err(|_| malformed())?,
            _ => return Err(malformed()),
        };
        // A text is the only one of its cursor.
        let is_canonical = *version == VERSION || within != Uuid::max();
        if position < 0 || !is_canonical { Err(malformed()) } else { Ok(Self { epoch, position, within }) }
    }
}

/// The cursor is of another log, or entries after it were forgotten: `CURSOR_EXPIRED`.
pub fn expired() -> Fault {
    Fault::new(Code::CursorExpired, Message::new("cursor-expired"))
}

/// The cursor is of the future: `CURSOR_AHEAD`.
pub fn ahead() -> Fault {
    Fault::new(Code::CursorAhead, Message::new("cursor-ahead"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_cursor_comes_back(epoch in any::<u128>(), position in 0..i64::MAX, within in any::<u128>()) {
            let whole = Cursor::at(Uuid::from_u128(epoch), position);
            prop_assert_eq!(Cursor::read(&whole.write()).unwrap(), whole);
            let part = Cursor { within: Uuid::from_u128(within), ..whole };
            prop_assert_eq!(Cursor::read(&part.write()).unwrap(), part);
            prop_assert!(part.place() <= whole.place());
        }

        #[test]
        fn no_text_panics_and_what_is_read_is_written_the_same(text in "A?[A-Za-z0-9_-]{0,70}") {
            if let Ok(cursor) = Cursor::read(&text) {
                prop_assert_eq!(cursor.write(), text);
            }
        }

        #[test]
        fn what_is_no_cursor_is_refused_as_malformed(
            text in "\\PC{0,80}", bytes in prop::collection::vec(0..4_u8, 0..48),
        ) {
            for text in [text, URL_SAFE_NO_PAD.encode(bytes)] {
                match Cursor::read(&text) {
                    Ok(cursor) => prop_assert_eq!(cursor.write(), text),
                    Err(fault) => prop_assert_eq!(fault.code(), Code::CursorMalformed),
                }
            }
        }
    }
}
