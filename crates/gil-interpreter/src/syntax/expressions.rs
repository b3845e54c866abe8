//! Expressions: each leaves one value on the stack.

use ruff_python_ast::{
    BoolOp, CmpOp, Expr, ExprBoolOp, ExprCall, ExprCompare, ExprDict, ExprIf, ExprSlice, ExprUnaryOp,
    Keyword, Operator, UnaryOp as AstUnaryOp,
};
use ruff_text_size::Ranged;

use crate::code::{BinaryOp, CompareOp, Const, Op, UnaryOp};

use super::compiler::Compiler;
use super::fold;
use super::unit::Label;

/// The instruction's operator.
pub(super) fn binary_op(op: Operator) -> BinaryOp {
    match op {
        Operator::Add => BinaryOp::Add,
        Operator::Sub => BinaryOp::Sub,
        Operator::Mult => BinaryOp::Mul,
        Operator::Div => BinaryOp::Div,
        Operator::FloorDiv => BinaryOp::FloorDiv,
        Operator::Mod => BinaryOp::Mod,
        Operator::Pow => BinaryOp::Pow,
        Operator::LShift => BinaryOp::LShift,
        Operator::RShift => BinaryOp::RShift,
        Operator::BitAnd => BinaryOp::And,
        Operator::BitOr => BinaryOp::Or,
        Operator::BitXor => BinaryOp::Xor,
        Operator::MatMult => unreachable!("the subset has no matrix multiplication"),
    }
}

fn compare_op(op: CmpOp) -> Op {
    match op {
        CmpOp::Eq => Op::Compare(CompareOp::Eq),
        CmpOp::NotEq => Op::Compare(CompareOp::Ne),
        CmpOp::Lt => Op::Compare(CompareOp::Lt),
        CmpOp::LtE => Op::Compare(CompareOp::Le),
        CmpOp::Gt => Op::Compare(CompareOp::Gt),
        CmpOp::GtE => Op::Compare(CompareOp::Ge),
        CmpOp::Is => Op::Is { invert: false },
        CmpOp::IsNot => Op::Is { invert: true },
        CmpOp::In => Op::Contains { invert: false },
        CmpOp::NotIn => Op::Contains { invert: true },
    }
}

impl<'a> Compiler<'a, '_, '_> {
    /// [] -> [value]
    pub(super) fn expr(&mut self, expr: &'a Expr) {
        if let Some(constant) = fold::constant(expr) {
            self.at(expr);
            return self.load_const(constant);
        }
        match expr {
            Expr::Name(name) => {
                self.at(name);
                self.load_name(&name.id);
            }
            Expr::Attribute(attribute) => self.attribute(attribute),
            Expr::Subscript(subscript) => {
                self.expr(&subscript.value);
                self.index(&subscript.slice);
                self.emit_at(expr, Op::Subscript);
            }
            Expr::Call(call) => self.call(call),
            Expr::BinOp(binary) => {
                self.expr(&binary.left);
                self.expr(&binary.right);
                self.emit_at(expr, Op::Binary(binary_op(binary.op)));
            }
            Expr::UnaryOp(unary) => self.unary(unary),
            Expr::Compare(compare) => self.compare(compare),
            Expr::BoolOp(operation) => self.bool_op(operation),
            Expr::If(conditional) => self.conditional(conditional),
            Expr::Tuple(tuple) => self.items(expr, &tuple.elts, Op::BuildTuple),
            Expr::List(list) => self.items(expr, &list.elts, Op::BuildList),
            Expr::Dict(dict) => self.dict(dict),
            Expr::Lambda(lambda) => self.lambda(lambda),
            Expr::ListComp(_) | Expr::DictComp(_) => self.comprehension(expr),
            Expr::FString(string) => self.fstring(string),
            Expr::Slice(slice) => self.slice(slice),
            Expr::Starred(star) => {
                let message = "can't use starred expression here";
                self.report.syntax_error(star.start().to_u32(), message);
                self.load_const(Const::None);
            }
            Expr::StringLiteral(_)
            | Expr::BytesLiteral(_)
            | Expr::NumberLiteral(_)
            | Expr::BooleanLiteral(_)
            | Expr::NoneLiteral(_)
            | Expr::EllipsisLiteral(_) => unreachable!("a literal is a constant"),
            Expr::Named(_)
            | Expr::Set(_)
            | Expr::SetComp(_)
            | Expr::Generator(_)
            | Expr::Await(_)
            | Expr::Yield(_)
            | Expr::YieldFrom(_)
            | Expr::TString(_)
            | Expr::IpyEscapeCommand(_) => unreachable!("the subset has no such expression"),
        }
    }

    fn items(&mut self, expr: &'a Expr, items: &'a [Expr], build: impl Fn(u32) -> Op) {
        items.iter().for_each(|item| self.expr(item));
        self.emit_at(expr, build(items.len() as u32));
    }

    fn dict(&mut self, dict: &'a ExprDict) {
        for item in dict {
            item.key.iter().for_each(|key| self.expr(key));
            self.expr(&item.value);
        }
        self.emit_at(dict, Op::BuildDict(dict.len() as u32));
    }

    fn attribute(&mut self, attribute: &'a ruff_python_ast::ExprAttribute) {
        let is_super = is_super(&attribute.value);
        if !is_super {
            self.expr(&attribute.value);
        }
        self.at(&attribute.attr);
        let name = self.attribute_name(&attribute.attr);
        if is_super {
            return self.emit(Op::LoadSuperAttr { name });
        }
        let cache = self.pool.cache();
        self.emit(Op::LoadAttr { name, cache });
    }

    /// [] -> [index]
    pub(super) fn index(&mut self, index: &'a Expr) {
        self.expr(index);
    }

    fn slice(&mut self, slice: &'a ExprSlice) {
        for part in [&slice.lower, &slice.upper, &slice.step] {
            match part {
                Some(part) => self.expr(part),
                None => {
                    self.at(slice);
                    self.load_const(Const::None);
                }
            }
        }
        self.emit_at(slice, Op::BuildSlice);
    }

    fn unary(&mut self, unary: &'a ExprUnaryOp) {
        self.expr(&unary.operand);
        let op = match unary.op {
            AstUnaryOp::USub => UnaryOp::Neg,
            AstUnaryOp::UAdd => UnaryOp::Pos,
            AstUnaryOp::Not => UnaryOp::Not,
            AstUnaryOp::Invert => UnaryOp::Invert,
        };
        self.emit_at(unary, Op::Unary(op));
    }

    fn call(&mut self, call: &'a ExprCall) {
        let method = match &*call.func {
            Expr::Attribute(attribute) if !is_super(&attribute.value) => {
                self.expr(&attribute.value);
                self.at(&attribute.attr);
                let name = self.attribute_name(&attribute.attr);
                let cache = self.pool.cache();
                self.emit(Op::LoadMethod { name, cache });
                true
            }
            other => {
                self.expr(other);
                false
            }
        };
        let line = self.frame.unit.line;
        call.arguments.args.iter().for_each(|argument| self.expr(argument));
        let keywords = &call.arguments.keywords;
        keywords.iter().for_each(|keyword| self.expr(&keyword.value));
        // A call of a method is of the line of its name, as in Python's tracebacks; other calls of that of the callee.
        match method {
            true => self.frame.unit.line = line,
            false => self.at(call),
        }
        let count = (call.arguments.args.len() + keywords.len()) as u32;
        if keywords.is_empty() {
            return self.emit(if method { Op::CallMethod(count) } else { Op::Call(count) });
        }
        let names = self.keyword_names(keywords);
        let count = self.narrow(count, "this call has too many arguments");
        self.emit(match method {
            true => Op::CallMethodKeywords { count, names },
            false => Op::CallKeywords { count, names },
        });
    }

    fn keyword_names(&mut self, keywords: &[Keyword]) -> u32 {
        let names = keywords.iter().filter_map(|keyword| keyword.arg.as_deref());
        let names = names.map(|name| Const::Str(self.names.mangled(self.frame.scope, name).into())).collect();
        self.pool.constant(Const::Tuple(names))
    }

    fn conditional(&mut self, conditional: &'a ExprIf) {
        let (otherwise, end) = (self.frame.unit.label(), self.frame.unit.label());
        self.jump_if(&conditional.test, false, otherwise);
        if self.frame.unit.is_reachable() {
            self.expr(&conditional.body);
            self.frame.unit.jump(Op::Jump, end);
        }
        self.frame.unit.place(otherwise);
        if self.frame.unit.is_reachable() {
            self.expr(&conditional.orelse);
        }
        self.frame.unit.place(end);
    }

    fn bool_op(&mut self, operation: &'a ExprBoolOp) {
        let end = self.frame.unit.label();
        let jump = match operation.op {
            BoolOp::And => Op::JumpIfFalseOrPop,
            BoolOp::Or => Op::JumpIfTrueOrPop,
        };
        for (index, value) in operation.values.iter().enumerate() {
            self.expr(value);
            if index + 1 < operation.values.len() {
                self.at(operation);
                self.frame.unit.jump(jump, end);
            }
        }
        self.frame.unit.place(end);
    }

    fn compare(&mut self, compare: &'a ExprCompare) {
        if compare.ops.len() == 1 {
            return self.compare_one(compare);
        }
        let (failed, end) = (self.frame.unit.label(), self.frame.unit.label());
        self.chain(compare, |this| this.frame.unit.jump(Op::JumpIfFalseOrPop, failed));
        self.frame.unit.jump(Op::Jump, end);
        self.frame.unit.place(failed);
        self.emit(Op::Swap);
        self.emit(Op::Pop);
        self.frame.unit.place(end);
    }

    fn compare_one(&mut self, compare: &'a ExprCompare) {
        self.expr(&compare.left);
        self.comparand(compare.ops[0], &compare.comparators[0]);
        self.emit_at(compare, compare_op(compare.ops[0]));
    }

    /// The right side of a comparison; a list of constants that is only searched is a tuple.
    fn comparand(&mut self, op: CmpOp, expr: &'a Expr) {
        match op {
            CmpOp::In | CmpOp::NotIn => self.iterable(expr),
            _ => self.expr(expr),
        }
    }

    /// An operand that is only walked or searched: a list of constants need not be built.
    pub(super) fn iterable(&mut self, expr: &'a Expr) {
        match expr.as_list_expr().and_then(|list| fold::items(&list.elts)) {
            Some(items) => {
                self.at(expr);
                self.load_const(Const::Tuple(items));
            }
            None => self.expr(expr),
        }
    }

    /// All comparisons of a chain: after each but the last, `failed` with [right, result]; at the end [result].
    fn chain(&mut self, compare: &'a ExprCompare, mut failed: impl FnMut(&mut Self)) {
        self.expr(&compare.left);
        let last = compare.ops.len() - 1;
        for (index, (&op, right)) in compare.ops.iter().zip(&compare.comparators).enumerate() {
            self.comparand(op, right);
            self.at(compare);
            if index < last {
                self.emit(Op::Dup);
                self.emit(Op::RotThree);
            }
            self.emit(compare_op(op));
            if index < last {
                failed(self);
            }
        }
    }

    /// Jumps to `target` when the truth of the expression is `when`, else goes on.
    pub(super) fn jump_if(&mut self, expr: &'a Expr, when: bool, target: Label) {
        match expr {
            Expr::UnaryOp(unary) if unary.op == AstUnaryOp::Not => {
                return self.jump_if(&unary.operand, !when, target);
            }
            Expr::BoolOp(operation) => return self.jump_if_bool_op(operation, when, target),
            Expr::If(conditional) => {
                let (otherwise, end) = (self.frame.unit.label(), self.frame.unit.label());
                self.jump_if(&conditional.test, false, otherwise);
                self.jump_if(&conditional.body, when, target);
                self.frame.unit.jump(Op::Jump, end);
                self.frame.unit.place(otherwise);
                self.jump_if(&conditional.orelse, when, target);
                return self.frame.unit.place(end);
            }
            Expr::Compare(compare) if compare.ops.len() > 1 => {
                return self.jump_if_chain(compare, when, target);
            }
            _ => {}
        }
        if !self.frame.unit.is_reachable() {
            return;
        }
        if let Some(constant) = fold::constant(expr) {
            self.at(expr);
            if fold::truth(&constant) == when {
                self.frame.unit.jump(Op::Jump, target);
            }
            return;
        }
        self.expr(expr);
        self.at(expr);
        self.frame.unit.jump(if when { Op::PopJumpIfTrue } else { Op::PopJumpIfFalse }, target);
    }

    fn jump_if_bool_op(&mut self, operation: &'a ExprBoolOp, when: bool, target: Label) {
        let decided = operation.op == BoolOp::Or;
        let Some((last, before)) = operation.values.split_last() else { return };
        let skip = self.frame.unit.label();
        let early = if decided == when { target } else { skip };
        before.iter().for_each(|value| self.jump_if(value, decided, early));
        self.jump_if(last, when, target);
        self.frame.unit.place(skip);
    }

    fn jump_if_chain(&mut self, compare: &'a ExprCompare, when: bool, target: Label) {
        let (failed, end) = (self.frame.unit.label(), self.frame.unit.label());
        self.chain(compare, |this| this.frame.unit.jump(Op::PopJumpIfFalse, failed));
        self.frame.unit.jump(if when { Op::PopJumpIfTrue } else { Op::PopJumpIfFalse }, target);
        self.frame.unit.jump(Op::Jump, end);
        self.frame.unit.place(failed);
        self.emit(Op::Pop);
        if !when {
            self.frame.unit.jump(Op::Jump, target);
        }
        self.frame.unit.place(end);
    }
}

/// `super()`
fn is_super(expr: &Expr) -> bool {
    expr.as_call_expr().is_some_and(|call| call.func.as_name_expr().is_some_and(|name| name.id == "super"))
}
