//! Keys that take seconds to make or to encrypt, in a lane of their own: no worker and no runtime thread waits for them.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Semaphore;

use super::secrets::Values;
use crate::credentials::MintError;

/// Jobs by uid: started, or done and waiting to be taken.
pub struct SlowLane {
    jobs: Arc<Mutex<Jobs>>,
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
        let mut jobs = lock(&self.jobs);
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
            // Nobody waits any more for an object that was forgotten, or for what nobody wants any more: it is not made,
            // so that those who wait behind it need not wait for it.
            if under_way(&mut lock(&jobs), &uid, &order).is_none() {
                return;
            }
            let made = tokio::task::spawn_blocking(make).await;
            let made = made.unwrap_or(Err(MintError("making the key was interrupted")));
            if let Some(job) = under_way(&mut lock(&jobs), &uid, &order) {
                job.made = Some(made);
            }
            done();
        });
        None
    }

    pub fn forget(&self, uid: &str) {
        lock(&self.jobs).remove(uid);
    }
}

type Jobs = HashMap<String, Job>;

fn lock(jobs: &Mutex<Jobs>) -> MutexGuard<'_, Jobs> {
    jobs.lock().unwrap_or_else(PoisonError::into_inner)
}

fn under_way<'a>(jobs: &'a mut Jobs, uid: &str, order: &str) -> Option<&'a mut Job> {
    jobs.get_mut(uid).filter(|job| job.order == order)
}

#[cfg(test)]
mod tests {
    use crate::core::material::{Identity, Material};

    use super::*;

    fn made(id: &str) -> Values {
        let identity = Identity { id: id.into(), public: None };
        Values { current: Some(Material { identity, secret: None }), previous: None }
    }

    #[tokio::test]
    async fn what_was_made_by_another_order_is_of_no_use_any_more() {
        let lane = SlowLane::new(1);
        let (told, mut done) = tokio::sync::mpsc::unbounded_channel();
        let ask = |order: &str| {
            let (told, id) = (told.clone(), order.to_owned());
            let finished = move || assert!(told.send(()).is_ok());
            let made = lane.take_or_start("u", order.into(), move || Ok(made(&id)), finished);
            made.map(|made| made.unwrap().current.unwrap().identity.id)
        };
        assert_eq!(ask("first"), None);
        assert_eq!(ask("first"), None, "it is made once");
        assert_eq!(ask("second"), None);
        done.recv().await;
        assert!(done.try_recv().is_err(), "the first was not even begun");
        assert_eq!(ask("second").as_deref(), Some("second"));
        assert_eq!(ask("third"), None);
        done.recv().await;
        assert_eq!(ask("second"), None, "what was made for the third is dropped");
        lane.forget("u");
    }

    #[tokio::test]
    async fn what_nobody_wants_any_more_is_not_made_and_holds_up_nobody() {
        let lane = SlowLane::new(1);
        let begun = Arc::new(Mutex::new(Vec::new()));
        let (told, mut done) = tokio::sync::mpsc::unbounded_channel();
        let ask = |uid: &'static str| {
            let (begun, told) = (begun.clone(), told.clone());
            let make = move || {
                begun.lock().unwrap().push(uid);
                Ok(made(uid))
            };
            lane.take_or_start(uid, "order".into(), make, move || assert!(told.send(uid).is_ok()))
        };
        for uid in ["deleted", "other", "kept"] {
            assert!(ask(uid).is_none());
        }
        ["deleted", "other"].iter().for_each(|uid| lane.forget(uid));
        assert_eq!(done.recv().await, Some("kept"));
        assert_eq!(*begun.lock().unwrap(), ["kept"]);
        assert!(ask("kept").is_some());
    }
}
