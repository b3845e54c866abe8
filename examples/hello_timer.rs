//! Hello, timer: callbacks run later, one at a time, on one thread; and the loop ends when nothing is left to come.
//!
//! ```sh
//! cargo run --example hello_timer
//! ```
//!
//! Watch that `main` speaks before every timer, that the program sleeps in between (it uses no CPU), and that nobody
//! has to say when it is over: a loop runs as long as something keeps it alive.

use std::time::Duration;

use clap::Parser;
use runtime_lab::{LoopHandle, RunMode, Runtime, Timer};

/// Prints from two timers.
#[derive(Parser)]
struct Options {}

fn main() -> anyhow::Result<()> {
    Options::parse();
    let runtime = Runtime::new()?;
    let lp = runtime.handle();

    // As in Node: once, after at least 10 ms.
    lp.set_timeout(Duration::from_millis(10), |lp| say(lp, "hello"));

    // As in libuv: a handle that can be started, stopped and asked. It keeps the loop alive until it is closed.
    let ticker = Timer::new(&lp);
    let this = ticker.clone();
    let mut ticks = 0;
    ticker.start(Duration::from_millis(20), Duration::from_millis(20), move |lp| {
        ticks += 1;
        say(lp, &format!("tick {ticks}"));
        if ticks == 3 {
            this.close();
        }
    })?;

    say(&lp, "two timers are set, and nothing has run yet");
    runtime.run(RunMode::Default)?;
    say(&lp, "nothing is left to come, so the loop has ended");
    Ok(())
}

fn say(lp: &LoopHandle, what: &str) {
    println!("{:>4} ms: {what}", lp.elapsed().as_millis());
}
