//! A refusal: why a file is not run, where in it, and what to write instead.

use std::collections::HashSet;
use std::fmt;

/// One place of a source file that is outside the subset, or that is not Python at all.
///
/// Its text shows the line with a mark below the place:
/// ```text
/// file.py:3:5: generators are not part of the subset
///     yield n
///     ^
/// write instead: collect the values in a list and return it
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The file's name as it was given.
    pub file: String,
    /// The line, from 1.
    pub line: u32,
    /// The column in characters, from 1.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// What to write instead; none for errors of syntax.
    pub instead: Option<String>,
    /// The text of the line around the place, without its end.
    pub source_line: String,
    /// Characters of `source_line` before the place.
    before: usize,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.file, self.line, self.column, self.message)?;
        let blanks = self.source_line.chars().take_while(|c| *c == ' ').count();
        let text = &self.source_line[blanks..];
        if !text.trim().is_empty() {
            let mark = " ".repeat(self.before.saturating_sub(blanks));
            write!(f, "\n    {text}\n    {mark}^")?;
        }
        match &self.instead {
            Some(instead) => write!(f, "\nwrite instead: {instead}"),
            None => Ok(()),
        }
    }
}

/// Characters of a line that are shown at most; longer lines are cut around the place.
const SHOWN: usize = 100;

/// Refusals of one file at most; a file with more is not a program with mistakes.
const MOST: usize = 1000;

/// The part of the line to show, and how many characters of it stand before the column.
fn excerpt(line: &str, column: u32) -> (String, usize) {
    let at = column as usize - 1;
    let from = if line.chars().nth(SHOWN).is_none() { 0 } else { at.saturating_sub(SHOWN / 2) };
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    (line.chars().skip(from).take(SHOWN).map(clean).collect(), at - from)
}

/// Where the lines of a source begin.
pub(super) struct LineIndex {
    starts: Vec<u32>,
}

impl LineIndex {
    /// Lines end as Python's do: at `\n`, `\r\n` or `\r`.
    pub(super) fn new(source: &str) -> Self {
        let bytes = source.as_bytes();
        let ends = (0..bytes.len())
            .filter(|&i| bytes[i] == b'\n' || (bytes[i] == b'\r' && bytes.get(i + 1) != Some(&b'\n')));
        let starts = std::iter::once(0).chain(ends.map(|i| i as u32 + 1)).collect();
        Self { starts }
    }

    /// The line of a byte offset, from 1.
    pub(super) fn line(&self, offset: u32) -> u32 {
        self.starts.partition_point(|&start| start <= offset) as u32
    }

    /// The line and the column in characters, both from 1, and the line's text.
    fn place<'s>(&self, source: &'s str, offset: u32) -> (u32, u32, &'s str) {
        let line = self.line(offset);
        let start = self.starts[line as usize - 1] as usize;
        let end = self.starts.get(line as usize).map_or(source.len(), |&next| next as usize);
        let text = source[start..end].trim_end_matches(['\r', '\n']);
        let before = source.get(start..(offset as usize).min(start + text.len())).unwrap_or(text);
        (line, before.chars().count() as u32 + 1, text)
    }
}

/// The refusals of one file while its passes run.
pub(super) struct Report<'s> {
    file: &'s str,
    source: &'s str,
    pub(super) lines: LineIndex,
    found: Vec<(u32, Refusal)>,
    /// What was said where.
    said: HashSet<(u32, String)>,
}

impl<'s> Report<'s> {
    pub(super) fn new(file: &'s str, source: &'s str) -> Self {
        Self { file, source, lines: LineIndex::new(source), found: Vec::new(), said: HashSet::new() }
    }

    pub(super) fn source(&self) -> &'s str {
        self.source
    }

    pub(super) fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    /// Outside the subset; a place is reported once for each message.
    pub(super) fn refuse(&mut self, offset: u32, message: impl Into<String>, instead: impl Into<String>) {
        self.add(offset, message.into(), Some(instead.into()));
    }

    /// Not Python.
    pub(super) fn syntax_error(&mut self, offset: u32, message: impl fmt::Display) {
        self.add(offset, format!("SyntaxError: {message}"), None);
    }

    fn add(&mut self, offset: u32, message: String, instead: Option<String>) {
        // A `finally` body is compiled more than once and may say the same again.
        if self.found.len() == MOST || !self.said.insert((offset, message.clone())) {
            return;
        }
        let (line, column, text) = self.lines.place(self.source, offset);
        let (source_line, before) = excerpt(text, column);
        let file = self.file.to_owned();
        self.found.push((offset, Refusal { file, line, column, message, instead, source_line, before }));
    }

    /// All refusals in the order of the source.
    pub(super) fn into_refusals(mut self) -> Vec<Refusal> {
        self.found.sort_by_key(|(offset, _)| *offset);
        self.found.into_iter().map(|(_, refusal)| refusal).collect()
    }
}
