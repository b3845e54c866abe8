//! Which names each scope of the source binds, uses and declares.
//!
//! # Model
//! One scope for the module, each function, lambda, class body and comprehension, in the order of the source. A
//! comprehension has its own names but no code of its own: its variables become locals of the code around it.
//! The first iterable of a comprehension, default values and bases belong to the scope outside.

use std::collections::HashMap;

use ruff_python_ast::visitor::source_order::{self, SourceOrderVisitor};
use ruff_python_ast::{Comprehension, ExceptHandler, Expr, ExprContext, Identifier, Parameters, Stmt};
use ruff_text_size::Ranged;

use super::names;
use super::refusal::Report;

/// Index of a scope.
pub(super) type ScopeId = usize;

/// What a scope belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ScopeKind {
    Module,
    /// A function or lambda.
    Function,
    Class,
    Comprehension,
}

/// What a scope does with a name.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Symbol {
    pub(super) bound: bool,
    pub(super) parameter: bool,
    pub(super) used: bool,
    pub(super) global: bool,
    /// Place of the nonlocal declaration.
    pub(super) nonlocal: Option<u32>,
}

/// One scope, before its names are resolved.
#[derive(Debug)]
pub(super) struct Scope {
    pub(super) kind: ScopeKind,
    pub(super) parent: ScopeId,
    /// Name of the innermost class around, for private names.
    pub(super) class: Option<String>,
    pub(super) symbols: HashMap<String, Symbol>,
    /// Names in the order of their first mention.
    pub(super) mentioned: Vec<String>,
    /// Names in the order of their first binding; parameters first.
    pub(super) bound: Vec<String>,
}

impl Scope {
    fn new(kind: ScopeKind, parent: ScopeId, class: Option<String>) -> Self {
        Self { kind, parent, class, symbols: HashMap::new(), mentioned: Vec::new(), bound: Vec::new() }
    }

    fn symbol(&mut self, name: &str) -> &mut Symbol {
        if !self.symbols.contains_key(name) {
            self.mentioned.push(name.to_owned());
        }
        self.symbols.entry(name.to_owned()).or_default()
    }
}

/// Why a use of a name is of interest once it is known what the name means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Interest {
    /// It is the name of a Python builtin that is missing.
    Missing,
    /// It is the base of a class.
    Base,
}

/// A use of a name that may have to be refused.
#[derive(Debug)]
pub(super) struct Use {
    pub(super) scope: ScopeId,
    pub(super) name: String,
    pub(super) at: u32,
    pub(super) interest: Interest,
}

/// All scopes of a file.
#[derive(Debug)]
pub(super) struct Collected {
    pub(super) scopes: Vec<Scope>,
    /// The scope of the definition, lambda or comprehension that begins at an offset.
    pub(super) by_start: HashMap<u32, ScopeId>,
    pub(super) uses: Vec<Use>,
}

/// Walks the module and reports what CPython's symbol table would.
pub(super) fn collect(body: &[Stmt], report: &mut Report) -> Collected {
    let module = Scope::new(ScopeKind::Module, 0, None);
    let collected = Collected { scopes: vec![module], by_start: HashMap::new(), uses: Vec::new() };
    let mut collector = Collector { collected, scope: 0, report };
    collector.visit_body(body);
    // A module has `__doc__` whether it has a docstring or not; the variable is made where something uses it.
    let scopes = &collector.collected.scopes;
    if scopes.iter().any(|scope| scope.symbols.get("__doc__").is_some_and(|symbol| symbol.used)) {
        collector.bind("__doc__");
    }
    collector.collected
}

struct Collector<'r, 's> {
    collected: Collected,
    scope: ScopeId,
    report: &'r mut Report<'s>,
}

impl Collector<'_, '_> {
    fn here(&mut self) -> &mut Scope {
        &mut self.collected.scopes[self.scope]
    }

    fn mangled(&self, name: &str) -> String {
        names::mangle(self.collected.scopes[self.scope].class.as_deref(), name)
    }

    fn bind(&mut self, name: &str) {
        let name = self.mangled(name);
        let scope = self.here();
        let symbol = scope.symbol(&name);
        if !std::mem::replace(&mut symbol.bound, true) {
            scope.bound.push(name);
        }
    }

    fn mention(&mut self, name: &str, at: u32) {
        let name = self.mangled(name);
        self.here().symbol(&name).used = true;
        if names::MISSING_BUILTINS.iter().any(|(missing, _)| *missing == name) {
            self.collected.uses.push(Use { scope: self.scope, name, at, interest: Interest::Missing });
        }
    }

    /// Walks `inside` in a new scope.
    fn within(&mut self, kind: ScopeKind, start: u32, class: Option<String>, inside: impl FnOnce(&mut Self)) {
        let class = class.or_else(|| self.here().class.clone());
        let id = self.collected.scopes.len();
        self.collected.scopes.push(Scope::new(kind, self.scope, class));
        self.collected.by_start.insert(start, id);
        let outer = std::mem::replace(&mut self.scope, id);
        inside(self);
        self.scope = outer;
    }

    fn defaults(&mut self, parameters: &Parameters) {
        for parameter in parameters.iter_non_variadic_params() {
            if let Some(default) = parameter.default() {
                self.visit_expr(default);
            }
        }
    }

    fn parameters(&mut self, parameters: &Parameters) {
        for parameter in parameters {
            let name = parameter.name();
            let mangled = self.mangled(name);
            if self.here().symbols.contains_key(&mangled) {
                let message = format!("duplicate argument '{name}' in function definition");
                self.report.syntax_error(name.start().to_u32(), message);
            }
            self.bind(name);
            self.here().symbol(&mangled).parameter = true;
        }
    }

    /// `global` and `nonlocal`, which must come before any other mention.
    fn declare(&mut self, statement: &Stmt, names: &[Identifier], nonlocal: bool) {
        let word = if nonlocal { "nonlocal" } else { "global" };
        let at = statement.start().to_u32();
        if nonlocal && self.here().kind == ScopeKind::Module {
            return self.report.syntax_error(at, "nonlocal declaration not allowed at module level");
        }
        for name in names {
            let mangled = self.mangled(name);
            let symbol = *self.here().symbol(&mangled);
            let problem = if symbol.parameter {
                Some(format!("name '{name}' is parameter and {word}"))
            } else if symbol.bound {
                Some(format!("name '{name}' is assigned to before {word} declaration"))
            } else if symbol.used {
                Some(format!("name '{name}' is used prior to {word} declaration"))
            } else if if nonlocal { symbol.global } else { symbol.nonlocal.is_some() } {
                Some(format!("name '{name}' is nonlocal and global"))
            } else {
                None
            };
            if let Some(problem) = problem {
                self.report.syntax_error(at, problem);
            }
            let symbol = self.here().symbol(&mangled);
            match nonlocal {
                true => symbol.nonlocal = Some(name.start().to_u32()),
                false => symbol.global = true,
            }
        }
    }

    fn class(&mut self, class: &ruff_python_ast::StmtClassDef) {
        if let Some(arguments) = &class.arguments {
            self.visit_arguments(arguments);
            if let [Expr::Name(base)] = &*arguments.args {
                let (scope, name, at) = (self.scope, self.mangled(&base.id), base.start().to_u32());
                self.collected.uses.push(Use { scope, name, at, interest: Interest::Base });
            }
        }
        self.bind(&class.name);
        let (start, name) = (class.start().to_u32(), class.name.to_string());
        let doc = docstring(&class.body).is_some();
        self.within(ScopeKind::Class, start, Some(name), |inner| {
            if doc {
                inner.bind("__doc__");
            }
            inner.visit_body(&class.body);
        });
    }

    fn comprehension(&mut self, start: u32, generators: &[Comprehension], results: [Option<&Expr>; 2]) {
        if let Some(first) = generators.first() {
            self.visit_expr(&first.iter);
        }
        self.within(ScopeKind::Comprehension, start, None, |inner| {
            for (index, generator) in generators.iter().enumerate() {
                inner.visit_expr(&generator.target);
                if index > 0 {
                    inner.visit_expr(&generator.iter);
                }
                generator.ifs.iter().for_each(|condition| inner.visit_expr(condition));
            }
            results.into_iter().flatten().for_each(|result| inner.visit_expr(result));
        });
    }
}

impl<'a> SourceOrderVisitor<'a> for Collector<'_, '_> {
    fn visit_stmt(&mut self, stmt: &'a Stmt) {
        match stmt {
            Stmt::FunctionDef(function) => {
                self.defaults(&function.parameters);
                self.bind(&function.name);
                self.within(ScopeKind::Function, function.start().to_u32(), None, |inner| {
                    inner.parameters(&function.parameters);
                    inner.visit_body(&function.body);
                });
            }
            Stmt::ClassDef(class) => self.class(class),
            Stmt::Global(global) => self.declare(stmt, &global.names, false),
            Stmt::Nonlocal(nonlocal) => self.declare(stmt, &nonlocal.names, true),
            Stmt::Import(import) => {
                for alias in &import.names {
                    let first = alias.name.split('.').next().unwrap_or_default();
                    self.bind(alias.asname.as_deref().unwrap_or(first));
                }
            }
            Stmt::ImportFrom(import) => {
                for alias in &import.names {
                    self.bind(alias.asname.as_ref().unwrap_or(&alias.name));
                }
            }
            _ => source_order::walk_stmt(self, stmt),
        }
    }

    fn visit_except_handler(&mut self, handler: &'a ExceptHandler) {
        if let Some(name) = handler.as_except_handler().and_then(|handler| handler.name.as_ref()) {
            self.bind(name);
        }
        source_order::walk_except_handler(self, handler);
    }

    fn visit_expr(&mut self, expr: &'a Expr) {
        let start = expr.start().to_u32();
        match expr {
            Expr::Name(name) => match name.ctx {
                ExprContext::Load | ExprContext::Invalid => self.mention(&name.id, start),
                ExprContext::Store | ExprContext::Del => self.bind(&name.id),
            },
            Expr::Lambda(lambda) => {
                if let Some(parameters) = &lambda.parameters {
                    self.defaults(parameters);
                }
                self.within(ScopeKind::Function, start, None, |inner| {
                    if let Some(parameters) = &lambda.parameters {
                        inner.parameters(parameters);
                    }
                    inner.visit_expr(&lambda.body);
                });
            }
            Expr::ListComp(list) => self.comprehension(start, &list.generators, [Some(&list.elt), None]),
            Expr::DictComp(dict) => {
                self.comprehension(start, &dict.generators, [dict.key.as_deref(), Some(&dict.value)]);
            }
            _ => source_order::walk_expr(self, expr),
        }
    }
}

/// The text of the string that a body begins with.
pub(super) fn docstring(body: &[Stmt]) -> Option<&str> {
    match body.first()? {
        Stmt::Expr(first) => first.value.as_string_literal_expr().map(|string| string.value.to_str()),
        _ => None,
    }
}
