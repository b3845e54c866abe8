//! Statements: each leaves the stack as it was.

use ruff_python_ast::{Expr, Stmt, StmtAssert, StmtAugAssign, StmtIf, StmtImport, StmtImportFrom, StmtRaise};
use ruff_text_size::Ranged;

use crate::code::{Const, Op};

use super::compiler::Compiler;
use super::expressions::binary_op;
use super::fold;

impl<'a> Compiler<'a, '_, '_> {
    pub(super) fn body(&mut self, body: &'a [Stmt]) {
        for statement in body {
            // Nothing jumps into a statement, so what is unreachable at its beginning is unreachable as a whole.
            if !self.frame.unit.is_reachable() || self.gave_up() {
                return;
            }
            self.at(statement);
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &'a Stmt) {
        match statement {
            Stmt::Expr(expression) => {
                if fold::constant(&expression.value).is_none() {
                    self.expr(&expression.value);
                    self.emit(Op::Pop);
                }
            }
            Stmt::Assign(assign) => self.assign(&assign.targets, &assign.value),
            Stmt::AugAssign(assign) => self.augmented_assign(assign),
            Stmt::Delete(delete) => delete.targets.iter().for_each(|target| self.delete(target)),
            Stmt::If(statement) => self.if_statement(statement),
            Stmt::While(w) => self.while_loop(&w.test, &w.body, &w.orelse),
            Stmt::For(f) => self.for_loop(&f.target, &f.iter, &f.body, &f.orelse),
            Stmt::Break(_) => self.break_loop(),
            Stmt::Continue(_) => self.continue_loop(),
            Stmt::Return(statement) => self.return_statement(statement.value.as_deref()),
            Stmt::FunctionDef(function) => self.function(function),
            Stmt::ClassDef(class) => self.class(class),
            Stmt::Try(statement) => self.try_statement(statement),
            Stmt::With(with) => {
                let line = self.frame.unit.line;
                self.with_statement(&with.items, &with.body, line);
            }
            Stmt::Raise(raise) => self.raise(raise),
            Stmt::Assert(assert) => self.assert(assert),
            Stmt::Import(import) => self.import(import),
            Stmt::ImportFrom(import) => self.import_from(import),
            Stmt::Pass(_) | Stmt::Global(_) | Stmt::Nonlocal(_) => {}
            Stmt::Match(_) | Stmt::TypeAlias(_) | Stmt::AnnAssign(_) | Stmt::IpyEscapeCommand(_) => {
                unreachable!("the subset has no such statement")
            }
        }
    }

    fn if_statement(&mut self, statement: &'a StmtIf) {
        let end = self.frame.unit.label();
        let mut next = self.frame.unit.label();
        self.jump_if(&statement.test, false, next);
        self.body(&statement.body);
        for clause in &statement.elif_else_clauses {
            self.frame.unit.jump(Op::Jump, end);
            self.frame.unit.place(next);
            next = self.frame.unit.label();
            if let Some(test) = &clause.test {
                self.at(test);
                self.jump_if(test, false, next);
            }
            self.body(&clause.body);
        }
        self.frame.unit.place(next);
        self.frame.unit.place(end);
    }

    fn return_statement(&mut self, value: Option<&'a Expr>) {
        let constant = value.map_or(Some(Const::None), fold::constant);
        match (value, constant) {
            (_, Some(constant)) => self.leave(0, false, |this| {
                this.load_const(constant);
                this.emit(Op::Return);
            }),
            (Some(value), None) => {
                let line = self.frame.unit.line;
                self.expr(value);
                self.frame.unit.line = line;
                self.leave(0, true, |this| this.emit(Op::Return));
            }
            (None, None) => unreachable!("a return without a value returns the constant None"),
        }
    }

    fn assign(&mut self, targets: &'a [Expr], value: &'a Expr) {
        if let [Expr::Tuple(target)] = targets
            && let Expr::Tuple(values) = value
            && self.exchange(&target.elts, &values.elts)
        {
            return;
        }
        self.expr(value);
        for (index, target) in targets.iter().enumerate() {
            if index + 1 < targets.len() {
                self.emit(Op::Dup);
            }
            self.store(target);
        }
    }

    /// `a, b = b, a` and the same with three or four, without a tuple; `false` when it is something else.
    fn exchange(&mut self, targets: &'a [Expr], values: &'a [Expr]) -> bool {
        let turn: &[Op] = match (targets.len(), values.len()) {
            (2, 2) => &[Op::Swap],
            (3, 3) => &[Op::RotThree, Op::Swap],
            (4, 4) => &[Op::RotFour, Op::RotThree, Op::Swap],
            _ => return false,
        };
        if targets.iter().chain(values).any(Expr::is_starred_expr) {
            return false;
        }
        values.iter().for_each(|value| self.expr(value));
        turn.iter().for_each(|&op| self.emit(op));
        targets.iter().for_each(|target| self.store(target));
        true
    }

    fn augmented_assign(&mut self, assign: &'a StmtAugAssign) {
        match &*assign.target {
            Expr::Name(name) => {
                self.at(name);
                self.load_name(&name.id);
                self.in_place(assign);
                self.at(name);
                self.store_name(&name.id);
            }
            Expr::Attribute(target) => {
                self.expr(&target.value);
                self.at(&target.attr);
                self.emit(Op::Dup);
                let name = self.attribute_name(&target.attr);
                let cache = self.pool.cache();
                self.emit(Op::LoadAttr { name, cache });
                self.in_place(assign);
                self.at(&target.attr);
                self.emit(Op::Swap);
                let cache = self.pool.cache();
                self.emit(Op::StoreAttr { name, cache });
            }
            Expr::Subscript(target) => {
                self.expr(&target.value);
                self.index(&target.slice);
                self.emit_at(target, Op::DupTwo);
                self.emit(Op::Subscript);
                self.in_place(assign);
                self.emit_at(target, Op::RotThree);
                self.emit(Op::StoreSubscript);
            }
            other => {
                let message = "illegal expression for augmented assignment";
                self.report.syntax_error(other.start().to_u32(), message);
            }
        }
    }

    fn in_place(&mut self, assign: &'a StmtAugAssign) {
        self.expr(&assign.value);
        self.emit_at(assign, Op::Inplace(binary_op(assign.op)));
    }

    /// [value] -> [] and target = value
    pub(super) fn store(&mut self, target: &'a Expr) {
        match target {
            Expr::Name(name) => {
                self.at(name);
                self.store_name(&name.id);
            }
            Expr::Attribute(attribute) => {
                self.expr(&attribute.value);
                self.at(&attribute.attr);
                let name = self.attribute_name(&attribute.attr);
                let cache = self.pool.cache();
                self.emit(Op::StoreAttr { name, cache });
            }
            Expr::Subscript(subscript) => {
                self.expr(&subscript.value);
                self.index(&subscript.slice);
                self.emit_at(subscript, Op::StoreSubscript);
            }
            Expr::Tuple(tuple) => self.unpack(target, &tuple.elts),
            Expr::List(list) => self.unpack(target, &list.elts),
            other => self.no_target(other, "cannot assign to this"),
        }
    }

    fn unpack(&mut self, target: &'a Expr, items: &'a [Expr]) {
        self.at(target);
        match items.iter().position(Expr::is_starred_expr) {
            None => self.emit(Op::Unpack(items.len() as u32)),
            Some(before) => {
                let message = "too many targets beside a star";
                let after = self.narrow((items.len() - before - 1) as u32, message);
                let before = self.narrow(before as u32, message);
                self.emit(Op::UnpackStar { before, after });
            }
        }
        for item in items {
            match item {
                Expr::Starred(star) => self.store(&star.value),
                _ => self.store(item),
            }
        }
    }

    fn delete(&mut self, target: &'a Expr) {
        match target {
            Expr::Name(name) => {
                self.at(name);
                self.delete_name(&name.id);
            }
            Expr::Attribute(attribute) => {
                self.expr(&attribute.value);
                self.at(&attribute.attr);
                let name = self.attribute_name(&attribute.attr);
                self.emit(Op::DeleteAttr { name });
            }
            Expr::Subscript(subscript) => {
                self.expr(&subscript.value);
                self.index(&subscript.slice);
                self.emit_at(subscript, Op::DeleteSubscript);
            }
            Expr::Tuple(tuple) => tuple.elts.iter().for_each(|item| self.delete(item)),
            Expr::List(list) => list.elts.iter().for_each(|item| self.delete(item)),
            other => {
                self.load_const(Const::None);
                self.no_target(other, "cannot delete this");
            }
        }
    }

    /// [value] -> []: the parser lets few such things through, most with a star.
    fn no_target(&mut self, target: &Expr, message: &str) {
        let message = match target {
            Expr::Starred(_) => "starred assignment target must be in a list or tuple",
            _ => message,
        };
        self.report.syntax_error(target.start().to_u32(), message);
        self.emit(Op::Pop);
    }

    fn raise(&mut self, raise: &'a StmtRaise) {
        let parts = [raise.exc.as_deref(), raise.cause.as_deref()];
        let count = parts.into_iter().flatten().map(|part| self.expr(part)).count();
        self.emit_at(raise, Op::Raise(count as u8));
    }

    fn assert(&mut self, assert: &'a StmtAssert) {
        let holds = self.frame.unit.label();
        self.jump_if(&assert.test, true, holds);
        self.emit_at(assert, Op::LoadAssertionError);
        if let Some(message) = &assert.msg {
            self.expr(message);
            self.emit_at(assert, Op::Call(1));
        }
        self.emit(Op::Raise(1));
        self.frame.unit.place(holds);
    }

    fn import(&mut self, import: &'a StmtImport) {
        for alias in &import.names {
            let module = self.pool.name(&alias.name);
            self.emit(Op::ImportModule(module));
            self.store_name(alias.asname.as_ref().unwrap_or(&alias.name));
        }
    }

    fn import_from(&mut self, import: &'a StmtImportFrom) {
        let module = self.pool.name(import.module.as_deref().unwrap_or_default());
        self.emit(Op::ImportModule(module));
        for alias in &import.names {
            let name = self.pool.name(&alias.name);
            self.emit(Op::ImportFrom(name));
            self.store_name(alias.asname.as_ref().unwrap_or(&alias.name));
        }
        self.emit(Op::Pop);
    }
}
