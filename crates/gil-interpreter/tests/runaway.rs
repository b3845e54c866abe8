//! Programs that recurse or allocate without end: Python's exception, which the program can catch, and then it goes on.

mod support;

use gil_interpreter::gil::Policy;
use support::{HANGS, Limits, Outcome, outcome};

/// How deep recursion begins. Each part ends in RecursionError.
const RECURSIONS: [(&str, &str); 10] = [
    ("function", "def f(n):\n    return f(n + 1)\nstart = lambda: f(0)\n"),
    ("method", "class A:\n    def f(self):\n        return self.f()\nstart = lambda: A().f()\n"),
    ("init", "class A:\n    def __init__(self):\n        self.inner = A()\nstart = lambda: A()\n"),
    ("repr", "class A:\n    def __repr__(self):\n        return repr(self)\nstart = lambda: repr([A()])\n"),
    ("str", "class A:\n    def __str__(self):\n        return f'{self}'\nstart = lambda: print(A())\n"),
    (
        "eq",
        "class A:\n    def __eq__(self, other):\n        return [self] == [A()]\nstart = lambda: A() == 1\n",
    ),
    ("key", "def key(n):\n    return sorted([1, 2], key=key)\nstart = lambda: key(1)\n"),
    (
        "getitem",
        "class A:\n    def __getitem__(self, at):\n        return self[at]\nstart = lambda: A()[0]\n",
    ),
    ("len", "class A:\n    def __len__(self):\n        return len(self)\nstart = lambda: len(A())\n"),
    (
        "nested lists",
        "def nest():\n    a = []\n    b = []\n    for _ in range(5000):\n        a = [a]\n        b = [b]\n    return a == b\n\
         start = nest\n",
    ),
];

#[test]
fn recursion_without_end_is_an_exception() {
    for (name, definition) in RECURSIONS {
        let source = format!(
            "{definition}for _ in range(2):\n    try:\n        start()\n        print('no exception')\n    except RecursionError as error:\n        \
             print(str(error)[:32])\nprint('goes on')\n"
        );
        let said = "maximum recursion depth exceeded\n";
        expect(name, &source, 64 << 20, &format!("{said}{said}goes on\n"));
    }
}

#[test]
fn a_program_that_does_not_catch_it_ends_with_its_traceback() {
    let source = "def f():\n    return [f()]\nf()\n";
    for policy in [Policy::Gil310, Policy::Free] {
        let Outcome { exit_code, timed_out, out, err } = outcome(source, &Limits::plenty(policy));
        assert_eq!((exit_code, timed_out, &*out), (1, false, ""));
        assert!(err.starts_with("Traceback (most recent call last):\n"), "{err}");
        assert!(err.contains("\n  [Previous line repeated 99"), "repeated lines are counted: {err}");
        assert!(err.ends_with("RecursionError: maximum recursion depth exceeded\n"), "{err}");
    }
}

#[test]
fn values_inside_values_can_be_deeper_than_any_stack() {
    let source = "a = []\nfor _ in range(100000):\n    a = [a]\nb = (1,)\nfor _ in range(100000):\n    b = (b,)\n\
                  junk = [0] * 100000\njunk = None\nprint(len(a), len(b))\n\
                  for deep in [lambda: repr(a), lambda: hash(b), lambda: str(b), lambda: a == [a]]:\n    try:\n        deep()\n    \
                  except RecursionError:\n        print('too deep')\n";
    expect("deep values", source, 256 << 20, "1 1\ntoo deep\ntoo deep\ntoo deep\ntoo deep\n");
}

/// What allocates until there is no more; `kept` is where it may keep it.
const ALLOCATIONS: [(&str, &str); 16] = [
    ("list append", "while True:\n            kept.append('x' * 100)"),
    ("list of ints", "while True:\n            kept.append(1)"),
    ("list extend", "while True:\n            kept.extend([1, 2, 3])"),
    ("list +=", "while True:\n            kept += [1, 2, 3]"),
    ("str doubling", "text = 'x'\n        while True:\n            text = text + text"),
    ("str +=", "text = 'x' * 1000000\n        while True:\n            text += 'x' * 1000000"),
    (
        "dict growth",
        "table = {}\n        n = 0\n        while True:\n            table[n] = n\n            n += 1",
    ),
    ("list * n", "kept.append([0] * 1000000000)"),
    ("str * n", "kept.append('x' * 1000000000000)"),
    ("bytes * n", "kept.append(b'x' * 1000000000000)"),
    ("nested tuples", "pair = ()\n        while True:\n            pair = (pair, pair, 'x' * 50)"),
    ("list of a range", "kept.append(list(range(1000000000)))"),
    ("str.join", "part = 'x' * 100000\n        kept.append(part.join(['a'] * 10000))"),
    ("f-string width", "width = 10000000000\n        kept.append(f'{1:>{width}}')"),
    ("instances", "while True:\n            kept.append(Thing(kept))"),
    ("comprehension", "kept.append([str(n) * 10 for n in range(1000000000)])"),
];

#[test]
fn allocation_without_end_is_an_exception() {
    for (name, work) in ALLOCATIONS {
        let source = format!(
            "class Thing:\n    def __init__(self, of):\n        self.of = of\n\n\
             def grow():\n    kept = []\n    try:\n        {work}\n    except MemoryError:\n        return 'no memory'\n\n\
             print(grow())\nprint(grow())\nprint(len([0] * 1000))\n"
        );
        expect(name, &source, 16 << 20, "no memory\nno memory\n1000\n");
    }
}

/// Runs it under a lock and without one; both must print `expected` and end well.
fn expect(name: &str, source: &str, memory_bytes: usize, expected: &str) {
    for policy in [Policy::Gil310, Policy::Free] {
        let found = outcome(source, &Limits { policy, memory_bytes, time: HANGS });
        let wanted = Outcome { exit_code: 0, timed_out: false, out: expected.into(), err: String::new() };
        assert_eq!(found, wanted, "{name} under {}", policy.name());
    }
}
