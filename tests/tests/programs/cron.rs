//! The scheduler as a process: what it refuses, how its jobs end, and that nobody is left behind.
//!
//! All that a job starts has the scheduler's standard output, so the end of that is the end of all.

use std::path::{Path, PathBuf};

use rustix::process::Signal;

use crate::support::{Ended, Program};

fn table(folder: &Path, text: &str) -> PathBuf {
    let file = folder.join("table");
    std::fs::write(&file, text).unwrap();
    file
}

fn start(folder: &Path, text: &str, options: &[&str]) -> Program {
    let file = table(folder, text);
    Program::start("cron", &[&[file.to_str().unwrap()], options].concat())
}

/// Runs, skipped ones, and those that did not end well.
#[track_caller]
fn figures(ended: &Ended, line: usize) -> [u64; 3] {
    let begin = format!("line {line}: ");
    let figures = ended.lines.iter().rev().find_map(|said| said.strip_prefix(&begin)).expect("figures");
    let numbers = figures.split(' ').filter_map(|word| word.parse().ok());
    numbers.collect::<Vec<_>>().try_into().expect("three figures")
}

#[test]
fn a_bad_table_is_refused_with_each_bad_line_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    let ended =
        start(folder.path(), "every 10ms echo runs\n* 75 * * * * echo\n\nevery day echo\n", &[]).end();
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.lines.is_empty(), "{:?}", ended.lines);
    let file = folder.path().join("table").display().to_string();
    for part in [&*file, "line 2: minute: 75 is not in 0 to 59", "line 4: \"day\" is no period"] {
        assert!(ended.errors.contains(part), "{part}: {}", ended.errors);
    }
    let ended = start(folder.path(), "# nothing to do\n", &[]).end();
    assert!(ended.status.code() == Some(1) && ended.errors.contains("has no jobs"), "{}", ended.errors);
    let ended = Program::start("cron", &["/no/such/table"]).end();
    assert!(ended.status.code() == Some(1) && ended.errors.contains("/no/such/table"), "{}", ended.errors);
}

#[test]
fn each_run_is_reported_with_how_it_ended() {
    let folder = tempfile::tempdir().unwrap();
    let text =
        "every 20ms exit 0\nevery 20ms exit 7\nevery 20ms kill -9 $$\n* * * * * * echo \"a  word\" | cat\n";
    let mut cron = start(folder.path(), text, &[]);
    cron.line_with("4 jobs");
    for part in ["a  word", "line 1: ended with 0", "line 2: ended with 7", "line 3: was ended by signal 9"] {
        // They come in any order, and again and again.
        cron.line_with(part);
    }
    cron.line_with("line 4: ended with 0");
    cron.signal(Signal::TERM);
    let ended = cron.end();
    ended.well();
    assert!(ended.lines.iter().any(|line| line.ends_with("line 1: starts")));
    let [runs, _, unwell] = figures(&ended, 2);
    assert!(runs >= 1 && unwell == runs, "{runs} runs");
    assert!(figures(&ended, 4)[0] >= 1);
}

#[test]
fn a_job_never_runs_beside_itself_and_skipped_runs_are_said() {
    let folder = tempfile::tempdir().unwrap();
    let lock = folder.path().join("lock");
    let lock = lock.display();
    let text = format!("every 20ms mkdir {lock} || echo overlap; sleep 0.1; rmdir {lock}\nevery 20ms true\n");
    let mut cron = start(folder.path(), &text, &[]);
    for _ in 0..3 {
        cron.line_with("line 1: skipped");
        cron.line_with("line 1: ended with 0");
    }
    cron.signal(Signal::INT);
    let ended = cron.end();
    // The last `rmdir` may have been ended with its shell.
    ended.well();
    assert!(!ended.lines.iter().any(|line| line.contains("overlap")), "{:#?}", ended.lines);
    let [runs, skipped, _] = figures(&ended, 1);
    assert!(runs >= 3 && skipped >= 3, "{runs} runs, {skipped} skipped");
    assert!(figures(&ended, 2)[0] >= 3, "the other job had its turns");
}

#[test]
fn a_run_over_its_limit_is_asked_to_end_and_then_ended_with_all_that_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let text = "every 100ms sleep 1000; echo never\nevery 100ms trap '' TERM; sleep 1000; echo never\n";
    let mut cron = start(folder.path(), text, &["--limit", "0.05", "--grace", "0.05"]);
    cron.line_with("line 2: does not end and is ended");
    cron.line_with("line 2: was ended by signal 9");
    cron.line_with("line 1: takes too long and is asked to end");
    cron.line_with("line 1: was ended by signal 15");
    cron.signal(Signal::TERM);
    let ended = cron.end();
    ended.well();
    assert!(!ended.lines.iter().any(|line| line == "never"), "{:#?}", ended.lines);
}

#[test]
fn sigterm_ends_the_scheduler_with_its_children_and_a_second_one_does_not_ask() {
    let folder = tempfile::tempdir().unwrap();
    let mut cron = start(folder.path(), "every 20ms echo up; sleep 1000; echo never\n", &[]);
    cron.line_with("up");
    cron.signal(Signal::TERM);
    let ended = cron.end();
    ended.well();
    assert!(
        ended.lines.iter().any(|line| line.contains("line 1: was ended by signal 15")),
        "{:#?}",
        ended.lines
    );
    assert_eq!(figures(&ended, 1)[0], 1);

    let deaf = "every 20ms trap '' TERM; echo up; sleep 1000; echo never\n";
    let mut cron = start(folder.path(), deaf, &["--grace", "600"]);
    cron.line_with("up");
    cron.signal(Signal::TERM);
    cron.signal(Signal::INT);
    let ended = cron.end();
    ended.well();
    assert!(
        ended.lines.iter().any(|line| line.contains("line 1: was ended by signal 9")),
        "{:#?}",
        ended.lines
    );
}

#[test]
fn next_shows_times_and_runs_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let ended = start(folder.path(), "every 1h echo never\n0 0 0 29 2 * echo leap\n", &["--next", "2"]).end();
    ended.well();
    let lines: Vec<&str> = ended.lines.iter().map(String::as_str).collect();
    assert_eq!((lines.len(), lines[0], lines[3]), (6, "line 1: echo never", "line 2: echo leap"));
    assert!(lines[1] < lines[2] && lines[1].ends_with(":00:00.000"), "{lines:?}");
    assert!(lines[4].ends_with("-02-29 00:00:00.000") && lines[4] < lines[5], "{lines:?}");
}
