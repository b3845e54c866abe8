//! What Python's operators do: arithmetic, comparison, subscripts, iteration, hashes, on our kinds and on instances.
//!
//! # Model
//! ```text
//! eval loop --binary, compare, subscript, ...--> the pair of kinds --> done here
//!                                                an instance       --> its special method, then the other's
//! ```
//! Each is a method of the machine. The pairs that programs use most stand first and are inlined; messages are made
//! in functions that are marked as cold.
//!
//! # Threads
//! A list or dict may change whenever Python is called, and on the free heap at any moment: it is read item by
//! item, by index, and an index that is gone ends the loop. What is needed after a call into Python is kept in
//! `roots` meanwhile.

mod arithmetic;
mod numbers;
mod sequences;
mod compare;
mod contents;
mod subscript;
mod characters;
mod slices;
mod iterate;
mod hashing;

pub(crate) use characters::register as register_characters;
pub(crate) use numbers::{
    Number, float_div_mod, pow_mod, python_hash_float, python_hash_int, round_float, round_int,
};

use crate::heap::Heap;
use crate::machine::{Machine, Unwind};
use crate::types;
use crate::value::Value;

impl<H: Heap> Machine<H> {
    /// Does something that may call Python or collect while these values stay alive.
    #[inline]
    pub(crate) fn rooted<R>(&mut self, values: &[Value], inside: impl FnOnce(&mut Machine<H>) -> R) -> R {
        let before = self.roots.len();
        self.roots.extend_from_slice(values);
        let result = inside(self);
        self.roots.truncate(before);
        result
    }

    /// A number as an index: an int, a bool, or an instance with `__index__`; `None` for everything else.
    #[inline]
    pub(crate) fn index_of(&mut self, value: Value) -> Result<Option<i64>, Unwind> {
        match value {
            Value::Int(number) => Ok(Some(number)),
            Value::Bool(flag) => Ok(Some(i64::from(flag))),
            Value::Instance(_) => self.index_of_instance(value),
            _ => Ok(None),
        }
    }

    #[cold]
    fn index_of_instance(&mut self, value: Value) -> Result<Option<i64>, Unwind> {
        let Some(method) = self.special(value, "__index__") else { return Ok(None) };
        match self.call_special(method, value, &[])? {
            Value::Int(number) => Ok(Some(number)),
            Value::Bool(flag) => Ok(Some(i64::from(flag))),
            other => {
                let kind = self.type_name(other);
                Err(self.type_error(format!("__index__ returned non-int (type {kind})")))
            }
        }
    }

    /// A number where only a whole one will do; Python's TypeError otherwise.
    #[inline]
    pub(crate) fn whole_number(&mut self, value: Value) -> Result<i64, Unwind> {
        match self.index_of(value)? {
            Some(number) => Ok(number),
            None => {
                let kind = self.type_name(value);
                Err(self.type_error(format!("'{kind}' object cannot be interpreted as an integer")))
            }
        }
    }

    /// Is it an exception of this class, so that the caller goes on? Everything else is passed up.
    pub(crate) fn unless_raised(&mut self, unwind: Unwind, class: crate::value::Id) -> Result<(), Unwind> {
        if self.is_exception(unwind, class) { Ok(()) } else { Err(unwind) }
    }

    /// `None` when the iteration that raised this is simply over.
    pub(crate) fn unless_stop_iteration<T>(&mut self, unwind: Unwind) -> Result<Option<T>, Unwind> {
        self.unless_raised(unwind, types::STOP_ITERATION).map(|()| None)
    }
}
