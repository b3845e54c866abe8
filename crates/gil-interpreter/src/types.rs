//! The classes that always exist, at fixed places in the arena of classes: builtin types, then exceptions.
//!
//! # Invariants
//! - Y1: each class of the table is at the id of its name.

use crate::value::Id;

/// Makes a constant for each name, and the table of (name, base) in the same order.
macro_rules! classes {
    ($($constant:ident = $name:literal : $base:ident,)*) => {
        classes!(@count 0; $($constant,)*);

        /// Name and base of each class, in the order of ids. `object` is its own base here and has none.
        pub(crate) const CLASSES: &[(&str, Id)] = &[$(($name, $base),)*];
    };
    (@count $n:expr; $constant:ident, $($rest:ident,)*) => {
        #[allow(dead_code, reason = "some classes are there for programs only")]
        pub(crate) const $constant: Id = Id($n);
        classes!(@count $n + 1; $($rest,)*);
    };
    (@count $n:expr;) => {};
}

classes! {
    OBJECT = "object": OBJECT,
    TYPE = "type": OBJECT,
    NONE_TYPE = "NoneType": OBJECT,
    NOT_IMPLEMENTED_TYPE = "NotImplementedType": OBJECT,
    ELLIPSIS_TYPE = "ellipsis": OBJECT,
    INT = "int": OBJECT,
    BOOL = "bool": INT,
    FLOAT = "float": OBJECT,
    STR = "str": OBJECT,
    BYTES = "bytes": OBJECT,
    LIST = "list": OBJECT,
    TUPLE = "tuple": OBJECT,
    DICT = "dict": OBJECT,
    DICT_KEYS = "dict_keys": OBJECT,
    DICT_VALUES = "dict_values": OBJECT,
    DICT_ITEMS = "dict_items": OBJECT,
    RANGE = "range": OBJECT,
    SLICE = "slice": OBJECT,
    FUNCTION = "function": OBJECT,
    METHOD = "method": OBJECT,
    BUILTIN_FUNCTION = "builtin_function_or_method": OBJECT,
    METHOD_DESCRIPTOR = "method_descriptor": OBJECT,
    MODULE = "module": OBJECT,
    SUPER = "super": OBJECT,
    CELL = "cell": OBJECT,
    TRACEBACK = "traceback": OBJECT,
    LIST_ITERATOR = "list_iterator": OBJECT,
    LIST_REVERSE_ITERATOR = "list_reverseiterator": OBJECT,
    TUPLE_ITERATOR = "tuple_iterator": OBJECT,
    STR_ITERATOR = "str_ascii_iterator": OBJECT,
    BYTES_ITERATOR = "bytes_iterator": OBJECT,
    RANGE_ITERATOR = "range_iterator": OBJECT,
    DICT_KEY_ITERATOR = "dict_keyiterator": OBJECT,
    DICT_VALUE_ITERATOR = "dict_valueiterator": OBJECT,
    DICT_ITEM_ITERATOR = "dict_itemiterator": OBJECT,
    ENUMERATE = "enumerate": OBJECT,
    ZIP = "zip": OBJECT,
    MAP = "map": OBJECT,
    FILTER = "filter": OBJECT,
    REVERSED = "reversed": OBJECT,
    ITERATOR = "iterator": OBJECT,
    BASE_EXCEPTION = "BaseException": OBJECT,
    EXCEPTION = "Exception": BASE_EXCEPTION,
    KEYBOARD_INTERRUPT = "KeyboardInterrupt": BASE_EXCEPTION,
    SYSTEM_EXIT = "SystemExit": BASE_EXCEPTION,
    ARITHMETIC_ERROR = "ArithmeticError": EXCEPTION,
    ZERO_DIVISION_ERROR = "ZeroDivisionError": ARITHMETIC_ERROR,
    OVERFLOW_ERROR = "OverflowError": ARITHMETIC_ERROR,
    FLOATING_POINT_ERROR = "FloatingPointError": ARITHMETIC_ERROR,
    LOOKUP_ERROR = "LookupError": EXCEPTION,
    INDEX_ERROR = "IndexError": LOOKUP_ERROR,
    KEY_ERROR = "KeyError": LOOKUP_ERROR,
    NAME_ERROR = "NameError": EXCEPTION,
    UNBOUND_LOCAL_ERROR = "UnboundLocalError": NAME_ERROR,
    TYPE_ERROR = "TypeError": EXCEPTION,
    VALUE_ERROR = "ValueError": EXCEPTION,
    UNICODE_ERROR = "UnicodeError": VALUE_ERROR,
    UNICODE_DECODE_ERROR = "UnicodeDecodeError": UNICODE_ERROR,
    UNICODE_ENCODE_ERROR = "UnicodeEncodeError": UNICODE_ERROR,
    ATTRIBUTE_ERROR = "AttributeError": EXCEPTION,
    RUNTIME_ERROR = "RuntimeError": EXCEPTION,
    NOT_IMPLEMENTED_ERROR = "NotImplementedError": RUNTIME_ERROR,
    RECURSION_ERROR = "RecursionError": RUNTIME_ERROR,
    STOP_ITERATION = "StopIteration": EXCEPTION,
    ASSERTION_ERROR = "AssertionError": EXCEPTION,
    IMPORT_ERROR = "ImportError": EXCEPTION,
    MODULE_NOT_FOUND_ERROR = "ModuleNotFoundError": IMPORT_ERROR,
    EOF_ERROR = "EOFError": EXCEPTION,
    MEMORY_ERROR = "MemoryError": EXCEPTION,
    OS_ERROR = "OSError": EXCEPTION,
    TIMEOUT_ERROR = "TimeoutError": OS_ERROR,
    CONNECTION_ERROR = "ConnectionError": OS_ERROR,
    CONNECTION_REFUSED_ERROR = "ConnectionRefusedError": CONNECTION_ERROR,
    CONNECTION_RESET_ERROR = "ConnectionResetError": CONNECTION_ERROR,
    CONNECTION_ABORTED_ERROR = "ConnectionAbortedError": CONNECTION_ERROR,
    BROKEN_PIPE_ERROR = "BrokenPipeError": CONNECTION_ERROR,
    BLOCKING_IO_ERROR = "BlockingIOError": OS_ERROR,
    INTERRUPTED_ERROR = "InterruptedError": OS_ERROR,
    FILE_NOT_FOUND_ERROR = "FileNotFoundError": OS_ERROR,
    FILE_EXISTS_ERROR = "FileExistsError": OS_ERROR,
    PERMISSION_ERROR = "PermissionError": OS_ERROR,
    PROCESS_LOOKUP_ERROR = "ProcessLookupError": OS_ERROR,
    CHILD_PROCESS_ERROR = "ChildProcessError": OS_ERROR,
    WARNING = "Warning": EXCEPTION,
    DEPRECATION_WARNING = "DeprecationWarning": WARNING,
    USER_WARNING = "UserWarning": WARNING,
    RUNTIME_WARNING = "RuntimeWarning": WARNING,
}

/// Slots that every exception has, before those of its own class.
pub(crate) const EXCEPTION_SLOTS: [&str; 3] = ["args", "__cause__", "__context__"];
pub(crate) const SLOT_ARGS: usize = 0;
pub(crate) const SLOT_CAUSE: usize = 1;
pub(crate) const SLOT_CONTEXT: usize = 2;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn y1_each_class_is_at_the_id_of_its_name() {
        assert_eq!(CLASSES[OBJECT.index()].0, "object");
        assert_eq!(CLASSES[BASE_EXCEPTION.index()].0, "BaseException");
        assert_eq!(CLASSES[RUNTIME_WARNING.index()], ("RuntimeWarning", WARNING));
        assert_eq!(CLASSES.len(), RUNTIME_WARNING.index() + 1);
        assert!(CLASSES.iter().enumerate().all(|(at, (_, base))| base.index() <= at));
    }
}
