//! Starting the same workload on a real runtime: the programs of this crate as files, with what they are told.

use std::path::PathBuf;

use anyhow::{Context, Result};
use experiment_kit::experiment::{Bench, Setup};
use experiment_kit::measurements::Sink;
use experiment_kit::program::{Limits, ProgramBench, ServerProgram, command, read_figures, run_to_end};
use experiment_kit::results::Results;
use experiment_kit::runtimes::Runtime;

use crate::roles::{self, Part};

/// A small program for real runtimes, compiled into this one.
pub(crate) struct Source {
    /// Its file name.
    pub(crate) name: &'static str,
    /// Its text.
    pub(crate) text: &'static str,
}

impl Source {
    /// The program as a file that a runtime can be given.
    pub(crate) fn file(&self) -> Result<PathBuf> {
        Results::usual().program(self.name, self.text)
    }

    /// A bench that runs it once for each cell: `FILE cell=CELL seed=… knob=…` and the `words`.
    pub(crate) fn bench(
        &self,
        runtime: &Runtime,
        setup: &Setup,
        cells: Vec<String>,
        words: Vec<(String, String)>,
    ) -> Result<Box<dyn Bench>> {
        let knobs = setup.knobs().iter().map(|(name, value)| ((*name).to_owned(), value.to_string()));
        Ok(Box::new(ProgramBench {
            runtime: runtime.clone(),
            file: self.file()?,
            cells,
            words: knobs.chain([("seed".to_owned(), setup.seed.to_string())]).chain(words).collect(),
            environment: Vec::new(),
            interrupt: setup.interrupt.clone(),
        }))
    }

    /// Starts it as a server: it prints `PORT number` and serves until it is dropped.
    pub(crate) fn serve(
        &self,
        runtime: &Runtime,
        setup: &Setup,
        words: &[(String, String)],
    ) -> Result<ServerProgram> {
        ServerProgram::start(command(runtime, &self.file()?, words), &setup.interrupt)
    }
}

/// A workload that has a process of its own on either side: as a part of this program, and as a program of a real runtime.
/// Both are told the same words and print `FIGURE` and `FACT` lines.
pub(crate) struct Twin {
    /// Here.
    pub(crate) part: &'static Part,
    /// There.
    pub(crate) source: &'static Source,
}

/// The variable that sets the size of a pool, here as in libuv.
const POOL_SIZE: &str = "UV_THREADPOOL_SIZE";

impl Twin {
    /// Runs the process for `cell` and puts what it printed into `sink`. `pool_size` is the value of
    /// `UV_THREADPOOL_SIZE`; without one the process does not have the variable, whatever this one has.
    ///
    /// # Errors
    /// When the process cannot be started, fails, or prints something else.
    pub(crate) fn measure(
        &self,
        setup: &Setup,
        cell: &str,
        pool_size: Option<&str>,
        sink: &mut Sink<'_>,
    ) -> Result<()> {
        let mut words =
            vec![("cell".to_owned(), cell.to_owned()), ("seed".to_owned(), setup.seed.to_string())];
        words.extend(setup.knobs().iter().map(|(name, value)| ((*name).to_owned(), value.to_string())));
        words.extend(setup.flaw.map(|flaw| ("flaw".to_owned(), flaw.to_owned())));
        let mut process = match setup.real() {
            Some(runtime) => command(runtime, &self.source.file()?, &words),
            None => {
                let words: Vec<String> =
                    words.iter().map(|(name, value)| format!("{name}={value}")).collect();
                let mut process = roles::command(self.part, &words);
                // The allocator of the lab would back the heap of each thread with a huge page: 2 GiB for a thousand.
                process.env("MIMALLOC_ALLOW_THP", "0");
                process
            }
        };
        match pool_size {
            Some(size) => process.env(POOL_SIZE, size),
            None => process.env_remove(POOL_SIZE),
        };
        let printed = run_to_end(process, &Limits::CELL, &setup.interrupt)?;
        read_figures(&printed, sink).with_context(|| format!("{} {cell}", self.source.name))
    }
}

/// What a part was told: `name=value` words.
pub(crate) struct Words<'w>(&'w [String]);

impl<'w> Words<'w> {
    /// The words of a part's main function.
    pub(crate) fn new(words: &'w [String]) -> Words<'w> {
        Words(words)
    }

    /// The value of `name`; nothing where it was not said.
    pub(crate) fn text(&self, name: &str) -> &'w str {
        let pairs = self.0.iter().filter_map(|word| word.split_once('='));
        pairs.into_iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value)
    }

    /// The value of `name` as a count.
    ///
    /// # Errors
    /// When it is none.
    pub(crate) fn count(&self, name: &str) -> Result<usize> {
        self.text(name).parse().with_context(|| format!("{name} must be a count"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_by_name() {
        let words = ["cell=fs read".to_owned(), "requests=20".to_owned(), "x=a=b".to_owned()];
        let words = Words::new(&words);
        assert_eq!((words.text("cell"), words.text("x"), words.text("flaw")), ("fs read", "a=b", ""));
        assert_eq!(words.count("requests").unwrap(), 20);
        assert!(words.count("cell").is_err() && words.count("none").is_err());
    }
}
