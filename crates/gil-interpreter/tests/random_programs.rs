//! Random programs of the subset that end: the same under every lock, and as CPython runs them, where it is installed.
//!
//! # Model
//! Statements and expressions are drawn at random over a few variables of any type, so that most of them raise;
//! each statement stands in a `try` of its own that prints what was raised. Loops have few passes and texts are cut
//! short, so that a program ends soon.

mod support;

use std::io::Write;
use std::process::{Command, Stdio};

use gil_interpreter::gil::Policy;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use support::{HANGS, Limits, Outcome, outcome};

fn atom() -> impl Strategy<Value = String> {
    let fixed = [
        "a",
        "b",
        "c",
        "d",
        "0",
        "1",
        "2",
        "-3",
        "7",
        "2.5",
        "-0.0",
        "1e300",
        "True",
        "False",
        "None",
        "''",
        "'ab'",
        "'x y z'",
        "b'ab'",
        "[]",
        "[1, 2, 3]",
        "(1, 'a')",
        "()",
        "{}",
        "{'k': 1, 2: 'v'}",
        "range(5)",
        "Box(1)",
        "len",
        "int",
    ];
    prop::sample::select(fixed.map(str::to_owned).to_vec())
}

fn expression() -> impl Strategy<Value = String> {
    let binary = prop::sample::select(vec![
        "+", "-", "*", "/", "//", "%", "&", "|", "^", "<<", ">>", "==", "!=", "<", "<=", ">", ">=", "in",
        "not in", "is", "and", "or",
    ]);
    let calls = prop::sample::select(vec![
        "len",
        "str",
        "repr",
        "list",
        "tuple",
        "sorted",
        "sum",
        "max",
        "min",
        "abs",
        "bool",
        "int",
        "float",
        "type",
        "reversed",
        "enumerate",
        "hash_of",
        "dict",
        "any",
        "all",
        "chr",
        "ord",
        "round",
        "bin",
        "bytes",
        "call",
        "Box",
    ]);
    let methods = prop::sample::select(vec![
        "append",
        "pop",
        "index",
        "count",
        "extend",
        "insert",
        "remove",
        "get",
        "keys",
        "items",
        "update",
        "split",
        "join",
        "upper",
        "strip",
        "replace",
        "find",
        "startswith",
        "value",
        "twice",
        "sort",
        "clear",
        "copy",
        "setdefault",
    ]);
    let formats = prop::sample::select(vec![
        "", ":5", ":>8", ":.2f", ":d", ":x", ":,", "!r", "!s:^9", ":e", ":%", ":05",
    ]);
    atom().prop_recursive(3, 24, 3, move |inner| {
        prop_oneof![
            4 => (inner.clone(), binary.clone(), inner.clone()).prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            3 => (calls.clone(), inner.clone()).prop_map(|(f, a)| format!("{f}({a})")),
            3 => (inner.clone(), methods.clone(), inner.clone()).prop_map(|(a, m, b)| format!("({a}).{m}({b})")),
            1 => (inner.clone(), methods.clone()).prop_map(|(a, m)| format!("({a}).{m}()")),
            2 => (inner.clone(), inner.clone()).prop_map(|(a, i)| format!("({a})[{i}]")),
            1 => (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, i, j)| format!("({a})[{i}:{j}]")),
            1 => (inner.clone(), inner.clone(), inner.clone()).prop_map(|(a, c, b)| format!("({a} if {c} else {b})")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, i)| format!("[{a} for d in short({i})]")),
            1 => (prop::sample::select(vec!["a", "b", "c", "12", "-3", "2.5", "1e300", "True", "[]"]), formats.clone())
                .prop_map(|(a, f)| format!("f\"{{{a}{f}}}\"")),
            1 => (inner.clone(), inner.clone()).prop_map(|(a, b)| format!("{{{a}: {b}}}")),
            1 => (inner.clone(), inner).prop_map(|(a, b)| format!("('%s %r' % ({a}, {b}))")),
        ]
    })
}

fn statement() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["a", "b", "c", "d"]);
    let assign = prop::sample::select(vec!["=", "+=", "-=", "*=", "//=", "|="]);
    prop_oneof![
        4 => expression().prop_map(|e| format!("show({e})")),
        4 => (name.clone(), assign, expression()).prop_map(|(n, op, e)| format!("{n} {op} {e}")),
        1 => (name.clone(), expression()).prop_map(|(n, e)| format!("for {n} in short({e}):\n        show({n})")),
        1 => (expression(), expression(), expression())
            .prop_map(|(c, a, b)| format!("if {c}:\n        show({a})\n    else:\n        show({b})")),
        1 => (name.clone(), name.clone(), expression()).prop_map(|(n, m, e)| format!("{n}, {m} = {e}")),
        1 => (expression(), expression(), expression()).prop_map(|(a, i, e)| format!("({a})[{i}] = {e}")),
        1 => (name, expression()).prop_map(|(n, e)| format!("{n}.value = {e}")),
        1 => expression().prop_map(|e| format!("raise ValueError({e})")),
        1 => (expression(), expression()).prop_map(|(a, e)| format!("del ({a})[{e}]")),
    ]
}

const BEGIN: &str = r#"class Box:
    def __init__(self, value):
        self.value = value
    def __repr__(self):
        return "Box(" + repr(self.value)[:20] + ")"
    def __eq__(self, other):
        return isinstance(other, Box) and self.value == other.value
    def __len__(self):
        return len(self.value)
    def twice(self):
        return Box(self.value + self.value)

def hash_of(value):
    return hash(value) == hash(value)

def call(value):
    return value()

def short(values):
    found = []
    for value in values:
        found.append(value)
        if len(found) == 5:
            break
    return found

def show(value):
    text = repr(value)
    if " at 0x" in text or "<built-in" in text or "object>" in text:
        text = "an object"
    print(type(value).__name__, text[:80])

a = 1
b = "text"
c = [1, 2.5, "x"]
d = {"k": 1}
"#;

fn program(statements: &[String]) -> String {
    let mut source = BEGIN.to_owned();
    for statement in statements {
        source += &format!(
            "try:\n    {statement}\nexcept MemoryError:\n    print('MemoryError')\nexcept Exception as error:\n    print(type(error).__name__, str(error)[:100])\n"
        );
    }
    source
}

fn programs() -> impl Strategy<Value = String> {
    prop::collection::vec(statement(), 1..12).prop_map(|statements| program(&statements))
}

/// How a program ends may differ in nothing but a clean stop.
fn ends_well(source: &str) -> Outcome {
    let [first, second] = [Policy::Gil310, Policy::Free]
        .map(|policy| outcome(source, &Limits { policy, memory_bytes: 32 << 20, time: HANGS }));
    assert_eq!(first, second, "the lock makes a difference for\n{source}");
    assert!(first.exit_code == 0 && !first.timed_out, "{first:?}\n{source}");
    first
}

proptest! {
    #![proptest_config(Config { cases: 150, failure_persistence: None, ..Config::default() })]

    #[test]
    fn random_programs_end_in_the_same_way_under_every_lock(source in programs()) {
        ends_well(&source);
    }
}

/// What CPython prints for a program; nothing where it is not installed.
fn cpython(source: &str) -> Option<String> {
    let mut command = Command::new("python3.11");
    command
        .args(["-I", "-X", "utf8", "-W", "ignore", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().ok()?;
    child.stdin.take()?.write_all(source.as_bytes()).ok()?;
    let output = child.wait_with_output().ok()?;
    // A shim of a version that is not there ends without a word; a program that CPython refuses does not.
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(!err.contains("Error"), "{err}");
    output.status.success().then(|| out.into_owned())
}

/// One text of all programs for one start of CPython: each runs in its own namespace after a line that numbers it.
fn together(sources: &[String]) -> String {
    let mut all = String::new();
    for (number, source) in sources.iter().enumerate() {
        let numbered = format!("print('--- program', {number})\n{source}");
        all += &format!(
            "exec(compile({}, 'program', 'exec'), {{'__name__': '__main__'}})\n",
            python_str(&numbered)
        );
    }
    all
}

fn python_str(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}

#[test]
fn a_fixed_batch_prints_what_cpython_prints() {
    let mut runner = TestRunner::deterministic();
    let sources: Vec<String> =
        (0..200).map(|_| programs().new_tree(&mut runner).expect("a program").current()).collect();
    let Some(expected) = cpython(&together(&sources)) else {
        println!("python3.11 is not installed: nothing to compare with");
        return;
    };
    let mut differences = Vec::new();
    for (source, part) in sources.iter().zip(expected.split("--- program ").skip(1)) {
        let part = part.split_once('\n').map_or("", |(_, part)| part);
        let found = ends_well(source).out;
        for (ours, theirs) in found.lines().zip(part.lines()) {
            // Our int has 64 bits and our classes are no generics; whatever follows from that differs too.
            let outside =
                ours.contains("64 bits") || ours.contains("TypeError type '") || ours.contains(" at 0x");
            if outside || ours == "MemoryError" || theirs == "MemoryError" {
                break;
            }
            if ours != theirs {
                differences.push(format!("ours   {ours}\ntheirs {theirs}\n{}", &source[BEGIN.len()..]));
                break;
            }
        }
    }
    assert!(differences.is_empty(), "{} of 200:\n{}", differences.len(), differences.join("\n=====\n"));
}
