//! `lab exercise` in motion: a program that hangs, Ctrl-C at each moment, a watch that is typed to; and that none of it
//! leaves a process behind.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::Value;

mod exercise_set;
mod support;
use exercise_set::{FIRST_SUM, TestSet};

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
    let pause = Duration::from_millis(10);
    for _ in 0..LONG.as_millis() / pause.as_millis() {
        let pids = std::fs::read_to_string(path).map(|text| pids_in(&text)).unwrap_or_default();
        if pids.len() == 2 {
            return pids;
        }
        // sleep: a file that is written tells nobody without a watcher
        std::thread::sleep(pause);
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
fn ctrl_c_during_a_build_ends_cargo_with_its_children() {
    let set = TestSet::new();
    std::fs::create_dir(set.path("target")).expect("a folder of builds");
    set.write_program("cargo", "sleep 1000 & echo pids $$ $! > pids.new; mv pids.new pids; wait");
    for (words, code) in [("check first_sum", 130), ("check --all", 130), ("watch first_sum", 130)] {
        let mut command = set.command(words);
        command.env("CARGO", set.path("cargo")).stdin(Stdio::piped()).stdout(Stdio::null());
        let mut child = command.spawn().expect("it starts");
        let pids = wait_for_pids(&set.path("pids").display().to_string());
        std::fs::remove_file(set.path("pids")).expect("it was read");
        signal(&child, Signal::INT);
        assert_eq!(child.wait().expect("it ends").code(), Some(code), "{words}");
        assert_gone(&pids);
    }
}

#[test]
fn ctrl_c_among_all_exercises_tells_what_was_checked_until_then() {
    let set = TestSet::new();
    let path = say_pids_in_a_file(&set);
    set.write("exercises/02_endless/busy_loop.rs", "fn main() {}\n");
    set.write("progress.toml", "first_sum = 2026-01-02\n");
    let mut command = set.command("check --all --limit 600");
    let child = command.stdout(Stdio::piped()).spawn().expect("it starts");
    let pids = wait_for_pids(&path);
    signal(&child, Signal::INT);
    let said = support::Ended::from(child.wait_with_output().expect("it ends"));
    assert_eq!(said.code, Some(130), "{said:?}");
    assert_gone(&pids);
    let lines: Vec<&str> = said.out.lines().collect();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].ends_with("failed (was done before; open again)"), "{lines:?}");
}

/// A watch in which the test types.
struct Watching {
    child: Child,
    keys: Option<ChildStdin>,
    screen: Receiver<String>,
}

impl Watching {
    fn start(set: &TestSet, words: &str) -> Watching {
        let mut command = set.command(words);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let (sender, screen) = mpsc::channel();
        // It ends with the watch.
        std::thread::spawn(move || lines.map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Watching { keys: child.stdin.take(), child, screen }
    }

    fn press(&mut self, key: &str) {
        writeln!(self.keys.as_mut().expect("open"), "{key}").expect("it listens");
    }

    /// Reads the screen up to a line with `part`.
    fn until(&mut self, part: &str) -> String {
        let mut seen = String::new();
        while !seen.lines().last().is_some_and(|line| line.contains(part)) {
            match self.screen.recv_timeout(LONG) {
                Ok(line) => seen += &(line + "\n"),
                Err(error) => panic!("{error} before `{part}`: {seen}"),
            }
        }
        seen
    }

    fn end(mut self) -> (Option<i32>, String) {
        drop(self.keys.take());
        let code = self.child.wait().expect("it ends").code();
        (code, self.screen.iter().map(|line| line + "\n").collect())
    }
}

/// More than any step of a watch takes, the first build included.
const LONG: Duration = Duration::from_secs(120);

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
    for poll in ["", " --poll"] {
        let set = TestSet::new();
        let path = say_pids_in_a_file(&set);
        let mut watching = Watching::start(&set, &format!("watch left_behind --limit 600{poll}"));
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
        let watching = Watching::start(&set, &format!("watch left_behind --limit 600{poll}"));
        let third = wait_for_pids(&path);
        signal(&watching.child, Signal::INT);
        assert_eq!(watching.end().0, Some(130));
        assert_gone(&third);
    }
}

#[test]
fn a_watch_outlives_a_file_that_is_away_and_a_progress_that_is_broken() {
    for poll in ["", " --poll"] {
        let set = TestSet::new();
        let (file, away) = (set.path(FIRST_SUM), set.path("away"));
        let mut watching = Watching::start(&set, &format!("watch first_sum{poll}"));
        watching.until("failed: first_sum");
        watching.until(KEYS);
        std::fs::rename(&file, &away).expect("it is there");
        watching.until("there is no file");
        watching.until(KEYS);
        std::fs::rename(&away, &file).expect("it is there");
        watching.until("failed: first_sum");
        watching.until(KEYS);
        std::fs::rename(&file, &away).expect("it is there");
        std::fs::create_dir(&file).expect("a folder in its place");
        watching.until("there is no file");
        watching.until(KEYS);
        std::fs::remove_dir(&file).expect("it is there");
        set.write("progress.toml", "<<<<<<< HEAD\n");
        std::fs::rename(&away, &file).expect("it is there");
        watching.until("failed: first_sum");
        watching.until("cannot be understood");
        watching.until(KEYS);
        watching.press("l");
        watching.until("cannot be understood");
        watching.press("n");
        watching.until("passed: second_sum");
        watching.until("cannot be understood");
        watching.until(KEYS);
        watching.press("q");
        assert_eq!(watching.end().0, Some(0), "{poll}");
        assert_eq!(set.read("progress.toml"), "<<<<<<< HEAD\n");
    }
}

#[test]
fn a_question_loses_no_save_and_no_end_of_input_and_a_slip_of_a_key_ends_nothing() {
    let set = TestSet::new();
    let mut watching = Watching::start(&set, "watch first_sum");
    watching.until(KEYS);
    watching.keys.as_mut().expect("open").write_all(b"\xff\xfe\n").expect("it listens");
    watching.until(KEYS);
    watching.press("x");
    watching.until("y + Enter");
    set.solve_first_sum();
    watching.until("passed: first_sum");
    watching.until(KEYS);
    watching.press("y");
    watching.until(KEYS);
    assert!(set.read(FIRST_SUM).contains("{ 3 }"), "the question is gone");
    watching.press("x");
    watching.until("y + Enter");
    drop(watching.keys.take());
    assert_eq!(watching.screen.recv_timeout(LONG), Err(RecvTimeoutError::Disconnected));
    assert_eq!(watching.end().0, Some(0));
}
