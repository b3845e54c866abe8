//! What is joined, and what must stay apart.

use super::{check_invariants, compiled};
use crate::code::{Code, Op};
use crate::listing::listing;

/// The instructions of the function `f` on one line.
fn on_line(source: &str, line: u32) -> Vec<String> {
    let program = compiled(source);
    check_invariants(&program);
    let listing = listing(&program).into_iter().find(|code| code.name == "f").expect("a function f");
    listing.instructions.into_iter().filter(|one| one.line == line).map(|one| one.text).collect()
}

#[test]
fn locals_and_constants_are_joined_with_what_is_done_with_them() {
    let source = "
def f(a, b):
    a = b - 1
    a += b
    a = a * b + a
    while a < 10:
        b = a[b]
    for a in b:
        if a != b:
            return a.name
";
    assert_eq!(on_line(source, 3), ["LOAD_FAST__LOAD_CONST__BINARY_OP b - 1", "STORE_FAST a"]);
    assert_eq!(on_line(source, 4), ["LOAD_FAST__LOAD_FAST__BINARY_OP a += b", "STORE_FAST a"]);
    assert_eq!(
        on_line(source, 5),
        ["LOAD_FAST__LOAD_FAST__BINARY_OP a * b", "LOAD_FAST__BINARY_OP + a", "STORE_FAST a"]
    );
    assert_eq!(
        on_line(source, 6),
        ["LOAD_FAST__LOAD_CONST__COMPARE_OP__POP_JUMP_IF_FALSE a < 10 else to 12"]
    );
    assert_eq!(on_line(source, 7)[0], "LOAD_FAST__LOAD_FAST__BINARY_SUBSCR a[b]");
    assert!(
        on_line(source, 8).contains(&"FOR_ITER__STORE_FAST a else to 21".to_owned()),
        "{:?}",
        on_line(source, 8)
    );
    assert_eq!(on_line(source, 9), ["LOAD_FAST__LOAD_FAST__COMPARE_OP__POP_JUMP_IF_FALSE a != b else to 20"]);
    assert_eq!(on_line(source, 10)[0], "LOAD_FAST__LOAD_ATTR a.name");
}

#[test]
fn f1_an_update_that_another_thread_can_see_stays_in_three_parts() {
    let source = "n = 0\ndef f(self, k):\n    global n\n    n += k\n    self.n += 1\n    k[0] += 1\n";
    assert_eq!(on_line(source, 4), ["LOAD_GLOBAL n", "LOAD_FAST k", "BINARY_OP +=", "STORE_GLOBAL n"]);
    let attribute = on_line(source, 5);
    let place =
        |text: &str| attribute.iter().position(|one| one == text).unwrap_or_else(|| panic!("{attribute:?}"));
    assert!(place("LOAD_ATTR n") < place("BINARY_OP +=") && place("BINARY_OP +=") < place("STORE_ATTR n"));
    let item = on_line(source, 6);
    let place = |text: &str| item.iter().position(|one| one == text).unwrap_or_else(|| panic!("{item:?}"));
    assert!(place("BINARY_SUBSCR") < place("BINARY_OP +=") && place("BINARY_OP +=") < place("STORE_SUBSCR"));
}

#[test]
fn f2_operands_on_lines_of_their_own_are_not_joined() {
    let source = "def f(a, b):\n    return (a +\n        b)\n";
    assert_eq!(on_line(source, 2), ["LOAD_FAST a", "BINARY_OP +", "RETURN_VALUE"]);
    assert_eq!(on_line(source, 3), ["LOAD_FAST b"]);
}

#[test]
fn nothing_is_joined_across_a_place_that_is_jumped_to() {
    let source = "def f(a, b, c):\n    return (a if b else c) + b\n";
    let texts = on_line(source, 2);
    assert!(texts.contains(&"LOAD_FAST__BINARY_OP + b".to_owned()), "{texts:?}");
    assert!(texts.contains(&"LOAD_FAST c".to_owned()), "the end of the condition is jumped over: {texts:?}");
}

#[test]
fn jumps_to_jumps_go_all_the_way() {
    let source = "def f(a, b):\n    while a:\n        if b:\n            if a: b()\n            else: a()\n";
    let program = compiled(source);
    check_invariants(&program);
    let Code { ops, .. } = &program.codes[1];
    let forward = ops.iter().filter(|op| matches!(op, Op::Jump(_))).count();
    assert_eq!(forward, 0, "{ops:?}");
}

#[test]
fn places_beyond_what_a_fused_form_can_name_are_reached_by_plain_ones() {
    let assigned: String = (0..300).map(|n| format!("    v{n} = {n}\n")).collect();
    let source = format!("def f():\n{assigned}    while v298 < v299:\n        v0 = v1 + v299\n");
    assert!(
        on_line(&source, 302)[0].starts_with("LOAD_FAST__LOAD_FAST v298, v299"),
        "{:?}",
        on_line(&source, 302)
    );
    let long: String = "        a(a, a, a, a)\n".repeat(20_000);
    let far = format!("def f(a, b):\n    while a < b:\n{long}");
    assert!(
        on_line(&far, 2)[1].starts_with("COMPARE_OP__POP_JUMP_IF_FALSE < else to 1"),
        "{:?}",
        on_line(&far, 2)
    );
}

/// The operands of a run of turns, last on top, after the turns.
fn turned(ops: &[Op], mut operands: Vec<u32>) -> Vec<u32> {
    for op in ops {
        let count = operands.len();
        match op {
            Op::Swap => operands[count - 2..].rotate_right(1),
            Op::RotThree => operands[count - 3..].rotate_right(1),
            Op::RotFour => operands[count - 4..].rotate_right(1),
            _ => {}
        }
    }
    operands
}

#[test]
fn an_exchange_turns_its_values_so_that_the_first_is_on_top() {
    for (source, count) in
        [("a, b = x, y\n", 2), ("a, b, c = x, y, z\n", 3), ("a, b, c, d = w, x, y, z\n", 4)]
    {
        let program = compiled(source);
        let ops = &program.codes[0].ops;
        assert!(!ops.iter().any(|op| matches!(op, Op::Unpack(_) | Op::BuildTuple(_))), "{ops:?}");
        assert_eq!(turned(ops, (0..count).collect()), (0..count).rev().collect::<Vec<_>>(), "{source}");
    }
}
