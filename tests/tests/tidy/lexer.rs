//! Tells code from comments and strings in a Rust file, so that a rule about code is not fooled by text.
//!
//! # Model
//! Not a parser: a state machine over characters that knows line and block comments (nested), strings,
//! raw strings, characters and lifetimes. Both results have the shape of the input, line by line and
//! column by column: what does not belong there is blank.

/// The two halves of a Rust file.
pub(crate) struct Split {
    /// The file with comments and the inside of strings and characters blanked.
    pub(crate) code: String,
    /// The file with everything but comments blanked.
    pub(crate) comments: String,
}

/// Splits Rust text into code and comments.
pub(crate) fn split(text: &str) -> Split {
    let mut cursor = Cursor { rest: text, split: Split { code: String::new(), comments: String::new() } };
    while let Some(next) = cursor.rest.chars().next() {
        let rest = cursor.rest;
        if rest.starts_with("//") {
            cursor.comment(rest.find('\n').unwrap_or(rest.len()));
        } else if rest.starts_with("/*") {
            cursor.comment(block_comment_len(rest));
        } else if next == '"' {
            cursor.text(1, string_len(rest), 1);
        } else if let Some(hashes) = cursor.raw_string_hashes() {
            let open = 1 + hashes + 1;
            let close = format!("\"{}", "#".repeat(hashes));
            let end = rest[open..].find(&close).map_or(rest.len(), |at| open + at + close.len());
            cursor.text(open, end, close.len());
        } else if let Some(end) = char_literal_len(rest) {
            cursor.text(1, end, 1);
        } else {
            cursor.code(next.len_utf8());
        }
    }
    cursor.split
}

struct Cursor<'a> {
    rest: &'a str,
    split: Split,
}

impl Cursor<'_> {
    fn code(&mut self, bytes: usize) {
        let (taken, rest) = self.rest.split_at(bytes);
        self.split.code.push_str(taken);
        self.split.comments.push_str(&blank(taken));
        self.rest = rest;
    }

    fn comment(&mut self, bytes: usize) {
        let (taken, rest) = self.rest.split_at(bytes);
        self.split.code.push_str(&blank(taken));
        self.split.comments.push_str(taken);
        self.rest = rest;
    }

    /// A literal of `end` bytes whose delimiters stay code and whose inside is blanked everywhere.
    fn text(&mut self, open: usize, end: usize, close: usize) {
        self.code(open);
        let inside = end.saturating_sub(open + close);
        let (taken, rest) = self.rest.split_at(inside);
        self.split.code.push_str(&blank(taken));
        self.split.comments.push_str(&blank(taken));
        self.rest = rest;
        self.code(close.min(self.rest.len()));
    }

    /// The number of `#` when a raw string begins here. The `r` must not end a longer name.
    fn raw_string_hashes(&self) -> Option<usize> {
        let after = self.rest.strip_prefix('r')?;
        let hashes = after.len() - after.trim_start_matches('#').len();
        let before = self.split.code.trim_end_matches(['b', 'c']).chars().next_back();
        let is_name = before.is_some_and(|c| c.is_alphanumeric() || c == '_');
        (!is_name && after[hashes..].starts_with('"')).then_some(hashes)
    }
}

/// The same shape without the text: line breaks stay, every other character becomes a space.
fn blank(text: &str) -> String {
    text.chars().map(|c| if c == '\n' { '\n' } else { ' ' }).collect()
}

fn block_comment_len(rest: &str) -> usize {
    let mut depth = 0;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

fn string_len(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of a character literal, or `None` when the quote begins a lifetime (or is no quote).
fn char_literal_len(rest: &str) -> Option<usize> {
    let inside = rest.strip_prefix('\'')?;
    if inside.starts_with('\\') {
        let end = inside.char_indices().skip(2).find(|(_, c)| *c == '\'')?.0;
        return Some(1 + end + 1);
    }
    let first = inside.chars().next()?;
    inside[first.len_utf8()..].starts_with('\'').then(|| 1 + first.len_utf8() + 1)
}

/// The lines (counted from 0) on which a test runs: all of a test file, or the `#[cfg(test)]` items of
/// another file.
pub(crate) fn test_lines(path: &str, code: &str) -> Vec<bool> {
    let is_test_file = path.split('/').any(|part| matches!(part, "tests" | "tests.rs" | "test.rs"));
    let mut lines = vec![is_test_file; code.lines().count() + 1];
    let mut from = 0;
    while let Some(at) = code[from..].find("#[cfg(").map(|at| from + at) {
        let end_of_attribute = code[at..].find(']').map_or(code.len(), |end| at + end);
        from = end_of_attribute;
        if !names_test(&code[at..end_of_attribute]) {
            continue;
        }
        let end = end_of_item(code, end_of_attribute);
        let line_of = |byte: usize| code[..byte].matches('\n').count();
        lines[line_of(at)..=line_of(end)].fill(true);
        from = end;
    }
    lines
}

fn names_test(attribute: &str) -> bool {
    let is_plain = !attribute.contains("not(");
    is_plain && attribute.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "test")
}

/// Where the item that begins at `from` ends: at its closing brace, or at a semicolon before any brace.
fn end_of_item(code: &str, from: usize) -> usize {
    let mut depth = 0;
    for (at, c) in code[from..].char_indices() {
        match c {
            ';' if depth == 0 => return from + at,
            '{' => depth += 1,
            '}' if depth <= 1 => return from + at,
            '}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

/// The names of the functions marked `#[test]`, with their lines (counted from 1).
pub(crate) fn test_functions(code: &str) -> Vec<(usize, String)> {
    let lines: Vec<&str> = code.lines().collect();
    let mut found = Vec::new();
    for (index, line) in lines.iter().enumerate() {
        let Some(name) = function_name(line) else { continue };
        let above = lines[..index].iter().rev().take_while(|line| is_attribute_or_blank(line));
        let attributes = above.copied().chain([*line]);
        if attributes.into_iter().any(|line| line.contains("#[test]")) {
            found.push((index + 1, name));
        }
    }
    found
}

fn is_attribute_or_blank(line: &str) -> bool {
    let line = line.trim();
    line.is_empty() || line.starts_with("#[") || line.ends_with(")]")
}

fn function_name(line: &str) -> Option<String> {
    let at = line.find("fn ").filter(|at| *at == 0 || line[..*at].ends_with([' ', ']']))?;
    let name: String = line[at + 3..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, code: &str, comments: &str) {
        let split = split(text);
        assert_eq!(split.code, code);
        assert_eq!(split.comments, comments);
    }

    #[test]
    fn comments_and_strings_are_not_code() {
        check("a(); // b()\n", "a();       \n", "     // b()\n");
        check("/* x /* y */ z */ a", "                  a", "/* x /* y */ z */  ");
        check(r#"p("// no \" q") + 1"#, r#"p("          ") + 1"#, &" ".repeat(19));
        check("r#\"a \"b\" // c\"# d", "r#\"          \"# d", &" ".repeat(17));
    }

    #[test]
    fn a_lifetime_is_not_a_character() {
        check("f<'a>(x: &'a str)", "f<'a>(x: &'a str)", &" ".repeat(17));
        check("m('\"', '\\'', 'x') // e", "m(' ', '  ', ' ')     ", "                  // e");
        check("br\"// x\" + var\"y\"", "br\"    \" + var\" \"", &" ".repeat(17));
    }

    #[test]
    fn test_lines_are_those_of_the_test_module() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() { c() }\n}\nfn d() {}\n";
        assert_eq!(test_lines("src/a.rs", text), [false, true, true, true, true, false, false]);
        let other = "#[cfg(not(test))]\nfn a() {}\n";
        assert_eq!(test_lines("src/a.rs", other), [false, false, false]);
        assert!(test_lines("tests/a.rs", other).iter().all(|is_test| *is_test));
    }

    #[test]
    fn only_functions_marked_as_tests_are_tests() {
        let text = "#[test]\nfn a1_is() {}\n\nfn a2_helper() {}\n#[test]\n#[should_panic]\npub fn b() {}\n";
        assert_eq!(test_functions(text), [(2, "a1_is".to_owned()), (7, "b".to_owned())]);
    }
}
