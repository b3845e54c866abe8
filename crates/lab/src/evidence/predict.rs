//! `--predict`: what the reader expects, asked before anything is measured and held against what was found.

use std::io::{BufRead, Write};

use experiment_kit::experiment::Experiment;
use experiment_kit::verdict::Claim;
use experiments::ledger::Ledger;

/// What may be answered, by its first letter.
const ANSWERS: [(char, &str); 3] = [('h', "holds"), ('f', "fails"), ('d', "depends")];

/// One expectation: claim and verdict, or nothing where the reader did not say.
pub(crate) type Prediction = (String, Option<&'static str>);

/// Asks for each claim of `experiment`.
///
/// # Errors
/// When the terminal cannot be read.
pub(crate) fn ask(
    experiment: &Experiment,
    input: &mut impl BufRead,
    out: &mut impl Write,
) -> std::io::Result<Vec<Prediction>> {
    let ledger = Ledger::read();
    writeln!(
        out,
        "{}\nWhat do you expect? h holds, f fails, d depends, Enter leaves it open.",
        experiment.question
    )?;
    let mut predictions = Vec::new();
    for id in experiment.claims {
        let statement = ledger.row(id).map_or("", |row| row.en.as_str());
        let said = loop {
            write!(out, "  {id} {statement} [h/f/d] ")?;
            out.flush()?;
            let mut line = String::new();
            if input.read_line(&mut line)? == 0 {
                writeln!(out)?;
                break None; // The input has ended: nothing more is expected.
            }
            match line.trim().to_lowercase().chars().next() {
                None => break None,
                Some(letter) => {
                    if let Some((_, word)) = ANSWERS.iter().find(|(known, _)| *known == letter) {
                        break Some(*word);
                    }
                }
            }
            writeln!(out, "  Please answer h, f or d, or press Enter.")?;
        };
        predictions.push(((*id).to_owned(), said));
    }
    Ok(predictions)
}

/// What was expected beside what was found.
pub(crate) fn compare(predictions: &[Prediction], claims: &[Claim]) -> String {
    let mut text = String::from("\nExpected and found\n");
    for (id, expected) in predictions {
        let found =
            claims.iter().find(|claim| claim.id == *id).map_or("not judged", |claim| claim.verdict.word());
        let (expected, mark) = match expected {
            None => ("(open)", " "),
            Some(word) if *word == found => (*word, "="),
            Some(word) => (*word, "≠"),
        };
        text.push_str(&format!("  {id} {mark} you: {expected:<8} measured: {found}\n"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use experiment_kit::verdict::Verdict;

    #[test]
    fn answers_are_letters_and_silence_is_no_answer() {
        let experiment = experiments::named("countdown").expect("it is part of the lab");
        let mut asked = Vec::new();
        let said = ask(experiment, &mut "holds\nx\nD\n\n".as_bytes(), &mut asked).unwrap();
        let words: Vec<Option<&str>> = said.iter().map(|(_, word)| *word).collect();
        assert_eq!(words, [Some("holds"), Some("depends"), None, None, None]);
        assert!(String::from_utf8(asked).unwrap().contains("Please answer h, f or d"));
    }

    #[test]
    fn right_and_wrong_are_told_apart() {
        let claim = |id: &str, verdict| Claim {
            id: id.to_owned(),
            verdict,
            rule: String::new(),
            findings: Vec::new(),
            reason: None,
        };
        let claims = [claim("G02", Verdict::Holds), claim("G03", Verdict::Fails)];
        let said = [("G02".to_owned(), Some("holds")), ("G03".to_owned(), Some("depends"))];
        let text = compare(&said, &claims);
        assert!(
            text.contains("G02 = you: holds") && text.contains("G03 ≠ you: depends  measured: fails"),
            "{text}"
        );
    }
}
