//! The shell's exact requests, against a server of a few lines that keeps objects and counts what it is asked.
//!
//! Keepers are driven pass by pass; the caches show what a test lets them see.

#![cfg(feature = "operator")]

mod adopting;
mod belonging;
mod brought_lines;
mod brought_passwords;
mod caches;
mod contests;
mod fault;
mod faults;
mod holdings;
mod interrupted;
mod limits;
mod meddling;
mod metadata;
mod missing_accounts;
mod one_word;
mod others;
mod output;
mod parents;
mod passphrases;
mod password_told;
mod passwords;
mod patching;
mod requests;
mod restarting;
mod restoring;
mod schedule;
mod server;
mod stage;
mod stale;
mod strangers;
mod testimony;
mod triggers;
mod unreadable;
mod upgrade;
mod withdrawn;
mod withholding;
