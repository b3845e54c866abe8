//! Rules about letting go of the lock that a run takes away: who was asked, and who sleeps or hashes.

use std::time::Duration;

use gil_interpreter::gil::Ablations;
use gil_interpreter::{Output, Program, RunOptions, run};

/// How often each thread gave the lock back, in the order of their names.
fn releases(source: &str, ablations: &str, interval: Duration) -> Vec<(String, u64)> {
    let ablations: Ablations = ablations.parse().expect("known names");
    let options = RunOptions { ablations, interval, output: Output::captured(), ..RunOptions::default() };
    let program = Program::compile("program.py", source).expect("it is inside the subset");
    let report = run(&program, options);
    assert_eq!(report.exit_code, 0);
    let mut rows: Vec<(String, u64)> =
        report.lock.threads().iter().map(|row| (row.name.clone(), row.counters.releases)).collect();
    rows.sort();
    rows
}

#[test]
fn sleeping_and_hashing_give_the_lock_away_unless_that_is_taken_away() {
    let source = "import hashlib\nimport time\ntime.sleep(0)\nhashlib.sha256(bytes(4096))\n";
    let hour = Duration::from_secs(3_600);
    assert_eq!(releases(source, "", hour), [("main".to_owned(), 3)]);
    assert_eq!(releases(source, "alone-keeps", hour), [("main".to_owned(), 1)], "only at its end");
}

#[test]
fn a_thread_that_was_asked_keeps_the_lock_to_its_end_where_that_rule_is_taken_away() {
    let source = "\
import threading
def work():
    n = 200000
    while n > 0:
        n -= 1
threads = [threading.Thread(target=work, name=name) for name in ['a', 'b']]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
";
    let rows = releases(source, "asked-keeps", Duration::from_micros(1));
    assert_eq!(rows[..2], [("a".to_owned(), 0), ("b".to_owned(), 0)], "before its end");
}
