//! What a message may hold.
//!
//! ```text
//! written ──▶ stored, for the coordinators of the community alone
//! ```

use crate::error::Fault;
use crate::text::texts;

/// The longest message, in characters.
pub const MAX_BODY_CHARS: usize = 2_000;

/// The longest way to answer, in characters.
pub const MAX_REPLY_CHARS: usize = 200;

/// Checks what is to be sent.
pub fn check(body: &str, reply_to: Option<&str>) -> Result<(), Fault> {
    let of_field = |field: &'static str| move |message| Fault::bad_input(message).of_field(field);
    texts::check_plain(body, MAX_BODY_CHARS, true).map_err(of_field("body"))?;
    match reply_to {
        Some(reply_to) => texts::check_plain(reply_to, MAX_REPLY_CHARS, false).map_err(of_field("replyTo")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_says_something_and_not_a_novel() {
        assert!(check("A mistake in the date.\nPlease mend it.", None).is_ok());
        for (body, reply_to, field) in [
            (String::new(), None, "body"),
            ("x".repeat(MAX_BODY_CHARS + 1), None, "body"),
            ("a\u{0}b".to_owned(), None, "body"),
            ("fine".to_owned(), Some("x".repeat(MAX_REPLY_CHARS + 1)), "replyTo"),
            ("fine".to_owned(), Some("two\nlines".to_owned()), "replyTo"),
        ] {
            assert_eq!(check(&body, reply_to.as_deref()).unwrap_err().field(), Some(field));
        }
    }
}
