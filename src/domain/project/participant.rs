//! Who works in a project: rows and contract in one, as they are no nodes of their own.

pub mod graph;
pub mod store;
