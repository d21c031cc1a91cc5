//! What the operator is started with.

#[derive(Clone, Debug)]
pub struct Settings {
    /// How many objects are worked on at the same time.
    pub concurrency: usize,
    /// How many slow keys are made at the same time.
    pub slow_places: usize,
    /// Prefixes, or whole keys, that labels and annotations of Secrets may have beside the common ones.
    pub secret_metadata_allow: Vec<String>,
}

impl Default for Settings {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, Into::into);
        Self { concurrency: 32, slow_places: cores / 2, secret_metadata_allow: Vec::new() }
    }
}
