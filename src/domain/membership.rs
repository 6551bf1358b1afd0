//! Memberships: who belongs to which community.

pub mod graph;
pub mod record;
pub mod rules;
pub mod store;
