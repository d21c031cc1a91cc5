//! The walls of the house, enforced by a machine: what may depend on what, and what no file may hold.

#![cfg(feature = "operator")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use support::checkout::root;

/// No file is longer: one that is holds two ideas.
const LONGEST: usize = 400;

/// A source file without what only reads like code: comments, and the tests at its end.
struct Source {
    name: String,
    text: String,
    code: String,
}

impl Source {
    fn read(path: &Path) -> Self {
        let text = fs::read_to_string(path).expect("a source file is text");
        let product = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        let code = product.lines().map(without_comment).collect::<Vec<_>>().join("\n");
        let name = path.strip_prefix(root()).expect("it is in the checkout").display().to_string();
        Self { name, text, code }
    }

    /// The folder below `src`, or the file at its top: `core`, `main`.
    fn part(&self) -> &str {
        let below = self.name.trim_start_matches("src/");
        below.split(['/', '.']).next().unwrap_or_default()
    }
}

fn without_comment(line: &str) -> &str {
    match line.find("//") {
        // An address in a text is no comment.
        Some(at) if !line[..at].ends_with(':') => &line[..at],
        Some(_) | None => line,
    }
}

fn files(folder: &str, extensions: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path = entry.expect("a folder can be read").path();
            let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            let wanted =
                path.extension().is_some_and(|extension| extensions.iter().any(|one| extension == *one));
            match path.is_dir() {
                true if !hidden && !path.ends_with("target") => folders.push(path),
                false if wanted => found.push(path),
                true | false => {}
            }
        }
    }
    found.sort();
    found
}

fn rust(folder: &str) -> Vec<Source> {
    let sources: Vec<_> = files(folder, &["rs"]).iter().map(|path| Source::read(path)).collect();
    assert!(!sources.is_empty(), "no sources in {folder}");
    sources
}

#[track_caller]
fn nothing(found: Vec<String>, rule: &str) {
    assert!(found.is_empty(), "{rule}:\n  {}", found.join("\n  "));
}

fn cargo(args: &[&str]) -> String {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".into());
    let output = Command::new(cargo).args(args).current_dir(root()).output().expect("cargo can be run");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {}:\n{said}", args.join(" "));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Whether the text has the word, and not only as the beginning of a longer one.
fn has_word(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let next = text[at + word.len()..].chars().next();
        !next.is_some_and(char::is_alphanumeric)
    })
}

#[test]
fn every_reason_is_said_somewhere_and_heard_by_a_test() {
    // Where all are listed none is said.
    const LISTS: [&str; 2] = ["src/core/reason.rs", "src/controller/report.rs"];
    let (product, tests) = (rust("src"), rust("tests"));
    let vocabulary = product.iter().find(|source| source.name == LISTS[0]).expect("it is there");
    let variants =
        vocabulary.code.split_once("pub enum Reason {").and_then(|(_, rest)| rest.split_once("\n}"));
    let names =
        variants.map(|(variants, _)| variants.lines().filter_map(|line| line.trim().strip_suffix(',')));
    let names: Vec<_> = names.into_iter().flatten().collect();
    assert!(names.len() > 40, "the vocabulary is read wrongly: {names:?}");
    let silent = names.into_iter().filter(|name| {
        let variant = format!("Reason::{name}");
        let mut saying = product.iter().filter(|source| !LISTS.contains(&&*source.name));
        let is_said = saying.any(|source| has_word(&source.code, &variant));
        let quoted = format!("{name}\"");
        let heard = |source: &Source| has_word(&source.text, &variant) || source.text.contains(&quoted);
        !is_said || !tests.iter().any(heard)
    });
    nothing(silent.map(str::to_owned).collect(), "no path leads to these reasons, or no test along it");
}

#[test]
fn without_the_operator_there_is_no_runtime_and_no_client_in_the_dependency_tree() {
    let flags = ["--no-default-features", "-p", "chatelaine", "--locked"];
    let tree = cargo(&[&["tree", "-e", "normal", "--prefix", "none"], &flags[..]].concat());
    let names: BTreeSet<_> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(names.contains("kube-core"), "the tree is read wrongly:\n{tree}");
    for name in ["tokio", "hyper", "kube-client", "kube-runtime", "tower", "rustls", "aws-lc-rs"] {
        assert!(!names.contains(name), "{name} is in the tree of api, core and credentials");
    }
}

#[test]
fn api_core_and_credentials_compile_on_their_own() {
    cargo(&["check", "--quiet", "--no-default-features", "--lib", "--locked"]);
}

#[test]
fn api_core_and_credentials_know_no_async_and_no_client() {
    let words = [
        ".await",
        "async ",
        "tokio",
        "futures",
        "kube::Client",
        "kube::client",
        "kube::runtime",
        "kube::Api",
    ];
    let pure = ["src/api", "src/core", "src/credentials"].into_iter().flat_map(rust);
    let found = pure.flat_map(|source| {
        let has = words.iter().filter(|word| source.code.contains(**word));
        has.map(|word| format!("{} has {word}", source.name)).collect::<Vec<_>>()
    });
    nothing(found.collect(), "the shell is the only place for these");
}

/// The first names of all paths that begin at the crate's root.
fn imports(code: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => names.extend(first_names(group)),
            None => names.extend(name(rest)),
        }
    }
    names
}

/// `api::{A, B}, core::x}` names `api` and `core`.
fn first_names(group: &str) -> Vec<String> {
    let (mut names, mut depth, mut begins) = (Vec::new(), 0, true);
    for (at, character) in group.char_indices() {
        match character {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => begins = true,
            _ if begins && !character.is_whitespace() => {
                names.extend(name(&group[at..]));
                begins = false;
            }
            _ => {}
        }
    }
    names
}

fn name(text: &str) -> Option<String> {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    (end > 0).then(|| text[..end].to_owned())
}

#[test]
fn dependencies_run_one_way() {
    let order = ["api", "core", "credentials", "controller", "ops"];
    let found = rust("src").into_iter().flat_map(|source| {
        let Some(place) = order.iter().position(|part| *part == source.part()) else { return Vec::new() };
        let above =
            imports(&source.code).into_iter().filter(|name| order[place + 1..].contains(&name.as_str()));
        let mut found: Vec<_> = above.map(|name| format!("{} imports {name}", source.name)).collect();
        if source.code.contains("super::super") {
            found.push(format!("{} climbs over a wall", source.name));
        }
        found
    });
    nothing(found.collect(), "api <- core <- credentials <- controller <- ops <- main");
}

#[test]
fn imports_are_read_as_they_are_written() {
    let code = "use crate::{api::{A, B}, core::{c::C, d}, every_kind};\nlet x = crate::ops::y();";
    assert_eq!(imports(code).into_iter().collect::<Vec<_>>(), ["api", "core", "every_kind", "ops"]);
}

#[test]
fn one_place_reads_the_clock_and_one_draws_randomness() {
    let places = [
        ("src/controller/clock.rs", &["Timestamp::now", "Zoned::now", "SystemTime"][..]),
        ("src/controller/dice.rs", &["SysRng", "OsRng", "rand::rng", "rand::random", "thread_rng"]),
    ];
    let found = rust("src").into_iter().flat_map(|source| {
        let elsewhere = places.iter().filter(|(place, _)| *place != source.name);
        let has = elsewhere.flat_map(|(_, words)| words.iter()).filter(|word| source.code.contains(**word));
        has.map(|word| format!("{} has {word}", source.name)).collect::<Vec<_>>()
    });
    nothing(found.collect(), "the clock is in clock.rs, the dice are in dice.rs");
}

#[test]
fn a_file_opens_with_what_it_is_and_holds_one_idea() {
    let found = ["src", "tests"].into_iter().flat_map(rust).flat_map(|source| {
        let lines = source.text.lines().count();
        let long = lines > LONGEST;
        let mute = !source.text.starts_with("//! ");
        let long = long.then(|| format!("{} has {lines} lines", source.name));
        let mute = mute.then(|| format!("{} does not open with //!", source.name));
        long.into_iter().chain(mute)
    });
    nothing(found.collect(), "a file opens with a sentence and has at most 400 lines");
}

#[test]
fn names_say_what_a_thing_is() {
    let words = ["Manager", "Helper", "Util", "handle_", "process_", "do_"];
    let found = rust("src").into_iter().flat_map(|source| {
        let definitions = ["fn ", "struct ", "enum ", "trait ", "type ", "mod "];
        let defined = definitions.iter().flat_map(|definition| {
            let names = source.code.split(definition).skip(1).filter_map(name);
            names.filter(|name| words.iter().any(|word| name.contains(word)))
        });
        defined.map(|name| format!("{}: {name}", source.name)).collect::<Vec<_>>()
    });
    nothing(found.collect(), "these words hide what a thing does");
}

#[test]
fn the_product_does_not_panic_on_purpose() {
    for file in ["src/lib.rs", "src/main.rs"] {
        let denied = "#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::todo)]";
        assert!(Source::read(&root().join(file)).code.contains(denied), "{file} must say {denied}");
    }
    let count = |code: &str, word: &str| code.matches(word).count();
    let found = rust("src").into_iter().filter_map(|source| {
        let reasons = count(&source.code, "#[expect(clippy::expect_used, reason");
        let expected = count(&source.code, ".expect(") + count(&source.code, ".unwrap()");
        (expected > reasons).then(|| format!("{}: {expected} times, with {reasons} reasons", source.name))
    });
    nothing(found.collect(), "what cannot fail says why, in an attribute that clippy checks");
}

#[test]
fn every_reason_has_a_sentence() {
    let source = Source::read(&root().join("src/core/reason.rs"));
    let body = source.text.split("pub enum Reason {").nth(1).and_then(|rest| rest.split("\n}").next());
    let lines: Vec<_> = body.expect("the vocabulary is there").lines().map(str::trim).collect();
    let mute = (0..lines.len()).filter(|n| lines[*n].ends_with(',')).filter(|n| {
        let above = lines[..*n].last().copied().unwrap_or_default();
        !above.starts_with("/// ") || !above.ends_with('.')
    });
    nothing(mute.map(|n| lines[n].to_owned()).collect(), "a reason without a sentence");
}

#[test]
fn no_file_names_a_path_of_the_machine_it_was_written_on() {
    let extensions = ["rs", "yaml", "yml", "toml", "md", "go", "mod", "json", "sh", "txt"];
    // Put together here, so that this file may look at itself.
    let folders = ["home", "root", "tmp", "Users", "work", "mnt"].map(|folder| format!("/{folder}/"));
    let found = files(".", &extensions).into_iter().flat_map(|path| {
        let text = fs::read_to_string(&path).unwrap_or_default();
        let has = folders.iter().filter(|folder| {
            // A path begins there: `docs/work/` is none.
            let begins = |at: usize| text[..at].ends_with(['"', '\'', ' ', '`', '=', '(', '\n']);
            text.match_indices(folder.as_str()).any(|(at, _)| begins(at))
        });
        has.map(|folder| format!("{} names {folder}", path.display())).collect::<Vec<_>>()
    });
    nothing(found.collect(), "a path that only one machine has");
}
