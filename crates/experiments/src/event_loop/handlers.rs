//! Handlers: can a server with one thread run two handlers at once?
//!
//! # Model
//! A client opens one connection for each of `k` requests and sends them at the same moment; each handler computes for the
//! same time and says when it began and ended. Inline, the intervals follow each other and the whole takes `k` times as
//! long; in the pool they overlap, which shows that the requests do come together. The wall time runs from the first send
//! to the last answer; that of the pool depends on the processors, so it is shown and not judged.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use experiment_kit::experiment::{Bench, ChartSpec, Experiment, Family, Flaw, Knob, Setup, Topic};
use experiment_kit::finding::{Judging, Noise, P50};
use experiment_kit::measurements::Sink;
use experiment_kit::program::ServerProgram;
use experiment_kit::verdict::{Answer, Claim, Verdict};
use experiment_kit::{Calibration, Work};
use runtime_lab::{http, offload};
use runtime_trace::Recording;
use serde::{Deserialize, Serialize};

use crate::burn::burn;
use crate::counterpart::Source;
use crate::server::{Question, Served};

/// The experiment.
pub(super) static EXPERIMENT: Experiment = Experiment {
    name: "handlers",
    topic: Topic::EventLoop,
    question: "Can a server with one thread run two handlers at once?",
    reading: "Two requests that compute on the loop's thread take about twice as long as one: the second waits for the first. \
              In the pool two that come in the same way are at work at once.",
    claims: &["L19"],
    knobs: &[Knob {
        name: "work_ms",
        help: "milliseconds that one handler computes",
        usual: 50.0,
        quick: 30.0,
        range: (5.0, 5_000.0),
        whole: false,
    }],
    start,
    judge,
    charts: &[ChartSpec {
        metric: "wall_ms",
        unit: "ms",
        title: "From the first request to the last answer",
    }],
    against: &[Family::Node],
    flaws: &[
        Flaw {
            name: "inline-in-pool",
            breaks: "handlers that should compute on the loop's thread are secretly handed to the pool",
            flips: &["L19"],
        },
        Flaw {
            name: "pool-inline",
            breaks: "what is handed to the pool is secretly done at once, on the loop's thread",
            flips: &["L19"],
        },
    ],
};

static SOURCE: Source = Source { name: "handlers.js", text: include_str!("../../programs/handlers.js") };

const CELLS: &[&str] = &["inline x1", "inline x2", "pool x1", "pool x2"];

/// Two handlers that do not run at once take at least this many times as long as one.
const ONE_AFTER_THE_OTHER: f64 = 1.7;

/// When a handler computed, in milliseconds of the server's clock.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Span {
    begun: f64,
    ended: f64,
}

enum Server {
    Ours(Served),
    Real(ServerProgram),
}

struct Handlers {
    server: Server,
    setup: Setup,
    /// What loop and pool did in the last round, by cell.
    recorded: BTreeMap<String, Recording>,
}

fn start(setup: &Setup) -> Result<Box<dyn Bench>> {
    let server = match setup.real() {
        Some(runtime) => {
            let words = [("work_ms".to_owned(), setup.knob("work_ms").to_string())];
            Server::Real(SOURCE.serve(runtime, setup, &words)?)
        }
        None => Server::Ours(ours(setup)?),
    };
    Ok(Box::new(Handlers { server, setup: setup.clone(), recorded: BTreeMap::new() }))
}

fn ours(setup: &Setup) -> Result<Served> {
    let work = Work::new(burn, Calibration::measure(burn, &setup.clock)?);
    let length = Duration::from_secs_f64(setup.knob("work_ms") / 1e3);
    let (clock, interrupt) = (setup.clock.clone(), setup.interrupt.clone());
    let (inline_in_pool, pool_inline) = (setup.has_flaw("inline-in-pool"), setup.has_flaw("pool-inline"));
    let compute = move || {
        let now = || clock::since_start_ns(clock.now()) as f64 / 1e6;
        let begun = now();
        // In pieces only so that a signal ends it soon: nothing else happens in between.
        work.pieces(length, LOOK_EVERY).take_while(|_| !interrupt.came()).for_each(burn);
        Span { begun, ended: now() }
    };
    let answer = |span: &Span| http::json(serde_json::to_string(span).expect("two numbers always make JSON"));
    let recorder = setup.recorder.clone();
    Served::start(
        |runtime| runtime.pool_threads(4).recorder(recorder),
        move |server| {
            let (inline, pooled) = (compute.clone(), compute);
            let in_pool = move |compute: Box<dyn FnOnce() -> Span + Send>| async move {
                let request = offload(compute);
                let done = if pool_inline { request.run_here() } else { request.await };
                match done {
                    Ok(span) => Ok(answer(&span)),
                    Err(error) => {
                        Err(http::with_status(http::StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")))
                    }
                }
            };
            server
                .route("/inline", move |_request| {
                    let inline = inline.clone();
                    async move {
                        if inline_in_pool { in_pool(Box::new(inline)).await } else { Ok(answer(&inline())) }
                    }
                })
                .route("/pool", move |_request| in_pool(Box::new(pooled.clone())))
        },
    )
}

impl Bench for Handlers {
    fn cells(&self) -> Vec<String> {
        CELLS.iter().map(|cell| (*cell).to_owned()).collect()
    }

    fn measure(&mut self, cell: &str, sink: &mut Sink<'_>) -> Result<()> {
        let (route, count) = cell.split_once(" x").context("a cell is a route and a count")?;
        let addr = match &self.server {
            Server::Ours(served) => served.addr,
            Server::Real(program) => program.addr,
        };
        let count: usize = count.parse()?;
        let mut questions = Vec::new();
        for _ in 0..count {
            questions.push(Question::connect(addr, &format!("/{route}"))?);
        }
        let begun = self.setup.clock.now();
        for question in &mut questions {
            question.send()?;
        }
        let mut spans = Vec::new();
        for question in questions {
            let Some(body) = question.answer(&|| self.setup.interrupt.came())? else { return Ok(()) };
            spans.push(span(&body)?);
        }
        sink.add("wall_ms", self.setup.clock.now().saturating_duration_since(begun).as_secs_f64() * 1e3);
        let recording = self.setup.recorder.collect();
        if count > 1 {
            sink.add("overlaps", overlaps(&spans) as f64);
            self.recorded.insert(cell.to_owned(), recording);
        }
        Ok(())
    }

    fn recordings(&mut self) -> Vec<(String, Recording)> {
        let recorded = std::mem::take(&mut self.recorded).into_iter();
        recorded
            .map(|(cell, recording)| (format!("Loop and pool in the last round of {cell}"), recording))
            .collect()
    }

    fn processes(&self) -> Vec<u32> {
        match &self.server {
            Server::Ours(_) => Vec::new(),
            Server::Real(program) => program.processes(),
        }
    }
}

/// How often an interrupt is looked for.
const LOOK_EVERY: Duration = Duration::from_millis(50);

fn span(body: &str) -> Result<Span> {
    // Node sends its answer in chunks of which there is one; the object stands alone in its braces either way.
    match (body.find('{'), body.rfind('}')) {
        (Some(from), Some(to)) if from < to => Ok(serde_json::from_str(&body[from..=to])?),
        _ => bail!("the server answered `{body}`"),
    }
}

/// Pairs of spans that share a moment.
fn overlaps(spans: &[Span]) -> usize {
    let pairs = spans
        .iter()
        .enumerate()
        .flat_map(|(index, one)| spans[index + 1..].iter().map(move |two| (one, two)));
    pairs.filter(|(one, two)| one.begun < two.ended && two.begun < one.ended).count()
}

fn judge(judging: &Judging<'_>) -> Vec<Claim> {
    let twice =
        judging.ratio("2 handlers on the loop / 1", P50, ("wall_ms", "inline x2"), ("wall_ms", "inline x1"));
    let together =
        judging.total("pairs of handlers that ran at once on the loop", "pairs", ("overlaps", "inline x2"));
    let pooled =
        judging.total("pairs of handlers that ran at once in the pool", "pairs", ("overlaps", "pool x2"));
    let pooled = pooled.at_least(1.0);
    let mut claim = Claim::all(
        "L19",
        format!(
            "one thread runs one handler at a time: the median time of two that compute is at least {ONE_AFTER_THE_OTHER} x \
             that of one, and they never overlap, while two that are handed to the pool in the same way do at least once"
        ),
        vec![twice.at_least(ONE_AFTER_THE_OTHER), together.at_most(0.0)],
    );
    if claim.findings[1].answer != Answer::No {
        // Other programs can lengthen either time; that two were at work at once they cannot make up.
        claim = claim.beside(judging.measured, Noise::Hurts);
    }
    if pooled.answer != Answer::Yes && claim.verdict == Verdict::Holds {
        // Two that never come together, or a pool that is none, would look like one thread.
        claim.verdict =
            Verdict::inconclusive(format!("the requests were not seen together: {}", pooled.sentence()));
    }
    claim.findings.push(pooled);
    vec![claim]
}

#[cfg(test)]
mod tests {
    use experiment_kit::measurements::Measurements;

    use super::*;

    fn verdict(one: &[f64], two: &[f64], overlaps: f64, pooled: f64) -> &'static str {
        beside(0.0, one, two, overlaps, pooled)
    }

    fn beside(others: f64, one: &[f64], two: &[f64], overlaps: f64, pooled: f64) -> &'static str {
        let mut measured = Measurements::new(2);
        measured.others_cores = Some(others);
        for round in 0..one.len() {
            measured.extend("wall_ms", "inline x1", [one[round]]);
            measured.extend("wall_ms", "inline x2", [two[round]]);
            measured.extend("overlaps", "inline x2", [overlaps]);
            measured.extend("overlaps", "pool x2", [pooled]);
            measured.end_round();
        }
        judge(&Judging { measured: &measured, seed: 7 })[0].verdict.word()
    }

    #[test]
    fn two_handlers_that_follow_each_other_hold_and_two_at_once_fail() {
        assert_eq!(verdict(&[50.0; 3], &[101.0; 3], 0.0, 1.0), "holds");
        assert_eq!(verdict(&[50.0; 3], &[52.0; 3], 1.0, 1.0), "fails");
        assert_eq!(verdict(&[50.0; 3], &[101.0; 3], 1.0, 1.0), "fails");
        assert_eq!(verdict(&[50.0; 3], &[60.0, 85.0, 120.0], 0.0, 1.0), "inconclusive");
    }

    #[test]
    fn requests_that_are_never_at_work_together_settle_nothing() {
        assert_eq!(verdict(&[50.0; 3], &[101.0; 3], 0.0, 0.0), "inconclusive");
        assert_eq!(verdict(&[50.0; 3], &[52.0; 3], 1.0, 0.0), "fails");
    }

    #[test]
    fn beside_other_programs_only_handlers_at_once_refute_it() {
        assert_eq!(beside(1.0, &[50.0; 3], &[101.0; 3], 0.0, 1.0), "holds");
        assert_eq!(beside(1.0, &[50.0; 3], &[52.0; 3], 0.0, 1.0), "inconclusive");
        assert_eq!(beside(1.0, &[50.0; 3], &[52.0; 3], 1.0, 1.0), "fails");
    }

    #[test]
    fn an_answer_is_a_span_or_an_error() {
        for body in ["{\"begun\":1.0,\"ended\":2.5}", "1b\r\n{\"begun\":1.0,\"ended\":2.5}\r\n0\r\n\r\n"] {
            assert_eq!(span(body).unwrap().ended, 2.5);
        }
        assert!(span("busy").unwrap_err().to_string().contains("busy"));
    }

    #[test]
    fn spans_that_touch_do_not_overlap() {
        let span = |begun, ended| Span { begun, ended };
        assert_eq!(overlaps(&[span(0.0, 1.0), span(1.0, 2.0)]), 0);
        assert_eq!(overlaps(&[span(0.0, 1.5), span(1.0, 2.0), span(1.2, 1.3)]), 3);
    }
}
