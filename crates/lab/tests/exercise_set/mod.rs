//! A small set of exercises in the layout of the real one, written to a folder of its own for each test.
//!
//! It is kept as text here and not as files, because its exercises are unfinished on purpose: they have notes to finish
//! something, one does not compile, and each manifest would be one more for cargo to find below this workspace.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::support::{Ended, command_in};

/// Each exercise: its folder, its name, what `main` stands behind the task.
pub(crate) const EXERCISES: [(&str, &str, &str); 7] = [
    (
        "01_plain",
        "first_sum",
        "fn sum() -> u32 { 0 }\nfn main() { grader::grade(\"first_sum\", sum() == 3); }\n",
    ),
    (
        "01_plain",
        "second_sum",
        "fn sum() -> u32 { 7 }\nfn main() { grader::grade(\"second_sum\", sum() == 7); }\n",
    ),
    ("02_endless", "busy_loop", "fn main() { println!(\"begun\"); loop { std::hint::spin_loop(); } }\n"),
    ("02_endless", "left_behind", LEFT_BEHIND),
    (
        "03_text",
        "mistyped",
        "fn sum() -> u32 { \"three\" }\nfn main() { grader::grade(\"mistyped\", sum() == 3); }\n",
    ),
    ("03_text", "edited_main", "fn main() { println!(\"no grader here\"); }\n"),
    ("03_text", "odd_output", ODD_OUTPUT),
];

/// A program with a named thread that waits for ever, and a child that waits longer.
const LEFT_BEHIND: &str = r#"
fn main() {
    let child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
    println!("pids {} {}", std::process::id(), child.id());
    let waiting = std::thread::Builder::new().name("waits-for-ever".into()).spawn(|| loop { std::thread::park() });
    waiting.unwrap().join().unwrap();
}
"#;

/// What a program may know, and what it may not do to a screen; then more than anybody reads.
const ODD_OUTPUT: &str = r#"
fn main() {
    println!("secret: {:?}, seed: {:?}", std::env::var("LAB_TEST_SECRET").ok(), std::env::var("LAB_SEED").ok());
    println!("\x1b[2Jcleared");
    for _ in 0..100_000 { println!("a line that says nothing"); }
    eprintln!("the end");
    let much: Vec<Vec<u8>> = (0..64).map(|_| vec![0; 1 << 30]).collect();
    std::process::exit(much.len() as i32);
}
"#;

const GRADER: &str = r#"
pub fn grade(name: &str, is_right: bool) {
    let seed = std::env::var("LAB_SEED").unwrap_or_default();
    if !is_right {
        eprintln!("the sum is wrong\nLAB_SEED={seed} repeats this");
        std::process::exit(1);
    }
    println!("passed: {name} (seed {seed})");
    if let Ok(token) = std::env::var("LAB_GRADE_TOKEN") {
        println!("graded {name} {token}");
    }
}
"#;

/// The set in its folder.
pub(crate) struct TestSet {
    folder: TempDir,
}

impl TestSet {
    /// Writes it.
    pub(crate) fn new() -> TestSet {
        let set = TestSet { folder: tempfile::tempdir().expect("a temporary folder") };
        let mut manifest =
            "[package]\nname = \"exercises\"\nversion = \"0.1.0\"\nedition = \"2024\"\n[workspace]\n\
                            [dependencies]\ngrader = { path = \"grader\" }\n[profile.dev]\ndebug = false\n"
                .to_owned();
        let mut info = "format_version = 1\n".to_owned();
        let mut hints = String::new();
        for (index, (dir, name, body)) in EXERCISES.iter().enumerate() {
            let todo = format!("// {}: make it pass.\n{body}", concat!("TO", "DO"));
            set.write(&format!("exercises/{dir}/{name}.rs"), &todo);
            set.write(&format!("originals/{dir}/{name}.rs"), &todo);
            set.write(&format!("solutions/{dir}/{name}.rs"), "fn main() {}\n");
            manifest += &format!("[[bin]]\nname = \"{name}\"\npath = \"exercises/{dir}/{name}.rs\"\n");
            info +=
                &format!("[[exercises]]\nname = \"{name}\"\ndir = \"{dir}\"\ntest = true\nhint = \"h\"\n");
            hints += &format!(
                "[{name}]\nchapter = \"pool\"\ntitle_en = \"Title {name}\"\ntitle_ko = \"제목 {name}\"\nminutes = {}\n\
                 en = [\"one\", \"two\", \"three\"]\nko = [\"하나\", \"둘\", \"셋\"]\n",
                10 + index
            );
        }
        set.write("Cargo.toml", &manifest);
        set.write("info.toml", &info);
        set.write("hints.toml", &hints);
        set.write(
            "grader/Cargo.toml",
            "[package]\nname = \"grader\"\nversion = \"0.1.0\"\nedition = \"2024\"\n",
        );
        set.write("grader/src/lib.rs", GRADER);
        set
    }

    /// The folder that holds `exercises`, where a user stands.
    pub(crate) fn top(&self) -> &Path {
        self.folder.path()
    }

    /// A file of the set.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join("exercises").join(name)
    }

    /// Writes a file of the set.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a file has a folder")).expect("the folder is made");
        std::fs::write(path, text).expect("the file is written");
    }

    /// Writes a program that a shell runs.
    pub(crate) fn write_program(&self, name: &str, script: &str) {
        self.write(name, &format!("#!/bin/sh\n{script}\n"));
        let all_may_run = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(self.path(name), all_may_run).expect("it is ours");
    }

    /// Reads a file of the set.
    pub(crate) fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    /// Makes the first exercise pass.
    pub(crate) fn solve_first_sum(&self) {
        self.write(FIRST_SUM, &self.read(FIRST_SUM).replace("{ 0 }", "{ 3 }"));
    }

    /// `lab exercise` with these words.
    pub(crate) fn command(&self, words: &str) -> Command {
        let mut command = command_in(self.top(), &format!("exercise {words}"));
        for name in ["LC_ALL", "LC_MESSAGES", "LANG", "CARGO_TARGET_DIR"] {
            command.env_remove(name);
        }
        command
    }

    /// Runs it to its end.
    pub(crate) fn run(&self, words: &str) -> Ended {
        Ended::from(self.command(words).output().expect("the command starts"))
    }
}

/// The file of the first exercise.
pub(crate) const FIRST_SUM: &str = "exercises/01_plain/first_sum.rs";
