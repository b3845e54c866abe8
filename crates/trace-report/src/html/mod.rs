//! The report page: one HTML file that works offline, in light and dark, on a phone, on paper, and read aloud.
//!
//! # Model
//! A page is a list of parts in reading order. Everything that it needs (style, script, data, pictures) is inside,
//! and a content security policy in its head forbids loading anything. Without JavaScript it shows the same tables
//! and pictures; the script only sorts and filters tables and moves through timelines.
//!
//! # Invariants
//! - V3: no text from outside becomes markup: in texts and attributes it is escaped, in script data `<` is `\u003c`.
//! - V4: a page refers to nothing outside itself, except the links that a reader may follow.
//! - V5: every picture has a text equivalent.

mod table;
mod viewer;

use std::fmt::Write;

pub use table::{Cell, Column, Table, chart_table, latency_table};

use crate::lanes::Timeline;
use crate::text::escape;

const STYLE: &str = include_str!("page.css");
const TABLES: &str = include_str!("tables.js");
const VIEWER: &str = include_str!("viewer.js");

/// What a box says at first sight; shown as a sign and a word, not by colour alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As hoped.
    Good,
    /// Not as hoped.
    Bad,
    /// Both, each in its place: it depends.
    Mixed,
    /// Not known.
    Open,
}

impl Tone {
    fn class(self) -> &'static str {
        match self {
            Tone::Good => "good",
            Tone::Bad => "bad",
            Tone::Mixed => "mixed",
            Tone::Open => "open",
        }
    }

    fn sign(self) -> &'static str {
        match self {
            Tone::Good => "✓",
            Tone::Bad => "✗",
            Tone::Mixed => "±",
            Tone::Open => "?",
        }
    }
}

/// A page being put together.
pub struct Page {
    title: String,
    lang: String,
    body: String,
    viewers: usize,
    /// The ids and texts of the headings so far.
    headings: Vec<(String, String)>,
    /// Where in `body` the table of contents goes.
    contents_at: Option<usize>,
}

impl Page {
    /// An empty page in English.
    pub fn new(title: impl Into<String>) -> Page {
        Page {
            title: title.into(),
            lang: "en".to_owned(),
            body: String::new(),
            viewers: 0,
            headings: Vec::new(),
            contents_at: None,
        }
    }

    /// Says in which language the texts are, as a tag like `ko`; the page's own words stay English.
    pub fn lang(&mut self, tag: &str) -> &mut Page {
        self.lang = tag.to_owned();
        self
    }

    /// A heading of a section.
    pub fn heading(&mut self, text: &str) -> &mut Page {
        let id = format!("s{}", self.headings.len() + 1);
        self.heading_with(id, text)
    }

    /// A heading that [`Cell::to`] and [`Page::link`] lead to by its anchor, for example the id of a claim.
    ///
    /// # Panics
    /// When the page has a section of this anchor already.
    pub fn section(&mut self, anchor: &str, text: &str) -> &mut Page {
        let id = anchor_id(anchor);
        assert!(
            self.headings.iter().all(|(known, _)| *known != id),
            "two sections have the anchor {anchor:?}"
        );
        self.heading_with(id, text)
    }

    fn heading_with(&mut self, id: String, text: &str) -> &mut Page {
        let markup = format!("<h2 id=\"{id}\">{}</h2>\n", escape(text));
        self.headings.push((id, text.to_owned()));
        self.add(markup)
    }

    /// The place of a table of contents: links to all headings, also to those that come later.
    pub fn contents(&mut self) -> &mut Page {
        self.contents_at = Some(self.body.len());
        self
    }

    /// A link to a section of this page on a line of its own.
    pub fn link(&mut self, anchor: &str, text: &str) -> &mut Page {
        self.add(format!("<p><a href=\"#{}\">{}</a></p>\n", anchor_id(anchor), escape(text)))
    }

    /// A paragraph; what is between backticks is shown as code.
    pub fn paragraph(&mut self, text: &str) -> &mut Page {
        self.add(format!("<p>{}</p>\n", inline(text)))
    }

    /// A list of short texts, with backticks as in [`Page::paragraph`].
    pub fn list<'a>(&mut self, items: impl IntoIterator<Item = &'a str>) -> &mut Page {
        let items: String = items.into_iter().map(|item| format!("<li>{}</li>", inline(item))).collect();
        self.add(format!("<ul>{items}</ul>\n"))
    }

    /// Text as it is, for example a command or what the terminal showed.
    pub fn code(&mut self, text: &str) -> &mut Page {
        self.add(pre(text))
    }

    /// Long text as it is, for example raw JSON, which is shown when its summary is pressed.
    pub fn details(&mut self, summary: &str, text: &str) -> &mut Page {
        self.fold(summary, |page| _ = page.code(text))
    }

    /// Parts that are shown when their summary is pressed.
    pub fn fold(&mut self, summary: &str, parts: impl FnOnce(&mut Page)) -> &mut Page {
        self.add(format!("<details><summary>{}</summary>\n", inline(summary)));
        parts(self);
        self.add("</details>\n".to_owned())
    }

    /// A box with a verdict: a sign, a short title and a sentence.
    pub fn callout(&mut self, tone: Tone, title: &str, text: &str) -> &mut Page {
        let (class, sign) = (tone.class(), tone.sign());
        self.add(format!(
            "<div class=\"callout {class}\"><p><strong><span aria-hidden=\"true\">{sign}</span> {}</strong></p>\
             <p>{}</p></div>\n",
            escape(title),
            inline(text)
        ))
    }

    /// A table; a reader may sort it by each column.
    pub fn table(&mut self, table: &Table) -> &mut Page {
        let markup = table.markup();
        self.add(markup)
    }

    /// A picture of this crate (its SVG carries its text equivalent) with a caption.
    pub fn figure(&mut self, svg: &str, caption: &str) -> &mut Page {
        self.add(format!(
            "<figure><div class=\"scroll\" tabindex=\"0\" role=\"group\" aria-label=\"{0}\">{svg}</div>\
             <figcaption>{1}</figcaption></figure>\n",
            escape(caption),
            inline(caption)
        ))
    }

    /// A timeline: a picture on paper and without JavaScript, else a viewer with zoom and steps from stall to stall.
    pub fn timeline(&mut self, timeline: &Timeline, title: &str) -> &mut Page {
        self.viewers += 1;
        let markup = viewer::markup(timeline, title, self.viewers);
        self.add(markup)
    }

    /// The whole page.
    pub fn render(&self) -> String {
        let mut out = String::with_capacity(self.body.len() + STYLE.len() + VIEWER.len() + 8_192);
        let (before, after) = self.body.split_at(self.contents_at.unwrap_or(0));
        let contents = if self.contents_at.is_some() { self.contents_markup() } else { String::new() };
        let (lang, title) = (escape(&self.lang), escape(&self.title));
        let _ = write!(
            out,
            "<!doctype html>\n<html lang=\"{lang}\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
             script-src 'unsafe-inline'; img-src data:\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n\
             <style>\n{}{STYLE}</style>\n</head>\n<body class=\"tr\">\n<main>\n<h1>{title}</h1>\n\
             {before}{contents}{after}</main>\n",
            crate::svg::COLORS
        );
        let _ = write!(
            out,
            "<script>\n{TABLES}{}</script>\n</body>\n</html>\n",
            if self.viewers > 0 { VIEWER } else { "" }
        );
        out
    }

    fn contents_markup(&self) -> String {
        let links = self.headings.iter();
        let items: String =
            links.map(|(id, text)| format!("<li><a href=\"#{id}\">{}</a></li>", escape(text))).collect();
        format!("<nav aria-label=\"contents\"><ul>{items}</ul></nav>\n")
    }

    fn add(&mut self, markup: String) -> &mut Page {
        self.body.push_str(&markup);
        self
    }
}

/// The id of an anchor: letters, digits, `-` and `_` stay, so that it needs no escaping, and no id of the page's own
/// begins like it.
fn anchor_id(anchor: &str) -> String {
    let safe = |letter: char| if letter.is_ascii_alphanumeric() || letter == '_' { letter } else { '-' };
    format!("at-{}", anchor.chars().map(safe).collect::<String>())
}

fn pre(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(escape).collect();
    format!("<pre tabindex=\"0\"><code>{}</code></pre>\n", lines.join("\n"))
}

/// Escaped text in which backticks make code.
fn inline(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    let mut out = String::new();
    for (index, part) in parts.iter().enumerate() {
        let is_code = index % 2 == 1 && index + 1 < parts.len();
        match (is_code, index % 2 == 1) {
            (true, _) => out.push_str(&format!("<code>{}</code>", escape(part))),
            (false, true) => out.push_str(&format!("`{}", escape(part))), // A backtick without a partner.
            (false, false) => out.push_str(&escape(part)),
        }
    }
    out
}

/// JSON that may stand inside a script element: nothing in it can end the element (V3).
fn script_json(json: &str) -> String {
    json.replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backticks_make_code_and_nothing_else_makes_markup() {
        assert_eq!(inline("run `a < b` now"), "run <code>a &lt; b</code> now");
        assert_eq!(inline("one ` alone"), "one ` alone");
        assert_eq!(inline("`a` and `b"), "<code>a</code> and `b");
        assert_eq!(inline("<img>"), "&lt;img&gt;");
    }

    #[test]
    fn v3_script_data_cannot_end_its_element() {
        assert_eq!(script_json("\"</script><!--\u{2028}\""), "\"\\u003c/script>\\u003c!--\\u2028\"");
    }
}
