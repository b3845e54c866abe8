//! `cargo xtask wrk`: the load client beside `wrk`, the same server and one connection.

use anyhow::Result;

use crate::process;

/// Does it; says so and ends well where there is no wrk.
pub(crate) fn run() -> Result<()> {
    process::run(process::cargo().args(["bench", "--quiet", "-p", "benches", "--bench", "load_client"]))
}
