//! Whole listings beside their sources.

use crate::syntax::compile;

/// The pages of all codes; lines end without blanks.
fn pages(source: &str) -> String {
    let program = compile("test.py", source).expect("inside the subset");
    let text: String = super::listing(&program).iter().map(|code| format!("\n{code}")).collect();
    text.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[test]
fn a_function_that_updates_a_global() {
    let source = "\
n = 0
def add(k):
    global n
    for i in range(k):
        n += 1
        if i < k and not n == 3:
            n = n * i + 2
";
    assert_eq!(
        pages(source),
        "
<module> (line 1)
    1      ..e    0 RESUME
           ...    1 LOAD_CONST 0
           to.    2 STORE_GLOBAL n
    2      to.    3 MAKE_FUNCTION add
           to.    4 STORE_GLOBAL add
           ...    5 LOAD_CONST None
           to.    6 RETURN_VALUE

add (line 2)
    2      ..e    0 RESUME
    4      to.    1 LOAD_BUILTIN range
           ...    2 LOAD_FAST k
           toe    3 CALL 1
           to.    4 GET_ITER
        >> to.    5 FOR_ITER__STORE_FAST i else to 20
    5      to.    6 LOAD_GLOBAL n
           ...    7 LOAD_CONST 1
           to.    8 BINARY_OP +=
           to.    9 STORE_GLOBAL n
    6      to.   10 LOAD_FAST__LOAD_FAST__COMPARE_OP__POP_JUMP_IF_FALSE i < k else to 19
           to.   11 LOAD_GLOBAL n
           ...   12 LOAD_CONST 3
           to.   13 COMPARE_OP ==
           ...   14 POP_JUMP_IF_TRUE to 19
    7      to.   15 LOAD_GLOBAL n
           to.   16 LOAD_FAST__BINARY_OP * i
           to.   17 LOAD_CONST__BINARY_OP + 2
           to.   18 STORE_GLOBAL n
        >> toe   19 JUMP_BACKWARD to 5
        >> ...   20 LOAD_CONST None
           to.   21 RETURN_VALUE
"
    );
}

#[test]
fn a_finally_is_copied_to_each_way_out() {
    let source = "\
def f(a):
    for x in a:
        try:
            if x:
                continue
            return x + 1
        finally:
            print(a)
";
    assert_eq!(
        pages(source),
        "
<module> (line 1)
    1      ..e    0 RESUME
           to.    1 MAKE_FUNCTION f
           to.    2 STORE_GLOBAL f
           ...    3 LOAD_CONST None
           to.    4 RETURN_VALUE

f (line 1)
    1      ..e    0 RESUME
    2      ...    1 LOAD_FAST a
           to.    2 GET_ITER
        >> to.    3 FOR_ITER__STORE_FAST x else to 27
    4      ...    4 LOAD_FAST x
           ...    5 POP_JUMP_IF_FALSE to 11
    8      to.    6 LOAD_BUILTIN print
           ...    7 LOAD_FAST a
           toe    8 CALL 1
           ...    9 POP_TOP
    5      toe   10 JUMP_BACKWARD to 3
    6   >> to.   11 LOAD_FAST__LOAD_CONST__BINARY_OP x + 1
    8      to.   12 LOAD_BUILTIN print
           ...   13 LOAD_FAST a
           toe   14 CALL 1
           ...   15 POP_TOP
    6      ...   16 ROT_TWO
           ...   17 POP_TOP
           to.   18 RETURN_VALUE
        >> ...   19 PUSH_EXC_INFO
    8      to.   20 LOAD_BUILTIN print
           ...   21 LOAD_FAST a
           toe   22 CALL 1
           ...   23 POP_TOP
        >> ...   24 ROT_TWO
           ...   25 POP_EXCEPT
           to.   26 RERAISE
        >> ...   27 LOAD_CONST None
           to.   28 RETURN_VALUE
    exceptions 4 to 6 -> 19 [1]
               11 to 12 -> 19 [1]
               20 to 24 -> 24 [2]
"
    );
}

#[test]
fn an_except_forgets_its_name_and_restores_what_was_handled() {
    let source = "\
def f(a):
    try:
        a()
    except (ValueError, KeyError) as error:
        return error
    except OSError:
        raise
    else:
        a.b += 1
";
    assert_eq!(
        pages(source),
        "
<module> (line 1)
    1      ..e    0 RESUME
           to.    1 MAKE_FUNCTION f
           to.    2 STORE_GLOBAL f
           ...    3 LOAD_CONST None
           to.    4 RETURN_VALUE

f (line 1)
    1      ..e    0 RESUME
    3      ...    1 LOAD_FAST a
           toe    2 CALL 0
           ...    3 POP_TOP
    9      ...    4 LOAD_FAST a
           ...    5 DUP_TOP
           to.    6 LOAD_ATTR b
           ...    7 LOAD_CONST 1
           to.    8 BINARY_OP +=
           ...    9 ROT_TWO
           to.   10 STORE_ATTR b
           ...   11 JUMP_FORWARD to 38
        >> ...   12 PUSH_EXC_INFO
    4      to.   13 LOAD_BUILTIN ValueError
           to.   14 LOAD_BUILTIN KeyError
           to.   15 BUILD_TUPLE 2
           to.   16 CHECK_EXC_MATCH
           ...   17 POP_JUMP_IF_FALSE to 30
           ...   18 STORE_FAST error
    5      ...   19 LOAD_FAST error
           ...   20 LOAD_CONST None
           ...   21 STORE_FAST error
           to.   22 DELETE_FAST error
           ...   23 ROT_TWO
           ...   24 POP_EXCEPT
           to.   25 RETURN_VALUE
        >> ...   26 LOAD_CONST None
           ...   27 STORE_FAST error
           to.   28 DELETE_FAST error
           ...   29 JUMP_FORWARD to 35
    6   >> to.   30 LOAD_BUILTIN OSError
           to.   31 CHECK_EXC_MATCH
           ...   32 POP_JUMP_IF_FALSE to 35
           ...   33 POP_TOP
    7      to.   34 RAISE_VARARGS 0
        >> ...   35 ROT_TWO
           ...   36 POP_EXCEPT
           to.   37 RERAISE
        >> ...   38 LOAD_CONST None
           to.   39 RETURN_VALUE
    exceptions 19 to 20 -> 26 [1]
               1 to 4 -> 12 [0]
               13 to 23 -> 35 [1]
               26 to 35 -> 35 [1]
"
    );
}

#[test]
fn a_with_calls_exit_on_each_way_out() {
    let source = "\
def f(a):
    with a as b:
        return b.m(1, k=2)
";
    assert_eq!(
        pages(source),
        "
<module> (line 1)
    1      ..e    0 RESUME
           to.    1 MAKE_FUNCTION f
           to.    2 STORE_GLOBAL f
           ...    3 LOAD_CONST None
           to.    4 RETURN_VALUE

f (line 1)
    1      ..e    0 RESUME
    2      ...    1 LOAD_FAST a
           toe    2 BEFORE_WITH
    3      ...    3 STORE_FAST__LOAD_FAST b, b
           to.    4 LOAD_METHOD m
           ...    5 LOAD_CONST 1
           ...    6 LOAD_CONST 2
           toe    7 CALL_METHOD_KW 2 ('k',)
           ...    8 ROT_TWO
    2      ...    9 LOAD_CONST None
           ...   10 LOAD_CONST None
           ...   11 LOAD_CONST None
           toe   12 CALL 3
           ...   13 POP_TOP
    3      to.   14 RETURN_VALUE
    2   >> ...   15 PUSH_EXC_INFO
           toe   16 WITH_EXCEPT_START
           ...   17 POP_JUMP_IF_TRUE to 21
        >> ...   18 ROT_TWO
           ...   19 POP_EXCEPT
           to.   20 RERAISE
        >> ...   21 POP_TOP
           ...   22 POP_EXCEPT
           ...   23 POP_TOP
           ...   24 LOAD_CONST None
           to.   25 RETURN_VALUE
    exceptions 3 to 8 -> 15 [1]
               16 to 18 -> 18 [2]
"
    );
}

#[test]
fn a_class_is_a_body_that_is_called() {
    let source = "\
class Box(Base):
    'doc'
    size = size
    def __init__(self, v=None):
        super().__init__()
        self.v = lambda: v
";
    assert_eq!(
        pages(source),
        "
<module> (line 1)
    1      ..e    0 RESUME
           to.    1 LOAD_BUILTIN Base
           to.    2 MAKE_FUNCTION Box
           toe    3 CALL 0
           to.    4 BUILD_CLASS Box
           to.    5 STORE_GLOBAL Box
           ...    6 LOAD_CONST None
           to.    7 RETURN_VALUE

Box (line 1)
    1      ..e    0 RESUME
           ...    1 LOAD_CONST 'doc'
           ...    2 STORE_FAST __doc__
    3      to.    3 LOAD_NAME size or global size
           ...    4 STORE_FAST size
    4      ...    5 LOAD_CONST None
           to.    6 MAKE_FUNCTION __init__
           ...    7 STORE_FAST __init__
           to.    8 BUILD_NAMESPACE
           to.    9 RETURN_VALUE

Box.__init__ (line 4)
    4      ..e    0 RESUME
           to.    1 MAKE_CELL v
    5      to.    2 LOAD_SUPER_ATTR __init__
           toe    3 CALL 0
           ...    4 POP_TOP
    6      to.    5 LOAD_CLOSURE v
           to.    6 MAKE_FUNCTION <lambda>
           ...    7 LOAD_FAST self
           to.    8 STORE_ATTR v
           ...    9 LOAD_CONST None
           to.   10 RETURN_VALUE

Box.__init__.<lambda> (line 6)
    6      ..e    0 RESUME
           to.    1 LOAD_DEREF v
           to.    2 RETURN_VALUE
"
    );
}

#[test]
fn comprehensions_chains_and_fstrings_are_written_in_place() {
    let source = "\
a = [y for y in [1, 2] if y]
b = {k: 1 for k, *v in a}
c = 1 < len(a) <= 3 or f'{a!r:>{b}} {c=}'
c, b = b, c[1:]
assert b, c
";
    assert_eq!(
        pages(source),
        "
<module> (line 1)
    1      ..e    0 RESUME
           ...    1 LOAD_CONST (1, 2)
           to.    2 GET_ITER
           to.    3 BUILD_LIST 0
           ...    4 ROT_TWO
        >> to.    5 FOR_ITER to 11
           ...    6 STORE_FAST__LOAD_FAST y, y
           ...    7 POP_JUMP_IF_FALSE to 10
           ...    8 LOAD_FAST y
           to.    9 LIST_APPEND 2
        >> toe   10 JUMP_BACKWARD to 5
        >> to.   11 STORE_GLOBAL a
    2      to.   12 LOAD_GLOBAL a
           to.   13 GET_ITER
           to.   14 BUILD_MAP 0
           ...   15 ROT_TWO
        >> to.   16 FOR_ITER to 23
           to.   17 UNPACK_EX 1, rest, 0
           ...   18 STORE_FAST k
           ...   19 STORE_FAST v
           ...   20 LOAD_FAST__LOAD_CONST k, 1
           to.   21 MAP_ADD 2
           toe   22 JUMP_BACKWARD to 16
        >> to.   23 STORE_GLOBAL b
    3      ...   24 LOAD_CONST 1
           to.   25 LOAD_BUILTIN len
           to.   26 LOAD_GLOBAL a
           toe   27 CALL 1
           ...   28 DUP_TOP
           ...   29 ROT_THREE
           to.   30 COMPARE_OP <
           ...   31 JUMP_IF_FALSE_OR_POP to 35
           ...   32 LOAD_CONST 3
           to.   33 COMPARE_OP <=
           ...   34 JUMP_FORWARD to 37
        >> ...   35 ROT_TWO
           ...   36 POP_TOP
        >> ...   37 JUMP_IF_TRUE_OR_POP to 48
           to.   38 LOAD_GLOBAL a
           ...   39 LOAD_CONST '>'
           to.   40 LOAD_GLOBAL b
           to.   41 FORMAT_VALUE
           to.   42 BUILD_STRING 2
           to.   43 FORMAT_VALUE !r with format
           ...   44 LOAD_CONST ' c='
           to.   45 LOAD_GLOBAL c
           to.   46 FORMAT_VALUE !r
           to.   47 BUILD_STRING 3
        >> to.   48 STORE_GLOBAL c
    4      to.   49 LOAD_GLOBAL b
           to.   50 LOAD_GLOBAL c
           ...   51 LOAD_CONST 1
           ...   52 LOAD_CONST None
           ...   53 LOAD_CONST None
           to.   54 BUILD_SLICE
           to.   55 BINARY_SUBSCR
           ...   56 ROT_TWO
           to.   57 STORE_GLOBAL c
           to.   58 STORE_GLOBAL b
    5      to.   59 LOAD_GLOBAL b
           ...   60 POP_JUMP_IF_TRUE to 65
           to.   61 LOAD_ASSERTION_ERROR
           to.   62 LOAD_GLOBAL c
           toe   63 CALL 1
           to.   64 RAISE_VARARGS 1
        >> ...   65 LOAD_CONST None
           to.   66 RETURN_VALUE
"
    );
}

#[test]
fn declarations_of_closures() {
    let source = "\
def outer(a):
    def inner(b=a, *, c=1):
        nonlocal a
        a = b if c else -b
    return inner
";
    assert_eq!(
        pages(source),
        "
<module> (line 1)
    1      ..e    0 RESUME
           to.    1 MAKE_FUNCTION outer
           to.    2 STORE_GLOBAL outer
           ...    3 LOAD_CONST None
           to.    4 RETURN_VALUE

outer (line 1)
    1      ..e    0 RESUME
           to.    1 MAKE_CELL a
    2      to.    2 LOAD_DEREF a
           ...    3 LOAD_CONST 1
           to.    4 LOAD_CLOSURE a
           to.    5 MAKE_FUNCTION inner
    5      ...    6 STORE_FAST__LOAD_FAST inner, inner
           to.    7 RETURN_VALUE

outer.inner (line 2)
    2      ..e    0 RESUME
    4      ...    1 LOAD_FAST c
           ...    2 POP_JUMP_IF_FALSE to 5
           ...    3 LOAD_FAST b
           ...    4 JUMP_FORWARD to 7
        >> ...    5 LOAD_FAST b
           to.    6 UNARY_NEGATIVE
        >> to.    7 STORE_DEREF a
           ...    8 LOAD_CONST None
           to.    9 RETURN_VALUE
"
    );
}
