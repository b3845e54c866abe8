//! The programs that the whole interpreter is held to.

use super::{check_invariants, compile, programs, shown};

#[test]
fn every_program_of_the_corpus_compiles() {
    let mut problems = String::new();
    let programs = [programs("corpus"), programs("compute")].concat();
    assert!(programs.len() >= 80, "{} programs", programs.len());
    for (path, source) in programs {
        match compile(&path.display().to_string(), &source) {
            Ok(program) => check_invariants(&program),
            Err(refusals) => problems += &shown(&refusals),
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
