//! Every experiment against a runtime that was broken on purpose: its verdict must not be that of a sound one.
//!
//! An experiment whose verdict stays the same has measured nothing. On a machine that is busy with other things a broken
//! runtime may come out as `inconclusive`, which is no wrong answer but shows nothing either: then it is run once more.

use serde_json::Value;

mod support;
use support::{Ended, command_in};

/// Claim and verdict of a sound runtime.
fn expected() -> toml::Table {
    include_str!("expected.toml").parse().expect("a table of verdicts")
}

fn lab(words: &str) -> Value {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = command_in(folder.path(), words);
    command.env("LAB_RESULTS", folder.path().join("results"));
    let ended = Ended::from(command.output().expect("the command starts"));
    assert_eq!(ended.code, Some(0), "{words}: {}", ended.err);
    serde_json::from_str(&ended.out).unwrap_or_else(|error| panic!("{words}: {error}: {}", ended.out))
}

#[test]
fn every_claim_has_an_expected_verdict() {
    let listed = lab("list --json");
    let ids: Vec<&str> =
        listed["claims"].as_array().unwrap().iter().filter_map(|one| one["id"].as_str()).collect();
    let expected = expected();
    assert_eq!(expected.len(), ids.len());
    assert!(ids.iter().all(|id| expected.contains_key(*id)), "{ids:?}");
}

#[test]
fn a_broken_runtime_gets_another_verdict() {
    let (listed, expected) = (lab("list --json"), expected());
    let mut stayed = Vec::new();
    for experiment in listed["experiments"].as_array().unwrap() {
        let name = experiment["name"].as_str().unwrap();
        for flaw in experiment["flaws"].as_array().unwrap() {
            let flaw_name = flaw["name"].as_str().unwrap();
            let words = format!("run {name} --quick --budget 8 --json --flaw {flaw_name}");
            let flips: Vec<&str> =
                flaw["flips"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
            let mut found = verdicts(&lab(&words));
            if flips.iter().any(|id| found[*id] == "inconclusive") {
                found = verdicts(&lab(&words));
            }
            for id in flips {
                let (found, sound) = (found[id].as_str().unwrap_or("not judged"), expected[id].as_str());
                println!(
                    "{name} --flaw {flaw_name}: {id} is {found} instead of {}",
                    sound.unwrap_or("nothing")
                );
                if sound == Some(found) {
                    stayed.push(format!("{name} --flaw {flaw_name}: {id} is still {found}"));
                }
            }
        }
    }
    assert!(stayed.is_empty(), "{stayed:#?}");
}

/// `{id: verdict}` of a result.
fn verdicts(result: &Value) -> Value {
    let claims = result["claims"].as_array().expect("a list of claims").iter();
    claims.map(|claim| (claim["id"].as_str().unwrap().to_owned(), claim["verdict"].clone())).collect()
}
