//! Tells which words of `lab py …` are ours and which go to the program.
//!
//! # Model
//! ```text
//! lab py [ours]... FILE.py [ours or the program's]... [-- the program's...]
//! ```
//! Before FILE every word is ours, as for `python`. Behind it a word is ours only when it is exactly one of our long
//! options, or `-o`; whatever else stands there is the program's, also `-h` and `--help`. A `--` gives everything
//! behind it to the program, and is not passed on itself.
//!
//! # Invariants
//! - W1: no word is lost or doubled: each one but the first `--` is ours or the program's, in its order.

use std::ffi::OsString;

use clap::{Arg, Command};

/// The words of one command line, told apart.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Words {
    /// Our options and their values.
    pub(crate) ours: Vec<OsString>,
    /// The program.
    pub(crate) file: Option<OsString>,
    /// The rest of the program's `sys.argv`.
    pub(crate) program: Vec<OsString>,
    /// Words of the program that look like a misspelt option of ours, each with that option.
    pub(crate) near: Vec<(String, String)>,
}

/// Tells the words behind `lab py` apart; without a FILE all of them are ours, and clap says what is missing.
pub(crate) fn split(words: &[OsString], py: &Command) -> Words {
    let mut told = Words::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match word.to_str() {
            // The next word is the file, whatever it looks like; what follows is the program's.
            Some("--") if told.file.is_none() => {
                told.file = words.next().cloned();
                told.program.extend(words.by_ref().cloned());
            }
            Some("--") => told.program.extend(words.by_ref().cloned()),
            Some(text) if text.starts_with('-') && text.len() > 1 => match option(text, py) {
                Some(found) if told.file.is_none() || found.is_ours_behind_file() => {
                    told.ours.push(word.clone());
                    if found.wants_next {
                        told.ours.extend(words.next().cloned());
                    }
                }
                // Before the file an unknown option is clap's to refuse.
                _ if told.file.is_none() => told.ours.push(word.clone()),
                _ => {
                    told.near.extend(misspelt(text, py).map(|option| (text.to_owned(), option)));
                    told.program.push(word.clone());
                }
            },
            _ if told.file.is_none() => told.file = Some(word.clone()),
            _ => told.program.push(word.clone()),
        }
    }
    told
}

/// An option of ours as it was written.
struct Found<'a> {
    arg: &'a Arg,
    /// Its value is the next word.
    wants_next: bool,
}

impl Found<'_> {
    /// Help behind the file is the program's.
    fn is_ours_behind_file(&self) -> bool {
        self.arg.get_id() != "help"
    }
}

fn option<'a>(text: &str, py: &'a Command) -> Option<Found<'a>> {
    let (name, has_value) = match text.split_once('=') {
        Some((name, _)) => (name, true),
        None => (text, false),
    };
    let arg = match name.strip_prefix("--") {
        Some(long) => py.get_arguments().find(|arg| arg.get_long() == Some(long))?,
        None => {
            let mut letters = name.strip_prefix('-')?.chars();
            let letter = letters.next()?;
            if letters.next().is_some() {
                return None; // `-ofile` is clap's before the file and the program's behind it.
            }
            py.get_arguments().find(|arg| arg.get_short() == Some(letter))?
        }
    };
    let wants_next = arg.get_action().takes_values() && !has_value;
    Some(Found { arg, wants_next })
}

/// The long option of ours that this word was perhaps meant to be.
fn misspelt(text: &str, py: &Command) -> Option<String> {
    let name = text.strip_prefix("--")?.split('=').next()?;
    let longs = py.get_arguments().filter_map(Arg::get_long).filter(|long| *long != "help");
    let (edits, long) = longs.map(|long| (distance(name, long), long)).min()?;
    (edits <= 1 + long.len() / 8).then(|| format!("--{long}"))
}

/// How many letters must be put in, left out or changed to make one word of the other (Levenshtein).
pub(crate) fn distance(from: &str, to: &str) -> usize {
    let to: Vec<char> = to.chars().collect();
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, letter) in from.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, other) in to.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *other);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use clap::{Args, Command};

    use super::*;
    use crate::py::options::PyOptions;

    fn declared() -> Command {
        PyOptions::augment_args(Command::new("py"))
    }

    fn told(line: &str) -> Words {
        let words: Vec<OsString> = line.split_whitespace().map(OsString::from).collect();
        split(&words, &declared())
    }

    #[test]
    fn w1_no_word_is_lost_or_doubled() {
        let parts =
            ["--stats", "--gil", "tick", "a.py", "-o", "x.svg", "--", "-h", "--turns=3", "-", "--gil=free"];
        let py = declared();
        // Every order of five words out of eleven, some of them senseless.
        for mut number in 0..parts.len().pow(5) {
            let mut line = Vec::new();
            for _ in 0..5 {
                line.push(parts[number % parts.len()]);
                number /= parts.len();
            }
            let words: Vec<OsString> = line.iter().map(OsString::from).collect();
            let told = split(&words, &py);
            let all_out = told.ours.iter().chain(&told.file).chain(&told.program);
            let mut out: Vec<_> = all_out.map(|word| word.to_str().unwrap()).collect();
            let mut all = line.clone();
            if out.len() < all.len() {
                let eaten = all.iter().position(|word| *word == "--").expect("only `--` is eaten");
                all.remove(eaten);
            }
            out.sort_unstable();
            all.sort_unstable();
            assert_eq!(out, all, "{line:?} -> {told:?}");
        }
    }

    #[test]
    fn a_misspelt_option_goes_to_the_program_and_is_named() {
        let words = told("a.py --gill tick --stat --turns 5 --rounds --gil-x");
        assert_eq!(words.program.len(), 7);
        let near: Vec<_> = words.near.iter().map(|(word, option)| (word.as_str(), option.as_str())).collect();
        assert_eq!(near, [("--gill", "--gil"), ("--stat", "--stats")]);
        assert_eq!(
            told("a.py --spinners 1 --mode paced --runs 3 --seconds 1 --rate 20 --ms 5 --times 9").near,
            []
        );
    }

    #[test]
    fn the_distance_counts_letters() {
        for (from, to, edits) in
            [("gil", "gil", 0), ("gill", "gil", 1), ("gi", "gil", 1), ("abc", "xyz", 3), ("", "ab", 2)]
        {
            assert_eq!(distance(from, to), edits, "{from} {to}");
            assert_eq!(distance(to, from), edits, "{to} {from}");
        }
    }
}
