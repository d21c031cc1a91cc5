//! What the documents say is true: the tour of README.md is taken on a real control plane, and what it prints is
//! compared with what README.md shows.
//!
//! `CHATELAINE_README=rewrite cargo test --test readme` writes the outputs, and docs/reasons.md, anew.

mod document;
mod same;
mod shell;

use std::fs;

use anyhow::{Context, Result, ensure};
use chatelaine::{
    api::State,
    core::{
        ledger::{Copy, Entry, Ledger, Owner, Previous, Sealed},
        period::Period,
        reason::Reason,
        trigger::Handled,
    },
};
use jiff::Timestamp;
use support::{ControlPlane, Operator, checkout};

use document::{blocks, code};
use shell::Shell;

const README: &str = "README.md";
const REASONS: &str = "docs/reasons.md";
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

#[tokio::test]
async fn every_manifest_in_the_readme_is_accepted_to_the_letter() -> Result<()> {
    let control_plane = support::shared().await;
    let text = read(README)?;
    let manifests: Vec<_> = blocks(&text, "yaml");
    assert!(manifests.len() >= 4, "one for each kind");
    for (n, manifest) in manifests.iter().enumerate() {
        let file = control_plane.layout.dir.join(format!("manifest-{n}.yaml"));
        fs::write(&file, manifest.body)?;
        let file = file.to_str().context("a readable path")?;
        let apply = ["apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", file];
        let answer = control_plane.kubectl(&apply).await;
        ensure!(answer.succeeded && answer.stderr.is_empty(), "{}\n{}", answer.stderr, manifest.body);
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

#[test]
fn every_file_that_is_linked_exists() -> Result<()> {
    let mut names: Vec<String> = DOCUMENTS.iter().map(|name| (*name).to_owned()).collect();
    for folder in ["docs", "docs/adr"] {
        for entry in fs::read_dir(checkout::root().join(folder))? {
            let name = format!("{folder}/{}", entry?.file_name().to_string_lossy());
            names.extend(Some(name).filter(|name| name.ends_with(".md")));
        }
    }
    for name in names {
        let home = checkout::root().join(&name);
        let home = home.parent().context("a folder")?.to_owned();
        for link in read(&name)?.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            let here = link.is_empty() || link.contains("://") || home.join(link).exists();
            ensure!(here, "{name} links to {link}, which is not there");
        }
    }
    Ok(())
}

#[test]
fn every_field_of_the_ledger_is_documented() -> Result<()> {
    let text = read("docs/ledger.md")?;
    let ledger: serde_json::Value = serde_json::from_str(&full_ledger().to_text())?;
    let mut fields = Vec::new();
    names(&ledger, "", &mut fields);
    for field in fields {
        ensure!(text.contains(&format!("| `{field}` |")), "docs/ledger.md has no row for `{field}`");
    }
    Ok(())
}

fn names(value: &serde_json::Value, within: &str, found: &mut Vec<String>) {
    // The names in this map are the user's.
    let own = within == "ours.keys.";
    for (name, value) in value.as_object().into_iter().flatten().filter(|_| !own) {
        let path = format!("{within}{name}");
        found.push(path.clone());
        names(value, &format!("{path}."), found);
        for item in value.as_array().into_iter().flatten() {
            names(item, &format!("{path}[]."), found);
        }
    }
}

/// A ledger in which nothing is absent.
fn full_ledger() -> Ledger {
    let time = Timestamp::UNIX_EPOCH;
    let copy = Copy { name: "chatelaine-held-1".into(), uid: "2".into() };
    let owner =
        Owner { kind: "AccessToken".into(), name: "deploy".into(), uid: "1".into(), account: "alice".into() };
    let sealed =
        Sealed { digest: "sha256:".into(), passphrase: "sealed".into(), seal: "chatelaine-seal-1".into() };
    let previous = Previous {
        id: "id".into(),
        public: Some("public".into()),
        digest: "sha256:".into(),
        sealed: Some(sealed.clone()),
        not_after: Some(time),
        retirement_time: time,
    };
    let entry = Entry { revision: 1, time, reason: Reason::Issued, trigger: Some("value".into()) };
    let mut ledger = Ledger {
        state: State::Live,
        id: "id".into(),
        public: Some("public".into()),
        issue_time: Some(time),
        not_after: Some(time),
        default_lifetime: Some(Period::seconds(1)),
        previous: Some(previous),
        digest: Some("sha256:".into()),
        sealed: Some(sealed),
        held: Some(copy.clone()),
        discarded: Some(copy),
        history: vec![entry],
        ..Ledger::blank(owner, Some(1), Handled::default())
    };
    ledger.ours.labels.push("label".into());
    ledger.ours.annotations.push("annotation".into());
    ledger
}

#[test]
fn every_reason_is_documented_with_the_sentence_that_the_code_has() -> Result<()> {
    let wanted = format!(
        "# Reasons\n\n\
         One vocabulary: conditions, events, logs and histories use these words and no others. This page is made\n\
         from `src/core/reason.rs`.\n\n| reason | what it says |\n|---|---|\n{}",
        reasons(&read("src/core/reason.rs")?)
    );
    if is_rewriting() {
        fs::write(checkout::root().join(REASONS), &wanted)?;
    }
    assert_eq!(read(REASONS)?, wanted, "{REASONS} is not what the code says: write it anew");
    Ok(())
}

fn reasons(source: &str) -> String {
    let body = source.split_once("pub enum Reason {").map_or("", |(_, rest)| rest);
    let body = body.split_once("\n}").map_or(body, |(body, _)| body);
    let (mut rows, mut sentence) = (String::new(), String::new());
    for line in body.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match line.strip_prefix("/// ") {
            Some(more) => sentence = format!("{sentence} {more}"),
            None => {
                rows += &format!("| `{}` |{sentence} |\n", line.trim_end_matches(','));
                sentence.clear();
            }
        }
    }
    rows
}

fn read(name: &str) -> Result<String> {
    fs::read_to_string(checkout::root().join(name)).with_context(|| format!("reading {name}"))
}

fn is_rewriting() -> bool {
    std::env::var("CHATELAINE_README").is_ok_and(|mode| mode == "rewrite")
}
