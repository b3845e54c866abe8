//! `--serve`: the server alone, for curl or a browser, until Ctrl-C.

use std::time::Duration;

use anyhow::Result;
use clock::Clock;
use runtime_trace::Recorder;

use crate::contender::Contender;
use crate::interrupt::Interrupt;
use crate::starvation::options::Options;
use crate::starvation::run::{server_spec, start_server, stop_server};
use crate::starvation::screen;
use crate::work::{Calibration, Work};

/// How often the end is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Serves until a signal comes, then stops in order and says who held the loop.
pub(crate) fn serve(
    options: &Options,
    contender: &Contender,
    burn: fn(u64),
    interrupt: &Interrupt,
) -> Result<()> {
    eprintln!("calibrating the work on this machine ...");
    let clock = Clock::real();
    let calibration = Calibration::measure(burn, &clock)?;
    let spec = server_spec(options, Work::new(burn, calibration), &clock, Recorder::off());
    let server = start_server(contender, &spec)?;
    screen::print(&screen::addresses(contender.name, server.addr, options))?;
    while !interrupt.came() {
        std::thread::park_timeout(LOOK_EVERY);
    }
    let stats = stop_server(server, options)?;
    screen::print(&screen::culprits(contender.name, &stats))?;
    Ok(())
}
