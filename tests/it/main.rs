//! The tests of the hub: one binary, one private database server per run, one database per test.

mod bad_input;
mod browser;
mod contract;
mod demo_data;
mod examples;
mod house;
mod listing;
mod log;
mod policy;
mod privacy;
mod processes;
mod support;
mod transfer;
mod twins;
