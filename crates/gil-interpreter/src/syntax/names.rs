//! The names of the subset: builtins, modules, special methods and attributes, and Python's names that are missing.

/// Every builtin that a program can use.
pub(crate) const BUILTINS: &[&str] = &[
    // Functions and types.
    "abs",
    "all",
    "any",
    "ascii",
    "bin",
    "bool",
    "bytes",
    "callable",
    "chr",
    "delattr",
    "dict",
    "divmod",
    "enumerate",
    "filter",
    "float",
    "format",
    "getattr",
    "hasattr",
    "hash",
    "hex",
    "id",
    "int",
    "isinstance",
    "issubclass",
    "iter",
    "len",
    "list",
    "map",
    "max",
    "min",
    "next",
    "object",
    "oct",
    "ord",
    "pow",
    "print",
    "range",
    "repr",
    "reversed",
    "round",
    "setattr",
    "sorted",
    "str",
    "sum",
    "super",
    "tuple",
    "type",
    "zip",
    // Constants.
    "Ellipsis",
    "NotImplemented",
    // Exceptions.
    "ArithmeticError",
    "AssertionError",
    "AttributeError",
    "BaseException",
    "BlockingIOError",
    "BrokenPipeError",
    "ChildProcessError",
    "ConnectionAbortedError",
    "ConnectionError",
    "ConnectionRefusedError",
    "ConnectionResetError",
    "DeprecationWarning",
    "EOFError",
    "Exception",
    "FileNotFoundError",
    "FloatingPointError",
    "IOError",
    "ImportError",
    "IndexError",
    "InterruptedError",
    "KeyError",
    "KeyboardInterrupt",
    "LookupError",
    "MemoryError",
    "ModuleNotFoundError",
    "NameError",
    "NotImplementedError",
    "OSError",
    "OverflowError",
    "PermissionError",
    "ProcessLookupError",
    "RecursionError",
    "RuntimeError",
    "RuntimeWarning",
    "StopIteration",
    "SystemExit",
    "TimeoutError",
    "TypeError",
    "UnboundLocalError",
    "UnicodeDecodeError",
    "UnicodeEncodeError",
    "UnicodeError",
    "UserWarning",
    "ValueError",
    "Warning",
    "ZeroDivisionError",
];

/// Python's builtins that the subset lacks, with what to write instead.
pub(super) const MISSING_BUILTINS: &[(&str, &str)] = &[
    ("set", "a dict with the members as keys: dict.fromkeys(values)"),
    ("frozenset", "a sorted tuple, or a dict with the members as keys"),
    ("bytearray", "bytes, joined by b\"\".join(parts)"),
    ("memoryview", "a slice of the bytes"),
    ("complex", "two floats"),
    ("slice", "the slice itself: values[a:b]"),
    ("eval", "the expression itself"),
    ("exec", "the statements themselves"),
    ("compile", "the code itself"),
    ("globals", "the module's variables by name, or a dict of your own"),
    ("locals", "the variables by name, or a dict of your own"),
    ("vars", "the attributes by name, or getattr(object, name)"),
    ("dir", "the attributes by name, or hasattr(object, name)"),
    ("open", "the data in the program, or data from a socket"),
    ("input", "the value in the program, or os.environ"),
    ("__import__", "an import statement"),
    ("breakpoint", "print()"),
    ("help", "print()"),
    ("exit", "raise SystemExit(code), or sys.exit(code)"),
    ("quit", "raise SystemExit(code), or sys.exit(code)"),
    ("copyright", "print()"),
    ("credits", "print()"),
    ("license", "print()"),
    ("staticmethod", "a function outside the class"),
    ("classmethod", "a function outside the class that takes the class"),
    ("property", "a method, called with parentheses"),
    ("aiter", "iter(), and threads for what runs at the same time"),
    ("anext", "next(), and threads for what runs at the same time"),
    ("GeneratorExit", "another exception; there are no generators"),
    ("StopAsyncIteration", "StopIteration"),
    ("BaseExceptionGroup", "an exception that keeps a list of others"),
    ("ExceptionGroup", "an exception that keeps a list of others"),
    ("BufferError", "ValueError"),
    ("EnvironmentError", "OSError"),
    ("FileExistsError", "OSError"),
    ("IsADirectoryError", "OSError"),
    ("NotADirectoryError", "OSError"),
    ("ReferenceError", "RuntimeError"),
    ("SystemError", "RuntimeError"),
    ("SyntaxError", "ValueError"),
    ("IndentationError", "ValueError"),
    ("TabError", "ValueError"),
    ("UnicodeTranslateError", "UnicodeError"),
    ("PythonFinalizationError", "RuntimeError"),
    ("BytesWarning", "Warning"),
    ("EncodingWarning", "Warning"),
    ("FutureWarning", "Warning"),
    ("ImportWarning", "Warning"),
    ("PendingDeprecationWarning", "DeprecationWarning"),
    ("ResourceWarning", "Warning"),
    ("SyntaxWarning", "Warning"),
    ("UnicodeWarning", "Warning"),
];

/// Builtin types that a class cannot inherit from.
pub(super) const CLOSED_TYPES: &[&str] = &[
    "bool",
    "bytes",
    "dict",
    "enumerate",
    "filter",
    "float",
    "int",
    "list",
    "map",
    "range",
    "reversed",
    "str",
    "super",
    "tuple",
    "type",
    "zip",
];

/// Every module that a program can import.
pub(super) const MODULES: &[&str] =
    &["hashlib", "math", "multiprocessing", "os", "queue", "selectors", "socket", "sys", "threading", "time"];

/// Operators whose methods also exist with `r` and `i` before the name.
const OPERATORS: &[&str] =
    &["add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "and", "or", "xor", "lshift", "rshift"];

/// The other special methods that a class can define.
const METHODS: &[&str] = &[
    "init", "repr", "str", "len", "bool", "eq", "ne", "lt", "le", "gt", "ge", "hash", "getitem", "setitem",
    "delitem", "contains", "iter", "next", "call", "enter", "exit", "neg", "pos", "abs", "invert", "int",
    "float", "index", "format",
];

/// Special attributes that can be read, besides the methods.
const ATTRIBUTES: &[&str] = &["name", "qualname", "class", "doc", "cause", "context"];

/// `text` without two underscores on both sides, when it has them.
pub(super) fn special(text: &str) -> Option<&str> {
    text.strip_prefix("__")?.strip_suffix("__").filter(|inner| !inner.is_empty())
}

/// Whether a class can define the special method of this inner name.
pub(super) fn is_honoured_method(inner: &str) -> bool {
    let operator = |name: &str| OPERATORS.contains(&name);
    METHODS.contains(&inner)
        || operator(inner)
        || inner.strip_prefix('r').is_some_and(operator)
        || inner.strip_prefix('i').is_some_and(operator)
}

/// Whether the special attribute of this inner name can be read.
pub(super) fn is_readable(inner: &str) -> bool {
    ATTRIBUTES.contains(&inner) || is_honoured_method(inner)
}

/// The name as Python keeps it: `__secret` in `class _Box` becomes `_Box__secret`.
pub(super) fn mangle(class: Option<&str>, name: &str) -> String {
    let bare = class.map(|class| class.trim_start_matches('_')).filter(|bare| !bare.is_empty());
    match bare {
        Some(bare) if name.starts_with("__") && !name.ends_with("__") => format!("_{bare}{name}"),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_builtin_is_both_there_and_missing() {
        for (name, _) in MISSING_BUILTINS {
            assert!(!BUILTINS.contains(name), "{name}");
        }
        assert!(CLOSED_TYPES.iter().all(|name| BUILTINS.contains(name)));
    }

    #[test]
    fn private_names_carry_their_class() {
        assert_eq!(mangle(Some("_Box"), "__secret"), "_Box__secret");
        assert_eq!(mangle(Some("Box"), "__init__"), "__init__");
        assert_eq!(mangle(Some("__"), "__secret"), "__secret");
        assert_eq!(mangle(None, "__secret"), "__secret");
    }

    #[test]
    fn reflected_and_in_place_methods_are_honoured_where_python_has_them() {
        for honoured in ["add", "radd", "iadd", "ror", "ixor", "init", "index"] {
            assert!(is_honoured_method(honoured), "{honoured}");
        }
        for refused in ["new", "rlt", "getattr", "divmod", "matmul", "reversed"] {
            assert!(!is_honoured_method(refused), "{refused}");
        }
    }
}
