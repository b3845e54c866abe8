//! The programs on disk: their folders, their headers, the outcome that is recorded beside them.

use std::fs;
use std::path::{Path, PathBuf};

/// The six policies, by the names of the command line.
pub(crate) const POLICIES: [&str; 6] = ["tick", "gil32", "gil310", "gil313", "per-interp", "free"];

/// One `.py` file below `tests`.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    /// The folder and the file's name without its ending: `corpus/001_int_arithmetic`.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) source: String,
}

impl Program {
    /// The programs of one folder below `tests`, by name.
    pub(crate) fn of_folder(folder: &str) -> Vec<Program> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
        let entries = fs::read_dir(&root).unwrap_or_else(|e| panic!("cannot read {}: {e}", root.display()));
        let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("a folder entry").path()).collect();
        paths.retain(|path| path.extension().is_some_and(|ending| ending == "py"));
        paths.sort();
        paths.into_iter().map(|path| Program::read(folder, path)).collect()
    }

    fn read(folder: &str, path: PathBuf) -> Program {
        let source =
            fs::read_to_string(&path).unwrap_or_else(|e| panic!("cannot read {}: {e}", path.display()));
        let stem = path.file_stem().expect("a file has a name").to_string_lossy();
        Program { name: format!("{folder}/{stem}"), source, path }
    }

    /// The text after `# key:` in one of the comment lines.
    fn header(&self, key: &str) -> Option<&str> {
        let comments = self.source.lines().filter_map(|line| line.strip_prefix("# "));
        comments.filter_map(|line| line.strip_prefix(key)?.strip_prefix(':')).map(str::trim).next()
    }

    /// The policies to run it under.
    ///
    /// # Panics
    /// Panics when the header names a policy that does not exist.
    pub(crate) fn policies(&self) -> Vec<&'static str> {
        let Some(names) = self.header("policies") else { return POLICIES.to_vec() };
        let known = |name| POLICIES.into_iter().find(|policy| *policy == name);
        names
            .split_whitespace()
            .map(|name| known(name).unwrap_or_else(|| panic!("{}: no policy is named {name}", self.name)))
            .collect()
    }

    /// Where the first refusal must be, and what its message must contain.
    ///
    /// # Errors
    /// Fails when the program does not say so as `# refused: LINE:COLUMN words`.
    pub(crate) fn refused(&self) -> Result<(u32, u32, &str), String> {
        let place = self.header("refused").and_then(|text| {
            let (place, words) = text.split_once(' ')?;
            let (line, column) = place.split_once(':')?;
            Some((line.parse().ok()?, column.parse().ok()?, words))
        });
        place.ok_or_else(|| "it must have a line `# refused: LINE:COLUMN words`".to_owned())
    }

    /// The outcome that is recorded.
    ///
    /// # Errors
    /// Fails when there is none yet.
    pub(crate) fn expected(&self) -> Result<String, String> {
        let path = self.expected_path();
        fs::read_to_string(&path)
            .map_err(|e| format!("cannot read {}: {e}; record it with RECORD=1", path.display()))
    }

    /// The file that holds the recorded outcome.
    pub(crate) fn expected_path(&self) -> PathBuf {
        self.path.with_extension("out")
    }
}
