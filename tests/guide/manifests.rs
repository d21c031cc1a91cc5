//! Every manifest in the guide is one that the server takes to the letter.

use std::fs;

use anyhow::{Context, Result, ensure};

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

/// The blocks that are whole objects of ours; a piece of one has another fence.
fn manifests(text: &str) -> Vec<String> {
    let blocks = text.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next());
    blocks.map(str::to_owned).collect()
}
