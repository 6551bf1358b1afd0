//! Links: typed, dated, sourced edges between any two nodes.

pub mod graph;
pub mod record;
pub mod rules;
pub mod store;
