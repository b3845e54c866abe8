//! A program that runs: its arguments, its exit code, its limits, Ctrl-C.

mod support;

use std::process::Stdio;

use support::{Case, Ended};

#[test]
fn the_exit_code_is_the_programs() {
    for (source, code) in
        [("", 0), ("import sys\nsys.exit(0)\n", 0), ("import sys\nsys.exit(3)\n", 3), ("1 // 0\n", 1)]
    {
        assert_eq!(Case::new(source).run("py a.py").code, Some(code), "{source}");
    }
    let ended = Case::new("import sys\nsys.exit('said')\n").run("py a.py");
    assert_eq!((ended.code, ended.err.as_str()), (Some(1), "said\n"));
}

#[test]
fn the_program_gets_its_own_words() {
    let case = Case::new("import sys\nprint(sys.argv)\n");
    for (words, seen) in [
        ("py a.py", "['a.py']\n"),
        ("py --stats a.py x --turns 5 --gil free", "['a.py', 'x', '--turns', '5']\n"),
        ("py a.py -h --help -- --gil tick", "['a.py', '-h', '--help', '--gil', 'tick']\n"),
    ] {
        assert_eq!(case.run(words).out, seen, "{words}");
    }
}

#[test]
fn an_exception_ends_with_pythons_last_line() {
    let ended = Case::new("def f(x):\n    return 1 // x\nf(0)\n").run("py a.py");
    assert_eq!(ended.code, Some(1));
    assert!(
        ended.err.starts_with("Traceback (most recent call last):\n  File \"a.py\", line 3, in <module>\n")
    );
    assert_eq!(ended.last_error(), "ZeroDivisionError: integer division or modulo by zero");
}

#[test]
fn endless_allocation_is_a_memory_error() {
    let ended = Case::new("kept = []\nwhile True:\n    kept = [kept, 'x' * 1000]\n")
        .run("py a.py --memory 32 --time-limit 60");
    assert_eq!(ended.code, Some(1), "{}", ended.err);
    assert!(ended.last_error().starts_with("MemoryError"), "{}", ended.err);
}

#[test]
fn a_time_limit_ends_an_endless_loop() {
    let ended = Case::new("while True:\n    pass\n").run("py a.py --time-limit 0.2");
    assert!(ended.code.is_some_and(|code| code != 0), "{ended:?}");
    assert!(ended.err.contains("the time limit"), "{}", ended.err);
}

#[cfg(unix)]
mod ctrl_c {
    use std::io::{BufRead, BufReader};
    use std::process::Child;

    use rustix::process::{Pid, Signal, kill_process};

    use super::*;

    fn interrupt(child: &Child) {
        kill_process(Pid::from_child(child), Signal::INT).expect("it still runs");
    }

    /// Starts a program and waits until it has printed a line.
    fn started(case: &Case) -> (Child, String) {
        let mut command = case.command("py a.py --time-limit 60");
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("piped")).read_line(&mut line).expect("a line");
        (child, line)
    }

    #[test]
    fn the_first_one_is_a_keyboard_interrupt() {
        let case = Case::new("print('ready', flush=True)\nwhile True:\n    pass\n");
        let (child, line) = started(&case);
        assert_eq!(line, "ready\n");
        interrupt(&child);
        let ended = Ended::from(child.wait_with_output().expect("it ends"));
        assert_eq!((ended.code, ended.last_error()), (Some(130), "KeyboardInterrupt"));
    }

    #[test]
    fn a_second_one_ends_a_program_that_ignores_the_first() {
        let source = "
while True:
    try:
        print('ready', flush=True)
        while True:
            pass
    except KeyboardInterrupt:
        print('no', flush=True)
";
        let case = Case::new(source);
        let (mut child, _) = started(&case);
        interrupt(&child);
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("piped")).read_line(&mut line).expect("a line");
        assert_eq!(line, "no\n");
        interrupt(&child);
        assert_eq!(child.wait().expect("it ends").code(), Some(130));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn no_child_process_outlives_it() {
        let source = "
import multiprocessing
import os
import time

def work(pids):
    pids.put(os.getpid())
    time.sleep(50)

if __name__ == '__main__':
    pids = multiprocessing.Queue()
    child = multiprocessing.Process(target=work, args=(pids,))
    child.start()
    try:
        print(pids.get(), flush=True)
        time.sleep(50)
    except KeyboardInterrupt:
        print('no', flush=True)
        time.sleep(50)
";
        let case = Case::new(source);
        let (mut child, line) = started(&case);
        let pid: i32 = line.trim().parse().expect("the child's process id");
        interrupt(&child);
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("piped")).read_line(&mut line).expect("a line");
        assert_eq!(line, "no\n");
        interrupt(&child);
        let ended = Ended::from(child.wait_with_output().expect("it ends"));
        assert_eq!(ended.code, Some(130), "{}", ended.err);
        // The pipes that the child had from its parent are closed: it is ending, so few looks are enough.
        let stat = format!("/proc/{pid}/stat");
        let is_alive = || std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z "));
        assert!((0..100_000).any(|_| !is_alive()), "process {pid} outlives its parent");
    }
}
