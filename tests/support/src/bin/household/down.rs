//! Stops what `make up` started and removes what it kept.

use std::fs;
use std::path::Path;

use anyhow::Result;

use crate::home::{Home, shown};
use crate::up::OPERATOR;

pub fn down() -> Result<()> {
    if !Home::dir().is_dir() {
        println!("nothing to stop: there is no {}", shown(&Home::dir()));
        return Ok(());
    }
    let home = Home::open()?;
    // The last started first.
    for name in [OPERATOR, "kube-controller-manager", "kube-apiserver", "etcd"] {
        match home.running(name) {
            Some(process) => {
                process.end();
                println!("stopped {name} (process {})", process.id);
            }
            None => println!("{name} does not run"),
        }
    }
    println!(
        "removing {} ({} MB): every object and Secret of this cluster, its keys, kubeconfigs and logs",
        shown(&home.dir),
        size(&home.dir) / 1_000_000
    );
    fs::remove_dir_all(&home.dir)?;
    Ok(())
}

fn size(path: &Path) -> u64 {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => size(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}
