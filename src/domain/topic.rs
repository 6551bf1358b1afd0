//! Topics: the controlled vocabulary, with parents and synonyms in every language.

pub mod graph;
pub mod record;
pub mod store;
