//! A process that outlives us, recorded so that nobody else's is ever taken for it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use support::leash;

/// An id alone says nothing: after a reboot it is somebody else's.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
pub struct Process {
    pub id: u32,
    /// When it began, in the system's own words.
    began: String,
    /// The program and how it was called: if this differs, what runs is not what is wanted.
    pub version: String,
}

impl Process {
    pub fn start(command: Command, version: String) -> Result<Self> {
        let program = command.get_program().to_owned();
        let child =
            leash::spawn_detached(command).with_context(|| format!("running {}", program.display()))?;
        let began = began(child.id()).with_context(|| format!("{} ended at once", program.display()))?;
        Ok(Self { id: child.id(), began, version })
    }

    pub fn runs(&self) -> bool {
        began(self.id).is_some_and(|began| began == self.began)
    }

    /// Asks it to end, and after a while no longer asks.
    pub fn end(&self) {
        for (signal, patience) in [(libc::SIGTERM, 15), (libc::SIGKILL, 5)] {
            let asked = Instant::now();
            if self.runs() {
                // SAFETY: no memory is touched; that the id is still ours was asked just now.
                unsafe { libc::kill(self.id as i32, signal) };
            }
            while self.runs() && asked.elapsed() < Duration::from_secs(patience) {
                std::thread::sleep(Duration::from_millis(50));
            }
        }
    }
}

/// The program as it lies on disk and its arguments, in one line that changes when either does.
pub fn version(command: &Command, more: &str) -> Result<String> {
    let program = Path::new(command.get_program());
    let file = fs::metadata(program).with_context(|| format!("{} is not there", program.display()))?;
    let args: Vec<_> = command.get_args().map(|arg| arg.to_string_lossy()).collect();
    Ok(format!(
        "{} {}.{} {} {} {more}",
        program.display(),
        file.mtime(),
        file.mtime_nsec(),
        file.len(),
        args.join(" ")
    ))
}

/// None if there is no such process, or only what is left of it until its parent looks.
#[cfg(target_os = "linux")]
fn began(id: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name stands in brackets and may contain anything; state and start time are fields 3 and 22.
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    if *fields.first()? == "Z" {
        return None;
    }
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(format!("{} {}", boot.trim(), fields.get(19)?))
}

#[cfg(not(target_os = "linux"))]
fn began(id: u32) -> Option<String> {
    let output = Command::new("ps").args(["-o", "stat=,lstart=", "-p", &id.to_string()]).output().ok()?;
    let line = String::from_utf8(output.stdout).ok()?;
    let (state, began) = line.trim().split_once(' ')?;
    (!state.starts_with('Z')).then(|| began.trim().to_owned())
}
