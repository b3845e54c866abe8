//! `cargo xtask wrk`: the load client beside `wrk`, the same server and one connection.

use anyhow::Result;

use crate::process;

/// Does it; says so and ends well where there is no wrk.
pub(crate) fn run() -> Result<()> {
    let bench = ["bench", "--quiet", "-p", "benches", "--bench", "load_client", "--", "--check"];
    process::run(process::cargo().args(bench))
}
