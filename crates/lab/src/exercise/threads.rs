//! Where the threads of a program stand, as the kernel tells it (Linux; elsewhere nothing is known).
//!
//! # Source
//! proc(5): `/proc/PID/task/TID/` with `comm`, `stat` (the state is the first field behind the name), `syscall` and
//! `wchan`. The last two may be forbidden; then the state alone is told.

use std::fs;
use std::path::Path;

use serde::Serialize;

/// One thread.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Stood {
    /// The process it is of.
    pub(crate) process: u32,
    /// Its own number.
    pub(crate) thread: u32,
    /// Its name.
    pub(crate) name: String,
    /// What the kernel says that it does.
    pub(crate) state: &'static str,
    /// The system call in which it waits.
    pub(crate) waits_in: Option<String>,
}

impl Stood {
    /// As one line.
    pub(crate) fn line(&self) -> String {
        let waits = self.waits_in.as_ref().map(|call| format!(", in {call}")).unwrap_or_default();
        format!("{:<16} {}/{}: {}{waits}", self.name, self.process, self.thread, self.state)
    }
}

/// All threads of these processes.
pub(crate) fn of(processes: &[u32]) -> Vec<Stood> {
    let mut all = Vec::new();
    for process in processes {
        // A process may end while one looks.
        let Ok(threads) = fs::read_dir(format!("/proc/{process}/task")) else { continue };
        let mut threads: Vec<u32> =
            threads.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
        threads.sort_unstable();
        all.extend(threads.into_iter().filter_map(|thread| look(*process, thread)));
    }
    all
}

fn look(process: u32, thread: u32) -> Option<Stood> {
    let folder = format!("/proc/{process}/task/{thread}");
    let folder = Path::new(&folder);
    let name = fs::read_to_string(folder.join("comm")).ok()?.trim_end().to_owned();
    let stat = fs::read_to_string(folder.join("stat")).ok()?;
    // A name may hold brackets and spaces itself, so what counts is the last bracket.
    let letter = stat.rsplit_once(')')?.1.trim_start().chars().next()?;
    let text = |file: &str| fs::read_to_string(folder.join(file)).unwrap_or_default();
    let waits_in =
        if letter == 'R' { None } else { call(&text("syscall")).or_else(|| kernel_place(&text("wchan"))) };
    Some(Stood { process, thread, name: super::output::plain(&name), state: state(letter), waits_in })
}

fn state(letter: char) -> &'static str {
    match letter {
        'R' => "runs",
        'S' => "waits",
        'D' => "waits for a device",
        'T' | 't' => "is stopped",
        'Z' | 'X' => "has ended",
        _ => "is in a state without a name",
    }
}

fn kernel_place(wchan: &str) -> Option<String> {
    let place = wchan.trim();
    (!place.is_empty() && place != "0").then(|| super::output::plain(place))
}

/// The calls in which exercises wait: number on x86-64, number on 64-bit ARM, what it is.
const CALLS: [(u32, u32, &str); 12] = [
    (202, 98, "futex: a lock, a condition variable, a join or a park"),
    (449, 449, "futex_waitv: one of several locks"),
    (232, 22, "epoll_wait: events of a loop"),
    (281, 22, "epoll_pwait: events of a loop"),
    (7, 73, "poll: events"),
    (271, 73, "ppoll: events"),
    (0, 63, "read"),
    (1, 64, "write"),
    (35, 101, "nanosleep: a sleep"),
    (230, 115, "clock_nanosleep: a sleep"),
    (61, 260, "wait4: the end of a child"),
    (247, 95, "waitid: the end of a child"),
];

/// The call that `/proc/…/syscall` names: its number comes first, or the word `running`.
fn call(line: &str) -> Option<String> {
    let number: u32 = line.split_whitespace().next()?.parse().ok()?;
    let here = |(intel, arm, _): &&(u32, u32, &str)| match std::env::consts::ARCH {
        "x86_64" => *intel == number,
        "aarch64" => *arm == number,
        _ => false,
    };
    let known = CALLS.iter().find(here).map(|(_, _, name)| (*name).to_owned());
    known.or_else(|| Some(format!("system call {number}")))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn a_thread_that_waits_is_told_with_its_name() {
        let (sender, receiver) = mpsc::channel::<()>();
        let waiting = std::thread::Builder::new().name("waits-here".into()).spawn(move || receiver.recv());
        let is_there = || {
            let all = of(&[std::process::id()]);
            all.into_iter().find(|one| one.name == "waits-here" && one.state == "waits")
        };
        let mut found = is_there();
        while found.is_none() {
            // sleep: a thread that begins to wait tells nobody
            std::thread::park_timeout(MOMENT);
            found = is_there();
        }
        let line = found.expect("the loop goes on until it is there").line();
        assert!(line.starts_with("waits-here ") && line.contains(": waits"), "{line}");
        drop(sender);
        waiting.expect("spawned").join().expect("no panic").expect_err("nothing was sent");
    }

    const MOMENT: std::time::Duration = std::time::Duration::from_millis(5);

    #[test]
    fn a_process_that_is_gone_has_no_threads_and_unknown_calls_their_number() {
        assert_eq!(of(&[u32::MAX]), []);
        assert_eq!(call("9999 0x1 0x2"), Some("system call 9999".to_owned()));
        assert_eq!((call("running"), call("")), (None, None));
        assert_eq!((kernel_place("0\n"), kernel_place("do_wait\n")), (None, Some("do_wait".to_owned())));
    }
}
