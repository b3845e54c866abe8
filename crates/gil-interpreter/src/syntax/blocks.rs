//! What the instructions at hand are inside of: loops, try, with; and how to leave them.
//!
//! # Model
//! `return`, `break` and `continue` leave blocks from the innermost outwards. Each block that is left is undone in
//! place: a loop's iterator is popped, `__exit__` is called, what was handled before is handled again, and a `finally`
//! is compiled once more, as CPython does. While that code is written, the regions of the blocks are paused.
//!
//! ```text
//!   try/except                     finally                         with
//!   [..]        body               [..]        body                [exit]           body
//!   H: [exc]    PushHandled        F: [exc]    PushHandled         W: [exit, exc]   PushHandled
//!   [before, exc]  match, body     [before, exc]  finally          [exit, before, exc]  WithExceptStart
//!   C: [before, exc2]  Swap, PopHandled, Reraise      (the same end for all three)
//! ```

use ruff_python_ast::{ExceptHandler, ExceptHandlerExceptHandler, Expr, Stmt, StmtTry, WithItem};

use crate::code::{Const, Op};

use super::compiler::Compiler;
use super::unit::{Label, Region};

/// One block. What it has on the stack is shown with the top at the right.
#[derive(Clone, Copy)]
pub(super) enum Block<'a> {
    While {
        head: Label,
        end: Label,
    },
    /// [iterator]
    For {
        head: Label,
        end: Label,
    },
    /// The body of a try with handlers.
    Try {
        region: Region,
    },
    /// The body of a try with a finally.
    Finally {
        region: Region,
        body: &'a [Stmt],
    },
    /// [exit]: the body of a with; its line.
    With {
        region: Region,
        line: u32,
    },
    /// [before]: the body of an except.
    Handler {
        region: Region,
    },
    /// The body of an except with a name, inside `Handler`.
    HandlerName {
        region: Region,
        name: &'a str,
    },
    /// [before, exc]: a finally that runs because of an exception.
    FinallyHandler {
        region: Region,
    },
    /// [value]: a finally that runs before a return of that value.
    Value,
}

impl<'a> Compiler<'a, '_, '_> {
    /// Leaves all blocks from `keep` on, then writes `jump`. `value` says that an operand on top goes along.
    pub(super) fn leave(&mut self, keep: usize, value: bool, jump: impl FnOnce(&mut Self)) {
        let mut left = Vec::new();
        let mut paused = Vec::new();
        while self.frame.blocks.len() > keep {
            let block = self.frame.blocks.pop().expect("there are more blocks than are kept");
            left.push(block);
            paused.extend(self.undo(block, value));
        }
        jump(self);
        for region in paused.into_iter().rev() {
            self.frame.unit.resume(region);
        }
        self.frame.blocks.extend(left.into_iter().rev());
    }

    /// Writes what leaving one block needs; returns the region that was paused.
    fn undo(&mut self, block: Block<'a>, value: bool) -> Option<Region> {
        let line = self.frame.unit.line;
        let paused = match block {
            Block::While { .. } | Block::For { .. } | Block::Value => None,
            Block::Try { region }
            | Block::Finally { region, .. }
            | Block::With { region, .. }
            | Block::Handler { region }
            | Block::HandlerName { region, .. }
            | Block::FinallyHandler { region } => Some(region),
        };
        if let Some(region) = paused {
            self.frame.unit.pause(region);
        }
        let under = |this: &mut Self| {
            if value {
                this.emit(Op::Swap);
            }
        };
        match block {
            Block::While { .. } | Block::Try { .. } => {}
            Block::For { .. } | Block::Value => {
                under(self);
                self.emit(Op::Pop);
            }
            Block::Finally { body, .. } => {
                if value {
                    self.frame.blocks.push(Block::Value);
                }
                self.body(body);
                if value {
                    self.frame.blocks.pop();
                }
            }
            Block::With { line, .. } => {
                under(self);
                self.frame.unit.line = line;
                self.call_exit();
            }
            Block::Handler { .. } => {
                under(self);
                self.emit(Op::PopHandled);
            }
            Block::HandlerName { name, .. } => self.forget(name),
            Block::FinallyHandler { .. } => {
                under(self);
                self.emit(Op::Pop);
                under(self);
                self.emit(Op::PopHandled);
            }
        }
        self.frame.unit.line = line;
        paused
    }

    /// `name = None; del name`, at the end of an except with a name.
    fn forget(&mut self, name: &str) {
        self.load_const(Const::None);
        self.store_name(name);
        self.delete_name(name);
    }

    /// [exit] -> []: `exit(None, None, None)`
    fn call_exit(&mut self) {
        for _ in 0..3 {
            self.load_const(Const::None);
        }
        self.emit(Op::Call(3));
        self.emit(Op::Pop);
    }

    /// The innermost loop: its place among the blocks.
    fn innermost_loop(&self) -> Option<usize> {
        self.frame.blocks.iter().rposition(|block| matches!(block, Block::While { .. } | Block::For { .. }))
    }

    pub(super) fn break_loop(&mut self) {
        let Some(index) = self.innermost_loop() else { return };
        let (Block::While { end, .. } | Block::For { end, .. }) = self.frame.blocks[index] else { return };
        self.leave(index, false, |this| this.frame.unit.jump(Op::Jump, end));
    }

    pub(super) fn continue_loop(&mut self) {
        let Some(index) = self.innermost_loop() else { return };
        let (Block::While { head, .. } | Block::For { head, .. }) = self.frame.blocks[index] else { return };
        self.leave(index + 1, false, |this| this.frame.unit.jump(Op::JumpBackward, head));
    }

    pub(super) fn while_loop(&mut self, test: &'a Expr, body: &'a [Stmt], orelse: &'a [Stmt]) {
        let head = self.frame.unit.place_new();
        let (done, end) = (self.frame.unit.label(), self.frame.unit.label());
        self.jump_if(test, false, done);
        self.frame.blocks.push(Block::While { head, end });
        self.body(body);
        self.frame.unit.jump(Op::JumpBackward, head);
        self.frame.blocks.pop();
        self.frame.unit.place(done);
        self.body(orelse);
        self.frame.unit.place(end);
    }

    pub(super) fn for_loop(
        &mut self,
        target: &'a Expr,
        iter: &'a Expr,
        body: &'a [Stmt],
        orelse: &'a [Stmt],
    ) {
        self.iterable(iter);
        self.emit_at(iter, Op::GetIter);
        let head = self.frame.unit.place_new();
        let (done, end) = (self.frame.unit.label(), self.frame.unit.label());
        self.frame.unit.jump(Op::ForIter, done);
        self.store(target);
        self.frame.blocks.push(Block::For { head, end });
        self.body(body);
        self.frame.unit.jump(Op::JumpBackward, head);
        self.frame.blocks.pop();
        self.frame.unit.place(done);
        self.body(orelse);
        self.frame.unit.place(end);
    }

    pub(super) fn try_statement(&mut self, statement: &'a StmtTry) {
        if statement.finalbody.is_empty() {
            return self.try_except(statement);
        }
        let unit = &mut self.frame.unit;
        let (failed, cleanup, end) = (unit.label(), unit.label(), unit.label());
        let region = unit.open(failed, 0);
        self.frame.blocks.push(Block::Finally { region, body: &statement.finalbody });
        if statement.handlers.is_empty() {
            self.body(&statement.body);
        } else {
            self.try_except(statement);
        }
        self.frame.blocks.pop();
        self.frame.unit.close(region);
        self.body(&statement.finalbody);
        self.frame.unit.jump(Op::Jump, end);

        self.frame.unit.place(failed);
        if self.frame.unit.is_reachable() {
            self.emit(Op::PushHandled);
            let region = self.frame.unit.open(cleanup, 1);
            self.frame.blocks.push(Block::FinallyHandler { region });
            self.body(&statement.finalbody);
            self.frame.blocks.pop();
            self.frame.unit.close(region);
            self.restore_and_reraise(cleanup);
        }
        self.frame.unit.place(end);
    }

    fn try_except(&mut self, statement: &'a StmtTry) {
        let unit = &mut self.frame.unit;
        let (failed, cleanup, end) = (unit.label(), unit.label(), unit.label());
        let region = unit.open(failed, 0);
        self.frame.blocks.push(Block::Try { region });
        self.body(&statement.body);
        self.frame.blocks.pop();
        self.frame.unit.close(region);
        self.body(&statement.orelse);
        self.frame.unit.jump(Op::Jump, end);

        self.frame.unit.place(failed);
        if self.frame.unit.is_reachable() {
            self.emit(Op::PushHandled);
            let region = self.frame.unit.open(cleanup, 1);
            for handler in &statement.handlers {
                let ExceptHandler::ExceptHandler(handler) = handler;
                self.handler(handler, region, cleanup, end);
            }
            self.frame.unit.close(region);
            self.restore_and_reraise(cleanup);
        }
        self.frame.unit.place(end);
    }

    /// [before, exc]: one except; falls through with the same when it does not match.
    fn handler(
        &mut self,
        handler: &'a ExceptHandlerExceptHandler,
        region: Region,
        cleanup: Label,
        end: Label,
    ) {
        let next = self.frame.unit.label();
        self.at(handler);
        if let Some(class) = &handler.type_ {
            self.expr(class);
            self.emit_at(handler, Op::MatchException);
            self.frame.unit.jump(Op::PopJumpIfFalse, next);
        }
        match &handler.name {
            Some(name) => self.store_name(name),
            None => self.emit(Op::Pop),
        }
        self.frame.blocks.push(Block::Handler { region });
        let failed = self.frame.unit.label();
        match &handler.name {
            Some(name) => {
                let named = self.frame.unit.open(failed, 0);
                self.frame.blocks.push(Block::HandlerName { region: named, name });
                self.body(&handler.body);
                self.frame.blocks.pop();
                self.frame.unit.close(named);
                self.forget(name);
            }
            None => self.body(&handler.body),
        }
        self.frame.blocks.pop();
        self.frame.unit.pause(region);
        self.emit(Op::PopHandled);
        self.frame.unit.jump(Op::Jump, end);
        self.frame.unit.resume(region);
        if let Some(name) = &handler.name {
            self.frame.unit.place(failed);
            self.forget(name);
            self.frame.unit.jump(Op::Jump, cleanup);
        }
        self.frame.unit.place(next);
    }

    /// [before, exc]: the end of all code that runs because of an exception which goes on.
    fn restore_and_reraise(&mut self, cleanup: Label) {
        self.frame.unit.place(cleanup);
        self.emit(Op::Swap);
        self.emit(Op::PopHandled);
        self.emit(Op::Reraise);
    }

    /// A with of several items is one inside the other.
    pub(super) fn with_statement(&mut self, items: &'a [WithItem], body: &'a [Stmt], line: u32) {
        let Some((item, rest)) = items.split_first() else { return self.body(body) };
        let unit = &mut self.frame.unit;
        let (failed, cleanup, suppressed, end) = (unit.label(), unit.label(), unit.label(), unit.label());
        self.expr(&item.context_expr);
        self.emit_at(&item.context_expr, Op::BeforeWith);
        let region = self.frame.unit.open(failed, 1);
        match &item.optional_vars {
            Some(target) => self.store(target),
            None => self.emit(Op::Pop),
        }
        self.frame.blocks.push(Block::With { region, line });
        self.with_statement(rest, body, line);
        self.frame.blocks.pop();
        self.frame.unit.close(region);
        self.frame.unit.line = line;
        self.call_exit();
        self.frame.unit.jump(Op::Jump, end);

        self.frame.unit.place(failed);
        self.emit(Op::PushHandled);
        let region = self.frame.unit.open(cleanup, 1);
        self.emit(Op::WithExceptStart);
        self.frame.unit.jump(Op::PopJumpIfTrue, suppressed);
        self.frame.unit.close(region);
        self.restore_and_reraise(cleanup);
        self.frame.unit.place(suppressed);
        self.emit(Op::Pop);
        self.emit(Op::PopHandled);
        self.emit(Op::Pop);
        self.frame.unit.place(end);
    }
}
