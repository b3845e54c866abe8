//! The example of signals: reload, report, graceful end, and the second Ctrl-C that nobody watches.

use std::os::unix::process::ExitStatusExt;

use rustix::process::Signal;

use crate::support::Program;

#[test]
fn a_service_reloads_reports_and_finishes_what_it_has_begun() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings");
    std::fs::write(&file, "rounds = 1000\n").unwrap();
    let mut service = Program::start("signals", &[file.to_str().unwrap()]);
    service.line_with("works");
    std::fs::write(&file, "# more\nrounds = 2000\n").unwrap();
    service.signal(Signal::HUP);
    service.line_with("reloaded: 2000 rounds");
    for (text, told) in [("rounds = many", "\"many\" is no number of rounds"), ("", "no line `rounds = N`")] {
        std::fs::write(&file, text).unwrap();
        service.signal(Signal::HUP);
        let line = service.line_with("not reloaded: ");
        assert!(line.contains(told) && line.ends_with("still 2000 rounds"), "{line}");
    }
    service.signal(Signal::USR1);
    let line = service.line_with("report: ");
    assert!(line.ends_with("2000 rounds each now, 3 times SIGHUP"), "{line}");
    service.signal(Signal::TERM);
    let ended = service.end();
    assert!(ended.well().starts_with("report: "), "{:?}", ended.lines);
    assert_eq!(ended.lines[ended.lines.len() - 2], "the last key is done");
}

#[test]
fn a_second_ctrl_c_ends_the_process_by_default() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings");
    // A key that is not done for hours.
    std::fs::write(&file, "rounds = 4000000000").unwrap();
    let mut service = Program::start("signals", &[file.to_str().unwrap()]);
    service.line_with("works");
    service.signal(Signal::INT);
    service.line_with("ends when the key is done");
    // The watcher for one time is stopped after its callback, in which the line was printed; so it may take a moment
    // more.
    for _ in 0..1_000_000 {
        if service.has_ended() {
            break;
        }
        service.signal(Signal::INT);
    }
    let ended = service.end();
    assert_eq!(ended.status.signal(), Some(2));
    assert!(!ended.lines.iter().any(|line| line.contains("last key")), "{:?}", ended.lines);
}

#[test]
fn settings_that_are_wrong_at_the_start_are_refused() {
    let ended = Program::start("signals", &["/no/such/settings"]).end();
    assert!(ended.status.code() == Some(1) && ended.errors.contains("/no/such/settings"), "{}", ended.errors);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("settings");
    std::fs::write(&file, "rounds = 0").unwrap();
    let ended = Program::start("signals", &[file.to_str().unwrap()]).end();
    assert!(
        ended.status.code() == Some(1) && ended.errors.contains("a key needs rounds"),
        "{}",
        ended.errors
    );
}
