//! One statement of an ordered list: an aim, an objective, an alias.

use serde::{Deserialize, Serialize};

use crate::text::texts::Texts;

/// A text with a name of its own within its list, so that its translations can be told apart when the list moves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// Unique within the list; never shown.
    pub id: String,
    /// What is stated.
    pub text: Texts,
}
