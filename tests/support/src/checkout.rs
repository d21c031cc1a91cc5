//! Where things are: this checkout, and the cache folder that all checkouts of one user share.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The root of the checkout that this crate was compiled in.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .expect("the checkout is where it was compiled")
}

/// What is slow to make and the same for every checkout.
pub fn cache() -> Result<PathBuf> {
    if let Some(chosen) = std::env::var_os("CHATELAINE_CACHE_DIR") {
        return Ok(chosen.into());
    }
    if let Some(xdg) = std::env::var_os("XDG_CACHE_HOME").filter(|dir| !dir.is_empty()) {
        return Ok(PathBuf::from(xdg).join("chatelaine"));
    }
    let home = std::env::var_os("HOME")
        .context("neither HOME nor CHATELAINE_CACHE_DIR is set: say where the cache may be")?;
    Ok(PathBuf::from(home).join(".cache/chatelaine"))
}
