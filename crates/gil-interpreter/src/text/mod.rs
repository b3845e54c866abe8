//! Values as text and text as values: repr and str, formats of all three kinds, reading numbers.
//!
//! # Model
//! ```text
//! machine: repr, describe, present (format, % and str.format) --> pure: float, quote, spec, format, parse, case, unicode
//! ```
//! The pure half knows neither heap nor machine. What can grow without bound asks for room first, so that a program
//! gets its MemoryError and the process stays.

mod repr;
mod describe;
mod present;
mod percent;
mod template;
pub(crate) mod arguments;
pub(crate) mod float;
pub(crate) mod quote;
mod spec;
mod format;
pub(crate) mod parse;
pub(crate) mod case;
pub(crate) mod unicode;

#[cfg(test)]
mod tests;

pub(crate) use describe::address;
pub(crate) use float::float_repr;
pub(crate) use parse::{NoInt, parse_float, parse_int};
pub(crate) use template::Fields;
