//! The decision table, row by row, and what no history may break.

mod histories;
mod rows;
mod stage;
mod world;
