//! The examples do what their headers say, and refuse arguments that they do not know.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use trace_report::chrome::{self, Summary};

use crate::built::{program, root};

/// `starvation` has tests of its own: it takes its time.
const EXAMPLES: [&str; 7] =
    ["hello_timer", "phase_order", "one_pass", "pool_cancel", "file_read", "futures", "child_runner"];

/// Those that go on until they are told to end, or need somebody to talk to. Most of what they do is tested in `programs`.
const SERVICES: [&str; 7] =
    ["http_hello", "echo_server", "echo_client", "port_forwarder", "cron", "signals", "static_files"];

/// What the example prints, when it ends well.
#[track_caller]
fn output(name: &str, arguments: &[&str]) -> String {
    let output = Command::new(program(name)).args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && errors.is_empty(), "{}: {errors}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn hello_timer_speaks_in_order_and_ends() {
    let output = output("hello_timer", &[]);
    let lines: Vec<(u64, &str)> = output
        .lines()
        .map(|line| {
            let (at_ms, what) = line.split_once(" ms: ").expect("a time and what happened");
            (at_ms.trim().parse().unwrap(), what)
        })
        .collect();
    let what: Vec<&str> = lines.iter().map(|line| line.1).collect();
    let expected = [
        "two timers are set, and nothing has run yet",
        "hello",
        "tick 1",
        "tick 2",
        "tick 3",
        "nothing is left to come, so the loop has ended",
    ];
    assert_eq!(what, expected);
    for ((at_ms, what), earliest_ms) in lines.iter().zip([0, 10, 20, 40, 60, 60]) {
        assert!(*at_ms >= earliest_ms, "{what} at {at_ms} ms is too early");
    }
}

#[test]
#[cfg(unix)]
fn child_runner_shows_lines_and_ends_of_all_and_passes_the_failure_on() {
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines.join(", ")
    };
    let shown = sorted(&output("child_runner", &[]));
    for part in [
        "1| a line",
        "1| another",
        "1: ended with 0",
        "2! an error",
        "2: ended with 7",
        "3: was ended by signal 9",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let long = format!("head -c 10000 /dev/zero | tr '\\0' x; echo; echo {}", "é");
    let ended = Command::new(program("child_runner"))
        .args([long.as_str(), "printf 'no end'", "exit 3"])
        .output()
        .unwrap();
    assert_eq!(ended.status.code(), Some(1));
    let shown = String::from_utf8(ended.stdout).unwrap();
    assert_eq!(
        shown.lines().filter(|line| line.starts_with("1| x")).map(|line| line.len() - 3).sum::<usize>(),
        10_000
    );
    assert!(
        shown.contains("1| é\n") && shown.contains("2| no end\n") && shown.contains("3: ended with 3\n"),
        "{shown}"
    );
}

/// The first Ctrl-C asks, which this child does not mind; the second one does not ask.
#[test]
#[cfg(unix)]
fn child_runner_ends_with_its_children_after_the_second_ctrl_c() {
    // It ends by itself, too, should this test fail.
    let ready = "trap '' TERM; echo ready; for i in $(seq 1000); do sleep 0.05; done";
    let mut runner = Command::new(program("child_runner")).arg(ready).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(runner.stdout.take().unwrap()).lines();
    let line = |lines: &mut dyn Iterator<Item = std::io::Result<String>>| lines.next().unwrap().unwrap();
    assert!(line(&mut lines).contains("starts"));
    assert_eq!(line(&mut lines), "1| ready");
    let interrupt = || {
        let sent = Command::new("kill").args(["-INT", &runner.id().to_string()]).status().unwrap();
        assert!(sent.success());
    };
    interrupt();
    assert!(line(&mut lines).starts_with("Ctrl-C: "));
    interrupt();
    assert_eq!(lines.map(Result::unwrap).collect::<Vec<_>>(), ["1: was ended by signal 9"]);
    assert_eq!(runner.wait().unwrap().code(), Some(1));
}

#[test]
fn phase_order_prints_both_orders() {
    let expected = "\
timers at the end of a pass (libuv since 1.45)
  pass 0:  before(next_tick)  timers(timer)
  pass 1:  idle(idle)  prepare(prepare)  poll(posted)  tasks(task)  check(immediate, check)  timers(timer)
  pass 2:  idle(idle)  prepare(prepare)  tasks(task)  check(check)  closing(close)

timers at the start of a pass (libuv before 1.45)
  pass 0:  before(next_tick)
  pass 1:  timers(timer)  idle(idle)  prepare(prepare)  poll(posted)  tasks(task)  check(immediate, check)
  pass 2:  timers(timer)  idle(idle)  prepare(prepare)  tasks(task)  check(check)  closing(close)

";
    assert_eq!(output("phase_order", &[]), expected);
}

/// A callback computes while a file is read and a timer becomes due; a machine that gives the pool no processor meanwhile
/// spoils that, so the run is tried again, at most three times.
#[test]
fn one_pass_runs_in_the_order_of_its_header() {
    let expected = "F E G I H D C A J D K B L";
    let order = || {
        let output = output("one_pass", &[]);
        let ran = output.lines().filter_map(|line| line.strip_prefix("runs ")?.rsplit(' ').next());
        ran.collect::<Vec<_>>().join(" ")
    };
    let tries: Vec<String> = (0..3).map(|_| order()).take_while(|order| order != expected).collect();
    assert!(tries.len() < 3, "{tries:?}");
}

#[test]
fn pool_cancel_cancels_the_job_that_waits() {
    let expected = "\
cancel job 1: the job is running already: wait for its outcome
cancel job 2: it will not run
job 2: Cancelled
job 1: Done(\"worked on the only thread\")
job 3: Done(\"ran when the thread was free\")
";
    assert_eq!(output("pool_cancel", &[]), expected);
}

#[test]
fn file_read_reads_and_reports_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("notes.txt");
    std::fs::write(&file, "one\ntwo\n").unwrap();
    let output = output("file_read", &[file.to_str().unwrap()]);
    let lines: Vec<&str> = output.lines().collect();
    assert_eq!(lines[..2], ["asked for the file; this thread is free", "read 8 bytes in 2 lines"]);
    let missing = format!("cannot read {:?}: ", folder.path().join("notes.missing"));
    assert!(lines[2].starts_with(&missing), "{}", lines[2]);
    assert_eq!(lines[3..], ["nothing is left to do"]);
}

#[test]
fn file_read_reads_itself_without_an_argument() {
    let source = std::fs::read_to_string(root().join("examples/file_read.rs")).unwrap();
    let expected = format!("read {} bytes in {} lines", source.len(), source.lines().count());
    assert!(output("file_read", &[]).contains(&expected), "{expected}");
}

#[test]
fn futures_take_turns_on_the_main_thread() {
    let length = std::fs::metadata(root().join("examples/futures.rs")).unwrap().len();
    let output = output("futures", &[]).replace("[pool-0]", "[pool]").replace("[pool-1]", "[pool]");
    let expected = format!(
        "\
[main] both tasks are under way
[main] slept meanwhile, and held up nobody
[pool] this is the pool
[main] the key begins with d1, the file has {length} bytes
[main] 2 tasks wrote into the diary
[teller] this is the thread
[main] the thread sent 55 in all
[main] 1 task had to be cut off
"
    );
    assert_eq!(output, expected);
}

/// A process that ends with the test, however that ends.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        // One that has ended by itself was waited for, and cannot be killed any more.
        self.0.kill().and_then(|()| self.0.wait()).expect("the example can be ended");
    }
}

/// The server of http_hello, and the line in which it says where it listens.
fn http_hello(command: &mut Command) -> (Ended, String) {
    let mut server = Ended(command.stdout(Stdio::piped()).spawn().unwrap());
    let mut first = String::new();
    BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut first).unwrap();
    (server, first)
}

fn answer(first: &str, path: &str) -> String {
    let addr = first.trim().strip_prefix("listening on http://").expect("an address");
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn http_hello_serves_until_it_is_ended() {
    let (_server, first) = http_hello(Command::new(program("http_hello")).arg("0"));
    let answers = ["/hello?name=you", "/hello", "/key?password=secret"].map(|path| answer(&first, path));
    assert!(answers[0].ends_with("\r\n\r\nhello, you\n"), "{}", answers[0]);
    assert!(answers[1].ends_with("\r\n\r\nhello, world\n"), "{}", answers[1]);
    let key = answers[2].rsplit("\r\n").next().unwrap().trim();
    assert!(key.len() == 128 && key.bytes().all(|byte| byte.is_ascii_hexdigit()), "{}", answers[2]);
}

#[test]
fn http_hello_says_that_a_port_is_taken() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = Command::new(program("http_hello")).arg(&port).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(errors.contains(&port) && errors.contains("another process has this port"), "{errors}");
}

#[test]
fn bad_arguments_give_the_usage_and_2() {
    for name in EXAMPLES.into_iter().chain(SERVICES) {
        // Any words are commands of the one that runs commands.
        let takes_words = name == "child_runner";
        for bad in [["--nonsense"].as_slice(), &["one", "too many"]].into_iter().take(if takes_words {
            1
        } else {
            2
        }) {
            let output = Command::new(program(name)).args(bad).output().unwrap();
            let errors = String::from_utf8(output.stderr).unwrap();
            assert_eq!(output.status.code(), Some(2), "{name} {bad:?}: {errors}");
            assert!(errors.contains("error: ") && errors.contains("--help"), "{name} {bad:?}: {errors}");
            assert!(output.stdout.is_empty());
        }
        let help = output(name, &["--help"]);
        assert!(help.contains(&format!("Usage: {name}")), "{help}");
    }
}

/// The variable with which every program that uses a runtime writes a trace.
const TRACE: &str = "RUNTIME_LAB_TRACE";

/// What the checker says of a trace.
#[track_caller]
fn checked(file: &Path) -> Summary {
    let trace = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
    chrome::check(&trace).unwrap_or_else(|problems| panic!("{}: {problems:#?}", file.display()))
}

#[test]
fn every_example_leaves_a_trace_that_viewers_accept() {
    let folder = tempfile::tempdir().unwrap();
    for name in EXAMPLES {
        let file = folder.path().join(format!("{name}.json"));
        let output = Command::new(program(name)).env(TRACE, &file).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{name}: {output:?}");
        let summary = checked(&file);
        assert!(summary.slices > 3 && summary.dropped == 0, "{name}: {summary:?}");
        let jobs = match name {
            "pool_cancel" => 3,
            "file_read" | "futures" => 1,
            _ => 0,
        };
        assert!(summary.flows >= jobs, "{name}: {summary:?}");
    }
    // Two runtimes one after the other share the file: for each a lane of the loop and one of those outside the pool.
    assert_eq!(checked(&folder.path().join("phase_order.json")).threads, 4);
}

#[test]
fn http_hello_leaves_a_trace_when_it_has_answered_enough() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("http_hello.json");
    let mut command = Command::new(program("http_hello"));
    let (mut server, first) = http_hello(command.args(["0", "--requests", "2"]).env(TRACE, &file));
    assert!(answer(&first, "/key?password=secret").contains("200 OK"));
    assert!(answer(&first, "/hello").ends_with("hello, world\n"));
    assert!(server.0.wait().unwrap().success());
    let summary = checked(&file);
    assert!(summary.flows == 1 && summary.asyncs >= 1 && summary.dropped == 0, "{summary:?}");
}

#[test]
fn a_trace_that_cannot_be_written_is_told_and_changes_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("no-such-folder").join("trace.json");
    let output = Command::new(program("hello_timer")).env(TRACE, &file).output().unwrap();
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success() && String::from_utf8(output.stdout).unwrap().contains("tick 3"));
    assert!(
        errors.starts_with("RUNTIME_LAB_TRACE: cannot write ") && errors.lines().count() == 1,
        "{errors}"
    );
}
