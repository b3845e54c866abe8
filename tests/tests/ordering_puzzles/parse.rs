//! Reads a puzzle from its file: a question, an indented program, and the order that Node gave.
//!
//! # Model
//! Each level of a program is indented by four spaces. What would make the two interpreters disagree for
//! other reasons than order (a name that nobody declares, an `await` outside an async function) is refused
//! here, with the line.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::sync::Arc;
use std::time::Duration;
use std::vec::IntoIter;

use crate::script::{Block, Combine, Kind, Link, Order, Puzzle, Statement, When};

const INDENT: usize = 4;
/// Ends the program; the version of Node follows on the line, the order below it.
const ORDER: &str = "=> node ";

struct Line<'a> {
    number: usize,
    depth: usize,
    words: Vec<&'a str>,
}

struct Parser<'a> {
    lines: Peekable<IntoIter<Line<'a>>>,
    declared: BTreeMap<String, Kind>,
    /// Where a name is used, and for what.
    used: Vec<(usize, String, Use)>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Timer,
    TimerOrImmediate,
    Promise,
}

/// What a block belongs to: it decides whether `await` and `return` make sense.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Callback,
    Reaction,
    Async,
}

/// Reads the file of the puzzle `name`.
pub(crate) fn parse(name: &str, text: &str) -> Result<Puzzle, String> {
    let text = text.replace("\r\n", "\n");
    let question = text.lines().map_while(|line| line.strip_prefix("# ")).collect::<Vec<_>>().join(" ");
    if !question.ends_with(['.', '?']) {
        return Err(format!("{name}: begin with `# ` and a sentence that says what the puzzle shows"));
    }
    let (program, answer) = text.split_once(ORDER).ok_or(format!("{name}: no line `{ORDER}VERSION`"))?;
    let (recorded_on, order) = answer.split_once('\n').ok_or(format!("{name}: no order"))?;
    let lines = read_lines(program).map_err(|error| format!("{name}:{error}"))?;
    let mut parser =
        Parser { lines: lines.into_iter().peekable(), declared: BTreeMap::new(), used: Vec::new() };
    let program = parser.block(0, Inside::Callback).map_err(|error| format!("{name}:{error}"))?;
    parser.check_names().map_err(|error| format!("{name}:{error}"))?;
    Ok(Puzzle {
        name: name.to_owned(),
        question,
        program,
        names: parser.declared,
        recorded_on: recorded_on.trim().to_owned(),
        order: Order::parse(order).map_err(|error| format!("{name}: {error}"))?,
    })
}

/// The file with another answer under its program.
pub(crate) fn with_answer(text: &str, version: &str, labels: &[String]) -> String {
    let program = text.split_once(ORDER).map_or(text, |(program, _)| program);
    let mut answer = format!("{program}{ORDER}{version}\n");
    let mut width = 0;
    for label in labels {
        let separator = match width {
            0 => "",
            1..90 => " ",
            _ => {
                width = 0;
                "\n"
            }
        };
        answer += separator;
        answer += label;
        width += label.len() + 1;
    }
    answer + "\n"
}

fn read_lines(program: &str) -> Result<Vec<Line<'_>>, String> {
    let mut lines = Vec::new();
    for (index, text) in program.lines().enumerate() {
        let code = text.split('#').next().unwrap_or("").trim_end();
        let indent = code.len() - code.trim_start_matches(' ').len();
        if code.is_empty() {
            continue;
        }
        if indent % INDENT != 0 {
            return Err(format!("{}: indent by {INDENT} spaces for each level", index + 1));
        }
        let words = code.split_whitespace().collect();
        lines.push(Line { number: index + 1, depth: indent / INDENT, words });
    }
    Ok(lines)
}

impl<'a> Parser<'a> {
    fn block(&mut self, depth: usize, inside: Inside) -> Result<Block, String> {
        let mut statements = Vec::new();
        let mut ended = false;
        while let Some(line) = self.lines.next_if(|line| line.depth >= depth) {
            let number = line.number;
            if line.depth > depth {
                return Err(format!("{number}: too deep: the line above takes no block"));
            }
            if ended {
                return Err(format!("{number}: nothing runs after a return"));
            }
            let statement = self.statement(line, inside).map_err(|error| format!("{number}: {error}"))?;
            ended = matches!(statement, Statement::Return(_));
            statements.push(statement);
        }
        Ok(Arc::from(statements))
    }

    fn body(&mut self, line: &Line<'a>, inside: Inside) -> Result<Block, String> {
        self.block(line.depth + 1, inside).map_err(|error| format!("in the block below: line {error}"))
    }

    fn statement(&mut self, mut line: Line<'a>, inside: Inside) -> Result<Statement, String> {
        let name = take_name(&mut line.words)?;
        let words = line.words.clone();
        if let Some(when) = parse_when(&words)? {
            self.declare(name.as_deref(), declared_kind(when))?;
            return Ok(Statement::Later { when, name, body: self.body(&line, Inside::Callback)? });
        }
        let statement = match (words.as_slice(), name) {
            (["log", label], None) => Statement::Log(word(label)?),
            (["stall", ms], None) => Statement::Stall(Duration::from_millis(number(ms)?)),
            (["clear", name], None) => Statement::Clear(self.uses(&line, name, Use::TimerOrImmediate)),
            (["unref", name], None) => self.reference(&line, name, false),
            (["ref", name], None) => self.reference(&line, name, true),
            (["refresh", name], None) => Statement::Refresh(self.uses(&line, name, Use::Timer)),
            (["promise", name], None) => {
                self.declare(Some(name), Some(Kind::Promise))?;
                let executor = self.body(&line, Inside::Callback)?;
                Statement::Promise { name: (*name).to_owned(), executor }
            }
            (["resolve", name], None) => self.resolve(&line, name, None),
            (["resolve", name, "with", value], None) => self.resolve(&line, name, Some(value)),
            (["then", "of", of], name) => {
                self.declare(name.as_deref(), Some(Kind::Promise))?;
                let of = self.uses(&line, of, Use::Promise);
                Statement::Then { of, name, body: self.body(&line, Inside::Reaction)? }
            }
            (["chain"], name) => {
                self.declare(name.as_deref(), Some(Kind::Promise))?;
                Statement::Chain { name, links: self.links(line.depth + 1)? }
            }
            ([how @ ("all" | "race"), "of", of @ ..], Some(name)) if !of.is_empty() => {
                self.declare(Some(&name), Some(Kind::Promise))?;
                let how = if *how == "all" { Combine::All } else { Combine::Race };
                let of = of.iter().map(|of| self.uses(&line, of, Use::Promise)).collect();
                Statement::Combine { how, of, name }
            }
            (["async"], name) => {
                self.declare(name.as_deref(), Some(Kind::Promise))?;
                Statement::Async { name, body: self.body(&line, Inside::Async)? }
            }
            (["await"], None) if inside == Inside::Async => Statement::Await(None),
            (["await", name], None) if inside == Inside::Async => {
                Statement::Await(Some(self.uses(&line, name, Use::Promise)))
            }
            (["return", name], None) if matches!(inside, Inside::Async | Inside::Reaction) => {
                Statement::Return(self.uses(&line, name, Use::Promise))
            }
            _ => return Err(format!("`{}` is no statement here", words.join(" "))),
        };
        Ok(statement)
    }

    fn links(&mut self, depth: usize) -> Result<Vec<(Link, Block)>, String> {
        let mut links = Vec::new();
        while let Some(line) = self.lines.next_if(|line| line.depth == depth) {
            let link = match line.words.as_slice() {
                ["then"] => Link::Then,
                ["catch"] => Link::Catch,
                ["finally"] => Link::Finally,
                words => return Err(format!("`{}` is no link of a chain", words.join(" "))),
            };
            let body = self.body(&line, Inside::Reaction)?;
            if link == Link::Catch && !body.is_empty() {
                return Err("nothing fails in a puzzle, so a catch has no block".to_owned());
            }
            links.push((link, body));
        }
        Ok(links)
    }

    fn reference(&mut self, line: &Line<'a>, name: &str, referenced: bool) -> Statement {
        Statement::Reference { name: self.uses(line, name, Use::TimerOrImmediate), referenced }
    }

    fn resolve(&mut self, line: &Line<'a>, name: &str, with: Option<&str>) -> Statement {
        let with = with.map(|with| self.uses(line, with, Use::Promise));
        Statement::Resolve { name: self.uses(line, name, Use::Promise), with }
    }

    fn uses(&mut self, line: &Line<'a>, name: &str, what: Use) -> String {
        self.used.push((line.number, name.to_owned(), what));
        name.to_owned()
    }

    fn declare(&mut self, name: Option<&str>, kind: Option<Kind>) -> Result<(), String> {
        match (name, kind) {
            (None, _) => Ok(()),
            (Some(name), None) => Err(format!("`{name}` would name something that has no name in Node")),
            (Some(name), Some(kind)) => match self.declared.insert(name.to_owned(), kind) {
                None => Ok(()),
                Some(_) => Err(format!("`{name}` is declared already")),
            },
        }
    }

    fn check_names(&self) -> Result<(), String> {
        for (number, name, what) in &self.used {
            let fits = match (self.declared.get(name), what) {
                (None, _) => return Err(format!("{number}: nothing is called `{name}`")),
                (Some(Kind::Promise), what) => *what == Use::Promise,
                (Some(Kind::Immediate), what) => *what == Use::TimerOrImmediate,
                (Some(Kind::Timeout | Kind::Interval), what) => *what != Use::Promise,
            };
            if !fits {
                return Err(format!("{number}: `{name}` is something else"));
            }
        }
        Ok(())
    }
}

/// Takes `as NAME` from the end of the words.
fn take_name(words: &mut Vec<&str>) -> Result<Option<String>, String> {
    let [.., "as", name] = words.as_slice() else { return Ok(None) };
    let name = (*name).to_owned();
    if !name.chars().all(|c| c.is_ascii_lowercase() || c == '_') {
        return Err(format!("`{name}`: a name is lower-case letters and `_`"));
    }
    words.truncate(words.len() - 2);
    Ok(Some(name))
}

fn parse_when(words: &[&str]) -> Result<Option<When>, String> {
    let when = match words {
        ["timeout", ms] => When::Timeout(number(ms)?),
        ["interval", ms] => When::Interval(number(ms)?, None),
        ["interval", ms, "times", times] => {
            let times = number(times)?;
            When::Interval(number(ms)?, Some(u32::try_from(times).map_err(|error| error.to_string())?))
        }
        ["immediate"] => When::Immediate,
        ["next_tick"] => When::NextTick,
        ["microtask"] => When::Microtask,
        ["io"] => When::Io,
        ["connection"] => When::Connection,
        ["close_socket"] => When::CloseSocket,
        _ => return Ok(None),
    };
    Ok(Some(when))
}

fn declared_kind(when: When) -> Option<Kind> {
    match when {
        When::Timeout(_) => Some(Kind::Timeout),
        When::Interval(..) => Some(Kind::Interval),
        When::Immediate => Some(Kind::Immediate),
        _ => None,
    }
}

fn word(word: &str) -> Result<String, String> {
    match word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        true => Ok(word.to_owned()),
        false => Err(format!("`{word}`: a label is letters, digits and `_`")),
    }
}

fn number(word: &str) -> Result<u64, String> {
    word.parse().map_err(|_| format!("`{word}` is no whole number"))
}

#[test]
fn what_cannot_be_a_puzzle_is_refused() {
    let says = |program: &str| parse("x", &format!("# A question.\n{program}\n=> node 20.0.0\na\n"));
    assert!(says("log a\ntimeout 5 as t\n    log b\nclear t").is_ok());
    for (program, error) in [
        ("log", "x:2: `log` is no statement here"),
        ("log it's", "x:2: `it's`: a label is letters, digits and `_`"),
        ("timeout x", "x:2: `x` is no whole number"),
        ("log a\n    log b", "x:3: too deep: the line above takes no block"),
        ("timeout 5\n  log b", "x:3: indent by 4 spaces for each level"),
        ("clear t", "x:2: nothing is called `t`"),
        ("timeout 5 as t\nimmediate as t", "x:3: `t` is declared already"),
        ("next_tick as t", "x:2: `t` would name something that has no name in Node"),
        ("promise p\nclear p", "x:3: `p` is something else"),
        ("immediate as i\nrefresh i", "x:3: `i` is something else"),
        ("await", "x:2: `await` is no statement here"),
        ("chain\n    immediate", "x:2: `immediate` is no link of a chain"),
    ] {
        assert_eq!(says(program).unwrap_err(), error, "{program:?}");
    }
    assert!(parse("x", "log a\n=> node 20.0.0\na\n").unwrap_err().contains("sentence"));
    assert!(parse("x", "# A question.\nlog a\n").unwrap_err().contains("no line"));
}

#[test]
fn a_new_answer_replaces_the_old_one_and_nothing_else() {
    let text = "# A question.\nlog a # here\n\n=> node 20.0.0\nb\n";
    assert_eq!(with_answer(text, "20.1.0", &["a".into(), "c".into()]), text.replace("0.0\nb", "1.0\na c"));
}
