//! The bytecode: what the compiler writes, the eval loop runs and the listing shows.
//!
//! # Model
//! A stack machine with CPython's words. An instruction has 8 bytes; `lines[i]` is the source line of `ops[i]`.
//! Jump targets are indexes into `ops` of the same code. `[a, b]` below is the operand stack, its top at the right.
//!
//! Locals stand at the start of a frame: parameters, other locals, free variables. A local that an inner function
//! uses is turned into a cell by `MakeCell` at the start of the code; free variables are cells from the beginning.
//!
//! Loads, operations and stores are separate instructions wherever another thread could see the difference:
//! there is no fused increment of a global or an attribute.
//!
//! # Invariants
//! - C1: an instruction has 8 bytes.
//!
//! # Length
//! One table of instructions, kept whole.

/// One instruction. The comment shows the operand stack before and after.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Op {
    Nop,
    /// First instruction of each function: a check site, as CPython's RESUME.
    Resume,
    /// [] -> [consts[i]]
    LoadConst(u32),
    /// [] -> [locals[i]]; UnboundLocalError when it has no value.
    LoadFast(u32),
    StoreFast(u32),
    DeleteFast(u32),
    /// locals[i] = a new cell that holds locals[i] (which may be Unbound)
    MakeCell(u32),
    /// [] -> [the cell itself in locals[i]], for MakeFunction
    LoadClosure(u32),
    LoadDeref(u32),
    StoreDeref(u32),
    DeleteDeref(u32),
    /// [] -> [globals[i]]; a name that is not assigned falls back to the builtin of that name, else NameError.
    LoadGlobal(u32),
    StoreGlobal(u32),
    DeleteGlobal(u32),
    /// [] -> [the builtin `names[i]`], for a name that the module never assigns. NameError when there is none.
    LoadBuiltin(u32),
    /// Only in class bodies: [] -> [locals[local]], or when that has no value, as `LoadGlobal(global)`.
    LoadName {
        local: u16,
        global: u32,
    },
    /// [a] -> []
    Pop,
    /// [a] -> [a, a]
    Dup,
    /// [a, b] -> [a, b, a, b]
    DupTwo,
    /// [a, b] -> [b, a]
    Swap,
    /// [a, b, c] -> [c, a, b]
    RotThree,
    /// [a, b, c, d] -> [d, a, b, c]
    RotFour,
    /// [a, b] -> [a op b]
    Binary(BinaryOp),
    /// [a, b] -> [a op= b]; the same as Binary but for lists (in place) and in messages (`+=`).
    Inplace(BinaryOp),
    /// [a] -> [op a]
    Unary(UnaryOp),
    /// [a, b] -> [a op b]
    Compare(CompareOp),
    /// [a, b] -> [a is b], or `is not`
    Is {
        invert: bool,
    },
    /// [a, b] -> [a in b], or `not in`
    Contains {
        invert: bool,
    },
    /// [a, b] -> [a[b]]
    Subscript,
    /// [value, a, b] -> [] and a[b] = value
    StoreSubscript,
    /// [a, b] -> [] and del a[b]
    DeleteSubscript,
    /// [start, stop, step] -> [slice]; missing parts are None
    BuildSlice,
    /// [a] -> [a.names[name]]
    LoadAttr {
        name: u16,
        cache: u16,
    },
    /// [value, a] -> [] and a.names[name] = value
    StoreAttr {
        name: u16,
        cache: u16,
    },
    /// [a] -> []
    DeleteAttr {
        name: u16,
    },
    /// [a] -> [callable, receiver] for a method found in the class, else [Unbound, a.name]; before `CallMethod`.
    LoadMethod {
        name: u16,
        cache: u16,
    },
    /// [] -> [super().names[name]], in a method: locals[0] is the receiver, the frame's function knows its class.
    LoadSuperAttr {
        name: u16,
    },
    /// [n items] -> [list]
    BuildList(u32),
    BuildTuple(u32),
    /// [k1, v1, ... kn, vn] -> [dict]; n pairs
    BuildDict(u32),
    /// [n strings] -> [their concatenation]
    BuildString(u32),
    /// [a] -> [text], or with `spec`: [a, spec] -> [text]
    FormatValue {
        conversion: Conversion,
        spec: bool,
    },
    /// [.., list, (depth - 1 others), item] -> appends item to the list `depth` below the top (1 = next below)
    ListAppend(u32),
    /// [.., dict, (depth - 1 others), key, value] -> dict[key] = value
    DictInsert(u32),
    /// [a] -> [item n, .., item 2, item 1]: exactly n items, the first on top
    Unpack(u32),
    /// [a] -> [after.., list of the rest, before..], the first item on top
    UnpackStar {
        before: u16,
        after: u16,
    },
    /// Forward jumps.
    Jump(u32),
    /// A jump back to the head of a loop: a check site.
    JumpBackward(u32),
    /// [a] -> []
    PopJumpIfFalse(u32),
    PopJumpIfTrue(u32),
    /// [a] -> [a] and jump, or -> []
    JumpIfFalseOrPop(u32),
    JumpIfTrueOrPop(u32),
    /// [a] -> [iterator over a]
    GetIter,
    /// [it] -> [it, next]; at its end [it] -> [] and jump
    ForIter(u32),
    /// [callable, n arguments] -> [result]; a check site
    Call(u32),
    /// [callable, arguments] -> [result]; the last of the `count` arguments are named by the tuple consts[names]
    CallKeywords {
        count: u16,
        names: u32,
    },
    /// [callable or Unbound, receiver or callable, n arguments] -> [result]; a check site
    CallMethod(u32),
    /// As CallMethod, with keywords.
    CallMethodKeywords {
        count: u16,
        names: u32,
    },
    /// [a] -> leaves the frame with a
    Return,
    /// [defaults.., cells..] -> [function]; how many of each stands in codes[i]
    MakeFunction(u32),
    /// Only in class bodies: [] -> [dict of the bound locals, in the order of `locals`], before Return.
    BuildNamespace,
    /// [base or Unbound, namespace] -> [class named names[i]]
    BuildClass(u32),
    /// [] raise what is handled now; or with 1 [exc]; or with 2 [exc, cause]
    Raise(u8),
    /// [exc] -> raises it again, keeping its traceback
    Reraise,
    /// [exc] -> [what was handled before, exc], and exc is handled now
    PushHandled,
    /// [before] -> [], and `before` is handled again
    PopHandled,
    /// [exc, class or tuple of classes] -> [exc, bool]; TypeError unless the classes are exceptions
    MatchException,
    /// [manager] -> [bound __exit__, result of __enter__()]
    BeforeWith,
    /// [exit, before, exc] -> [exit, before, exc, result of exit(type(exc), exc, None)]
    WithExceptStart,
    /// [] -> [module names[i]]
    ImportModule(u32),
    /// [module] -> [module, its names[i]]
    ImportFrom(u32),
    /// [] -> [AssertionError], whatever the program has made of that name
    LoadAssertionError,

    // Fused forms, written by `fuse` only. They touch locals, constants and the stack, which no other thread sees.
    /// [] -> [locals[a], locals[b]]
    LoadFastLoadFast {
        a: u16,
        b: u16,
    },
    /// [] -> [locals[a], consts[c]]
    LoadFastLoadConst {
        a: u16,
        c: u16,
    },
    /// locals[b] = pop; push locals[a]
    StoreFastLoadFast {
        store: u16,
        load: u16,
    },
    /// [] -> [locals[a] op locals[b]]
    BinaryFastFast {
        op: BinaryOp,
        a: u16,
        b: u16,
    },
    /// [] -> [locals[a] op consts[c]]
    BinaryFastConst {
        op: BinaryOp,
        a: u16,
        c: u16,
    },
    /// [] -> [locals[a] op= locals[b]]; a StoreFast follows
    InplaceFastFast {
        op: BinaryOp,
        a: u16,
        b: u16,
    },
    /// [] -> [locals[a] op= consts[c]]; a StoreFast follows
    InplaceFastConst {
        op: BinaryOp,
        a: u16,
        c: u16,
    },
    /// [x] -> [x op locals[b]]
    BinaryFast {
        op: BinaryOp,
        b: u16,
    },
    /// [x] -> [x op consts[c]]
    BinaryConst {
        op: BinaryOp,
        c: u16,
    },
    /// [a, b] -> [] and jump when `a op b` is false
    CompareJump {
        op: CompareOp,
        target: u32,
    },
    /// [] and jump when `locals[a] op locals[b]` is false; `skip` is relative to the next instruction
    CompareFastFastJump {
        op: CompareOp,
        a: u8,
        b: u8,
        skip: u16,
    },
    /// [] and jump when `locals[a] op consts[c]` is false
    CompareFastConstJump {
        op: CompareOp,
        a: u8,
        c: u16,
        skip: u16,
    },
    /// ForIter, then StoreFast
    ForIterStoreFast {
        local: u16,
        target: u32,
    },
    /// [] -> [locals[a].names[name]]
    LoadFastLoadAttr {
        a: u16,
        name: u16,
        cache: u16,
    },
    /// [] -> [locals[a][locals[b]]]
    SubscriptFastFast {
        a: u16,
        b: u16,
    },
}

/// The operators of two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum BinaryOp {
    Add,
    Sub,
    Mul,
    Div,
    FloorDiv,
    Mod,
    Pow,
    LShift,
    RShift,
    And,
    Or,
    Xor,
}

/// The operators of one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UnaryOp {
    Neg,
    Pos,
    Not,
    Invert,
}

/// The orders and equalities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CompareOp {
    Lt,
    Le,
    Eq,
    Ne,
    Gt,
    Ge,
}

/// `!s`, `!r`, `!a` of an f-string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Conversion {
    None,
    Str,
    Repr,
    Ascii,
}

/// A constant of the source, before it has a place in the heap.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Const {
    None,
    Ellipsis,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(Box<str>),
    Bytes(Box<[u8]>),
    Tuple(Vec<Const>),
}

/// A region of instructions `start..end` whose exceptions go to `target`, with `depth` operands left on the stack.
///
/// The exception is pushed above them. Of several regions that hold an instruction, the first in the table wins;
/// so inner regions stand before outer ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Handler {
    pub(crate) start: u32,
    pub(crate) end: u32,
    pub(crate) target: u32,
    pub(crate) depth: u32,
}

/// One compiled function, class body or module.
#[derive(Clone, Debug)]
pub(crate) struct Code {
    /// As Python's `co_name`: `<module>`, `<lambda>`, or the name in the `def`.
    pub(crate) name: Box<str>,
    /// As Python's `__qualname__`, for messages about calls: `Account.deposit`.
    pub(crate) qualname: Box<str>,
    /// Line of the `def`, 1 for the module.
    pub(crate) first_line: u32,
    /// Parameters that can be given by place; the names are the first of `locals`.
    pub(crate) positional: u32,
    /// Parameters after a bare star; their names follow the positional ones in `locals`.
    pub(crate) keyword_only: u32,
    /// Which parameters (indexes into `locals`) have a default, rising; MakeFunction pops the values in this order.
    pub(crate) with_default: Vec<u32>,
    /// Names of all locals: parameters, others, then free variables.
    pub(crate) locals: Vec<Box<str>>,
    /// How many of the last `locals` are free variables; MakeFunction pops as many cells, in order.
    pub(crate) free: u32,
    /// The most operands that can be on the stack at once.
    pub(crate) stack_size: u32,
    pub(crate) ops: Vec<Op>,
    pub(crate) lines: Vec<u32>,
    pub(crate) handlers: Vec<Handler>,
    /// The text of the docstring, if there is one.
    pub(crate) doc: Option<Box<str>>,
}

/// A whole program, ready to run any number of times.
#[derive(Clone, Debug)]
pub(crate) struct Compiled {
    /// The file's name as it was given, for tracebacks.
    pub(crate) file: Box<str>,
    /// The lines of the source, for tracebacks.
    pub(crate) source: Box<str>,
    /// `codes[0]` is the module.
    pub(crate) codes: Vec<Code>,
    pub(crate) consts: Vec<Const>,
    /// Names of attributes, methods, builtins, modules and classes.
    pub(crate) names: Vec<Box<str>>,
    /// Names of the module's variables, by their slot. Slot 0 is `__name__`.
    pub(crate) globals: Vec<Box<str>>,
    /// How many inline caches the instructions name.
    pub(crate) caches: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c1_an_instruction_has_8_bytes() {
        assert_eq!(size_of::<Op>(), 8);
    }
}
