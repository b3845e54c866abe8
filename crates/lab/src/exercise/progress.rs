//! Which exercises are done: one readable file beside the set, one line for each.
//!
//! # Invariants
//! - X1: a file that cannot be understood is never written to.
//! - X2: a reader sees the old file or the new one, never a half.
//! - X3: of two that change it at once neither loses what the other wrote.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use experiment_kit::report::timestamp;

use super::set::Set;

const HEADER: &str = "\
# The exercises that are done, each with its day. `lab exercise` writes this file; you may edit it.
";

/// The progress of one set.
#[derive(Debug)]
pub(crate) struct Progress {
    path: PathBuf,
    /// Names that the set does not know (any more) are kept.
    done: BTreeMap<String, String>,
}

impl Progress {
    /// Reads it; nothing is done where there is no file yet.
    pub(crate) fn of(set: &Set) -> Result<Progress> {
        Progress::read(set.root.join("progress.toml"))
    }

    fn read(path: PathBuf) -> Result<Progress> {
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
            Err(error) => return Err(anyhow!("cannot read {}: {error}", path.display())),
        };
        let done = parse(&text).map_err(|problem| {
            anyhow!(
                "{} cannot be understood, and was left as it is: {problem}; mend that line, or move the file away to \
                 begin anew",
                path.display()
            )
        })?;
        Ok(Progress { path, done })
    }

    /// Whether it is done.
    pub(crate) fn is_done(&self, name: &str) -> bool {
        self.done.contains_key(name)
    }

    /// The day on which it was done.
    pub(crate) fn since(&self, name: &str) -> Option<&str> {
        self.done.get(name).map(String::as_str)
    }

    /// Writes down that it is done; the first day stays.
    pub(crate) fn record(&mut self, name: &str) -> Result<()> {
        let now = timestamp(clock::wall_now());
        self.change(|done| {
            done.entry(name.to_owned()).or_insert_with(|| now[..10].to_owned());
        })
    }

    /// It is not done any more; says whether it was.
    pub(crate) fn take_back(&mut self, name: &str) -> Result<bool> {
        let mut was_done = false;
        self.change(|done| was_done = done.remove(name).is_some())?;
        Ok(was_done)
    }

    /// Reads again first: another `lab exercise` may have written meanwhile. What changes nothing writes nothing, so
    /// what is done already can be checked in a folder that cannot be written to.
    fn change(&mut self, change: impl FnOnce(&mut BTreeMap<String, String>)) -> Result<()> {
        let _lock = lock_beside(&self.path);
        let mut now = Progress::read(self.path.clone())?;
        let before = now.done.clone();
        change(&mut now.done);
        if now.done != before {
            write_whole(&now.path, &text(&now.done))?;
        }
        *self = now;
        Ok(())
    }
}

/// X3: held from reading to writing. It is on the folder, because the file itself is replaced by each change. `None`
/// where the file system has no locks; then the last one wins.
fn lock_beside(path: &Path) -> Option<File> {
    let folder = File::open(path.parent()?).ok()?;
    folder.lock().ok()?;
    Some(folder)
}

fn parse(text: &str) -> std::result::Result<BTreeMap<String, String>, String> {
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let line =
            error.span().map_or(1, |span| text[..span.start.min(text.len())].matches('\n').count() + 1);
        format!("line {line}: {}", error.message())
    })?;
    let entry = |(name, value): (String, toml::Value)| match value {
        toml::Value::String(day) => Ok((name, day)),
        toml::Value::Datetime(day) => Ok((name, day.to_string())),
        other => Err(format!("`{name}` has no day, but {}", other.type_str())),
    };
    table.into_iter().map(entry).collect()
}

fn text(done: &BTreeMap<String, String>) -> String {
    let mut text = HEADER.to_owned();
    for (name, day) in done {
        let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        // A quoted string is written in TOML as in JSON.
        let name = if !name.is_empty() && name.chars().all(is_bare) { name.clone() } else { quoted(name) };
        let _ = writeln!(text, "{name} = {}", quoted(day));
    }
    text
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// X2: a rename within a folder puts the new file in the place of the old one at once.
pub(crate) fn write_whole(path: &Path, text: &str) -> Result<()> {
    let new = path.with_extension(format!("new-{}", std::process::id()));
    std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, path)).with_context(|| {
        let _ = std::fs::remove_file(&new); // It may not be there.
        format!("cannot write {}", path.display())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress(text: &str) -> (tempfile::TempDir, Result<Progress>) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("progress.toml");
        std::fs::write(&path, text).expect("written");
        (folder, Progress::read(path))
    }

    #[test]
    fn what_is_recorded_is_read_again_and_the_first_day_stays() {
        let (folder, read) = progress("old = \"2026-01-02\"\nby_hand = 2026-01-03\n\"a b\" = \"x\"\n");
        let mut read = read.expect("valid");
        read.record("old").expect("written");
        read.record("new").expect("written");
        assert!(read.take_back("by_hand").expect("written"));
        assert!(!read.take_back("unknown").expect("nothing to do"));
        let again = Progress::read(folder.path().join("progress.toml")).expect("valid");
        assert_eq!(again.since("old"), Some("2026-01-02"));
        assert!(again.is_done("new") && again.is_done("a b") && !again.is_done("by_hand"));
        assert_eq!(std::fs::read_dir(folder.path()).expect("there").count(), 1, "no other file is left");
    }

    #[test]
    fn x1_a_file_that_is_broken_is_told_with_its_line_and_never_written_to() {
        for broken in ["a = \"x\"\nb = \n", "a = \"x\"\na = \"y\"\n", "a = \"x\"\nb = 3\n", "<<<<<<< HEAD\n"]
        {
            let (folder, read) = progress(broken);
            let told = read.expect_err(broken).to_string();
            assert!(told.contains("line ") || told.contains("`b` has no day"), "{told}");
            let path = folder.path().join("progress.toml");
            std::fs::write(&path, "").expect("written");
            let mut read = Progress::read(path.clone()).expect("empty is valid");
            std::fs::write(&path, broken).expect("written");
            read.record("new").expect_err("broken meanwhile");
            assert_eq!(std::fs::read_to_string(&path).expect("there"), broken);
        }
    }

    #[test]
    fn x3_two_that_record_at_once_lose_nothing() {
        let (folder, _) = progress("");
        let path = folder.path().join("progress.toml");
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let path = path.clone();
                scope.spawn(move || {
                    let mut mine = Progress::read(path).expect("valid");
                    for turn in 0..25 {
                        mine.record(&format!("e{thread}_{turn}")).expect("written");
                    }
                });
            }
        });
        assert_eq!(Progress::read(path).expect("valid").done.len(), 100);
    }

    #[test]
    fn what_changes_nothing_writes_nothing() {
        let by_hand = "# mine\na = 2026-01-02\n";
        let (folder, read) = progress(by_hand);
        let mut read = read.expect("valid");
        read.record("a").expect("nothing to do");
        assert!(!read.take_back("b").expect("nothing to do"));
        let path = folder.path().join("progress.toml");
        assert_eq!(std::fs::read_to_string(path).expect("there"), by_hand);
    }

    #[test]
    fn x2_what_cannot_be_written_leaves_the_old_file() {
        let (folder, read) = progress("a = \"x\"\n");
        let mut read = read.expect("valid");
        let blocker = folder.path().join(format!("progress.new-{}", std::process::id()));
        std::fs::create_dir(&blocker).expect("a folder in the way");
        read.record("b").expect_err("it cannot be written");
        assert_eq!(
            std::fs::read_to_string(folder.path().join("progress.toml")).expect("there"),
            "a = \"x\"\n"
        );
    }
}
