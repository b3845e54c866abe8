//! The rules: what the figures say about L10, L11 and L12.
//!
//! # Model
//! Pure functions. First the evidence: too little of it, requests that failed, or heavy requests that did not do
//! their work make every claim that uses them `inconclusive`. Then each rule asks whether its interval is clear of its threshold. Noise (a disturbed idle act, other programs,
//! a client that could not keep its schedule) never makes a claim hold, because it makes the cure look worse; but
//! it can make a claim seem to fail, so a failure beside noise is `inconclusive`.

use crate::finding::Finding;
use crate::measurements::too_busy;
use crate::starvation::acts::Act;
use crate::starvation::figures::{ActSamples, Measured, commonest};
use crate::stats::{Interval, ratio_of_quantiles};
use crate::verdict::{Answer, Claim, Side, Verdict, significant};

/// p99 inline is at least this many times p99 idle.
const BLOCKED_TO_IDLE: f64 = 10.0;
/// p99 inline is at least this part of the shortest measured block.
const BLOCKED_TO_BLOCK: f64 = 0.8;
/// A cure leaves at most this part of p99 inline.
const CURED_TO_BLOCKED: f64 = 0.1;

/// Rounds without which there is no interval.
pub(crate) const ROUNDS_MIN: usize = 3;
const PINGS_MIN: usize = 300;
const BLOCKED_SHARE_MIN: f64 = 0.2;
/// Of the pings of an act, and of its heavy requests.
const FAILED_SHARE_MAX: f64 = 0.005;
/// Of the work that was asked of `/block`, and of the work that `/block` did.
const DONE_SHARE_MIN: f64 = 0.9;
/// A calibration whose tries differ by more was disturbed.
const SPREAD_MAX: f64 = 0.2;
/// Idle latency, client lateness and chunks are small when they are at most this part of the block.
const SMALL_TO_BLOCK: f64 = 0.05;

/// What a rule must know besides the samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setting {
    /// Processors that the run could use.
    pub cores: usize,
    /// How long a piece of the chunked work was to be.
    pub chunk_ms: f64,
    /// Iterations of the work that each heavy request asks for.
    pub iterations: u64,
    /// How far the tries of the calibration were apart, see [`crate::Calibration::spread`].
    pub calibration_spread: f64,
    /// The seed of the bootstrap.
    pub seed: u64,
    /// How the options are called where it runs.
    pub words: Words,
}

/// What a reader types to measure otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    /// To measure longer.
    pub duration: &'static str,
    /// To send more or fewer pings.
    pub rate: &'static str,
    /// To change the work of one heavy request.
    pub block: &'static str,
}

impl Words {
    /// The options of the example.
    pub const EXAMPLE: Words = Words { duration: "--duration", rate: "--rate", block: "--block-ms" };
    /// Those of `lab run starvation`.
    pub const LAB: Words = Words { duration: "--budget", rate: "--set rate", block: "--set block_ms" };
}

/// The three claims, judged.
pub fn judge(measured: &Measured, setting: &Setting) -> Vec<Claim> {
    vec![block_claim(measured, setting), offload_claim(measured, setting), chunk_claim(measured, setting)]
}

/// What speaks against using the samples.
struct Evidence {
    words: Words,
    /// Nothing can be said.
    unsound: Option<String>,
    /// Nothing bad can be said.
    noise: Option<String>,
}

impl Evidence {
    /// The evidence of a claim that compares the inline act with `other`.
    fn of(measured: &Measured, setting: &Setting, other: Act) -> Evidence {
        let unsound = unsound(measured, setting, [Act::Inline, other]);
        Evidence { words: setting.words, unsound, noise: noise(measured, setting) }
    }

    /// The verdict for the answer; `no` is the verdict when it is no and nothing disturbed the run.
    fn verdict(&self, answer: Option<Answer>, no: Verdict) -> Verdict {
        match (&self.unsound, answer, &self.noise) {
            (Some(reason), _, _) => Verdict::inconclusive(reason),
            (None, None, _) => Verdict::inconclusive("an act has no samples; run again"),
            (None, Some(Answer::Yes), _) => Verdict::Holds,
            (None, Some(Answer::No), None) => no,
            (None, Some(Answer::Open), None) => Verdict::inconclusive(format!(
                "the threshold lies within the 95 % interval; measure longer with {}",
                self.words.duration
            )),
            (None, Some(_), Some(noise)) => Verdict::inconclusive(noise),
        }
    }
}

fn unsound(measured: &Measured, setting: &Setting, acts: [Act; 2]) -> Option<String> {
    if measured.rounds < ROUNDS_MIN {
        let longer = format!("measure longer with {}", setting.words.duration);
        let why = if measured.complete { longer.as_str() } else { "the run was stopped early" };
        return Some(format!("{} complete rounds, {ROUNDS_MIN} are needed; {why}", measured.rounds));
    }
    if let Some(failed) = acts.iter().find_map(|&act| failing(act, measured.of(act))) {
        return Some(failed);
    }
    let fewest = acts.iter().map(|&act| measured.of(act).ping_count()).min().unwrap_or(0);
    if fewest < PINGS_MIN {
        let advice = format!("raise {} or {}", setting.words.rate, setting.words.duration);
        return Some(format!("an act has {fewest} pings, a p99 needs {PINGS_MIN}; {advice}"));
    }
    let share = measured.blocked_share();
    if share < BLOCKED_SHARE_MIN {
        let cause = if setting.calibration_spread > SPREAD_MAX {
            "likely calibrated while the machine was busy; run again"
        } else {
            "did /block do its work?"
        };
        return Some(format!(
            "the work took {:.0} % of the inline act, {:.0} % are needed to show in a p99; {cause}",
            share * 100.0,
            BLOCKED_SHARE_MIN * 100.0
        ));
    }
    acts.iter().find_map(|&act| undone(act, measured, setting))
}

/// Too many requests of one kind in one act had no proper answer.
fn failing(act: Act, samples: &ActSamples) -> Option<String> {
    let streams = [
        ("pings", &samples.ping_failures, samples.pings_asked()),
        ("heavy requests", &samples.work_failures, samples.works_asked()),
    ];
    let is_bad = |failed: usize, asked: usize| failed as f64 > FAILED_SHARE_MAX * asked as f64;
    let (what, failures, asked) =
        streams.into_iter().find(|(_, failures, asked)| is_bad(failures.len(), *asked))?;
    Some(format!(
        "{} of {asked} {what} of the {} act failed ({}); a server must answer to be measured",
        failures.len(),
        act.name(),
        commonest(failures.iter()).unwrap_or_default()
    ))
}

/// A server that does not do its work is as free as an idle one: that is no cure.
fn undone(act: Act, measured: &Measured, setting: &Setting) -> Option<String> {
    let route = act.route()?;
    let (wanted, of) = match act {
        Act::Inline => (setting.iterations as f64, "that it was asked for"),
        _ => (measured.of(Act::Inline).iterations_per_request(), "that /block did"),
    };
    let done = measured.of(act).iterations_per_request();
    (done < DONE_SHARE_MIN * wanted).then(|| {
        format!(
            "{route} did {:.0} % of the work {of}, {:.0} % are needed to compare them",
            100.0 * done / wanted,
            100.0 * DONE_SHARE_MIN
        )
    })
}

fn noise(measured: &Measured, setting: &Setting) -> Option<String> {
    let words = setting.words;
    if let Some(busy) = measured.others_cores.and_then(|others| too_busy(setting.cores, others)) {
        return Some(busy);
    }
    let block = measured.block().p50;
    let idle = measured.of(Act::Idle).pings().p99;
    if idle > block * SMALL_TO_BLOCK {
        return Some(format!(
            "the idle act was disturbed: its p99 is {idle:.2} ms, more than 1/20 of the block of {block:.0} ms; run on a \
             quiet machine, or raise {}",
            words.block
        ));
    }
    let late = measured.acts.iter().map(|act| act.client_late_p99_ms()).fold(0.0, f64::max);
    if late > block * SMALL_TO_BLOCK {
        return Some(format!(
            "the load client was late by {late:.2} ms (p99), more than 1/20 of the block of {block:.0} ms; lower {}, or run \
             on a quiet machine",
            words.rate
        ));
    }
    None
}

fn block_claim(measured: &Measured, setting: &Setting) -> Claim {
    // The shortest: other programs can only make the work longer than it is.
    let shortest_ms = measured.of(Act::Inline).work_ms.iter().copied().reduce(f64::min).unwrap_or(0.0);
    let block = vec![vec![shortest_ms]; measured.of(Act::Inline).pings_ms.len()];
    let to_block = ratio_of_quantiles(&measured.of(Act::Inline).pings_ms, &block, 0.99, setting.seed);
    let to_idle = p99_ratio(measured, Act::Inline, Act::Idle, setting);
    let at_least =
        |metric, interval, threshold| Finding::of(metric, "ratio", interval, Side::AtLeast, threshold);
    let slow = at_least("p99 inline / p99 idle", to_idle, BLOCKED_TO_IDLE);
    let whole = at_least("p99 inline / block", to_block, BLOCKED_TO_BLOCK);
    let answer = match (to_idle.map(|_| slow.answer), to_block.map(|_| whole.answer)) {
        (Some(Answer::Yes), Some(Answer::Yes)) => Some(Answer::Yes),
        (Some(Answer::No), Some(_)) | (Some(_), Some(Answer::No)) => Some(Answer::No),
        (Some(_), Some(_)) => Some(Answer::Open),
        _ => None,
    };
    let mut verdict = Evidence::of(measured, setting, Act::Idle).verdict(answer, Verdict::Fails);
    let (late, p99) = (measured.of(Act::Inline).client_late_p99_ms(), measured.of(Act::Inline).pings().p99);
    if verdict == Verdict::Holds && late > p99 / 2.0 {
        let reason = format!(
            "the load client itself was late by {late:.2} ms (p99), half of what was measured; run again"
        );
        verdict = Verdict::inconclusive(reason);
    }
    let halves = [(&slow, "p99 idle"), (&whole, "the block")];
    Claim {
        id: "L10".to_owned(),
        reason: (verdict == Verdict::Fails).then(|| block_failure(halves)),
        verdict,
        rule: format!(
            "CPU work on the loop's thread blocks it: p99 inline is at least {BLOCKED_TO_IDLE} x p99 idle and at least \
             {BLOCKED_TO_BLOCK} x the shortest measured block"
        ),
        findings: vec![slow, whole],
    }
}

/// Which half of L10 is not true, or both.
fn block_failure(halves: [(&Finding, &str); 2]) -> String {
    let failed = halves.into_iter().filter_map(|(finding, of)| match (finding.answer, finding.interval) {
        (Answer::No, Some(interval)) => {
            let (value, threshold) = (significant(interval.value), finding.threshold);
            Some(format!("p99 inline is only {value} x {of}, {threshold} x are claimed"))
        }
        _ => None,
    });
    failed.collect::<Vec<String>>().join("; ")
}

/// The claim that `cure` leaves at most a tenth of what the inline act showed.
fn cure_claim(
    (id, metric, rule): (&str, &str, String),
    cure: Act,
    measured: &Measured,
    setting: &Setting,
    no: Verdict,
) -> Claim {
    let interval = p99_ratio(measured, cure, Act::Inline, setting);
    let finding = Finding::of(metric, "ratio", interval, Side::AtMost, CURED_TO_BLOCKED);
    let answer = interval.map(|_| finding.answer);
    let verdict = Evidence::of(measured, setting, cure).verdict(answer, no);
    Claim { id: id.to_owned(), verdict, rule, findings: vec![finding], reason: None }
}

fn offload_claim(measured: &Measured, setting: &Setting) -> Claim {
    let no = if setting.cores > 1 {
        Verdict::Fails
    } else {
        let condition = "a second processor: with one, the pool takes its time from the loop".to_owned();
        Verdict::Depends { condition }
    };
    let rule = format!(
        "work handed to the pool leaves the loop free: p99 offloaded is at most {CURED_TO_BLOCKED} x p99 inline"
    );
    cure_claim(("L11", "p99 offloaded / p99 inline", rule), Act::Offloaded, measured, setting, no)
}

fn chunk_claim(measured: &Measured, setting: &Setting) -> Claim {
    let small_ms = measured.block().p50 * SMALL_TO_BLOCK;
    let no = if setting.chunk_ms <= small_ms {
        Verdict::Fails
    } else {
        let chunk_ms = setting.chunk_ms;
        Verdict::Depends {
            condition: format!("chunks of at most {small_ms:.1} ms; these were {chunk_ms} ms"),
        }
    };
    let rule = format!(
        "work cut into chunks leaves the loop free, at a price: p99 chunked is at most {CURED_TO_BLOCKED} x p99 inline; \
         the price, work time in chunks / in one piece, is published as chunk_price"
    );
    cure_claim(("L12", "p99 chunked / p99 inline", rule), Act::Chunked, measured, setting, no)
}

fn p99_ratio(measured: &Measured, over: Act, under: Act, setting: &Setting) -> Option<Interval> {
    ratio_of_quantiles(&measured.of(over).pings_ms, &measured.of(under).pings_ms, 0.99, setting.seed)
}

#[cfg(test)]
mod tests;
