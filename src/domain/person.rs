//! People, private until they consent or hold a public role.

pub mod audiences;
pub mod graph;
pub mod record;
pub mod rules;
pub mod store;
