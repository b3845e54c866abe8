//! Sources that are too large or too deep: a clear refusal, or a program; never a crash.

use super::{check_invariants, compile, refused, shown};

/// Compiles, and returns the first message when it is refused.
fn outcome(source: &str) -> Option<String> {
    match compile("test.py", source) {
        Ok(program) => {
            check_invariants(&program);
            None
        }
        Err(refusals) => Some(refusals[0].message.clone()),
    }
}

/// Makes a source with a chain of this length.
type Chain = fn(usize) -> String;

#[test]
fn l1_chains_up_to_the_limit_work_and_longer_ones_are_refused() {
    let deep = "this expression nests too deeply";
    let chains: [(&str, Chain); 9] = [
        ("additions", |n| format!("a = 1\nb = a{}\n", " + a".repeat(n))),
        ("attributes", |n| format!("a = 1\nb = a{}\n", ".c".repeat(n))),
        ("not", |n| format!("a = {}1\n", "not ".repeat(n))),
        ("signs", |n| format!("a = b = 1\na = {}b\n", "-".repeat(n))),
        ("calls", |n| format!("a = print\na{}\n", "()".repeat(n))),
        ("lambdas with commas", |n| format!("a = {}1\n", "lambda b, c: ".repeat(n))),
        ("conditionals", |n| format!("a = {}1\n", "1 if a else ".repeat(n))),
        ("powers", |n| format!("a = 2\nb = a{}\n", " ** a".repeat(n))),
        ("items", |n| format!("a = 1\nb = a{}\n", "[0]".repeat(n))),
    ];
    for (name, chain) in chains {
        assert_eq!(outcome(&chain(400)), None, "{name}");
        assert_eq!(outcome(&chain(3_000)).as_deref(), Some(deep), "{name}");
        assert_eq!(outcome(&chain(60_000)).as_deref(), Some(deep), "{name}");
    }
}

#[test]
fn l1_brackets_beyond_the_limit_are_refused_open_or_closed() {
    for bracket in ["(", "[", "{", "f(", "a[", "{1: ", "(lambda: ", "f'{", "x = ("] {
        let message = outcome(&bracket.repeat(100_000)).expect(bracket);
        assert!(
            message.contains("nests too deeply") || message.contains("SyntaxError"),
            "{bracket}: {message}"
        );
    }
    assert_eq!(outcome(&format!("{}1{}", "(".repeat(200), ")".repeat(200))), None);
    let refusal = &refused(&format!("ok = 1\nx = {}1{}\n", "(".repeat(201), ")".repeat(201)))[0];
    assert_eq!((refusal.line, refusal.column), (2, 205));
}

#[test]
fn l1_one_line_blocks_inside_each_other_are_refused() {
    for head in
        ["if a: ", "while a: ", "for a in b: ", "with a: ", "try: ", "class a: ", "def f(): ", "else: "]
    {
        let message = outcome(&head.repeat(60_000)).expect(head);
        assert!(message.contains("nests too deeply") || message.contains("SyntaxError"), "{head}: {message}");
    }
}

#[test]
fn l1_indentation_has_cpythons_limit() {
    let nested = |levels: usize| -> String {
        let blocks = (0..levels).map(|level| format!("{}if True:\n", " ".repeat(level)));
        blocks.chain([format!("{}pass\n", " ".repeat(levels))]).collect()
    };
    assert_eq!(outcome(&nested(100)), None);
    assert_eq!(outcome(&nested(101)).as_deref(), Some("too many levels of indentation"));
    assert_eq!(outcome(&nested(1_000)).as_deref(), Some("too many levels of indentation"));
}

#[test]
fn long_flat_programs_work() {
    let elifs: String = (0..20_000).map(|n| format!("elif a == {n}:\n    b = {n}\n")).collect();
    assert_eq!(outcome(&format!("a = b = 1\nif a:\n    pass\n{elifs}")), None);
    assert_eq!(outcome(&format!("a = [{}]\n", "-1, b.c, ".repeat(30_000))), None);
    assert_eq!(outcome(&format!("a = {{{}}}\n", "'key': a.b + 1, ".repeat(20_000))), None);
    assert_eq!(outcome(&"print('line')\n".repeat(50_000)), None);
    assert_eq!(outcome(&format!("a = 1 < b{}\n", " < b".repeat(900))), None);
    assert_eq!(outcome(&"'text' ".repeat(100_000)), None);
}

#[test]
fn a_source_of_more_than_a_mebibyte_is_refused() {
    let refusals = refused(&"#".repeat((1 << 20) + 1));
    assert_eq!(refusals[0].message, "a source of 1048577 bytes is too large");
    assert_eq!(outcome(&"#".repeat(1 << 20)), None);
}

#[test]
fn copies_of_finally_blocks_inside_each_other_are_refused_when_they_get_too_many() {
    let mut source = String::from("def f(a):\n");
    for level in 0..24 {
        let indent = " ".repeat(level + 1);
        source += &format!("{indent}try:\n{indent} a()\n{indent}finally:\n");
    }
    source += &format!("{}a()\n", " ".repeat(25));
    let refusals = refused(&source);
    assert_eq!(refusals.len(), 1, "{}", shown(&refusals));
    assert_eq!(refusals[0].message, "this program needs too many instructions");
}

#[test]
fn more_than_65535_names_of_attributes_are_refused() {
    let source: String = (0..66_000).map(|n| format!("a.b{n:x}\n")).collect();
    assert_eq!(outcome(&source).as_deref(), Some("this program has too many different names"));
}

#[test]
fn when_the_caches_are_used_up_the_rest_goes_without() {
    let program = compile("test.py", &"a.b\n".repeat(70_000)).expect("a program");
    assert_eq!(program.caches, u32::from(u16::MAX));
    check_invariants(&program);
}
