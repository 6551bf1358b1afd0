//! Roles: published facts about who led, coordinated or represented what, and when. A role gives no right.

pub mod graph;
pub mod record;
pub mod store;
