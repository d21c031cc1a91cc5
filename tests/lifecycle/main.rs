//! The decision table, row by row, and what no history may break.

mod drift;
mod ending;
mod histories;
mod limits;
mod minting;
mod reach;
mod stage;
mod withholding;
mod world;
