//! The guide is whole and says what the code says: pages, links, fields, reasons, and every manifest in it.
//!
//! `CHATELAINE_GUIDE=rewrite cargo test --test guide` writes what is made from the code anew.

mod fields;
mod ledger;
mod links;
mod manifests;
mod reasons;

use std::fs;

use anyhow::{Context, Result};
use support::checkout;

fn read(name: &str) -> Result<String> {
    fs::read_to_string(checkout::root().join(name)).with_context(|| format!("reading {name}"))
}

/// The Markdown files that people are meant to read, by their path in the checkout.
fn pages() -> Result<Vec<String>> {
    let mut pages = Vec::new();
    for folder in [".", "docs", "docs/adr", "docs/fields", "examples"] {
        for entry in fs::read_dir(checkout::root().join(folder)).with_context(|| folder.to_owned())? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            let path = if folder == "." { name.clone() } else { format!("{folder}/{name}") };
            pages.extend(Some(path).filter(|_| name.ends_with(".md")));
        }
    }
    pages.sort();
    Ok(pages)
}

/// A page that is made from the code: compared, or written anew.
fn made(name: &str, wanted: &str) -> Result<()> {
    if std::env::var("CHATELAINE_GUIDE").is_ok_and(|mode| mode == "rewrite") {
        fs::write(checkout::root().join(name), wanted)?;
    }
    assert_eq!(read(name)?, wanted, "{name} is not what the code says: write it anew");
    Ok(())
}
