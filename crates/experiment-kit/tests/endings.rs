//! However a run ends, it says so, exits with the right code, and leaves no process behind.

mod support;

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Command, Stdio};

use support::{LONG, PROGRAM, Running, run, signal};

#[test]
fn ctrl_c_in_any_act_ends_with_130_and_what_was_measured() {
    for acts_before in 0..4 {
        let mut running = Running::start(LONG);
        running.client_pid();
        for _ in 0..acts_before {
            running.hear("round 1");
        }
        signal("INT", running.pid());
        let ended = running.end();
        assert_eq!(ended.code(), Some(130), "{}", ended.stderr);
        let result = ended.result();
        assert_eq!(result["complete"], false);
        assert!(result["rounds"].as_u64().unwrap() <= acts_before as u64 / 3, "{result}");
        let pings = |act: &str| result["figures"]["ping_ms"][act]["count"].as_u64().unwrap();
        let measured =
            ["idle", "inline", "offloaded", "chunked"].into_iter().filter(|act| pings(act) > 0).count();
        assert!(measured >= acts_before, "{acts_before}: {result}");
        for claim in result["claims"].as_array().unwrap() {
            assert_eq!(claim["verdict"], "inconclusive", "{claim}");
        }
    }
}

#[test]
fn other_requests_to_end_are_honoured_too() {
    for (name, code) in [("TERM", 143), ("HUP", 129)] {
        let mut running = Running::start(LONG);
        running.client_pid();
        signal(name, running.pid());
        let ended = running.end();
        assert_eq!((ended.code(), ended.result()["complete"].as_bool()), (Some(code), Some(false)), "{name}");
    }
}

#[test]
fn a_signal_before_the_first_answer_leaves_no_empty_tables() {
    let mut running = Running::start(&["--block-ms", "50", "--duration", "40"]);
    running.hear("calibrating");
    signal("INT", running.pid());
    let ended = running.end();
    assert_eq!(ended.code(), Some(130), "{}", ended.stderr);
    assert_eq!(ended.stdout, "Stopped before anything was measured.\n");
    assert!(!ended.stderr.contains("round 1"), "{}", ended.stderr);
}

#[test]
fn the_client_leaves_ctrl_c_to_its_parent() {
    let mut running = Running::start(LONG);
    let client = running.client_pid();
    running.hear("round 1");
    signal("INT", client);
    running.hear("round 1"); // One more act was played: the client is still there.
    signal("INT", running.pid());
    assert_eq!(running.end().code(), Some(130));
}

#[test]
fn c1_the_client_is_gone_when_its_parent_was_killed() {
    let mut running = Running::start(LONG);
    running.client_pid();
    running.hear("round 1");
    signal("KILL", running.pid());
    // stderr ends when nobody has it any more: this returns only when the client is gone, too.
    assert_eq!(running.end().code(), None);
}

#[test]
fn a_killed_client_is_reported_with_what_was_measured() {
    let mut running = Running::start(LONG);
    let client = running.client_pid();
    running.hear("round 1");
    signal("KILL", client);
    let ended = running.end();
    assert_eq!(ended.code(), Some(1), "{}", ended.stderr);
    assert!(
        ended.stderr.contains(&format!("the load client (process {client}) died: signal: 9")),
        "{}",
        ended.stderr
    );
    let result = ended.result();
    assert_eq!(result["complete"], false);
    assert!(result["figures"]["ping_ms"].as_object().unwrap().values().any(|act| act["count"] != 0));
}

#[test]
fn a_server_is_there_until_ctrl_c() {
    let mut running = Running::start(&["--serve", "0"]);
    assert_eq!(running.line_of_stdout(), "locked serves, Ctrl-C ends it:");
    let line = running.line_of_stdout();
    let addr = line.split("http://").nth(1).unwrap().split('/').next().unwrap();
    let mut stream = std::net::TcpStream::connect(addr).unwrap();
    write!(
        stream,
        "GET /ping HTTP/1.1\r\nhost: {addr}\r\n\r\nGET /block?ms=3 HTTP/1.1\r\nhost: {addr}\r\n\r\n"
    )
    .unwrap();
    let mut lines = BufReader::new(stream).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "HTTP/1.1 200 OK");
    assert!(lines.any(|line| line.unwrap().contains("pong")));
    signal("INT", running.pid());
    let ended = running.end();
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    assert!(ended.stdout.contains("Who held the loop?"), "{}", ended.stdout);
}

#[test]
fn a_port_that_is_taken_is_said_to_be() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    let ended = run(&["--serve", &port]);
    assert_eq!(ended.code(), Some(1));
    assert!(ended.stderr.contains("cannot start the locked server"), "{}", ended.stderr);
    assert!(ended.stderr.contains("Another program listens on that port"), "{}", ended.stderr);
    assert_eq!(ended.stdout, "");
}

#[test]
fn a_file_that_cannot_be_written_is_noticed_before_anything_is_measured() {
    for option in ["-o", "--raw"] {
        let ended = run(&[option, "/nonexistent/folder/report.html"]);
        assert_eq!(ended.code(), Some(1), "{}", ended.stderr);
        assert!(ended.stderr.contains("cannot write /nonexistent/folder/report.html"), "{}", ended.stderr);
        assert!(!ended.stderr.contains("serves on"), "{}", ended.stderr);
    }
}

#[test]
fn a_system_without_a_browser_leaves_the_report_to_be_opened_by_hand() {
    let report = std::env::temp_dir().join(format!("experiment-kit-open-{}.html", std::process::id()));
    let output = Command::new(PROGRAM)
        .args(["--duration", "1", "--block-ms", "20", "--open", "-o"])
        .arg(&report)
        .env("PATH", "")
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains(&format!("open {} yourself", report.display())), "{stderr}");
    assert!(std::fs::read_to_string(&report).unwrap().contains("</html>"));
    std::fs::remove_file(report).unwrap();
}

#[test]
fn bad_usage_ends_with_2_and_a_hint() {
    for (arguments, hint) in [
        (&["--block-ms", "0"][..], "1..=10000"),
        (&["--runtime", "java"], "possible values: locked, opposite"),
        (&["-o", "report.pdf"], "must end in .html, .svg or .json"),
        (&["--serve", "8080", "--json"], "cannot be used with"),
        (&["--block-ms", "1500"], "this needs --duration 30"),
    ] {
        let ended = run(arguments);
        assert_eq!(ended.code(), Some(2), "{arguments:?}");
        assert!(ended.stderr.contains(hint) && ended.stderr.contains("--help"), "{}", ended.stderr);
    }
}

#[test]
fn a_client_with_orders_that_it_cannot_read_ends() {
    let mut child = Command::new(PROGRAM)
        .env("RUNTIME_LAB_ROLE", "load-client")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.as_mut().unwrap().write_all(b"dance\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("cannot understand its orders"));
}

#[test]
fn c1_a_client_without_a_parent_ends_at_once() {
    let output =
        Command::new(PROGRAM).env("RUNTIME_LAB_ROLE", "load-client").stdin(Stdio::null()).output().unwrap();
    assert_eq!((output.status.code(), output.stdout.len()), (Some(0), 0));
}
