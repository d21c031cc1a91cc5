//! Cron expressions, each understood once: a fleet shares a handful.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use crate::{
    api::Rotation,
    core::{answer::Complaint, cron::Cron, period::Period, policy::Schedule, reason::Reason},
};

/// So many are remembered; then the memory begins anew.
const MOST: usize = 1_000;

/// By expression and time zone.
#[derive(Default)]
pub struct Crons(Mutex<HashMap<(String, String), Understood>>);

type Understood = Result<Arc<Cron>, String>;

impl Crons {
    /// What the spec says of rotation by itself; a complaint if it cannot be.
    pub fn schedule(&self, rotation: Option<&Rotation>) -> Result<Option<Schedule>, Complaint> {
        let invalid = |message: String| Complaint::person(Reason::InvalidSpec, message);
        let Some(rotation) = rotation else { return Ok(None) };
        if let Some(every) = &rotation.every {
            let period = every.parse().map_err(|error| invalid(format!("spec.rotation.every: {error}")))?;
            return Ok(Some(Schedule::Every(period)));
        }
        let Some(expression) = &rotation.cron else { return Ok(None) };
        let cron = self.understand(expression, rotation.time_zone.as_deref().unwrap_or("UTC"));
        let cron = cron.map_err(invalid)?;
        let overlap: Period =
            rotation.overlap.as_deref().and_then(|text| text.parse().ok()).unwrap_or_default();
        if overlap < cron.shortest {
            return Ok(Some(Schedule::Cron(cron)));
        }
        Err(invalid(format!(
            "spec.rotation.overlap {overlap} must be shorter than the time between two firings of cron {expression:?}, \
             which is {} at the shortest",
            cron.shortest
        )))
    }

    fn understand(&self, expression: &str, zone: &str) -> Understood {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (expression.to_owned(), zone.to_owned());
        if let Some(understood) = known.get(&key) {
            return understood.clone();
        }
        if known.len() >= MOST {
            known.clear();
        }
        let understood = Cron::parse(expression, zone).map(Arc::new);
        known.insert(key, understood.clone());
        understood
    }
}
