//! Small programs about order: what they look like, how they are made from a seed, and what the real loop makes of them.
//!
//! # Model
//! A program is a list of tasks that some code schedules, one after another. When a task's turn comes it logs its label,
//! schedules its own tasks, and then computes for [`TASK_MS`] milliseconds. That is longer than the longest timer, so a
//! timer is due whenever the loop looks at its timers next, on a fast machine and on a busy one: programs of this form have
//! one answer. They run on the project's event loop in a scripted world, whose clock is moved by hand.

use std::cell::RefCell;
use std::fmt::Write;
use std::rc::Rc;
use std::time::Duration;

use event_loop::{EventLoop, LoopHandle, RunMode, Script};

use crate::seed::Rng;
use crate::{run, standing};

/// How long each task computes before it returns, and the main program or the I/O callback as well.
pub const TASK_MS: u64 = 20;

/// When a task runs, seen from the code that schedules it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// `next_tick`.
    Tick,
    /// `microtask`.
    Microtask,
    /// `set_immediate`.
    Immediate,
    /// `set_timeout` with this many milliseconds: from 0 to 9, and 0 counts as 1.
    Timer(u64),
}

/// One scheduled piece of code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Task {
    /// What it logs when it runs; no two tasks of a program have the same.
    pub label: char,
    /// When it runs.
    pub when: When,
    /// What it schedules when it runs, in this order.
    pub then: Vec<Task>,
}

/// What the first code of a program is.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum First {
    /// The main program, before the loop runs.
    Main,
    /// The callback of an I/O request, in the poll phase.
    Io,
}

/// Which programs to make.
pub(crate) struct Shape {
    pub(crate) from: First,
    /// What the first code may schedule.
    pub(crate) outer: fn(&mut Rng) -> When,
    /// What a task may schedule.
    pub(crate) inner: fn(&mut Rng) -> When,
    /// Programs that are left out, for they have no answer that a rule of the exercise gives.
    pub(crate) keep: fn(&[Task]) -> bool,
}

/// Runs the program on the real loop; the labels in the order in which they were logged.
pub(crate) fn on_the_loop(program: &[Task], from: First) -> Vec<char> {
    let script = Script::new();
    let event_loop =
        EventLoop::options().script(&script).build().expect("a scripted loop needs no descriptors");
    let lp = event_loop.handle();
    let log = Rc::new(RefCell::new(Vec::new()));
    let (tasks, hands, logged) = (program.to_vec(), script.hands(), log.clone());
    let first = move |lp: &LoopHandle| {
        schedule(lp, tasks, &script, &logged);
        hands.advance(Duration::from_millis(TASK_MS));
    };
    match from {
        First::Main => first(&lp),
        First::Io => lp.request(move |lp, ()| first(lp)).complete(()),
    }
    event_loop.run(RunMode::Default).expect("no task panics");
    log.take()
}

fn schedule(lp: &LoopHandle, tasks: Vec<Task>, script: &Script, log: &Rc<RefCell<Vec<char>>>) {
    for task in tasks {
        let (when, script, log) = (task.when, script.clone(), log.clone());
        let mut task = Some(task);
        let mut run = move |lp: &LoopHandle| {
            // A time-out's closure could be called often; this one is called once.
            let Some(Task { label, then, .. }) = task.take() else { return };
            log.borrow_mut().push(label);
            schedule(lp, then, &script, &log);
            script.hands().advance(Duration::from_millis(TASK_MS));
        };
        match when {
            When::Tick => lp.next_tick(move |lp| run(lp)),
            When::Microtask => lp.microtask(move |lp| run(lp)),
            When::Immediate => drop(lp.set_immediate(move |lp| run(lp))),
            When::Timer(ms) => drop(lp.set_timeout(Duration::from_millis(ms), run)),
        }
    }
}

/// A program of `size` tasks.
pub(crate) fn random(rng: &mut Rng, size: usize, shape: &Shape) -> Vec<Task> {
    let mut labels = 'a'..='z';
    let mut next = |when| Task { label: labels.next().unwrap_or('?'), when, then: Vec::new() };
    let mut program: Vec<Task> = Vec::new();
    for _ in 0..size.min(26) {
        let outer = program.is_empty() || rng.below(2) == 0;
        let when = if outer { (shape.outer)(rng) } else { (shape.inner)(rng) };
        let mut place = &mut program;
        let mut depth = if outer { 0 } else { 1 + rng.below(3) };
        while depth > 0 && !place.is_empty() {
            let parent = rng.below(place.len() as u64) as usize;
            place = &mut place[parent].then;
            depth -= 1;
        }
        place.push(next(when));
    }
    relabel(&mut program);
    program
}

/// Labels in the order in which a reader meets them.
fn relabel(program: &mut [Task]) {
    fn walk(tasks: &mut [Task], labels: &mut std::ops::RangeInclusive<char>) {
        for task in tasks {
            task.label = labels.next().unwrap_or('?');
            walk(&mut task.then, labels);
        }
    }
    walk(program, &mut ('a'..='z'));
}

/// The labels in the learner's order, or where the code panicked and what it said.
type Order = Result<Vec<char>, String>;

/// Asks `predict` about `programs` random programs, short ones first; the message shows the smallest that it gets wrong.
pub(crate) fn judge(
    predict: impl Fn(&[Task]) -> Vec<char>,
    mut rng: Rng,
    programs: usize,
    shape: &Shape,
) -> Result<String, String> {
    let predict = |program: &[Task]| {
        let mut text = String::from("`order`, which has not returned, about this program:\n");
        write_tasks(&mut text, program, 1);
        standing::note_call(text.trim_end());
        run::caught(|| predict(program))
    };
    let mut asked = 0;
    let mut tries = 0;
    while asked < programs {
        tries += 1;
        assert!(tries < 100 * programs, "the shape refuses nearly all programs");
        let size = 1 + asked * 12 / programs;
        let program = random(&mut rng, size, shape);
        if !(shape.keep)(&program) {
            continue;
        }
        asked += 1;
        if predict(&program) != Ok(on_the_loop(&program, shape.from)) {
            let smallest = shrink(program, &predict, shape);
            return Err(show(&smallest, &predict(&smallest), shape.from, asked));
        }
    }
    Ok(format!("{programs} random programs, each run on the real loop"))
}

/// Takes out tasks while the answer stays wrong, or is a panic.
fn shrink(mut program: Vec<Task>, predict: &impl Fn(&[Task]) -> Order, shape: &Shape) -> Vec<Task> {
    let wrong = |program: &[Task]| {
        let is_asked = !program.is_empty() && (shape.keep)(program);
        is_asked && predict(program) != Ok(on_the_loop(program, shape.from))
    };
    'again: loop {
        for number in 0..count(&program) {
            let mut shorter = program.clone();
            remove(&mut shorter, &mut { number });
            relabel(&mut shorter);
            if wrong(&shorter) {
                program = shorter;
                continue 'again;
            }
        }
        return program;
    }
}

fn count(program: &[Task]) -> usize {
    program.iter().map(|task| 1 + count(&task.then)).sum()
}

/// Removes the task with this number, counted as a reader meets them, and all that hangs on it.
fn remove(program: &mut Vec<Task>, number: &mut usize) -> bool {
    for index in 0..program.len() {
        if *number == 0 {
            program.remove(index);
            return true;
        }
        *number -= 1;
        if remove(&mut program[index].then, number) {
            return true;
        }
    }
    false
}

fn show(program: &[Task], yours: &Order, from: First, asked: usize) -> String {
    let real = on_the_loop(program, from);
    if yours.as_ref() == Ok(&real) {
        return format!(
            "random program number {asked}: `order` gave a wrong order, and about the same program again the right one"
        );
    }
    let first = match from {
        First::Main => "The main program",
        First::Io => "An I/O callback",
    };
    let wrong = yours.as_ref().err().map_or("your order is not the order of the real loop", String::as_str);
    let mut text = format!("random program number {asked}: {wrong}.\n\n");
    let _ = writeln!(text, "The smallest program that shows it. {first} schedules:");
    write_tasks(&mut text, program, 1);
    let line = |labels: &[char]| labels.iter().map(char::to_string).collect::<Vec<_>>().join(" ");
    let Ok(yours) = yours else {
        let _ = writeln!(text, "\n  the real loop  {}", line(&real));
        return text;
    };
    let _ = writeln!(text, "\n  your order     {}", line(yours));
    let _ = writeln!(text, "  the real loop  {}", line(&real));
    let same = real.iter().zip(yours).take_while(|(real, yours)| real == yours).count();
    let _ = writeln!(text, "                 {}^ the first difference", "  ".repeat(same));
    if yours.len() != real.len() {
        let _ =
            writeln!(text, "Each task runs exactly once: {} labels, yours has {}.", real.len(), yours.len());
    }
    text
}

fn write_tasks(text: &mut String, tasks: &[Task], depth: usize) {
    for task in tasks {
        let when = match task.when {
            When::Tick => "next_tick".to_owned(),
            When::Microtask => "microtask".to_owned(),
            When::Immediate => "set_immediate".to_owned(),
            When::Timer(ms) => format!("set_timeout {ms} ms"),
        };
        let then = if task.then.is_empty() { "" } else { ", which schedules:" };
        let _ = writeln!(text, "{}{}  by {when}{then}", "    ".repeat(depth), task.label);
        write_tasks(text, &task.then, depth + 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(label: char, when: When, then: Vec<Task>) -> Task {
        Task { label, when, then }
    }

    #[test]
    fn the_loop_runs_an_immediate_before_a_timer_only_after_io() {
        let program = [
            task('a', When::Timer(0), vec![]),
            task('b', When::Immediate, vec![]),
            task('c', When::Tick, vec![]),
        ];
        assert_eq!(on_the_loop(&program, First::Main), ['c', 'a', 'b']);
        assert_eq!(on_the_loop(&program, First::Io), ['c', 'b', 'a']);
    }

    #[test]
    fn removing_takes_the_task_that_was_numbered() {
        let mut program =
            vec![task('a', When::Tick, vec![task('b', When::Tick, vec![])]), task('c', When::Tick, vec![])];
        assert_eq!(count(&program), 3);
        assert!(remove(&mut program, &mut 1));
        assert_eq!(count(&program), 2);
        assert!(remove(&mut program, &mut 1));
        assert_eq!(program, [task('a', When::Tick, vec![])]);
        assert!(!remove(&mut program, &mut 1));
    }
}
