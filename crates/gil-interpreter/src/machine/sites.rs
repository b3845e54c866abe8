//! Where a thread may be made to give up the lock: three tables over the instructions.
//!
//! # Model
//! ```text
//! Ticks      CPython 2.7           counting instructions are counted; at the end of a slice the lock is given up
//! EveryOp    CPython 3.2 to 3.9    the breaker is looked at after nearly every instruction
//! BackEdge   CPython 3.10 and on   only at jumps back, calls and the entry of functions
//! ```
//! The tables decide which races a program can show: between the load and the store of `n += 1` there is a site in
//! the first two, and none in the third. An instruction that was fused of several counts as those that it replaces.
//!
//! # Source
//! CPython 2.7.18 and 3.9.2 `Python/ceval.c` (`DISPATCH` and `FAST_DISPATCH`), 3.13.5 `Python/bytecodes.c`.

use crate::code::Op;

/// Which table a policy uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sites {
    BackEdge,
    EveryOp,
    Ticks,
}

impl Sites {
    /// May a switch happen at this instruction?
    pub(crate) fn is_site(self, op: Op) -> bool {
        match self {
            Sites::BackEdge => at_back_edge(op),
            Sites::EveryOp => after_every(op, Op::Nop),
            Sites::Ticks => ticks(op) > 0,
        }
    }
}

/// Jumps back, calls, and the entry of a function.
fn at_back_edge(op: Op) -> bool {
    matches!(
        op,
        Op::Resume
            | Op::JumpBackward(_)
            | Op::Call(_)
            | Op::CallKeywords { .. }
            | Op::CallMethod(_)
            | Op::CallMethodKeywords { .. }
            | Op::BeforeWith
            | Op::WithExceptStart
    )
}

/// May a switch happen after `last`, before `next`? CPython lets the entry of a `with` or `try` go on undisturbed.
#[inline]
pub(crate) fn after_every(last: Op, next: Op) -> bool {
    ticks(last) > 0 && !matches!(next, Op::BeforeWith)
}

/// How many of CPython 2.7's counting instructions this one stands for; loads and stores of locals are free there.
#[inline]
pub(crate) fn ticks(op: Op) -> i32 {
    match op {
        Op::Nop
        | Op::Resume
        | Op::LoadConst(_)
        | Op::LoadFast(_)
        | Op::StoreFast(_)
        | Op::Pop
        | Op::Dup
        | Op::DupTwo
        | Op::Swap
        | Op::RotThree
        | Op::RotFour
        | Op::Jump(_)
        | Op::PopJumpIfFalse(_)
        | Op::PopJumpIfTrue(_)
        | Op::JumpIfFalseOrPop(_)
        | Op::JumpIfTrueOrPop(_)
        | Op::PushHandled
        | Op::PopHandled
        | Op::LoadFastLoadFast { .. }
        | Op::LoadFastLoadConst { .. }
        | Op::StoreFastLoadFast { .. } => 0,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::code::BinaryOp;

    #[test]
    fn between_the_load_and_the_store_of_a_global_there_is_a_site_in_the_older_tables_only() {
        let increment = [Op::LoadGlobal(1), Op::LoadConst(0), Op::Inplace(BinaryOp::Add), Op::StoreGlobal(1)];
        let inside = &increment[..3];
        assert!(inside.iter().any(|op| Sites::Ticks.is_site(*op)));
        assert!(inside.iter().any(|op| Sites::EveryOp.is_site(*op)));
        assert!(!increment.iter().any(|op| Sites::BackEdge.is_site(*op)));
        assert!(Sites::BackEdge.is_site(Op::JumpBackward(0)) && Sites::BackEdge.is_site(Op::Call(1)));
    }

    #[test]
    fn loads_and_stores_of_locals_are_free() {
        assert_eq!([Op::LoadFast(0), Op::StoreFast(0), Op::LoadConst(0)].map(ticks), [0, 0, 0]);
        assert!(!after_every(Op::LoadFast(0), Op::LoadFast(1)));
    }
}
