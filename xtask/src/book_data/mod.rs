//! The numbers of the book: recorded on this machine, and turned into tables and single figures that the pages include.
//!
//! # Model
//! ```text
//! lab run NAME --json -o NAME.svg --record--> book/data/NAME.json, NAME.svg, recorded.toml (which belong together)
//!                                                  |
//!                              tables, values, ledger: NAME.en.md, NAME.ko.md, NAME.values, ledger.*
//!                                                  |
//!                              copies of the pictures beside the pages of both editions
//! ```
//! A result is kept exactly as the lab printed it, and everything else is made from results. So no measured number in the
//! book is typed, and every number says which machine it comes from.

mod record;
mod recorded;
mod tables;
mod values;
mod ledger;
mod words;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::mdbook::EDITIONS;
use crate::{book_figures, process};
use recorded::Recorded;

const EXAMPLES: &str = "\
Examples:
  cargo xtask book-data --quick          every experiment and both figures, a few minutes
  cargo xtask book-data countdown        one, for as long as its claims need
  cargo xtask book-data --from FOLDER    take results that were recorded elsewhere: NAME.json and NAME.svg
  cargo xtask book-data --tables         only write the tables again";

/// Options of `cargo xtask book-data`.
#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Options {
    /// Experiments to record; all without
    names: Vec<String>,
    /// Short runs
    #[arg(long)]
    quick: bool,
    /// The seed of every run
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Measure nothing; take what `lab run NAME --json -o NAME.svg` left in this folder
    #[arg(long, value_name = "FOLDER", conflicts_with_all = ["quick", "seed"])]
    from: Option<PathBuf>,
    /// Measure nothing; write the tables from the results that are there
    #[arg(long, conflicts_with_all = ["names", "quick", "seed", "from"])]
    tables: bool,
    /// Write nothing; fail when something in the book is not what its result says
    #[arg(long, conflicts_with_all = ["names", "quick", "seed", "from", "tables"])]
    check: bool,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if options.check {
        return check();
    }
    if !options.tables {
        record::record(&record::Wish {
            names: &options.names,
            quick: options.quick,
            seed: options.seed,
            from: options.from.as_deref(),
        })?;
        if options.names.is_empty() && options.from.is_none() {
            println!("the two figures");
            book_figures::record()?;
        }
    }
    let files = made()?;
    for (path, text) in &files {
        write(path, text.as_bytes())?;
    }
    for (from, to) in pictures()? {
        write(&to, &fs::read(&from).with_context(|| format!("cannot read {}", from.display()))?)?;
    }
    println!("wrote {} tables and lists of figures; `cargo xtask book --open` shows them", files.len());
    Ok(())
}

/// Fails when something in the book is not what its recorded result says.
pub(crate) fn check() -> Result<()> {
    record::check_digests(&folder())?;
    let made = made()?;
    for (path, expected) in &made {
        if fs::read_to_string(path).unwrap_or_default() != *expected {
            bail!("{} is not what its result says; run `cargo xtask book-data --tables`", path.display());
        }
    }
    for extension in ["md", "values"] {
        for path in data_files(extension)? {
            if !made.contains_key(&path) {
                bail!("{} is made from no result; remove it", path.display());
            }
        }
    }
    for (from, to) in pictures()? {
        if fs::read(&from).ok() != fs::read(&to).ok() {
            bail!("{} is not the recorded picture; run `cargo xtask book-data --tables`", to.display());
        }
    }
    Ok(())
}

fn folder() -> PathBuf {
    process::root().join("book/data")
}

/// Everything that is made from results, by path.
fn made() -> Result<BTreeMap<PathBuf, String>> {
    let mut files = BTreeMap::new();
    let mut results = Vec::new();
    let statements = ledger::Statements::of_repository()?;
    for name in record::names(&folder())? {
        let path = folder().join(format!("{name}.json"));
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let result = Recorded::read(&text).with_context(|| format!("{} is no result", path.display()))?;
        for edition in EDITIONS {
            let table = tables::of(&result, &statements, edition);
            files.insert(folder().join(format!("{name}.{edition}.md")), table);
        }
        files.insert(folder().join(format!("{name}.values")), values::of(&result)?);
        results.push(result);
    }
    for edition in EDITIONS {
        let ledger = ledger::table(&results, &statements, edition);
        files.insert(folder().join(format!("ledger.{edition}.md")), ledger);
        let values = ledger::values(&results, &statements, edition);
        files.insert(folder().join(format!("ledger.{edition}.values")), values);
    }
    Ok(files)
}

/// Each recorded picture and its copies: a book can only show pictures that lie beside its pages.
fn pictures() -> Result<Vec<(PathBuf, PathBuf)>> {
    let mut pictures = Vec::new();
    for name in record::names(&folder())? {
        let name = format!("{name}.svg");
        let path = folder().join(&name);
        for edition in EDITIONS {
            pictures.push((path.clone(), process::root().join("book").join(edition).join("src").join(&name)));
        }
    }
    Ok(pictures)
}

fn data_files(extension: &str) -> Result<Vec<PathBuf>> {
    let folder = folder();
    let entries = fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|found| found == extension)).collect();
    paths.sort();
    Ok(paths)
}

/// Writes beside the file first, so that an interrupted run leaves the earlier one whole.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let beside = path.with_extension("part");
    fs::write(&beside, bytes).with_context(|| format!("cannot write {}", beside.display()))?;
    fs::rename(&beside, path).with_context(|| format!("cannot write {}", path.display()))
}

/// Three significant digits, and never an exponent.
fn rounded(value: f64) -> String {
    let digits = if value == 0.0 { 0 } else { value.abs().log10().floor() as i32 };
    let decimals = usize::try_from((2 - digits).max(0)).unwrap_or(0);
    let text = format!("{value:.decimals$}");
    // A count stays a count.
    if value.fract() == 0.0 && value.abs() < 1e15 { format!("{value:.0}") } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_three_digits() {
        assert_eq!(
            [0.0, 0.00123, 0.999, 12.345, 12345.6, 4.0, 1024.0].map(rounded),
            ["0", "0.00123", "0.999", "12.3", "12346", "4", "1024"]
        );
    }

    #[test]
    fn the_book_is_what_its_results_say() {
        check().unwrap();
    }
}
