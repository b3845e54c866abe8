//! The compute programs: how much work each is asked to do.
//!
//! The header of a program says which `n` takes about a second on CPython (`# second: 6000000`) and which is small. A
//! bench asks for a part of a second; how `n` follows from that depends on how the work grows with it.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

/// A program of the folder `tests/compute` of the interpreter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Program {
    /// The file's name without its end.
    pub name: String,
    /// Where it is.
    pub file: PathBuf,
    small: u64,
    second: u64,
}

/// All of them, by name.
///
/// # Errors
/// When the folder cannot be read, or a header does not say how much work there is.
pub fn all() -> Result<Vec<Program>> {
    let folder = super::folder("crates/gil-interpreter/tests/compute");
    let entries = std::fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut programs = Vec::new();
    for entry in entries {
        let file = entry?.path();
        if file.extension().is_some_and(|extension| extension == "py") {
            programs.push(read(&file)?);
        }
    }
    programs.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(programs)
}

fn read(file: &Path) -> Result<Program> {
    let source = std::fs::read_to_string(file)?;
    let header = |key: &str| {
        let line = source.lines().find_map(|line| line.strip_prefix(key));
        line.and_then(|number| number.trim().parse().ok())
            .with_context(|| format!("{} has no line `{key} NUMBER`", file.display()))
    };
    let name = file.file_stem().context("a file has a name")?.to_string_lossy().into_owned();
    Ok(Program { name, file: file.to_owned(), small: header("# small:")?, second: header("# second:")? })
}

impl Program {
    /// The `n` that takes about this part of a second on CPython.
    pub fn n_for(&self, seconds: f64) -> u64 {
        let second = self.second as f64;
        let n = match self.name.as_str() {
            // The work is fib(n), which grows by the golden ratio with each step.
            "calls" => second + seconds.ln() / 1.618_f64.ln(),
            // The work is n! permutations of n; a step is about a factor of ten there.
            "fannkuch" => second + seconds.log10(),
            "mandelbrot" | "spectral_norm" => second * seconds.sqrt(),
            _ => second * seconds,
        };
        (n.round() as u64).max(self.small)
    }

    /// The smallest work that says that it runs at all.
    pub fn small(&self) -> u64 {
        self.small
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_program_says_how_much_work_it_has() {
        let programs = all().unwrap();
        assert!(programs.len() >= 10, "{}", programs.len());
        assert!(programs.iter().all(|program| program.small() < program.n_for(1.0)));
    }

    #[test]
    fn n_follows_the_growth_of_the_work() {
        let n = |name: &str, second| {
            let program = Program { name: name.into(), file: PathBuf::new(), small: 2, second };
            [program.n_for(1.0), program.n_for(0.1), program.n_for(1e-9)]
        };
        assert_eq!(n("sieve", 6_000_000), [6_000_000, 600_000, 2]);
        assert_eq!(n("mandelbrot", 600), [600, 190, 2]);
        assert_eq!(n("calls", 34), [34, 29, 2]);
        assert_eq!(n("fannkuch", 9), [9, 8, 2]);
    }

    #[test]
    fn a_program_without_a_header_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("bare.py");
        std::fs::write(&file, "# small: 3\nprint(1)\n").unwrap();
        assert!(read(&file).unwrap_err().to_string().contains("# second:"));
    }
}
