//! Where things are: this checkout, and the cache folder that all checkouts of one user share.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// The root of the checkout that we stand in; cargo starts every test within its own.
///
/// Not the one that this was compiled in, unless there is no other: two checkouts may share a target folder,
/// and then the compiled-in path is that of whichever was built last.
pub fn root() -> PathBuf {
    let compiled_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let here = std::env::current_dir().unwrap_or_default();
    let standing_in = here.ancestors().find(|folder| folder.join("tests/control-plane/go.mod").is_file());
    standing_in.unwrap_or(&compiled_in).canonicalize().expect("the checkout is where it was compiled")
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
