//! One loop, step by step: every line says what was asked for, or what runs, in the order in which it happened.
//!
//! ```sh
//! cargo run --release --example one_pass
//! RUNTIME_LAB_TRACE=one_pass.json cargo run --release --example one_pass   # the same, as a trace
//! ```
//!
//! Each thing that is asked for has a letter, in the order of asking. Watch which letters change places: ticks and
//! microtasks run before whatever the loop would do next, an immediate before a timer that is due already, and a file
//! comes back in the poll phase. The order is the same on all but a very busy machine, because whatever waits for a thread
//! or a clock gets more time than it needs: a callback computes meanwhile. The book's figure is a recording of this program.

use std::time::Duration;

use clap::Parser;
use runtime_lab::{LoopHandle, RunMode, Runtime, Timer, crypto, fs, yield_now};

/// Says what was asked for and what ran.
#[derive(Parser)]
struct Options {}

fn main() -> anyhow::Result<()> {
    Options::parse();
    let runtime = Runtime::builder().pool_threads(1).build()?;
    ask_for_the_first_things(&runtime.handle())?;
    runtime.run(RunMode::Default)?;
    println!("nothing is left to do");
    Ok(())
}

// ANCHOR: first
/// The main program asks in an order that has nothing to do with the one in which things run.
fn ask_for_the_first_things(lp: &LoopHandle) -> anyhow::Result<()> {
    timer(lp, "A", 10, |_lp| ())?;
    let time_out = timer(lp, "B", 60_000, |_lp| ())?;
    immediate(lp, "C", |lp| compute_and_read_a_file(lp, time_out).expect("the pool takes one job"));
    task(lp, "D");
    microtask(lp, "E");
    tick(lp, "F");
    timer(lp, "G", 0, |lp| {
        microtask(lp, "H");
        tick(lp, "I");
    })?;
    Ok(())
}
// ANCHOR_END: first

// ANCHOR: compute
/// While this callback computes, a pool thread reads the file and timer A becomes due. Neither gets in between.
fn compute_and_read_a_file(lp: &LoopHandle, time_out: Timer) -> anyhow::Result<()> {
    println!("  asks file J");
    fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).then(lp, move |lp, _bytes| {
        println!("runs file J");
        // The file is there, so nobody needs the time-out any more.
        println!("  asks close B");
        time_out.close_then(|_lp| println!("runs close B"));
        immediate(lp, "K", |lp| {
            timer(lp, "L", 10, |_lp| ()).expect("a new timer can be started");
        });
    })?;
    std::hint::black_box(crypto::pbkdf2_sync(b"password", b"salt", 100_000));
    Ok(())
}
// ANCHOR_END: compute

fn timer(
    lp: &LoopHandle,
    name: &'static str,
    ms: u64,
    then: impl FnOnce(&LoopHandle) + 'static,
) -> anyhow::Result<Timer> {
    println!("  asks timer {name} in {ms} ms");
    let timer = Timer::new(lp);
    let mut then = Some(then);
    timer.start(Duration::from_millis(ms), Duration::ZERO, move |lp| {
        println!("runs timer {name}");
        // A timer without a period fires once.
        if let Some(then) = then.take() {
            then(lp);
        }
    })?;
    Ok(timer)
}

fn immediate(lp: &LoopHandle, name: &'static str, then: impl FnOnce(&LoopHandle) + 'static) {
    println!("  asks immediate {name}");
    lp.set_immediate(move |lp| {
        println!("runs immediate {name}");
        then(lp);
    });
}

fn tick(lp: &LoopHandle, name: &'static str) {
    println!("  asks tick {name}");
    lp.next_tick(move |_lp| println!("runs tick {name}"));
}

fn microtask(lp: &LoopHandle, name: &'static str) {
    println!("  asks microtask {name}");
    lp.microtask(move |_lp| println!("runs microtask {name}"));
}

/// A task with two turns: it yields in between, and that asks for the second.
fn task(lp: &LoopHandle, name: &'static str) {
    println!("  asks task {name}");
    drop(lp.spawn(async move {
        println!("runs task {name}");
        println!("  asks task {name}");
        yield_now().await;
        println!("runs task {name}");
    }));
}
