//! Judges `first_out`: the order of ticks, microtasks, timers of 0 ms and immediates that the main program schedules.
//!
//! # Model
//! Random programs, short ones first, each run on the real loop of the project; the learner's function must give the
//! same order. Ticks and microtasks are nested at will, timers and immediates only in the main program.

pub use crate::order::{Task, When};

use crate::order::{self, First, Shape};
use crate::seed::Rng;

const PROGRAMS: usize = 400;

/// The learner's answer: the labels of all tasks, nested ones too, in the order in which the loop runs them.
pub type Predict = fn(&[Task]) -> Vec<char>;

/// Grades a prediction and ends the process.
pub fn grade(predict: Predict) {
    crate::run::grade("first_out", |seed| judge(predict, seed));
}

fn judge(predict: Predict, seed: u64) -> Result<String, String> {
    let shape = Shape { from: First::Main, outer, inner, keep: |_| true };
    order::judge(predict, Rng::new(seed), PROGRAMS, &shape)
}

fn outer(rng: &mut Rng) -> When {
    match rng.below(4) {
        0 => When::Tick,
        1 => When::Microtask,
        2 => When::Immediate,
        _ => When::Timer(0),
    }
}

fn inner(rng: &mut Rng) -> When {
    if rng.below(2) == 0 { When::Tick } else { When::Microtask }
}
