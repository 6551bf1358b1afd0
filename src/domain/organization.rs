//! Organizations: associations, partnerships, hospitals, agencies and the like.

pub mod graph;
pub mod record;
pub mod store;
