//! Accounts: who acts on the hub, by what they are known, and what they may do.

pub mod graph;
pub mod rights;
pub mod rules;
pub mod store;
