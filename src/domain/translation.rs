//! What is left to translate.

pub mod graph;
pub mod store;
