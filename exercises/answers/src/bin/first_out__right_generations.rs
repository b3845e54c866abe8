//! Right, another way: generations of tasks instead of queues.

use grader::first_out::{Task, When};

fn order(program: &[Task]) -> Vec<char> {
    let mut labels = Vec::new();
    after(program, &mut labels);
    for is_turn in [is_timer as fn(&Task) -> bool, is_immediate] {
        for task in program.iter().filter(|task| is_turn(task)) {
            labels.push(task.label);
            after(&task.then, &mut labels);
        }
    }
    labels
}

fn is_timer(task: &Task) -> bool {
    matches!(task.when, When::Timer(_))
}

fn is_immediate(task: &Task) -> bool {
    task.when == When::Immediate
}

/// Generations: the ticks of one, their ticks, and so on; then the microtasks of all, and what they leave.
fn after(tasks: &[Task], labels: &mut Vec<char>) {
    let of = |kind: When, tasks: &[Task]| -> Vec<Task> {
        tasks.iter().filter(|task| task.when == kind).cloned().collect()
    };
    let mut ticks = of(When::Tick, tasks);
    let mut microtasks = of(When::Microtask, tasks);
    while !(ticks.is_empty() && microtasks.is_empty()) {
        let kind = if ticks.is_empty() { When::Microtask } else { When::Tick };
        let generation = std::mem::take(if kind == When::Tick { &mut ticks } else { &mut microtasks });
        let later: Vec<Task> = generation.iter().flat_map(|task| task.then.clone()).collect();
        labels.extend(generation.iter().map(|task| task.label));
        if kind == When::Microtask {
            // Microtasks of microtasks come before the ticks that they set, generation by generation.
            let mut young = of(When::Microtask, &later);
            ticks.extend(of(When::Tick, &later));
            while !young.is_empty() {
                labels.extend(young.iter().map(|task| task.label));
                let next: Vec<Task> = young.iter().flat_map(|task| task.then.clone()).collect();
                ticks.extend(of(When::Tick, &next));
                young = of(When::Microtask, &next);
            }
        } else {
            ticks = of(When::Tick, &later);
            microtasks.extend(of(When::Microtask, &later));
        }
    }
}

fn main() {
    grader::first_out::grade(order);
}
