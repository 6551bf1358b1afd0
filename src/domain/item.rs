//! Knowledge-translation items.

pub mod author;
pub mod graph;
pub mod record;
pub mod rules;
pub mod store;
