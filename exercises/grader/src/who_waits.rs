//! Judges `who_waits`: what an I/O callback schedules, with timers of different lengths and any nesting.
//!
//! # Model
//! As in `first_out`: random programs, each run on the real loop. Left out are programs in which two timers of different
//! lengths wait together although different callbacks set them. There Node's lists, one for each length, show through:
//! the loop empties the list whose first timer is due first, also of timers that were due later than another list's first.
//! The exercise does not ask for that, and either way of thinking passes.

use std::collections::VecDeque;

pub use crate::order::{Task, When};

use crate::order::{self, First, Shape, TASK_MS};
use crate::seed::Rng;

const PROGRAMS: usize = 400;

/// The learner's answer: the labels of all tasks, nested ones too, in the order in which the loop runs them.
pub type Predict = fn(&[Task]) -> Vec<char>;

/// Grades a prediction and ends the process.
pub fn grade(predict: Predict) {
    crate::run::grade("who_waits", |seed| judge(predict, seed));
}

fn judge(predict: Predict, seed: u64) -> Result<String, String> {
    let shape = Shape { from: First::Io, outer: any, inner: any, keep: no_mixed_timers };
    order::judge(predict, Rng::new(seed), PROGRAMS, &shape)
}

fn any(rng: &mut Rng) -> When {
    match rng.below(6) {
        0 => When::Tick,
        1 => When::Microtask,
        2 | 3 => When::Immediate,
        _ => When::Timer([0, 0, 1, 5, 9][rng.below(5) as usize]),
    }
}

/// Whether the loop's order is also the order of deadlines.
fn no_mixed_timers(program: &[Task]) -> bool {
    let mut plain = ByDeadline::default();
    plain.run(program);
    plain.log == order::on_the_loop(program, First::Io)
}

/// A loop that runs due timers strictly by deadline, of whatever lengths they are.
#[derive(Default)]
struct ByDeadline {
    log: Vec<char>,
    now_ms: u64,
    ticks: VecDeque<Task>,
    microtasks: VecDeque<Task>,
    immediates: Vec<Task>,
    timers: Vec<(u64, Task)>,
}

impl ByDeadline {
    fn run(&mut self, program: &[Task]) {
        self.leave(program);
        while !self.immediates.is_empty() || !self.timers.is_empty() {
            for task in std::mem::take(&mut self.immediates) {
                self.call(&task);
            }
            let mut due = std::mem::take(&mut self.timers);
            due.sort_by_key(|(deadline, _)| *deadline);
            for (_, task) in due {
                self.call(&task);
            }
        }
    }

    fn call(&mut self, task: &Task) {
        self.log.push(task.label);
        self.leave(&task.then);
    }

    /// The rest of a callback: what it schedules, the time that it takes, and what runs right after it.
    fn leave(&mut self, then: &[Task]) {
        self.schedule(then);
        loop {
            let ticks_are_over = self.ticks.is_empty();
            let queue = if ticks_are_over { &mut self.microtasks } else { &mut self.ticks };
            let Some(first) = queue.pop_front() else { return };
            self.log.push(first.label);
            self.schedule(&first.then);
            while ticks_are_over && let Some(next) = self.microtasks.pop_front() {
                self.log.push(next.label);
                self.schedule(&next.then);
            }
        }
    }

    fn schedule(&mut self, tasks: &[Task]) {
        for task in tasks.iter().cloned() {
            match task.when {
                When::Tick => self.ticks.push_back(task),
                When::Microtask => self.microtasks.push_back(task),
                When::Immediate => self.immediates.push(task),
                When::Timer(ms) => self.timers.push((self.now_ms + ms.max(1), task)),
            }
        }
        self.now_ms += TASK_MS;
    }
}
