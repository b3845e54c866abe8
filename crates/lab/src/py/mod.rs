//! `lab py`: runs a Python file under a chosen lock, and shows what the lock did.

pub(crate) mod options;
pub(crate) mod words;
mod cpython;
mod listing;
mod spread;
mod lock_lanes;

use options::PyOptions;

/// Runs what was asked for and says with which code the process ends.
pub(crate) fn command(options: &PyOptions) -> anyhow::Result<u8> {
    let source = std::fs::read_to_string(&options.file)?;
    let theirs = cpython::bytecode(&options.file).map_err(anyhow::Error::msg)?;
    print!("{}", listing::beside(&source, &[], Some((&theirs.version, &theirs.units))));
    Ok(0)
}
