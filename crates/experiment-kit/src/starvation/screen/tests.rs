//! Screens of invented runs: their width, and what they say when something is amiss.

use std::time::Duration;

use clap::Parser;

use super::*;
use crate::contender::{LagStats, StallReport};
use crate::starvation::rules::{Setting, Words, judge};
use crate::work::Calibration;

const CLOSED: &str = "the server closed the connection before it answered";

fn options(arguments: &str) -> Options {
    Options::parse_from(["starvation", "--runtime", "ours"].into_iter().chain(arguments.split_whitespace()))
}

fn ran(measured: Measured, options: &Options) -> Ran {
    let setting = Setting {
        cores: 1,
        chunk_ms: 0.5,
        iterations: 1_000,
        calibration_spread: 0.3,
        seed: 7,
        words: Words::EXAMPLE,
    };
    let stall = StallReport {
        location: "examples/starvation.rs:1234".to_owned(),
        name: "GET /block".to_owned(),
        count: 12_345,
        held_max: Duration::from_millis(12_345),
        held_total: Duration::from_millis(12_345_678),
    };
    let lag = Duration::from_millis(16_384);
    Ran {
        plan: options.plan(options.duration),
        calibration: Calibration { iterations_per_ms: 5.0, spread: 0.3 },
        claims: judge(&measured, &setting),
        measured,
        server: ServerStats {
            stalls: vec![stall],
            lag: Some(LagStats { p50: lag, p99: lag, max: lag, count: 9 }),
            utilisation: None,
        },
        scenes: Vec::new(),
        error: None,
    }
}

/// Samples with as many digits as the screen may see.
fn measured() -> Measured {
    let act = |ms: f64| ActSamples {
        pings_ms: vec![(0..500).map(|index| ms + f64::from(index) / 7.0).collect(); 5],
        work_ms: vec![ms; 10],
        completion_ms: vec![ms; 10],
        iterations: vec![1_000; 10],
        played_ms: ms * 20.0,
        ..ActSamples::default()
    };
    Measured {
        acts: [act(0.123), act(12_345.678), act(1_234.5), act(1_234.5)],
        rounds: 5,
        others_cores: Some(1.0),
        complete: true,
    }
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn no_line_is_longer_than_80_at_80() {
    let options = options("--block-ms 10000 --chunk-us 999999 --duration 200");
    let early = Measured { complete: false, ..measured() };
    let mut failing = measured();
    failing.acts[1].ping_failures = vec![CLOSED.to_owned(); 100];
    for measured in [measured(), early, failing] {
        let screen = question(&options, 80) + &result(&ran(measured, &options), &options, 80);
        for line in plain(&screen).lines() {
            assert!(line.chars().count() <= 80, "{} columns: {line}", line.chars().count());
        }
    }
}

#[test]
fn failures_are_explained() {
    let options = options("");
    let mut measured = measured();
    measured.acts[0].ping_failures = vec![CLOSED.to_owned(); 3];
    measured.acts[2].work_failures = vec!["status 503".to_owned(); 2];
    let note = failed(&measured).unwrap();
    assert!(note.starts_with("5 of 10045 requests failed") && note.contains(CLOSED), "{note}");
    assert!(note.contains("ulimit -n"), "{note}");
    measured.acts[2].work_failures = vec!["status 503".to_owned(); 4];
    assert!(!failed(&measured).unwrap().contains("ulimit"));
    let screen = plain(&result(&ran(measured, &options), &options, 80)).replace('\n', " ");
    assert!(screen.contains("because: status 503."), "{screen}");
}

#[test]
fn a_run_that_was_stopped_before_the_first_answer_has_nothing_to_show() {
    let options = options("");
    assert_eq!(
        result(&ran(Measured::default(), &options), &options, 80),
        "Stopped before anything was measured.\n"
    );
}

#[test]
fn the_next_steps_are_commands_without_loose_ends() {
    let tokio = Options { runtime: "tokio".to_owned(), ..options("") };
    for line in plain(&next(&tokio)).lines() {
        assert!(!line.ends_with("--") && !line.ends_with(' '), "{line}");
    }
    assert!(culprits("tokio", &ServerStats::default()).contains("tokio does not say who held it."));
}
