//! The questions that a str answers with yes or no.

use crate::heap::Heap;
use crate::machine::{Machine, Unwind};
use crate::native::{Args, Registry};
use crate::text::arguments::{methods, this_str};
use crate::text::{case, unicode};
use crate::types;
use crate::value::Value;

pub(super) fn register<H: Heap>(r: &mut Registry<'_, H>) {
    methods(
        r,
        types::STR,
        &[
            ("isdigit", isdigit),
            ("isdecimal", isdecimal),
            ("isnumeric", isnumeric),
            ("isalpha", isalpha),
            ("isalnum", isalnum),
            ("isspace", isspace),
            ("isupper", isupper),
            ("islower", islower),
            ("istitle", istitle),
            ("isidentifier", isidentifier),
            ("isprintable", isprintable),
            ("isascii", isascii),
        ],
    );
}

macro_rules! questions {
    ($($method:ident: $test:expr;)*) => {$(
        fn $method<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
            let (id, rest) = this_str(m, args, stringify!($method))?;
            rest.exactly::<0, _>(m, concat!("str.", stringify!($method)))?;
            let test: fn(&str) -> bool = $test;
            Ok(Value::Bool(test(&m.heap.text(id).text)))
        }
    )*};
}

questions! {
    isdigit: |text| each(text, unicode::is_digit);
    isdecimal: |text| each(text, unicode::is_decimal);
    isnumeric: |text| each(text, unicode::is_numeric);
    isalpha: |text| each(text, unicode::is_alpha);
    isalnum: |text| each(text, |c| unicode::is_alpha(c) || unicode::is_numeric(c) || unicode::is_digit(c));
    isspace: |text| each(text, unicode::is_space);
    isupper: |text| one_case(text, char::is_uppercase);
    islower: |text| one_case(text, char::is_lowercase);
    istitle: case::is_titled;
    isidentifier: is_identifier;
    isprintable: |text| text.chars().all(unicode::is_printable);
    isascii: str::is_ascii;
}

/// All characters, of which there must be one.
fn each(text: &str, test: fn(char) -> bool) -> bool {
    !text.is_empty() && text.chars().all(test)
}

/// All characters that have a case have this one, and there is such a character.
fn one_case(text: &str, test: fn(char) -> bool) -> bool {
    let mut any = false;
    text.chars().filter(|character| case::is_cased(*character)).all(|character| {
        any = true;
        test(character)
    }) && any
}

/// Python's rule for names. The marks that may follow a letter are those that Rust counts as alphabetic, and the
/// combining accents: a few of rarely used scripts are missing.
fn is_identifier(text: &str) -> bool {
    let mut letters = text.chars();
    let first = |c: char| c == '_' || unicode::is_alpha(c) || unicode::is_numeric(c) && c.is_alphabetic();
    letters.next().is_some_and(first)
        && letters.all(|c| {
            c == '_'
                || unicode::is_decimal(c)
                || !c.is_ascii() && (c.is_alphabetic() || matches!(c, '\u{b7}' | '\u{300}'..='\u{36f}'))
                || c.is_ascii_alphabetic()
        })
}
