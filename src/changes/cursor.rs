//! Where a reader stands in the log: opaque to clients; a version, the log's epoch and a position inside.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use uuid::Uuid;

use crate::error::{Code, Fault};
use crate::text::messages::Message;

/// A place in the log: everything up to the position has been read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// Which log it belongs to.
    pub epoch: Uuid,
    /// The position of the last entry that was read; 0 is the start.
    pub position: i64,
}

/// The first byte of every cursor.
const VERSION: u8 = 1;

impl Cursor {
    /// The text of the cursor: 34 characters.
    pub fn write(self) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend_from_slice(self.epoch.as_bytes());
        bytes.extend_from_slice(&self.position.to_be_bytes());
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
        let rest = bytes.strip_prefix(&[VERSION]).ok_or_else(malformed)?;
        let (epoch, position) = rest.split_at_checked(16).ok_or_else(malformed)?;
        let epoch = Uuid::from_slice(epoch).map_err(|_| malformed())?;
        let position = i64::from_be_bytes(position.try_into().map_err(|_| malformed())?);
        if position < 0 { Err(malformed()) } else { Ok(Self { epoch, position }) }
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
        fn every_cursor_comes_back(epoch in any::<u128>(), position in 0..i64::MAX) {
            let cursor = Cursor { epoch: Uuid::from_u128(epoch), position };
            prop_assert_eq!(Cursor::read(&cursor.write()).unwrap(), cursor);
        }

        #[test]
        fn no_text_panics_and_what_is_read_is_written_the_same(text in "[A-Za-z0-9_-]{0,70}") {
            if let Ok(cursor) = Cursor::read(&text) {
                prop_assert_eq!(cursor.write(), text);
            }
        }
    }
}
