//! The decision table, row by row, and what no history may break.

mod rows;
mod stage;
