//! The rules of the lifecycle on a real API server, where the operator runs with its own rights.
//!
//! Each test has a namespace of its own; those that stop the operator have a control plane of their own.

#![cfg(feature = "operator")]

mod backup;
mod brought_passwords;
mod conflict;
mod crowds;
mod dates;
mod delete;
mod expiry;
#[path = "../history/mod.rs"]
mod history;
mod holdings;
mod hostile;
mod issue;
mod limits;
mod lost;
mod output;
mod passphrases;
mod passwords;
mod people;
mod permissions;
mod quota;
mod rendered;
mod rest;
mod restart;
mod restore;
mod revoke;
mod roles;
mod rotate;
mod schedule;
mod stage;
mod tokens_of_a_pair;
mod triggers;
mod unreadable;
mod upload;
mod watch;
mod withhold;
