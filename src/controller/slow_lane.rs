//! Keys that take seconds to make, in a lane of their own: no worker and no runtime thread waits for them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use tokio::sync::Semaphore;

use crate::{core::material::Material, credentials::MintError};

/// Jobs by uid: started, or done and waiting to be taken.
pub struct SlowLane {
    jobs: Arc<Mutex<HashMap<String, Job>>>,
    places: Arc<Semaphore>,
}

enum Job {
    UnderWay,
    Done(Result<Material, MintError>),
}

impl SlowLane {
    pub fn new(places: usize) -> Self {
        Self { jobs: Arc::default(), places: Arc::new(Semaphore::new(places.max(1))) }
    }

    /// The material that was made for this object, once; otherwise starts making it and says None. `done` is called
    /// when it is there.
    pub fn take_or_start(
        &self,
        uid: &str,
        make: impl FnOnce() -> Result<Material, MintError> + Send + 'static,
        done: impl FnOnce() + Send + 'static,
    ) -> Option<Result<Material, MintError>> {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        match jobs.remove(uid) {
            Some(Job::Done(material)) => return Some(material),
            Some(Job::UnderWay) => {
                jobs.insert(uid.to_owned(), Job::UnderWay);
                return None;
            }
            None => {}
        }
        jobs.insert(uid.to_owned(), Job::UnderWay);
        let (jobs, places, uid) = (self.jobs.clone(), self.places.clone(), uid.to_owned());
        tokio::spawn(async move {
            let _place = places.acquire().await;
            let made = tokio::task::spawn_blocking(make).await;
            let made = made.unwrap_or(Err(MintError("making the key was interrupted")));
            // Nobody waits any more for an object that was forgotten meanwhile.
            if let Some(job) = jobs.lock().unwrap_or_else(PoisonError::into_inner).get_mut(&uid) {
                *job = Job::Done(made);
            }
            done();
        });
        None
    }

    pub fn forget(&self, uid: &str) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).remove(uid);
    }
}
