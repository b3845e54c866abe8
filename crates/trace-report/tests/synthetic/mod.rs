//! A made-up recording of a loop and a pool in four acts, the same each time.

use std::time::{Duration, Instant};

use clock::{Clock, ManualClock};
use runtime_trace::{EventKind, Lane, Recorder, Recording, next_id};
use trace_report::chart::Series;

/// How long an act lasts.
pub(crate) const ACT: Duration = Duration::from_millis(500);
/// How long one piece of work lasts.
pub(crate) const BLOCK: Duration = Duration::from_millis(120);
/// The line that holds the loop.
pub(crate) const ROUTE: &str = "GET /block (examples/starvation.rs:88)";

const PING: Duration = Duration::from_micros(60);
const POOL_THREADS: usize = 4;

/// A loop and its pool; time passes only where the script says so.
pub(crate) struct Stage {
    clock: Clock,
    hands: ManualClock,
    /// What the script writes to.
    pub(crate) recorder: Recorder,
    lane: Lane,
    pool: Vec<Lane>,
    pool_free_at: Vec<Instant>,
    tick: u32,
}

impl Stage {
    /// A stage whose lanes hold `capacity` records.
    pub(crate) fn new(capacity: usize) -> Stage {
        let (clock, hands) = Clock::manual();
        let recorder = Recorder::new(capacity);
        let lane = recorder.lane("loop");
        let pool: Vec<Lane> =
            (1..=POOL_THREADS).map(|number| recorder.lane(&format!("pool-{number}"))).collect();
        let pool_free_at = vec![clock.now(); POOL_THREADS];
        Stage { clock, hands, recorder, lane, pool, pool_free_at, tick: 0 }
    }

    fn record(&self, kind: EventKind, id: u64, arg: u32) {
        self.lane.record(self.clock.now(), kind, id, 0, arg);
    }

    fn name(&self, name: &str) -> u32 {
        self.recorder.intern(name)
    }

    /// One tick: sleeps in poll for `idle`, then runs `body` in a callback.
    pub(crate) fn tick(&mut self, idle: Duration, name: &str, body: impl FnOnce(&mut Stage)) {
        self.tick += 1;
        let (tick, phase, callback) = (next_id(), next_id(), next_id());
        self.record(EventKind::TickBegin, tick, self.tick);
        self.record(EventKind::PollBegin, tick, 0);
        self.hands.advance(idle);
        self.record(EventKind::PollEnd, tick, 1);
        self.record(EventKind::PhaseBegin, phase, self.name("poll callbacks"));
        self.record(EventKind::CallbackBegin, callback, self.name("connection (src/http.rs:41)"));
        let began = self.clock.now();
        let span = next_id();
        self.record(EventKind::SpanBegin, span, self.name(name));
        body(self);
        self.record(EventKind::SpanEnd, span, 0);
        if self.clock.now() - began > Duration::from_millis(50) {
            self.record(EventKind::Stall, callback, self.name(name));
        }
        self.record(EventKind::CallbackEnd, callback, 0);
        self.record(EventKind::PhaseEnd, phase, 0);
        self.record(EventKind::TickEnd, tick, 0);
    }

    /// A tick that answers one ping.
    pub(crate) fn ping(&mut self) {
        self.tick(Duration::from_micros(1_940), "GET /ping (examples/starvation.rs:71)", |stage| {
            stage.hands.advance(PING);
        });
    }

    /// A tick in which the work is done on the loop.
    pub(crate) fn block(&mut self) {
        self.tick(Duration::from_micros(900), ROUTE, |stage| stage.hands.advance(BLOCK));
    }

    /// A tick that submits the work as a job; returns its id and when its outcome is there.
    pub(crate) fn offload(&mut self) -> (u64, Instant) {
        let id = next_id();
        self.tick(Duration::from_micros(900), "GET /offload (examples/starvation.rs:95)", |stage| {
            stage.record(EventKind::JobSubmit, id, stage.name("cpu"));
            stage.hands.advance(Duration::from_micros(30));
        });
        let thread = (0..POOL_THREADS).min_by_key(|&thread| self.pool_free_at[thread]).unwrap_or(0);
        let begin = self.pool_free_at[thread].max(self.clock.now());
        let end = begin + BLOCK;
        self.pool[thread].record(begin, EventKind::JobBegin, id, 0, self.name("pbkdf2"));
        self.pool[thread].record(end, EventKind::JobEnd, id, 0, 0);
        self.pool_free_at[thread] = end;
        (id, end)
    }

    /// A tick in which the outcome of a job reaches the loop.
    pub(crate) fn complete(&mut self, id: u64) {
        self.tick(Duration::from_micros(200), "offloaded", |stage| {
            stage.record(EventKind::JobComplete, id, 0);
            stage.hands.advance(PING);
        });
    }

    fn act(&mut self, name: &str, mut play: impl FnMut(&mut Stage, u32)) {
        let end = self.clock.now() + ACT;
        let mark = self.name(name);
        self.record(EventKind::Mark, next_id(), mark);
        for step in 0.. {
            if self.clock.now() >= end {
                break;
            }
            play(self, step);
        }
    }

    /// Everything from the curtain to the end.
    pub(crate) fn play(mut self) -> Recording {
        self.act("idle", |stage, _| stage.ping());
        self.act("inline", |stage, step| if step % 30 == 10 { stage.block() } else { stage.ping() });
        let mut due: Vec<(u64, Instant)> = Vec::new();
        self.act("offloaded", |stage, step| {
            if step % 60 == 3 {
                due.push(stage.offload());
                due.push(stage.offload());
            }
            let now = stage.clock.now();
            match due.iter().position(|(_, end)| *end <= now) {
                Some(index) => stage.complete(due.remove(index).0),
                None => stage.ping(),
            }
        });
        while !due.is_empty() {
            let now = self.clock.now();
            match due.iter().position(|(_, end)| *end <= now) {
                Some(index) => self.complete(due.remove(index).0),
                None => self.ping(),
            }
        }
        self.act("chunked", |stage, step| match step % 3 {
            0 => stage.ping(),
            _ => stage.tick(Duration::ZERO, "GET /chunked (examples/starvation.rs:102)", |stage| {
                stage.hands.advance(Duration::from_micros(500));
            }),
        });
        self.recorder.collect()
    }
}

/// Latencies that look like those of the four acts, in milliseconds.
#[allow(dead_code)] // Not every test draws charts.
pub(crate) fn series() -> Vec<Series> {
    let spread = |name: &str, base: f64, tail: f64, stalled: f64| {
        let value = |index: u32| {
            let share = f64::from(index) / 1_000.0;
            let slow = if share > 1.0 - stalled { 120.0 * (share - 1.0 + stalled) / stalled } else { 0.0 };
            base * (1.0 + share) + tail * share.powi(40) + slow
        };
        Series::from_values(name, &(1..=1_000).map(value).collect::<Vec<_>>())
    };
    vec![
        spread("idle", 0.09, 0.6, 0.0),
        spread("inline", 0.1, 1.0, 0.4),
        spread("offloaded", 0.11, 1.4, 0.0),
        spread("chunked", 0.15, 0.9, 0.0),
    ]
}
