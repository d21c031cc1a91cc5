//! Chatelaine keeps credentials: the map of the house.
//!
//! Data flows one way, `api <- core <- credentials <- controller <- main`:
//!
//! - [`api`]: what users write, and what they read in status.
//! - [`core`]: decisions. No async, no client, no clock, no dice.
//! - [`credentials`]: what differs between the kinds: mint, read back, show.
//! - `controller`: the shell, the only place with a client and a clock.
//! - `ops`: logs and health.

#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::todo)]

pub mod api;
#[cfg(feature = "operator")]
pub mod controller;
pub mod core;
pub mod credentials;
#[cfg(feature = "operator")]
pub mod ops;
