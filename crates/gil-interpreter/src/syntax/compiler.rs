//! The compiler's state, and how it reaches names, constants and lines.
//!
//! # Model
//! One `Frame` for each code that is being written: the module, and functions and class bodies inside it. Statements,
//! expressions, blocks, definitions and comprehensions are in files of their own and write into the innermost frame.

use ruff_python_ast::Stmt;
use ruff_text_size::Ranged;

use crate::code::{Code, Compiled, Const, Op};

use super::blocks::Block;
use super::pool::Pool;
use super::refusal::Report;
use super::resolve::{Access, Names};
use super::scope::{self, ScopeId};
use super::unit::Unit;
use super::{fuse, stack};

/// Instructions of a whole program at most. Each way out of a `try` copies its `finally`, so a short source can ask for
/// very many.
const MAX_OPS: usize = 1 << 21;

/// What a piece of code is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CodeKind {
    Module,
    Function,
    Lambda,
    /// Its locals become the attributes of the class; see `Op::BuildNamespace`.
    ClassBody,
}

/// The code that is being written.
pub(super) struct Frame<'a> {
    pub(super) unit: Unit,
    pub(super) blocks: Vec<Block<'a>>,
    pub(super) kind: CodeKind,
    pub(super) qualname: String,
    /// The scope whose layout gives the locals.
    owner: ScopeId,
    /// The scope that names are looked up in: the owner, or a comprehension in it.
    pub(super) scope: ScopeId,
    /// Index in `codes`.
    index: usize,
}

/// What a finished code needs beside its instructions.
pub(super) struct Head<'a> {
    pub(super) name: &'a str,
    pub(super) first_line: u32,
    pub(super) positional: u32,
    pub(super) keyword_only: u32,
    pub(super) with_default: Vec<u32>,
    pub(super) doc: Option<&'a str>,
}

/// The state of one compilation.
pub(super) struct Compiler<'a, 'r, 's> {
    pub(super) report: &'r mut Report<'s>,
    pub(super) names: Names,
    pub(super) pool: Pool,
    codes: Vec<Option<Code>>,
    pub(super) frame: Frame<'a>,
    /// Instructions of the codes that are finished.
    finished_ops: usize,
    too_large: bool,
}

/// Compiles a module whose names are resolved; none when the report says why.
pub(super) fn compile_module(
    body: &[Stmt],
    names: Names,
    file: &str,
    report: &mut Report,
) -> Option<Compiled> {
    let source = report.source();
    let frame = Frame {
        unit: Unit::new(1),
        blocks: Vec::new(),
        kind: CodeKind::Module,
        qualname: String::new(),
        owner: 0,
        scope: 0,
        index: 0,
    };
    let pool = Pool::default();
    let mut compiler =
        Compiler { report, names, pool, codes: vec![None], frame, finished_ops: 0, too_large: false };
    let doc = scope::docstring(body);
    compiler.begin(1);
    if compiler.names.is_assigned("__doc__") {
        compiler.load_const(doc.map_or(Const::None, |doc| Const::Str(doc.into())));
        compiler.store_name("__doc__");
    }
    compiler.body(body);
    compiler.load_const(Const::None);
    compiler.emit(Op::Return);
    let head =
        Head { name: "<module>", first_line: 1, positional: 0, keyword_only: 0, with_default: vec![], doc };
    let finished = compiler.end(head);
    compiler.codes[0] = Some(finished);
    if !compiler.report.is_empty() {
        return None;
    }
    let mut codes: Vec<Code> = compiler.codes.into_iter().flatten().collect();
    for index in 0..codes.len() {
        codes[index].stack_size =
            stack::measure(&codes[index], &codes).expect("the compiler keeps the stack in balance");
    }
    codes.iter_mut().for_each(fuse::fuse);
    Some(Compiled {
        file: file.into(),
        source: source.into(),
        codes,
        consts: compiler.pool.consts,
        names: compiler.pool.names,
        globals: compiler.names.globals,
        caches: compiler.pool.caches,
    })
}

impl<'a> Compiler<'a, '_, '_> {
    /// Compiles `inside` as a code of its own and returns its index and how many operands its MakeFunction pops,
    /// after it has pushed the cells. `inside` returns what it knows of the code.
    pub(super) fn nested(
        &mut self,
        node: impl Ranged,
        name: &str,
        kind: CodeKind,
        inside: impl FnOnce(&mut Self) -> Head<'a>,
    ) -> (u32, u32) {
        let start = node.start().to_u32();
        let line = self.report.lines.line(start);
        let scope = self.names.scope_at(start);
        let index = self.codes.len();
        self.codes.push(None);
        let frame = Frame {
            unit: Unit::new(line),
            blocks: Vec::new(),
            kind,
            qualname: self.qualname(name),
            owner: scope,
            scope,
            index,
        };
        let outer = std::mem::replace(&mut self.frame, frame);
        self.begin(line);
        let head = inside(self);
        let code = self.end(head);
        let operands = stack::function_operands(&code);
        self.codes[index] = Some(code);
        self.frame = outer;
        for local in self.names.closure(scope, self.frame.scope) {
            self.emit(Op::LoadClosure(local));
        }
        (index as u32, operands)
    }

    fn qualname(&self, name: &str) -> String {
        match self.frame.kind {
            CodeKind::Module => name.to_owned(),
            CodeKind::ClassBody => format!("{}.{name}", self.frame.qualname),
            CodeKind::Function | CodeKind::Lambda => format!("{}.<locals>.{name}", self.frame.qualname),
        }
    }

    /// The first instructions of a code: a check site, then the cells of its own variables.
    fn begin(&mut self, line: u32) {
        self.frame.unit.line = line;
        self.emit(Op::Resume);
        if self.frame.owner != 0 {
            for (local, cell) in self.names.own_locals(self.frame.owner) {
                if cell {
                    self.emit(Op::MakeCell(local));
                }
            }
        }
    }

    /// Finishes the code of the innermost frame.
    fn end(&mut self, head: Head) -> Code {
        let unit = std::mem::replace(&mut self.frame.unit, Unit::new(0));
        let finished = unit.finish();
        self.finished_ops += finished.ops.len();
        let layout = self.names.layout(self.frame.owner);
        Code {
            name: head.name.into(),
            qualname: match self.frame.index {
                0 => head.name.into(),
                _ => self.frame.qualname.as_str().into(),
            },
            first_line: head.first_line,
            positional: head.positional,
            keyword_only: head.keyword_only,
            with_default: head.with_default,
            locals: layout.locals.iter().map(|(_, name)| name.as_str().into()).collect(),
            free: layout.free,
            stack_size: 0,
            ops: finished.ops,
            lines: finished.lines,
            handlers: finished.handlers,
            doc: head.doc.map(Into::into),
        }
    }

    pub(super) fn emit(&mut self, op: Op) {
        self.frame.unit.emit(op);
    }

    /// Reports a limit once; nothing that follows is compiled.
    pub(super) fn limit(&mut self, at: u32, message: &str, instead: &str) {
        if !std::mem::replace(&mut self.too_large, true) {
            self.report.refuse(at, message, instead);
        }
    }

    /// Whether a limit was reached, so that no further statement is compiled.
    pub(super) fn gave_up(&mut self) -> bool {
        if self.finished_ops + self.frame.unit.len() >= MAX_OPS {
            let message = "this program needs too many instructions";
            self.limit(0, message, "smaller `finally` blocks: each way out of a `try` copies them");
        }
        self.too_large
    }

    /// Instructions that follow are of the line where the node begins.
    pub(super) fn at(&mut self, node: impl Ranged) {
        self.frame.unit.line = self.report.lines.line(node.start().to_u32());
    }

    /// Emits an instruction of the line where the node begins.
    pub(super) fn emit_at(&mut self, node: impl Ranged, op: Op) {
        self.at(node);
        self.emit(op);
    }

    pub(super) fn load_const(&mut self, constant: Const) {
        let index = self.pool.constant(constant);
        self.emit(Op::LoadConst(index));
    }

    /// The name of an attribute, as its instructions keep it.
    pub(super) fn attribute_name(&mut self, name: &str) -> u16 {
        let mangled = self.names.mangled(self.frame.scope, name);
        let index = self.pool.name(&mangled);
        self.narrow(index, "this program has too many different names")
    }

    /// An index that must fit 16 bits.
    pub(super) fn narrow(&mut self, index: u32, message: &str) -> u16 {
        u16::try_from(index).unwrap_or_else(|_| {
            self.limit(0, message, "at most 65535 of them");
            0
        })
    }

    fn access(&mut self, name: &str) -> (String, Access) {
        let mangled = self.names.mangled(self.frame.scope, name);
        let access = self.names.access(self.frame.scope, &mangled);
        (mangled, access)
    }

    pub(super) fn load_name(&mut self, name: &str) {
        let (mangled, access) = self.access(name);
        let op = match access {
            Access::Fast(local) => Op::LoadFast(local),
            Access::Deref(local) => Op::LoadDeref(local),
            Access::Global(slot) => Op::LoadGlobal(slot),
            Access::Builtin => Op::LoadBuiltin(self.pool.name(&mangled)),
            Access::Class { local, global } => {
                let local = self.narrow(local, "this class has too many names");
                Op::LoadName { local, global }
            }
        };
        self.emit(op);
    }

    pub(super) fn store_name(&mut self, name: &str) {
        let op = match self.access(name).1 {
            Access::Fast(local) | Access::Class { local, .. } => Op::StoreFast(local),
            Access::Deref(local) => Op::StoreDeref(local),
            Access::Global(slot) => Op::StoreGlobal(slot),
            Access::Builtin => unreachable!("a name that is bound in the module has a slot"),
        };
        self.emit(op);
    }

    pub(super) fn delete_name(&mut self, name: &str) {
        let op = match self.access(name).1 {
            Access::Fast(local) | Access::Class { local, .. } => Op::DeleteFast(local),
            Access::Deref(local) => Op::DeleteDeref(local),
            Access::Global(slot) => Op::DeleteGlobal(slot),
            Access::Builtin => unreachable!("a name that is deleted in the module has a slot"),
        };
        self.emit(op);
    }
}
