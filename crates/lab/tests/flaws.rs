//! Every experiment against a runtime that was broken on purpose: its verdict must not be that of a sound one.
//!
//! An experiment whose verdict stays the same has measured nothing. On a machine that is busy with other things a broken
//! runtime may come out as `inconclusive`, which is no wrong answer but shows nothing either: then it is run once more.

use std::sync::Mutex;

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

/// One experiment under one flaw.
struct Broken {
    experiment: String,
    flaw: String,
    flips: Vec<String>,
    found: Value,
}

impl Broken {
    fn run(&mut self, budget: u64) {
        let Broken { experiment, flaw, .. } = self;
        self.found =
            verdicts(&lab(&format!("run {experiment} --quick --budget {budget} --json --flaw {flaw}")));
    }

    fn is_open(&self) -> bool {
        self.flips.iter().any(|id| self.found[id] == "inconclusive")
    }
}

fn all() -> Vec<Broken> {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let mut all = Vec::new();
    for experiment in lab("list --json")["experiments"].as_array().unwrap() {
        for flaw in experiment["flaws"].as_array().unwrap() {
            let flips = flaw["flips"].as_array().unwrap().iter().map(text).collect();
            let (experiment, flaw) = (text(&experiment["name"]), text(&flaw["name"]));
            all.push(Broken { experiment, flaw, flips, found: Value::Null });
        }
    }
    all
}

#[test]
fn a_broken_runtime_gets_another_verdict() {
    let expected = expected();
    let mut broken = all();
    // Two at a time, which most of them bear; those that do not are run again alone.
    let queue = Mutex::new(broken.iter_mut());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(one) = { queue.lock().unwrap().next() } {
                    one.run(3);
                }
            });
        }
    });
    broken.iter_mut().filter(|one| one.is_open()).for_each(|one| one.run(6));
    let mut stayed = Vec::new();
    for Broken { experiment, flaw, flips, found } in &broken {
        for id in flips {
            let (found, sound) = (found[id].as_str().unwrap_or("not judged"), expected[id].as_str());
            println!("{experiment} --flaw {flaw}: {id} is {found} instead of {}", sound.unwrap_or("nothing"));
            if sound == Some(found) || found == "not judged" {
                stayed.push(format!("{experiment} --flaw {flaw}: {id} is still {found}"));
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
