//! The bytecode of a program as text, with CPython's words, code by code and line by line.

mod words;
mod page;

use crate::code::{BinaryOp, Code, CompareOp, Compiled, Const, Conversion, Handler, Op};
use crate::machine::sites::Sites;

use words::word;

/// The instructions of the module, a function, a lambda or a class body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeListing {
    /// The names from the outside in: `<module>`, `Box`, `Box.__init__`, `main.<lambda>`.
    pub name: String,
    /// Line of the `def`, 1 for the module.
    pub first_line: u32,
    /// In the order in which they stand in the code.
    pub instructions: Vec<Instruction>,
    /// Which instructions' exceptions go where, the first that fits wins: `4 to 9 -> 12 [1]` says that from 4 up to but
    /// without 9 they go to 12, with 1 operand kept.
    pub exception_table: Vec<String>,
}

/// One instruction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instruction {
    /// Where it stands in its code, from 0; what jumps name.
    pub index: u32,
    /// The line of the source that it belongs to.
    pub line: u32,
    /// For example `LOAD_GLOBAL n`.
    pub text: String,
    /// Whether something jumps here, or what catches an exception begins here.
    pub is_target: bool,
    /// Whether a thread can be made to give up the lock here: under tick, under gil32, under the policies since gil310.
    pub check_sites: [bool; 3],
}

/// All codes of a program, outer ones first.
pub(crate) fn listing(program: &Compiled) -> Vec<CodeListing> {
    let list = |code: &Code| {
        let targets = targets(code);
        let ops = code.ops.iter().zip(&code.lines).enumerate();
        let instructions = ops.map(|(index, (op, line))| {
            let operand = Operands { program, code }.of(*op, index as u32);
            let text = format!("{} {operand}", word(*op)).trim_end().to_owned();
            let check_sites = [Sites::Ticks, Sites::EveryOp, Sites::BackEdge].map(|table| table.is_site(*op));
            Instruction { index: index as u32, line: *line, text, is_target: targets[index], check_sites }
        });
        CodeListing {
            name: code.qualname.replace(".<locals>", ""),
            first_line: code.first_line,
            instructions: instructions.collect(),
            exception_table: code.handlers.iter().map(region).collect(),
        }
    };
    program.codes.iter().map(list).collect()
}

fn region(handler: &Handler) -> String {
    let Handler { start, end, target, depth } = handler;
    format!("{start} to {end} -> {target} [{depth}]")
}

/// Which instructions something jumps to, or a handler begins at.
fn targets(code: &Code) -> Vec<bool> {
    let mut targets = vec![false; code.ops.len()];
    let jumps = (0..).zip(&code.ops).filter_map(|(index, op)| target(*op, index));
    for at in jumps.chain(code.handlers.iter().map(|handler| handler.target)) {
        targets[at as usize] = true;
    }
    targets
}

/// Where the instruction may jump to.
fn target(op: Op, index: u32) -> Option<u32> {
    match op {
        Op::Jump(to)
        | Op::JumpBackward(to)
        | Op::PopJumpIfFalse(to)
        | Op::PopJumpIfTrue(to)
        | Op::JumpIfFalseOrPop(to)
        | Op::JumpIfTrueOrPop(to)
        | Op::ForIter(to)
        | Op::CompareJump { target: to, .. }
        | Op::ForIterStoreFast { target: to, .. } => Some(to),
        Op::CompareFastFastJump { skip, .. } | Op::CompareFastConstJump { skip, .. } => {
            Some(index + 1 + u32::from(skip))
        }
        _ => None,
    }
}

/// What the numbers in an instruction of this code mean.
struct Operands<'a> {
    program: &'a Compiled,
    code: &'a Code,
}

impl Operands<'_> {
    fn of(&self, op: Op, index: u32) -> String {
        match op {
            Op::Nop | Op::Resume | Op::Pop | Op::Dup | Op::DupTwo | Op::Swap | Op::RotThree | Op::RotFour => {
                String::new()
            }
            Op::Subscript | Op::StoreSubscript | Op::DeleteSubscript | Op::BuildSlice | Op::GetIter => {
                String::new()
            }
            Op::Return | Op::BuildNamespace | Op::Reraise | Op::PushHandled | Op::PopHandled => String::new(),
            Op::MatchException | Op::BeforeWith | Op::WithExceptStart | Op::LoadAssertionError => {
                String::new()
            }
            Op::LoadConst(at) => self.constant(at),
            Op::LoadFast(at) | Op::StoreFast(at) | Op::DeleteFast(at) | Op::MakeCell(at) => self.local(at),
            Op::LoadClosure(at) | Op::LoadDeref(at) | Op::StoreDeref(at) | Op::DeleteDeref(at) => {
                self.local(at)
            }
            Op::LoadGlobal(at) | Op::StoreGlobal(at) | Op::DeleteGlobal(at) => self.global(at),
            Op::LoadName { local, global } => {
                format!("{} or global {}", self.local(local.into()), self.global(global))
            }
            Op::LoadBuiltin(at) | Op::BuildClass(at) | Op::ImportModule(at) | Op::ImportFrom(at) => {
                self.name(at)
            }
            Op::Binary(op) => binary(op).to_owned(),
            Op::Inplace(op) => format!("{}=", binary(op)),
            Op::Unary(_) => String::new(),
            Op::Compare(op) => compare(op).to_owned(),
            Op::Is { invert } => if invert { "not" } else { "" }.to_owned(),
            Op::Contains { invert } => if invert { "not" } else { "" }.to_owned(),
            Op::LoadAttr { name, .. } | Op::StoreAttr { name, .. } | Op::LoadMethod { name, .. } => {
                self.name(name.into())
            }
            Op::DeleteAttr { name } | Op::LoadSuperAttr { name } => self.name(name.into()),
            Op::BuildList(n) | Op::BuildTuple(n) | Op::BuildDict(n) | Op::BuildString(n) | Op::Unpack(n) => {
                n.to_string()
            }
            Op::ListAppend(n) | Op::DictInsert(n) | Op::Call(n) | Op::CallMethod(n) => n.to_string(),
            _ => self.of_jumps_and_fused(op, index),
        }
    }
}

impl Operands<'_> {
    /// Jumps name the instruction at which they go on; fused forms name both of their parts.
    fn of_jumps_and_fused(&self, op: Op, index: u32) -> String {
        let (local, skipped) = (|at: u16| self.local(at.into()), |skip: u16| index + 1 + u32::from(skip));
        match op {
            Op::Jump(to) | Op::JumpBackward(to) | Op::PopJumpIfFalse(to) | Op::PopJumpIfTrue(to) => {
                format!("to {to}")
            }
            Op::JumpIfFalseOrPop(to) | Op::JumpIfTrueOrPop(to) | Op::ForIter(to) => format!("to {to}"),
            Op::CallKeywords { count, names } | Op::CallMethodKeywords { count, names } => {
                format!("{count} {}", self.constant(names))
            }
            Op::MakeFunction(at) => {
                self.program.codes.get(at as usize).map_or("?", |code| &code.name).to_owned()
            }
            Op::Raise(parts) => parts.to_string(),
            Op::UnpackStar { before, after } => format!("{before}, rest, {after}"),
            Op::FormatValue { conversion, spec } => {
                let conversion = match conversion {
                    Conversion::None => "",
                    Conversion::Str => "!s ",
                    Conversion::Repr => "!r ",
                    Conversion::Ascii => "!a ",
                };
                format!("{conversion}{}", if spec { "with format" } else { "" }).trim_end().to_owned()
            }
            Op::LoadFastLoadFast { a, b } => format!("{}, {}", local(a), local(b)),
            Op::LoadFastLoadConst { a, c } => format!("{}, {}", local(a), self.constant(c.into())),
            Op::StoreFastLoadFast { store, load } => format!("{}, {}", local(store), local(load)),
            Op::BinaryFastFast { op, a, b } => format!("{} {} {}", local(a), binary(op), local(b)),
            Op::BinaryFastConst { op, a, c } => {
                format!("{} {} {}", local(a), binary(op), self.constant(c.into()))
            }
            Op::InplaceFastFast { op, a, b } => format!("{} {}= {}", local(a), binary(op), local(b)),
            Op::InplaceFastConst { op, a, c } => {
                format!("{} {}= {}", local(a), binary(op), self.constant(c.into()))
            }
            Op::BinaryFast { op, b } => format!("{} {}", binary(op), local(b)),
            Op::BinaryConst { op, c } => format!("{} {}", binary(op), self.constant(c.into())),
            Op::CompareJump { op, target } => format!("{} else to {target}", compare(op)),
            Op::CompareFastFastJump { op, a, b, skip } => {
                let (left, right) = (self.local(a.into()), self.local(b.into()));
                format!("{left} {} {right} else to {}", compare(op), skipped(skip))
            }
            Op::CompareFastConstJump { op, a, c, skip } => {
                let (left, right) = (self.local(a.into()), self.constant(c.into()));
                format!("{left} {} {right} else to {}", compare(op), skipped(skip))
            }
            Op::ForIterStoreFast { local: to, target } => format!("{} else to {target}", local(to)),
            Op::LoadFastLoadAttr { a, name, .. } => format!("{}.{}", local(a), self.name(name.into())),
            Op::SubscriptFastFast { a, b } => format!("{}[{}]", local(a), local(b)),
            _ => String::new(),
        }
    }

    fn local(&self, at: u32) -> String {
        self.code.locals.get(at as usize).map_or("?", |name| name).to_owned()
    }

    fn global(&self, at: u32) -> String {
        self.program.globals.get(at as usize).map_or("?", |name| name).to_owned()
    }

    fn name(&self, at: u32) -> String {
        self.program.names.get(at as usize).map_or("?", |name| name).to_owned()
    }

    fn constant(&self, at: u32) -> String {
        self.program.consts.get(at as usize).map_or("?".to_owned(), constant)
    }
}

/// As Python writes it, for the constants that listings are about; a long text is cut.
fn constant(value: &Const) -> String {
    match value {
        Const::None => "None".to_owned(),
        Const::Ellipsis => "...".to_owned(),
        Const::Bool(true) => "True".to_owned(),
        Const::Bool(false) => "False".to_owned(),
        Const::Int(int) => int.to_string(),
        Const::Float(float) => format!("{float:?}"),
        Const::Str(text) => quoted(text.chars()),
        Const::Bytes(bytes) => format!("b{}", quoted(bytes.iter().map(|byte| char::from(*byte)))),
        Const::Tuple(items) => {
            let items: Vec<String> = items.iter().map(constant).collect();
            format!("({}{})", items.join(", "), if items.len() == 1 { "," } else { "" })
        }
    }
}

/// Characters of a text that are shown at most.
const TEXT_MAX: usize = 30;

fn quoted(text: impl Iterator<Item = char>) -> String {
    let mut text = text.peekable();
    let shown: String = text.by_ref().take(TEXT_MAX).flat_map(char::escape_debug).collect();
    let shown = shown.replace("\\'", "'").replace("\\\"", "\"").replace('\'', "\\'");
    format!("'{shown}{}'", if text.peek().is_some() { "…" } else { "" })
}

fn binary(op: BinaryOp) -> &'static str {
    match op {
        BinaryOp::Add => "+",
        BinaryOp::Sub => "-",
        BinaryOp::Mul => "*",
        BinaryOp::Div => "/",
        BinaryOp::FloorDiv => "//",
        BinaryOp::Mod => "%",
        BinaryOp::Pow => "**",
        BinaryOp::LShift => "<<",
        BinaryOp::RShift => ">>",
        BinaryOp::And => "&",
        BinaryOp::Or => "|",
        BinaryOp::Xor => "^",
    }
}

fn compare(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Lt => "<",
        CompareOp::Le => "<=",
        CompareOp::Eq => "==",
        CompareOp::Ne => "!=",
        CompareOp::Gt => ">",
        CompareOp::Ge => ">=",
    }
}

#[cfg(test)]
mod snapshots;

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(source: &str) -> Vec<(String, Vec<(u32, String)>)> {
        let program = crate::syntax::compile("test.py", source).expect("inside the subset");
        let instructions = |code: CodeListing| {
            code.instructions.into_iter().map(|one| (one.line, one.text)).collect::<Vec<_>>()
        };
        listing(&program).into_iter().map(|code| (code.name.clone(), instructions(code))).collect()
    }

    #[test]
    fn an_update_of_a_global_is_four_instructions() {
        let shown = shown("n = 0\ndef add():\n    global n\n    n += 1\n");
        let add = shown.into_iter().find(|(name, _)| name == "add").expect("the function").1;
        let on_4: Vec<String> =
            add.into_iter().filter(|(line, _)| *line == 4).map(|(_, text)| text).collect();
        let find = |text: &str| on_4.iter().position(|one| one == text).expect(text);
        assert!(find("LOAD_GLOBAL n") + 2 <= find("STORE_GLOBAL n"), "{on_4:?}");
    }

    #[test]
    fn codes_are_named_from_the_outside_in() {
        let source = "class Box:\n    def get(self):\n        return lambda: self\n";
        let names: Vec<String> = shown(source).into_iter().map(|(name, _)| name).collect();
        assert!(
            names.contains(&"<module>".to_owned()) && names.contains(&"Box.get.<lambda>".to_owned()),
            "{names:?}"
        );
    }

    #[test]
    fn every_operand_of_a_long_program_has_its_name() {
        let source = "
import time
def f(a, b=2, *, c=3):
    x = [a, b, c, (1, 'two', b'three', 4.5, None)]
    for i in range(10):
        if i < b and not a == 3: x.append(i * 2)
        else: x[0] += a
    d = {k: v for k, v in [(1, 2)]}
    def g():
        nonlocal x
        x = -a
        return f'{x!r:>{b}}'
    try:
        time.sleep(0)
        with a as q: pass
    except (ValueError, KeyError) as error:
        raise
    finally:
        del d[1], d
    first, *rest = x
    return first is not rest, a in x, g(), f(a, b=1), x[1:2]
";
        for (name, code) in shown(source) {
            for (_, text) in code {
                assert!(!text.contains('?'), "{name}: {text}");
            }
        }
    }

    #[test]
    fn constants_are_written_as_in_python() {
        let text = |value| constant(&value);
        assert_eq!(text(Const::Str("it's\n\"so\"".into())), r#"'it\'s\n"so"'"#);
        assert_eq!(text(Const::Tuple(vec![Const::Int(1)])), "(1,)");
        assert_eq!(text(Const::Float(2.0)), "2.0");
        assert_eq!(text(Const::Bytes(b"ab".to_vec().into())), "b'ab'");
        assert_eq!(text(Const::Str("x".repeat(31).into())), format!("'{}…'", "x".repeat(30)));
    }
}
