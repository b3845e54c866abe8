//! A listing as a page of text, like the one of CPython's `dis`.
//!
//! ```text
//! add (line 3)
//!     3      .oe    0 RESUME
//!     4      to.    1 LOAD_GLOBAL n
//! ```
//! In order: the line of the source where it changes; `>>` where something jumps to; where a thread can be made to give
//! up the lock (`t` under tick, `o` under gil32, `e` under the policies since gil310); the index; the instruction.
//! Below stands where exceptions go.

use std::fmt;

use super::{CodeListing, Instruction};

impl fmt::Display for CodeListing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} (line {})", self.name, self.first_line)?;
        let mut line = 0;
        for one in &self.instructions {
            let shown = if one.line == line { String::new() } else { one.line.to_string() };
            line = one.line;
            let Instruction { index, text, is_target, check_sites, .. } = one;
            let target = if *is_target { ">>" } else { "" };
            let mark = |at: usize, letter: char| if check_sites[at] { letter } else { '.' };
            let sites = [mark(0, 't'), mark(1, 'o'), mark(2, 'e')].iter().collect::<String>();
            writeln!(f, "{shown:>5} {target:>4} {sites} {index:>4} {text}")?;
        }
        for (index, region) in self.exception_table.iter().enumerate() {
            writeln!(f, "{:>14} {region}", if index == 0 { "exceptions" } else { "" })?;
        }
        Ok(())
    }
}
