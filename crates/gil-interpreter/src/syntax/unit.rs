//! The instructions of one code while they are written: labels, regions and the depth of the operand stack.
//!
//! # Model
//! Jumps name labels until `finish`. What cannot be reached is not written: after a jump or a return, instructions are
//! dropped until a label is placed that something jumps to.
//!
//! A region is a run of instructions whose exceptions go to one label. Code that leaves a `try` (the copy of a
//! `finally` before a `return`) lies outside its region, so a region can be paused: it becomes several pieces.

use crate::code::{Handler, Op};

use super::stack;

/// A place that is jumped to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Label(u32);

/// A run of instructions with a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Region(usize);

#[derive(Clone, Copy, Debug, Default)]
struct Mark {
    position: Option<u32>,
    /// Operands on the stack, once something jumps there.
    depth: Option<u32>,
}

#[derive(Clone, Copy, Debug)]
struct OpenRegion {
    target: Label,
    /// Operands that the handler keeps; none when the region begins where nothing is reached.
    depth: Option<u32>,
    /// How many regions are around it.
    nesting: usize,
    /// None while it is paused.
    start: Option<u32>,
}

/// One piece of a region.
#[derive(Clone, Copy, Debug)]
struct Piece {
    nesting: usize,
    handler: Handler,
}

/// Instructions, lines and handlers in the making.
#[derive(Debug)]
pub(super) struct Unit {
    ops: Vec<Op>,
    lines: Vec<u32>,
    /// Line of the instructions that follow.
    pub(super) line: u32,
    labels: Vec<Mark>,
    regions: Vec<OpenRegion>,
    pieces: Vec<Piece>,
    nesting: usize,
    /// None where nothing is reached.
    depth: Option<u32>,
}

/// The finished instructions.
pub(super) struct Finished {
    pub(super) ops: Vec<Op>,
    pub(super) lines: Vec<u32>,
    pub(super) handlers: Vec<Handler>,
}

impl Unit {
    pub(super) fn new(line: u32) -> Self {
        Self {
            ops: Vec::new(),
            lines: Vec::new(),
            line,
            labels: Vec::new(),
            regions: Vec::new(),
            pieces: Vec::new(),
            nesting: 0,
            depth: Some(0),
        }
    }

    /// Whether the next instruction can be reached.
    pub(super) fn is_reachable(&self) -> bool {
        self.depth.is_some()
    }

    pub(super) fn len(&self) -> usize {
        self.ops.len()
    }

    pub(super) fn emit(&mut self, op: Op) {
        self.write(op, 0);
    }

    /// MakeFunction, which pops the defaults and cells of its code.
    pub(super) fn emit_function(&mut self, code: u32, operands: u32) {
        self.write(Op::MakeFunction(code), operands);
    }

    fn write(&mut self, op: Op, function: u32) {
        let Some(depth) = self.depth else { return };
        let effect = stack::effect(op, self.ops.len() as u32, |_| function);
        let kept = depth.checked_sub(effect.pops).expect("the compiler pops what it has pushed");
        if let Some((label, pushed)) = effect.jumps {
            self.come(Label(label), kept + pushed);
        }
        self.ops.push(op);
        self.lines.push(self.line);
        self.depth = effect.falls.map(|pushed| kept + pushed);
    }

    /// Writes a jump; `op` is a constructor such as `Op::PopJumpIfFalse`.
    pub(super) fn jump(&mut self, op: impl Fn(u32) -> Op, label: Label) {
        self.emit(op(label.0));
    }

    pub(super) fn label(&mut self) -> Label {
        self.labels.push(Mark::default());
        Label(self.labels.len() as u32 - 1)
    }

    fn come(&mut self, label: Label, depth: u32) {
        let mark = &mut self.labels[label.0 as usize];
        let known = *mark.depth.get_or_insert(depth);
        assert_eq!(known, depth, "every way to a label brings the same operands");
    }

    /// The label stands here; what follows can be reached when something jumps to it.
    pub(super) fn place(&mut self, label: Label) {
        if let Some(depth) = self.depth {
            self.come(label, depth);
        }
        let mark = &mut self.labels[label.0 as usize];
        mark.position = Some(self.ops.len() as u32);
        self.depth = mark.depth;
    }

    /// A label at the head of a loop.
    pub(super) fn place_new(&mut self) -> Label {
        let label = self.label();
        self.place(label);
        label
    }

    /// From here on, exceptions go to `target`, which keeps the operands that are on the stack now but for the last
    /// `dropped`.
    pub(super) fn open(&mut self, target: Label, dropped: u32) -> Region {
        let start = Some(self.ops.len() as u32);
        let depth = self.depth.map(|depth| depth - dropped);
        self.regions.push(OpenRegion { target, depth, nesting: self.nesting, start });
        self.nesting += 1;
        Region(self.regions.len() - 1)
    }

    /// Code that leaves the region follows; exceptions in it go to the regions outside.
    pub(super) fn pause(&mut self, region: Region) {
        let end = self.ops.len() as u32;
        let OpenRegion { target, depth, nesting, .. } = self.regions[region.0];
        let (Some(start), Some(depth)) = (self.regions[region.0].start.take(), depth) else { return };
        if start < end {
            self.come(target, depth + 1);
            self.pieces.push(Piece { nesting, handler: Handler { start, end, target: target.0, depth } });
        }
    }

    /// The code that leaves the region is over.
    pub(super) fn resume(&mut self, region: Region) {
        self.regions[region.0].start = Some(self.ops.len() as u32);
    }

    pub(super) fn close(&mut self, region: Region) {
        self.pause(region);
        self.nesting = self.regions[region.0].nesting;
    }

    /// Puts positions in place of labels, and inner handlers before outer ones.
    pub(super) fn finish(mut self) -> Finished {
        let position =
            |label: u32| self.labels[label as usize].position.expect("a label that is used is placed");
        for op in &mut self.ops {
            if let Some(target) = target_mut(op) {
                *target = position(*target);
            }
        }
        self.pieces.sort_by_key(|piece| std::cmp::Reverse(piece.nesting));
        let resolved = |handler: Handler| Handler { target: position(handler.target), ..handler };
        let handlers = self.pieces.iter().map(|piece| resolved(piece.handler)).collect();
        Finished { ops: self.ops, lines: self.lines, handlers }
    }
}

/// Where the instruction's target stands, for those that jump to a place of the code.
pub(super) fn target_mut(op: &mut Op) -> Option<&mut u32> {
    match op {
        Op::Jump(target)
        | Op::JumpBackward(target)
        | Op::PopJumpIfFalse(target)
        | Op::PopJumpIfTrue(target)
        | Op::JumpIfFalseOrPop(target)
        | Op::JumpIfTrueOrPop(target)
        | Op::ForIter(target)
        | Op::CompareJump { target, .. }
        | Op::ForIterStoreFast { target, .. } => Some(target),
        _ => None,
    }
}
