//! What the documents say is true: the tour of README.md is taken on a real control plane, and what it prints is
//! compared with what README.md shows.
//!
//! `CHATELAINE_README=rewrite cargo test --test readme` writes the outputs anew.

mod document;
mod same;
mod shell;

use std::fs;

use anyhow::{Context, Result, ensure};
use support::{ControlPlane, Operator, checkout};

use document::{blocks, code};
use shell::Shell;

const README: &str = "README.md";
const DOCUMENTS: [&str; 5] = [README, "ARCHITECTURE.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"];

#[tokio::test(flavor = "multi_thread")]
async fn the_tour_prints_what_the_readme_shows() -> Result<()> {
    let control_plane = support::own().await;
    let _operator = Operator::start(&control_plane, env!("CARGO_BIN_EXE_chatelaine"), &[]).await?;
    let shell = Shell::of(&control_plane);
    set_the_scene(&control_plane, &shell)?;

    let text = read(README)?;
    let mut shown = text.clone();
    for block in blocks(&text, "console run") {
        let said: Vec<_> = block
            .commands()
            .into_iter()
            .map(|command| {
                let said = if is_rewriting() { shell.settled(&command.line) } else { shell.expect(&command) };
                (command, said)
            })
            .collect();
        let written: String =
            said.iter().map(|(command, said)| format!("{}\n{said}", command.prompt())).collect();
        shown = shown.replacen(block.body, &written, 1);
        if !is_rewriting() {
            for (command, said) in &said {
                ensure!(
                    same::lines(&command.output) == same::lines(said),
                    "README.md shows for\n$ {}\n{}\nbut it prints\n{said}",
                    command.line,
                    command.output
                );
            }
        }
    }
    if is_rewriting() {
        fs::write(checkout::root().join(README), shown)?;
    }
    Ok(())
}

/// What `make up` does before it prints the first block; only that the trial does not take two minutes.
fn set_the_scene(control_plane: &ControlPlane, shell: &Shell) -> Result<()> {
    let rendered = shell.run("kubectl kustomize examples/quickstart");
    ensure!(rendered.contains("lifetime: 2m"), "the trial of the quickstart has another lifetime");
    let file = control_plane.layout.dir.join("quickstart.yaml");
    fs::write(&file, rendered.replace("lifetime: 2m", "lifetime: 30s"))?;
    shell.run(&format!("kubectl apply --server-side -f {}", file.display()));
    for credential in ["apikeypair/alice-ci", "sshkey/alice-laptop", "accesstoken/alice-deploy"] {
        let said = shell.run(&format!("kubectl wait --for=condition=Ready {credential} --timeout=20s"));
        ensure!(said.contains("condition met"), "{said}");
    }
    Ok(())
}

#[test]
fn every_make_target_that_is_named_exists() -> Result<()> {
    let makefile = read("Makefile")?;
    for name in DOCUMENTS {
        for target in code(&read(name)?).split("make ").skip(1).filter_map(first_word) {
            ensure!(
                makefile.lines().any(|line| line.starts_with(&format!("{target}:"))),
                "{name} names `make {target}`"
            );
        }
    }
    Ok(())
}

fn first_word(rest: &str) -> Option<&str> {
    rest.split(|c: char| !c.is_ascii_lowercase() && c != '-').next().filter(|word| !word.is_empty())
}

fn read(name: &str) -> Result<String> {
    fs::read_to_string(checkout::root().join(name)).with_context(|| format!("reading {name}"))
}

fn is_rewriting() -> bool {
    std::env::var("CHATELAINE_README").is_ok_and(|mode| mode == "rewrite")
}
