//! The page of reasons, made from the reasons' own docs.

use anyhow::Result;

use crate::{made, read};

#[test]
fn every_reason_is_documented_with_the_sentence_that_the_code_has() -> Result<()> {
    let wanted = format!(
        "# Reasons\n\n\
         One vocabulary: conditions, events, logs and histories use these words and no others. This page is made\n\
         from `src/core/reason.rs`.\n\n| reason | what it says |\n|---|---|\n{}",
        reasons(&read("src/core/reason.rs")?)
    );
    made("docs/reasons.md", &wanted)
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
