//! Chores that plain cargo cannot do: `cargo xtask --help` lists them.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod process;
mod loom;
mod tsan;
mod wrk;
mod mdbook;
mod book_links;
mod book_data;
mod book_figures;
mod check_result;
mod check_trace;
mod browser;

/// Chores of runtime-lab that plain cargo cannot do.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Options {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Run the models of the hand-made thread protocols: every interleaving that loom finds
    Loom(loom::Options),
    /// Run the tests of the thread protocols and the pool under the thread sanitizer, where it works
    Tsan,
    /// Compare the load client of the experiments with wrk, where that is installed
    Wrk,
    /// Build both editions of the book, with warnings as errors, and check their links
    Book(mdbook::Options),
    /// Write the tables of figures in the book from the recorded results
    BookData(book_data::Options),
    /// Record what the interactive figures of the book show, and draw their pictures for print
    BookFigures(book_figures::Options),
    /// Check that a result file is complete and well formed
    CheckResult(check_result::Options),
    /// Check that Chrome trace files are what viewers accept
    CheckTrace(check_trace::Options),
    /// Look at the pages in a headless browser: sorting, filtering, zoom, phone, dark, nothing from the network
    Browser(browser::Options),
}

fn main() -> ExitCode {
    match run(Options::parse().chore) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // The reasons are for the person who typed the chore; a backtrace through this program would hide them.
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(chore: Chore) -> anyhow::Result<()> {
    match chore {
        Chore::Loom(options) => loom::run(&options),
        Chore::Tsan => tsan::run(),
        Chore::Wrk => wrk::run(),
        Chore::Book(options) => mdbook::run(&options),
        Chore::BookData(options) => book_data::run(&options),
        Chore::BookFigures(options) => book_figures::run(&options),
        Chore::CheckResult(options) => check_result::run(&options),
        Chore::CheckTrace(options) => check_trace::run(&options),
        Chore::Browser(options) => browser::run(&options),
    }
}
