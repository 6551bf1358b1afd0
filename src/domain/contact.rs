//! What somebody writes to the coordinators of a community.

pub mod graph;
pub mod rules;
pub mod store;
