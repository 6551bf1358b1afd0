//! Words and what they mean: texts in several languages, vague dates and counts, identifiers, the hub's own sentences.
//!
//! Everything here is pure: no database, no contract, no clock.

pub mod approximate_count;
pub mod identifier;
pub mod imprecise_date;
pub mod language;
pub mod markdown;
pub mod messages;
pub mod statement;
pub mod texts;
pub mod vocabulary;
