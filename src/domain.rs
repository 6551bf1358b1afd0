//! What the hub knows about, a folder for each noun.

pub mod community;
pub mod hierarchy;
pub mod link;
pub mod node;
pub mod organization;
pub mod person;
pub mod record;
pub mod role;
pub mod source;
pub mod topic;
