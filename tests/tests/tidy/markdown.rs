//! Just enough of Markdown for the rules: headings, fenced blocks, links and the book's include directives.

use crate::repo::Source;

/// A heading, its level from 1 to 6 and its line counted from 1.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Heading {
    pub(crate) level: usize,
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// A fenced block: its language, its lines, and the line (counted from 1) of its opening fence.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Fence {
    pub(crate) language: String,
    pub(crate) lines: Vec<String>,
    pub(crate) line: usize,
}

/// Something found on a line counted from 1: the target of a link, an include, a span of inline code.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Spot {
    pub(crate) text: String,
    pub(crate) line: usize,
}

/// What a page consists of.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) headings: Vec<Heading>,
    pub(crate) fences: Vec<Fence>,
    pub(crate) links: Vec<Spot>,
    pub(crate) inline_code: Vec<Spot>,
    /// The inside of `{{#include …}}` and its relatives, in prose and in fences.
    pub(crate) includes: Vec<Spot>,
}

pub(crate) fn parse(file: &Source) -> Page {
    let mut page = Page::default();
    let mut open: Option<Fence> = None;
    for (index, text) in file.text.lines().enumerate() {
        let line = index + 1;
        page.includes.extend(includes(text).map(|text| Spot { text, line }));
        let is_fence = text.trim_start().starts_with("```");
        match (open.take(), is_fence) {
            (Some(fence), true) => page.fences.push(fence),
            (Some(mut fence), false) => {
                fence.lines.push(text.to_owned());
                open = Some(fence);
            }
            (None, true) => {
                let language = text.trim_start().trim_start_matches('`').trim().to_owned();
                open = Some(Fence { language, lines: Vec::new(), line });
            }
            (None, false) => prose(&mut page, text, line),
        }
    }
    page.fences.extend(open);
    page
}

fn prose(page: &mut Page, text: &str, line: usize) {
    let level = text.len() - text.trim_start_matches('#').len();
    if (1..=6).contains(&level) && text[level..].starts_with(' ') {
        page.headings.push(Heading { level, text: text[level..].trim().to_owned(), line });
    }
    // The odd pieces between backticks are code; links are looked for in the rest.
    for (index, piece) in text.split('`').enumerate() {
        if index % 2 == 1 {
            page.inline_code.push(Spot { text: piece.to_owned(), line });
        }
    }
    let mut rest = text;
    while let Some((_, after)) = rest.split_once("](") {
        let (target, remaining) = after.split_once(')').unwrap_or((after, ""));
        let target = target.split_whitespace().next().unwrap_or("");
        page.links.push(Spot { text: target.to_owned(), line });
        rest = remaining;
    }
}

/// Include directives that mdBook acts on: a backslash in front makes one plain text.
fn includes(text: &str) -> impl Iterator<Item = String> {
    let directives = text.match_indices("{{#").filter(|(at, _)| !text[..*at].ends_with('\\'));
    directives.filter_map(|(at, _)| {
        let inside = text[at + 3..].split_once("}}").map_or(&text[at + 3..], |(inside, _)| inside);
        let (name, argument) = inside.split_once(' ')?;
        name.contains("include").then(|| argument.trim().to_owned())
    })
}

/// The fragment that a heading gets in a link: the same on a code host and in mdBook.
pub(crate) fn slug(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

#[test]
fn a_page_is_taken_apart() {
    let text = "# One `x`\n\nSee [two](two.md#a \"t\") and `cargo test`.\n\n```rust\n{{#include ../a.rs:b}}\n# no heading\n```\n## Two\n";
    let page = parse(&Source::fixture("a.md", text));
    let levels: Vec<(usize, &str)> = page.headings.iter().map(|h| (h.level, h.text.as_str())).collect();
    assert_eq!(levels, [(1, "One `x`"), (2, "Two")]);
    assert_eq!(page.links, [Spot { text: "two.md#a".to_owned(), line: 3 }]);
    assert_eq!(page.inline_code[1].text, "cargo test");
    assert_eq!(page.includes, [Spot { text: "../a.rs:b".to_owned(), line: 6 }]);
    assert_eq!((page.fences[0].language.as_str(), page.fences[0].lines.len()), ("rust", 2));
}

#[test]
fn an_escaped_include_is_text() {
    assert_eq!(
        includes("\\{{#include a.rs}} {{#rustdoc_include b.rs:c}} {{#title x}}").collect::<Vec<_>>(),
        ["b.rs:c"]
    );
}

#[test]
fn slugs_are_those_of_the_hosts() {
    assert_eq!(slug("The first minute"), "the-first-minute");
    assert_eq!(slug("Run `starvation`, read it!"), "run-starvation-read-it");
    assert_eq!(slug("첫 1분"), "첫-1분");
}
