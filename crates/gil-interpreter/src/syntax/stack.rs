//! How many operands are on the stack, instruction by instruction.
//!
//! # Invariants
//! - SD1: every way to an instruction brings the same number of operands, and no instruction pops below 0.
//! - SD2: a handler's depth is at most the depth of each instruction whose exceptions it takes.
//!
//! # Length
//! One table of instructions, kept whole.

use crate::code::{Code, Op};

/// What an instruction does to the operand stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Effect {
    pub(super) pops: u32,
    /// Pushed when the next instruction follows; none when it never does.
    pub(super) falls: Option<u32>,
    /// Target, and what is pushed when it is jumped to.
    pub(super) jumps: Option<(u32, u32)>,
}

/// The effect of `op` at `index`; `function` says how many operands a MakeFunction of that code pops.
pub(super) fn effect(op: Op, index: u32, function: impl Fn(u32) -> u32) -> Effect {
    let plain = |pops, pushes| Effect { pops, falls: Some(pushes), jumps: None };
    let branch =
        |pops, falls, target, pushes| Effect { pops, falls: Some(falls), jumps: Some((target, pushes)) };
    match op {
        Op::Nop
        | Op::Resume
        | Op::DeleteFast(_)
        | Op::MakeCell(_)
        | Op::DeleteDeref(_)
        | Op::DeleteGlobal(_) => plain(0, 0),
        Op::LoadConst(_)
        | Op::LoadFast(_)
        | Op::LoadClosure(_)
        | Op::LoadDeref(_)
        | Op::LoadGlobal(_)
        | Op::LoadBuiltin(_)
        | Op::LoadName { .. }
        | Op::LoadSuperAttr { .. }
        | Op::BuildNamespace
        | Op::ImportModule(_)
        | Op::LoadAssertionError => plain(0, 1),
        Op::StoreFast(_) | Op::StoreDeref(_) | Op::StoreGlobal(_) | Op::Pop | Op::DeleteAttr { .. } => {
            plain(1, 0)
        }
        Op::Dup | Op::LoadMethod { .. } | Op::PushHandled | Op::BeforeWith | Op::ImportFrom(_) => plain(1, 2),
        Op::DupTwo => plain(2, 4),
        Op::Swap | Op::MatchException => plain(2, 2),
        Op::RotThree => plain(3, 3),
        Op::RotFour => plain(4, 4),
        Op::Binary(_)
        | Op::Inplace(_)
        | Op::Compare(_)
        | Op::Is { .. }
        | Op::Contains { .. }
        | Op::Subscript => plain(2, 1),
        Op::Unary(_) | Op::LoadAttr { .. } | Op::GetIter => plain(1, 1),
        Op::StoreSubscript => plain(3, 0),
        Op::DeleteSubscript | Op::StoreAttr { .. } => plain(2, 0),
        Op::BuildSlice => plain(3, 1),
        Op::BuildList(count) | Op::BuildTuple(count) | Op::BuildString(count) => plain(count, 1),
        Op::BuildDict(pairs) => plain(2 * pairs, 1),
        Op::FormatValue { spec, .. } => plain(1 + u32::from(spec), 1),
        Op::ListAppend(depth) => plain(depth + 1, depth),
        Op::DictInsert(depth) => plain(depth + 2, depth),
        Op::Unpack(count) => plain(1, count),
        Op::UnpackStar { before, after } => plain(1, u32::from(before) + u32::from(after) + 1),
        Op::Jump(target) | Op::JumpBackward(target) => {
            Effect { pops: 0, falls: None, jumps: Some((target, 0)) }
        }
        Op::PopJumpIfFalse(target) | Op::PopJumpIfTrue(target) => branch(1, 0, target, 0),
        Op::JumpIfFalseOrPop(target) | Op::JumpIfTrueOrPop(target) => branch(1, 0, target, 1),
        Op::ForIter(target) => branch(1, 2, target, 0),
        Op::Call(count) => plain(count + 1, 1),
        Op::CallKeywords { count, .. } => plain(u32::from(count) + 1, 1),
        Op::CallMethod(count) => plain(count + 2, 1),
        Op::CallMethodKeywords { count, .. } => plain(u32::from(count) + 2, 1),
        Op::Return | Op::Reraise => Effect { pops: 1, falls: None, jumps: None },
        Op::Raise(count) => Effect { pops: count.into(), falls: None, jumps: None },
        Op::MakeFunction(code) => plain(function(code), 1),
        Op::BuildClass(_) => plain(2, 1),
        Op::PopHandled => plain(1, 0),
        Op::WithExceptStart => plain(3, 4),
        Op::LoadFastLoadFast { .. } | Op::LoadFastLoadConst { .. } => plain(0, 2),
        Op::StoreFastLoadFast { .. } | Op::BinaryFast { .. } | Op::BinaryConst { .. } => plain(1, 1),
        Op::BinaryFastFast { .. }
        | Op::BinaryFastConst { .. }
        | Op::InplaceFastFast { .. }
        | Op::InplaceFastConst { .. }
        | Op::LoadFastLoadAttr { .. }
        | Op::SubscriptFastFast { .. } => plain(0, 1),
        Op::CompareJump { target, .. } => branch(2, 0, target, 0),
        Op::CompareFastFastJump { skip, .. } | Op::CompareFastConstJump { skip, .. } => {
            branch(0, 0, index + 1 + u32::from(skip), 0)
        }
        Op::ForIterStoreFast { target, .. } => branch(1, 1, target, 0),
    }
}

/// How many operands a MakeFunction of this code pops.
pub(super) fn function_operands(code: &Code) -> u32 {
    code.with_default.len() as u32 + code.free
}

/// The most operands at once, found by following every way through the code; an error names the instruction at fault.
pub(super) fn measure(code: &Code, codes: &[Code]) -> Result<u32, String> {
    let mut depths: Vec<Option<u32>> = vec![None; code.ops.len()];
    let mut work = Vec::new();
    let mut most = 0;
    let function = |index: u32| function_operands(&codes[index as usize]);
    // The first region of the table that holds an instruction, so the last one is noted first.
    let mut innermost = vec![None; code.ops.len()];
    for handler in code.handlers.iter().rev() {
        innermost[handler.start as usize..handler.end as usize].fill(Some(handler));
    }
    flow(&mut depths, &mut work, 0, 0)?;
    while let Some(index) = work.pop() {
        let depth = depths[index as usize].expect("what is in the work list has a depth");
        if let Some(handler) = innermost[index as usize] {
            if handler.depth > depth {
                return Err(format!("{index}: a handler keeps {} of {depth} operands", handler.depth));
            }
            most = most.max(handler.depth + 1);
            flow(&mut depths, &mut work, handler.target, handler.depth + 1)?;
        }
        let effect = effect(code.ops[index as usize], index, function);
        let Some(kept) = depth.checked_sub(effect.pops) else {
            return Err(format!(
                "{index}: {:?} pops {} of {depth} operands",
                code.ops[index as usize], effect.pops
            ));
        };
        most = most.max(depth).max(kept + effect.falls.unwrap_or(0));
        if let Some(pushed) = effect.falls {
            flow(&mut depths, &mut work, index + 1, kept + pushed)?;
        }
        if let Some((target, pushed)) = effect.jumps {
            most = most.max(kept + pushed);
            flow(&mut depths, &mut work, target, kept + pushed)?;
        }
    }
    Ok(most)
}

/// Notes that `depth` operands come to `index`.
fn flow(depths: &mut [Option<u32>], work: &mut Vec<u32>, index: u32, depth: u32) -> Result<(), String> {
    match depths.get_mut(index as usize) {
        None => return Err(format!("{index}: beyond the last instruction")),
        Some(Some(known)) if *known != depth => return Err(format!("{index}: {known} or {depth} operands")),
        Some(Some(_)) => {}
        Some(slot) => {
            *slot = Some(depth);
            work.push(index);
        }
    }
    Ok(())
}
