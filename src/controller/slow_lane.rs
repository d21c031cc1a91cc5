//! Keys that take seconds to make or to encrypt, in a lane of their own: no worker and no runtime thread waits for them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::Semaphore;

use super::secrets::Values;
use crate::credentials::MintError;

/// Jobs by uid: started, or done and waiting to be taken.
pub struct SlowLane {
    jobs: Arc<Mutex<HashMap<String, Job>>>,
    places: Arc<Semaphore>,
}

/// What was asked for, and what came of it.
struct Job {
    order: String,
    made: Option<Result<Values, MintError>>,
}

impl SlowLane {
    pub fn new(places: usize) -> Self {
        Self { jobs: Arc::default(), places: Arc::new(Semaphore::new(places.max(1))) }
    }

    /// What was made for this object by this very order, once; otherwise starts making it and says None. `done` is
    /// called when it is there. What was made by another order is of no use any more.
    pub fn take_or_start(
        &self,
        uid: &str,
        order: String,
        make: impl FnOnce() -> Result<Values, MintError> + Send + 'static,
        done: impl FnOnce() + Send + 'static,
    ) -> Option<Result<Values, MintError>> {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        match jobs.remove(uid).filter(|job| job.order == order) {
            Some(Job { made: Some(made), .. }) => return Some(made),
            Some(under_way) => {
                jobs.insert(uid.to_owned(), under_way);
                return None;
            }
            None => {}
        }
        jobs.insert(uid.to_owned(), Job { order: order.clone(), made: None });
        let (jobs, places, uid) = (self.jobs.clone(), self.places.clone(), uid.to_owned());
        tokio::spawn(async move {
            let _place = places.acquire().await;
            let made = tokio::task::spawn_blocking(make).await;
            let made = made.unwrap_or(Err(MintError("making the key was interrupted")));
            // Nobody waits any more for an object that was forgotten, or for what nobody wants any more.
            let mut jobs = jobs.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(job) = jobs.get_mut(&uid).filter(|job| job.order == order) {
                job.made = Some(made);
            }
            drop(jobs);
            done();
        });
        None
    }

    pub fn forget(&self, uid: &str) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
    }
}
