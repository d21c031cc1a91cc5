//! Throw-away folders: removed on drop, or by the next run if this one is killed before.
//!
//! Beside each folder lies a lock file that its process holds; a folder whose lock can be taken has no
//! living owner.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::{Context, Result, bail};

/// A folder that only this process uses.
#[derive(Debug)]
pub struct Scratch {
    path: PathBuf,
    lock: PathBuf,
    _held: File,
}

impl Scratch {
    pub fn new() -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let root = root()?;
        // Held while a folder gets its lock, or a sweep would take it for an orphan.
        let _one_at_a_time = locked(&root.join(".lock"))?;
        sweep(&root)?;
        let name = format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let (path, lock) = (root.join(&name), root.join(format!("{name}.lock")));
        let held = locked(&lock)?;
        fs::create_dir(&path).with_context(|| format!("creating {}", path.display()))?;
        Ok(Self { path, lock, _held: held })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.path);
        let _ = fs::remove_file(&self.lock);
    }
}

/// One folder per user: there are keys in it.
pub(crate) fn root() -> Result<PathBuf> {
    // SAFETY: getuid cannot fail.
    let user = unsafe { libc::getuid() };
    let root = std::env::temp_dir().join(format!("chatelaine-tests-{user}"));
    match fs::DirBuilder::new().mode(0o700).create(&root) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(error).with_context(|| format!("creating {}", root.display()));
        }
        _ => {}
    }
    if fs::symlink_metadata(&root)?.uid() != user {
        bail!("{} belongs to somebody else", root.display());
    }
    Ok(root)
}

pub(crate) fn locked(path: &Path) -> Result<File> {
    let file = File::create(path).with_context(|| format!("creating {}", path.display()))?;
    file.lock()?;
    Ok(file)
}

fn sweep(root: &Path) -> Result<()> {
    for entry in fs::read_dir(root)? {
        let lock = entry?.path();
        let folder = lock.with_extension("");
        if lock.extension().is_none_or(|extension| extension != "lock") || !folder.is_dir() {
            continue;
        }
        if File::open(&lock).is_ok_and(|file| file.try_lock().is_ok()) {
            let _ = fs::remove_dir_all(&folder);
            let _ = fs::remove_file(&lock);
        }
    }
    Ok(())
}
