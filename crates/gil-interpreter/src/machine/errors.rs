//! Raising: how a native or an instruction makes an exception, and what goes up through the frames.

use crate::heap::{Heap, Instance};
use crate::machine::Machine;
use crate::types::{self, SLOT_ARGS, SLOT_CONTEXT};
use crate::value::{Id, Value};

/// What leaves a frame that does not return.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Unwind {
    /// An exception, an instance of a class that derives from BaseException.
    Raised(Value),
    /// The program ends: a time limit, or its main thread is gone. Nothing catches it.
    Stopped,
}

impl<H: Heap> Machine<H> {
    /// An exception with one text as its argument; without any when the text is empty.
    #[cold]
    pub(crate) fn raise(&mut self, class: Id, message: impl Into<String>) -> Unwind {
        let message: String = message.into();
        let args = if message.is_empty() { Vec::new() } else { vec![self.str(message)] };
        self.raise_with(class, args)
    }

    /// An exception with these arguments.
    #[cold]
    pub(crate) fn raise_with(&mut self, class: Id, args: Vec<Value>) -> Unwind {
        let exception = self.new_exception(class, args);
        Unwind::Raised(exception)
    }

    /// An instance of an exception class, its context what is being handled now.
    pub(crate) fn new_exception(&mut self, class: Id, args: Vec<Value>) -> Value {
        let args = self.heap.new_tuple(args);
        let slots = self.exception_slots(args);
        self.heap.new_instance(Instance { class, slots, trace: None })
    }

    pub(super) fn exception_slots(&self, args: Value) -> Vec<Value> {
        let mut slots = vec![Value::Unbound; types::EXCEPTION_SLOTS.len()];
        slots[SLOT_ARGS] = args;
        if self.handled != Value::None {
            slots[SLOT_CONTEXT] = self.handled;
        }
        slots
    }

    pub(crate) fn type_error(&mut self, message: impl Into<String>) -> Unwind {
        self.raise(types::TYPE_ERROR, message)
    }

    pub(crate) fn value_error(&mut self, message: impl Into<String>) -> Unwind {
        self.raise(types::VALUE_ERROR, message)
    }

    pub(crate) fn index_error(&mut self, message: impl Into<String>) -> Unwind {
        self.raise(types::INDEX_ERROR, message)
    }

    pub(crate) fn runtime_error(&mut self, message: impl Into<String>) -> Unwind {
        self.raise(types::RUNTIME_ERROR, message)
    }

    pub(crate) fn key_error(&mut self, key: Value) -> Unwind {
        self.raise_with(types::KEY_ERROR, vec![key])
    }

    /// What our 64-bit int cannot hold; Python's would go on growing.
    pub(crate) fn overflow(&mut self, what: &str) -> Unwind {
        self.raise(
            types::OVERFLOW_ERROR,
            format!("the result of {what} does not fit into 64 bits, which is what int has here"),
        )
    }

    pub(crate) fn memory_error(&mut self) -> Unwind {
        self.raise(types::MEMORY_ERROR, String::new())
    }

    /// An OSError of the fitting class, from an error of the system.
    pub(crate) fn os_error(&mut self, error: &std::io::Error) -> Unwind {
        use std::io::ErrorKind;
        let class = match error.raw_os_error() {
            Some(number) => os_error_class(i64::from(number)),
            None => types::OS_ERROR,
        };
        let class = match error.kind() {
            _ if class != types::OS_ERROR => class,
            ErrorKind::ConnectionRefused => types::CONNECTION_REFUSED_ERROR,
            ErrorKind::ConnectionReset => types::CONNECTION_RESET_ERROR,
            ErrorKind::ConnectionAborted => types::CONNECTION_ABORTED_ERROR,
            ErrorKind::BrokenPipe => types::BROKEN_PIPE_ERROR,
            ErrorKind::WouldBlock => types::BLOCKING_IO_ERROR,
            ErrorKind::TimedOut => types::TIMEOUT_ERROR,
            ErrorKind::Interrupted => types::INTERRUPTED_ERROR,
            ErrorKind::NotFound => types::FILE_NOT_FOUND_ERROR,
            ErrorKind::AlreadyExists => types::FILE_EXISTS_ERROR,
            ErrorKind::PermissionDenied => types::PERMISSION_ERROR,
            _ => types::OS_ERROR,
        };
        let text = error.to_string();
        let words = text.split(" (os error").next().unwrap_or(&text).to_owned();
        let words = self.str(words);
        match error.raw_os_error() {
            Some(number) => self.raise_with(class, vec![Value::Int(i64::from(number)), words]),
            None => self.raise_with(class, vec![words]),
        }
    }

    /// Is this exception an instance of the class?
    pub(crate) fn is_exception(&mut self, unwind: Unwind, class: Id) -> bool {
        match unwind {
            Unwind::Raised(value) => {
                let of = self.class_of(value);
                self.is_subclass(of, class)
            }
            Unwind::Stopped => false,
        }
    }
}

/// The class that Python gives an OSError with this number.
pub(super) fn os_error_class(number: i64) -> Id {
    use rustix::io::Errno;
    let Ok(number) = i32::try_from(number) else { return types::OS_ERROR };
    match Errno::from_raw_os_error(number) {
        Errno::NOENT => types::FILE_NOT_FOUND_ERROR,
        Errno::EXIST => types::FILE_EXISTS_ERROR,
        Errno::ACCESS | Errno::PERM => types::PERMISSION_ERROR,
        Errno::SRCH => types::PROCESS_LOOKUP_ERROR,
        Errno::CHILD => types::CHILD_PROCESS_ERROR,
        Errno::PIPE | Errno::SHUTDOWN => types::BROKEN_PIPE_ERROR,
        Errno::CONNREFUSED => types::CONNECTION_REFUSED_ERROR,
        Errno::CONNRESET => types::CONNECTION_RESET_ERROR,
        Errno::CONNABORTED => types::CONNECTION_ABORTED_ERROR,
        Errno::TIMEDOUT => types::TIMEOUT_ERROR,
        Errno::INTR => types::INTERRUPTED_ERROR,
        Errno::AGAIN | Errno::ALREADY | Errno::INPROGRESS => types::BLOCKING_IO_ERROR,
        _ => types::OS_ERROR,
    }
}
