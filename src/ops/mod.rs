//! Running in a cluster: logs and health.

pub mod health;
pub mod telemetry;
