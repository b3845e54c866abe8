//! Whole programs through all passes.

mod corpus;
mod limits;
mod refusals;
mod scopes;
mod fuzz;
mod fused;
mod depth;

use std::path::{Path, PathBuf};

use crate::code::{Code, Compiled, Op};

use super::{Refusal, compile, stack};

/// The Python files of a folder below `tests`, in order.
fn programs(folder: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let entries = std::fs::read_dir(&folder).expect("the folder of programs is there");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("the folder can be read").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "py"));
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).expect("text"))).collect()
}

fn compiled(source: &str) -> Compiled {
    compile("test.py", source).unwrap_or_else(|refusals| panic!("{source}\n{}", shown(&refusals)))
}

fn refused(source: &str) -> Vec<Refusal> {
    compile("test.py", source).expect_err(source)
}

fn shown(refusals: &[Refusal]) -> String {
    refusals.iter().map(|refusal| format!("{refusal}\n")).collect()
}

/// The code of that name.
fn code<'c>(program: &'c Compiled, name: &str) -> &'c Code {
    program.codes.iter().find(|code| &*code.qualname == name).unwrap_or_else(|| panic!("{name} is not there"))
}

/// Everything that the machine relies on but cannot check at every instruction.
fn check_invariants(program: &Compiled) {
    for code in &program.codes {
        let most =
            stack::measure(code, &program.codes).unwrap_or_else(|fault| panic!("{}: {fault}", code.qualname));
        assert!(most <= code.stack_size, "{}: {most} of {} operands", code.qualname, code.stack_size);
        assert_eq!(code.ops.len(), code.lines.len());
        let last = code.ops.last().expect("a code has instructions");
        assert!(
            matches!(last, Op::Return | Op::Reraise | Op::Raise(_) | Op::Jump(_) | Op::JumpBackward(_)),
            "{last:?}"
        );
        for (index, op) in (0..).zip(&code.ops) {
            check_operand(program, code, index, *op);
        }
        for (index, inner) in code.handlers.iter().enumerate() {
            assert!(inner.start < inner.end && inner.target < code.ops.len() as u32);
            for earlier in &code.handlers[..index] {
                let apart = inner.end <= earlier.start || earlier.end <= inner.start;
                let around = inner.start <= earlier.start && earlier.end <= inner.end;
                assert!(apart || around, "{}: inner regions stand first", code.qualname);
            }
        }
    }
}

/// Indexes are in their tables, forward jumps go forward, backward jumps go back.
fn check_operand(program: &Compiled, code: &Code, index: u32, op: Op) {
    let within = |at: u32, count: usize| assert!((at as usize) < count, "{}: {index}: {op:?}", code.qualname);
    match op {
        Op::JumpBackward(target) => assert!(target <= index, "{op:?} at {index}"),
        Op::Jump(target)
        | Op::PopJumpIfFalse(target)
        | Op::PopJumpIfTrue(target)
        | Op::JumpIfFalseOrPop(target)
        | Op::JumpIfTrueOrPop(target)
        | Op::ForIter(target)
        | Op::ForIterStoreFast { target, .. }
        | Op::CompareJump { target, .. } => assert!(target > index, "{op:?} at {index}"),
        Op::LoadConst(at) => within(at, program.consts.len()),
        Op::LoadGlobal(at) | Op::StoreGlobal(at) | Op::DeleteGlobal(at) => within(at, program.globals.len()),
        Op::LoadBuiltin(at) | Op::BuildClass(at) | Op::ImportModule(at) | Op::ImportFrom(at) => {
            within(at, program.names.len());
        }
        Op::LoadFast(at)
        | Op::StoreFast(at)
        | Op::DeleteFast(at)
        | Op::MakeCell(at)
        | Op::LoadClosure(at)
        | Op::LoadDeref(at)
        | Op::StoreDeref(at)
        | Op::DeleteDeref(at) => within(at, code.locals.len()),
        Op::LoadName { local, global } => {
            within(local.into(), code.locals.len());
            within(global, program.globals.len());
        }
        Op::LoadAttr { name, cache } | Op::StoreAttr { name, cache } | Op::LoadMethod { name, cache } => {
            within(name.into(), program.names.len());
            assert!(cache == u16::MAX || u32::from(cache) < program.caches);
        }
        Op::MakeFunction(at) => within(at, program.codes.len()),
        _ => {}
    }
}
