//! One control plane, and one operator, for all tests of a test binary.
//!
//! What lives in a `static` is never dropped, so `atexit` ends the servers and removes their folder when
//! the tests are over; when the process is killed instead, the leash and the next run's sweep do.

use std::sync::Mutex;

use tokio::sync::OnceCell;

use crate::control_plane::ControlPlane;
use crate::operator::Operator;

/// The control plane of this test binary, with CRDs and RBAC. Each test takes a namespace of its own.
///
/// One operator may run on it, [`shared_operator`]: a test that stops operators or servers takes [`own`].
pub async fn shared() -> &'static ControlPlane {
    static SHARED: OnceCell<&'static ControlPlane> = OnceCell::const_new();
    SHARED.get_or_init(|| async { until_exit(own().await) }).await
}

/// A control plane with CRDs and RBAC that only the caller uses; it ends when it is dropped.
pub async fn own() -> ControlPlane {
    match ControlPlane::start_installed().await {
        Ok(control_plane) => control_plane,
        Err(error) => panic!("no control plane with CRDs and RBAC: {error:#}"),
    }
}

/// The operator that serves all tests on the [`shared`] control plane, with its own ServiceAccount's rights.
///
/// The first caller's binary is the one that runs; pass `env!("CARGO_BIN_EXE_chatelaine")`.
pub async fn shared_operator(binary: &str) -> &'static Operator {
    static SHARED: OnceCell<&'static Operator> = OnceCell::const_new();
    SHARED
        .get_or_init(|| async {
            match Operator::start(shared().await, binary, &[]).await {
                Ok(operator) => until_exit(operator),
                Err(error) => panic!("no operator: {error:#}"),
            }
        })
        .await
}

type Ending = Box<dyn FnOnce() + Send>;

static ENDINGS: Mutex<Vec<Ending>> = Mutex::new(Vec::new());

/// Leaks the value now and drops it when the process exits, the latest first.
fn until_exit<T: Send + Sync + 'static>(value: T) -> &'static T {
    let address = Box::into_raw(Box::new(value)) as usize;
    // SAFETY: taken back in `end_all` at the earliest, when no test runs any more.
    let leaked = unsafe { &*(address as *const T) };
    let mut endings = ENDINGS.lock().expect("nobody panics while holding it");
    if endings.is_empty() {
        // SAFETY: `end_all` is a plain function without arguments.
        unsafe { libc::atexit(end_all) };
    }
    // SAFETY: the pointer came from `Box::into_raw` above, and is taken back once.
    endings.push(Box::new(move || drop(unsafe { Box::from_raw(address as *mut T) })));
    leaked
}

extern "C" fn end_all() {
    let endings = ENDINGS.lock().map(|mut endings| std::mem::take(&mut *endings)).unwrap_or_default();
    for ending in endings.into_iter().rev() {
        ending();
    }
}
