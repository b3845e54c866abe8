//! Ordering puzzles: each is written once, and our loop and the installed Node must give the same order.
//!
//! # Model
//! `tests/puzzles` has the corpus, one puzzle in a file with the order that Node gave when it was written.
//! Without Node our loop is still held to that order. A puzzle with timers of more than 1 ms gets three
//! attempts in the real world, because a machine that pauses a process at the wrong moment changes the order
//! of such timers; a loop that orders them wrongly fails all three, and the scripted world has no pauses.
//!
//! `RECORD_PUZZLES=1` writes the orders of the installed Node into the files, except those with groups.

mod script;
mod parse;
mod promise;
mod interpret;
mod javascript;
mod node;
mod corpus;

use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use event_loop::TimerOrder;

use interpret::World;
use node::Node;
use script::{Order, Puzzle};

const ATTEMPTS: usize = 3;

type Labels = Result<Vec<String>, String>;

/// Runs the puzzle, again if its order needs pace and did not come. The error is the last answer.
fn attempt(puzzle: &Puzzle, run: impl Fn() -> Labels) -> Result<(), String> {
    let attempts = if puzzle.needs_pace() { ATTEMPTS } else { 1 };
    let mut said = String::new();
    for _ in 0..attempts {
        match run() {
            Ok(labels) if puzzle.order.allows(&labels) => return Ok(()),
            Ok(labels) => said = labels.join(" "),
            Err(error) => said = error,
        }
    }
    Err(said)
}

/// A difference as it is shown to a person.
fn difference(puzzle: &Puzzle, who: &str, said: &str) -> String {
    let Puzzle { name, question, recorded_on, order, .. } = puzzle;
    format!("{name}: {question}\n  node {recorded_on}: {order}\n  {who}: {said}\n")
}

fn differences_of_our_loop(puzzles: &[Puzzle], world: World, timer_order: TimerOrder) -> Vec<String> {
    let run = |puzzle: &Puzzle| attempt(puzzle, || interpret::run(puzzle, world, timer_order));
    let failed = puzzles.iter().filter_map(|puzzle| Some((puzzle, run(puzzle).err()?)));
    failed.map(|(puzzle, said)| difference(puzzle, "our loop", &said)).collect()
}

/// Where the programs for Node go, so that a person can run one alone.
fn write_program(puzzle: &Puzzle) -> PathBuf {
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("puzzles").join(format!("{}.cjs", puzzle.name));
    let folder = file.parent().expect("the file is in a folder");
    std::fs::create_dir_all(folder).expect("a folder below target");
    std::fs::write(&file, javascript::program(puzzle)).expect("a file below target");
    file
}

/// Calls `work` for each puzzle, a few at a time; the answers come in the order of the puzzles.
fn in_parallel<T: Send>(puzzles: &[Puzzle], work: impl Fn(&Puzzle) -> T + Sync) -> Vec<T> {
    let threads = std::thread::available_parallelism().map_or(2, |n| n.get().min(4));
    let next = AtomicUsize::new(0);
    let answers = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some((index, puzzle)) = {
                    let index = next.fetch_add(1, Ordering::SeqCst);
                    puzzles.get(index).map(|puzzle| (index, puzzle))
                } {
                    let answer = work(puzzle);
                    answers.lock().unwrap_or_else(PoisonError::into_inner).push((index, answer));
                }
            });
        }
    });
    let mut answers = answers.into_inner().unwrap_or_else(PoisonError::into_inner);
    answers.sort_by_key(|(index, _)| *index);
    answers.into_iter().map(|(_, answer)| answer).collect()
}

/// Says something that is shown whether or not the test passes.
fn tell(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

#[test]
fn our_loop_gives_the_order_of_node() {
    let found = differences_of_our_loop(&corpus::puzzles(), World::Real, TimerOrder::Since145);
    assert!(found.is_empty(), "{} differ(s):\n{}", found.len(), found.join("\n"));
}

#[test]
fn our_loop_gives_the_order_of_node_in_a_scripted_world() {
    let found = differences_of_our_loop(&corpus::puzzles(), World::Scripted, TimerOrder::Since145);
    assert!(found.is_empty(), "{} differ(s):\n{}", found.len(), found.join("\n"));
}

#[test]
fn the_installed_node_gives_the_recorded_order() {
    let node = match Node::find(Path::new("node")) {
        Ok(node) => node,
        Err(reason) => return tell(&format!("ordering puzzles: skipped: {reason}")),
    };
    let puzzles = corpus::puzzles();
    if std::env::var_os("RECORD_PUZZLES").is_some() {
        return record(&node, &puzzles);
    }
    let answers = in_parallel(&puzzles, |puzzle| {
        let file = write_program(puzzle);
        attempt(puzzle, || node.run(&file)).err().map(|said| (file, said))
    });
    let (mut binding, mut other) = (String::new(), String::new());
    for (puzzle, answer) in puzzles.iter().zip(answers) {
        let Some((file, said)) = answer else { continue };
        let list = if node.is_bound_by(&puzzle.recorded_on) { &mut binding } else { &mut other };
        *list += &difference(puzzle, &format!("node {}", node.version), &said);
        let _ = writeln!(list, "  {}", file.display());
    }
    if !other.is_empty() {
        tell(&format!("ordering puzzles: this Node orders some things in another way:\n{other}"));
    }
    assert!(binding.is_empty(), "{binding}");
    tell(&format!("ordering puzzles: {} asked of node {}", puzzles.len(), node.version));
}

/// Writes what Node says into the corpus.
fn record(node: &Node, puzzles: &[Puzzle]) {
    for puzzle in puzzles.iter().filter(|puzzle| !puzzle.order.has_groups()) {
        let labels =
            node.run(&write_program(puzzle)).unwrap_or_else(|error| panic!("{}: {error}", puzzle.name));
        let file = corpus::file_of(puzzle);
        let text = std::fs::read_to_string(&file).expect("the puzzle's file");
        std::fs::write(&file, parse::with_answer(&text, &node.version, &labels)).expect("the puzzle's file");
    }
}

#[test]
fn a_wrong_order_is_found() {
    let mut puzzles = corpus::puzzles();
    let wrong = puzzles.iter().position(|puzzle| puzzle.name == "ticks/tick-before-microtask");
    let wrong = puzzles.swap_remove(wrong.expect("the puzzle"));
    let wrong = [Puzzle { order: Order::parse("main microtask tick").unwrap(), ..wrong }];
    for world in [World::Real, World::Scripted] {
        let found = differences_of_our_loop(&wrong, world, TimerOrder::Since145);
        assert_eq!(found.len(), 1, "{world:?}");
        assert!(found[0].contains("our loop: main tick microtask"), "{found:?}");
    }
    if let Ok(node) = Node::find(Path::new("node")) {
        let file = write_program(&wrong[0]);
        assert_eq!(attempt(&wrong[0], || node.run(&file)), Err("main tick microtask".to_owned()));
    }
}

#[test]
fn a_loop_with_the_old_timer_order_is_found() {
    let name = "timers/unref-due-in-the-last-pass";
    let puzzles: Vec<Puzzle> = corpus::puzzles().into_iter().filter(|puzzle| puzzle.name == name).collect();
    assert_eq!(puzzles.len(), 1, "{name} is the puzzle in which the two orders differ");
    for world in [World::Real, World::Scripted] {
        assert!(differences_of_our_loop(&puzzles, world, TimerOrder::Since145).is_empty(), "{world:?}");
        assert_eq!(differences_of_our_loop(&puzzles, world, TimerOrder::Before145).len(), 1, "{world:?}");
    }
}
