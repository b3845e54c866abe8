//! Every experiment against a runtime that was broken on purpose: its verdict must not be that of a sound one.
//!
//! An experiment whose verdict stays the same has measured nothing. One that comes out as `inconclusive` beside another
//! is run once more, alone. What is open even then counts only where a control noticed the flaw, or where a busy machine excuses
//! it: the verdict says that other programs prevented it, or the ledger that the claim needs idle cores.

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
    /// The claims, by id.
    found: Value,
}

impl Broken {
    fn run(&mut self, budget: u64) {
        let Broken { experiment, flaw, .. } = self;
        let smaller = smaller_numbers(experiment);
        let result =
            lab(&format!("run {experiment} --quick --budget {budget} --json --flaw {flaw}{smaller}"));
        let claims = result["claims"].as_array().expect("a list of claims").iter();
        self.found = claims.map(|claim| (text(&claim["id"]), claim.clone())).collect();
    }

    fn verdict(&self, id: &str) -> &str {
        self.found[id]["verdict"].as_str().unwrap_or("not judged")
    }

    fn is_open(&self) -> bool {
        self.flips.iter().any(|id| self.verdict(id) == "inconclusive")
    }

    /// Whether a verdict may be open: by a control that is not as it must be, or by the machine.
    fn may_be_open(&self, id: &str, needs_idle_cores: &[String]) -> bool {
        let reason = self.found[id]["reason"].as_str().unwrap_or_default();
        let whys = [
            "that alone settles nothing",
            "the requests were not seen together",
            "other programs kept",
            "there is one processor here",
            "two threads without any lock did only",
        ];
        whys.iter().any(|why| reason.starts_with(why)) || needs_idle_cores.iter().any(|known| known == id)
    }
}

/// Numbers below the quick ones, for an experiment that takes long when it is broken and shows it in small numbers too.
fn smaller_numbers(experiment: &str) -> &'static str {
    match experiment {
        "pool-size" => " --set wait_ms=10 --set compute_ms=5 --set crowd_ms=3",
        _ => "",
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}

fn needing_idle_cores(listed: &Value) -> Vec<String> {
    let rows = listed["claims"].as_array().expect("a list of claims").iter();
    let needs = |row: &&Value| {
        row["needs"].as_array().is_some_and(|needs| needs.iter().any(|need| need == "idle cores"))
    };
    rows.filter(needs).map(|row| text(&row["id"])).collect()
}

fn all(listed: &Value) -> Vec<Broken> {
    let mut all = Vec::new();
    for experiment in listed["experiments"].as_array().unwrap() {
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
    let (expected, listed) = (expected(), lab("list --json"));
    let (mut broken, needs_idle_cores) = (all(&listed), needing_idle_cores(&listed));
    assert!(!needs_idle_cores.is_empty());
    // Two at a time, which most of them bear; those that need idle cores would only see each other.
    let (alone, mut bearing): (Vec<_>, Vec<_>) =
        broken.iter_mut().partition(|one| one.flips.iter().any(|id| needs_idle_cores.contains(id)));
    alone.into_iter().for_each(|one| one.run(3));
    let queue = Mutex::new(bearing.iter_mut());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(one) = { queue.lock().unwrap().next() } {
                    one.run(3);
                }
            });
        }
    });
    bearing.into_iter().filter(|one| one.is_open()).for_each(|one| one.run(4));
    let mut stayed = Vec::new();
    for one in &broken {
        for id in &one.flips {
            let (found, sound) = (one.verdict(id), expected[id].as_str().unwrap_or("nothing"));
            let said = format!("{} --flaw {}: {id} is {found} instead of {sound}", one.experiment, one.flaw);
            println!("{said}");
            let has_flipped = match found {
                "not judged" => false,
                "inconclusive" => one.may_be_open(id, &needs_idle_cores),
                found => found != sound,
            };
            if !has_flipped {
                stayed.push(said);
            }
        }
    }
    assert!(stayed.is_empty(), "{stayed:#?}");
}
