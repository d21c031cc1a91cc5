//! Decisions: pure functions from what was seen to what is to be done. No async, no client, no clock, no dice.

pub mod ledger;
pub mod material;
pub mod period;
pub mod permission;
pub mod reason;
pub mod trigger;
