//! Reports everything in the tree that is outside the subset, whatever the names mean.
//!
//! # Length
//! One walk over every kind of node, kept whole.

use ruff_python_ast::visitor::source_order::{self, SourceOrderVisitor};
use ruff_python_ast::{
    Alias, Arguments, Comprehension, Decorator, Expr, ExprContext, Keyword, Number, Operator, Parameters,
    Stmt, UnaryOp,
};
use ruff_text_size::Ranged;

use super::names;
use super::refusal::Report;
use super::refuse::Rule;

/// What the code at hand is inside of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Owner {
    Module,
    Class,
    /// A function; whether it stands directly in a class and has a first parameter.
    Function {
        method: bool,
    },
    /// A function, lambda or comprehension inside a method, or a lambda anywhere.
    Inner {
        in_method: bool,
    },
}

/// The walk.
pub(super) struct Subset<'r, 's> {
    report: &'r mut Report<'s>,
    owner: Owner,
    loops: u32,
}

impl<'r, 's> Subset<'r, 's> {
    pub(super) fn new(report: &'r mut Report<'s>) -> Self {
        Self { report, owner: Owner::Module, loops: 0 }
    }

    fn refuse(&mut self, at: impl Ranged, rule: Rule) {
        let (message, instead) = rule.text();
        self.report.refuse(at.start().to_u32(), message, instead);
    }

    fn error(&mut self, at: impl Ranged, message: &str) {
        self.report.syntax_error(at.start().to_u32(), message);
    }

    /// Runs `inside` for the body of another owner.
    fn within(&mut self, owner: Owner, inside: impl FnOnce(&mut Self)) {
        let (owner, loops) =
            (std::mem::replace(&mut self.owner, owner), std::mem::replace(&mut self.loops, 0));
        inside(self);
        (self.owner, self.loops) = (owner, loops);
    }

    fn in_method(&self) -> bool {
        matches!(self.owner, Owner::Function { method: true } | Owner::Inner { in_method: true })
    }

    fn parameters(&mut self, parameters: &Parameters) {
        if let Some(only) = parameters.posonlyargs.first() {
            self.refuse(only.parameter.range, Rule::PositionalOnly);
        }
        if let Some(star) = &parameters.vararg {
            self.refuse(star.range, Rule::StarParameter);
        }
        if let Some(stars) = &parameters.kwarg {
            self.refuse(stars.range, Rule::DoubleStarParameter);
        }
        for parameter in parameters {
            if let Some(annotation) = parameter.annotation() {
                self.refuse(annotation, Rule::Annotation);
            }
        }
    }

    /// The default values, which belong to the code around the function.
    fn defaults(&mut self, parameters: &Parameters) {
        for parameter in parameters.iter_non_variadic_params() {
            if let Some(default) = parameter.default() {
                self.visit_expr(default);
            }
        }
    }

    fn function(&mut self, function: &ruff_python_ast::StmtFunctionDef) {
        if function.is_async {
            self.refuse(function, Rule::AsyncFunction);
        }
        if let Some(parameters) = &function.type_params {
            self.refuse(parameters.range, Rule::TypeParameters);
        }
        if let Some(returns) = &function.returns {
            self.refuse(&**returns, Rule::Annotation);
        }
        self.definition_name(&function.name);
        self.parameters(&function.parameters);
        self.defaults(&function.parameters);
        let owner = match self.owner {
            Owner::Class => Owner::Function { method: function.parameters.iter().next().is_some() },
            _ => Owner::Inner { in_method: self.in_method() },
        };
        self.within(owner, |inner| inner.visit_body(&function.body));
    }

    /// A special method must be one that we call.
    fn definition_name(&mut self, name: &ruff_python_ast::Identifier) {
        if let Some(inner) = names::special(name)
            && !names::is_honoured_method(inner)
        {
            let message =
                format!("the special method {name} is not honoured, so it is not part of the subset");
            self.report.refuse(name.start().to_u32(), message, "a method with a plain name, called by name");
        }
    }

    fn class(&mut self, class: &ruff_python_ast::StmtClassDef) {
        if let Some(parameters) = &class.type_params {
            self.refuse(parameters.range, Rule::TypeParameters);
        }
        if let Some(arguments) = &class.arguments {
            self.bases(arguments);
        }
        self.within(Owner::Class, |inner| inner.visit_body(&class.body));
    }

    fn bases(&mut self, arguments: &Arguments) {
        match &*arguments.args {
            [] => {}
            [Expr::Name(_) | Expr::Attribute(_)] => self.visit_expr(&arguments.args[0]),
            [Expr::Starred(star)] => self.refuse(star, Rule::StarArgument),
            [other] => self.refuse(other, Rule::BaseExpression),
            [_, second, ..] => self.refuse(second, Rule::MultipleInheritance),
        }
        for keyword in &arguments.keywords {
            let rule = match keyword.arg.as_deref() {
                Some("metaclass") => Rule::Metaclass,
                _ => Rule::ClassKeyword,
            };
            self.refuse(keyword, rule);
        }
    }

    fn import(&mut self, statement: &Stmt, module: &Alias) {
        let name = module.name.as_str();
        if !names::MODULES.contains(&name) {
            self.unknown_module(module.start().to_u32().max(statement.start().to_u32()), name);
        }
    }

    fn unknown_module(&mut self, at: u32, name: &str) {
        let message = format!("the module {name} is not part of the subset");
        self.report.refuse(at, message, format!("one of {}", names::MODULES.join(", ")));
    }

    fn import_from(&mut self, import: &ruff_python_ast::StmtImportFrom) {
        let module = import.module.as_deref().unwrap_or_default();
        if import.is_lazy {
            self.refuse(import, Rule::LazyImport);
        } else if import.level > 0 {
            self.refuse(import, Rule::RelativeImport);
        } else if module == "__future__" {
            self.refuse(import, Rule::FutureImport);
        } else if !names::MODULES.contains(&module) {
            self.unknown_module(import.start().to_u32(), module);
        } else if import.names.iter().any(|alias| &*alias.name == "*") {
            self.refuse(import, Rule::ImportStar);
        }
    }

    fn try_statement(&mut self, statement: &ruff_python_ast::StmtTry) {
        if statement.is_star {
            self.refuse(statement, Rule::ExceptStar);
        }
        let bare = |handler: &&ruff_python_ast::ExceptHandler| {
            handler.as_except_handler().is_some_and(|handler| handler.type_.is_none())
        };
        let before_last = statement.handlers.split_last().map_or(&[][..], |(_, before)| before);
        if let Some(early) = before_last.iter().find(bare) {
            self.error(early, "default 'except:' must be last");
        }
    }

    fn looped(
        &mut self,
        statement: &Stmt,
        target: Option<&Expr>,
        head: &Expr,
        body: &[Stmt],
        orelse: &[Stmt],
    ) {
        if matches!(statement, Stmt::For(f) if f.is_async) {
            self.refuse(statement, Rule::AsyncStatement);
        }
        if let Some(target) = target {
            self.visit_expr(target);
        }
        self.visit_expr(head);
        self.loops += 1;
        self.visit_body(body);
        self.loops -= 1;
        self.visit_body(orelse);
    }

    /// Leaves that stand where they may not.
    fn jump(&mut self, statement: &Stmt) {
        match statement {
            Stmt::Break(_) if self.loops == 0 => self.error(statement, "'break' outside loop"),
            Stmt::Continue(_) if self.loops == 0 => self.error(statement, "'continue' not properly in loop"),
            Stmt::Return(_) if matches!(self.owner, Owner::Module | Owner::Class) => {
                self.error(statement, "'return' outside function");
            }
            _ => {}
        }
    }

    fn call(&mut self, call: &ruff_python_ast::ExprCall) {
        for argument in &call.arguments.args {
            if let Expr::Starred(star) = argument {
                self.refuse(star, Rule::StarArgument);
            }
        }
        let mut seen: Vec<&str> = Vec::new();
        for keyword in &call.arguments.keywords {
            match keyword.arg.as_deref() {
                None => self.refuse(keyword, Rule::DoubleStarArgument),
                Some(name) if seen.contains(&name) => {
                    self.error(keyword, &format!("keyword argument repeated: {name}"));
                }
                Some(name) => seen.push(name),
            }
        }
        let arguments = call.arguments.len();
        match &*call.func {
            Expr::Name(name) if name.id == "super" => {
                self.refuse(call, if arguments > 0 { Rule::SuperArguments } else { Rule::SuperAlone });
            }
            Expr::Name(name) if name.id == "iter" && arguments == 2 => self.refuse(call, Rule::IterSentinel),
            Expr::Name(name) if name.id == "type" && arguments == 3 => self.refuse(call, Rule::TypeOfThree),
            _ => {}
        }
    }

    /// `super().name`: returns whether the value of the attribute is that call, and so need not be walked.
    fn super_attribute(&mut self, value: &Expr) -> bool {
        let Some(call) = value.as_call_expr() else { return false };
        if call.func.as_name_expr().is_none_or(|name| name.id != "super") || !call.arguments.is_empty() {
            return false;
        }
        match self.owner {
            Owner::Function { method: true } => {}
            Owner::Inner { in_method: true } => self.refuse(call, Rule::SuperNested),
            _ => self.refuse(call, Rule::SuperOutside),
        }
        true
    }

    fn attribute(&mut self, attribute: &ruff_python_ast::ExprAttribute) {
        let name = attribute.attr.as_str();
        let load = attribute.ctx == ExprContext::Load;
        if let Some(inner) = names::special(name)
            && !(load && names::is_readable(inner))
        {
            let message = format!("the attribute {name} is not part of the subset");
            let (message, instead) = match (load, names::is_readable(inner)) {
                (false, true) => (format!("{message} as something to assign"), "a plain name"),
                _ => (
                    message,
                    "attributes by their names, getattr(object, name) or setattr(object, name, value)",
                ),
            };
            self.report.refuse(attribute.attr.start().to_u32(), message, instead);
        }
    }

    fn number(&mut self, number: &ruff_python_ast::ExprNumberLiteral) {
        match &number.value {
            Number::Int(int) if int.as_i64().is_none() => self.refuse(number, Rule::IntTooLarge),
            Number::Complex { .. } => self.refuse(number, Rule::Complex),
            _ => {}
        }
    }

    /// A name with underscores on both sides is Python's own, unless the program is in a class body.
    fn name(&mut self, name: &ruff_python_ast::ExprName) {
        let Some(inner) = names::special(&name.id) else { return };
        let load = name.ctx == ExprContext::Load;
        let fine = match self.owner {
            Owner::Class => names::is_honoured_method(inner) || matches!(inner, "name" | "doc"),
            _ => load && matches!(inner, "name" | "doc"),
        };
        // `__import__` has advice of its own.
        if !fine && inner != "import" {
            let message = format!("the name {} is not part of the subset", name.id);
            self.report.refuse(name.start().to_u32(), message, "a plain name");
        }
    }

    /// Whether a string has a lone surrogate, which the parser has replaced.
    fn surrogate(&mut self, at: impl Ranged, value: &str) {
        if !value.contains('\u{FFFD}') {
            return;
        }
        let text = &self.report.source()[at.range()];
        if text.to_ascii_lowercase().replace("\\\\", "").contains("\\ud") || text.contains("\\U0000") {
            self.refuse(at.range(), Rule::Surrogate);
        }
    }

    fn targets(&mut self, targets: &[Expr]) {
        for target in targets {
            if let Expr::Starred(star) = target {
                self.error(star, "starred assignment target must be in a list or tuple");
            }
        }
    }

    /// Items of a tuple or list: a star is for assignments only, and one is enough.
    fn items(&mut self, items: &[Expr], ctx: ExprContext) {
        let mut stars = items.iter().filter(|item| item.is_starred_expr());
        match ctx {
            ExprContext::Store => {
                if let Some(second) = stars.nth(1) {
                    self.error(second, "multiple starred expressions in assignment");
                }
            }
            ExprContext::Del => {
                if let Some(star) = stars.next() {
                    self.error(star, "cannot delete starred");
                }
            }
            _ => {
                for star in stars {
                    self.refuse(star, Rule::StarItem);
                }
            }
        }
    }
}

impl<'a> SourceOrderVisitor<'a> for Subset<'_, '_> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(function) => {
                function.decorator_list.iter().for_each(|decorator| self.visit_decorator(decorator));
                return self.function(function);
            }
            Stmt::ClassDef(class) => {
                class.decorator_list.iter().for_each(|decorator| self.visit_decorator(decorator));
                return self.class(class);
            }
            Stmt::For(f) => return self.looped(stmt, Some(&f.target), &f.iter, &f.body, &f.orelse),
            Stmt::While(w) => return self.looped(stmt, None, &w.test, &w.body, &w.orelse),
            Stmt::TypeAlias(_) => return self.refuse(stmt, Rule::TypeAlias),
            Stmt::Match(_) => return self.refuse(stmt, Rule::Match),
            Stmt::IpyEscapeCommand(_) => return self.refuse(stmt, Rule::Shell),
            Stmt::AnnAssign(assign) => {
                self.refuse(&*assign.annotation, Rule::Annotation);
                self.visit_expr(&assign.target);
                return assign.value.iter().for_each(|value| self.visit_expr(value));
            }
            Stmt::Import(import) => {
                if import.is_lazy {
                    self.refuse(stmt, Rule::LazyImport);
                }
                import.names.iter().for_each(|alias| self.import(stmt, alias));
            }
            Stmt::ImportFrom(import) => self.import_from(import),
            Stmt::Try(statement) => self.try_statement(statement),
            Stmt::With(with) if with.is_async => self.refuse(stmt, Rule::AsyncStatement),
            Stmt::AugAssign(assign) if assign.op == Operator::MatMult => {
                self.refuse(stmt, Rule::MatrixMultiply);
            }
            Stmt::Assign(assign) => self.targets(&assign.targets),
            Stmt::Break(_) | Stmt::Continue(_) | Stmt::Return(_) => self.jump(stmt),
            _ => {}
        }
        source_order::walk_stmt(self, stmt);
    }

    fn visit_decorator(&mut self, decorator: &'a Decorator) {
        self.refuse(decorator, Rule::Decorator);
    }

    fn visit_comprehension(&mut self, comprehension: &'a Comprehension) {
        if comprehension.is_async {
            self.refuse(comprehension, Rule::AsyncComprehension);
        }
        source_order::walk_comprehension(self, comprehension);
    }

    fn visit_keyword(&mut self, keyword: &'a Keyword) {
        source_order::walk_keyword(self, keyword);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        match expr {
            Expr::Yield(_) | Expr::YieldFrom(_) => return self.refuse(expr, Rule::Yield),
            Expr::Generator(_) => return self.refuse(expr, Rule::GeneratorExpression),
            Expr::Await(_) => return self.refuse(expr, Rule::Await),
            Expr::Set(_) => return self.refuse(expr, Rule::SetLiteral),
            Expr::SetComp(_) => return self.refuse(expr, Rule::SetComprehension),
            Expr::Named(_) => return self.refuse(expr, Rule::Walrus),
            Expr::TString(_) => return self.refuse(expr, Rule::TemplateString),
            Expr::IpyEscapeCommand(_) => return self.refuse(expr, Rule::Shell),
            Expr::Lambda(lambda) => {
                if let Some(parameters) = &lambda.parameters {
                    self.parameters(parameters);
                    self.defaults(parameters);
                }
                let owner = Owner::Inner { in_method: self.in_method() };
                return self.within(owner, |inner| inner.visit_expr(&lambda.body));
            }
            Expr::ListComp(_) | Expr::DictComp(_) => return self.comprehension(expr),
            Expr::BinOp(binary) if binary.op == Operator::MatMult => self.refuse(expr, Rule::MatrixMultiply),
            Expr::UnaryOp(unary) if is_smallest_int(unary) => return,
            Expr::NumberLiteral(number) => self.number(number),
            Expr::StringLiteral(string) => self.surrogate(expr, string.value.to_str()),
            Expr::Attribute(attribute) => {
                self.attribute(attribute);
                if self.super_attribute(&attribute.value) {
                    return;
                }
            }
            Expr::Call(call) => self.call(call),
            Expr::Name(name) => self.name(name),
            Expr::Dict(dict) => {
                for item in dict.iter().filter(|item| item.key.is_none()) {
                    let at = self.stars_before(item.value.start().to_u32());
                    let (message, instead) = Rule::DoubleStarItem.text();
                    self.report.refuse(at, message, instead);
                }
            }
            Expr::List(list) => self.items(&list.elts, list.ctx),
            Expr::Tuple(tuple) => self.items(&tuple.elts, tuple.ctx),
            _ => {}
        }
        source_order::walk_expr(self, expr);
    }
}

impl Subset<'_, '_> {
    /// The place of the two stars before an item of a dict display.
    fn stars_before(&self, at: u32) -> u32 {
        self.report.source()[..at as usize].rfind("**").map_or(at, |found| found as u32)
    }

    /// A comprehension is its own place for super(), but a jump cannot stand in it.
    fn comprehension(&mut self, expr: &Expr) {
        if let Expr::DictComp(dict) = expr
            && dict.key.is_none()
        {
            self.refuse(expr, Rule::DoubleStarItem);
        }
        let owner = Owner::Inner { in_method: self.in_method() };
        self.within(owner, |inner| source_order::walk_expr(inner, expr));
    }
}

/// `-9223372036854775808`, whose digits alone do not fit.
pub(super) fn is_smallest_int(unary: &ruff_python_ast::ExprUnaryOp) -> bool {
    unary.op == UnaryOp::USub
        && matches!(&*unary.operand, Expr::NumberLiteral(number)
            if matches!(&number.value, Number::Int(int) if int.as_u64() == Some(1 << 63)))
}
