//! What the documents say is true: the tour of README.md is taken on a real control plane, and what it prints is
//! compared with what README.md shows.
//!
//! `CHATELAINE_README=rewrite cargo test --test readme` writes the outputs anew.

mod document;
mod same;
mod shell;

use std::{fs, sync::LazyLock};

use anyhow::{Context, Result, ensure};
use support::{ControlPlane, Operator, checkout};
use tokio::runtime::Runtime;

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
    tour(README, &shell)
}

/// Each example is walked through as its README says, in a namespace of its own.
macro_rules! examples {
    ($($test:ident: $folder:literal),* $(,)?) => {
        const EXAMPLES: &[&str] = &[$($folder),*];
        $(
            #[test]
            fn $test() -> Result<()> {
                walk($folder)
            }
        )*
    };
}

examples! {
    a_hosting_account_is_kept_as_its_example_shows: "hosting",
    a_pastebins_keys_are_kept_as_their_example_shows: "pastebin",
    a_compute_managers_keypairs_are_kept_as_their_example_shows: "compute",
    a_server_hosts_tokens_are_kept_as_their_example_shows: "server-host",
    an_object_stores_credentials_are_kept_as_their_example_shows: "object-store",
    rotation_works_as_its_example_shows: "rotation",
    what_is_in_git_is_kept_as_its_example_shows: "gitops",
}

/// One runtime for all examples: a client belongs to the runtime that made it.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("a runtime"));

fn walk(folder: &str) -> Result<()> {
    let shell = RUNTIME.block_on(async {
        let control_plane = support::shared().await;
        support::shared_operator(env!("CARGO_BIN_EXE_chatelaine")).await;
        Shell::of(control_plane).within(&control_plane.namespace().await)
    });
    tour(&format!("examples/{folder}/README.md"), &shell)
}

/// The objects of the tour are those of the quickstart.
const OF_THE_TOUR: &str = "quickstart";

#[test]
fn every_example_is_walked_through() -> Result<()> {
    for entry in fs::read_dir(checkout::root().join("examples"))? {
        let folder = entry?.file_name();
        let walked = EXAMPLES.iter().chain([&OF_THE_TOUR]).any(|one| folder == *one);
        ensure!(walked, "nobody walks through {folder:?}");
    }
    Ok(())
}

/// Types every command of the document, and compares what it prints with what the document shows.
fn tour(document: &str, shell: &Shell) -> Result<()> {
    let text = read(document)?;
    let mut shown = text.clone();
    for block in blocks(&text, "console run") {
        let mut written = String::new();
        for command in block.commands() {
            let said = if is_rewriting() { shell.settled(&command.line) } else { shell.expect(&command) };
            ensure!(
                is_rewriting() || same::lines(&command.output) == same::lines(&said),
                "{document} shows for\n$ {}\n{}\nbut it prints\n{said}",
                command.line,
                command.output
            );
            written += &format!("{}\n{said}", command.prompt());
        }
        shown = shown.replacen(block.body, &written, 1);
    }
    if is_rewriting() {
        fs::write(checkout::root().join(document), shown)?;
    }
    Ok(())
}

/// What `make up` does before it prints the first block; only that the trial does not take two minutes.
fn set_the_scene(control_plane: &ControlPlane, shell: &Shell) -> Result<()> {
    let rendered = shell.run(&format!("kubectl kustomize examples/{OF_THE_TOUR}"));
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
