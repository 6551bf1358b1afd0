//! Closed lists of words: one enum serves the database, the transfer format and the contract.

use std::fmt::Debug;
use std::hash::Hash;
use std::str::FromStr;

use strum::{EnumMessage, VariantArray};

/// A closed list of words.
///
/// The words are written in capitals with underscores (`BY_APPLICATION`) wherever they leave the program. Each
/// variant's doc comment is its description in the contract.
pub trait Vocabulary:
    Copy + Debug + Eq + Hash + Send + Sync + AsRef<str> + FromStr + EnumMessage + VariantArray + 'static
{
    /// The name of the list in the contract.
    const NAME: &'static str;
    /// What the list is about, one sentence.
    const ABOUT: &'static str;
}
