//! Errors injected at each call of the driver: nothing panics, every request is told once, all closes, the loop ends.
//!
//! One program runs again and again in the same scripted world: echo servers and clients by callbacks and by tasks, and
//! datagrams. A first run counts its calls. Then, for each of them and each error, a run has that error at that call. An
//! error that only delays (an interrupted call, `WouldBlock`) must leave no trace in what the peers received; any other
//! may cost the one connection that it met. Then random sets of errors fall on the program at once.

#![cfg(unix)]

mod common;

#[path = "injected_errors/ledger.rs"]
mod ledger;
#[path = "injected_errors/program.rs"]
mod program;

use std::io;

use common::Scripted;
use event_loop::{Call, LoopError, PanicPolicy, RunMode};
use ledger::Ledger;
use program::Outcome;
use proptest::prelude::*;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};
use rustix::io::Errno;

const ERRORS: [Errno; 6] =
    [Errno::IO, Errno::CONNRESET, Errno::NOMEM, Errno::MFILE, Errno::INTR, Errno::WOULDBLOCK];

/// Those that any call may meet.
const HARD: [Errno; 5] = [Errno::IO, Errno::CONNRESET, Errno::NOMEM, Errno::MFILE, Errno::INTR];

/// A poll that was interrupted is none that failed.
const FATAL_TO_POLL: [Errno; 4] = [Errno::IO, Errno::CONNRESET, Errno::NOMEM, Errno::MFILE];
const PAIRS: [(Errno, Errno); 4] = [
    (Errno::IO, Errno::IO),
    (Errno::IO, Errno::MFILE),
    (Errno::MFILE, Errno::IO),
    (Errno::MFILE, Errno::MFILE),
];

/// An error at a call of the run.
type Fault = (usize, Errno);

/// Whether this call may say so, and the loop then tries again by itself.
fn only_delays(call: Call, error: Errno) -> bool {
    match error {
        Errno::INTR => matches!(
            call,
            Call::Poll | Call::Accept | Call::Read | Call::Write | Call::RecvFrom | Call::SendTo
        ),
        Errno::WOULDBLOCK => matches!(
            call,
            Call::Accept | Call::Read | Call::Write | Call::RecvFrom | Call::SendTo | Call::FinishConnect
        ),
        _ => false,
    }
}

/// Runs the program with these errors, checks what is true of every run, and returns what the peers have seen.
fn run(faults: &[Fault]) -> (Outcome, Vec<Call>) {
    let world = Scripted::with(|options| options.panic_policy(PanicPolicy::End));
    for (number, error) in faults {
        world.script.fails_at(*number, io::Error::from(*error));
    }
    let ledger = Ledger::default();
    program::start(&world, &ledger);
    // A poll that fails ends the run, and the next one goes on.
    for _ in 0..=faults.len() {
        match world.event_loop.run(RunMode::Default) {
            Ok(false) => break,
            Err(LoopError::Poll(error)) if FATAL_TO_POLL.iter().any(|known| is(&error, *known)) => {}
            other => panic!("{faults:?}: {other:?}"),
        }
    }
    assert_eq!(ledger.wrong(), [""; 0], "{faults:?}");
    assert_eq!(world.lp.handles(), [], "{faults:?}");
    assert_eq!(world.script.open_sockets(), 0, "{faults:?}");
    let (outcome, calls) = (Outcome::of(&world.script), world.script.calls());
    if let Err((_, busy)) = world.event_loop.close() {
        panic!("{faults:?}: {busy}");
    }
    (outcome, calls)
}

fn is(error: &io::Error, known: Errno) -> bool {
    error.raw_os_error() == Some(known.raw_os_error())
}

#[test]
fn an_error_at_any_call_is_told_once_and_harms_one_connection_at_most() {
    let (whole, calls) = run(&[]);
    assert!(whole.is_whole(), "{whole:?}");
    for wanted in program::CALLS {
        assert!(calls.contains(&wanted), "{wanted:?} is not among the calls of the program");
    }
    for (number, call) in calls.iter().enumerate() {
        for error in ERRORS {
            if error == Errno::WOULDBLOCK && !only_delays(*call, error) {
                continue;
            }
            let (outcome, _) = run(&[(number, error)]);
            let harmed = outcome.differences(&whole);
            let allowed = match call {
                _ if only_delays(*call, error) => 0,
                // Nothing listens at all, or all who wait are turned away.
                Call::Listen => program::CONNECTIONS,
                Call::Accept if error == Errno::MFILE => program::CONNECTIONS,
                // Asked again later: what waits there waits on.
                Call::Poll | Call::Accept | Call::RecvFrom => 0,
                Call::Address | Call::SetOption => 0,
                _ => 1,
            };
            assert!(harmed.len() <= allowed, "{error:?} at call {number}, {call:?}, has harmed {harmed:?}");
        }
    }
}

/// What the loop does about an error may fail, too: turning waiting clients away, asking again, closing.
#[test]
fn an_error_right_after_another_breaks_no_promise() {
    let (whole, calls) = run(&[]);
    for (number, call) in calls.iter().enumerate() {
        for (first, second) in PAIRS {
            let (outcome, now) = run(&[(number, first), (number + 1, second)]);
            let harmed = outcome.differences(&whole);
            let allowed = match (call, now[number + 1]) {
                // Neither taken nor turned away: they wait until the listener asks again.
                (Call::Accept, Call::Shed) => 0,
                (Call::Listen, _) | (_, Call::Listen) => program::CONNECTIONS,
                (_, Call::Accept) if second == Errno::MFILE => program::CONNECTIONS,
                _ => 2,
            };
            assert!(
                harmed.len() <= allowed,
                "{first:?} and {second:?} from call {number}, {call:?}, have harmed {harmed:?}"
            );
        }
    }
}

/// Each delay is put at a call that the run with the delays before it makes.
#[test]
fn any_number_of_delays_leaves_no_trace() {
    let (whole, _) = run(&[]);
    let delay = (any::<prop::sample::Index>(), prop::sample::select(&[Errno::INTR, Errno::WOULDBLOCK]));
    let checked = runner(40).run(&prop::collection::vec(delay, 2..10), |delays| {
        let mut faults: Vec<Fault> = Vec::new();
        for (index, error) in delays {
            let (_, calls) = run(&faults);
            let begin = faults.last().map_or(0, |(number, _)| number + 1);
            let left: Vec<usize> =
                (begin..calls.len()).filter(|number| only_delays(calls[*number], error)).collect();
            if !left.is_empty() {
                // Near the last one, so that several fit into a run.
                faults.push((left[index.index(left.len().min(60))], error));
            }
        }
        let (outcome, _) = run(&faults);
        prop_assert_eq!(outcome.differences(&whole), [""; 0], "{:?}", faults);
        Ok(())
    });
    checked.unwrap();
}

/// Always the same cases.
fn runner(cases: u32) -> TestRunner {
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

#[test]
fn several_errors_at_once_break_no_promise_either() {
    let (_, calls) = run(&[]);
    let fault = (0..calls.len() * 5 / 4, prop::sample::select(&HARD));
    let checked = runner(200).run(&prop::collection::vec(fault, 2..12), |faults| {
        run(&faults);
        Ok(())
    });
    checked.unwrap();
}
