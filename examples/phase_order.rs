//! The order of the phases: one pass of the loop, callback by callback, with timers at its end and at its start.
//!
//! ```sh
//! cargo run --example phase_order
//! ```
//!
//! Everything that a loop can do is asked for before the run, in an order that has nothing to do with the one in
//! which it happens. Watch where `timers` stands: libuv 1.45 (Node 20) moved it from the start of a pass to its end.
//! Pass 0 is the one look at the timers that the newer order takes before the first pass.

use std::time::Duration;

use clap::Parser;
use runtime_lab::{Check, Idle, LoopHandle, Phase, Prepare, RunMode, Runtime, Timer, TimerOrder, yield_now};

/// Prints what ran in which phase, under both timer orders.
#[derive(Parser)]
struct Options {}

fn main() -> anyhow::Result<()> {
    Options::parse();
    let orders = [
        (TimerOrder::Since145, "timers at the end of a pass (libuv since 1.45)"),
        (TimerOrder::Before145, "timers at the start of a pass (libuv before 1.45)"),
    ];
    for (order, title) in orders {
        println!("{title}");
        let runtime = Runtime::builder()
            .event_loop(|options| options.timer_order(order).phase_trace(true))
            .pool_threads(1)
            .build()?;
        let lp = runtime.handle();
        ask_for_everything(&lp)?;
        runtime.run(RunMode::Default)?;
        print_trace(&lp);
    }
    Ok(())
}

fn ask_for_everything(lp: &LoopHandle) -> anyhow::Result<()> {
    // Three watchers run in every pass; the last one closes all of them in its second call.
    let (idle, prepare, check) = (Idle::new(lp), Prepare::new(lp), Check::new(lp));
    idle.start(|_lp| ())?;
    prepare.start(|_lp| ())?;
    let this = check.clone();
    let mut calls = 0;
    check.start(move |_lp| {
        calls += 1;
        if calls == 2 {
            idle.close_then(|_lp| ());
            prepare.close();
            this.close();
        }
    })?;
    // A task that has two turns, one in each of two passes.
    drop(lp.spawn(yield_now()));
    lp.set_immediate(|_lp| ());
    // Two timers of 0 ms: the second is started by the first, so it waits for the next timers phase.
    let (first, second) = (Timer::new(lp), Timer::new(lp));
    first.start(Duration::ZERO, Duration::ZERO, move |_lp| {
        second.start(Duration::ZERO, Duration::ZERO, |_lp| ()).expect("an open timer can be started");
    })?;
    lp.remote().post(|_lp| ())?;
    lp.next_tick(|_lp| ());
    Ok(())
}

/// One line for each pass: its phases in order, each with the callbacks that ran in it.
fn print_trace(lp: &LoopHandle) {
    let trace = lp.take_phase_trace();
    for pass in trace.chunk_by(|a, b| a.tick == b.tick) {
        print!("  pass {}:", pass[0].tick);
        for phase in pass.chunk_by(|a, b| a.phase == b.phase) {
            let callbacks: Vec<_> = phase.iter().map(|event| event.callee.name()).collect();
            print!("  {}({})", phase[0].phase.map_or("before", Phase::name), callbacks.join(", "));
        }
        println!();
    }
    println!();
}
