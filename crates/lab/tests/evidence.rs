//! The commands about evidence, as a user or a script meets them: words, results, files, exit codes.

use serde_json::Value;

mod support;
use support::{Ended, command_in};

#[path = "../../experiment-kit/tests/support/schema.rs"]
mod schema;

/// Runs `lab` with these words, its results in a folder of their own.
fn lab(folder: &tempfile::TempDir, words: &str) -> Ended {
    let mut command = command_in(folder.path(), words);
    command.env("LAB_RESULTS", folder.path().join("results"));
    Ended::from(command.output().expect("the command starts"))
}

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary folder")
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

#[test]
fn the_list_has_every_claim_and_every_experiment() {
    let ended = lab(&folder(), "list --json");
    let listed = json(&ended.out);
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    let claims: Vec<&str> =
        listed["claims"].as_array().unwrap().iter().filter_map(|one| one["id"].as_str()).collect();
    assert!(claims.contains(&"L19") && claims.contains(&"G02"), "{claims:?}");
    let settled: Vec<&Value> = listed["experiments"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|one| one["claims"].as_array().unwrap())
        .collect();
    assert_eq!(settled.len(), claims.len(), "every claim is settled by one experiment");
    let korean = lab(&folder(), "list --ko");
    assert!(korean.out.contains("단일 스레드 서버"), "{}", korean.out);
}

/// Counts decide the verdict of microtasks, so a busy machine does not leave it open.
#[test]
fn a_result_is_one_object_on_standard_output_and_obeys_the_schema() {
    let folder = folder();
    let ended = lab(
        &folder,
        "run microtasks --quick --json --expect L09=holds -o a.json -o a.html -o a.svg -o a-trace.json",
    );
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let result = json(&ended.out);
    assert_eq!(schema::violations(&result), [] as [String; 0]);
    assert_eq!((&result["complete"], &result["claims"][0]["id"]), (&Value::Bool(true), &"L09".into()));
    assert!(result["raw"]["histograms"].as_str().unwrap().contains("wait_ms/next ticks "), "{result}");
    assert_eq!(json(&std::fs::read_to_string(folder.path().join("a.json")).unwrap()), result);
    let page = std::fs::read_to_string(folder.path().join("a.html")).unwrap();
    assert!(page.contains("L09 holds") && page.contains("<svg"));
    assert!(std::fs::read_to_string(folder.path().join("a.svg")).unwrap().starts_with("<svg"));
    let trace = json(&std::fs::read_to_string(folder.path().join("a-trace.json")).unwrap());
    trace_report::chrome::check(&trace).unwrap_or_else(|problems| panic!("{problems:?}"));

    let kept = folder.path().join("results").join("microtasks");
    assert_eq!(json(&std::fs::read_to_string(kept.join("result.json")).unwrap()), result);
    assert!(
        json(&std::fs::read_to_string(kept.join("samples.json")).unwrap())["series"]["wait_ms"].is_object()
    );
    let report = lab(&folder, "report -o all.html");
    assert_eq!(report.code, Some(0), "{}", report.err);
    assert!(
        std::fs::read_to_string(folder.path().join("all.html"))
            .unwrap()
            .contains("What was measured here".to_lowercase().as_str())
    );

    let of_another_version = Value::from_iter(
        result.as_object().unwrap().clone().into_iter().chain([("schema".to_owned(), 2.into())]),
    );
    std::fs::write(kept.join("result.json"), of_another_version.to_string()).unwrap();
    let report = lab(&folder, "report -o all.html");
    assert_eq!(report.code, Some(1));
    assert!(report.err.contains("has version 2 and this program reads 1"), "{}", report.err);
}

#[test]
fn an_unexpected_verdict_ends_with_3_and_a_broken_runtime_is_not_kept() {
    let folder = folder();
    let ended = lab(&folder, "run handlers --quick --flaw inline-in-pool --expect L19=holds");
    assert_eq!(ended.code, Some(3), "{}", ended.err);
    assert!(ended.err.contains("L19 was expected to come out as `holds`"), "{}", ended.err);
    assert!(!folder.path().join("results").join("handlers").exists());
}

#[test]
fn verify_prints_every_row_that_was_asked_for() {
    let folder = folder();
    let ended = lab(&folder, "verify --quick L09 --json --expect L09=holds");
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    let results = json(&ended.out);
    assert_eq!((&results["schema"], &results["results"][0]["experiment"]), (&1.into(), &"microtasks".into()));
    let screen = lab(&folder, "verify --quick L09");
    assert!(screen.out.contains("L09 holds") && screen.out.contains("1 holds"), "{}", screen.out);
    assert!(!screen.out.contains('\u{1b}'), "no colours where stdout is no terminal");
}

#[test]
fn bad_usage_ends_with_2_and_says_what_to_do() {
    let folder = folder();
    for (words, part) in [
        ("run nothing", "there is no experiment `nothing`; there are "),
        ("run handlers --flaw none", "it has inline-in-pool"),
        ("run handlers --set work=5", "it has work_ms"),
        ("run handlers --set work_ms=0", "work_ms must be from 5 to 5000, not 0"),
        ("run handlers --set work_ms=NaN", "work_ms must be from"),
        ("run handlers --set work_ms", "write it as NAME=VALUE"),
        ("run handlers --expect L10=holds", "handlers does not judge L10; it judges L19"),
        ("run handlers --expect L19=true", "a verdict is one of holds, fails"),
        ("run handlers -o a.png", "the name must end in"),
        ("run handlers --budget 0", "0 is not in 1.."),
        ("run handlers --open", "--out"),
        ("verify X99", "`X99` is neither a topic"),
        ("verify -o a.svg", "the name must end in .html"),
        ("crosscheck nothing", "there is no experiment `nothing`"),
        ("frobnicate", "unrecognized subcommand"),
    ] {
        let ended = lab(&folder, words);
        assert_eq!(ended.code, Some(2), "{words}: {}", ended.err);
        assert!(ended.err.contains(part), "{words}: {}", ended.err);
        assert_eq!(ended.out, "", "{words}");
    }
}

#[test]
fn what_cannot_be_done_ends_with_1_before_anything_is_measured() {
    let folder = folder();
    for (words, part) in [
        ("report", "nothing was measured yet"),
        ("run handlers --quick -o none/a.html", "cannot write none/a.html"),
        ("run handlers --quick --on 99.9", "no runtime here is called `99.9`"),
    ] {
        let ended = lab(&folder, words);
        assert_eq!(ended.code, Some(1), "{words}: {}", ended.err);
        let nothing_is_installed = ended.err.contains("no counterpart that is installed here");
        assert!(ended.err.contains(part) || nothing_is_installed, "{words}: {}", ended.err);
        assert!(!ended.err.contains("round 1"), "{words}: {}", ended.err);
    }
    std::fs::create_dir_all(folder.path().join("results/handlers")).unwrap();
    std::fs::write(folder.path().join("results/handlers/result.json"), "{\"schema\": 1").unwrap();
    let ended = lab(&folder, "report");
    assert_eq!(ended.code, Some(1));
    assert!(ended.err.contains("remove it and run again"), "{}", ended.err);
}

#[test]
fn a_prediction_is_asked_first_and_compared_afterwards() {
    use std::io::Write;
    let folder = folder();
    let mut command = command_in(folder.path(), "run microtasks --quick --predict");
    command.env("LAB_RESULTS", folder.path().join("results"));
    command
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"f\n").unwrap();
    let ended = Ended::from(child.wait_with_output().unwrap());
    assert!(ended.err.contains("What do you expect?"), "{}", ended.err);
    assert!(ended.out.contains("L09 ≠ you: fails    measured: holds"), "{}", ended.out);
}

#[test]
fn every_command_explains_itself_with_examples() {
    for command in ["run", "verify", "crosscheck"] {
        let ended = lab(&folder(), &format!("{command} --help"));
        assert_eq!(ended.code, Some(0));
        assert!(ended.out.contains("Examples:"), "{command}");
    }
}
