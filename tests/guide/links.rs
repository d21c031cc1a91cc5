//! Links lead somewhere, and the table of contents has every page.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use support::checkout;

use crate::{pages, read};

/// What a page links to, and the anchors that it offers.
struct Page {
    links: Vec<String>,
    anchors: BTreeSet<String>,
}

impl Page {
    fn read(name: &str) -> Result<Self> {
        let text = read(name)?;
        let (mut links, mut anchors, mut heading) = (Vec::new(), BTreeSet::new(), None::<String>);
        for event in Parser::new_ext(&text, Options::ENABLE_TABLES) {
            match event {
                Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                    links.push(dest_url.to_string());
                }
                Event::Start(Tag::Heading { .. }) => heading = Some(String::new()),
                Event::End(TagEnd::Heading(_)) => anchors.extend(heading.take().map(|text| anchor(&text))),
                Event::Text(text) | Event::Code(text) => {
                    if let Some(heading) = heading.as_mut() {
                        heading.push_str(&text);
                    }
                }
                _ => {}
            }
        }
        Ok(Self { links, anchors })
    }
}

/// As mdBook and GitHub make it.
fn anchor(heading: &str) -> String {
    heading
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

#[test]
fn every_link_leads_to_a_file_and_to_a_heading_that_is_there() -> Result<()> {
    let mut checked = 0;
    for name in pages()? {
        let home = checkout::root().join(&name).parent().context("a folder")?.to_owned();
        let page = Page::read(&name)?;
        for link in page.links.iter().filter(|link| !link.contains("://")) {
            let (file, part) = link.split_once('#').unwrap_or((link, ""));
            ensure!(
                file.is_empty() || home.join(file).exists(),
                "{name} links to {link}, which is not there"
            );
            if !part.is_empty() {
                let target = home.join(file).canonicalize().ok().filter(|_| !file.is_empty());
                let there = match &target {
                    Some(target) => Page::read(&target.to_string_lossy())?.anchors,
                    None => page.anchors.clone(),
                };
                ensure!(there.contains(part), "{name} links to {link}: no such heading, there are {there:?}");
            }
            checked += 1;
        }
    }
    ensure!(checked > 50, "only {checked} links were found");
    Ok(())
}

#[test]
fn the_table_of_contents_has_every_page_of_the_guide() -> Result<()> {
    let contents: BTreeSet<String> =
        Page::read("docs/SUMMARY.md")?.links.iter().map(|link| format!("docs/{link}")).collect();
    let there: BTreeSet<String> =
        pages()?.into_iter().filter(|name| name.starts_with("docs/") && name != "docs/SUMMARY.md").collect();
    assert_eq!(contents, there);
    Ok(())
}
