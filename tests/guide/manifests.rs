//! Every manifest in the guide is one that the server takes to the letter, and every key in one is a key.

use std::fs;

use anyhow::{Context, Result, ensure};
use chatelaine::{api::SshKey, credentials::Credential};
use serde::Deserialize;
use serde_yaml::Value;
use support::checkout;

use crate::{pages, read};

#[tokio::test]
async fn every_manifest_in_the_documents_is_accepted_to_the_letter() -> Result<()> {
    let control_plane = support::shared().await;
    let mut accepted = 0;
    for page in pages()? {
        for manifest in manifests(&read(&page)?) {
            let file = control_plane.layout.dir.join(format!("manifest-{accepted}.yaml"));
            fs::write(&file, &manifest)?;
            let file = file.to_str().context("a readable path")?;
            let apply = ["apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", file];
            let answer = control_plane.kubectl(&apply).await;
            ensure!(answer.succeeded && answer.stderr.is_empty(), "{page}: {}\n{manifest}", answer.stderr);
            accepted += 1;
        }
    }
    ensure!(accepted >= 10, "only {accepted} manifests were found");
    Ok(())
}

#[test]
fn every_public_key_in_the_documents_and_the_examples_is_one() -> Result<()> {
    let mut texts: Vec<String> = Vec::new();
    for page in pages()? {
        texts.extend(manifests(&read(&page)?));
    }
    for folder in fs::read_dir(checkout::root().join("examples"))? {
        for file in fs::read_dir(folder?.path())? {
            let path = file?.path();
            texts.extend(
                path.extension()
                    .is_some_and(|it| it == "yaml")
                    .then(|| fs::read_to_string(&path))
                    .transpose()?,
            );
        }
    }
    let mut keys = 0;
    for document in texts.iter().flat_map(|text| serde_yaml::Deserializer::from_str(text)) {
        let manifest = Value::deserialize(document)?;
        if manifest["spec"]["publicKey"].is_string() {
            let key: SshKey = serde_yaml::from_value(manifest)?;
            let refused = key.brought().and_then(Result::err);
            ensure!(refused.is_none(), "{:?}: {refused:?}", key.spec.public_key);
            keys += 1;
        }
    }
    ensure!(keys >= 2, "only {keys} public keys were found");
    Ok(())
}

#[test]
fn every_manifest_of_the_examples_begins_with_what_it_is_for() -> Result<()> {
    let mut explained = 0;
    for folder in fs::read_dir(checkout::root().join("examples"))? {
        for file in fs::read_dir(folder?.path())? {
            let path = file?.path();
            if path.extension().is_none_or(|it| it != "yaml") {
                continue;
            }
            for document in fs::read_to_string(&path)?.split("---\n") {
                ensure!(document.starts_with("# "), "{}: nothing is said of\n{document}", path.display());
                explained += 1;
            }
        }
    }
    ensure!(explained >= 30, "only {explained} manifests were found");
    Ok(())
}

/// The blocks that are whole objects of ours; a piece of one has another fence.
fn manifests(text: &str) -> Vec<String> {
    let blocks = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.map(str::to_owned).collect()
}

/// Flux strips what `kubectl annotate` set, unless it is set in this name.
#[test]
fn the_guide_says_how_a_trigger_stays_on_what_flux_applies() -> Result<()> {
    let page = read("docs/gitops.md")?;
    ensure!(page.contains("--field-manager=flux-client-side-apply"), "{page}");
    Ok(())
}
