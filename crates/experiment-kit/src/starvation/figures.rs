//! From samples to figures: what was measured in each act, and what is published of it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::contender::ServerStats;
use crate::load::Outcome;
use crate::starvation::acts::Act;
use crate::stats::Summary;
use crate::verdict::significant;

/// All samples of a run, `acts[act as usize]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Measured {
    /// The samples by act, in the order of [`Act::ALL`].
    pub acts: [ActSamples; 4],
    /// Rounds in which every act was played to its end.
    pub rounds: usize,
    /// Processors that other programs kept busy meanwhile, on average; `None` where the system does not tell.
    pub others_cores: Option<f64>,
    /// False when the run was stopped early.
    pub complete: bool,
}

/// The samples of one act over all rounds, in milliseconds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ActSamples {
    /// Latencies of `/ping` from the intended send time, `pings_ms[round][i]`.
    pub pings_ms: Vec<Vec<f64>>,
    /// How long the heavy work took on the server.
    pub work_ms: Vec<f64>,
    /// From the intended send time of a heavy request to its answer.
    pub completion_ms: Vec<f64>,
    /// How late the client itself was with its requests.
    pub client_late_ms: Vec<f64>,
    /// The iterations that each heavy answer reports.
    pub iterations: Vec<u64>,
    /// Pings without a proper answer.
    pub ping_failures: Vec<FailureKindText>,
    /// Heavy requests without a proper answer.
    pub work_failures: Vec<FailureKindText>,
    /// How long the act was played, all rounds together.
    pub played_ms: f64,
    /// Requests that waited because all connections of the client were busy.
    pub waited_for_connection: usize,
}

/// A failure as it is published.
pub type FailureKindText = String;

impl Measured {
    /// The samples of `act`.
    pub fn of(&self, act: Act) -> &ActSamples {
        &self.acts[act as usize]
    }

    /// The part of the inline act in which the loop was blocked, 0 to 1. The last block may outlast its act, where the
    /// machine is busy.
    pub fn blocked_share(&self) -> f64 {
        let inline = self.of(Act::Inline);
        let share = inline.work_ms.iter().sum::<f64>() / inline.played_ms;
        if inline.played_ms > 0.0 { share.min(1.0) } else { 0.0 }
    }

    /// The measured block: how long the work took on the loop's thread.
    pub fn block(&self) -> Summary {
        Summary::of(self.of(Act::Inline).work_ms.iter().copied())
    }

    /// Work time in pieces over work time in one piece: the price of the chunks; `None` without both.
    pub fn chunk_price(&self) -> Option<f64> {
        let chunked = Summary::of(self.of(Act::Chunked).work_ms.iter().copied()).p50;
        let inline = self.block().p50;
        (chunked > 0.0 && inline > 0.0).then(|| chunked / inline)
    }

    /// Adds what one act of one round brought; `length_ms` is how long it was to last.
    pub(crate) fn add(&mut self, act: Act, outcome: &Outcome, length_ms: f64) {
        self.acts[act as usize].add(outcome, length_ms);
    }
}

impl ActSamples {
    /// Adds one round.
    pub(crate) fn add(&mut self, outcome: &Outcome, length_ms: f64) {
        let (mut pings, ms) = (Vec::new(), |ns: u64| ns as f64 / 1e6);
        for sample in &outcome.samples {
            self.client_late_ms.push(ms(sample.handed_ns - sample.intended_ns));
            if sample.stream == 0 {
                pings.push(ms(sample.latency_ns));
            } else {
                self.completion_ms.push(ms(sample.latency_ns));
                self.work_ms.extend(sample.work.map(|work| work.work_ms));
                self.iterations.extend(sample.work.map(|work| work.iterations));
            }
        }
        self.pings_ms.push(pings);
        for failure in &outcome.failures {
            let of_stream =
                if failure.stream == 0 { &mut self.ping_failures } else { &mut self.work_failures };
            of_stream.push(failure.kind.to_string());
        }
        let last_ms = outcome.samples.iter().map(|sample| ms(sample.intended_ns)).fold(0.0, f64::max);
        self.played_ms += if outcome.complete { length_ms } else { last_ms };
        self.waited_for_connection += outcome.totals.waited_for_connection;
    }

    /// Pings that were answered.
    pub fn ping_count(&self) -> usize {
        self.pings_ms.iter().map(Vec::len).sum()
    }

    /// The summary of the pings of all rounds.
    pub fn pings(&self) -> Summary {
        Summary::of(self.pings_ms.iter().flatten().copied())
    }

    /// The p99 of the client's own lateness.
    pub fn client_late_p99_ms(&self) -> f64 {
        Summary::of(self.client_late_ms.iter().copied()).p99
    }

    /// Requests without a proper answer, of both kinds.
    pub fn failures(&self) -> impl Iterator<Item = &FailureKindText> {
        self.ping_failures.iter().chain(&self.work_failures)
    }

    /// Pings, answered or not.
    pub fn pings_asked(&self) -> usize {
        self.ping_count() + self.ping_failures.len()
    }

    /// Heavy requests, answered or not.
    pub fn works_asked(&self) -> usize {
        self.completion_ms.len() + self.work_failures.len()
    }

    /// Iterations that were reported, for each heavy request that was sent; 0 without any.
    pub fn iterations_per_request(&self) -> f64 {
        self.iterations.iter().sum::<u64>() as f64 / self.works_asked().max(1) as f64
    }
}

/// One value for each act.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct ByAct<T> {
    pub(crate) idle: T,
    pub(crate) inline: T,
    pub(crate) offloaded: T,
    pub(crate) chunked: T,
}

/// One value for each act that does heavy work.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct ByWork<T> {
    pub(crate) inline: T,
    pub(crate) offloaded: T,
    pub(crate) chunked: T,
}

/// The measured block beside the one that was asked for.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Block {
    pub(crate) asked: f64,
    #[serde(flatten)]
    pub(crate) measured: Summary,
}

/// What the server said about a place that held the loop.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct StallFigure {
    location: String,
    name: String,
    count: u64,
    held_max_ms: f64,
    held_total_ms: f64,
}

/// `figures` of the result. Milliseconds have microseconds, ratios four digits.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Figures {
    pub(crate) ping_ms: ByAct<Summary>,
    pub(crate) block_ms: Block,
    /// How long the heavy work took on the server, without queues.
    pub(crate) work_ms: ByWork<Summary>,
    /// From the intended send time of a heavy request to its answer.
    pub(crate) completion_ms: ByWork<Summary>,
    /// How late the client was with its own schedule.
    pub(crate) client_late_ms: ByAct<Summary>,
    /// p99 of the pings over p99 idle: published, not judged.
    pub(crate) p99_to_idle: ByWork<Option<f64>>,
    pub(crate) blocked_share: f64,
    pub(crate) chunk_price: Option<f64>,
    pub(crate) others_cores: Option<f64>,
    pub(crate) waited_for_connection: usize,
    pub(crate) failures: BTreeMap<String, usize>,
    pub(crate) stalls: Vec<StallFigure>,
    pub(crate) loop_lag_ms: Option<Summary>,
    pub(crate) loop_utilisation: Option<f64>,
}

impl Figures {
    /// The figures of a run in which blocks of `asked_ms` were asked for.
    pub(crate) fn new(measured: &Measured, server: &ServerStats, asked_ms: f64) -> Figures {
        let pings = by_act(|act| rounded(measured.of(act).pings()));
        let to_idle =
            |act| significant_ratio(measured.of(act).pings().p99, measured.of(Act::Idle).pings().p99);
        let of = |samples: &[f64]| rounded(Summary::of(samples.iter().copied()));
        let mut failures = BTreeMap::new();
        for failure in measured.acts.iter().flat_map(ActSamples::failures) {
            *failures.entry(failure.clone()).or_default() += 1;
        }
        Figures {
            ping_ms: pings,
            block_ms: Block { asked: asked_ms, measured: rounded(measured.block()) },
            work_ms: by_work(|act| of(&measured.of(act).work_ms)),
            completion_ms: by_work(|act| of(&measured.of(act).completion_ms)),
            client_late_ms: by_act(|act| of(&measured.of(act).client_late_ms)),
            p99_to_idle: by_work(to_idle),
            blocked_share: significant(measured.blocked_share()),
            chunk_price: measured.chunk_price().map(significant),
            others_cores: measured.others_cores.map(significant),
            waited_for_connection: measured.acts.iter().map(|act| act.waited_for_connection).sum(),
            failures,
            stalls: server.stalls.iter().map(StallFigure::new).collect(),
            loop_lag_ms: server.lag.map(|lag| {
                let ms = |duration: std::time::Duration| duration.as_secs_f64() * 1e3;
                let count = lag.count as usize;
                rounded(Summary { p50: ms(lag.p50), p99: ms(lag.p99), max: ms(lag.max), count })
            }),
            loop_utilisation: server.utilisation.map(significant),
        }
    }
}

impl StallFigure {
    fn new(stall: &crate::contender::StallReport) -> StallFigure {
        let ms = |duration: std::time::Duration| microseconds_kept(duration.as_secs_f64() * 1e3);
        StallFigure {
            location: stall.location.clone(),
            name: stall.name.clone(),
            count: stall.count,
            held_max_ms: ms(stall.held_max),
            held_total_ms: ms(stall.held_total),
        }
    }
}

fn by_act<T>(of: impl Fn(Act) -> T) -> ByAct<T> {
    ByAct {
        idle: of(Act::Idle),
        inline: of(Act::Inline),
        offloaded: of(Act::Offloaded),
        chunked: of(Act::Chunked),
    }
}

fn by_work<T>(of: impl Fn(Act) -> T) -> ByWork<T> {
    ByWork { inline: of(Act::Inline), offloaded: of(Act::Offloaded), chunked: of(Act::Chunked) }
}

fn significant_ratio(over: f64, under: f64) -> Option<f64> {
    (under > 0.0 && over > 0.0).then(|| significant(over / under))
}

fn rounded(summary: Summary) -> Summary {
    let Summary { p50, p99, max, count } = summary;
    Summary { p50: microseconds_kept(p50), p99: microseconds_kept(p99), max: microseconds_kept(max), count }
}

fn microseconds_kept(ms: f64) -> f64 {
    (ms * 1e3).round() / 1e3
}

/// The failure that is there most often.
pub(crate) fn commonest<'f>(failures: impl Iterator<Item = &'f FailureKindText>) -> Option<&'f str> {
    let mut counts = BTreeMap::<&str, usize>::new();
    for failure in failures {
        *counts.entry(failure).or_default() += 1;
    }
    counts.into_iter().max_by_key(|&(_, count)| count).map(|(failure, _)| failure)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::{Failure, FailureKind, Sample, Totals};
    use crate::work::WorkDone;

    fn sample(stream: usize, intended_ms: u64, latency_us: u64, work: Option<WorkDone>) -> Sample {
        let intended_ns = intended_ms * 1_000_000;
        let handed_ns = intended_ns + 50_000;
        Sample { stream, intended_ns, handed_ns, sent_ns: handed_ns, latency_ns: latency_us * 1_000, work }
    }

    fn outcome() -> Outcome {
        let done = WorkDone { iterations: 10, work_ms: 200.5 };
        Outcome {
            complete: true,
            started_wall_ns: 1,
            samples: vec![
                sample(0, 10, 250, None),
                sample(1, 20, 201_000, Some(done)),
                sample(0, 30, 190_000, None),
            ],
            failures: vec![Failure { stream: 0, intended_ns: 40, kind: FailureKind::TimedOut }],
            totals: Totals { scheduled: 4, connections: 3, waited_for_connection: 1 },
        }
    }

    #[test]
    fn samples_land_in_their_act_and_round() {
        let mut measured = Measured::default();
        measured.add(Act::Inline, &outcome(), 500.0);
        measured.add(Act::Inline, &outcome(), 500.0);
        let inline = measured.of(Act::Inline);
        assert_eq!(inline.pings_ms, [[0.25, 190.0], [0.25, 190.0]]);
        assert_eq!(
            (inline.work_ms.as_slice(), inline.completion_ms.as_slice()),
            ([200.5; 2].as_slice(), [201.0; 2].as_slice())
        );
        assert_eq!((inline.pings_asked(), inline.ping_failures.len()), (6, 2));
        assert_eq!((inline.works_asked(), inline.iterations_per_request()), (2, 10.0));
        assert_eq!((inline.failures().count(), inline.waited_for_connection), (2, 2));
        assert_eq!(inline.client_late_p99_ms(), 0.05);
        assert_eq!(measured.blocked_share(), 0.401);
        let mut slow = measured.clone();
        slow.acts[Act::Inline as usize].work_ms = vec![600.0; 2];
        assert_eq!(slow.blocked_share(), 1.0, "the last block outlasted its act");
        assert_eq!(measured.of(Act::Idle), &ActSamples::default());
    }

    #[test]
    fn an_act_that_was_stopped_lasted_to_its_last_request() {
        let mut measured = Measured::default();
        measured.add(Act::Inline, &Outcome { complete: false, ..outcome() }, 500.0);
        assert_eq!(measured.of(Act::Inline).played_ms, 30.0);
    }

    #[test]
    fn the_price_of_chunks_needs_both_acts() {
        let mut measured = Measured::default();
        measured.acts[Act::Chunked as usize].work_ms = vec![220.0];
        assert_eq!(measured.chunk_price(), None);
        measured.acts[Act::Inline as usize].work_ms = vec![200.0];
        assert_eq!(measured.chunk_price(), Some(1.1));
    }

    #[test]
    fn the_result_has_the_figures_of_the_contract() {
        let mut measured = Measured::default();
        measured.add(Act::Inline, &outcome(), 500.0);
        let json = serde_json::to_value(Figures::new(&measured, &ServerStats::default(), 200.0)).unwrap();
        assert_eq!(
            json["block_ms"],
            serde_json::json!({"asked": 200.0, "p50": 200.5, "p99": 200.5, "max": 200.5, "count": 1})
        );
        assert_eq!(
            json["ping_ms"]["inline"],
            serde_json::json!({"p50": 0.25, "p99": 190.0, "max": 190.0, "count": 2})
        );
        assert_eq!(json["ping_ms"]["idle"]["count"], 0);
        assert_eq!(json["failures"], serde_json::json!({"no answer in time": 1}));
    }
}
