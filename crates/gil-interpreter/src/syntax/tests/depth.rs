//! The check of the operand stack, on code that is wrong: it must say so.

use super::{compiled, stack};
use crate::code::{Compiled, Handler, Op};

/// A correct program whose function `f` has a region.
fn program() -> Compiled {
    compiled(
        "def f(a):\n    for b in a:\n        try:\n            a(b)\n        except E:\n            a(1)\n",
    )
}

/// What the check says after a change of the instructions or handlers of `f`.
fn verdict(change: impl FnOnce(&mut Vec<Op>, &mut Vec<Handler>)) -> Result<u32, String> {
    let mut program = program();
    let code = &mut program.codes[1];
    change(&mut code.ops, &mut code.handlers);
    stack::measure(&program.codes[1], &program.codes)
}

#[test]
fn sd1_operands_that_do_not_agree_are_found() {
    assert!(verdict(|_, _| {}).is_ok());
    let position = |ops: &[Op], wanted: Op| ops.iter().position(|op| *op == wanted).expect("the instruction");
    let missing = verdict(|ops, _| {
        let pop = position(ops, Op::Pop);
        ops[pop] = Op::Nop;
    });
    assert!(missing.is_err(), "{missing:?}");
    let below = verdict(|ops, _| ops[1] = Op::Pop);
    assert!(below.expect_err("nothing is there to pop").contains("pops 1 of 0"));
    let beyond = verdict(|ops, _| {
        ops.truncate(ops.len() - 1);
    });
    assert!(beyond.expect_err("the end is open").contains("beyond the last instruction"));
}

#[test]
fn sd2_handlers_that_keep_what_is_not_there_are_found() {
    let too_deep = verdict(|_, handlers| handlers[0].depth += 5);
    assert!(too_deep.expect_err("so many operands are not there").contains("a handler keeps"));
    let too_flat = verdict(|_, handlers| handlers.iter_mut().for_each(|handler| handler.depth = 0));
    assert!(too_flat.is_err(), "the iterator is missing after the handler: {too_flat:?}");
}

#[test]
fn the_size_of_the_stack_is_what_the_deepest_place_needs() {
    let program = compiled("def f(a):\n    return a(1, 2, [3, a, (a, a, a)])\n");
    // The callee, two arguments, two items, three items of the innermost.
    assert_eq!(program.codes[1].stack_size, 8);
    assert_eq!(compiled("pass\n").codes[0].stack_size, 1);
}
