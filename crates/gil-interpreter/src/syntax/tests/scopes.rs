//! What names mean, scope by scope.

use super::{code, compiled, refused};
use crate::listing::listing;

/// The instructions of that code that have to do with names, without those of builtins.
fn names(source: &str, owner: &str) -> Vec<String> {
    let program = compiled(source);
    let index = program.codes.iter().position(|code| &*code.qualname == owner).expect(owner);
    let instructions = listing(&program).swap_remove(index).instructions;
    let words = ["FAST", "DEREF", "GLOBAL", "CLOSURE", "CELL", "NAME ", "BUILTIN"];
    let texts = instructions.into_iter().map(|instruction| instruction.text);
    texts.filter(|text| words.iter().any(|word| text.contains(word))).collect()
}

fn locals(source: &str, owner: &str) -> (Vec<String>, u32) {
    let program = compiled(source);
    let code = code(&program, owner);
    (code.locals.iter().map(ToString::to_string).collect(), code.free)
}

#[test]
fn n1_names_of_the_module_are_globals_and_others_builtins() {
    let source = "n = 1\nprint(n, missing)\n";
    assert_eq!(
        names(source, "<module>"),
        ["STORE_GLOBAL n", "LOAD_BUILTIN print", "LOAD_GLOBAL n", "LOAD_BUILTIN missing"]
    );
    let program = compiled(source);
    assert_eq!(&*program.globals[0], "__name__");
}

#[test]
fn n1_a_global_that_only_a_function_declares_belongs_to_the_module() {
    let source = "def f():\n    global made\n    made = 1\ndef g():\n    return made\n";
    assert_eq!(names(source, "f"), ["STORE_GLOBAL made"]);
    assert_eq!(names(source, "g"), ["LOAD_GLOBAL made"]);
}

#[test]
fn n1_a_name_that_is_assigned_anywhere_in_a_function_is_local_everywhere_in_it() {
    let source = "n = 1\ndef f():\n    print(n)\n    for n in []: pass\n";
    assert_eq!(names(source, "f")[1], "LOAD_FAST n");
    for binding in ["import os as n", "def n(): pass", "class n: pass", "del n", "n += 1", "a, (b, *n) = 1"] {
        assert!(locals(&format!("def f():\n    {binding}\n"), "f").0.contains(&"n".to_owned()), "{binding}");
    }
    let caught = "def f():\n    try: pass\n    except E as n: pass\n";
    assert!(locals(caught, "f").0.contains(&"n".to_owned()));
}

#[test]
fn n1_variables_of_inner_functions_pass_through_all_code_between() {
    let source =
        "def a():\n    x = 1\n    def b():\n        def c():\n            return x\n        return c\n";
    assert_eq!(names(source, "a")[..3], ["MAKE_CELL x", "STORE_DEREF x", "LOAD_CLOSURE x"]);
    assert_eq!(names(source, "a.<locals>.b")[0], "LOAD_CLOSURE x");
    assert_eq!(locals(source, "a.<locals>.b"), (vec!["c".into(), "x".into()], 1));
    assert_eq!(names(source, "a.<locals>.b.<locals>.c"), ["LOAD_DEREF x"]);
}

#[test]
fn n1_a_parameter_that_is_captured_becomes_a_cell_at_the_start() {
    let source = "def f(a, b):\n    return lambda: b\n";
    assert_eq!(names(source, "f"), ["MAKE_CELL b", "LOAD_CLOSURE b"]);
    assert_eq!(locals(source, "f"), (vec!["a".into(), "b".into()], 0));
}

#[test]
fn n1_nonlocal_reaches_the_nearest_function_and_not_a_class() {
    let source = "def a():\n    x = 1\n    class C:\n        x = 2\n        def m(self):\n            nonlocal x\n            x = 3\n";
    assert_eq!(names(source, "a.<locals>.C.m"), ["STORE_DEREF x"]);
    assert_eq!(names(source, "a.<locals>.C")[0], "STORE_FAST x");
    assert_eq!(locals(source, "a.<locals>.C"), (vec!["x".into(), "m".into(), "x".into()], 1));
}

#[test]
fn n1_a_global_declaration_stops_the_search_outwards() {
    let source = "x = 0\ndef a():\n    x = 1\n    def b():\n        global x\n        def c():\n            return x\n";
    assert_eq!(names(source, "a.<locals>.b.<locals>.c"), ["LOAD_GLOBAL x"]);
}

#[test]
fn n1_class_bodies_look_in_the_class_then_in_the_module() {
    let source = "x = 1\nclass C:\n    x = x\n    def m(self): return x\n    y = [x for _ in [1]]\n";
    let body = names(source, "C");
    assert_eq!(body[..2], ["LOAD_NAME x or global x", "STORE_FAST x"]);
    assert!(
        body.contains(&"LOAD_GLOBAL x".to_owned()),
        "inside a comprehension the class is skipped: {body:?}"
    );
    assert_eq!(names(source, "C.m"), ["LOAD_GLOBAL x"]);
}

#[test]
fn n1_class_bodies_see_the_function_around_them() {
    let source = "def f(x):\n    class C:\n        y = x\n        z = [x for i in y]\n";
    let body = names(source, "f.<locals>.C");
    assert_eq!(body.iter().filter(|text| *text == "LOAD_DEREF x").count(), 2, "{body:?}");
    assert!(body.contains(&"LOAD_NAME y or global y".to_owned()), "the first iterable is outside: {body:?}");
}

#[test]
fn n1_the_namespace_of_a_class_has_the_order_of_its_bindings() {
    let source = "class C:\n    'text'\n    def b(self): pass\n    a = b\n    n = [k for k in a]\n";
    assert_eq!(locals(source, "C").0, ["__doc__", "b", "a", "n", "k"]);
    let body = names(source, "C");
    assert_eq!(body[body.len() - 3..], ["STORE_FAST k", "DELETE_FAST k", "STORE_FAST n"], "{body:?}");
}

#[test]
fn n1_variables_of_comprehensions_are_locals_of_their_own() {
    let source = "def f(x):\n    a = [x for x in x]\n    return x\n";
    let (locals, _) = locals(source, "f");
    assert_eq!(locals, ["x", "a", "x"]);
    let program = compiled("x = 5\na = [x for x in [x]]\n");
    assert_eq!(program.codes[0].locals.len(), 1);
    assert_eq!(program.globals.iter().filter(|name| &***name == "x").count(), 1);
}

#[test]
fn n1_a_captured_variable_of_a_comprehension_is_a_new_cell_each_time() {
    let source = "a = [lambda: i for i in b]\n";
    let module = names(source, "<module>");
    assert_eq!(module[1..4], ["STORE_FAST i", "MAKE_CELL i", "DELETE_DEREF i"], "{module:?}");
    assert_eq!(names(source, "<lambda>"), ["LOAD_DEREF i"]);
}

#[test]
fn n1_inner_comprehensions_see_the_variables_of_outer_ones() {
    let source = "def f(rows):\n    return [[cell + row[0] for cell in row] for row in rows]\n";
    assert_eq!(locals(source, "f"), (vec!["rows".into(), "row".into(), "cell".into()], 0));
    assert!(names(source, "f").iter().all(|text| !text.contains("DEREF")));
}

#[test]
fn n1_private_names_carry_their_class() {
    let source = "class _Box:\n    def __init__(self, __a):\n        self.__n = __a\n        f(__k=1)\n";
    let program = compiled(source);
    assert_eq!(program.codes[2].locals, ["self".into(), "_Box__a".into()] as [Box<str>; 2]);
    assert!(program.names.contains(&"_Box__n".into()));
    assert!(format!("{:?}", program.consts).contains("_Box__k"));
}

#[test]
fn n1_defaults_belong_to_the_code_around() {
    let source = "def f(x):\n    return lambda x=x, *, y=x: (x, y)\n";
    let program = compiled(source);
    let lambda = code(&program, "f.<locals>.<lambda>");
    assert_eq!((lambda.positional, lambda.keyword_only, &lambda.with_default[..]), (1, 1, &[0, 1][..]));
    assert_eq!(lambda.free, 0);
}

#[test]
fn n1_a_module_knows_its_docstring_when_something_asks() {
    assert_eq!(names("'text'\nprint(__doc__)\n", "<module>")[0], "STORE_GLOBAL __doc__");
    assert_eq!(compiled("'text'\n").globals.len(), 1);
}

/// The errors that CPython's symbol table gives, word for word.
#[test]
fn n1_declarations_must_fit() {
    let errors = [
        (
            "def f():\n    n = 1\n    global n\n",
            "3:5: SyntaxError: name 'n' is assigned to before global declaration",
        ),
        (
            "def f():\n    print(n)\n    global n\n",
            "3:5: SyntaxError: name 'n' is used prior to global declaration",
        ),
        ("def f(n):\n    global n\n", "2:5: SyntaxError: name 'n' is parameter and global"),
        ("def f(n):\n    nonlocal n\n", "2:5: SyntaxError: name 'n' is parameter and nonlocal"),
        ("def f():\n    nonlocal n\n", "2:14: SyntaxError: no binding for nonlocal 'n' found"),
        ("n = 1\ndef f():\n    nonlocal n\n", "3:14: SyntaxError: no binding for nonlocal 'n' found"),
        ("nonlocal n\n", "1:1: SyntaxError: nonlocal declaration not allowed at module level"),
        ("def f(a, a): pass\n", "1:10: SyntaxError: duplicate argument 'a' in function definition"),
        ("lambda a, *, a: 1\n", "1:14: SyntaxError: duplicate argument 'a' in function definition"),
        (
            "def f():\n    n = 1\n    def g():\n        global n\n        nonlocal n\n",
            "5:9: SyntaxError: name 'n' is nonlocal and global",
        ),
        ("n = 1\nglobal n\n", "2:1: SyntaxError: name 'n' is assigned to before global declaration"),
    ];
    for (source, expected) in errors {
        let refusal = &refused(source)[0];
        assert_eq!(format!("{}:{}: {}", refusal.line, refusal.column, refusal.message), expected, "{source}");
        assert_eq!(refusal.instead, None);
    }
}
