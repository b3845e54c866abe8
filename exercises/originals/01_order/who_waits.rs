//! Ordering puzzle 2: who waits?
//!
//! This time the first code is the callback of an I/O request: the loop runs already and is in its poll phase. The
//! callback schedules tasks, and tasks schedule tasks of all kinds.
//!
//! - `When::Timer(ms)` has between 0 and 9 ms; a timer of 0 ms counts as one of 1 ms.
//! - The I/O callback and every task compute for 20 ms before they return, longer than the longest timer. So whenever the
//!   loop comes to its timers, all that were set before are due.
//! - Timers run in the order of their deadlines. Node keeps a list for each length, and empties one list before it turns
//!   to the next; programs in which that would make a difference are left out.
//!
//! Write `order` as in `first_out`. Three questions to answer on the way: what comes after the poll phase? Does an
//! immediate that is set by an immediate run in the same pass? And which of two timers runs first?
//!
//! You need: your solution of `first_out`, and the list of phases in the chapter of ordering puzzles.

use grader::who_waits::{Task, When};

fn order(program: &[Task]) -> Vec<char> {
    let mut labels = Vec::new();
    // TODO: everything at once, in the order in which it was scheduled. Put what waits into queues, and go round.
    for task in program {
        match task.when {
            When::Tick | When::Microtask | When::Immediate | When::Timer(_) => {
                labels.push(task.label);
                labels.extend(order(&task.then));
            }
        }
    }
    labels
}

// Below: the grader. Do not edit.
fn main() {
    grader::who_waits::grade(order);
}

#[cfg(test)]
mod tests {
    #[test]
    fn behaves() {
        super::main();
    }
}
