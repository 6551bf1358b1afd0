//! What the hub knows about, a folder for each noun.

pub mod account;
pub mod audit;
pub mod community;
pub mod contact;
pub mod editing;
pub mod hierarchy;
pub mod item;
pub mod kinds;
pub mod link;
pub mod membership;
pub mod node;
pub mod organization;
pub mod owners;
pub mod permission;
pub mod person;
pub mod project;
pub mod record;
pub mod role;
pub mod search;
pub mod site;
pub mod source;
pub mod topic;
pub mod translation;
