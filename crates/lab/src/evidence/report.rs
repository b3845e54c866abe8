//! `lab report`: one page of everything that was measured so far.

use std::path::PathBuf;

use experiment_kit::results::Results;

use super::options::ReportOptions;
use super::outputs;

/// Does it.
pub(crate) fn command(options: &ReportOptions) -> anyhow::Result<u8> {
    let usual = || vec![Results::usual().folder().join("report.html")];
    let paths: Vec<PathBuf> = if options.out.is_empty() { usual() } else { options.out.clone() };
    if outputs::kept()?.is_empty() {
        anyhow::bail!("nothing was measured yet; begin with `lab verify --quick L G`, or `lab run NAME`");
    }
    outputs::write_whole_report(&paths, options.open, options.ko)?;
    Ok(0)
}
