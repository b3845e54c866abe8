//! What to try next, said after a run to whoever sits at the terminal.
//!
//! The same file under another lock is the point of the whole, so the next command is one that can be copied.

use std::fmt::Write;

use gil_interpreter::gil::Policy;

use super::options::PyOptions;

/// Two commands, each with what it shows; `by_cargo` when cargo started this program.
pub(crate) fn next(options: &PyOptions, by_cargo: bool) -> String {
    let lab = if by_cargo { "cargo lab" } else { "lab" };
    let file = options.file.display().to_string();
    let program =
        std::iter::once(&file).chain(&options.args).map(|word| quoted(word)).collect::<Vec<_>>().join(" ");
    let (policy, why) = other(options.gil);
    let mut commands = vec![(format!("{lab} py {program} --gil {}", policy.name()), why)];
    let own = match options.gil {
        policy if policy == Policy::default() => String::new(),
        policy => format!(" --gil {}", policy.name()),
    };
    commands.push(match options.stats {
        false => (format!("{lab} py {program}{own} --stats"), "who had the lock, and who waited for whom"),
        true => (format!("{lab} py {program}{own} -o turns.html"), "the turns, in the browser"),
    });
    let width = commands.iter().map(|(command, _)| command.chars().count()).max().unwrap_or(0);
    let mut out = String::from("\nnext (-q leaves this out):\n");
    for (command, why) in commands {
        let _ = writeln!(out, "  {command:<width$}   {why}");
    }
    out
}

/// A lock that shows something else, and what.
fn other(policy: Policy) -> (Policy, &'static str) {
    match policy {
        Policy::Gil310 => (Policy::Tick, "the lock of CPython 2.7: a turn is 100 ticks"),
        Policy::Tick => (Policy::Free, "no lock: threads run on all cores"),
        Policy::Free => (Policy::PerInterp, "a lock and objects for each thread"),
        Policy::Gil32 | Policy::Gil313 | Policy::PerInterp => {
            (Policy::Gil310, "the lock of CPython 3.10 to 3.12, which is the default")
        }
    }
}

/// As a shell wants it.
fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "-_./=,:+@%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli;

    fn parsed(words: &[&str]) -> PyOptions {
        match cli::parse(words.iter().map(Into::into).collect()).expect("valid") {
            cli::Command::Py(options) => *options,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn another_lock_and_another_look_are_proposed() {
        let said = next(&parsed(&["lab", "py", "a.py", "--turns", "5"]), true);
        let expected = "
next (-q leaves this out):
  cargo lab py a.py --turns 5 --gil tick   the lock of CPython 2.7: a turn is 100 ticks
  cargo lab py a.py --turns 5 --stats      who had the lock, and who waited for whom
";
        assert_eq!(said, expected);
        let said = next(&parsed(&["lab", "py", "a.py", "--gil", "tick", "--stats"]), false);
        assert!(
            said.contains("\n  lab py a.py --gil free ")
                && said.contains("\n  lab py a.py --gil tick -o turns.html ")
        );
    }

    #[test]
    fn every_policy_leads_to_another_one_and_commands_can_be_copied() {
        for policy in Policy::ALL {
            assert_ne!(other(policy).0, policy);
            for words in [vec!["a.py"], vec!["a b.py", "it's", "", "$x"]] {
                let mut line = vec!["lab", "py", "--gil", policy.name()];
                line.extend(words);
                let said = next(&parsed(&line), false);
                assert!(said.contains(&format!("--gil {}", other(policy).0.name())));
                assert!(line.len() == 5 || said.contains(r"'a b.py' 'it'\''s' '' '$x' --gil"), "{said}");
            }
        }
    }
}
