//! Sources: where a fact comes from.

pub mod graph;
pub mod store;
