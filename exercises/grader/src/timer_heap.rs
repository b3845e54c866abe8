//! Judges `timer_heap`: what leaves when, ties, cancelling, starting anew, and how much it compares.
//!
//! # Model
//! Random sequences of calls, short ones first, on the learner's timers and on a sorted list; the first difference is shown
//! with the shortest sequence that still has it; a panic is one too. The price is counted, not timed: [`Deadline`] and
//! [`TimerId`] count each comparison, so that a linear search is found on any machine, and an id cannot be used as an index.

use std::cell::Cell;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use crate::seed::Rng;
use crate::{run, standing};

const SEQUENCES: usize = 400;
/// How many timers wait while the comparisons are counted.
const CROWD: u64 = 4_096;

thread_local! {
    static COMPARISONS: Cell<u64> = const { Cell::new(0) };
}

fn counted() {
    COMPARISONS.set(COMPARISONS.get() + 1);
}

macro_rules! counted_number {
    ($(#[$what:meta])* $name:ident, $form:literal) => {
        $(#[$what])*
        #[derive(Clone, Copy)]
        pub struct $name(u64);

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                counted();
                self.0 == other.0
            }
        }

        impl Eq for $name {}

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> Ordering {
                counted();
                self.0.cmp(&other.0)
            }
        }

        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.0.hash(state);
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(out, $form, self.0)
            }
        }
    };
}

counted_number! {
    /// When a timer is due. It can be compared, and each comparison is counted.
    Deadline, "{}"
}
counted_number! {
    /// Which timer. It can be compared and hashed, and each comparison is counted.
    TimerId, "timer {}"
}

/// What the learner writes: the timers that wait in a loop.
pub trait Timers: Default {
    /// Starts a timer. When it waits already it is started anew: only the new deadline counts, and among equal deadlines
    /// it is the last.
    fn start(&mut self, id: TimerId, deadline: Deadline);

    /// Stops a timer; `false` when it does not wait.
    fn cancel(&mut self, id: TimerId) -> bool;

    /// The earliest deadline of all that wait; the loop asks before each sleep.
    fn next_deadline(&self) -> Option<Deadline>;

    /// Takes out the earliest timer whose deadline is not after `now`; of equal deadlines the one that was started first.
    fn pop_due(&mut self, now: Deadline) -> Option<TimerId>;
}

/// Grades the timers and ends the process.
pub fn grade<T: Timers>() {
    run::grade("timer_heap", judge::<T>);
}

fn judge<T: Timers>(seed: u64) -> Result<String, String> {
    let mut rng = Rng::new(seed);
    for number in 0..SEQUENCES {
        let length = 2 + number * 60 / SEQUENCES;
        let calls: Vec<Call> = (0..length).map(|_| Call::random(&mut rng)).collect();
        if first_difference::<T>(&calls).is_some() {
            return Err(show::<T>(&shrink::<T>(calls)));
        }
    }
    let worst = price::<T>(&mut rng)?;
    Ok(format!(
        "{SEQUENCES} random sequences, at most {worst} comparisons per call with {CROWD} timers waiting"
    ))
}

/// One call of the interface.
#[derive(Clone, Copy, Debug)]
enum Call {
    Start { id: u64, deadline: u64 },
    Cancel { id: u64 },
    Next,
    Pop { now: u64 },
}

/// What a call answered, in the form in which it is shown.
type Answer = String;

impl Call {
    fn random(rng: &mut Rng) -> Call {
        match rng.below(8) {
            0..=3 => Call::Start { id: rng.below(12), deadline: rng.below(8) },
            4 => Call::Cancel { id: rng.below(12) },
            5 => Call::Next,
            _ => Call::Pop { now: rng.below(9) },
        }
    }

    fn ask<T: Timers>(self, timers: &mut T) -> Answer {
        match self {
            Call::Start { id, deadline } => {
                timers.start(TimerId(id), Deadline(deadline));
                String::new()
            }
            Call::Cancel { id } => timers.cancel(TimerId(id)).to_string(),
            Call::Next => format!("{:?}", timers.next_deadline()),
            Call::Pop { now } => format!("{:?}", timers.pop_due(Deadline(now))),
        }
    }
}

impl fmt::Display for Call {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Call::Start { id, deadline } => write!(out, "start(timer {id}, deadline {deadline})"),
            Call::Cancel { id } => write!(out, "cancel(timer {id})"),
            Call::Next => write!(out, "next_deadline()"),
            Call::Pop { now } => write!(out, "pop_due(now = {now})"),
        }
    }
}

/// The same as a list: slow, and plainly right.
#[derive(Default)]
struct Model(Vec<(u64, u64)>);

impl Timers for Model {
    fn start(&mut self, id: TimerId, deadline: Deadline) {
        self.cancel(id);
        let after = self.0.partition_point(|(known, _)| *known <= deadline.0);
        self.0.insert(after, (deadline.0, id.0));
    }

    fn cancel(&mut self, id: TimerId) -> bool {
        let before = self.0.len();
        self.0.retain(|(_, known)| *known != id.0);
        self.0.len() < before
    }

    fn next_deadline(&self) -> Option<Deadline> {
        self.0.first().map(|(deadline, _)| Deadline(*deadline))
    }

    fn pop_due(&mut self, now: Deadline) -> Option<TimerId> {
        let due = self.0.first().is_some_and(|(deadline, _)| *deadline <= now.0);
        due.then(|| TimerId(self.0.remove(0).1))
    }
}

/// The number of the first call that is answered otherwise, the right answer, and the learner's or its panic. After the last
/// call all that waits is taken out as well, so that what was lost shows.
fn first_difference<T: Timers>(calls: &[Call]) -> Option<(usize, Answer, Result<Answer, String>)> {
    let (mut model, mut timers) = (Model::default(), T::default());
    let mut before = String::new();
    for (at, call) in with_emptying(calls).take(2 * calls.len() + 1).enumerate() {
        let led_here = if before.is_empty() { "" } else { "; called before it:" };
        standing::note_call(&format!("{call}, which has not returned{led_here}{before}"));
        before += &format!("\n          {call}");
        let (right, yours) = (call.ask(&mut model), run::caught(|| call.ask(&mut timers)));
        if yours.as_ref() != Ok(&right) {
            return Some((at, right, yours));
        }
    }
    None
}

fn with_emptying(calls: &[Call]) -> impl Iterator<Item = Call> {
    calls.iter().copied().chain(std::iter::repeat(Call::Pop { now: 9 }))
}

/// Takes out calls while a difference is left.
fn shrink<T: Timers>(mut calls: Vec<Call>) -> Vec<Call> {
    'again: loop {
        for number in 0..calls.len() {
            let mut shorter = calls.clone();
            shorter.remove(number);
            if first_difference::<T>(&shorter).is_some() {
                calls = shorter;
                continue 'again;
            }
        }
        return calls;
    }
}

fn show<T: Timers>(calls: &[Call]) -> String {
    let Some((at, right, yours)) = first_difference::<T>(calls) else {
        return "your timers gave a wrong answer, and the same calls again gave the right one".to_owned();
    };
    let wrong = yours
        .as_ref()
        .err()
        .map_or("your timers give another answer than a sorted list would", String::as_str);
    let mut text = format!("{wrong}. The shortest case found:\n\n");
    let mut model = Model::default();
    for call in with_emptying(calls).take(at) {
        let answer = call.ask(&mut model);
        let answer = if answer.is_empty() { answer } else { format!("  gives {answer}, yours too") };
        text += &format!("  {call}{answer}\n");
    }
    let call = with_emptying(calls).nth(at).unwrap_or(Call::Next);
    let Ok(yours) = yours else {
        let right = if right.is_empty() { "return" } else { &format!("give {right}") };
        return text + &format!("  {call}  panicked\n      it should {right}\n");
    };
    text += &format!("  {call}  gave {yours}\n      it should give {right}\n\n");
    text + explain(call, &right, &yours)
}

/// One sentence about the kind of difference.
fn explain(call: Call, right: &str, yours: &str) -> &'static str {
    match call {
        Call::Pop { .. } if yours == "None" => "A timer that waits and is due did not come out.",
        Call::Pop { .. } if right == "None" => "What came out does not wait any more, or is not due yet.",
        Call::Pop { .. } => {
            "The earliest deadline goes first; of equal deadlines, the timer that was started first (or anew) first."
        }
        Call::Next => {
            "The loop sleeps until this time: too late and a timer is late, too early and it wakes for nothing."
        }
        Call::Cancel { .. } => "Cancel says whether the timer waited.",
        Call::Start { .. } => "",
    }
}

/// The most comparisons that one kind of call took on average while a crowd waits, or why that is too many.
fn price<T: Timers>(rng: &mut Rng) -> Result<u64, String> {
    let mut timers = T::default();
    let within = |what: &str, call: &mut dyn FnMut()| {
        standing::note_call(what);
        run::caught(call).map_err(|why| format!("{why}.\nThis was in {what}."))
    };
    within(&format!("start, until {CROWD} timers wait"), &mut || {
        for id in 0..CROWD {
            timers.start(TimerId(id), Deadline(rng.below(CROWD)));
        }
    })?;
    let rounds = CROWD / 4;
    let limit = 16 * u64::from(CROWD.ilog2()) + 32;
    let mut worst = 0;
    let mut count = |name: &str, once: &mut dyn FnMut(u64)| {
        COMPARISONS.set(0);
        within(&format!("{name}, while {CROWD} timers wait"), &mut || (0..rounds).for_each(&mut *once))?;
        let each = COMPARISONS.get() / rounds;
        worst = worst.max(each);
        if each <= limit {
            return Ok(());
        }
        Err(format!(
            "the answers are right, but {name} compares too much: with {CROWD} timers waiting each call took {each} \
             comparisons of deadlines and ids, and the limit is {limit}.\n\
             A loop with many timers does this all day. A search through all that wait is too slow; a heap knows its \
             first entry, and mends itself along one path from the top to the bottom."
        ))
    };
    count("next_deadline", &mut |_| {
        timers.next_deadline();
    })?;
    count("start of a timer that waits", &mut |round| {
        timers.start(TimerId(round * 3 % CROWD), Deadline(round * 7 % CROWD));
    })?;
    count("cancel", &mut |round| {
        timers.cancel(TimerId(round * 2));
    })?;
    count("start", &mut |round| {
        timers.start(TimerId(round * 2), Deadline(round * 5 % CROWD));
    })?;
    count("pop_due", &mut |_| {
        timers.pop_due(Deadline(CROWD));
    })?;
    Ok(worst)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_agrees_with_itself() {
        let mut rng = Rng::new(1);
        let calls: Vec<Call> = (0..200).map(|_| Call::random(&mut rng)).collect();
        assert_eq!(first_difference::<Model>(&calls), None);
    }

    #[test]
    fn a_comparison_is_counted() {
        COMPARISONS.set(0);
        assert!(Deadline(1) < Deadline(2) && TimerId(1) != TimerId(2));
        assert_eq!(COMPARISONS.get(), 2);
    }
}
