//! From source text to bytecode: parse, refuse what is outside the subset, find scopes, compile.
//!
//! # Model
//! ```text
//! source --limits--> tokens are few and flat enough to recurse over
//!        --parser--> tree, or SyntaxErrors
//!        --subset--> what is outside the subset, by its form          (rules: refuse, names)
//!        --scope, resolve--> what each name means                     (and SyntaxErrors of scopes)
//!        --compiler--> bytecode                                       (unit, stack, fuse)
//! ```
//! A file with any refusal is not compiled; all refusals are given at once, in the order of the source.
//!
//! # Invariants
//! - S1: whatever the source, the result is bytecode or refusals; never a panic, never an exhausted stack.

mod refusal;
mod limits;
mod names;
mod refuse;
mod subset;
mod scope;
mod resolve;
mod compiler;
mod statements;
mod blocks;
mod definitions;
mod expressions;
mod strings;
mod fold;
mod pool;
mod unit;
mod stack;
mod fuse;

#[cfg(test)]
mod tests;

use ruff_python_ast::PythonVersion;
use ruff_python_ast::visitor::source_order::SourceOrderVisitor;
use ruff_python_parser::{Mode, ParseOptions, parse_unchecked};

use crate::code::Compiled;

pub(crate) use names::BUILTINS;
pub use refusal::Refusal;
use refusal::Report;

/// Compiles a program. `file` is its name in messages.
pub(crate) fn compile(file: &str, source: &str) -> Result<Compiled, Vec<Refusal>> {
    // The parser and the compiler recurse over the tree, deeper than the stack of any caller may be.
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("compile".into()).stack_size(limits::STACK_BYTES);
        match thread.spawn_scoped(scope, || compile_here(file, source)) {
            Ok(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            Err(error) => {
                let mut report = Report::new(file, source);
                let message = format!("there is no memory for the stack of the compiler: {error}");
                report.refuse(0, message, "the same when memory is free");
                Err(report.into_refusals())
            }
        }
    })
}

fn compile_here(file: &str, source: &str) -> Result<Compiled, Vec<Refusal>> {
    let mut report = Report::new(file, source);
    passes(file, source, &mut report).ok_or_else(|| report.into_refusals())
}

/// All passes; none when the report says why.
fn passes(file: &str, source: &str, report: &mut Report) -> Option<Compiled> {
    if source.len() > limits::SOURCE_BYTES {
        let message = format!("a source of {} bytes is too large", source.len());
        report.refuse(0, message, format!("at most {} bytes", limits::SOURCE_BYTES));
        return None;
    }
    if !limits::check(source, report) {
        return None;
    }
    let options = ParseOptions::from(Mode::Module).with_target_version(PythonVersion::PY313);
    let parsed = parse_unchecked(source, options).try_into_module()?;
    for error in parsed.errors() {
        report.syntax_error(error.location.start().to_u32(), &error.error);
    }
    for error in parsed.unsupported_syntax_errors() {
        report.syntax_error(error.range.start().to_u32(), error);
    }
    if !report.is_empty() {
        return None;
    }
    let body = &parsed.syntax().body;
    subset::Subset::new(report).visit_body(body);
    let collected = scope::collect(body, report);
    let names = resolve::resolve(collected, report);
    if !report.is_empty() {
        return None;
    }
    compiler::compile_module(body, names, file, report)
}
