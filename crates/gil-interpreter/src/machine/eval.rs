//! The eval loop: one instruction after the other, over the frames of one thread.
//!
//! # Model
//! `pc`, `sp` and `base` live in local variables. Before anything that may look at the machine (a native, a slow
//! path, the collector) `sp` is written back; a frame's `pc` is written back when another frame is entered. What
//! can fail breaks out of the inner loop with the reason, and `unwind` finds the handler.
//!
//! Which instructions look at the eval breaker is a parameter, so that each of the three tables of `sites` has a
//! loop of its own and pays for nothing else.
//!
//! # Length
//! One match over the instructions, kept whole: it is the table of what they do.

use std::rc::Rc;
use std::sync::atomic::Ordering::Relaxed;

use super::attributes::IN_CLASS;
use super::call::{CallSite, Called};
use super::sites::{self, Sites};
use super::{After, Frame, Machine, RECURSION_LIMIT, Unwind};
use crate::code::{BinaryOp, CompareOp, Op, UnaryOp};
use crate::heap::{Dict, Function, Heap, Instance, Iterator, Slice, TraceEntry};
use crate::native::Args;
use crate::types;
use crate::value::{Id, Value};

const BACK_EDGE: u8 = 0;
const EVERY_OP: u8 = 1;
const TICKS: u8 = 2;

/// Orders of two ints or two floats.
#[inline(always)]
fn quick_compare(op: CompareOp, a: Value, b: Value) -> Option<bool> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Some(match op {
            CompareOp::Lt => a < b,
            CompareOp::Le => a <= b,
            CompareOp::Eq => a == b,
            CompareOp::Ne => a != b,
            CompareOp::Gt => a > b,
            CompareOp::Ge => a >= b,
        }),
        (Value::Float(a), Value::Float(b)) => Some(match op {
            CompareOp::Lt => a < b,
            CompareOp::Le => a <= b,
            CompareOp::Eq => a == b,
            CompareOp::Ne => a != b,
            CompareOp::Gt => a > b,
            CompareOp::Ge => a >= b,
        }),
        _ => None,
    }
}

/// What a step of a common iterator gives without leaving the loop.
enum Step {
    Int(i64),
    Item(Value),
    End,
    List(Id, usize),
    Tuple(Id, usize),
    Text(Id, usize),
    Slow,
}

impl<H: Heap> Machine<H> {
    /// Runs until the frame at `entry` has returned or unwound.
    pub(super) fn run_frames(&mut self, entry: usize) -> Result<Value, Unwind> {
        match self.shared.settings.sites {
            Sites::BackEdge => self.eval::<BACK_EDGE>(entry),
            Sites::EveryOp => self.eval::<EVERY_OP>(entry),
            Sites::Ticks => self.eval::<TICKS>(entry),
        }
    }

    #[allow(
        clippy::assign_op_pattern,
        clippy::self_assignment,
        reason = "the macros take the new top as they find it"
    )]
    fn eval<const SITES: u8>(&mut self, entry: usize) -> Result<Value, Unwind> {
        let shared = Rc::clone(&self.shared);
        let word = Rc::clone(&self.word);
        let codes = &shared.program.codes[..];
        let names = &shared.program.names[..];
        let consts = &shared.consts[..];
        let frame = self.frames.last().expect("a frame was pushed before the loop began");
        let mut code = &codes[frame.code as usize];
        let mut ops = &code.ops[..];
        let mut pc = frame.pc as usize;
        let mut base = frame.base as usize;
        let mut sp = self.sp;
        // The instruction before, for the tables that look at every one.
        let mut last = Op::Nop;
        let mut last_end = pc;
        // Whatever an instruction that failed has rooted above these is no longer wanted.
        let roots_at_entry = self.roots.len();
        // What goes up was raised before and has this frame in its traceback already.
        let mut again = false;

        // Takes up the innermost frame.
        macro_rules! enter {
            () => {{
                let frame = self.frames.last().expect("a frame is running");
                code = &codes[frame.code as usize];
                ops = &code.ops[..];
                pc = frame.pc as usize;
                base = frame.base as usize;
                sp = self.sp;
            }};
        }
        loop {
            let unwind: Unwind = 'run: loop {
                macro_rules! push {
                    ($value:expr) => {{
                        let value = $value;
                        self.stack[sp] = value;
                        sp += 1;
                    }};
                }
                macro_rules! pop {
                    () => {{
                        sp -= 1;
                        self.stack[sp].by_parts()
                    }};
                }
                macro_rules! local {
                    ($at:expr) => {
                        self.stack[base + $at as usize]
                    };
                }
                // Something that may look at the machine, and may fail.
                macro_rules! attempt {
                    ($result:expr) => {{
                        self.sp = sp;
                        match $result {
                            Ok(value) => value,
                            Err(unwind) => break 'run unwind,
                        }
                    }};
                }
                macro_rules! bound_local {
                    ($at:expr) => {{
                        let value = local!($at).by_parts();
                        if matches!(value, Value::Unbound) {
                            break 'run self.unbound_local(&code.locals[$at as usize], sp);
                        }
                        value
                    }};
                }
                // Arithmetic of numbers, written straight to `dest` of the stack; goes on after it unless it is slow.
                macro_rules! arithmetic {
                    ($op:expr, $a:expr, $b:expr => $dest:expr, $after:expr) => {{
                        macro_rules! done {
                            ($value:expr) => {{
                                let value = $value;
                                let dest = $dest;
                                self.stack[dest] = value;
                                sp = $after;
                                continue 'run;
                            }};
                        }
                        macro_rules! floats {
                            ($x:expr, $y:expr) => {
                                match $op {
                                    BinaryOp::Add => done!(Value::Float($x + $y)),
                                    BinaryOp::Sub => done!(Value::Float($x - $y)),
                                    BinaryOp::Mul => done!(Value::Float($x * $y)),
                                    BinaryOp::Div if $y != 0.0 => done!(Value::Float($x / $y)),
                                    _ => {}
                                }
                            };
                        }
                        match (&$a, &$b) {
                            (&Value::Int(x), &Value::Int(y)) => {
                                let number = match $op {
                                    BinaryOp::Add => x.checked_add(y),
                                    BinaryOp::Sub => x.checked_sub(y),
                                    BinaryOp::Mul => x.checked_mul(y),
                                    BinaryOp::And => Some(x & y),
                                    BinaryOp::Or => Some(x | y),
                                    BinaryOp::Xor => Some(x ^ y),
                                    BinaryOp::FloorDiv if y > 0 => Some(x.div_euclid(y)),
                                    BinaryOp::Mod if y > 0 => Some(x.rem_euclid(y)),
                                    BinaryOp::RShift if (0..64).contains(&y) => Some(x >> y),
                                    _ => None,
                                };
                                if let Some(number) = number {
                                    done!(Value::Int(number));
                                }
                            }
                            (&Value::Float(x), &Value::Float(y)) => floats!(x, y),
                            (&Value::Float(x), &Value::Int(y)) => floats!(x, y as f64),
                            (&Value::Int(x), &Value::Float(y)) => floats!(x as f64, y),
                            _ => {}
                        }
                    }};
                }
                // A check site of the back-edge table.
                macro_rules! site {
                    () => {
                        if SITES == BACK_EDGE && word.load(Relaxed) != 0 {
                            attempt!(self.attend());
                        }
                    };
                }
                macro_rules! call {
                    ($callable:expr, $site:expr) => {{
                        let site: CallSite = $site;
                        self.sp = sp;
                        if let Value::Native(native) = $callable {
                            let args = Args { at: site.base, count: site.count, names: site.names };
                            let native = &shared.natives[native as usize];
                            let before = std::mem::replace(&mut self.may_release, native.may_release());
                            let roots = self.roots.len();
                            let result = (native.function)(self, args);
                            self.roots.truncate(roots);
                            self.may_release = before;
                            match result {
                                Ok(value) => {
                                    self.stack[site.result] = value;
                                    sp = site.result + 1;
                                    site!();
                                }
                                Err(unwind) => break 'run unwind,
                            }
                        } else {
                            self.frames.last_mut().expect("a frame is running").pc = pc as u32;
                            match self.prepare($callable, site) {
                                Ok(Called::Entered) => enter!(),
                                Ok(Called::Done(value)) => {
                                    self.stack[site.result] = value;
                                    sp = site.result + 1;
                                    site!();
                                }
                                Err(unwind) => break 'run unwind,
                            }
                        }
                    }};
                }
                // A plain call of a Python function whose parameters are all given by place.
                macro_rules! call_function {
                    ($id:expr, $callable:expr, $site:expr) => {{
                        let site: CallSite = $site;
                        let function = self.heap.function($id);
                        let number = function.code;
                        let callee = &codes[number as usize];
                        let locals = callee.locals.len();
                        let room = site.base + locals + callee.stack_size as usize + 8;
                        if site.count == callee.positional as usize
                            && callee.keyword_only == 0
                            && room <= self.stack.len()
                            && self.frames.len() + (self.nested as usize) < RECURSION_LIMIT
                        {
                            let first_free = site.base + locals - callee.free as usize;
                            for place in site.base + site.count..first_free {
                                self.stack[place] = Value::Unbound;
                            }
                            for (place, &cell) in function.closure.iter().enumerate() {
                                self.stack[first_free + place] = cell;
                            }
                            self.frames.last_mut().expect("a frame is running").pc = pc as u32;
                            self.frames.push(Frame {
                                code: number,
                                pc: 0,
                                base: site.base as u32,
                                result: site.result as u32,
                                after: After::Push,
                                function: Some($id),
                            });
                            code = callee;
                            ops = &code.ops[..];
                            pc = 0;
                            base = site.base;
                            sp = site.base + locals;
                        } else {
                            call!($callable, site);
                        }
                    }};
                }

                if SITES == EVERY_OP && word.load(Relaxed) != 0 && sites::after_every(last, ops[pc]) {
                    self.sp = sp;
                    if let Err(unwind) = self.attend() {
                        pc = last_end;
                        break 'run unwind;
                    }
                }
                if SITES == TICKS {
                    self.ticks -= sites::ticks(last);
                    if self.ticks < 0 {
                        self.sp = sp;
                        if let Err(unwind) = self.tick_over() {
                            pc = last_end;
                            break 'run unwind;
                        }
                    }
                }
                let op = ops[pc];
                pc += 1;
                if SITES != BACK_EDGE {
                    last = op;
                    last_end = pc;
                }
                match op {
                    Op::Nop => {}
                    Op::Resume => site!(),
                    Op::LoadConst(at) => push!(consts[at as usize]),
                    Op::LoadFast(at) => push!(bound_local!(at)),
                    Op::StoreFast(at) => local!(at) = pop!(),
                    Op::DeleteFast(at) => {
                        bound_local!(at);
                        local!(at) = Value::Unbound;
                    }
                    Op::MakeCell(at) => local!(at) = self.heap.new_cell(local!(at)),
                    Op::LoadClosure(at) => push!(local!(at)),
                    Op::LoadDeref(at) => {
                        let value = match local!(at) {
                            Value::Cell(id) => self.heap.cell(id),
                            other => other,
                        };
                        if value == Value::Unbound {
                            break 'run self.unbound_deref(code, at, sp);
                        }
                        push!(value);
                    }
                    Op::StoreDeref(at) => {
                        let value = pop!();
                        match local!(at) {
                            Value::Cell(id) => self.heap.set_cell(id, value),
                            _ => local!(at) = value,
                        }
                    }
                    Op::DeleteDeref(at) => match local!(at) {
                        Value::Cell(id) if self.heap.cell(id) != Value::Unbound => {
                            self.heap.set_cell(id, Value::Unbound)
                        }
                        _ => break 'run self.unbound_deref(code, at, sp),
                    },
                    Op::LoadGlobal(at) => {
                        let value = self.heap.global(at);
                        push!(if matches!(value, Value::Unbound) {
                            attempt!(self.global_builtin(at))
                        } else {
                            value
                        });
                    }
                    Op::StoreGlobal(at) => {
                        let value = pop!();
                        self.heap.set_global(at, value);
                    }
                    Op::DeleteGlobal(at) => {
                        if self.heap.global(at) == Value::Unbound {
                            break 'run self.no_name(&shared.program.globals[at as usize], sp);
                        }
                        self.heap.set_global(at, Value::Unbound);
                    }
                    Op::LoadName { local, global } => {
                        let own = match local!(local) {
                            Value::Cell(id) => self.heap.cell(id),
                            other => other,
                        };
                        let value = if own == Value::Unbound { self.heap.global(global) } else { own };
                        push!(if value == Value::Unbound {
                            attempt!(self.global_builtin(global))
                        } else {
                            value
                        });
                    }
                    Op::LoadBuiltin(at) => {
                        let value = shared.name_builtins[at as usize];
                        if value == Value::Unbound {
                            break 'run self.no_name(&names[at as usize], sp);
                        }
                        push!(value);
                    }
                    Op::Pop => sp -= 1,
                    Op::Dup => push!(self.stack[sp - 1]),
                    Op::DupTwo => {
                        push!(self.stack[sp - 2].by_parts());
                        push!(self.stack[sp - 2].by_parts());
                    }
                    Op::Swap => self.stack.swap(sp - 1, sp - 2),
                    Op::RotThree => {
                        let (a, b, c) =
                            (self.stack[sp - 3], self.stack[sp - 2], self.stack[sp - 1].by_parts());
                        self.stack[sp - 3] = c;
                        self.stack[sp - 2] = a;
                        self.stack[sp - 1] = b;
                    }
                    Op::RotFour => self.stack[sp - 4..sp].rotate_right(1),
                    Op::Binary(op) => {
                        arithmetic!(op, self.stack[sp - 2], self.stack[sp - 1] => sp - 2, sp - 1);
                        let (a, b) = (self.stack[sp - 2], self.stack[sp - 1]);
                        let value = attempt!(self.binary(op, a, b));
                        sp -= 1;
                        self.stack[sp - 1] = value;
                    }
                    Op::Inplace(op) => {
                        arithmetic!(op, self.stack[sp - 2], self.stack[sp - 1] => sp - 2, sp - 1);
                        let (a, b) = (self.stack[sp - 2], self.stack[sp - 1]);
                        let value = attempt!(self.inplace(op, a, b));
                        sp -= 1;
                        self.stack[sp - 1] = value;
                    }
                    Op::Unary(op) => {
                        let value = self.stack[sp - 1];
                        self.stack[sp - 1] = match (op, value) {
                            (UnaryOp::Not, Value::Bool(flag)) => Value::Bool(!flag),
                            (UnaryOp::Not, _) => Value::Bool(!attempt!(self.truth(value))),
                            (UnaryOp::Neg, Value::Float(number)) => Value::Float(-number),
                            _ => attempt!(self.unary(op, value)),
                        };
                    }
                    Op::Compare(op) => {
                        let (a, b) = (self.stack[sp - 2], self.stack[sp - 1]);
                        let value = match quick_compare(op, a, b) {
                            Some(yes) => Value::Bool(yes),
                            None => attempt!(self.compare(op, a, b)),
                        };
                        sp -= 1;
                        self.stack[sp - 1] = value;
                    }
                    Op::Is { invert } => {
                        let (b, a) = (pop!(), pop!());
                        push!(Value::Bool(a.is(b) != invert));
                    }
                    Op::Contains { invert } => {
                        let found = match (self.stack[sp - 2], self.stack[sp - 1]) {
                            (key @ Value::Int(number), Value::Dict(id)) => {
                                self.heap.dict_find(id, key, crate::heap::dict::hash_int(number)).is_some()
                            }
                            (key @ Value::Str(text), Value::Dict(id)) => {
                                let hash = self.heap.text(text).hash();
                                self.heap.dict_find(id, key, hash).is_some()
                            }
                            (item, container) => attempt!(self.contains(container, item)),
                        };
                        sp -= 1;
                        self.stack[sp - 1] = Value::Bool(found != invert);
                    }
                    Op::Subscript => {
                        let value = match self.quick_subscript(self.stack[sp - 2], self.stack[sp - 1]) {
                            Some(value) => value,
                            None => attempt!(self.subscript(self.stack[sp - 2], self.stack[sp - 1])),
                        };
                        sp -= 1;
                        self.stack[sp - 1] = value;
                    }
                    Op::StoreSubscript => {
                        let value = self.stack[sp - 3].by_parts();
                        if !self.quick_store(self.stack[sp - 2], self.stack[sp - 1], value) {
                            let (value, a, index) =
                                (self.stack[sp - 3], self.stack[sp - 2], self.stack[sp - 1]);
                            attempt!(self.store_subscript(a, index, value));
                        }
                        sp -= 3;
                    }
                    Op::DeleteSubscript => {
                        let (a, index) = (self.stack[sp - 2], self.stack[sp - 1]);
                        attempt!(self.delete_subscript(a, index));
                        sp -= 2;
                    }
                    Op::BuildSlice => {
                        let (step, stop, start) = (pop!(), pop!(), pop!());
                        push!(self.heap.new_slice(Slice { start, stop, step }));
                    }
                    Op::LoadAttr { name, cache } => {
                        let value = self.stack[sp - 1];
                        self.stack[sp - 1] = match self.cached_attr(value, cache) {
                            Some(found) => found,
                            None => attempt!(self.load_attr(value, &names[name as usize], cache)),
                        };
                    }
                    Op::StoreAttr { name, cache } => {
                        let (new, value) = (self.stack[sp - 2].by_parts(), self.stack[sp - 1]);
                        if !self.cached_store(value, new, cache) {
                            attempt!(self.store_attr(value, &names[name as usize], new, cache));
                        }
                        sp -= 2;
                    }
                    Op::DeleteAttr { name } => {
                        let value = self.stack[sp - 1];
                        attempt!(self.delete_attr(value, &names[name as usize]));
                        sp -= 1;
                    }
                    Op::LoadMethod { name, cache } => {
                        let value = self.stack[sp - 1];
                        let (callable, receiver) = match self.cached_method(value, cache) {
                            Some(function) => (function, value),
                            None => attempt!(self.load_method(value, name, &names[name as usize], cache)),
                        };
                        self.stack[sp - 1] = callable;
                        push!(receiver);
                    }
                    Op::LoadSuperAttr { name } => {
                        let value = attempt!(self.super_attr(&names[name as usize]));
                        push!(value);
                    }
                    Op::BuildList(count) => {
                        let items = self.stack[sp - count as usize..sp].to_vec();
                        sp -= count as usize;
                        push!(self.heap.new_list(items));
                    }
                    Op::BuildTuple(count) => {
                        let items = self.stack[sp - count as usize..sp].to_vec();
                        sp -= count as usize;
                        push!(self.heap.new_tuple(items));
                    }
                    Op::BuildDict(count) => {
                        let dict = self.heap.new_dict(Dict::default());
                        let first = sp - 2 * count as usize;
                        self.roots.push(dict);
                        let mut failed = None;
                        self.sp = sp;
                        for pair in 0..count as usize {
                            let (key, value) =
                                (self.stack[first + 2 * pair], self.stack[first + 2 * pair + 1]);
                            if let Value::Dict(id) = dict
                                && let Err(unwind) = self.dict_set(id, key, value)
                            {
                                failed = Some(unwind);
                                break;
                            }
                        }
                        self.roots.pop();
                        if let Some(unwind) = failed {
                            break 'run unwind;
                        }
                        sp = first;
                        push!(dict);
                    }
                    Op::BuildString(count) => {
                        let mut text = String::new();
                        for at in sp - count as usize..sp {
                            if let Value::Str(id) = self.stack[at] {
                                text.push_str(&self.heap.text(id).text);
                            }
                        }
                        sp -= count as usize;
                        push!(self.heap.new_str(text));
                    }
                    Op::FormatValue { conversion, spec } => {
                        let text = attempt!(self.format_value(conversion, spec));
                        sp -= usize::from(spec);
                        self.stack[sp - 1] = text;
                    }
                    Op::ListAppend(depth) => {
                        let item = pop!();
                        if let Value::List(id) = self.stack[sp - depth as usize] {
                            self.append(id, item);
                        }
                    }
                    Op::DictInsert(depth) => {
                        let (key, value) = (self.stack[sp - 2], self.stack[sp - 1]);
                        if let Value::Dict(id) = self.stack[sp - 2 - depth as usize] {
                            attempt!(self.dict_set(id, key, value));
                        }
                        sp -= 2;
                    }
                    Op::Unpack(count) => {
                        let value = self.stack[sp - 1];
                        let items = attempt!(self.unpacked(value, count as usize));
                        sp -= 1;
                        for &item in items.iter().rev() {
                            push!(item);
                        }
                    }
                    Op::UnpackStar { before, after } => {
                        let value = self.stack[sp - 1];
                        let items = attempt!(self.unpacked_star(value, before as usize, after as usize));
                        sp -= 1;
                        for &item in items.iter().rev() {
                            push!(item);
                        }
                    }
                    Op::Jump(target) => pc = target as usize,
                    Op::JumpBackward(target) => {
                        // Before the jump, so that what is raised here is raised inside the loop.
                        site!();
                        pc = target as usize;
                    }
                    Op::PopJumpIfFalse(target) => {
                        let value = self.stack[sp - 1];
                        let yes =
                            if let Value::Bool(yes) = value { yes } else { attempt!(self.truth(value)) };
                        sp -= 1;
                        if !yes {
                            pc = target as usize;
                        }
                    }
                    Op::PopJumpIfTrue(target) => {
                        let value = self.stack[sp - 1];
                        let yes =
                            if let Value::Bool(yes) = value { yes } else { attempt!(self.truth(value)) };
                        sp -= 1;
                        if yes {
                            pc = target as usize;
                        }
                    }
                    Op::JumpIfFalseOrPop(target) => {
                        if attempt!(self.truth(self.stack[sp - 1])) {
                            sp -= 1;
                        } else {
                            pc = target as usize;
                        }
                    }
                    Op::JumpIfTrueOrPop(target) => {
                        if attempt!(self.truth(self.stack[sp - 1])) {
                            pc = target as usize;
                        } else {
                            sp -= 1;
                        }
                    }
                    Op::GetIter => {
                        let value = self.stack[sp - 1];
                        self.stack[sp - 1] = attempt!(self.iterator(value));
                    }
                    Op::ForIter(target) => {
                        let iterator = self.stack[sp - 1];
                        match self.step(iterator) {
                            Step::Int(item) => push!(Value::Int(item)),
                            Step::Item(item) => push!(item),
                            Step::End => {
                                sp -= 1;
                                pc = target as usize;
                            }
                            _ => match attempt!(self.next(iterator)) {
                                Some(item) => push!(item),
                                None => {
                                    sp -= 1;
                                    pc = target as usize;
                                }
                            },
                        }
                    }
                    Op::ForIterStoreFast { local, target } => {
                        let iterator = self.stack[sp - 1];
                        match self.step(iterator) {
                            Step::Int(item) => local!(local) = Value::Int(item),
                            Step::Item(item) => local!(local) = item,
                            Step::End => {
                                sp -= 1;
                                pc = target as usize;
                            }
                            _ => match attempt!(self.next(iterator)) {
                                Some(item) => local!(local) = item,
                                None => {
                                    sp -= 1;
                                    pc = target as usize;
                                }
                            },
                        }
                    }
                    Op::Call(count) => {
                        let at = sp - count as usize - 1;
                        let callable = self.stack[at];
                        let site = CallSite { base: at + 1, count: count as usize, names: None, result: at };
                        match callable {
                            Value::Function(id) => call_function!(id, callable, site),
                            _ => call!(callable, site),
                        }
                    }
                    Op::CallMethod(count) => {
                        let at = sp - count as usize - 2;
                        let found = self.stack[at];
                        let site =
                            CallSite { base: at + 1, count: count as usize + 1, names: None, result: at };
                        match found {
                            Value::Function(id) => call_function!(id, found, site),
                            // The most common method of all is worth a way of its own.
                            Value::Native(native) if native == shared.list_append && count == 1 => {
                                if let Value::List(id) = self.stack[at + 1] {
                                    let item = self.stack[at + 2].by_parts();
                                    self.append(id, item);
                                    self.stack[at] = Value::None;
                                    sp = at + 1;
                                    site!();
                                } else {
                                    call!(found, site);
                                }
                            }
                            Value::Unbound => {
                                let callable = self.stack[at + 1];
                                let site = CallSite { base: at + 2, count: count as usize, ..site };
                                match callable {
                                    Value::Function(id) => call_function!(id, callable, site),
                                    _ => call!(callable, site),
                                }
                            }
                            _ => call!(found, site),
                        }
                    }
                    Op::CallKeywords { count, names } => {
                        let at = sp - count as usize - 1;
                        let callable = self.stack[at];
                        let names = tuple_id(consts[names as usize]);
                        call!(callable, CallSite { base: at + 1, count: count as usize, names, result: at });
                    }
                    Op::CallMethodKeywords { count, names } => {
                        let at = sp - count as usize - 2;
                        let names = tuple_id(consts[names as usize]);
                        let (callable, base, count) = match self.stack[at] {
                            Value::Unbound => (self.stack[at + 1], at + 2, count as usize),
                            found => (found, at + 1, count as usize + 1),
                        };
                        call!(callable, CallSite { base, count, names, result: at });
                    }
                    Op::Return => {
                        sp -= 1;
                        let frame = self.frames.pop().expect("a frame is running");
                        if frame.after == After::KeepInstance {
                            if !matches!(self.stack[sp], Value::None) {
                                self.frames.push(frame);
                                break 'run self.init_returned(self.stack[sp], sp);
                            }
                            sp = base - 1;
                        }
                        let result = frame.result as usize;
                        if self.frames.len() == entry {
                            self.sp = result;
                            return Ok(self.stack[sp]);
                        }
                        self.stack[result] = self.stack[sp].by_parts();
                        self.sp = result + 1;
                        enter!();
                    }
                    Op::MakeFunction(number) => {
                        let made = &codes[number as usize];
                        let cells = self.stack[sp - made.free as usize..sp].into();
                        sp -= made.free as usize;
                        let defaults = self.stack[sp - made.with_default.len()..sp].into();
                        sp -= made.with_default.len();
                        push!(self.heap.new_function(Function {
                            code: number,
                            defaults,
                            closure: cells,
                            owner: None
                        }));
                    }
                    Op::BuildNamespace => {
                        self.sp = sp;
                        let dict = self.namespace(code, base);
                        push!(dict);
                    }
                    Op::BuildClass(name) => {
                        let (class_base, namespace) = (self.stack[sp - 2], self.stack[sp - 1]);
                        let Value::Dict(namespace) = namespace else {
                            unreachable!("the body of a class returns its namespace")
                        };
                        let class = attempt!(self.build_class(&names[name as usize], class_base, namespace));
                        sp -= 1;
                        self.stack[sp - 1] = class;
                    }
                    Op::Raise(count) => {
                        let unwind = match count {
                            0 => {
                                again = self.handled != Value::None;
                                self.raise_again(sp)
                            }
                            1 => {
                                let value = pop!();
                                self.sp = sp;
                                self.raise_value(value, None)
                            }
                            _ => {
                                let (cause, value) = (pop!(), pop!());
                                self.sp = sp;
                                self.raise_value(value, Some(cause))
                            }
                        };
                        break 'run unwind;
                    }
                    Op::Reraise => {
                        let exception = pop!();
                        again = true;
                        break 'run Unwind::Raised(exception);
                    }
                    Op::PushHandled => {
                        let exception = pop!();
                        push!(self.handled);
                        push!(exception);
                        self.handled = exception;
                    }
                    Op::PopHandled => self.handled = pop!(),
                    Op::MatchException => {
                        let (exception, classes) = (self.stack[sp - 2], self.stack[sp - 1]);
                        self.stack[sp - 1] = Value::Bool(attempt!(self.matches(exception, classes)));
                    }
                    Op::BeforeWith => {
                        let manager = self.stack[sp - 1];
                        let (enter, exit) = attempt!(self.with_methods(manager));
                        self.stack[sp - 1] = exit;
                        let at = sp;
                        push!(enter);
                        call!(enter, CallSite { base: at + 1, count: 0, names: None, result: at });
                    }
                    Op::WithExceptStart => {
                        let (exit, exception) = (self.stack[sp - 3], self.stack[sp - 1]);
                        let class = self.class_of(exception);
                        let at = sp;
                        push!(exit);
                        push!(Value::Class(class));
                        push!(exception);
                        push!(self.heap.new_instance(Instance {
                            class: types::TRACEBACK,
                            slots: Vec::new(),
                            trace: None
                        }));
                        call!(exit, CallSite { base: at + 1, count: 3, names: None, result: at });
                    }
                    Op::ImportModule(name) => {
                        let module = attempt!(self.import(&names[name as usize]));
                        push!(module);
                    }
                    Op::ImportFrom(name) => {
                        let module = self.stack[sp - 1];
                        let value = attempt!(self.import_from(module, &names[name as usize]));
                        push!(value);
                    }
                    Op::LoadAssertionError => push!(Value::Class(types::ASSERTION_ERROR)),

                    Op::LoadFastLoadFast { a, b } => {
                        push!(bound_local!(a));
                        push!(bound_local!(b));
                    }
                    Op::LoadFastLoadConst { a, c } => {
                        push!(bound_local!(a));
                        push!(consts[c as usize]);
                    }
                    Op::StoreFastLoadFast { store, load } => {
                        local!(store) = self.stack[sp - 1].by_parts();
                        sp -= 1;
                        push!(bound_local!(load));
                    }
                    Op::BinaryFastFast { op, a, b } => {
                        if let Op::StoreFast(to) = ops[pc] {
                            arithmetic!(op, local!(a), local!(b) => {
                                pc += 1;
                                base + to as usize
                            }, sp);
                        }
                        arithmetic!(op, local!(a), local!(b) => sp, sp + 1);
                        let (x, y) = (bound_local!(a), bound_local!(b));
                        let value = attempt!(self.binary(op, x, y));
                        push!(value);
                    }
                    Op::BinaryFastConst { op, a, c } => {
                        if let Op::StoreFast(to) = ops[pc] {
                            arithmetic!(op, local!(a), consts[c as usize] => {
                                pc += 1;
                                base + to as usize
                            }, sp);
                        }
                        arithmetic!(op, local!(a), consts[c as usize] => sp, sp + 1);
                        let (x, y) = (bound_local!(a), consts[c as usize]);
                        let value = attempt!(self.binary(op, x, y));
                        push!(value);
                    }
                    Op::InplaceFastFast { op, a, b } => {
                        if let Op::StoreFast(to) = ops[pc] {
                            arithmetic!(op, local!(a), local!(b) => {
                                pc += 1;
                                base + to as usize
                            }, sp);
                        }
                        arithmetic!(op, local!(a), local!(b) => sp, sp + 1);
                        let (x, y) = (bound_local!(a), bound_local!(b));
                        let value = attempt!(self.inplace(op, x, y));
                        push!(value);
                    }
                    Op::InplaceFastConst { op, a, c } => {
                        if let Op::StoreFast(to) = ops[pc] {
                            arithmetic!(op, local!(a), consts[c as usize] => {
                                pc += 1;
                                base + to as usize
                            }, sp);
                        }
                        arithmetic!(op, local!(a), consts[c as usize] => sp, sp + 1);
                        let (x, y) = (bound_local!(a), consts[c as usize]);
                        let value = attempt!(self.inplace(op, x, y));
                        push!(value);
                    }
                    Op::BinaryFast { op, b } => {
                        arithmetic!(op, self.stack[sp - 1], local!(b) => sp - 1, sp);
                        let (x, y) = (self.stack[sp - 1], bound_local!(b));
                        self.stack[sp - 1] = attempt!(self.binary(op, x, y));
                    }
                    Op::BinaryConst { op, c } => {
                        arithmetic!(op, self.stack[sp - 1], consts[c as usize] => sp - 1, sp);
                        let (x, y) = (self.stack[sp - 1], consts[c as usize]);
                        self.stack[sp - 1] = attempt!(self.binary(op, x, y));
                    }
                    Op::CompareJump { op, target } => {
                        let yes = match quick_compare(op, self.stack[sp - 2], self.stack[sp - 1]) {
                            Some(yes) => yes,
                            None => attempt!(self.compared_true(op, self.stack[sp - 2], self.stack[sp - 1])),
                        };
                        sp -= 2;
                        if !yes {
                            pc = target as usize;
                        }
                    }
                    Op::CompareFastFastJump { op, a, b, skip } => {
                        let yes = match quick_compare(op, local!(a), local!(b)) {
                            Some(yes) => yes,
                            None => {
                                let (x, y) = (bound_local!(a), bound_local!(b));
                                attempt!(self.compared_true(op, x, y))
                            }
                        };
                        if !yes {
                            pc += skip as usize;
                        }
                    }
                    Op::CompareFastConstJump { op, a, c, skip } => {
                        let yes = match quick_compare(op, local!(a), consts[c as usize]) {
                            Some(yes) => yes,
                            None => {
                                let (x, y) = (bound_local!(a), consts[c as usize]);
                                attempt!(self.compared_true(op, x, y))
                            }
                        };
                        if !yes {
                            pc += skip as usize;
                        }
                    }
                    Op::LoadFastLoadAttr { a, name, cache } => {
                        let value = bound_local!(a);
                        let found = match self.cached_attr(value, cache) {
                            Some(found) => found,
                            None => attempt!(self.load_attr(value, &names[name as usize], cache)),
                        };
                        push!(found);
                    }
                    Op::SubscriptFastFast { a, b } => {
                        let value = match self.quick_subscript(local!(a), local!(b)) {
                            Some(value) => value,
                            None => {
                                let (x, y) = (bound_local!(a), bound_local!(b));
                                attempt!(self.subscript(x, y))
                            }
                        };
                        push!(value);
                    }
                }
            };
            // What was raised goes to the handler of this frame, or out of it and to its caller's.
            self.sp = sp;
            self.roots.truncate(roots_at_entry);
            self.frames.last_mut().expect("a frame is running").pc = pc as u32;
            if SITES != BACK_EDGE {
                last = Op::Nop;
                last_end = pc;
            }
            self.unwind(unwind, entry, std::mem::take(&mut again))?;
            enter!();
        }
    }

    /// Finds the handler of what was raised, at or above the frame at `entry`; leaves frames that have none.
    #[cold]
    fn unwind(&mut self, unwind: Unwind, entry: usize, mut again: bool) -> Result<(), Unwind> {
        let shared = Rc::clone(&self.shared);
        while self.frames.len() > entry {
            let frame = *self.frames.last().expect("a frame is above the entry");
            if let Unwind::Raised(exception) = unwind {
                let code = &shared.program.codes[frame.code as usize];
                let at = frame.pc.saturating_sub(1);
                if !std::mem::take(&mut again) {
                    self.add_trace(exception, frame.code, code.lines[at as usize]);
                }
                if let Some(handler) = code.handlers.iter().find(|h| (h.start..h.end).contains(&at)) {
                    let operands = frame.base as usize + code.locals.len();
                    self.sp = operands + handler.depth as usize;
                    self.stack[self.sp] = exception;
                    self.sp += 1;
                    self.frames.last_mut().expect("a frame is above the entry").pc = handler.target;
                    return Ok(());
                }
            }
            self.frames.pop();
            self.sp = frame.result as usize;
        }
        Err(unwind)
    }

    fn add_trace(&mut self, exception: Value, code: u32, line: u32) {
        let Value::Instance(id) = exception else { return };
        self.heap.instance_mut(id, |instance| {
            instance.trace.get_or_insert_default().push(TraceEntry { code, line });
        });
    }

    /// One step of an iterator over a range, list or tuple.
    #[inline(always)]
    fn step(&mut self, iterator: Value) -> Step {
        let Value::Iterator(id) = iterator else { return Step::Slow };
        let step = self.heap.iterator_mut(id, |iterator| match iterator {
            Iterator::Range { next, left, step } => {
                if *left <= 0 {
                    return Step::End;
                }
                let item = *next;
                *next = next.wrapping_add(*step);
                *left -= 1;
                Step::Int(item)
            }
            Iterator::List { list, next } => {
                *next += 1;
                Step::List(*list, *next - 1)
            }
            Iterator::Tuple { tuple, next } => {
                *next += 1;
                Step::Tuple(*tuple, *next - 1)
            }
            Iterator::Text { text, byte } => Step::Text(*text, *byte),
            _ => Step::Slow,
        });
        let item = match step {
            // An ASCII character is a text that every heap has, at the place of its number.
            Step::Text(text, at) => match self.heap.text(text).text.as_bytes().get(at) {
                Some(&character) if character.is_ascii() => {
                    let moved = self.heap.iterator_mut(id, |iterator| match iterator {
                        Iterator::Text { byte, .. } if *byte == at => {
                            *byte += 1;
                            true
                        }
                        _ => false,
                    });
                    return if moved { Step::Item(Value::Str(Id(u32::from(character)))) } else { Step::Slow };
                }
                _ => return Step::Slow,
            },
            Step::List(list, at) => self.heap.list(list, |items| items.get(at).copied()),
            Step::Tuple(tuple, at) => self.heap.tuple(tuple).get(at).copied(),
            other => return other,
        };
        match item {
            Some(item) => Step::Item(item),
            None => {
                self.heap.iterator_mut(id, |iterator| *iterator = Iterator::Done);
                Step::End
            }
        }
    }

    #[inline(always)]
    fn quick_subscript(&mut self, a: Value, index: Value) -> Option<Value> {
        match (a, index) {
            (Value::List(id), Value::Int(at)) => self.heap.list(id, |items| {
                let at = if at < 0 { at + items.len() as i64 } else { at };
                items.get(usize::try_from(at).ok()?).copied()
            }),
            (Value::Tuple(id), Value::Int(at)) => {
                let items = self.heap.tuple(id);
                let at = if at < 0 { at + items.len() as i64 } else { at };
                items.get(usize::try_from(at).ok()?).copied()
            }
            (Value::Dict(id), Value::Str(key)) => {
                let hash = self.heap.text(key).hash();
                self.heap.dict_find(id, index, hash)
            }
            (Value::Dict(id), Value::Int(key)) => {
                self.heap.dict_find(id, index, crate::heap::dict::hash_int(key))
            }
            _ => None,
        }
    }

    #[inline(always)]
    fn quick_store(&mut self, a: Value, index: Value, value: Value) -> bool {
        match (a, index) {
            (Value::List(id), Value::Int(at)) => self.heap.list_mut(id, |items| {
                let at = if at < 0 { at + items.len() as i64 } else { at };
                match usize::try_from(at).ok().and_then(|at| items.get_mut(at)) {
                    Some(place) => {
                        *place = value;
                        true
                    }
                    None => false,
                }
            }),
            (Value::Dict(id), Value::Str(key)) => {
                let hash = self.heap.text(key).hash();
                self.heap.dict_insert(id, index, hash, value);
                true
            }
            (Value::Dict(id), Value::Int(key)) => {
                self.heap.dict_insert(id, index, crate::heap::dict::hash_int(key), value);
                true
            }
            _ => false,
        }
    }

    #[inline(always)]
    fn cached_attr(&mut self, value: Value, cache: u16) -> Option<Value> {
        let Value::Instance(id) = value else { return None };
        let cache = self.heap.cache(cache);
        match self.heap.slot_of(id, cache.key, cache.slot) {
            Some(Value::Unbound) => None,
            Some(found) => Some(found.by_parts()),
            None if cache.slot == IN_CLASS && cache.epoch == self.heap.class_epoch() => {
                let hit = self.heap.instance_class(id).0 + 1 == cache.key;
                hit.then_some(cache.value)
            }
            None => None,
        }
    }

    #[inline(always)]
    fn cached_store(&mut self, value: Value, new: Value, cache: u16) -> bool {
        let Value::Instance(id) = value else { return false };
        let cache = self.heap.cache(cache);
        self.heap.set_slot_of(id, cache.key, cache.slot, new)
    }

    #[inline(always)]
    fn cached_method(&mut self, value: Value, cache: u16) -> Option<Value> {
        let class = match value {
            Value::Instance(id) => self.heap.instance_class(id),
            Value::List(_) => types::LIST,
            Value::Str(_) => types::STR,
            Value::Dict(_) => types::DICT,
            _ => return None,
        };
        let cache = self.heap.cache(cache);
        let hit =
            cache.key == class.0 + 1 && cache.slot == IN_CLASS && cache.epoch == self.heap.class_epoch();
        hit.then_some(cache.value)
    }

    /// Appends to a list, and tells the accounting when it grew.
    #[inline]
    pub(crate) fn append(&mut self, list: Id, item: Value) {
        let grown = self.heap.list_mut(list, |items| {
            let before = items.capacity();
            items.push(item);
            (items.capacity() - before) * size_of::<Value>()
        });
        if grown > 0 {
            self.heap.charge(grown);
        }
    }

    fn compared_true(&mut self, op: CompareOp, a: Value, b: Value) -> Result<bool, Unwind> {
        if let (Value::Str(x), Value::Str(y), CompareOp::Eq | CompareOp::Ne) = (a, b, op) {
            let equal = x == y || self.heap.text(x).text == self.heap.text(y).text;
            return Ok(equal == (op == CompareOp::Eq));
        }
        match self.compare(op, a, b)? {
            Value::Bool(yes) => Ok(yes),
            other => self.truth(other),
        }
    }
}

fn tuple_id(value: Value) -> Option<Id> {
    match value {
        Value::Tuple(id) => Some(id),
        _ => None,
    }
}
