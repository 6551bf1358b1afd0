//! A GraphQL knowledge-exchange hub.

pub mod config;
pub mod db;
pub mod domain;
pub mod error;
pub mod graph;
pub mod http;
pub mod loaders;
pub mod policy;
pub mod text;
pub mod transfer;
