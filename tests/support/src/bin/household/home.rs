//! The folder `.chatelaine/` and the note in it of what runs.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, File};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use support::checkout;
use support::ports::{Port, is_free};
use support::servers::{Durability, Layout, Server, write_private};

use crate::process::Process;

/// Everything that `make up` keeps; nobody else changes it while this lives.
pub struct Home {
    pub dir: PathBuf,
    pub note: Note,
    _lock: File,
}

/// What runs, by name, and on which ports.
#[derive(Default, Serialize, Deserialize)]
pub struct Note {
    pub ports: Option<[u16; 3]>,
    pub processes: BTreeMap<String, Process>,
}

impl Home {
    pub fn dir() -> PathBuf {
        checkout::root().join(".chatelaine")
    }

    pub fn open() -> Result<Self> {
        let dir = Self::dir();
        // Private: there are the administrator's token and every Secret in it.
        DirBuilder::new().recursive(true).mode(0o700).create(&dir)?;
        let lock = File::create(dir.join(".lock"))?;
        if lock.try_lock().is_err() {
            bail!("another `make up` or `make down` is at work in this checkout");
        }
        let note = match fs::read_to_string(dir.join("running.json")) {
            Ok(text) => serde_json::from_str(&text).context("reading .chatelaine/running.json")?,
            Err(_) => Note::default(),
        };
        Ok(Self { dir, note, _lock: lock })
    }

    pub fn write_note(&self) -> Result<()> {
        write_private(&self.dir.join("running.json"), &serde_json::to_string_pretty(&self.note)?)
    }

    pub fn running(&self, name: &str) -> Option<&Process> {
        self.note.processes.get(name).filter(|process| process.runs())
    }

    /// The ports of last time, but for those that somebody else has taken since.
    pub fn layout(&mut self) -> Result<Layout> {
        let before = self.note.ports.unwrap_or_default();
        let owners = [Server::Etcd, Server::Etcd, Server::Apiserver];
        let mut claimed = Vec::new();
        let mut ports = [0; 3];
        for ((port, old), owner) in ports.iter_mut().zip(before).zip(owners) {
            *port = if old != 0 && (self.running(owner.name()).is_some() || is_free(old)) {
                old
            } else {
                claimed.push(Port::claim()?);
                claimed[claimed.len() - 1].number
            };
        }
        self.note.ports = Some(ports);
        self.write_note()?;
        let [etcd_port, peer_port, api_port] = ports;
        Ok(Layout { dir: self.dir.clone(), etcd_port, peer_port, api_port, durability: Durability::Kept })
    }
}

/// As people read it from where they stand.
pub fn shown(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here).unwrap_or(path).display().to_string()
}
