//! One ranked search over every kind that has texts.

pub mod graph;
pub mod rules;
pub mod store;
