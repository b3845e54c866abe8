//! A value is 16 bytes, copied freely: small things live in it, everything else is named by kind and index.
//!
//! # Model
//! ```text
//! tag      payload        what it is
//! Int      i64            the number itself; no box, no count
//! List     Id(7)          the list in slot 7 of the heap's arena of lists
//! ```
//! A value says nothing about ownership. Whoever may look into the heap is decided by the lock (see `heap`), and
//! what is still needed is found by marking from the stacks, so that copying a value costs two moves.
//!
//! # Invariants
//! - V1: a value has 16 bytes.

/// The slot of an object in the arena of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Id(pub(crate) u32);

impl Id {
    pub(crate) fn index(self) -> usize {
        self.0 as usize
    }
}

/// A Python value, or `Unbound` where a variable has none yet.
///
/// The representation puts every payload into the second eight bytes, so that a copy is two whole words.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C, u64)]
pub(crate) enum Value {
    /// Not a value: a local, global, slot or argument that was never assigned. No program sees it.
    Unbound,
    None,
    NotImplemented,
    Ellipsis,
    Bool(bool),
    Int(i64),
    Float(f64),
    Str(Id),
    Bytes(Id),
    List(Id),
    Tuple(Id),
    Dict(Id),
    /// keys(), values() or items() of a dict.
    DictView(Id),
    Range(Id),
    Slice(Id),
    Iterator(Id),
    Function(Id),
    BoundMethod(Id),
    Class(Id),
    Instance(Id),
    /// What `super()` names: a receiver and the class to search from.
    Super(Id),
    /// A variable shared by a function and the functions inside it. No program sees it.
    Cell(Id),
    /// Something of ours behind an instance: a thread, a lock, a socket. No program sees it.
    Host(Id),
    /// A function of ours, by its place in the table of natives.
    Native(u32),
    /// A module of ours, by its place in the table of modules.
    Module(u32),
}

impl Value {
    /// The same value, moved by its parts where it is a number.
    ///
    /// A number that was computed a moment ago was written as tag and payload. Reading it back as 16 bytes at once
    /// would wait until both writes have left the processor's store buffer; reading the parts does not.
    #[inline(always)]
    pub(crate) fn by_parts(self) -> Value {
        match self {
            Value::Int(number) => Value::Int(number),
            Value::Float(number) => Value::Float(number),
            other => other,
        }
    }

    /// Is this the very same object (Python's `is`)?
    pub(crate) fn is(self, other: Value) -> bool {
        match (self, other) {
            (Value::Float(a), Value::Float(b)) => a.to_bits() == b.to_bits(),
            _ => self == other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn v1_a_value_has_16_bytes() {
        assert_eq!(size_of::<Value>(), 16);
    }
}
