//! Writes a puzzle as a CommonJS program for Node.
//!
//! # Model
//! The labels are collected in memory and printed when the process exits, so that looking at the order does
//! not change it. Each statement becomes what a person would write; helpers are added only where used.

use std::fmt::Write;

use crate::script::{Block, Combine, Kind, Link, Puzzle, Statement, When, statements};

const STALL: &str = "\
function stall(ms) {
  const end = performance.now() + ms;
  while (performance.now() < end);
}
";
const EVERY: &str = "\
function every(ms, times, body) {
  let calls = 0;
  const id = setInterval(() => {
    body();
    if (++calls === times) clearInterval(id);
  }, ms);
  return id;
}
";
const CONNECTION: &str = "\
function connection(body) {
  const server = net.createServer((peer) => {
    body();
    peer.destroy();
    server.close();
  });
  server.listen(0);
  const client = net.connect({ port: server.address().port, host: '127.0.0.1' });
  client.on('connect', () => client.destroy());
}
";
// An address of the loopback network that nothing is sent to: destroyed before it connects, the socket goes
// through the closing phase of libuv like every other.
const CLOSE_SOCKET: &str = "\
function closeSocket(body) {
  const socket = net.connect({ port: 9, host: '127.0.0.1' });
  socket.on('close', () => body());
  socket.destroy();
}
";

/// The program of the puzzle; it prints its labels on one line.
pub(crate) fn program(puzzle: &Puzzle) -> String {
    let all = statements(&puzzle.program);
    let sets = |wanted: fn(&When) -> bool| {
        all.iter().any(|statement| matches!(statement, Statement::Later { when, .. } if wanted(when)))
    };
    let (connection, socket) = (sets(|w| *w == When::Connection), sets(|w| *w == When::CloseSocket));
    let stall = all.iter().any(|statement| matches!(statement, Statement::Stall(_)));
    let every = sets(|w| matches!(w, When::Interval(_, Some(_))));
    let mut text = format!("// {}\n'use strict';\nconst fs = require('fs');\n", puzzle.question);
    let net = connection || socket;
    let parts = [(net, "const net = require('net');\n"), (stall, STALL), (every, EVERY)];
    let parts = parts.into_iter().chain([(connection, CONNECTION), (socket, CLOSE_SOCKET)]);
    parts.filter(|(used, _)| *used).for_each(|(_, part)| text += part);
    text += "const order = [];\n";
    text += "process.on('exit', () => fs.writeSync(1, order.join(' ') + '\\n'));\n";
    text += "const log = (label) => order.push(label);\n";
    for (name, kind) in &puzzle.names {
        match kind {
            Kind::Promise => text += &format!("let {name}, resolve_{name};\n"),
            _ => text += &format!("let {name};\n"),
        }
    }
    text += "\n";
    let mut writer = Writer { names: &puzzle.names, text, depth: 0 };
    writer.block(&puzzle.program);
    writer.text
}

struct Writer<'a> {
    names: &'a std::collections::BTreeMap<String, Kind>,
    text: String,
    depth: usize,
}

impl Writer<'_> {
    fn line(&mut self, line: &str) {
        let indent = self.depth * 2;
        writeln!(self.text, "{:indent$}{line}", "").expect("a string takes everything");
    }

    fn block(&mut self, block: &Block) {
        for statement in block.iter() {
            self.statement(statement);
        }
    }

    /// `before {`, the statements, `} after`.
    fn braces(&mut self, before: &str, block: &Block, after: &str) {
        self.line(&format!("{before} {{"));
        self.depth += 1;
        self.block(block);
        self.depth -= 1;
        self.line(&format!("}}{after}"));
    }

    fn statement(&mut self, statement: &Statement) {
        match statement {
            Statement::Log(label) => self.line(&format!("log('{label}');")),
            Statement::Stall(length) => self.line(&format!("stall({});", length.as_millis())),
            Statement::Later { when, name, body } => self.later(*when, name.as_deref(), body),
            Statement::Clear(name) => {
                let what = match self.names.get(name) {
                    Some(Kind::Immediate) => "clearImmediate",
                    Some(Kind::Interval) => "clearInterval",
                    _ => "clearTimeout",
                };
                self.line(&format!("{what}({name});"));
            }
            Statement::Reference { name, referenced: true } => self.line(&format!("{name}.ref();")),
            Statement::Reference { name, referenced: false } => self.line(&format!("{name}.unref();")),
            Statement::Refresh(name) => self.line(&format!("{name}.refresh();")),
            Statement::Promise { name, executor } => {
                self.line(&format!("{name} = new Promise((resolve) => {{"));
                self.depth += 1;
                self.line(&format!("resolve_{name} = resolve;"));
                self.block(executor);
                self.depth -= 1;
                self.line("});");
            }
            Statement::Resolve { name, with } => {
                self.line(&format!("resolve_{name}({});", with.as_deref().unwrap_or("")));
            }
            Statement::Then { of, name, body } => {
                self.braces(&format!("{}{of}.then(() =>", assign(name.as_deref())), body, ");");
            }
            Statement::Chain { name, links } => self.chain(name.as_deref(), links),
            Statement::Combine { how, of, name } => {
                let how = match how {
                    Combine::All => "all",
                    Combine::Race => "race",
                };
                self.line(&format!("{name} = Promise.{how}([{}]);", of.join(", ")));
            }
            Statement::Async { name, body } => {
                self.braces(&format!("{}(async () =>", assign(name.as_deref())), body, ")();");
            }
            Statement::Await(name) => {
                self.line(&format!("await {};", name.as_deref().unwrap_or("undefined")));
            }
            Statement::Return(name) => self.line(&format!("return {name};")),
        }
    }

    fn later(&mut self, when: When, name: Option<&str>, body: &Block) {
        let (call, after) = match when {
            When::Timeout(ms) => ("setTimeout(() =>".to_owned(), format!(", {ms});")),
            When::Interval(ms, None) => ("setInterval(() =>".to_owned(), format!(", {ms});")),
            When::Interval(ms, Some(times)) => (format!("every({ms}, {times}, () =>"), ");".to_owned()),
            When::Immediate => ("setImmediate(() =>".to_owned(), ");".to_owned()),
            When::NextTick => ("process.nextTick(() =>".to_owned(), ");".to_owned()),
            When::Microtask => ("queueMicrotask(() =>".to_owned(), ");".to_owned()),
            When::Io => ("fs.stat(__filename, () =>".to_owned(), ");".to_owned()),
            When::Connection => ("connection(() =>".to_owned(), ");".to_owned()),
            When::CloseSocket => ("closeSocket(() =>".to_owned(), ");".to_owned()),
        };
        self.braces(&format!("{}{call}", assign(name)), body, &after);
    }

    fn chain(&mut self, name: Option<&str>, links: &[(Link, Block)]) {
        self.line(&format!("{}Promise.resolve()", assign(name)));
        self.depth += 1;
        for (link, body) in links {
            match link {
                Link::Then => self.braces(".then(() =>", body, ")"),
                Link::Catch => self.line(".catch(() => {})"),
                Link::Finally => self.braces(".finally(() =>", body, ")"),
            }
        }
        self.line(";");
        self.depth -= 1;
    }
}

fn assign(name: Option<&str>) -> String {
    name.map_or_else(String::new, |name| format!("{name} = "))
}

#[test]
fn a_puzzle_reads_like_javascript() {
    let text = "# A question.\ntimeout 5 as t\n    log a\nchain as c\n    then\n        clear t\nasync\n    await c\n\n=> node 20.0.0\n";
    let puzzle = crate::parse::parse("x", text).unwrap();
    let program = program(&puzzle);
    let (_, body) = program.split_once("let t;\n\n").unwrap();
    let expected = "t = setTimeout(() => {\n  log('a');\n}, 5);\nc = Promise.resolve()\n  .then(() => {\n    clearTimeout(t);\n  })\n  ;\n(async () => {\n  await c;\n})();\n";
    assert_eq!(body, expected);
}
