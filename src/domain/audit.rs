//! What the audit tells those whom it concerns.

pub mod graph;
pub mod store;
