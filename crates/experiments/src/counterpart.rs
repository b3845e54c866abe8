//! Starting the same workload on a real runtime: the programs of this crate as files, with what they are told.

use std::path::PathBuf;

use anyhow::Result;
use experiment_kit::experiment::{Bench, Setup};
use experiment_kit::program::{ProgramBench, ServerProgram, command};
use experiment_kit::results::Results;
use experiment_kit::runtimes::Runtime;

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
