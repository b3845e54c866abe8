//! The corpus of puzzles in `tests/puzzles`, and the rules that keep it a corpus.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::parse;
use crate::script::Puzzle;

const EXTENSION: &str = "puzzle";
/// Each has a folder with at least so many puzzles.
const TOPICS: [(&str, usize); 7] =
    [("timers", 8), ("immediates", 5), ("ticks", 6), ("promises", 8), ("io", 5), ("close", 4), ("mixed", 6)];
const FEWEST: usize = 40;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("puzzles")
}

/// The file of a puzzle.
pub(crate) fn file_of(puzzle: &Puzzle) -> PathBuf {
    folder().join(format!("{}.{EXTENSION}", puzzle.name))
}

/// All puzzles, by name.
pub(crate) fn puzzles() -> Vec<Puzzle> {
    let mut found = BTreeMap::new();
    for topic in entries(&folder()).into_iter().filter(|path| path.is_dir()) {
        for file in entries(&topic) {
            let stem = |path: &Path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let name = format!("{}/{}", stem(&topic), stem(&file));
            assert_eq!(file.extension().unwrap_or_default(), EXTENSION, "{}", file.display());
            let text = std::fs::read_to_string(&file).expect("a readable puzzle");
            let puzzle = parse::parse(&name, &text).unwrap_or_else(|error| panic!("{error}"));
            found.insert(name, puzzle);
        }
    }
    found.into_values().collect()
}

fn entries(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    entries.map(|entry| entry.expect("an entry of the corpus").path()).collect()
}

#[test]
fn the_corpus_covers_its_topics() {
    let puzzles = puzzles();
    assert!(puzzles.len() >= FEWEST, "{} puzzles are not enough", puzzles.len());
    for (topic, fewest) in TOPICS {
        let count = puzzles.iter().filter(|puzzle| puzzle.name.starts_with(&format!("{topic}/"))).count();
        assert!(count >= fewest, "{count} puzzles about {topic} are not enough");
    }
}

#[test]
fn no_puzzle_is_there_twice() {
    let puzzles = puzzles();
    let mut programs = BTreeMap::new();
    let mut questions = BTreeMap::new();
    for puzzle in &puzzles {
        let same = programs.insert(format!("{:?}", puzzle.program), &puzzle.name);
        assert_eq!(same, None, "{} is the same program", puzzle.name);
        let same = questions.insert(&puzzle.question, &puzzle.name);
        assert_eq!(same, None, "{} asks the same", puzzle.name);
    }
}
