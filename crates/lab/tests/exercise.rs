//! `lab exercise` as a learner uses it: what it lists, how it judges, what it keeps, and what it leaves behind.
//!
//! # Length
//! One command, and one set that takes its time to build: in one program the tests build it once.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::Value;

mod exercise_set;
mod support;
use exercise_set::{EXERCISES, FIRST_SUM, TestSet};

#[test]
fn the_list_shows_what_is_done_what_is_next_and_what_to_type() {
    let set = TestSet::new();
    set.write("progress.toml", "first_sum = \"2026-01-02\"\nrenamed_since = \"2026-01-01\"\n");
    let said = set.run("list");
    assert_eq!(said.code, Some(0), "{said:?}");
    let lines: Vec<&str> = said.out.lines().collect();
    assert!(
        lines[0].contains("first_sum") && lines[0].contains("10 min") && lines[0].ends_with("done"),
        "{lines:?}"
    );
    assert!(lines[1].contains("Title second_sum") && lines[1].ends_with("next"), "{lines:?}");
    assert!(lines[2].ends_with("open") && said.out.contains("1 of 7 done"), "{}", said.out);
    let said = set.run("");
    assert!(said.out.contains("lab exercise watch second_sum"), "{}", said.out);
    assert!(said.out.contains("\n  exercises/exercises/01_plain/second_sum.rs\n"), "{}", said.out);
    let korean = set.run("list --ko");
    assert!(
        korean.out.contains("제목 first_sum") && korean.out.contains("7개 가운데 1개 완료"),
        "{}",
        korean.out
    );
    let json: Value = serde_json::from_str(&set.run("list --json").out).expect("JSON");
    assert_eq!((&json["done"], &json["of"]), (&1.into(), &7.into()));
    assert_eq!(
        (&json["exercises"][0]["state"], &json["exercises"][0]["since"]),
        (&"done".into(), &"2026-01-02".into())
    );
}

#[test]
fn the_set_is_found_from_below_and_by_its_folder_and_a_missing_one_is_told() {
    let set = TestSet::new();
    let mut below = set.command("list");
    below.current_dir(set.path("exercises/01_plain"));
    assert!(below.output().expect("it starts").status.success());
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    for (dir, code) in [(Some(set.top().to_owned()), 0), (Some(set.path("")), 0), (None, 2)] {
        let mut command = set.command("list");
        command.current_dir(elsewhere.path());
        if let Some(dir) = dir {
            command.arg("--dir").arg(dir);
        }
        let said = support::Ended::from(command.output().expect("it starts"));
        assert_eq!(said.code, Some(code), "{said:?}");
        assert_eq!(said.err.contains("--dir DIR"), code == 2, "{said:?}");
    }
}

#[test]
fn a_right_answer_is_recorded_and_a_wrong_one_is_taken_back() {
    let set = TestSet::new();
    let said = set.run("check --seed 41");
    assert_eq!(said.code, Some(1), "{said:?}");
    for part in
        ["the sum is wrong", "failed: first_sum (seed 41", "check first_sum --seed 41", "hint first_sum"]
    {
        assert!(said.out.contains(part), "{part} in {}", said.out);
    }
    assert!(!set.path("progress.toml").exists());

    set.solve_first_sum();
    let said = set.run("check first_sum");
    assert_eq!(said.code, Some(0), "{said:?}");
    for part in
        ["passed: first_sum (seed ", "solutions/01_plain/first_sum.rs", "Next (2 of 7)", "watch second_sum"]
    {
        assert!(said.out.contains(part), "{part} in {}", said.out);
    }
    assert!(!said.out.contains("graded "), "the token is for programs: {}", said.out);
    assert!(set.read("progress.toml").contains("\nfirst_sum = \"2"), "{}", set.read("progress.toml"));
    assert_eq!(set.run("check").code, Some(0), "the next one passes as it is");

    set.write(FIRST_SUM, &set.read(FIRST_SUM).replace("{ 3 }", "{ 4 }"));
    let said = set.run("check 1 --ko");
    assert!(said.out.contains("실패: first_sum") && said.out.contains("다시 남은 문제"), "{}", said.out);
    assert!(!set.read("progress.toml").contains("first_sum"), "{}", set.read("progress.toml"));
}

#[test]
fn all_are_checked_with_a_table_and_for_programs() {
    let set = TestSet::new();
    set.write("progress.toml", "edited_main = 2026-01-02\n");
    let said = set.run("check --all --limit 1");
    assert_eq!(said.code, Some(1), "{said:?}");
    let row =
        |name: &str| said.out.lines().find(|line| line.contains(name)).unwrap_or_else(|| panic!("{said:?}"));
    for (name, verdict) in [
        ("first_sum", "failed"),
        ("second_sum", "passed"),
        ("busy_loop", "timed out"),
        ("left_behind", "timed out"),
        ("mistyped", "did not compile"),
        ("edited_main", "main was edited (was done before; open again)"),
        ("odd_output", "failed"),
    ] {
        assert!(row(name).ends_with(verdict), "{name}: {}", row(name));
    }
    assert!(said.out.contains("1 of 7 pass") && said.out.contains("watch first_sum"), "{}", said.out);
    let progress = set.read("progress.toml");
    assert!(progress.contains("second_sum") && !progress.contains("edited_main"), "{progress}");
    let json: Value = serde_json::from_str(&set.run("check second_sum --json --seed 9").out).expect("JSON");
    assert_eq!(
        (&json["verdict"], &json["seed"], &json["next"]),
        (&"passed".into(), &9.into(), &"first_sum".into())
    );
    assert_eq!(json["output"], "passed: second_sum (seed 9)");
}

#[test]
fn what_does_not_compile_is_shown_with_its_first_error_and_an_edited_main_is_told() {
    let set = TestSet::new();
    let said = set.run("check mistyped");
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("expected `u32`, found `&str`"), "the compiler speaks: {}", said.err);
    for part in [
        "did not compile: mistyped",
        "exercises/03_text/mistyped.rs:2:19: mismatched types",
        "rustc --explain E0308",
    ] {
        assert!(said.out.contains(part), "{part} in {}", said.out);
    }
    let said = set.run("check edited_main");
    assert_eq!(said.code, Some(1), "{said:?}");
    for part in ["main was edited: edited_main", "grader was never called", "lab exercise reset edited_main"]
    {
        assert!(said.out.contains(part), "{part} in {}", said.out);
    }
    set.write("exercises/03_text/edited_main.rs", "fn no_main() {}\n");
    let said = set.run("check edited_main");
    assert!(
        said.out.contains("did not compile") && said.out.contains("lab exercise reset edited_main"),
        "{said:?}"
    );
    set.write("Cargo.toml", "[package]\nname = \"broken");
    let said = set.run("check first_sum");
    assert_eq!(said.code, Some(1));
    assert!(said.err.contains("cargo could not build first_sum"), "an error of the set: {said:?}");
    assert!(said.err.contains("Cargo.toml:2"), "cargo's own words: {said:?}");
}

#[test]
fn a_program_knows_no_secrets_moves_no_cursor_and_gets_no_end_of_memory() {
    let set = TestSet::new();
    let mut command = set.command("check odd_output --seed 5");
    let said = support::Ended::from(command.env("LAB_TEST_SECRET", "x").output().expect("it starts"));
    assert_eq!(said.code, Some(1));
    assert!(said.out.starts_with("secret: None, seed: Some(\"5\")\n^[[2Jcleared\n"), "{}", &said.out[..80]);
    assert!(said.out.len() < 200_000 && said.out.contains("bytes left out"), "{} bytes", said.out.len());
    assert!(said.out.contains("the end\n"), "the end is kept, whatever the middle");
    if cfg!(target_os = "linux") {
        assert!(said.out.contains("memory allocation of"), "{}", &said.out[said.out.len() - 600..]);
        assert!(said.out.contains("ended by signal 6") && said.out.contains("more memory than the 4 GiB"));
    }
}

/// Whether a process still runs; one that has ended and that nobody collected does not.
fn runs(pid: i32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    let is_ended = stat.is_ok_and(|stat| stat.rsplit(')').next().is_some_and(|rest| rest.starts_with(" Z")));
    !is_ended && Pid::from_raw(pid).is_some_and(|pid| test_kill_process(pid).is_ok())
}

fn assert_gone(pids: &[i32]) {
    assert_eq!(pids.len(), 2, "{pids:?}");
    for _ in 0..1_000 {
        if !pids.iter().any(|pid| runs(*pid)) {
            return;
        }
        // sleep: the kernel tells nobody but the parent when a process is gone
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("left behind: {pids:?}");
}

fn pids_in(text: &str) -> Vec<i32> {
    let words = text.split("pids ").nth(1).unwrap_or("").lines().next().unwrap_or("").split(' ');
    words.filter_map(|word| word.parse().ok()).collect()
}

#[test]
fn a_program_that_hangs_is_ended_with_its_children_and_its_threads_are_told_real_time() {
    let set = TestSet::new();
    let said = set.run("check left_behind --limit 1");
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_gone(&pids_in(&said.out));
    assert!(said.out.contains("timed out: left_behind"), "{}", said.out);
    if cfg!(target_os = "linux") {
        let line = |name: &str| {
            said.out.lines().find(|line| line.trim_start().starts_with(name)).unwrap_or_default()
        };
        assert!(line("waits-for-ever").contains(": waits, in futex"), "{}", said.out);
        assert!(line("sleep").contains(": waits, in "), "{}", said.out);
    }
    let json: Value = serde_json::from_str(&set.run("check busy_loop --limit 1 --json").out).expect("JSON");
    assert_eq!((&json["verdict"], &json["output"]), (&"timed out".into(), &"begun".into()));
    if cfg!(target_os = "linux") {
        let threads = json["threads"].as_array().expect("a list");
        assert_eq!((threads.len(), &threads[0]["name"]), (1, &"busy_loop".into()), "{threads:?}");
        assert_eq!(threads[0]["state"], "runs", "{threads:?}");
    }
}

#[test]
fn a_program_that_its_own_watchdog_ended_needs_no_second_table() {
    let set = TestSet::new();
    set.write(
        "exercises/03_text/edited_main.rs",
        "fn main() { println!(\"time is up\"); std::process::exit(124) }\n",
    );
    let said = set.run("check edited_main --seed 3");
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.out.starts_with("time is up\n\ntimed out: edited_main (seed 3, "), "{}", said.out);
}

/// The file in which the exercise says which processes it has; its output is told only when it has ended.
fn say_pids_in_a_file(set: &TestSet) -> String {
    let path = set.path("pids");
    let file = "exercises/02_endless/left_behind.rs";
    let said = set.read(file);
    let write = format!("std::fs::write({:?}, format!(\"pids {{}} {{}}\\n\", ", path.display().to_string());
    let text =
        said.replace("println!(\"pids {} {}\", ", &write).replace("child.id());", "child.id())).unwrap();");
    assert_ne!(text, said);
    set.write(file, &text);
    path.display().to_string()
}

fn wait_for_pids(path: &str) -> Vec<i32> {
    for _ in 0..6_000 {
        let pids = std::fs::read_to_string(path).map(|text| pids_in(&text)).unwrap_or_default();
        if pids.len() == 2 {
            return pids;
        }
        // sleep: a file that is written tells nobody without a watcher
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("the exercise never ran");
}

fn signal(child: &Child, signal: Signal) {
    let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw).expect("a process id");
    kill_process(pid, signal).expect("it is our own child");
}

#[test]
fn ctrl_c_and_a_kill_leave_no_process() {
    for (how, code) in [(Signal::INT, Some(130)), (Signal::KILL, None)] {
        let set = TestSet::new();
        let path = say_pids_in_a_file(&set);
        let mut child =
            set.command("check left_behind --limit 600").stdout(Stdio::null()).spawn().expect("it starts");
        let pids = wait_for_pids(&path);
        assert!(pids.iter().all(|pid| runs(*pid)), "{pids:?}");
        signal(&child, how);
        assert_eq!(child.wait().expect("it ends").code(), code);
        assert_gone(&pids);
    }
}

#[test]
fn hints_come_in_levels_and_in_both_languages() {
    let set = TestSet::new();
    let said = set.run("hint first_sum");
    assert!(
        said.out.contains("Hint 1 of 3") && said.out.contains("\none\n") && !said.out.contains("two"),
        "{said:?}"
    );
    assert!(said.out.contains("hint first_sum --level 2"), "{}", said.out);
    let said = set.run("hint first_sum --level 3");
    assert!(said.out.contains("\nthree\n") && !said.out.contains("More:"), "{}", said.out);
    for level in [0, 4] {
        let said = set.run(&format!("hint first_sum --level {level}"));
        assert_eq!(said.code, Some(2));
        assert!(said.err.contains("first_sum has 3 hints"), "{}", said.err);
    }
    let mut korean = set.command("hint second_sum");
    let said = support::Ended::from(korean.env("LANG", "ko_KR.UTF-8").output().expect("it starts"));
    assert!(said.out.contains("\n하나\n"), "{}", said.out);
}

#[test]
fn reset_brings_the_original_back_and_keeps_every_version() {
    let set = TestSet::new();
    let original = set.read(FIRST_SUM);
    assert!(set.run("reset first_sum").out.contains("is the original already"));
    for number in 1..=2 {
        set.write(FIRST_SUM, &format!("version {number}\n"));
        set.write("progress.toml", "first_sum = \"2026-01-02\"\n");
        let said = set.run("reset exercises/exercises/01_plain/first_sum.rs");
        assert_eq!(said.code, Some(0), "{said:?}");
        let backup = format!("exercises/.backups/first_sum.rs.bak-{number}");
        assert!(said.out.contains(&backup), "{}", said.out);
        assert_eq!(set.read(FIRST_SUM), original);
        assert!(!set.read("progress.toml").contains("first_sum"), "it is to be solved again");
    }
    assert_eq!(set.read(".backups/first_sum.rs.bak-1"), "version 1\n");
    std::fs::remove_file(set.path(FIRST_SUM)).expect("it is there");
    assert_eq!(set.run("reset first_sum").code, Some(0));
    assert_eq!(set.read(FIRST_SUM), original, "also a file that was lost");
    std::fs::remove_dir_all(set.path("originals")).expect("it is there");
    set.write(FIRST_SUM, "mine\n");
    let said = set.run("reset first_sum");
    assert_eq!((said.code, set.read(FIRST_SUM).as_str()), (Some(1), "mine\n"));
    assert!(said.err.contains("nothing was changed"), "{}", said.err);
}

#[test]
fn a_broken_progress_file_is_told_and_left_alone() {
    let set = TestSet::new();
    let broken = "first_sum = \"2026-01-02\"\nsecond_sum = \n";
    set.write("progress.toml", broken);
    for words in ["", "list", "check second_sum", "check --all", "watch second_sum"] {
        let said = set.run(words);
        assert_eq!(said.code, Some(1), "{words}: {said:?}");
        assert!(said.err.contains("progress.toml") && said.err.contains("line 2"), "{words}: {}", said.err);
        assert_eq!(set.read("progress.toml"), broken, "{words}");
    }
}

#[test]
fn bad_usage_ends_with_2_and_says_what_there_is() {
    let set = TestSet::new();
    for (words, part) in [
        ("check frist_sum", "did you mean first_sum"),
        ("check sum", "first_sum, second_sum"),
        ("check zzz", "lab exercise list"),
        ("check 0", "lab exercise list"),
        ("check first_sum --all", "cannot be used with"),
        ("check --limit 0", "0 is not in 1..=3600"),
        ("check --seed x", "invalid digit"),
        ("reset", "<NAME>"),
        ("solve", "unrecognized subcommand"),
    ] {
        let said = set.run(words);
        assert_eq!(said.code, Some(2), "{words}: {said:?}");
        assert!(said.err.contains(part), "{words}: {}", said.err);
    }
    assert!(set.run("check frist_sum --ko").err.contains("혹시 first_sum"), "in Korean");
    let help = set.run("--help").out;
    assert!(help.contains("Examples:") && help.contains("Exit codes:"), "{help}");
    assert_eq!(EXERCISES.len(), 7, "the counts above are of seven");
}

/// A watch in which the test types.
struct Watching {
    child: Child,
    keys: Option<ChildStdin>,
    screen: BufReader<ChildStdout>,
}

impl Watching {
    fn start(set: &TestSet, words: &str) -> Watching {
        let mut command = set.command(words);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let screen = BufReader::new(child.stdout.take().expect("a pipe"));
        Watching { keys: child.stdin.take(), child, screen }
    }

    fn press(&mut self, key: &str) {
        writeln!(self.keys.as_mut().expect("open"), "{key}").expect("it listens");
    }

    /// Reads the screen up to a line with `part`.
    fn until(&mut self, part: &str) -> String {
        let mut seen = String::new();
        while !seen.lines().last().is_some_and(|line| line.contains(part)) {
            let read = self.screen.read_line(&mut seen).expect("text");
            assert_ne!(read, 0, "the watch ended before `{part}`: {seen}");
        }
        seen
    }

    fn end(mut self) -> (Option<i32>, String) {
        drop(self.keys.take());
        let mut rest = String::new();
        self.screen.read_to_string(&mut rest).expect("text");
        (self.child.wait().expect("it ends").code(), rest)
    }
}

const KEYS: &str = "n next  h hint  r run again  l list  x reset  q quit";

#[test]
fn a_watch_checks_at_each_save_and_answers_to_keys() {
    for poll in ["", " --poll"] {
        let set = TestSet::new();
        let original = set.read(FIRST_SUM);
        let mut watching = Watching::start(&set, &format!("watch{poll}"));
        assert!(watching.until(KEYS).contains("failed: first_sum"));
        for part in ["Hint 1 of 3", "Hint 2 of 3", "Hint 3 of 3", "Hint 3 of 3"] {
            watching.press("h");
            watching.until(part);
        }
        watching.press("l");
        watching.until("0 of 7 done");
        set.solve_first_sum();
        watching.until("passed: first_sum (seed");
        assert!(watching.until(KEYS).contains("solutions/01_plain/first_sum.rs"));
        watching.press("x");
        watching.until("y + Enter");
        watching.press("");
        watching.until(KEYS);
        assert_ne!(set.read(FIRST_SUM), original, "an empty line is no yes");
        watching.press("x");
        watching.press("y");
        watching.until("is the original again");
        watching.until("failed: first_sum");
        assert_eq!(set.read(FIRST_SUM), original);
        watching.press("n");
        watching.until("passed: second_sum (seed");
        watching.press("r");
        watching.until("passed: second_sum (seed");
        watching.until(KEYS);
        watching.press("q");
        assert_eq!(watching.end().0, Some(0), "{poll}");
    }
}

#[test]
fn a_save_during_a_run_starts_anew_and_the_end_of_input_or_ctrl_c_leaves_nothing() {
    let set = TestSet::new();
    let path = say_pids_in_a_file(&set);
    let mut watching = Watching::start(&set, "watch left_behind --limit 600");
    let first = wait_for_pids(&path);
    std::fs::remove_file(&path).expect("it was read");
    let file = "exercises/02_endless/left_behind.rs";
    set.write(file, &(set.read(file) + "// saved again\n"));
    let second = wait_for_pids(&path);
    assert_ne!(first, second);
    assert_gone(&first);
    watching.press("n");
    watching.until("did not compile: mistyped");
    assert_gone(&second);
    assert_eq!(watching.end().0, Some(0), "the end of input ends it, too");

    std::fs::remove_file(&path).expect("it was read");
    let watching = Watching::start(&set, "watch left_behind --limit 600");
    let third = wait_for_pids(&path);
    signal(&watching.child, Signal::INT);
    assert_eq!(watching.end().0, Some(130));
    assert_gone(&third);
}
