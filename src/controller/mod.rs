//! The shell: the only place with a client, a clock and dice.
//!
//! [`list`] and [`watch`] fill the caches, and what moves becomes a key in the [`queue`]; workers take them out and let a
//! keeper make one pass: [`observe`], decide (in [`core`](crate::core)), write ([`credential`], [`secrets`]), report
//! ([`status`], [`report`]). Workloads that are to be restarted wait in [`rollouts`]; [`restart`] looks at them beside all this.

pub mod absences;
pub mod account;
pub mod asked;
pub mod beside;
pub mod brought_passwords;
pub mod cache;
pub mod certainty;
pub mod client;
pub mod clock;
pub mod contests;
pub mod credential;
pub mod crons;
pub mod dice;
pub mod error;
pub mod feed;
pub mod guarded;
pub mod hand;
pub mod holdings;
pub mod house;
pub mod keeps;
pub mod kin;
pub mod list;
pub mod making;
pub mod observe;
pub mod own_writes;
pub mod pace;
pub mod packed;
mod parents;
pub mod passphrases;
pub mod password;
pub mod places;
pub mod queue;
pub mod report;
pub mod restart;
pub mod roll;
pub mod rollouts;
pub mod run;
pub mod secret_data;
pub mod secret_meta;
pub mod secrets;
pub mod settings;
pub mod slim;
mod slots;
pub mod slow_lane;
pub mod status;
pub mod unread;
pub mod unread_status;
pub mod users_secret;
pub mod waiters;
pub mod watch;

pub use run::{Readiness, run};
pub use settings::Settings;
