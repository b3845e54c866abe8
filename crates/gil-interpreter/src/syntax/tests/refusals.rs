//! Each rule of refusal: its place, its words, its advice; and what stands near it but is allowed.

use super::{compile, refused, shown};

/// The places and messages of all refusals.
fn places(source: &str) -> Vec<String> {
    let text = |refusal: &super::Refusal| format!("{}:{} {}", refusal.line, refusal.column, refusal.message);
    refused(source).iter().map(text).collect()
}

/// Each source has one refusal, at this place, with these words in its message.
const REFUSED: &[(&str, &str, &str)] = &[
    ("def f():\n    yield 1\n", "2:5", "generators"),
    ("def f():\n    x = yield from g()\n", "2:9", "generators"),
    ("a = sum(x for x in b)\n", "1:9", "generator expressions"),
    ("async def f(): pass\n", "1:1", "async functions"),
    ("def f():\n    async for a in b: pass\n", "2:5", "async for"),
    ("def f():\n    async with a: pass\n", "2:5", "async for and async with"),
    ("def f():\n    return [a async for a in b]\n", "2:15", "async comprehensions"),
    ("def f():\n    return await a\n", "2:12", "await"),
    ("@a.b(1)\ndef f(): pass\n", "1:1", "decorators"),
    ("a = {1}\n", "1:5", "sets"),
    ("a = {b for b in c}\n", "1:5", "set comprehensions"),
    ("match a:\n    case 1: pass\n", "1:1", "match"),
    ("def f(*a): pass\n", "1:7", "star parameters"),
    ("def f(**a): pass\n", "1:7", "double star parameters"),
    ("def f(a, /, b): pass\n", "1:7", "positional-only"),
    ("f = lambda *a: 1\n", "1:12", "star parameters"),
    ("f(*a)\n", "1:3", "star arguments"),
    ("f(**a)\n", "1:3", "double star arguments"),
    ("a = [*b]\n", "1:6", "star items"),
    ("a = *b, c\n", "1:5", "star items"),
    ("a = {1: 2, **b}\n", "1:12", "double star items"),
    ("a = *b\n", "1:5", "can't use starred expression here"),
    ("class A(b, c): pass\n", "1:12", "multiple inheritance"),
    ("class A(metaclass=b): pass\n", "1:9", "metaclass"),
    ("class A(b=1): pass\n", "1:9", "keywords of a class"),
    ("class A(b()): pass\n", "1:9", "base class that is not a name"),
    ("class A(dict): pass\n", "1:9", "inherits from dict"),
    ("a: int = 1\n", "1:4", "annotations"),
    ("a: int\n", "1:4", "annotations"),
    ("def f(a: int): pass\n", "1:10", "annotations"),
    ("def f() -> int: pass\n", "1:12", "annotations"),
    ("if (a := 1): pass\n", "1:5", ":="),
    ("from math import *\n", "1:1", "import *"),
    ("from . import a\n", "1:1", "relative imports"),
    ("from __future__ import annotations\n", "1:1", "__future__"),
    ("import re\n", "1:8", "the module re is"),
    ("import os.path\n", "1:8", "the module os.path is"),
    ("import os, re\n", "1:12", "the module re is"),
    ("try: pass\nexcept* E: pass\n", "1:1", "except*"),
    ("a = 9223372036854775808\n", "1:5", "64 bits"),
    ("a = 1j\n", "1:5", "complex"),
    ("a = b @ c\n", "1:5", "operator @"),
    ("a @= b\n", "1:1", "operator @"),
    ("type A = int\n", "1:1", "type aliases"),
    ("def f[T](): pass\n", "1:6", "type parameters"),
    ("class A[T]: pass\n", "1:8", "type parameters"),
    ("def f():\n    super().a()\n", "2:5", "super() outside a method"),
    ("class A:\n    b = super().c\n", "2:9", "super() outside a method"),
    ("class A:\n    def f():\n        super().a\n", "3:9", "super() outside a method"),
    ("class A:\n    def f(self):\n        return lambda: super().a\n", "3:24", "inside a method"),
    ("class A:\n    def f(self):\n        return [super().a for b in c]\n", "3:17", "inside a method"),
    ("class A:\n    def f(self):\n        s = super()\n", "3:13", "without an attribute"),
    ("class A:\n    def f(self):\n        super(A, self).f()\n", "3:9", "with arguments"),
    ("iter(f, None)\n", "1:1", "sentinel"),
    ("type('A', (), {})\n", "1:1", "type() that makes a class"),
    ("a = '\\ud800'\n", "1:5", "surrogates"),
    ("class A:\n    def __new__(self): pass\n", "2:9", "__new__ is not honoured"),
    ("class A:\n    def __getattr__(self, n): pass\n", "2:9", "__getattr__ is not honoured"),
    ("class A:\n    __slots__ = ()\n", "2:5", "the name __slots__"),
    ("a.__dict__\n", "1:3", "the attribute __dict__"),
    ("a.__class__ = b\n", "1:3", "the attribute __class__"),
    ("a = __file__\n", "1:5", "the name __file__"),
    ("a = set()\n", "1:5", "the builtin set"),
    ("a = open\n", "1:5", "the builtin open"),
    ("try: pass\nexcept SystemError: pass\n", "2:8", "the builtin SystemError"),
    ("a = __import__('os')\n", "1:5", "the builtin __import__"),
    ("return 1\n", "1:1", "'return' outside function"),
    ("class A:\n    return 1\n", "2:5", "'return' outside function"),
    ("break\n", "1:1", "'break' outside loop"),
    ("while a:\n    def f():\n        continue\n", "3:9", "'continue' not properly in loop"),
    ("for a in b: pass\nelse: break\n", "2:7", "'break' outside loop"),
    ("f(a=1, a=2)\n", "1:8", "keyword argument repeated: a"),
    ("try: pass\nexcept: pass\nexcept E: pass\n", "2:1", "default 'except:' must be last"),
    ("*a = b\n", "1:1", "starred assignment target must be in a list or tuple"),
    ("*a, *b = c\n", "1:5", "multiple starred expressions in assignment"),
];

#[test]
fn each_rule_names_its_place() {
    let mut problems = String::new();
    for (source, place, words) in REFUSED {
        let found = places(source);
        if found.len() != 1 || !found[0].starts_with(&format!("{place} ")) || !found[0].contains(words) {
            problems += &format!("{source}expected {place} {words}\n found {found:#?}\n");
        }
    }
    assert!(problems.is_empty(), "{problems}");
}

#[test]
fn what_is_outside_the_subset_has_advice_and_what_is_no_python_has_none() {
    for (source, ..) in REFUSED {
        for refusal in refused(source) {
            let is_error = refusal.message.starts_with("SyntaxError: ");
            assert_eq!(refusal.instead.is_none(), is_error, "{refusal}");
            assert_ne!(refusal.instead.as_deref(), Some(""), "{refusal}");
        }
    }
}

/// Python's grammar, as the parser sees it.
#[test]
fn what_is_no_python_is_a_syntax_error_on_its_line() {
    let errors = [
        ("a = \n", 1),
        ("if a\n    b\n", 1),
        ("f(a=1, b)\n", 1),
        ("None = 1\n", 1),
        ("f() = 1\n", 1),
        ("1 += a\n", 1),
        ("del f()\n", 1),
        ("for 1 in a: pass\n", 1),
        ("a = (1,\nb = 2\n", 2),
        ("def f(a=1, b): pass\n", 1),
        ("def f():\nreturn\n", 2),
        ("a = 'text\n", 1),
        ("a = f'{b'\n", 1),
        ("a = f'{b!x}'\n", 1),
        ("a = f'{}'\n", 1),
        ("a = 0777\n", 1),
        ("  a = 1\n", 1),
        ("if a:\n    b\n  c\n", 3),
        ("a ? b\n", 1),
        ("a = '\\N{no such name}'\n", 1),
        ("for *a in b: pass\n", 1),
        ("with b as *a: pass\n", 1),
        ("a = [b for *b in c]\n", 1),
        ("del *a\n", 1),
        ("*a += 1\n", 1),
        ("(*a) = 1\n", 1),
        ("a = (*b)\n", 1),
        ("(a, b) += 1\n", 1),
        ("True = 1\n", 1),
        ("... = 1\n", 1),
        ("f'{a}' = 1\n", 1),
        ("a + b = 1\n", 1),
        ("del a + b\n", 1),
        ("a if b else c = 1\n", 1),
        ("import a as None\n", 1),
        ("def None(): pass\n", 1),
        ("f(True=1)\n", 1),
        ("lambda None: 1\n", 1),
        ("try: pass\nexcept E as None: pass\n", 2),
        ("f(a.b=1)\n", 1),
        ("print a\n", 1),
        ("a[*b:1]\n", 1),
        ("raise a, b\n", 1),
        ("else: pass\n", 1),
        ("try: pass\n", 2),
        ("a = b'\u{e9}'\n", 1),
    ];
    for (source, line) in errors {
        let refusals = refused(source);
        assert!(
            refusals.iter().all(|refusal| refusal.message.starts_with("SyntaxError: ")),
            "{}",
            shown(&refusals)
        );
        assert_eq!(refusals[0].line, line, "{source}{}", shown(&refusals));
    }
}

#[test]
fn what_stands_near_a_rule_is_allowed() {
    let allowed = [
        "a, *b = c\n(d, [*e]) = f\n",
        "set = dict\na = set()\nopen = 1\n",
        "def f(set): return set(1)\n",
        "import os as set\nprint(set)\n",
        "class A(Exception): pass\nclass B(object): pass\nclass C(A): pass\nimport queue\nclass D(queue.Queue): pass\n",
        "list = object\nclass A(list): pass\n",
        "class A:\n    def __init__(self): super().__init__()\n    def __radd__(self, o): return o\n    __add__ = __radd__\n    __hash__ = None\n",
        "class A:\n    def f(self):\n        class B:\n            def g(self): return super().g()\n",
        "a.__class__.__name__\nA.__init__(a)\na.__doc__\nif __name__ == '__main__': pass\n",
        "a = -9223372036854775808\n",
        "iter(a)\ntype(a)\nf = iter\n",
        "for a in b:\n    try: break\n    finally: continue\n",
        "match = 1\ncase = type = 2\nprint(match)\n",
        "def f():\n    nonlocal_name = 1\n    return nonlocal_name\n",
        "a = '\\ufffd \u{fffd} \\\\ud800'\n",
        "from threading import Thread as T, Lock\nimport time as t, sys\n",
        "while a:\n    b\nelse:\n    c\n",
        "\u{feff}a = 1\n",
        "a = 1\r\nif a:\r\n    b = 2\r\n",
        "",
        "# only a comment",
        "f(a)(b)[c].d = 1; pass\n",
        "a = 0xFFFF_FFFF + 0b1 + 0o7 + 1_000 + 1e3\n",
        "with a as b, c: pass\nwith (d as e, f): pass\n",
        "print('a' 'b' f'{c}' \"d\")\n",
    ];
    for source in allowed {
        if let Err(refusals) = compile("test.py", source) {
            panic!("{source}{}", shown(&refusals));
        }
    }
}

#[test]
fn a_refusal_shows_its_line_with_a_mark_below_the_place() {
    let refusals = refused("def f():\n    n = 'é'; x = {n, 1}\n");
    assert_eq!(
        refusals[0].to_string(),
        "test.py:2:18: sets are not part of the subset
    n = 'é'; x = {n, 1}
                 ^
write instead: a dict with the members as keys: {a: None}"
    );
    let error = refused("a = 1 +\n").remove(0).to_string();
    assert!(error.starts_with("test.py:1:8: SyntaxError: "), "{error}");
    assert!(!error.contains("write instead"), "{error}");
}

#[test]
fn a_long_line_is_cut_around_the_place() {
    let refusal = refused(&format!(
        "a = [{}, {{1}}, {}]\n",
        "1, ".repeat(200).trim_end_matches(", "),
        "2, ".repeat(200)
    ));
    let text = refusal[0].to_string();
    let lines: Vec<&str> = text.lines().collect();
    let mark = lines[2].chars().position(|c| c == '^').expect("a mark");
    assert_eq!(lines[1].chars().nth(mark), Some('{'), "{text}");
    assert!(lines[1].chars().count() <= 104, "{text}");
}

#[test]
fn all_refusals_come_at_once_in_the_order_of_the_source() {
    let found = places("import re\ndef f(*a):\n    return {1} + open(a)\n\nx: int = yield 1\n");
    let lines: Vec<&str> = found.iter().map(|place| place.split(' ').next().expect("a place")).collect();
    assert_eq!(lines, ["1:8", "2:7", "3:12", "3:18", "5:4", "5:10"]);
}

#[test]
fn a_file_full_of_mistakes_is_reported_up_to_a_number() {
    assert_eq!(refused(&"{1}; ".repeat(100_000)).len(), 1000);
    assert_eq!(refused(&"{1}\n".repeat(100_000)).len(), 1000);
    assert!(refused(&"a b\n".repeat(100_000)).len() <= 1000);
}

#[test]
fn a_refusal_in_a_finally_is_said_once() {
    let source = "def f():\n    try:\n        return 1\n    finally:\n        a = *b\n";
    assert_eq!(places(source).len(), 1);
}
