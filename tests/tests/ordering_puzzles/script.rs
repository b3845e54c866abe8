//! The form in which a puzzle is written down: statements, and the orders in which their labels may appear.
//!
//! # Model
//! A program is a list of statements; those that take a callback hold another list. A name is one variable
//! of the whole program, as if it were declared on its first line. `tests/puzzles/README.md` has the words.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// The statements of one callback.
pub(crate) type Block = Arc<[Statement]>;

/// One statement of a puzzle.
#[derive(Debug)]
pub(crate) enum Statement {
    Log(String),
    /// Computes for this long.
    Stall(Duration),
    /// Sets something whose callback comes later.
    Later {
        when: When,
        name: Option<String>,
        body: Block,
    },
    Clear(String),
    Reference {
        name: String,
        referenced: bool,
    },
    Refresh(String),
    /// `new Promise`, whose executor runs at once.
    Promise {
        name: String,
        executor: Block,
    },
    Resolve {
        name: String,
        with: Option<String>,
    },
    /// `.then` on the promise `of`.
    Then {
        of: String,
        name: Option<String>,
        body: Block,
    },
    /// A resolved promise and what hangs on it, link by link.
    Chain {
        name: Option<String>,
        links: Vec<(Link, Block)>,
    },
    /// `Promise.all` or `Promise.race`.
    Combine {
        how: Combine,
        of: Vec<String>,
        name: String,
    },
    /// An async function that is called at once.
    Async {
        name: Option<String>,
        body: Block,
    },
    /// Waits for a promise, or for a plain value.
    Await(Option<String>),
    /// Returns a promise from a reaction or an async function.
    Return(String),
}

/// What a callback waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    Timeout(u64),
    /// Every so many milliseconds; cleared after so many times, if that is said.
    Interval(u64, Option<u32>),
    Immediate,
    NextTick,
    Microtask,
    /// A request that another thread ends.
    Io,
    /// A client that connects to a server of this process.
    Connection,
    /// The end of a socket that is closed at once.
    CloseSocket,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Link {
    Then,
    /// Nothing fails in a puzzle, so a `catch` is never called; it still costs its hop.
    Catch,
    Finally,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Combine {
    All,
    Race,
}

/// What a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Timeout,
    Interval,
    Immediate,
    Promise,
}

/// One puzzle of the corpus.
#[derive(Debug)]
pub(crate) struct Puzzle {
    /// Its folder and file: `timers/same-length`.
    pub(crate) name: String,
    pub(crate) question: String,
    pub(crate) program: Block,
    pub(crate) names: BTreeMap<String, Kind>,
    /// The version of Node that gave the order, such as `20.20.2`.
    pub(crate) recorded_on: String,
    pub(crate) order: Order,
}

impl Puzzle {
    /// Whether its order needs the machine to keep pace: a process that is paused for longer than a timer's
    /// length between two lines, or a pool thread that gets no processor during a stall, changes it.
    pub(crate) fn needs_pace(&self) -> bool {
        let all = statements(&self.program);
        let has = |test: fn(&Statement) -> bool| all.iter().any(|statement| test(statement));
        let long_timer = has(|statement| match statement {
            Statement::Later { when: When::Timeout(ms) | When::Interval(ms, _), .. } => *ms > 1,
            _ => false,
        });
        let request = has(|statement| matches!(statement, Statement::Later { when: When::Io, .. }));
        long_timer || request && has(|statement| matches!(statement, Statement::Stall(_)))
    }
}

/// All statements of a block and of the blocks in it.
pub(crate) fn statements(block: &Block) -> Vec<&Statement> {
    let mut found = Vec::new();
    for statement in block.iter() {
        found.push(statement);
        match statement {
            Statement::Later { body, .. }
            | Statement::Then { body, .. }
            | Statement::Async { body, .. }
            | Statement::Promise { executor: body, .. } => found.extend(statements(body)),
            Statement::Chain { links, .. } => {
                found.extend(links.iter().flat_map(|(_, body)| statements(body)));
            }
            _ => {}
        }
    }
    found
}

/// The order of the labels; a group in braces may come in any order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Order(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Label(String),
    /// Sorted.
    Group(Vec<String>),
}

impl Order {
    /// Reads labels and groups, `a { b c } d`.
    pub(crate) fn parse(text: &str) -> Result<Order, String> {
        let mut parts = Vec::new();
        let mut group: Option<Vec<String>> = None;
        for word in text.split_whitespace() {
            match (word, &mut group) {
                ("{", None) => group = Some(Vec::new()),
                ("}", Some(_)) => {
                    let mut labels = group.take().unwrap_or_default();
                    labels.sort();
                    parts.push(Part::Group(labels));
                }
                ("{" | "}", _) => return Err("a brace of the order has no partner".to_owned()),
                (label, Some(labels)) => labels.push(label.to_owned()),
                (label, None) => parts.push(Part::Label(label.to_owned())),
            }
        }
        if group.is_some() {
            return Err("a brace of the order has no partner".to_owned());
        }
        Ok(Order(parts))
    }

    pub(crate) fn has_groups(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Group(_)))
    }

    /// Whether labels that really came in this order are allowed.
    pub(crate) fn allows(&self, labels: &[String]) -> bool {
        let mut rest = labels;
        for part in &self.0 {
            let length = match part {
                Part::Label(_) => 1,
                Part::Group(group) => group.len(),
            };
            let Some((here, after)) = rest.split_at_checked(length) else { return false };
            let matches = match part {
                Part::Label(label) => here[0] == *label,
                Part::Group(group) => {
                    let mut here = here.to_vec();
                    here.sort();
                    here == *group
                }
            };
            if !matches {
                return false;
            }
            rest = after;
        }
        rest.is_empty()
    }
}

impl fmt::Display for Order {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = self.0.iter().map(|part| match part {
            Part::Label(label) => label.clone(),
            Part::Group(labels) => format!("{{ {} }}", labels.join(" ")),
        });
        out.write_str(&parts.collect::<Vec<_>>().join(" "))
    }
}

#[test]
fn an_order_allows_what_it_says_and_nothing_else() {
    let labels = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let order = Order::parse("a { b c } d").unwrap();
    assert!(order.allows(&labels("a b c d")) && order.allows(&labels("a c b d")));
    for wrong in ["", "a", "a b c", "a b c d d", "b a c d", "a b b d", "a b d c"] {
        assert!(!order.allows(&labels(wrong)), "{wrong:?}");
    }
    assert_eq!(order.to_string(), "a { b c } d");
    for wrong in ["a { b", "a } b", "{ { a } }"] {
        assert!(Order::parse(wrong).is_err(), "{wrong:?}");
    }
}
