//! The progress table of ARCHITECTURE.md: which steps are done, and so which gaps are still allowed.
//!
//! # Model
//! While a step is open, a few rules accept that its result is missing. The table is the only place that
//! says so: the day its state becomes `done`, the same rules fail for whatever is still missing.

use crate::repo::{self, Finding, Source};

const HEADING: &str = "## Progress";

/// How far a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Open,
    InWork,
    Done,
}

/// The table as text says it: steps in order, each with its state.
#[derive(Debug)]
pub(crate) struct Progress(Vec<(String, State)>);

impl Progress {
    /// The table of this repository.
    pub(crate) fn of_repository() -> Progress {
        Progress::parse(&repo::read("ARCHITECTURE.md")).unwrap_or_else(|finding| panic!("{finding}"))
    }

    /// Reads the rows `| step | … | state |` below the heading `## Progress`.
    pub(crate) fn parse(file: &Source) -> Result<Progress, Finding> {
        let mut steps = Vec::new();
        let lines = file.text.lines().enumerate().skip_while(|(_, line)| *line != HEADING).skip(1);
        for (index, line) in lines.take_while(|(_, line)| !line.starts_with("## ")) {
            let cells: Vec<&str> = line.trim().trim_matches('|').split('|').map(str::trim).collect();
            let is_row = line.starts_with('|') && cells[0] != "step" && !cells[0].starts_with('-');
            if !is_row {
                continue;
            }
            let state = match cells.last().copied() {
                Some("open") => State::Open,
                Some("in work") => State::InWork,
                Some("done") => State::Done,
                other => {
                    let message = format!("a step is `open`, `in work` or `done`, not {other:?}");
                    return Err(Finding::new(&file.path, index + 1, message));
                }
            };
            steps.push((cells[0].to_owned(), state));
        }
        if steps.is_empty() {
            return Err(Finding::new(&file.path, 0, format!("no table of steps below `{HEADING}`")));
        }
        Ok(Progress(steps))
    }

    /// Whether the step is finished; a step that the table does not name is taken as finished.
    pub(crate) fn is_done(&self, step: &str) -> bool {
        self.0.iter().find(|(name, _)| name == step).is_none_or(|(_, state)| *state == State::Done)
    }
}

#[test]
fn the_repository_has_a_table_of_steps() {
    let progress = Progress::of_repository();
    let steps: Vec<&str> = progress.0.iter().map(|(step, _)| step.as_str()).collect();
    let expected: Vec<String> = ('a'..='v').map(String::from).collect();
    assert_eq!(steps, expected);
}

#[test]
fn states_are_read_from_the_last_column() {
    let text = "## Progress\n\n| step | what | state |\n|---|---|---|\n| a | x | done |\n| b | y | in work |\n\n## Next\n| c | z | odd |\n";
    let progress = Progress::parse(&Source::fixture("A.md", text)).unwrap();
    assert!(progress.is_done("a") && !progress.is_done("b"));
    assert!(progress.is_done("z"), "a step that nobody lists allows no gaps");
}

#[test]
fn an_unknown_state_or_a_missing_table_is_a_finding() {
    let odd = "## Progress\n| step | state |\n|---|---|\n| a | nearly |\n";
    assert_eq!(Progress::parse(&Source::fixture("A.md", odd)).unwrap_err().line, 4);
    assert!(Progress::parse(&Source::fixture("A.md", "# Title\n")).is_err());
}
