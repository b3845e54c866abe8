//! The parts of the corpus test: which cases there are, how one runs, how outcomes are compared.

mod options;
mod program;
mod case;
mod outcome;
mod cpython;
mod diff;
mod selfcheck;
pub(crate) mod child;

pub(crate) use case::{Case, cases, too_few};
pub(crate) use options::Options;
