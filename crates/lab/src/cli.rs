//! The command line: which command, with which options.

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};

use crate::evidence::options::{CrosscheckOptions, ListOptions, ReportOptions, RunOptions, VerifyOptions};
use crate::exercise::options::ExerciseOptions;
use crate::py::options::PyOptions;
use crate::py::words;

const EXAMPLES: &str = "\
Examples:
  lab list                                        which questions there are, and which claims they settle
  lab run countdown --quick                       do threads make a program faster that only computes?
  lab verify --quick L G                          every claim about loop and lock, measured here, with its verdict
  lab crosscheck countdown                        the same workload on every CPython that is found
  lab report --open                               one page of everything that was measured so far
  lab py examples/py/countdown.py --gil tick      a Python file under the lock of CPython 2.7
  lab exercise                                    what to build yourself next, graded by what it does

Exit codes: 0 done (whatever the verdicts), 1 something went wrong, 2 bad usage, 3 a verdict differs from --expect,
130 stopped by Ctrl-C; `lab py` ends as its program does.";

/// A laboratory for the insides of language runtimes.
#[derive(Debug, Parser)]
#[command(name = "lab", version, after_help = EXAMPLES, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// What is asked for.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(ListOptions),
    Run(Box<RunOptions>),
    Verify(Box<VerifyOptions>),
    Crosscheck(Box<CrosscheckOptions>),
    Report(ReportOptions),
    Py(Box<PyOptions>),
    Exercise(ExerciseOptions),
}

/// Reads the words of a command line, the name of the command itself first.
///
/// # Errors
/// Bad usage, and also help and version, as clap has it; `exit` of the error prints it.
pub(crate) fn parse(mut line: Vec<OsString>) -> Result<Command, clap::Error> {
    let mut program = Vec::new();
    if line.get(1).is_some_and(|word| word == "py") {
        let behind = line.split_off(2);
        let mut cli = Cli::command();
        cli.build();
        let py = cli.find_subcommand("py").expect("`py` is declared above");
        let told = words::split(&behind, py);
        for (word, option) in &told.near {
            anstream::eprintln!("note: {word} goes to the program; lab's own option is {option}");
        }
        line.extend(told.ours);
        line.extend(told.file.into_iter().flat_map(|file| [OsString::from("--"), file]));
        program = told.program;
    }
    let program = texts(program)?;
    let mut command = Cli::try_parse_from(line)?.command;
    if let Command::Py(options) = &mut command {
        options.args = program;
        options.check().map_err(|message| refuse(&message))?;
    }
    Ok(command)
}

/// `sys.argv` has texts; what the system allows beyond them is refused, not changed.
fn texts(words: Vec<OsString>) -> Result<Vec<String>, clap::Error> {
    let text = |word: OsString| {
        word.into_string().map_err(|word| refuse(&format!("{} is not valid UTF-8", word.to_string_lossy())))
    };
    words.into_iter().map(text).collect()
}

fn refuse(message: &str) -> clap::Error {
    let mut cli = Cli::command();
    cli.build();
    let py = cli.find_subcommand_mut("py").expect("`py` is declared above");
    py.error(ErrorKind::ArgumentConflict, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::py::options::OutputKind;
    use gil_interpreter::gil::Policy;

    fn py(line: &str) -> Result<PyOptions, clap::Error> {
        let words = std::iter::once("lab py").chain(line.split('|')).flat_map(|part| part.split(' '));
        let words = words.filter(|word| !word.is_empty()).map(OsString::from).collect();
        match parse(words)? {
            Command::Py(options) => Ok(*options),
            other => panic!("{line}: {other:?}"),
        }
    }

    fn refusal(line: &str) -> String {
        py(line).expect_err(line).to_string()
    }

    #[test]
    fn the_declaration_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_may_stand_before_and_behind_the_file() {
        for line in [
            "--gil tick --stats a.py x --turns 5",
            "a.py x --gil tick --turns 5 --stats",
            "--stats a.py --gil=tick x --turns 5",
        ] {
            let options = py(line).expect(line);
            assert_eq!((options.gil, options.stats), (Policy::Tick, true), "{line}");
            assert_eq!(options.file.to_str(), Some("a.py"), "{line}");
            assert_eq!(options.args, ["x", "--turns", "5"], "{line}");
        }
    }

    #[test]
    fn all_behind_two_dashes_is_the_programs() {
        let options = py("a.py --stats -- --gil tick -- -o").expect("valid");
        assert_eq!((options.gil, options.stats), (Policy::Gil310, true));
        assert_eq!(options.args, ["--gil", "tick", "--", "-o"]);
        let options = py("--stats -- --a.py --gil tick").expect("valid");
        assert_eq!(options.file.to_str(), Some("--a.py"));
        assert_eq!((options.stats, options.args.len()), (true, 2));
    }

    #[test]
    fn help_behind_the_file_is_the_programs() {
        assert_eq!(py("a.py --help -h").expect("valid").args, ["--help", "-h"]);
        assert_eq!(py("--help").expect_err("help").kind(), ErrorKind::DisplayHelp);
    }

    #[test]
    fn lists_and_files_are_read() {
        let options = py("a.py --gil gil310 --ablate no-forced-switch,nonblocking-keeps -o a.svg -o b.html");
        let options = options.expect("valid");
        assert_eq!(options.ablate, ["no-forced-switch", "nonblocking-keeps"]);
        assert_eq!(
            options.out.iter().map(|out| out.kind).collect::<Vec<_>>(),
            [OutputKind::Svg, OutputKind::Html]
        );
        let options = py("a.py --interval 250 --time-limit 1.5 --memory 64").expect("valid");
        assert_eq!((options.interval, options.memory), (Some(250), 64));
        assert_eq!(options.time_limit, Some(std::time::Duration::from_millis(1500)));
    }

    #[test]
    fn bad_usage_names_the_option_and_says_what_to_do() {
        for (line, part) in [
            ("", "FILE.py"),
            ("--gil gil27 a.py", "possible values: tick, gil32"),
            ("a.py --gil", "--gil <POLICY>"),
            ("--gill tick a.py", "--gill"),
            ("a.py --interval 0", "0 is not in 1..=60000000"),
            ("a.py --interval -5", "-5 is not in 1..=60000000"),
            ("a.py --gil tick --check-interval -1", "-1 is not in 1..=1000000000"),
            ("a.py --memory 0", "0 is not in 1..=65536"),
            ("a.py --time-limit -1", "seconds above 0"),
            ("a.py --time-limit inf", "seconds above 0"),
            ("a.py -o out.png", ".svg (a picture) or .html (a page)"),
            ("a.py -o out.json", "--trace FILE.json"),
            ("a.py --gil tick --interval 100", "use --check-interval"),
            ("a.py --gil free --interval 100", "it has no lock"),
            ("a.py --check-interval 10", "use --interval"),
            ("a.py --gil tick --ablate fair-ticket", "use gil32, gil310"),
            ("a.py --ablate fair-ticket,io-priority", "both say who goes first"),
            ("a.py --dis --stats", "cannot be used with"),
        ] {
            let said = refusal(line);
            assert!(said.contains(part), "{line}: {said}");
            assert_eq!(py(line).expect_err(line).exit_code(), 2, "{line}");
        }
    }

    #[test]
    fn every_policy_and_ablation_has_its_name_on_the_command_line() {
        for policy in Policy::ALL {
            assert_eq!(py(&format!("--gil {} a.py", policy.name())).expect("valid").gil, policy);
        }
        for name in gil_interpreter::gil::Ablations::NAMES {
            let options = py(&format!("a.py --ablate {name}")).expect("valid");
            assert_eq!(options.ablations().expect("known").to_string(), name);
        }
    }
}
