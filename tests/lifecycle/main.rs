//! The decision table, row by row, and what no history may break.

mod bounds;
mod causes;
mod consumed;
mod drift;
mod ending;
mod ends;
mod histories;
mod kstatus;
mod limits;
mod locking;
mod minting;
mod order;
mod parent;
mod parts;
mod picture;
mod questions;
mod reach;
mod schedule;
mod stage;
mod telling;
mod testimony;
mod told;
mod triggers;
mod uploads;
mod withholding;
mod world;
