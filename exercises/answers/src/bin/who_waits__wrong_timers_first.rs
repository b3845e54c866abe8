//! Wrong: the order of the main program, timers before immediates.

use std::collections::VecDeque;

use grader::who_waits::{Task, When};

#[derive(Default)]
struct Loop<'a> {
    log: Vec<char>,
    ticks: VecDeque<&'a Task>,
    microtasks: VecDeque<&'a Task>,
    immediates: VecDeque<&'a Task>,
    /// With the time at which each is due.
    timers: Vec<(u64, &'a Task)>,
    now_ms: u64,
}

impl<'a> Loop<'a> {
    fn schedule(&mut self, tasks: &'a [Task]) {
        for task in tasks {
            match task.when {
                When::Tick => self.ticks.push_back(task),
                When::Microtask => self.microtasks.push_back(task),
                When::Immediate => self.immediates.push_back(task),
                When::Timer(ms) => self.timers.push((self.now_ms + ms.max(1), task)),
            }
        }
        self.now_ms += 20;
    }

    fn call(&mut self, task: &'a Task) {
        self.log.push(task.label);
        self.schedule(&task.then);
    }

    fn drain(&mut self) {
        while !self.ticks.is_empty() || !self.microtasks.is_empty() {
            while let Some(task) = self.ticks.pop_front() {
                self.call(task);
            }
            while let Some(task) = self.microtasks.pop_front() {
                self.call(task);
            }
        }
    }

    /// The check phase: the immediates that wait when it begins. What they set waits for the next pass.
    fn check(&mut self) {
        for task in std::mem::take(&mut self.immediates) {
            self.call(task);
            self.drain();
        }
    }

    /// The timers phase: what is due when it begins, the earliest deadline first, start order on ties.
    fn run_timers(&mut self) {
        let mut due = std::mem::take(&mut self.timers);
        due.sort_by_key(|(deadline, _)| *deadline);
        for (_, task) in due {
            self.call(task);
            self.drain();
        }
    }
}

fn order(program: &[Task]) -> Vec<char> {
    let mut lp = Loop::default();
    // The I/O callback itself.
    lp.schedule(program);
    lp.drain();
    while !lp.immediates.is_empty() || !lp.timers.is_empty() {
        lp.run_timers();
        lp.check();
    }
    lp.log
}

fn main() {
    grader::who_waits::grade(order);
}
