//! One judgement: seed, time limit, panics turned into sentences, exit code and last lines.
//!
//! # Model
//! | environment | meaning |
//! |---|---|
//! | `LAB_SEED` | the seed; without it a fresh one, which is printed |
//! | `LAB_TIME_LIMIT_S` | seconds until the watchdog ends the program; 20 without it |
//! | `LAB_GRADE_TOKEN` | what the last line must repeat, so that `lab` knows that the grader was called |
//!
//! Exit codes: 0 passed, 1 failed, 124 the time was up.

use std::cell::RefCell;
use std::env;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write as _};
use std::panic::{self, AssertUnwindSafe};
use std::process;
use std::time::Duration;

use crate::watchdog;

const LIMIT_S: u64 = 20;

thread_local! {
    /// What the first panic of this thread since the last question said, and where.
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Judges the exercise `name`; `judge` gets the seed and says what it checked, or what went wrong.
///
/// Returns when the exercise passed. Otherwise it prints why and ends the program.
pub fn grade(name: &str, judge: impl FnOnce(u64) -> Result<String, String>) {
    let seed = number("LAB_SEED").unwrap_or_else(|| RandomState::new().hash_one(0) % 1_000_000);
    let limit = Duration::from_secs(number("LAB_TIME_LIMIT_S").unwrap_or(LIMIT_S));
    watchdog::start(limit, format!("{name}: LAB_SEED={seed} repeats this"));
    panic::set_hook(Box::new(|info| {
        let text = match (info.payload().downcast_ref::<Fault>(), info.location()) {
            (Some(Fault(why)), _) => why.clone(),
            (None, Some(place)) => {
                let whose = if is_ours(place.file()) { "the grader" } else { "your code" };
                format!("{whose} panicked at {}:{}: {}", place.file(), place.line(), said(info.payload()))
            }
            (None, None) => format!("your code panicked: {}", said(info.payload())),
        };
        // The first panic is the reason; what follows from it would only hide it.
        PANIC.with_borrow_mut(|kept| _ = kept.get_or_insert(text));
    }));
    match caught(|| judge(seed)).flatten() {
        Ok(checked) => {
            say(&format!("passed: {name} (seed {seed}; {checked})"));
            if let Ok(token) = env::var("LAB_GRADE_TOKEN") {
                say(&format!("graded {name} {token}"));
            }
        }
        Err(why) => {
            say(&format!("not yet: {name}\n\n{}\n\nLAB_SEED={seed} repeats this", why.trim_end()));
            process::exit(1);
        }
    }
}

/// Whether a file is one of the grader.
fn is_ours(file: &str) -> bool {
    file!().strip_suffix("run.rs").is_some_and(|folder| file.starts_with(folder))
}

/// What a grader found wrong, thrown from within threads and callbacks.
#[derive(Debug)]
pub struct Fault(pub String);

/// In words, what a caught panic was about: the first one of this thread since the last question.
pub fn why(payload: &(dyn std::any::Any + Send)) -> String {
    PANIC.with_borrow_mut(Option::take).unwrap_or_else(|| said(payload))
}

/// What the learner's code returns, or where it panicked and what it said.
pub(crate) fn caught<R>(code: impl FnOnce() -> R) -> Result<R, String> {
    panic::catch_unwind(AssertUnwindSafe(code)).map_err(|payload| why(payload.as_ref()))
}

/// Prints a line even where a test runner keeps what `println` prints, and would lose it when the program ends here.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stdout(), "{line}");
}

fn said(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_else(|| "no message".to_owned())
}

/// A number from the environment. What is no number is told and ends the program: a wrong seed would repeat nothing.
fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    let number = text.trim().parse().ok();
    if number.is_none() {
        say(&format!("{name}={text} is not a number; leave it out or give digits"));
        process::exit(2);
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_of_the_grader_is_not_the_learners() {
        assert!(is_ours(file!()));
        assert!(!is_ours("exercises/05_lock/lost_update.rs"));
    }
}
