//! A test that cannot run says so loudly, here and at the end of `make test`.

use std::io::Write;

/// Notes that something was not tested, and why. Call it, then return from the test.
pub fn skip(what_and_why: &str) {
    eprintln!("SKIPPED: {what_and_why}");
    let Some(list) = std::env::var_os("CHATELAINE_SKIPPED") else { return };
    let line = format!("{what_and_why}\n");
    let written = std::fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(list)
        .and_then(|mut file| file.write_all(line.as_bytes()));
    if let Err(error) = written {
        eprintln!("and could not note it for the summary: {error}");
    }
}
