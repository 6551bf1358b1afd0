//! Communities of practice.

pub mod graph;
pub mod record;
pub mod store;
