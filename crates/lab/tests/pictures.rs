//! What `--stats`, `--trace` and `-o` show of a run.

mod support;

use support::Case;

const TWO_THREADS: &str = "
import threading

def count(n):
    while n > 0:
        n -= 1

threads = [threading.Thread(target=count, args=(50000,)) for _ in range(2)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
print('done')
";

#[test]
fn stats_have_all_their_parts_and_leave_the_output_alone() {
    let case = Case::new(TWO_THREADS);
    let ended = case.run("py a.py --stats --interval 200");
    assert_eq!((ended.code, ended.out.as_str()), (Some(0), "done\n"), "{}", ended.err);
    for part in [
        "lock policy gil310",
        "takes",
        "time-outs",
        "who waited (rows) while whom had the lock (columns)",
        "how long the lock was held, and waited for, each time",
        "who had the lock",
        "has the lock",
        "calibration: a turn of `while n > 0: n -= 1` takes",
        "instructions",
    ] {
        assert!(ended.err.contains(part), "{part} in {}", ended.err);
    }
    assert_eq!(case.run("py a.py").err, "", "without --stats nothing is said");
}

#[test]
fn a_trace_is_json_whose_times_rise_and_whose_waits_end() {
    let case = Case::new(TWO_THREADS);
    let ended = case.run("py a.py --trace t.json --interval 200");
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let text = std::fs::read_to_string(case.path("t.json")).expect("the trace");
    let trace: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let events = trace["traceEvents"].as_array().expect("events");
    let phase = |name: &str| events.iter().filter(|event| event["ph"] == name).count();
    assert!(phase("B") > 0 && phase("B") == phase("E"), "{} begin, {} end", phase("B"), phase("E"));
    assert_eq!(phase("b"), 0, "turns are slices on the track of their thread");
    let times: Vec<f64> =
        events.iter().filter(|event| event["ph"] != "M").filter_map(|event| event["ts"].as_f64()).collect();
    assert!(times.is_sorted(), "times never go back");
    let names: Vec<&str> = events.iter().filter_map(|event| event["name"].as_str()).collect();
    assert!(names.contains(&"holds the lock") && names.contains(&"waits for the lock"), "{names:?}");
}

#[test]
fn a_picture_and_a_page_stand_alone() {
    let case = Case::new(TWO_THREADS);
    let ended = case.run("py a.py -o p.svg -o p.html");
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let read = |name: &str| std::fs::read_to_string(case.path(name)).expect(name);
    assert!(read("p.svg").starts_with("<svg") && read("p.svg").contains("a.py under gil310"));
    let page = read("p.html");
    assert!(page.starts_with("<!doctype html>") && page.contains("lock policy gil310"));
    assert!(!page.contains("src=\"http"), "it loads nothing");
}

#[test]
fn a_file_that_cannot_be_written_is_named_after_the_run() {
    let ended = Case::new("print('ran')\n").run("py a.py -o no/such/folder.svg");
    assert_eq!((ended.code, ended.out.as_str()), (Some(1), "ran\n"));
    assert!(ended.err.contains("cannot write no/such/folder.svg"), "{}", ended.err);
}
