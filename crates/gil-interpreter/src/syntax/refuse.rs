//! The rules of what is outside the subset: what is said, and what to write instead.
//!
//! # Length
//! One table, kept whole.

/// One rule of refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    Yield,
    GeneratorExpression,
    AsyncFunction,
    AsyncStatement,
    AsyncComprehension,
    Await,
    Decorator,
    SetLiteral,
    SetComprehension,
    Match,
    StarParameter,
    DoubleStarParameter,
    PositionalOnly,
    StarArgument,
    DoubleStarArgument,
    StarItem,
    DoubleStarItem,
    MultipleInheritance,
    Metaclass,
    ClassKeyword,
    BaseExpression,
    Annotation,
    Walrus,
    ImportStar,
    RelativeImport,
    FutureImport,
    LazyImport,
    ExceptStar,
    IntTooLarge,
    Complex,
    MatrixMultiply,
    TemplateString,
    TypeAlias,
    TypeParameters,
    SuperOutside,
    SuperNested,
    SuperAlone,
    SuperArguments,
    IterSentinel,
    TypeOfThree,
    Surrogate,
    Shell,
}

impl Rule {
    /// What is said, and what to write instead.
    pub(super) fn text(self) -> (&'static str, &'static str) {
        match self {
            Self::Yield => (
                "yield makes a generator, and generators are not part of the subset",
                "append the values to a list and return it, or a class with __iter__ and __next__",
            ),
            Self::GeneratorExpression => (
                "generator expressions are not part of the subset",
                "a list comprehension, in brackets: [x for x in values]",
            ),
            Self::AsyncFunction => {
                ("async functions are not part of the subset", "def, and threads that run it")
            }
            Self::AsyncStatement => {
                ("async for and async with are not part of the subset", "for or with, in a thread of its own")
            }
            Self::AsyncComprehension => {
                ("async comprehensions are not part of the subset", "for instead of async for")
            }
            Self::Await => ("await is not part of the subset", "a call that waits, in a thread of its own"),
            Self::Decorator => (
                "decorators are not part of the subset",
                "name = decorator(name) after the definition; for a property, a method that is called",
            ),
            Self::SetLiteral => {
                ("sets are not part of the subset", "a dict with the members as keys: {a: None}")
            }
            Self::SetComprehension => (
                "set comprehensions are not part of the subset",
                "a dict comprehension with the members as keys: {x: None for x in values}",
            ),
            Self::Match => ("match is not part of the subset", "if and elif"),
            Self::StarParameter => (
                "star parameters are not part of the subset",
                "one parameter that takes a list, or parameters with defaults",
            ),
            Self::DoubleStarParameter => (
                "double star parameters are not part of the subset",
                "one parameter that takes a dict, or parameters with defaults",
            ),
            Self::PositionalOnly => (
                "positional-only parameters (/) are not part of the subset",
                "the parameters without the slash",
            ),
            Self::StarArgument => (
                "star arguments are not part of the subset",
                "each argument by itself: f(values[0], values[1])",
            ),
            Self::DoubleStarArgument => (
                "double star arguments are not part of the subset",
                "each keyword by itself: f(name=values[\"name\"])",
            ),
            Self::StarItem => ("star items are not part of the subset", "a sum of lists: list(a) + [b]"),
            Self::DoubleStarItem => (
                "double star items are not part of the subset",
                "a copy that is changed: merged = dict(a), then merged.update(b)",
            ),
            Self::MultipleInheritance => (
                "multiple inheritance is not part of the subset",
                "one base; keep an object of the other class in an attribute",
            ),
            Self::Metaclass => {
                ("a metaclass is not part of the subset", "a function that makes or registers the classes")
            }
            Self::ClassKeyword => {
                ("keywords of a class are not part of the subset", "attributes in the class body")
            }
            Self::BaseExpression => (
                "a base class that is not a name is not part of the subset",
                "a variable for the base before the class: Base = ...",
            ),
            Self::Annotation => ("annotations are not part of the subset", "the same without the type"),
            Self::Walrus => {
                ("assignment by := is not part of the subset", "an assignment on a line of its own")
            }
            Self::ImportStar => ("import * is not part of the subset", "the names: from module import a, b"),
            Self::RelativeImport => ("relative imports are not part of the subset", "all in one file"),
            Self::FutureImport => {
                ("import from __future__ is not part of the subset", "the program without it")
            }
            Self::LazyImport => ("lazy imports are not part of the subset", "a plain import"),
            Self::ExceptStar => ("except* is not part of the subset", "except, for one exception at a time"),
            Self::IntTooLarge => (
                "an int has 64 bits here, and this literal does not fit",
                "a literal up to 9223372036854775807, or a float",
            ),
            Self::Complex => ("complex numbers are not part of the subset", "two floats"),
            Self::MatrixMultiply => ("the operator @ is not part of the subset", "a method, or *"),
            Self::TemplateString => ("template strings are not part of the subset", "an f-string"),
            Self::TypeAlias => ("type aliases are not part of the subset", "the program without the alias"),
            Self::TypeParameters => ("type parameters are not part of the subset", "the same without [...]"),
            Self::SuperOutside => {
                ("super() outside a method is not part of the subset", "the class by its name")
            }
            Self::SuperNested => (
                "super() in a function or comprehension inside a method is not part of the subset",
                "method = super().name in the method itself, then method",
            ),
            Self::SuperAlone => {
                ("super() without an attribute is not part of the subset", "super().name directly, each time")
            }
            Self::SuperArguments => ("super() with arguments is not part of the subset", "super().name"),
            Self::IterSentinel => (
                "iter() with a sentinel is not part of the subset",
                "while True: value = f(); if value == sentinel: break",
            ),
            Self::TypeOfThree => ("type() that makes a class is not part of the subset", "a class statement"),
            Self::Surrogate => {
                ("lone surrogates are not part of the subset", "the character itself, or bytes")
            }
            Self::Shell => ("shell escapes are not part of the subset", "Python"),
        }
    }
}
