//! Every relative link in the documents leads somewhere: to a file, and to a heading when it names one.

use std::collections::BTreeMap;

use crate::markdown::{self, slug};
use crate::repo::{self, Finding, Source};

/// What a link may lead to: any file, and the headings of those that are Markdown.
struct World {
    fragments: BTreeMap<String, Vec<String>>,
}

impl World {
    fn new(files: &[Source]) -> World {
        let mut fragments = BTreeMap::new();
        for file in files {
            let headings = markdown::parse(file).headings.iter().map(|heading| slug(&heading.text)).collect();
            fragments.insert(file.path.clone(), headings);
        }
        World { fragments }
    }

    fn check(&self, from: &Source) -> Vec<Finding> {
        let mut findings = Vec::new();
        for link in markdown::parse(from).links {
            let is_outside = link.text.contains("://") || link.text.starts_with("mailto:");
            if is_outside {
                continue;
            }
            if let Some(problem) = self.problem(&from.path, &link.text) {
                findings.push(Finding::new(&from.path, link.line, problem));
            }
        }
        findings
    }

    fn problem(&self, from: &str, target: &str) -> Option<String> {
        let from = &included_by(from);
        let (path, fragment) = target.split_once('#').unwrap_or((target, ""));
        let path = if path.is_empty() { from.to_owned() } else { resolve(from, path) };
        let Some(fragments) = self.fragments.get(&path) else {
            let is_folder = self.fragments.keys().any(|known| known.starts_with(&format!("{path}/")));
            return (!is_folder).then(|| format!("`{target}` leads nowhere: there is no {path}"));
        };
        if book_of(from) != book_of(&path) && book_of(from).is_some() {
            return Some(format!("`{target}` leaves the book, and the built page has nothing there"));
        }
        let is_known = fragment.is_empty() || fragments.iter().any(|known| known == fragment);
        (!is_known).then(|| format!("`{target}`: {path} has no heading `{fragment}`"))
    }
}

/// Where the links of a file are read: a generated table of the book stands on the pages of its edition.
fn included_by(path: &str) -> String {
    let table = path.strip_prefix("book/data/").and_then(|name| name.strip_suffix(".md"));
    let edition = table.and_then(|name| name.rsplit_once('.'));
    edition.map_or(path.to_owned(), |(name, edition)| format!("book/{edition}/src/{name}.md"))
}

/// The edition of the book that a page belongs to.
fn book_of(path: &str) -> Option<&str> {
    let rest = path.strip_prefix("book/")?;
    let (edition, inside) = rest.split_once('/')?;
    inside.starts_with("src/").then_some(edition)
}

/// The path that `target` means when it is written in the file `from`.
pub(crate) fn resolve(from: &str, target: &str) -> String {
    let mut parts: Vec<&str> = from.split('/').collect();
    parts.pop();
    for part in target.split('/') {
        match part {
            "." | "" => {}
            ".." => {
                parts.pop();
            }
            name => parts.push(name),
        }
    }
    parts.join("/")
}

#[test]
fn every_link_leads_somewhere() {
    let files = repo::all_text();
    let world = World::new(&files);
    let pages = files.iter().filter(|file| file.path.ends_with(".md"));
    repo::assert_clean(&pages.flat_map(|page| world.check(page)).collect::<Vec<_>>());
}

#[test]
fn a_dead_link_is_found() {
    let files = [
        Source::fixture(
            "README.md",
            "# Top\n[a](docs/a.md#first-part) [b](docs) [c](https://x.invalid/y) [d](#top)\n",
        ),
        Source::fixture("docs/a.md", "# First part\n[up](../README.md)\n"),
        Source::fixture("book/en/src/a.md", "[b](b.md)"),
        Source::fixture("book/en/src/b.md", "[out](../../../README.md)"),
    ];
    let world = World::new(&files);
    let says = |path: &str, text: &str| world.check(&Source::fixture(path, text)).len();
    assert_eq!(files[..3].iter().flat_map(|file| world.check(file)).count(), 0);
    assert_eq!(world.check(&files[3]).len(), 1, "a page of the book cannot link out of the book");
    assert_eq!(says("README.md", "[x](docs/none.md)"), 1);
    assert_eq!(says("README.md", "[x](docs/a.md#second-part)"), 1);
    assert_eq!(says("docs/a.md", "[x](README.md)"), 1, "links are relative to their own file");
    assert_eq!(says("book/data/table.en.md", "[x](a.md)"), 0, "a table is read where it is included");
    assert_eq!(says("book/data/table.en.md", "[x](gone.md)"), 1);
}
