//! Every `lab` command that the documents print is one that this program takes: parsed by itself, and every name in it known.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use crate::cli::{self, Command};
use crate::exercise::options::Action;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("crates lie below the root").to_owned()
}

/// The documents in which people find commands.
fn documents() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> =
        ["README.md", "README.ko.md", "exercises/README.md", "exercises/README.ko.md"]
            .map(|name| root().join(name))
            .into_iter()
            .filter(|path| path.exists())
            .collect();
    for edition in ["book/en/src", "book/ko/src"] {
        let entries = fs::read_dir(root().join(edition)).expect("an edition has pages");
        let pages = entries.map(|entry| entry.expect("an entry").path());
        found.extend(pages.filter(|path| path.extension().is_some_and(|extension| extension == "md")));
    }
    found
}

/// The commands in lines and in inline code, without what follows a `#` or a pipe. In a sentence a command may stand for
/// itself, as `cargo lab run`, or for many, as `cargo lab run NAME`; then its help is what must be there.
fn commands(text: &str) -> Vec<String> {
    let cut = |text: &str| text.split(" #").next().unwrap_or("").split(" | ").next().unwrap_or("").to_owned();
    let lines = text.lines().filter(|line| line.starts_with("cargo lab ")).map(cut);
    let inline = text.split('`').skip(1).step_by(2);
    let inline = inline.filter(|code| code.starts_with("cargo lab ") && !code.contains('\n')).map(|code| {
        let words: Vec<&str> = code.split_whitespace().collect();
        let is_general = words.len() == 3 || words.contains(&"NAME");
        if is_general { format!("cargo lab {} --help", words[2]) } else { cut(code) }
    });
    lines.chain(inline).collect()
}

/// What is wrong with a command.
fn problem(command: &str) -> Option<String> {
    let words = command.split_whitespace().skip(1).map(OsString::from).collect();
    let parsed = match cli::parse(words) {
        Ok(parsed) => parsed,
        Err(error) if !error.use_stderr() => return None, // --help and its like.
        Err(error) => return Some(error.to_string()),
    };
    match parsed {
        Command::Run(options) => {
            let Some(experiment) = experiments::named(&options.name) else {
                return Some(format!("there is no experiment {}", options.name));
            };
            let flaw = options.flaw.filter(|name| experiment.flaws.iter().all(|flaw| flaw.name != *name));
            let knob =
                options.set.iter().find(|(name, _)| experiment.knobs.iter().all(|knob| knob.name != *name));
            let flaw = flaw.map(|name| format!("{} has no flaw {name}", experiment.name));
            flaw.or_else(|| knob.map(|(name, _)| format!("{} has no number {name}", experiment.name)))
        }
        Command::Crosscheck(options) => {
            let unknown = options.names.into_iter().find(|name| experiments::named(name).is_none());
            unknown.map(|name| format!("there is no experiment {name}"))
        }
        Command::Verify(options) => {
            let is_known = |word: &String| {
                word.len() == 1
                    || experiments::named(word).is_some()
                    || experiments::all().any(|one| one.claims.iter().any(|claim| claim == word))
            };
            options.what.into_iter().find(|word| !is_known(word)).map(|word| format!("there is no {word}"))
        }
        Command::Py(options) => {
            let missing = Some(&options.file).filter(|file| !root().join(file).exists());
            missing.map(|file| format!("there is no {}", file.display()))
        }
        Command::Exercise(options) => {
            let name = match options.action? {
                Action::Check(options) => options.name,
                Action::Watch(options) => options.name,
                Action::Hint(options) => options.name,
                Action::Reset(options) => Some(options.name),
                Action::List(_) => None,
            }?;
            let info = fs::read_to_string(root().join("exercises/info.toml")).expect("the set is there");
            (!info.contains(&format!("name = \"{name}\""))).then(|| format!("there is no exercise {name}"))
        }
        Command::List(_) | Command::Report(_) => None,
    }
}

#[test]
fn every_printed_command_is_one_that_runs() {
    let mut wrong = Vec::new();
    let mut count = 0;
    for path in documents() {
        for command in commands(&fs::read_to_string(&path).expect("a document")) {
            count += 1;
            wrong.extend(problem(&command).map(|why| format!("{}: `{command}`: {why}", path.display())));
        }
    }
    assert!(count > 100, "{count} commands are too few: the documents are not read");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_printed_command_that_does_not_run_is_found() {
    for right in ["cargo lab list --ko", "cargo lab run countdown --flaw no-lock", "cargo lab --help"] {
        assert_eq!(problem(right), None, "{right}");
    }
    for wrong in [
        "cargo lab rum countdown",
        "cargo lab rum --help",
        "cargo lab run countdwn",
        "cargo lab run countdown --flaw no-lokc",
        "cargo lab run countdown --set sahre_ms=3",
        "cargo lab run countdown --quik",
        "cargo lab verify L99",
        "cargo lab crosscheck nothing",
        "cargo lab py examples/py/missing.py",
        "cargo lab exercise check no_such",
    ] {
        assert!(problem(wrong).is_some(), "{wrong}");
    }
    assert_eq!(
        commands("a `cargo lab list` b\n\ncargo lab run x # y\n"),
        ["cargo lab run x", "cargo lab list --help"]
    );
}
