//! The real runtimes of this machine: which Node, which CPythons and which JVM are here, found without asking anybody.
//!
//! # Model
//! Names on PATH, then the versions that pyenv keeps. Each candidate is asked for its version; one that does not answer
//! (a shim without a version behind it, a broken build) is not there. Two paths to one version are one runtime.
//! tokio is always there: it is compiled into this program, and its path is that of this program.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::experiment::Family;
use crate::interrupt::Interrupt;
use crate::load::this_program;
use crate::program::{Limits, run_to_end};

/// A real runtime that answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Runtime {
    /// What it is.
    pub family: Family,
    /// The program.
    pub path: PathBuf,
    /// Its version, such as `20.20.2` or `3.13.5t`; `t` for a CPython without a global lock.
    pub version: String,
}

impl Runtime {
    /// Its name in results: `node 20.20.2`, `cpython 3.11.7`.
    pub fn name(&self) -> String {
        format!("{} {}", self.family.name(), self.version)
    }

    /// Whether `wanted` means this runtime: its family, its name, its version, or how its version begins. `3.13` is the one
    /// with a lock, `3.13t` the one without.
    pub fn is_called(&self, wanted: &str) -> bool {
        let (begin, free_threaded) = wanted.strip_suffix('t').map_or((wanted, false), |begin| (begin, true));
        self.family.name() == wanted
            || self.name() == wanted
            || self.version == wanted
            || (self.is_free_threaded() == free_threaded
                && self.version.strip_prefix(begin).is_some_and(|rest| rest.starts_with('.')))
    }

    /// Major and minor version; zeros where it does not say.
    pub fn release(&self) -> (u32, u32) {
        let mut parts = self.version.split(['.', 't', '+']).map(|part| part.parse().unwrap_or(0));
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0))
    }

    /// Whether it is a CPython without a global lock.
    pub fn is_free_threaded(&self) -> bool {
        self.family == Family::CPython && self.version.ends_with('t')
    }
}

/// The real runtimes of these families, in order of family and version.
pub fn find(families: &[Family], interrupt: &Interrupt) -> Vec<Runtime> {
    let mut found: Vec<Runtime> = Vec::new();
    let mut seen = BTreeSet::new();
    for &family in families {
        if family == Family::Tokio {
            found.push(Runtime { family, path: this_program(), version: tokio_version().to_owned() });
            continue;
        }
        for path in candidates(family) {
            let known = path.canonicalize().unwrap_or_else(|_| path.clone());
            if interrupt.came() || !seen.insert((family, known)) {
                continue;
            }
            let Some(version) = ask(family, &path, interrupt) else { continue };
            if !found.iter().any(|one| one.family == family && one.version == version) {
                found.push(Runtime { family, path, version });
            }
        }
    }
    found.sort_by_key(|runtime| (runtime.family, runtime.release(), runtime.version.clone()));
    found
}

/// Which versions this program was built from.
const LOCK_FILE: &str = include_str!("../../../Cargo.lock");

fn tokio_version() -> &'static str {
    let entry = LOCK_FILE.split("[[package]]").find(|entry| entry.contains("name = \"tokio\"\n"));
    let line = entry.and_then(|entry| entry.lines().find_map(|line| line.strip_prefix("version = ")));
    line.map_or("of an unknown version", |version| version.trim_matches('"'))
}

fn candidates(family: Family) -> Vec<PathBuf> {
    let names: Vec<String> = match family {
        Family::Node => vec!["node".to_owned(), "nodejs".to_owned()],
        Family::Jvm => vec!["java".to_owned()],
        Family::CPython => {
            let minors = (6..=20).flat_map(|minor| [format!("python3.{minor}"), format!("python3.{minor}t")]);
            ["python3".to_owned(), "python2.7".to_owned()].into_iter().chain(minors).collect()
        }
        Family::Tokio => Vec::new(), // It is no program.
    };
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).filter(|folder| folder.is_absolute()).collect();
    let on_path = names.iter().flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    let mut all: Vec<PathBuf> = on_path.filter(|path| path.is_file()).collect();
    if family == Family::CPython {
        all.extend(of_pyenv());
    }
    all
}

fn of_pyenv() -> Vec<PathBuf> {
    let root = std::env::var_os("PYENV_ROOT").map(PathBuf::from);
    let root = root.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".pyenv")));
    let Some(Ok(versions)) = root.map(|root| std::fs::read_dir(root.join("versions"))) else {
        return Vec::new();
    };
    let mut all: Vec<PathBuf> = (versions.flatten())
        .map(|version| version.path().join("bin").join("python"))
        .filter(|path| path.is_file())
        .collect();
    all.sort();
    all
}

/// What prints `cpython 3.11.7` or `cpython 3.13.5t` on every version; another Python says its own name.
const WHO: &str = "import sys, platform, sysconfig\n\
    free = 't' if sysconfig.get_config_var('Py_GIL_DISABLED') else ''\n\
    sys.stdout.write(platform.python_implementation().lower() + ' ' + '%d.%d.%d' % sys.version_info[:3] + free)\n";

fn ask(family: Family, path: &Path, interrupt: &Interrupt) -> Option<String> {
    let mut command = Command::new(path);
    match family {
        Family::Node => command.args(["-p", "'node ' + process.versions.node"]),
        Family::CPython => command.args(["-c", WHO]),
        Family::Tokio => return None,
        Family::Jvm => command.args(["--version"]),
    };
    command.stderr(Stdio::null());
    let said = run_to_end(command, &Limits::ASKING, interrupt).ok()?;
    version_of(family, &said)
}

/// The version in what a runtime says of itself; a JVM prints `openjdk 17.0.15 2025-04-15` and more lines.
fn version_of(family: Family, said: &str) -> Option<String> {
    let mut words = said.lines().next()?.split_whitespace();
    let (name, version) = (words.next()?, words.next()?);
    let right = match family {
        Family::Jvm => ["openjdk", "java"].contains(&name),
        _ => name == family.name(),
    };
    (right && version.starts_with(|c: char| c.is_ascii_digit())).then(|| version.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cpython(version: &str) -> Runtime {
        Runtime { family: Family::CPython, path: PathBuf::from("python"), version: version.to_owned() }
    }

    #[test]
    fn a_version_tells_its_release_and_whether_it_has_a_lock() {
        assert_eq!(cpython("3.13.5t").release(), (3, 13));
        assert!(cpython("3.13.5t").is_free_threaded() && !cpython("3.13.0").is_free_threaded());
        assert_eq!(cpython("2.7.18").name(), "cpython 2.7.18");
        assert_eq!(cpython("odd").release(), (0, 0));
        for wanted in ["cpython", "3.11", "3.11.7", "cpython 3.11.7", "3"] {
            assert!(cpython("3.11.7").is_called(wanted), "{wanted}");
        }
        for wanted in ["node", "3.1", "3.11.70", ""] {
            assert!(!cpython("3.11.7").is_called(wanted), "{wanted}");
        }
        for (wanted, free_threaded, locked) in [
            ("3.13t", true, false),
            ("3.13", false, true),
            ("3.13.5t", true, false),
            ("3.13.5", false, true),
            ("cpython", true, true),
            ("t", false, false),
            ("3.1t", false, false),
        ] {
            let found = ["3.13.5t", "3.13.5"].map(|version| cpython(version).is_called(wanted));
            assert_eq!(found, [free_threaded, locked], "{wanted}");
        }
    }

    #[test]
    fn tokio_is_part_of_this_program() {
        let found = find(&[Family::Tokio], &Interrupt::default());
        assert_eq!(found.len(), 1);
        assert!(found[0].name().starts_with("tokio 1."), "{}", found[0].name());
    }

    #[test]
    fn a_version_is_read_from_what_a_runtime_of_that_family_says() {
        let jvm = "openjdk 17.0.15 2025-04-15\nOpenJDK Runtime Environment (build 17.0.15+6)\n";
        assert_eq!(version_of(Family::Jvm, jvm), Some("17.0.15".to_owned()));
        assert_eq!(version_of(Family::Jvm, "java 21 2023-09-19 LTS\n"), Some("21".to_owned()));
        assert_eq!(version_of(Family::Node, "node 20.20.2\n"), Some("20.20.2".to_owned()));
        for (family, said) in [(Family::Jvm, ""), (Family::Node, jvm), (Family::CPython, "pypy 3.9.1")] {
            assert_eq!(version_of(family, said), None, "{said}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_is_no_runtime_is_not_found() {
        // `true` prints nothing, `false` fails, and there is no file of the third name.
        for name in ["/bin/true", "/bin/false", "/nowhere/python"] {
            for family in [Family::Node, Family::CPython, Family::Jvm] {
                assert_eq!(ask(family, Path::new(name), &Interrupt::default()), None, "{name}");
            }
        }
    }
}
