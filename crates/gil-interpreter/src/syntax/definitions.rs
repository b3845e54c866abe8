//! Functions, lambdas, classes and comprehensions.

use ruff_python_ast::{Comprehension, Expr, ExprLambda, Parameters, StmtClassDef, StmtFunctionDef};
use ruff_text_size::Ranged;

use crate::code::{Const, Op};

use super::compiler::{CodeKind, Compiler, Head};
use super::scope;
use super::unit::Label;

/// What the parameters say about a code.
#[derive(Default)]
struct Signature {
    positional: u32,
    keyword_only: u32,
    with_default: Vec<u32>,
}

impl Signature {
    fn new(parameters: Option<&Parameters>) -> Self {
        let Some(parameters) = parameters else { return Self::default() };
        let defaults = parameters.iter_non_variadic_params().map(|parameter| parameter.default());
        Self {
            positional: parameters.args.len() as u32,
            keyword_only: parameters.kwonlyargs.len() as u32,
            with_default: (0..).zip(defaults).filter_map(|(index, default)| default.map(|_| index)).collect(),
        }
    }

    fn head<'a>(self, name: &'a str, first_line: u32, doc: Option<&'a str>) -> Head<'a> {
        let Self { positional, keyword_only, with_default } = self;
        Head { name, first_line, positional, keyword_only, with_default, doc }
    }
}

impl<'a> Compiler<'a, '_, '_> {
    pub(super) fn function(&mut self, function: &'a StmtFunctionDef) {
        let line = self.frame.unit.line;
        self.defaults(Some(&function.parameters));
        self.frame.unit.line = line;
        let (code, operands) = self.nested(function, &function.name, CodeKind::Function, |inner| {
            inner.body(&function.body);
            inner.load_const(Const::None);
            inner.emit(Op::Return);
            let doc = scope::docstring(&function.body);
            Signature::new(Some(&function.parameters)).head(&function.name, line, doc)
        });
        self.frame.unit.emit_function(code, operands);
        self.store_name(&function.name);
    }

    pub(super) fn lambda(&mut self, lambda: &'a ExprLambda) {
        let parameters = lambda.parameters.as_deref();
        self.defaults(parameters);
        self.at(lambda);
        let line = self.frame.unit.line;
        let (code, operands) = self.nested(lambda, "<lambda>", CodeKind::Lambda, |inner| {
            inner.expr(&lambda.body);
            inner.at(&*lambda.body);
            inner.emit(Op::Return);
            Signature::new(parameters).head("<lambda>", line, None)
        });
        self.frame.unit.emit_function(code, operands);
    }

    fn defaults(&mut self, parameters: Option<&'a Parameters>) {
        let parameters = parameters.into_iter().flat_map(Parameters::iter_non_variadic_params);
        for default in parameters.filter_map(|parameter| parameter.default.as_deref()) {
            self.expr(default);
        }
    }

    pub(super) fn class(&mut self, class: &'a StmtClassDef) {
        let line = self.frame.unit.line;
        match class.arguments.as_ref().and_then(|arguments| arguments.args.first()) {
            Some(base) => self.expr(base),
            None => {
                let object = self.pool.name("object");
                self.emit(Op::LoadBuiltin(object));
            }
        }
        self.frame.unit.line = line;
        let (code, operands) = self.nested(class, &class.name, CodeKind::ClassBody, |inner| {
            let doc = scope::docstring(&class.body);
            if let Some(doc) = doc {
                inner.load_const(Const::Str(doc.into()));
                inner.store_name("__doc__");
            }
            inner.body(&class.body);
            inner.emit(Op::BuildNamespace);
            inner.emit(Op::Return);
            Signature::default().head(&class.name, line, doc)
        });
        self.frame.unit.emit_function(code, operands);
        self.emit(Op::Call(0));
        let name = self.pool.name(&class.name);
        self.emit(Op::BuildClass(name));
        self.store_name(&class.name);
    }

    /// A comprehension is written in place, with locals that only it can see.
    pub(super) fn comprehension(&mut self, expr: &'a Expr) {
        let generators: &'a [Comprehension] = match expr {
            Expr::ListComp(list) => &list.generators,
            Expr::DictComp(dict) => &dict.generators,
            _ => unreachable!("only lists and dicts have comprehensions here"),
        };
        let Some(first) = generators.first() else { return };
        self.iterable(&first.iter);
        self.emit_at(&first.iter, Op::GetIter);
        self.at(expr);
        let outer = std::mem::replace(&mut self.frame.scope, self.names.scope_at(expr.start().to_u32()));
        let locals = self.names.own_locals(self.frame.scope);
        for &(local, cell) in &locals {
            if cell {
                self.new_cell(local);
            }
        }
        self.emit(if expr.is_list_comp_expr() { Op::BuildList(0) } else { Op::BuildDict(0) });
        self.emit(Op::Swap);
        self.generator(expr, generators, 0);
        if self.frame.kind == CodeKind::ClassBody {
            self.at(expr);
            locals.iter().for_each(|&(local, _)| self.clear(local));
        }
        self.frame.scope = outer;
    }

    /// A fresh cell without a value, whatever the last turn around it has left in the local.
    fn new_cell(&mut self, local: u32) {
        self.load_const(Const::None);
        self.emit(Op::StoreFast(local));
        self.emit(Op::MakeCell(local));
        self.emit(Op::DeleteDeref(local));
    }

    /// Takes the value from a local, which may have none: it must not become an attribute of the class.
    fn clear(&mut self, local: u32) {
        self.load_const(Const::None);
        self.emit(Op::StoreFast(local));
        self.emit(Op::DeleteFast(local));
    }

    /// [result, .., iterator] -> [result, ..]: the loop of one `for`, with those after it inside.
    fn generator(&mut self, expr: &'a Expr, generators: &'a [Comprehension], index: usize) {
        let generator = &generators[index];
        let head = self.frame.unit.place_new();
        let (next, end) = (self.frame.unit.label(), self.frame.unit.label());
        self.at(generator);
        self.frame.unit.jump(Op::ForIter, end);
        self.store(&generator.target);
        self.conditions(generator, next);
        match generators.get(index + 1) {
            Some(inner) => {
                self.iterable(&inner.iter);
                self.emit_at(&inner.iter, Op::GetIter);
                if self.frame.unit.is_reachable() {
                    self.generator(expr, generators, index + 1);
                }
            }
            None => self.result(expr, generators.len() as u32 + 1),
        }
        self.frame.unit.place(next);
        self.frame.unit.jump(Op::JumpBackward, head);
        self.frame.unit.place(end);
    }

    fn conditions(&mut self, generator: &'a Comprehension, next: Label) {
        generator.ifs.iter().for_each(|condition| self.jump_if(condition, false, next));
    }

    fn result(&mut self, expr: &'a Expr, depth: u32) {
        match expr {
            Expr::ListComp(list) => {
                self.expr(&list.elt);
                self.emit_at(&*list.elt, Op::ListAppend(depth));
            }
            Expr::DictComp(dict) => {
                dict.key.iter().for_each(|key| self.expr(key));
                self.expr(&dict.value);
                self.emit_at(&*dict.value, Op::DictInsert(depth));
            }
            _ => unreachable!("only lists and dicts have comprehensions here"),
        }
    }
}
