//! The real exercises: unsolved they fail and help, solved they pass, and wrong answers that were planted are rejected.
//!
//! # Model
//! ```text
//! exercises/exercises  ── unsolved ──▶ fails, with a message that can be acted on
//! exercises/solutions  ─────────────▶ passes
//! exercises/answers    ── wrong ────▶ fails, with the text of expected.toml
//!                      ── right ────▶ passes, although it is written in another way
//! ```
//! All programs are built once, and run on all cores. In a folder where somebody solves exercises what they changed is
//! left out.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use experiment_kit::supervised::{End, Rules, supervise};
use serde::Deserialize;

/// The seeds with which each answer is tried.
const SEEDS: [u64; 2] = [1, 2];
/// For the watchdog within the program, in seconds: planted deadlocks take this long where a grader cannot see them.
const LIMIT_S: u64 = 20;
const TOKEN: &str = "token-of-this-test";

#[derive(Deserialize)]
struct Info {
    exercises: Vec<Exercise>,
}

#[derive(Clone, Deserialize)]
struct Exercise {
    name: String,
    dir: String,
}

#[derive(Deserialize)]
struct About {
    chapter: String,
    en: Vec<String>,
    ko: Vec<String>,
    title_en: String,
    title_ko: String,
    minutes: u32,
}

/// What a message must contain: a text, or one of several where the schedule decides which fault shows first.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Expected {
    Text(String),
    OneOf(Vec<String>),
}

impl Expected {
    fn texts(&self) -> &[String] {
        match self {
            Expected::Text(text) => std::slice::from_ref(text),
            Expected::OneOf(texts) => texts,
        }
    }

    fn is_vague(&self) -> bool {
        self.texts().is_empty()
            || self.texts().iter().any(|text| text.len() < 8 || text.starts_with("LAB_SEED"))
    }
}

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("crates/lab lies two folders deep")
}

fn set() -> PathBuf {
    repository().join("exercises")
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn exercises() -> Vec<Exercise> {
    let info: Info = toml::from_str(&read(&set().join("info.toml"))).expect("a valid info.toml");
    info.exercises
}

fn file(kind: &str, exercise: &Exercise) -> PathBuf {
    set().join(kind).join(&exercise.dir).join(format!("{}.rs", exercise.name))
}

/// Whether there is what `lab exercise` or rustlings write for a learner.
fn somebody_solves() -> bool {
    ["progress.toml", ".backups", ".rustlings-state.txt"].iter().any(|name| set().join(name).exists())
}

/// Those whose file nobody has begun to solve. In a fresh clone that is all of them, or the originals are out of date.
fn untouched() -> Vec<Exercise> {
    let somebody_solves = somebody_solves();
    let is_untouched = |exercise: &Exercise| {
        let (now, original) = (file("exercises", exercise), file("originals", exercise));
        let is_same = read(&now) == read(&original);
        assert!(
            is_same || somebody_solves,
            "{} is not {}: who changed the exercise copies it there, who solved it: lab exercise reset {}",
            now.display(),
            original.display(),
            exercise.name
        );
        is_same
    };
    exercises().into_iter().filter(is_untouched).collect()
}

/// The folder of the programs, all built.
fn built() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| {
        let mut cargo = Command::new(env!("CARGO"));
        cargo.current_dir(set()).env_remove("CARGO_TARGET_DIR");
        // What somebody is writing may not compile; whatever is missing then is found by who runs it.
        cargo.args(["build", "--workspace", "--bins", "--locked", "--keep-going", "--quiet"]);
        let status = cargo.status().expect("cargo starts");
        assert!(status.success() || somebody_solves(), "the exercises do not build: {status}");
        set().join("target/debug")
    })
}

/// One run of one program.
struct Run {
    program: String,
    seed: u64,
    code: Option<i32>,
    said: String,
}

impl Run {
    fn of(program: &str, seed: u64) -> Run {
        let mut command = Command::new(built().join(program));
        command.env("LAB_SEED", seed.to_string()).env("LAB_TIME_LIMIT_S", LIMIT_S.to_string());
        command.env("LAB_GRADE_TOKEN", TOKEN);
        let rules = Rules {
            time: Duration::from_secs(LIMIT_S + 2),
            keep_bytes: 1 << 20,
            memory_bytes: None,
            with_errors: true,
            stop: &|| false,
            last_look: &mut |_| {},
        };
        let done = supervise(command, rules).unwrap_or_else(|error| panic!("{program}: {error:#}"));
        let code = match done.end {
            End::Exited(code) => Some(code),
            End::TimeIsUp | End::Stopped => None,
        };
        Run { program: program.to_owned(), seed, code, said: done.output.text() }
    }

    /// Why it is no pass.
    fn problem_as_pass(&self, exercise: &str) -> Option<String> {
        let line = format!("graded {exercise} {TOKEN}");
        let passed = self.code == Some(0) && self.said.lines().last() == Some(&line);
        (!passed).then(|| self.told("should pass"))
    }

    /// Why it is no rejection, or one that does not help.
    fn problem_as_failure(&self, expected: &[String]) -> Option<String> {
        let is_rejected = matches!(self.code, Some(1 | 124)) && !self.said.contains(TOKEN);
        // A line that names a seed, and another that says something.
        let words = self.said.split_whitespace().count();
        // What Rust itself writes at a panic is for who wrote the grader, not for a learner.
        let is_raw =
            self.said.lines().any(|line| line.starts_with("thread '") && line.contains("panicked at"));
        let helps = self.said.contains("LAB_SEED=") && words >= 12 && !is_raw;
        if !is_rejected {
            Some(self.told("should be rejected by its grader"))
        } else if !helps {
            Some(self.told("should say what went wrong, and which LAB_SEED repeats it"))
        } else {
            let says_it = expected.is_empty() || expected.iter().any(|text| self.said.contains(text));
            (!says_it).then(|| self.told(&format!("should say {}", expected.join(" or "))))
        }
    }

    fn told(&self, what: &str) -> String {
        let (program, seed, code) = (&self.program, self.seed, self.code);
        format!("--- {program} with seed {seed} {what}; it ended with {code:?} and said:\n{}", self.said)
    }
}

/// Runs all of these on all cores, and fails with every problem.
fn assert_all<T: Sync>(runs: &[(String, T)], problem: impl Fn(&Run, &T) -> Option<String> + Sync) {
    assert!(!runs.is_empty(), "there is nothing to run");
    built();
    let next = AtomicUsize::new(0);
    let work = || {
        let mut problems = Vec::new();
        while let Some((program, about)) = runs.get(next.fetch_add(1, Ordering::Relaxed)) {
            problems.extend(SEEDS.iter().filter_map(|seed| problem(&Run::of(program, *seed), about)));
        }
        problems
    };
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let problems: Vec<String> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("it does not panic")).collect()
    });
    assert!(problems.is_empty(), "{} problem(s)\n{}", problems.len(), problems.join("\n"));
}

/// The planted answers of a kind: program, exercise.
fn planted(kind: &str) -> Vec<(String, String)> {
    let files = std::fs::read_dir(set().join("answers/src/bin")).expect("the folder of answers is there");
    let mut found = Vec::new();
    for file in files.flatten() {
        let path = file.path();
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default().to_owned();
        if let Some((exercise, rest)) = name.split_once("__") {
            let is_known = rest.starts_with("wrong_") || rest.starts_with("right_");
            assert!(is_known, "{name} is neither NAME__wrong_WORD nor NAME__right_WORD");
            if rest.starts_with(kind) {
                let exercise = exercise.to_owned();
                found.push((name, exercise));
            }
        }
    }
    found.sort();
    found
}

fn assert_at_least(count: usize, found: &[(String, String)]) {
    for exercise in exercises() {
        let own = found.iter().filter(|(_, of)| *of == exercise.name).count();
        assert!(own >= count, "{} has {own} such answers, not {count}", exercise.name);
    }
}

#[test]
fn unsolved_every_exercise_fails_and_helps() {
    let runs: Vec<(String, ())> = untouched().into_iter().map(|exercise| (exercise.name, ())).collect();
    assert_all(&runs, |run, ()| run.problem_as_failure(&[]));
}

#[test]
fn every_solution_passes() {
    let runs: Vec<(String, String)> =
        exercises().into_iter().map(|exercise| (format!("{}_sol", exercise.name), exercise.name)).collect();
    assert_all(&runs, |run, exercise| run.problem_as_pass(exercise));
}

#[test]
fn every_right_answer_passes_however_it_is_written() {
    let right = planted("right_");
    assert_at_least(1, &right);
    assert_all(&right, |run, exercise| run.problem_as_pass(exercise));
}

#[test]
fn every_wrong_answer_is_rejected_with_the_text_that_explains_it() {
    let expected: BTreeMap<String, Expected> =
        toml::from_str(&read(&set().join("answers/expected.toml"))).expect("names and texts");
    let wrong = planted("wrong_");
    assert_at_least(3, &wrong);
    let unknown: Vec<&String> =
        expected.keys().filter(|name| !wrong.iter().any(|(program, _)| program == *name)).collect();
    assert!(unknown.is_empty(), "expected.toml names answers that do not exist: {unknown:?}");
    let vague: Vec<_> = expected.iter().filter(|(_, text)| text.is_vague()).collect();
    assert!(vague.is_empty(), "these texts would be found anywhere: {vague:?}");
    let missing: Vec<_> = wrong.iter().filter(|(program, _)| !expected.contains_key(program)).collect();
    assert!(missing.is_empty(), "expected.toml has no text for {missing:?}");
    let runs: Vec<(String, Expected)> =
        wrong.iter().map(|(program, _)| (program.clone(), expected[program].clone())).collect();
    assert_all(&runs, |run, expected| run.problem_as_failure(expected.texts()));
}

#[test]
fn every_exercise_has_hints_titles_and_a_chapter_in_both_languages() {
    let about: BTreeMap<String, About> =
        toml::from_str(&read(&set().join("hints.toml"))).expect("hints, titles and chapters");
    let all = exercises();
    assert_eq!((all.len(), about.len()), (12, 12), "twelve exercises, and nothing about others");
    let is_korean = |text: &str| text.chars().any(|c| ('가'..='힣').contains(&c));
    for Exercise { name, .. } in &all {
        let about = about.get(name).unwrap_or_else(|| panic!("hints.toml has nothing about {name}"));
        assert_eq!((about.en.len(), about.ko.len()), (3, 3), "{name}: three levels in each language");
        let english = about.en.iter().chain([&about.title_en]);
        assert!(english.into_iter().all(|text| text.len() >= 3 && !is_korean(text)), "{name}: English");
        assert!(about.ko.iter().chain([&about.title_ko]).all(|text| is_korean(text)), "{name}: Korean");
        assert!((1..=180).contains(&about.minutes), "{name}: {} minutes", about.minutes);
        for edition in ["en", "ko"] {
            let page = repository().join(format!("book/{edition}/src/{}.md", about.chapter));
            assert!(page.is_file(), "{name}: there is no {}", page.display());
        }
    }
}

#[test]
fn every_exercise_is_unsolved_and_has_its_original_and_a_solution() {
    for exercise in untouched() {
        let text = read(&file("exercises", &exercise));
        assert!(text.contains(concat!("TO", "DO")), "{}: a learner looks for the mark", exercise.name);
        assert!(text.contains("grader::"), "{}: its main calls the grader", exercise.name);
        assert_ne!(text, read(&file("solutions", &exercise)), "{}", exercise.name);
    }
}

#[test]
fn the_judges_of_this_file_can_say_no() {
    let run = |code, said: &str| Run { program: "p".into(), seed: 1, code, said: said.into() };
    let passed = "passed: a (seed 1)\ngraded a token-of-this-test\n";
    assert_eq!(run(Some(0), passed).problem_as_pass("a"), None);
    for (code, said) in [(Some(1), passed), (None, passed), (Some(0), "passed: a\n"), (Some(0), "")] {
        assert!(run(code, said).problem_as_pass("a").is_some(), "{code:?} {said}");
    }
    assert!(run(Some(0), passed).problem_as_pass("b").is_some(), "it is of another exercise");

    let helps =
        "three timers were started at once: expected a b c, but a c b happened\nLAB_SEED=1 repeats this";
    assert_eq!(run(Some(1), helps).problem_as_failure(&["b c a".into(), "a c b".into()]), None);
    assert_eq!(run(Some(124), helps).problem_as_failure(&[]), None);
    for code in [Some(0), Some(101), Some(134), None] {
        assert!(run(code, helps).problem_as_failure(&[]).is_some(), "{code:?}");
    }
    assert!(
        run(Some(1), helps).problem_as_failure(&["b a c".into(), "c a b".into()]).is_some(),
        "it says something else"
    );
    let panicked = format!("thread 'main' panicked at a.rs:1:1:\n{helps}");
    for said in ["", "wrong\nLAB_SEED=1", helps.split('\n').next().unwrap_or_default(), &panicked] {
        assert!(run(Some(1), said).problem_as_failure(&[]).is_some(), "{said}");
    }
}
