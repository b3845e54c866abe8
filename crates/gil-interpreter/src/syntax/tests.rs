//! Whole programs through all passes.

use std::path::{Path, PathBuf};

use crate::code::Compiled;

use super::{Refusal, compile};

/// The Python files of a folder below `tests`, in order.
fn programs(folder: &str) -> Vec<(PathBuf, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let entries = std::fs::read_dir(&folder).expect("the folder of programs is there");
    let mut paths: Vec<_> = entries.map(|entry| entry.expect("the folder can be read").path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "py"));
    paths.sort();
    paths.into_iter().map(|path| (path.clone(), std::fs::read_to_string(path).expect("text"))).collect()
}

fn compiled(source: &str) -> Compiled {
    compile("test.py", source).unwrap_or_else(|refusals| panic!("{source}\n{}", shown(&refusals)))
}

fn shown(refusals: &[Refusal]) -> String {
    refusals.iter().map(|refusal| format!("{refusal}\n")).collect()
}

#[test]
fn every_program_of_the_corpus_compiles() {
    let mut problems = String::new();
    let programs = [programs("corpus"), programs("compute")].concat();
    assert!(programs.len() >= 80, "{} programs", programs.len());
    for (path, source) in programs {
        if let Err(refusals) = compile(&path.display().to_string(), &source) {
            problems += &shown(&refusals);
        }
    }
    assert!(problems.is_empty(), "{problems}");
}

/// Each file begins with `# refused: line[:column] word`, and the word is in the message.
#[test]
fn every_program_to_refuse_is_refused_at_its_place() {
    for (path, source) in programs("refused") {
        let head = source.lines().next().expect("a first line").to_owned();
        let mut words = head.strip_prefix("# refused: ").expect("the head").splitn(2, ' ');
        let (place, word) = (words.next().expect("a place"), words.next().expect("a word"));
        let refusals = compile("file.py", &source).expect_err(&path.display().to_string());
        let found = refusals.iter().any(|refusal| {
            let full = format!("{}:{}", refusal.line, refusal.column);
            (place == full || place == refusal.line.to_string())
                && refusal.message.to_lowercase().contains(&word.to_lowercase())
        });
        assert!(found, "{}\n{head}\n{}", path.display(), shown(&refusals));
    }
}
