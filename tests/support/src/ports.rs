//! Loopback ports that two runs on one machine never both take.
//!
//! Below the kernel's range for outgoing connections, so that a server that was stopped finds its port free
//! when it is started again; and behind a lock per port, because asking the kernel for a free port and
//! giving it to a child is a race.

use std::fs::{self, File};
use std::net::TcpListener;
use std::sync::atomic::{AtomicU16, Ordering};

use anyhow::{Result, bail};

use crate::scratch;

const FIRST: u16 = 21_000;
const COUNT: u16 = 9_000;

/// A port that is ours for as long as this lives.
#[derive(Debug)]
pub struct Port {
    pub number: u16,
    _held: File,
}

impl Port {
    pub fn claim() -> Result<Self> {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let locks = scratch::root()?.join("ports");
        fs::create_dir_all(&locks)?;
        let start = (std::process::id() % u32::from(COUNT)) as u16;
        for _ in 0..COUNT {
            let step = NEXT.fetch_add(1, Ordering::Relaxed);
            let number = FIRST + ((u32::from(start) * 7 + u32::from(step)) % u32::from(COUNT)) as u16;
            let file = File::create(locks.join(number.to_string()))?;
            if file.try_lock().is_ok() && is_free(number) {
                return Ok(Self { number, _held: file });
            }
        }
        bail!("no free port between {FIRST} and {} on loopback", FIRST + COUNT)
    }
}

pub fn is_free(number: u16) -> bool {
    TcpListener::bind(("127.0.0.1", number)).is_ok()
}
