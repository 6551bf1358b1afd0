//! Research projects.

pub mod graph;
pub mod participant;
pub mod record;
pub mod store;
