//! The kinds of objects, each a plain struct that knows what it refers to and roughly how big it is.
//!
//! # Model
//! Immutable kinds (text, bytes, tuple, range, slice, function, bound method, super, dict view, host) never change
//! after they were made, so that the free heap reads them without a lock. Mutable kinds (list, dict, class,
//! instance, iterator, cell) are reached through closures, which the free heap runs under the object's own lock.

use std::any::Any;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use hashbrown::{DefaultHashBuilder, HashMap};

use super::dict::Dict;
use crate::value::{Id, Value};

/// What the arena, the collector and the accounting need to know of a kind.
pub(crate) trait Kind: Send + 'static {
    /// Calls `visit` with each value that this object refers to.
    fn trace(&self, visit: &mut dyn FnMut(Value));

    /// Bytes of this object beyond its slot, roughly.
    fn bytes(&self) -> usize;
}

/// A str.
#[derive(Debug)]
pub(crate) struct Text {
    /// The hash of the text, or 0 while nobody has asked. Relaxed: whoever computes it comes to the same.
    hash: AtomicU64,
    /// Length in characters; equal to the length in bytes when all are ASCII.
    pub(crate) chars: u32,
    pub(crate) text: Box<str>,
}

impl Text {
    pub(crate) fn new(text: impl Into<Box<str>>) -> Text {
        let text = text.into();
        let chars = if text.is_ascii() { text.len() } else { text.chars().count() };
        Text::with_chars(text, chars as u32)
    }

    /// The same where the caller knows how many characters there are.
    pub(crate) fn with_chars(text: impl Into<Box<str>>, chars: u32) -> Text {
        Text { hash: AtomicU64::new(0), chars, text: text.into() }
    }

    /// The hash, computed when it is asked for first.
    #[inline]
    pub(crate) fn hash(&self) -> u64 {
        match self.hash.load(Relaxed) {
            0 => {
                let hash = super::dict::hash_text(&self.text);
                self.hash.store(hash, Relaxed);
                hash
            }
            hash => hash,
        }
    }

    pub(crate) fn is_ascii(&self) -> bool {
        self.chars as usize == self.text.len()
    }
}

impl Clone for Text {
    fn clone(&self) -> Text {
        Text { hash: AtomicU64::new(self.hash.load(Relaxed)), chars: self.chars, text: self.text.clone() }
    }
}

impl Kind for Text {
    fn trace(&self, _: &mut dyn FnMut(Value)) {}

    fn bytes(&self) -> usize {
        self.text.len()
    }
}

impl Kind for Box<[u8]> {
    fn trace(&self, _: &mut dyn FnMut(Value)) {}

    fn bytes(&self) -> usize {
        self.len()
    }
}

impl Kind for Box<[Value]> {
    fn trace(&self, visit: &mut dyn FnMut(Value)) {
        self.iter().for_each(|&value| visit(value));
    }

    fn bytes(&self) -> usize {
        self.len() * size_of::<Value>()
    }
}

impl Kind for Vec<Value> {
    fn trace(&self, visit: &mut dyn FnMut(Value)) {
        self.iter().for_each(|&value| visit(value));
    }

    fn bytes(&self) -> usize {
        self.capacity() * size_of::<Value>()
    }
}

impl Kind for Dict {
    fn trace(&self, visit: &mut dyn FnMut(Value)) {
        for (key, value) in self.iter() {
            visit(key);
            visit(value);
        }
    }

    fn bytes(&self) -> usize {
        self.capacity_bytes()
    }
}

/// range(start, stop, step)
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Range {
    pub(crate) start: i64,
    pub(crate) stop: i64,
    pub(crate) step: i64,
}

impl Range {
    /// How many numbers it holds.
    pub(crate) fn len(self) -> i64 {
        let (start, stop, step) = (i128::from(self.start), i128::from(self.stop), i128::from(self.step));
        let count =
            if step > 0 { (stop - start + step - 1) / step } else { (start - stop - step - 1) / -step };
        count.max(0).min(i128::from(i64::MAX)) as i64
    }

    /// The number at `index`, which must be within the length.
    pub(crate) fn at(self, index: i64) -> i64 {
        self.start.wrapping_add(index.wrapping_mul(self.step))
    }
}

/// start:stop:step, each a value or None.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Slice {
    pub(crate) start: Value,
    pub(crate) stop: Value,
    pub(crate) step: Value,
}

/// keys(), values() or items(), a live view.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DictView {
    pub(crate) dict: Id,
    pub(crate) part: DictPart,
}

/// What of each entry is meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DictPart {
    Keys,
    Values,
    Items,
}

/// A function of the program.
#[derive(Clone, Debug)]
pub(crate) struct Function {
    pub(crate) code: u32,
    /// One for each entry of the code's `with_default`.
    pub(crate) defaults: Box<[Value]>,
    /// One cell for each free variable of the code.
    pub(crate) closure: Box<[Value]>,
    /// The class in whose body it was defined; `super()` searches from that class's base.
    pub(crate) owner: Option<Id>,
}

/// A function with its receiver.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BoundMethod {
    pub(crate) receiver: Value,
    /// A Function or a Native.
    pub(crate) function: Value,
}

/// What `super()` gives where it is kept as a value.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Super {
    pub(crate) owner: Id,
    pub(crate) receiver: Value,
}

/// Keys are short and come from the program's own source: a plain map from names.
pub(crate) type NameMap<T> = HashMap<Box<str>, T, DefaultHashBuilder>;

/// A class of the program or of ours.
#[derive(Clone, Debug)]
pub(crate) struct Class {
    pub(crate) name: Box<str>,
    /// The module's name where it is not the program's: `queue` of `queue.Empty`, for tracebacks.
    pub(crate) module: Option<Box<str>>,
    pub(crate) base: Option<Id>,
    /// Attributes and methods of this class alone.
    pub(crate) attrs: NameMap<Value>,
    /// The names of `attrs` in the order of their definition.
    pub(crate) order: Vec<Box<str>>,
    /// Which slot an attribute of an instance has; grows, never changes. Starts as a copy of the base's.
    pub(crate) layout: NameMap<u32>,
    /// The native that makes an instance when the class is called, for builtin types.
    pub(crate) new: Option<u32>,
    /// Instances have attributes of their own in each thread (threading.local).
    pub(crate) per_thread: bool,
    /// Assigning attributes of the class is refused, as Python refuses it for builtin types.
    pub(crate) builtin: bool,
}

/// An object of a class of the program, an exception, or one of ours with its resource in slot 0.
#[derive(Clone, Debug)]
pub(crate) struct Instance {
    pub(crate) class: Id,
    /// By the class's layout; `Unbound` where it was never assigned, and shorter than the layout at times.
    pub(crate) slots: Vec<Value>,
    /// For exceptions: where it went through, innermost last.
    #[allow(clippy::box_collection, reason = "one word in each instance, of which few are exceptions")]
    pub(crate) trace: Option<Box<Vec<TraceEntry>>>,
}

/// One line of a traceback.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TraceEntry {
    pub(crate) code: u32,
    pub(crate) line: u32,
}

/// Where an iteration stands.
#[derive(Clone, Debug)]
pub(crate) enum Iterator {
    /// Ended; stays so.
    Done,
    Range {
        next: i64,
        left: i64,
        step: i64,
    },
    List {
        list: Id,
        next: usize,
    },
    ListReversed {
        list: Id,
        next: usize,
    },
    Tuple {
        tuple: Id,
        next: usize,
    },
    /// Over the items in reverse, which were copied.
    Reversed {
        tuple: Id,
        next: usize,
    },
    /// `byte` is the offset of the next character.
    Text {
        text: Id,
        byte: usize,
    },
    Bytes {
        bytes: Id,
        next: usize,
    },
    /// `length` is the dict's at the start, `left` what is still to come; RuntimeError when either is wrong.
    Dict {
        dict: Id,
        part: DictPart,
        next: usize,
        length: usize,
        left: usize,
    },
    Enumerate {
        inner: Value,
        next: i64,
    },
    Zip {
        inner: Box<[Value]>,
        strict: bool,
    },
    Map {
        function: Value,
        inner: Box<[Value]>,
    },
    /// `function` None keeps what is true.
    Filter {
        function: Value,
        inner: Value,
    },
    /// Over an instance with __getitem__ alone.
    Sequence {
        object: Value,
        next: i64,
    },
}

/// Something of ours behind an instance: a thread, a lock, a socket.
pub(crate) trait HostObject: Any + Send + Sync {
    /// Calls `visit` with each value kept inside (items of a queue).
    fn trace(&self, _visit: &mut dyn FnMut(Value)) {}

    /// Bytes of it, roughly.
    fn bytes(&self) -> usize {
        64
    }
}

impl Kind for Range {
    fn trace(&self, _: &mut dyn FnMut(Value)) {}

    fn bytes(&self) -> usize {
        0
    }
}

impl Kind for Slice {
    fn trace(&self, visit: &mut dyn FnMut(Value)) {
        visit(self.start);
        visit(self.stop);
        visit(self.step);
    }

    fn bytes(&self) -> usize {
        0
    }
}

impl Kind for DictView {
    fn trace(&self, visit: &mut dyn FnMut(Value)) {
        visit(Value::Dict(self.dict));
    }

    fn bytes(&self) -> usize {
        0
    }
}

impl Kind for Function {
    fn trace(&self, visit: &mut dyn FnMut(Value)) {
        self.defaults.trace(visit);
        self.closure.trace(visit);
        if let Some(owner) = self.owner {
            visit(Value::Class(owner));
        }
    }

    fn bytes(&self) -> usize {
        self.defaults.bytes() + self.closure.bytes()
    }
}

impl Kind for BoundMethod {
    fn trace(&self, visit: &mut dyn FnMut(Value)) {
        visit(self.receiver);
        visit(self.function);
    }

    fn bytes(&self) -> usize {
        0
    }
}

impl Kind for Super {
    fn trace(&self, visit: &mut dyn FnMut(Value)) {
        visit(Value::Class(self.owner));
        visit(self.receiver);
    }

    fn bytes(&self) -> usize {
        0
    }
}

impl Kind for Class {
    fn trace(&self, visit: &mut dyn FnMut(Value)) {
        self.attrs.values().for_each(|&value| visit(value));
        if let Some(base) = self.base {
            visit(Value::Class(base));
        }
    }

    fn bytes(&self) -> usize {
        (self.attrs.capacity() + self.layout.capacity()) * 48
    }
}

impl Kind for Instance {
    fn trace(&self, visit: &mut dyn FnMut(Value)) {
        visit(Value::Class(self.class));
        self.slots.iter().for_each(|&value| visit(value));
    }

    fn bytes(&self) -> usize {
        self.slots.capacity() * size_of::<Value>()
            + self.trace.as_ref().map_or(0, |trace| trace.capacity() * size_of::<TraceEntry>())
    }
}

impl Kind for Iterator {
    fn trace(&self, visit: &mut dyn FnMut(Value)) {
        match self {
            Iterator::Done | Iterator::Range { .. } => {}
            Iterator::List { list, .. } | Iterator::ListReversed { list, .. } => visit(Value::List(*list)),
            Iterator::Tuple { tuple, .. } | Iterator::Reversed { tuple, .. } => visit(Value::Tuple(*tuple)),
            Iterator::Text { text, .. } => visit(Value::Str(*text)),
            Iterator::Bytes { bytes, .. } => visit(Value::Bytes(*bytes)),
            Iterator::Dict { dict, .. } => visit(Value::Dict(*dict)),
            Iterator::Enumerate { inner, .. } => visit(*inner),
            Iterator::Zip { inner, .. } => inner.trace(visit),
            Iterator::Map { function, inner } => {
                visit(*function);
                inner.trace(visit);
            }
            Iterator::Filter { function, inner } => {
                visit(*function);
                visit(*inner);
            }
            Iterator::Sequence { object, .. } => visit(*object),
        }
    }

    fn bytes(&self) -> usize {
        0
    }
}

impl Kind for Value {
    fn trace(&self, visit: &mut dyn FnMut(Value)) {
        visit(*self);
    }

    fn bytes(&self) -> usize {
        0
    }
}

impl Kind for Arc<dyn HostObject> {
    fn trace(&self, visit: &mut dyn FnMut(Value)) {
        HostObject::trace(&**self, visit);
    }

    fn bytes(&self) -> usize {
        HostObject::bytes(&**self)
    }
}
