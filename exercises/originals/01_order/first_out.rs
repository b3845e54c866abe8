//! Ordering puzzle 1: first out.
//!
//! The main program of a script schedules some tasks and ends. In which order do they run?
//!
//! A program is data: a list of tasks that the main program schedules from first to last.
//!
//! - `task.label` is what the task logs when it runs.
//! - `task.when` says how it was scheduled: `When::Tick` is `next_tick`, `When::Microtask` is `microtask`,
//!   `When::Immediate` is `set_immediate`, `When::Timer(0)` is `set_timeout` with 0 ms.
//! - `task.then` is what the task itself schedules when it runs. In this exercise that is ticks and microtasks only.
//!
//! The main program and every task compute for 20 ms before they return, so each timer is due when the loop starts.
//!
//! Write `order`: it gets a program and returns the labels of all its tasks in the order in which the loop runs them.
//! The grader makes random programs, runs each on the real event loop of this project, and compares. When you are
//! wrong it shows you the smallest program that it can find, with your order and the real one.
//!
//! You need: the chapter of ordering puzzles, which has the rule that ticks come before microtasks (there they are called
//! promise jobs), and `std::collections::VecDeque`.

use grader::first_out::{Task, When};

fn order(program: &[Task]) -> Vec<char> {
    let mut labels = Vec::new();
    // TODO: this runs everything at once, in the order in which it was scheduled. What does the loop do?
    for task in program {
        match task.when {
            When::Tick | When::Microtask | When::Timer(_) | When::Immediate => {
                labels.push(task.label);
                labels.extend(order(&task.then));
            }
        }
    }
    labels
}

// Below: the grader. Do not edit.
fn main() {
    grader::first_out::grade(order);
}

#[cfg(test)]
mod tests {
    #[test]
    fn behaves() {
        super::main();
    }
}
