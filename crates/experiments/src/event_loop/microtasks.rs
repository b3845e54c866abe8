//! Microtasks: does an endless chain of them starve sockets and timers?
//!
//! # Model
//! Each link of a chain queues the next one, for a while. In two cells the links are microtasks or next-ticks, of which a
//! loop empties its queues before it goes on; in two others each link lets the loop make a pass before the next one: an
//! immediate, or a task that yields. Meanwhile a client on another thread asks an echo on the same loop over a real socket,
//! and a timer is due every few milliseconds. Counted is, on the loop, what was answered and what fired between the first
//! link and the last.

use std::cell::Cell;
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::Result;
use clock::Clock;
use experiment_kit::Interrupt;
use experiment_kit::experiment::{Bench, Cells, ChartSpec, Experiment, Family, Flaw, Knob, Setup, Topic};
use experiment_kit::finding::{Finding, Judging};
use experiment_kit::measurements::Sink;
use experiment_kit::verdict::Claim;
use runtime_lab::{LoopHandle, Runtime, TimeoutId, yield_now};

use super::echo::{self, Span};
use crate::counterpart::Source;

/// The experiment.
pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "microtasks",
    topic: Topic::EventLoop,
    question: "Does an endless chain of microtasks starve sockets and timers?",
    reading: "A ping that comes while microtasks or next-ticks queue each other waits until the chain ends. \
              When each link lets the loop go round once, pings are answered and timers fire between the links.",
    claims: &["L09"],
    knobs: &[Knob {
        name: "chain_ms",
        help: "milliseconds for which the links go on",
        usual: 150.0,
        quick: 80.0,
        range: (40.0, 5_000.0),
        whole: false,
    }],
    start,
    judge,
    charts: &[
        ChartSpec {
            metric: "wait_ms",
            unit: "ms",
            title: "How long a ping waits that comes during the chain",
        },
        ChartSpec { metric: "served", unit: "pings", title: "Pings answered while the chain ran" },
        ChartSpec { metric: "fired", unit: "calls", title: "Calls of a 5 ms timer while the chain ran" },
    ],
    against: &[Family::Node],
    flaws: &[
        Flaw {
            name: "yield-ignored",
            breaks: "an immediate is queued as a microtask and a yield is left out, so that no pass of the loop comes between",
            flips: &["L09"],
        },
        Flaw {
            name: "microtasks-in-turn",
            breaks: "each microtask and next-tick is queued as an immediate, as if the loop took one of them in each pass",
            flips: &["L09"],
        },
    ],
};

static SOURCE: Source = Source {
    name: "microtasks.js",
    text: concat!(include_str!("../../programs/echo.js"), include_str!("../../programs/microtasks.js")),
};

/// Chains after whose links the loop does not go on.
const CHAINS: [&str; 2] = ["microtasks", "next ticks"];
/// Chains that let the loop make a pass after each link.
const YIELDS: [&str; 2] = ["yield by immediates", "yield by tasks"];

/// A timer that would fire several times during the shortest chain.
const TIMER: Duration = Duration::from_millis(5);

/// A loop that serves answers at least one ping during all its chains: thousands on a quiet machine, a few where the client
/// hardly gets a processor, none when starved.
const SERVES: f64 = 1.0;

fn start(setup: &Setup) -> Result<Box<dyn Bench>> {
    let cells = CHAINS.into_iter().chain(YIELDS).map(str::to_owned);
    if let Some(runtime) = setup.real() {
        return SOURCE.bench(runtime, setup, cells.collect(), Vec::new());
    }
    let setup = setup.clone();
    Ok(Box::new(Cells::new(cells, move |cell, sink| measure(&setup, cell, sink))))
}

fn measure(setup: &Setup, cell: &str, sink: &mut Sink<'_>) -> Result<()> {
    let length = Duration::from_secs_f64(setup.knob("chain_ms") / 1e3);
    let next = Next::of(cell, setup);
    let counts = Rc::new(Counts::default());
    let (seen, clock, interrupt) = (counts.clone(), setup.clock.clone(), setup.interrupt.clone());
    let watched = echo::watch(Runtime::new()?, &setup.clock, move |lp, span| {
        let fired = counts.clone();
        let timer = lp.set_interval(TIMER, move |_lp| fired.fired.set(fired.fired.get() + 1));
        let end = clock.now() + length;
        let chain = Rc::new(Chain { next, counts, clock, interrupt, end, span, timer });
        match next {
            Next::Task { yields } => {
                lp.spawn(task(chain, yields));
            }
            _ => queue(lp, chain),
        }
    })?;
    watched.tell(sink);
    sink.add("links", seen.links.get() as f64);
    sink.add("fired", seen.fired.get() as f64);
    Ok(())
}

/// How a link brings about the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    Microtask,
    Tick,
    Immediate,
    Task { yields: bool },
}

impl Next {
    fn of(cell: &str, setup: &Setup) -> Next {
        let ignored = setup.has_flaw("yield-ignored");
        let in_turn = setup.has_flaw("microtasks-in-turn");
        match cell {
            "microtasks" | "next ticks" if in_turn => Next::Immediate,
            "microtasks" => Next::Microtask,
            "next ticks" => Next::Tick,
            "yield by tasks" => Next::Task { yields: !ignored },
            _ if ignored => Next::Microtask,
            _ => Next::Immediate,
        }
    }
}

#[derive(Default)]
struct Counts {
    links: Cell<u64>,
    fired: Cell<u64>,
}

struct Chain {
    next: Next,
    counts: Rc<Counts>,
    clock: Clock,
    interrupt: Interrupt,
    end: Instant,
    span: Span,
    timer: TimeoutId,
}

impl Chain {
    /// One link; `false` when it was the last one.
    fn goes_on(&self, lp: &LoopHandle) -> bool {
        self.counts.links.set(self.counts.links.get() + 1);
        if self.clock.now() < self.end && !self.interrupt.came() {
            return true;
        }
        lp.clear_interval(self.timer);
        self.span.end();
        false
    }
}

fn queue(lp: &LoopHandle, chain: Rc<Chain>) {
    let next = chain.next;
    let link = move |lp: &LoopHandle| {
        if chain.goes_on(lp) {
            queue(lp, chain);
        }
    };
    match next {
        Next::Microtask => lp.microtask(link),
        Next::Tick => lp.next_tick(link),
        Next::Immediate | Next::Task { .. } => {
            lp.set_immediate(link);
        }
    }
}

async fn task(chain: Rc<Chain>, yields: bool) {
    let Some(lp) = LoopHandle::current() else { return };
    while chain.goes_on(&lp) {
        if yields {
            yield_now().await;
        }
    }
}

fn judge(judging: &Judging<'_>) -> Vec<Claim> {
    let asked = |cell: &str| {
        judging.total(format!("pings sent during a chain of {cell}"), "pings", ("asked", cell)).at_least(1.0)
    };
    let starved = |metric: &str, what: &str, unit: &'static str, cell: &str| {
        judging.total(format!("{what} during a chain of {cell}"), unit, (metric, cell)).at_most(0.0)
    };
    let alive = |metric: &str, what: &str, unit: &'static str, cell: &str, least: f64| {
        judging.total(format!("{what} during a chain with {cell}"), unit, (metric, cell)).at_least(least)
    };
    let mut findings: Vec<Finding> = Vec::new();
    for cell in CHAINS {
        findings.push(starved("served", "pings answered", "pings", cell));
        findings.push(starved("fired", "timers fired", "calls", cell));
        findings.push(asked(cell));
    }
    for cell in YIELDS {
        findings.push(alive("served", "pings answered", "pings", cell, SERVES));
        findings.push(alive("fired", "timers fired", "calls", cell, 1.0));
    }
    vec![Claim::all(
        "L09",
        format!(
            "while microtasks or next-ticks queue each other, no ping of those that come is answered and no timer fires; when \
             each link yields, at least {SERVES} ping is answered and a timer fires"
        ),
        findings,
    )]
}

#[cfg(test)]
mod tests {
    use experiment_kit::measurements::Measurements;

    use super::*;

    /// A world in which chains and yielding chains serve so much in each of three rounds.
    fn verdict(chains: [f64; 2], yields: [f64; 2], asked: f64) -> &'static str {
        let mut measured = Measurements::new(2);
        for _ in 0..3 {
            for (cells, [served, fired]) in [(CHAINS, chains), (YIELDS, yields)] {
                for cell in cells {
                    measured.extend("served", cell, [served]);
                    measured.extend("fired", cell, [fired]);
                    measured.extend("asked", cell, [asked]);
                }
            }
            measured.end_round();
        }
        judge(&Judging { measured: &measured, seed: 7 })[0].verdict.word()
    }

    #[test]
    fn a_chain_that_starves_holds_when_a_yield_cures_it() {
        assert_eq!(verdict([0.0, 0.0], [500.0, 14.0], 1.0), "holds");
        assert_eq!(verdict([0.0, 0.0], [1.0, 1.0], 1.0), "holds");
    }

    #[test]
    fn a_loop_that_serves_during_the_chain_or_not_at_all_fails() {
        assert_eq!(verdict([400.0, 12.0], [500.0, 14.0], 400.0), "fails");
        assert_eq!(verdict([0.0, 1.0], [500.0, 14.0], 1.0), "fails");
        assert_eq!(verdict([0.0, 0.0], [0.0, 0.0], 1.0), "fails");
    }

    #[test]
    fn a_world_in_which_a_yield_was_not_measured_settles_nothing() {
        let mut measured = Measurements::new(2);
        for cell in CHAINS {
            measured.extend("served", cell, [0.0]);
            measured.extend("fired", cell, [0.0]);
            measured.extend("asked", cell, [1.0]);
        }
        measured.end_round();
        let claims = judge(&Judging { measured: &measured, seed: 7 });
        assert_eq!(claims[0].verdict.word(), "inconclusive");
    }

    #[test]
    fn a_flaw_changes_how_the_next_link_comes() {
        let mut setup = Setup::new(&EXPERIMENT, true, 7, Interrupt::default());
        assert_eq!(Next::of("microtasks", &setup), Next::Microtask);
        assert_eq!(Next::of("yield by immediates", &setup), Next::Immediate);
        setup.flaw = Some("yield-ignored");
        assert_eq!(Next::of("yield by immediates", &setup), Next::Microtask);
        assert_eq!(Next::of("yield by tasks", &setup), Next::Task { yields: false });
        setup.flaw = Some("microtasks-in-turn");
        assert_eq!(Next::of("next ticks", &setup), Next::Immediate);
    }
}
