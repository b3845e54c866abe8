//! The rules: what the figures say about L10, L11 and L12.
//!
//! # Model
//! Pure functions. First the evidence: too little of it, or requests that failed, make every claim
//! `inconclusive`. Then each rule asks whether its interval is clear of its threshold. Noise (a disturbed idle act, other programs,
//! a client that could not keep its schedule) never makes a claim hold, because it makes the cure look worse; but
//! it can make a claim seem to fail, so a failure beside noise is `inconclusive`.

use crate::starvation::acts::Act;
use crate::starvation::figures::Measured;
use crate::stats::{Interval, ratio_of_quantiles};
use crate::verdict::{Answer, Claim, Side, Verdict, ask};

/// p99 inline is at least this many times p99 idle.
const BLOCKED_TO_IDLE: f64 = 10.0;
/// p99 inline is at least this part of the measured block.
const BLOCKED_TO_BLOCK: f64 = 0.8;
/// A cure leaves at most this part of p99 inline.
const CURED_TO_BLOCKED: f64 = 0.1;

const ROUNDS_MIN: usize = 3;
const PINGS_MIN: usize = 300;
const BLOCKED_SHARE_MIN: f64 = 0.2;
const FAILED_SHARE_MAX: f64 = 0.005;
const OTHERS_CORES_MAX: f64 = 0.25;
/// Idle latency, client lateness and chunks are small when they are at most this part of the block.
const SMALL_TO_BLOCK: f64 = 0.05;

/// What a rule must know besides the samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Setting {
    /// Processors that the run could use.
    pub cores: usize,
    /// How long a piece of the chunked work was to be.
    pub chunk_ms: f64,
    /// The seed of the bootstrap.
    pub seed: u64,
}

/// The three claims, judged.
pub fn judge(measured: &Measured, setting: &Setting) -> Vec<Claim> {
    let evidence = Evidence::of(measured);
    vec![
        block_claim(measured, setting, &evidence),
        offload_claim(measured, setting, &evidence),
        chunk_claim(measured, setting, &evidence),
    ]
}

/// What speaks against using the samples.
struct Evidence {
    /// Nothing can be said.
    unsound: Option<String>,
    /// Nothing bad can be said.
    noise: Option<String>,
}

impl Evidence {
    fn of(measured: &Measured) -> Evidence {
        Evidence { unsound: unsound(measured), noise: noise(measured) }
    }

    /// The verdict for the answer; `no` is the verdict when it is no and nothing disturbed the run.
    fn verdict(&self, answer: Option<Answer>, no: Verdict) -> Verdict {
        match (&self.unsound, answer, &self.noise) {
            (Some(reason), _, _) => Verdict::inconclusive(reason),
            (None, None, _) => Verdict::inconclusive("an act has no samples; run again"),
            (None, Some(Answer::Yes), _) => Verdict::Holds,
            (None, Some(Answer::No), None) => no,
            (None, Some(Answer::Open), None) => Verdict::inconclusive(
                "the threshold lies within the 95 % interval; measure longer with --duration",
            ),
            (None, Some(_), Some(noise)) => Verdict::inconclusive(noise),
        }
    }
}

fn unsound(measured: &Measured) -> Option<String> {
    if measured.rounds < ROUNDS_MIN {
        let why =
            if measured.complete { "measure longer with --duration" } else { "the run was stopped early" };
        return Some(format!("{} complete rounds, {ROUNDS_MIN} are needed; {why}", measured.rounds));
    }
    let fewest = measured.acts.iter().map(|act| act.ping_count()).min().unwrap_or(0);
    let (failed, requests) =
        measured.acts.iter().fold((0, 0), |sum, act| (sum.0 + act.failures.len(), sum.1 + act.requests()));
    if failed as f64 > FAILED_SHARE_MAX * requests as f64 {
        let first = measured.acts.iter().find_map(|act| act.failures.first()).map_or("", String::as_str);
        return Some(format!(
            "{failed} of {requests} requests failed ({first}); a server must answer to be measured"
        ));
    }
    if fewest < PINGS_MIN {
        let advice = "raise --rate or --duration";
        return Some(format!("an act has {fewest} pings, a p99 needs {PINGS_MIN}; {advice}"));
    }
    if measured.blocked_share() < BLOCKED_SHARE_MIN {
        let share = measured.blocked_share() * 100.0;
        return Some(format!(
            "the work took {share:.0} % of the inline act, {:.0} % are needed to show in a p99; did /block do its work?",
            BLOCKED_SHARE_MIN * 100.0
        ));
    }
    None
}

fn noise(measured: &Measured) -> Option<String> {
    if let Some(cores) = measured.others_cores.filter(|&cores| cores > OTHERS_CORES_MAX) {
        return Some(format!(
            "other programs kept {cores:.2} processors busy ({OTHERS_CORES_MAX} are allowed); end them and run again"
        ));
    }
    let block = measured.block().p50;
    let idle = measured.of(Act::Idle).pings().p99;
    if idle > block * SMALL_TO_BLOCK {
        return Some(format!(
            "the idle act was disturbed: its p99 is {idle:.2} ms, more than 1/20 of the block of {block:.0} ms; run on a \
             quiet machine, or raise --block-ms"
        ));
    }
    let late = measured.acts.iter().map(|act| act.client_late_p99_ms()).fold(0.0, f64::max);
    if late > block * SMALL_TO_BLOCK {
        return Some(format!(
            "the load client was late by {late:.2} ms (p99), more than 1/20 of the block of {block:.0} ms; lower --rate, or run \
             on a quiet machine"
        ));
    }
    None
}

fn block_claim(measured: &Measured, setting: &Setting, evidence: &Evidence) -> Claim {
    let interval = p99_ratio(measured, Act::Inline, Act::Idle, setting);
    let block = vec![vec![measured.block().p50]; measured.of(Act::Inline).pings_ms.len()];
    let to_block = ratio_of_quantiles(&measured.of(Act::Inline).pings_ms, &block, 0.99, setting.seed);
    let slow = interval.map(|interval| ask(&interval, Side::AtLeast, BLOCKED_TO_IDLE));
    let whole = to_block.map(|interval| ask(&interval, Side::AtLeast, BLOCKED_TO_BLOCK));
    let answer = match (slow, whole) {
        (Some(Answer::Yes), Some(Answer::Yes)) => Some(Answer::Yes),
        (Some(Answer::No), Some(_)) | (Some(_), Some(Answer::No)) => Some(Answer::No),
        (Some(_), Some(_)) => Some(Answer::Open),
        _ => None,
    };
    let mut verdict = evidence.verdict(answer, Verdict::Fails);
    let (late, p99) = (measured.of(Act::Inline).client_late_p99_ms(), measured.of(Act::Inline).pings().p99);
    if verdict == Verdict::Holds && late > p99 / 2.0 {
        let reason = format!(
            "the load client itself was late by {late:.2} ms (p99), half of what was measured; run again"
        );
        verdict = Verdict::inconclusive(reason);
    }
    Claim {
        id: "L10",
        verdict,
        rule: format!(
            "CPU work on the loop's thread blocks it: p99 inline is at least {BLOCKED_TO_IDLE} x p99 idle and at least \
             {BLOCKED_TO_BLOCK} x the measured block"
        ),
        metric: "p99 inline / p99 idle",
        unit: "ratio",
        interval,
        threshold: BLOCKED_TO_IDLE,
    }
}

fn offload_claim(measured: &Measured, setting: &Setting, evidence: &Evidence) -> Claim {
    let interval = p99_ratio(measured, Act::Offloaded, Act::Inline, setting);
    let answer = interval.map(|interval| ask(&interval, Side::AtMost, CURED_TO_BLOCKED));
    let no = if setting.cores > 1 {
        Verdict::Fails
    } else {
        let condition = "a second processor: with one, the pool takes its time from the loop".to_owned();
        Verdict::Depends { condition }
    };
    Claim {
        id: "L11",
        verdict: evidence.verdict(answer, no),
        rule: format!(
            "work handed to the pool leaves the loop free: p99 offloaded is at most {CURED_TO_BLOCKED} x p99 inline"
        ),
        metric: "p99 offloaded / p99 inline",
        unit: "ratio",
        interval,
        threshold: CURED_TO_BLOCKED,
    }
}

fn chunk_claim(measured: &Measured, setting: &Setting, evidence: &Evidence) -> Claim {
    let interval = p99_ratio(measured, Act::Chunked, Act::Inline, setting);
    let answer = interval.map(|interval| ask(&interval, Side::AtMost, CURED_TO_BLOCKED));
    let small_ms = measured.block().p50 * SMALL_TO_BLOCK;
    let no = if setting.chunk_ms <= small_ms {
        Verdict::Fails
    } else {
        let chunk_ms = setting.chunk_ms;
        Verdict::Depends {
            condition: format!("chunks of at most {small_ms:.1} ms; these were {chunk_ms} ms"),
        }
    };
    Claim {
        id: "L12",
        verdict: evidence.verdict(answer, no),
        rule: format!(
            "work cut into chunks leaves the loop free, at a price: p99 chunked is at most {CURED_TO_BLOCKED} x p99 inline; \
             the price, work time in chunks / in one piece, is published as chunk_price"
        ),
        metric: "p99 chunked / p99 inline",
        unit: "ratio",
        interval,
        threshold: CURED_TO_BLOCKED,
    }
}

fn p99_ratio(measured: &Measured, over: Act, under: Act, setting: &Setting) -> Option<Interval> {
    ratio_of_quantiles(&measured.of(over).pings_ms, &measured.of(under).pings_ms, 0.99, setting.seed)
}

#[cfg(test)]
mod tests;
