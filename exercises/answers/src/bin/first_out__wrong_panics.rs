//! Wrong: when only microtasks wait there is no tick, and to unwrap what is not there panics.

use std::collections::VecDeque;

use grader::first_out::{Task, When};

#[derive(Default)]
struct Loop<'a> {
    log: Vec<char>,
    ticks: VecDeque<&'a Task>,
    microtasks: VecDeque<&'a Task>,
    timers: VecDeque<&'a Task>,
    immediates: VecDeque<&'a Task>,
}

impl<'a> Loop<'a> {
    fn schedule(&mut self, tasks: &'a [Task]) {
        for task in tasks {
            match task.when {
                When::Tick => self.ticks.push_back(task),
                When::Microtask => self.microtasks.push_back(task),
                When::Timer(_) => self.timers.push_back(task),
                When::Immediate => self.immediates.push_back(task),
            }
        }
    }

    fn call(&mut self, task: &'a Task) {
        self.log.push(task.label);
        self.schedule(&task.then);
    }

    /// After each callback: all ticks, then all microtasks, each with those that they add, until neither has any.
    fn drain(&mut self) {
        while !self.ticks.is_empty() || !self.microtasks.is_empty() {
            let task = self.ticks.pop_front().unwrap();
            self.call(task);
            while let Some(task) = self.microtasks.pop_front() {
                self.call(task);
            }
        }
    }
}

fn order(program: &[Task]) -> Vec<char> {
    let mut lp = Loop::default();
    // The main program is the first callback; only after it does the loop start.
    lp.schedule(program);
    lp.drain();
    // The timers are due, and the loop looks at timers once before its first pass.
    while let Some(task) = lp.timers.pop_front() {
        lp.call(task);
    }
    lp.drain();
    while let Some(task) = lp.immediates.pop_front() {
        lp.call(task);
    }
    lp.drain();
    lp.log
}

fn main() {
    grader::first_out::grade(order);
}
