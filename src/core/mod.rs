//! Decisions: pure functions from what was seen to what is to be done. No async, no client, no clock, no dice.
//!
//! Read [`scene`] (what was seen), then [`lifecycle`] (the table), then [`page`] (what each answer writes), then
//! [`project`] (what status says of it).

pub mod answer;
mod bounds;
pub mod condition;
pub mod cron;
pub mod due;
pub mod ledger;
pub mod lifecycle;
pub mod limit;
pub mod line;
pub mod material;
pub mod ownership;
pub mod page;
pub mod parent;
pub mod period;
pub mod permission;
pub mod policy;
pub mod project;
mod questions;
mod ready;
pub mod reason;
pub mod references;
pub mod restart;
pub mod restore;
pub mod role;
pub mod scene;
pub mod schedule;
pub mod short;
pub mod taking;
mod testimony;
pub mod trigger;
