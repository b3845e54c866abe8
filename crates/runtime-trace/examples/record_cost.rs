//! What looking costs: nanoseconds for one record when on, off, and when the ring is full.
//!
//! `cargo run --release -p runtime-trace --example record_cost`. Each line is the best and the median of 21 rounds;
//! the collector drains between rounds, outside the measured time.

use std::hint::black_box;
use std::time::{Duration, Instant};

use clock::Clock;
use runtime_trace::{EventKind, Lane, LatencyHistogram, Recorder};

const ROUNDS: usize = 21;
const RECORDS: usize = 1 << 15;

fn main() {
    let clock = Clock::real();
    let now = clock.now();
    let on = Recorder::new(RECORDS);
    let lane = on.lane("on");
    measure(&clock, "recorder on, time at hand", || _ = on.collect(), |id| write(&lane, now, id));
    measure(
        &clock,
        "recorder on, with a clock read",
        || _ = on.collect(),
        |id| write(&lane, clock.now(), id),
    );
    measure(&clock, "a clock read alone", || (), |_| _ = black_box(clock.now()));
    let small = Recorder::new(1);
    let full = small.lane("full");
    write(&full, now, 0);
    measure(&clock, "ring full, counted as dropped", || (), |id| write(&full, now, id));
    let off = Lane::off();
    measure(&clock, "recorder off", || (), |id| write(&off, now, id));
    let mut histogram = LatencyHistogram::new();
    let mut length = 1;
    measure(
        &clock,
        "histogram",
        || (),
        |_| {
            length = (length * 7) % 50_000_017;
            histogram.record(Duration::from_nanos(length));
        },
    );
}

#[inline(never)]
fn write(lane: &Lane, at: Instant, id: u64) {
    lane.record(black_box(at), EventKind::CallbackBegin, black_box(id), 1, 2);
}

fn measure(clock: &Clock, what: &str, mut between: impl FnMut(), mut once: impl FnMut(u64)) {
    let mut rounds_ns: Vec<f64> = Vec::new();
    for _ in 0..ROUNDS {
        between();
        let start = clock.now();
        (0..RECORDS as u64).for_each(&mut once);
        rounds_ns.push((clock.now() - start).as_nanos() as f64 / RECORDS as f64);
    }
    rounds_ns.sort_by(f64::total_cmp);
    println!("{what:<32} best {:>6.2} ns   median {:>6.2} ns", rounds_ns[0], rounds_ns[ROUNDS / 2]);
}
