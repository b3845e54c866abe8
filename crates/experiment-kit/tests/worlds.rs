//! Whole runs against real sockets, in a world where the claims are true and in one where they are false.
//!
//! How busy the machine is decides whether a verdict is reached, so the tests say what must never be said, and
//! look at figures that follow from the server's lock, whatever the speed.

mod support;

use serde_json::Value;
use support::{run, schema};

/// Five rounds of 0.2 s acts with 500 pings a second; twice as many if it is unclear.
const SHORT: &[&str] = &["--json", "--block-ms", "50", "--duration", "4", "--rate", "500"];

/// Whether every verdict is this word or open. With one processor a pool takes its time from the loop, so there the verdict may
/// depend on a second one.
fn none_but(word: &str, result: &Value) -> bool {
    let is_alone = result["machine"]["cores"] == 1;
    let verdicts =
        result["claims"].as_array().unwrap().iter().map(|claim| claim["verdict"].as_str().unwrap());
    let mut verdicts = verdicts.peekable();
    assert!(verdicts.peek().is_some());
    verdicts.all(|verdict| verdict == word || verdict == "inconclusive" || (is_alone && verdict == "depends"))
}

fn p99(result: &Value, act: &str) -> f64 {
    result["figures"]["ping_ms"][act]["p99"].as_f64().unwrap()
}

#[test]
fn where_the_claims_are_true_none_fails() {
    let ended = run(SHORT);
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    let result = ended.result();
    assert!(none_but("holds", &result), "{result}");
    let block = result["figures"]["block_ms"]["p50"].as_f64().unwrap();
    assert!(p99(&result, "inline") > 0.5 * block, "{result}");
    assert_eq!(
        (result["complete"].as_bool(), result["experiment"].as_str()),
        (Some(true), Some("starvation"))
    );
    let rounds = result["rounds"].as_u64().unwrap();
    assert!((5..=10).contains(&rounds), "{result}");
    for act in ["idle", "inline", "offloaded", "chunked"] {
        assert_eq!(result["figures"]["ping_ms"][act]["count"], rounds * 100, "{act}: {result}");
    }
    assert_eq!(result["figures"]["block_ms"]["count"], rounds * 2);
    let stall = &result["figures"]["stalls"][0];
    assert!(stall["location"].as_str().unwrap().contains("on_threads.rs:"), "{stall}");
    assert!(ended.stderr.starts_with("What happens to small requests"), "{}", ended.stderr);
    assert!(!ended.stderr.contains('\u{1b}'), "stderr is no terminal, so it has no escape sequences");
}

#[test]
fn where_the_claims_are_false_none_holds() {
    let ended = run(&[SHORT, &["--runtime", "opposite"]].concat());
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    let result = ended.result();
    assert!(none_but("fails", &result), "{result}");
    let block = result["figures"]["block_ms"]["p50"].as_f64().unwrap();
    assert!(p99(&result, "offloaded") > 0.5 * block && p99(&result, "chunked") > 0.5 * block, "{result}");
    assert_eq!(result["params"]["runtime"], "opposite");
}

#[test]
fn files_and_screen_come_out_of_one_run() {
    let folder = tempdir("files");
    let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
    let (html, svg, trace, raw) = (path("r.html"), path("c.svg"), path("t.json"), path("raw.jsonl"));
    let arguments =
        ["--block-ms", "50", "--duration", "2", "--rate", "300", "-o", &html, "-o", &svg, "-o", &trace];
    let ended = run(&[&arguments[..], &["--raw", &raw]].concat());
    assert_eq!(ended.code(), Some(0), "{}", ended.stderr);
    for part in [
        "Latency of /ping",
        "offloaded",
        "inline    pings",
        "Who held the loop?",
        "L10 ",
        "L12 ",
        "--serve 8080",
    ] {
        assert!(ended.stdout.contains(part), "no `{part}` in {}", ended.stdout);
    }
    let too_long = |line: &&str| line.chars().count() > 80;
    assert_eq!(ended.stdout.lines().find(too_long), None, "longer than 80");
    assert!(!ended.stdout.contains('\u{1b}'), "stdout is no terminal, so it has no colours");
    let text = |name: &str| std::fs::read_to_string(name).unwrap();
    assert!(text(&html).starts_with("<!doctype html>") && text(&html).contains("GET /block"));
    assert!(text(&svg).starts_with("<svg"));
    let trace: Value = serde_json::from_str(&text(&trace)).unwrap();
    assert!(
        trace["traceEvents"]
            .as_array()
            .unwrap()
            .iter()
            .any(|event| { event["name"].as_str().is_some_and(|name| name.contains("act inline begins")) })
    );
    let lines: Vec<Value> = text(&raw).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let blocks = lines.iter().filter(|line| line["path"] == "/block").count();
    assert!(blocks > 0 && lines.len() > 40 * blocks, "{blocks} of {}", lines.len());
    assert!(lines.iter().all(|line| line["latency_ms"].is_number() != line["failure"].is_string()));
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_check_of_results_says_no_to_what_is_wrong() {
    let good: Value = run(&["--json", "--block-ms", "20", "--duration", "1"]).result();
    type Change = fn(&mut Value);
    let changes: [(Change, &str); 7] = [
        (|result| result["schema"] = 2.into(), "result.schema"),
        (|result| result["claims"][0]["verdict"] = "maybe".into(), "result.claims[0].verdict"),
        (
            |result| result["figures"]["ping_ms"]["idle"]["p99"] = "fast".into(),
            "result.figures.ping_ms.idle.p99",
        ),
        (|result| result["figures"]["block_ms"]["p50"] = (-1.0).into(), "result.figures.block_ms.p50"),
        (|result| result["started_at"] = "yesterday".into(), "result.started_at"),
        (|result| result["machine"]["cores"] = 1.5.into(), "result.machine.cores"),
        (|result| drop(result.as_object_mut().unwrap().remove("complete")), "result: no \"complete\""),
    ];
    for (change, place) in changes {
        let mut bad = good.clone();
        change(&mut bad);
        let found = schema::violations(&bad);
        assert!(found.len() == 1 && found[0].starts_with(place), "{place}: {found:?}");
    }
}

fn tempdir(name: &str) -> std::path::PathBuf {
    let folder = std::env::temp_dir().join(format!("experiment-kit-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}
