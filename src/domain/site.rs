//! The websites of partners that show the hub's listings.

pub mod graph;
pub mod rules;
pub mod store;
