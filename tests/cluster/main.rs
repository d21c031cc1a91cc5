//! The rules of the lifecycle on a real API server, where the operator runs with its own rights.
//!
//! Each test has a namespace of its own; those that stop the operator have a control plane of their own.

#![cfg(feature = "operator")]

mod conflict;
mod delete;
mod expiry;
mod issue;
mod lost;
mod revoke;
mod rotate;
mod stage;
mod watch;
mod withhold;
