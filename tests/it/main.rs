//! The tests of the hub: one binary, one private database server per run, one database per test.

mod bad_input;
mod browser;
mod contract;
mod demo_data;
mod examples;
mod facets;
mod generate;
mod house;
mod item;
mod kept;
mod lines;
mod listing;
mod log;
mod membership;
mod policy;
mod privacy;
mod processes;
mod project;
mod retire;
mod search;
mod support;
mod transfer;
mod twins;
