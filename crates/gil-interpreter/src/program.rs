//! A compiled program: what a caller of this crate gets for a source, and runs any number of times.

use std::sync::Arc;

use crate::code::Compiled;
use crate::listing::{self, CodeListing};
use crate::syntax::{self, Refusal};

/// A program that is inside the subset; clones share the bytecode.
#[derive(Clone, Debug)]
pub struct Program {
    pub(crate) compiled: Arc<Compiled>,
}

impl Program {
    /// Compiles a source; `name` is the file's name in messages and tracebacks.
    ///
    /// # Errors
    /// Everything in it that is no Python, or outside the subset, in the order of the source.
    pub fn compile(name: &str, source: &str) -> Result<Program, Vec<Refusal>> {
        syntax::compile(name, source).map(|compiled| Program { compiled: Arc::new(compiled) })
    }

    /// The bytecode as text, the module first.
    pub fn listing(&self) -> Vec<CodeListing> {
        listing::listing(&self.compiled)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_compiled_or_refused_with_all_its_places() {
        let program = Program::compile("a.py", "x = 1\n").expect("inside the subset");
        assert_eq!(program.listing()[0].name, "<module>");
        let refusals = Program::compile("a.py", "x: int = 1\n{1, 2}\n").expect_err("both lines are outside");
        let lines: Vec<u32> = refusals.iter().map(|refusal| refusal.line).collect();
        assert_eq!(lines, [1, 2]);
    }
}
