//! Shortens jumps to jumps, and joins instructions that touch only locals, constants and the operand stack.
//!
//! # Model
//! A jump that leads to a jump goes to where that one goes; a jump that leads to a jump back is that jump back.
//!
//! Then it walks the code backwards and finds, for each instruction, the fewest instructions that do the rest of it: either the
//! instruction as it is, or one of the fused forms that begin there. A fused form replaces a run that nothing jumps into
//! and no region begins or ends in, so neither a jump nor a handler can tell the difference.
//!
//! # Invariants
//! - F1: fused code names no global, attribute or item that the separate instructions store: `n += 1` on a global is
//!   still a load, an addition and a store.
//! - F2: an instruction that can fail keeps its line.

use crate::code::{Code, Op};

use super::unit::target_mut;

/// The most instructions that one fused form replaces.
const LONGEST: usize = 4;

/// Shortens and joins what can be shortened and joined.
pub(super) fn fuse(code: &mut Code) {
    shorten_jumps(code);
    let borders = borders(code);
    let count = code.ops.len();
    // What the code from here on costs, and what it begins with: an instruction and how many it replaces.
    let mut costs = vec![0_usize; count + 1];
    let mut chosen = vec![(Op::Nop, 1); count];
    for start in (0..count).rev() {
        let mut best = (costs[start + 1] + 1, (code.ops[start], 1));
        for length in 2..=LONGEST.min(count - start) {
            if borders[start + length - 1] {
                break;
            }
            if let Some(op) = fused(code, start, length)
                && costs[start + length] + 1 < best.0
            {
                best = (costs[start + length] + 1, (op, length));
            }
        }
        (costs[start], chosen[start]) = best;
    }
    rewrite(code, &chosen);
}

/// Jumps lead to places further on, so going backwards each of those is already as short as it can be.
fn shorten_jumps(code: &mut Code) {
    for index in (0..code.ops.len()).rev() {
        let mut op = code.ops[index];
        match op {
            Op::Jump(target) => {
                if let Op::Jump(_) | Op::JumpBackward(_) | Op::Return = code.ops[target as usize] {
                    op = code.ops[target as usize];
                }
            }
            Op::PopJumpIfFalse(ref mut target)
            | Op::PopJumpIfTrue(ref mut target)
            | Op::ForIter(ref mut target) => {
                if let Op::Jump(further) = code.ops[*target as usize] {
                    *target = further;
                }
            }
            _ => {}
        }
        code.ops[index] = op;
    }
}

/// Instructions that a run must not reach across: targets of jumps, beginnings and ends of regions.
fn borders(code: &Code) -> Vec<bool> {
    let mut borders = vec![false; code.ops.len() + 1];
    for op in &code.ops {
        if let Some(&mut target) = target_mut(&mut op.clone()) {
            borders[target as usize] = true;
        }
    }
    for handler in &code.handlers {
        for place in [handler.start, handler.end, handler.target] {
            borders[place as usize] = true;
        }
    }
    borders
}

/// The fused form of the run, if there is one. Jumps keep the target that they had.
fn fused(code: &Code, start: usize, length: usize) -> Option<Op> {
    let run = &code.ops[start..start + length];
    let lines = &code.lines[start..start + length];
    // A store of a local cannot fail, so its line does not matter.
    let failing: Vec<u32> =
        run.iter().zip(lines).filter(|(op, _)| can_fail(op)).map(|(_, line)| *line).collect();
    if failing.windows(2).any(|pair| pair[0] != pair[1]) {
        return None;
    }
    let narrow = |index: u32| u16::try_from(index).ok();
    Some(match *run {
        [Op::LoadFast(a), Op::LoadFast(b)] => Op::LoadFastLoadFast { a: narrow(a)?, b: narrow(b)? },
        [Op::LoadFast(a), Op::LoadConst(c)] => Op::LoadFastLoadConst { a: narrow(a)?, c: narrow(c)? },
        [Op::StoreFast(store), Op::LoadFast(load)] => {
            Op::StoreFastLoadFast { store: narrow(store)?, load: narrow(load)? }
        }
        [Op::LoadFast(b), Op::Binary(op)] => Op::BinaryFast { op, b: narrow(b)? },
        [Op::LoadConst(c), Op::Binary(op)] => Op::BinaryConst { op, c: narrow(c)? },
        [Op::LoadFast(a), Op::LoadAttr { name, cache }] => {
            Op::LoadFastLoadAttr { a: narrow(a)?, name, cache }
        }
        [Op::Compare(op), Op::PopJumpIfFalse(target)] => Op::CompareJump { op, target },
        [Op::ForIter(target), Op::StoreFast(local)] => Op::ForIterStoreFast { local: narrow(local)?, target },
        [Op::LoadFast(a), Op::LoadFast(b), Op::Binary(op)] => {
            Op::BinaryFastFast { op, a: narrow(a)?, b: narrow(b)? }
        }
        [Op::LoadFast(a), Op::LoadConst(c), Op::Binary(op)] => {
            Op::BinaryFastConst { op, a: narrow(a)?, c: narrow(c)? }
        }
        [Op::LoadFast(a), Op::LoadFast(b), Op::Inplace(op)] => {
            Op::InplaceFastFast { op, a: narrow(a)?, b: narrow(b)? }
        }
        [Op::LoadFast(a), Op::LoadConst(c), Op::Inplace(op)] => {
            Op::InplaceFastConst { op, a: narrow(a)?, c: narrow(c)? }
        }
        [Op::LoadFast(a), Op::LoadFast(b), Op::Subscript] => {
            Op::SubscriptFastFast { a: narrow(a)?, b: narrow(b)? }
        }
        [Op::LoadFast(a), Op::LoadFast(b), Op::Compare(op), Op::PopJumpIfFalse(target)] => {
            let skip = skip(start, target)?;
            Op::CompareFastFastJump { op, a: u8::try_from(a).ok()?, b: u8::try_from(b).ok()?, skip }
        }
        [Op::LoadFast(a), Op::LoadConst(c), Op::Compare(op), Op::PopJumpIfFalse(target)] => {
            Op::CompareFastConstJump {
                op,
                a: u8::try_from(a).ok()?,
                c: narrow(c)?,
                skip: skip(start, target)?,
            }
        }
        _ => return None,
    })
}

fn can_fail(op: &Op) -> bool {
    !matches!(op, Op::StoreFast(_) | Op::LoadConst(_))
}

/// Whether the distance fits, as it is before anything is joined; afterwards it is shorter. The true one is put in by
/// `rewrite`, which knows both places.
fn skip(start: usize, target: u32) -> Option<u16> {
    u16::try_from(target.checked_sub(start as u32)?).ok()
}

/// Writes the chosen instructions and moves targets and regions to where they are now.
fn rewrite(code: &mut Code, chosen: &[(Op, usize)]) {
    let mut places = vec![0_u32; code.ops.len() + 1];
    let mut ops = Vec::new();
    let mut lines = Vec::new();
    // The old place of each instruction that is kept, for jumps that count from their own.
    let mut origins = Vec::new();
    let mut index = 0;
    while index < chosen.len() {
        let (op, length) = chosen[index];
        places[index] = ops.len() as u32;
        let run = index..index + length;
        let line = run.clone().find(|&at| can_fail(&code.ops[at])).unwrap_or(index);
        lines.push(code.lines[line]);
        origins.push(index as u32);
        ops.push(op);
        index += length;
    }
    places[code.ops.len()] = ops.len() as u32;
    let count = ops.len() as u32;
    for (at, op) in (0..count).zip(&mut ops) {
        if let Some(target) = target_mut(op) {
            *target = places[*target as usize];
        } else if let Op::CompareFastFastJump { skip, .. } | Op::CompareFastConstJump { skip, .. } = op {
            let target = origins[at as usize] + u32::from(*skip);
            *skip = (places[target as usize] - at - 1) as u16;
        }
    }
    for handler in &mut code.handlers {
        for place in [&mut handler.start, &mut handler.end, &mut handler.target] {
            *place = places[*place as usize];
        }
    }
    code.ops = ops;
    code.lines = lines;
}
