//! Cancelling: a job that waits in the pool's queue can be called back, one that runs cannot.
//!
//! ```sh
//! cargo run --example pool_cancel
//! ```
//!
//! The pool has one thread. Job 1 holds it until job 2 was cancelled. Watch that the callback of job 2 says
//! `Cancelled` and comes later, not from inside `cancel`, and that its work never ran.

use std::sync::mpsc::channel;

use clap::Parser;
use runtime_lab::{RunMode, Runtime};

/// Cancels one of three jobs.
#[derive(Parser)]
struct Options {}

// ANCHOR: three_jobs
fn main() -> anyhow::Result<()> {
    Options::parse();
    let runtime = Runtime::builder().pool_threads(1).build()?;
    let (begun, has_begun) = channel();
    let (go_on, may_go_on) = channel();

    let hold_the_thread = move || {
        begun.send(()).expect("main waits for the beginning");
        may_go_on.recv().expect("the callback of job 2 lets us go on");
        "worked on the only thread"
    };
    let job_1 = runtime.offload(hold_the_thread, |_lp, outcome| println!("job 1: {outcome:?}"))?;
    let job_2 = runtime.offload(
        || println!("this is never printed"),
        move |_lp, outcome| {
            println!("job 2: {outcome:?}");
            go_on.send(()).expect("job 1 waits");
        },
    )?;
    runtime.offload(|| "ran when the thread was free", |_lp, outcome| println!("job 3: {outcome:?}"))?;

    has_begun.recv()?;
    println!("cancel job 1: {}", told(job_1.cancel()));
    println!("cancel job 2: {}", told(job_2.cancel()));
    runtime.run(RunMode::Default)?;
    Ok(())
}
// ANCHOR_END: three_jobs

fn told(result: Result<(), runtime_lab::CancelError>) -> String {
    result.map_or_else(|error| error.to_string(), |()| "it will not run".to_owned())
}
