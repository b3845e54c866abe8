//! Random sources: bytecode or refusals, never a panic.

use proptest::collection::vec;
use proptest::prelude::*;

use super::{check_invariants, compile, programs};

/// Compiles whatever it is; what comes out must be fit to run, or say where it is not.
fn survives(source: &str) {
    match compile("fuzz.py", source) {
        Ok(program) => check_invariants(&program),
        Err(refusals) => {
            assert!(!refusals.is_empty());
            for refusal in refusals {
                let lines = source.matches(['\n', '\r']).count() as u32 + 1;
                assert!((1..=lines).contains(&refusal.line) && refusal.column >= 1, "{refusal}");
                assert!(!refusal.to_string().is_empty());
            }
        }
    }
}

/// Words of Python, weighted towards what has blocks and scopes.
const TOKENS: &[&str] = &[
    "a",
    "b",
    "self",
    "__a",
    "__init__",
    "x",
    "print",
    "super()",
    "set",
    "open",
    "1",
    "0x10",
    "2.5",
    "'s'",
    "b'b'",
    "f'{a}'",
    "f'{a!r:>{b}}'",
    "f\"{a=}\"",
    "None",
    "True",
    "...",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ":",
    ";",
    ".",
    "=",
    "+=",
    "==",
    "<",
    "+",
    "-",
    "*",
    "**",
    "/",
    "//",
    "%",
    "@",
    "&",
    "|",
    "^",
    "~",
    "<<",
    ">>",
    "->",
    ":=",
    "not ",
    " and ",
    " or ",
    " in ",
    " is ",
    " if ",
    " else ",
    "\nif a:\n ",
    "\nelif b:\n ",
    "\nelse:\n ",
    "\nwhile a:\n ",
    "\nfor a in b:\n ",
    "\ntry:\n ",
    "\nexcept E as e:\n ",
    "\nexcept:\n ",
    "\nfinally:\n ",
    "\nwith a as b:\n ",
    "\ndef f(a, b=1, *, c):\n ",
    "\nclass A:\n ",
    "\nclass B(A):\n ",
    "lambda a: ",
    "return ",
    "break",
    "continue",
    "pass",
    "raise ",
    " from ",
    "import ",
    "os",
    "global a",
    "nonlocal a",
    "del ",
    "assert ",
    "yield ",
    "await ",
    "async ",
    "match a:\n case ",
    "type A = ",
    " for a in b",
    "\n",
    "\n ",
    "\n  ",
    "\n   ",
    "\t",
    "\\\n",
    "#",
    "\r",
    "\u{c}",
    "\u{e9}",
    "\u{1f980}",
    "'''",
    "\"",
];

/// A block of statements; all that can be wrong with it is that a jump stands where it may not.
fn block(depth: u32) -> BoxedStrategy<Vec<String>> {
    let plain = prop::sample::select(vec![
        "a = b",
        "a += 1",
        "x, y = y, x",
        "print(a, end=b)",
        "v = [i * a for i in range(b) if i]",
        "w = {k: (lambda: k) for k in v}",
        "self.n = a.b.c",
        "del a",
        "import time",
        "t[a:b] = f'{a:>{b}} {x!r}'",
        "assert a, b",
        "z = a if b else x and y or not a",
        "q = a < b <= x",
        "pass",
        "a.b(x)(y)[z] -= 1",
        "m = lambda p, q=a: p + q + b",
    ])
    .prop_map(|line: &str| vec![line.to_owned()]);
    if depth == 0 {
        return plain.boxed();
    }
    let leave =
        prop::sample::select(vec!["break", "continue", "return a", "return", "raise", "raise E(a) from b"]);
    let body = || vec(block(depth - 1), 1..4).prop_map(|lines| indented(lines.concat()));
    let with = |head: &'static str| body().prop_map(move |body| [vec![head.to_owned()], body].concat());
    let leaving = leave.prop_map(|line: &str| vec!["if a:".to_owned(), format!(" {line}")]);
    prop_oneof![
        4 => plain,
        2 => leaving,
        1 => with("if a or b:"),
        1 => with("while a:"),
        1 => with("for a, *b in c:"),
        1 => with("with a as b, c:"),
        1 => with("def g(a, b=1, *, c=a):"),
        1 => with("class C(b):"),
        2 => (body(), body(), body(), body()).prop_map(|(tried, caught, other, last)| {
            let head = |line: &str| vec![line.to_owned()];
            [head("try:"), tried, head("except E as e:"), caught, head("else:"), other, head("finally:"), last].concat()
        }),
        1 => (body(), body()).prop_map(|(tried, last)| {
            [vec!["try:".to_owned()], tried, vec!["finally:".to_owned()], last].concat()
        }),
    ]
    .boxed()
}

fn indented(lines: Vec<String>) -> Vec<String> {
    lines.into_iter().map(|line| format!(" {line}")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn s1_random_bytes_are_survived(bytes in vec(any::<u8>(), 0..400)) {
        survives(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn s1_random_text_is_survived(text in "\\PC{0,120}") {
        survives(&text);
    }

    #[test]
    fn s1_soups_of_tokens_are_survived(tokens in vec(prop::sample::select(TOKENS), 0..120)) {
        survives(&tokens.concat());
    }

    #[test]
    fn s1_changed_programs_are_survived(
        program in any::<prop::sample::Index>(),
        changes in vec((any::<prop::sample::Index>(), 0_usize..40, prop::sample::select(TOKENS)), 1..6),
    ) {
        let programs = programs("corpus");
        let mut source = program.get(&programs).1.clone();
        for (place, removed, token) in changes {
            if source.is_empty() {
                break;
            }
            let start = source.floor_char_boundary(place.index(source.len()));
            let end = source.ceil_char_boundary((start + removed).min(source.len()));
            source.replace_range(start..end, token);
        }
        survives(&source);
    }

    #[test]
    fn sd1_sd2_blocks_inside_each_other_keep_the_stack_in_balance(lines in block(4)) {
        let body = indented(indented(lines));
        let source = format!("def f(a, b):\n for c in a:\n{}\n", body.join("\n"));
        survives(&source);
        for refusal in compile("fuzz.py", &source).err().unwrap_or_default() {
            let stray = ["outside loop", "not properly in loop", "outside function"];
            prop_assert!(stray.iter().any(|words| refusal.message.contains(words)), "{}", refusal);
        }
    }
}
