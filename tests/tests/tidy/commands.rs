//! The commands that the documents tell people to type exist, and both languages tell the same ones.

use std::collections::BTreeSet;

use crate::lexer;
use crate::markdown;
use crate::progress::Progress;
use crate::repo::{self, Finding, Source};

const SHELLS: [&str; 4] = ["sh", "bash", "console", "shell"];
const CARGO_COMMANDS: [&str; 10] =
    ["bench", "build", "check", "clippy", "doc", "fmt", "install", "metadata", "run", "test"];

/// One command, on its line counted from 1.
pub(crate) struct Command {
    pub(crate) words: Vec<String>,
    pub(crate) line: usize,
}

/// Every command of a page: the lines of shell blocks and the inline code that begins with `cargo`.
pub(crate) fn commands(file: &Source) -> Vec<Command> {
    let page = markdown::parse(file);
    let blocks = page.fences.iter().filter(|fence| SHELLS.contains(&fence.language.as_str()));
    let in_blocks = blocks.flat_map(|fence| {
        let lines = fence.lines.iter().enumerate();
        lines.map(|(index, text)| (text.as_str(), fence.line + 1 + index))
    });
    let inline = page.inline_code.iter().map(|code| (code.text.as_str(), code.line));
    let inline = inline.filter(|(text, _)| text.starts_with("cargo "));
    let all = in_blocks.chain(inline).map(|(text, line)| (text.split(" #").next().unwrap_or(""), line));
    let words = |text: &str| text.trim_start_matches("$ ").split_whitespace().map(str::to_owned).collect();
    all.map(|(text, line)| Command { words: words(text), line })
        .filter(|command| !command.words.is_empty())
        .collect()
}

/// What exists: files by path, packages, chores, and the aliases of cargo.
struct World {
    paths: BTreeSet<String>,
    packages: BTreeSet<String>,
    chores: BTreeSet<String>,
    aliases: BTreeSet<String>,
    /// Examples that the plan still owes, so that a document may name them already.
    owed: BTreeSet<String>,
}

impl World {
    fn of_repository() -> World {
        let files = repo::all_text();
        let manifests = files.iter().filter(|file| file.path.ends_with("Cargo.toml"));
        let tables = manifests.filter_map(|file| file.text.parse::<toml::Table>().ok());
        let packages =
            tables.filter_map(|table| Some(table.get("package")?.get("name")?.as_str()?.to_owned()));
        let config: toml::Table = repo::read(".cargo/config.toml").text.parse().expect("a valid config.toml");
        let is_owed = !Progress::of_repository().is_done("d");
        World {
            packages: packages.collect(),
            chores: chores(&repo::read("xtask/src/main.rs").text),
            aliases: config["alias"].as_table().expect("aliases").keys().cloned().collect(),
            owed: is_owed.then(|| "starvation".to_owned()).into_iter().collect(),
            paths: files.into_iter().map(|file| file.path).collect(),
        }
    }

    fn check(&self, file: &Source) -> Vec<Finding> {
        let checked = commands(file).into_iter();
        let wrong = checked.filter_map(|command| Some((self.problem(&command.words)?, command.line)));
        wrong.map(|(problem, line)| Finding::new(&file.path, line, problem)).collect()
    }

    fn problem(&self, words: &[String]) -> Option<String> {
        let value = |flags: &[&str]| {
            let at = words.iter().position(|word| flags.contains(&word.as_str()))?;
            words.get(at + 1)
        };
        if let ("mdbook", Some(folder)) = (words[0].as_str(), words.get(2)) {
            let manifest = format!("{folder}/book.toml");
            return (!self.paths.contains(&manifest)).then(|| format!("there is no {manifest}"));
        }
        if words[0].starts_with("./") || words[0] == "bash" {
            let script = words.last()?.trim_start_matches("./");
            return (!self.paths.contains(script)).then(|| format!("there is no {script}"));
        }
        if words[0] != "cargo" {
            return None;
        }
        let verb = words.get(1)?.as_str();
        if !CARGO_COMMANDS.contains(&verb) && !self.aliases.contains(verb) {
            return Some(format!("cargo has no command `{verb}`"));
        }
        if let Some(chore) = words.get(2).filter(|chore| verb == "xtask" && !chore.starts_with('-'))
            && !self.chores.contains(chore)
        {
            return Some(format!("cargo xtask has no chore `{chore}`"));
        }
        if let Some(package) = value(&["-p", "--package"]).filter(|name| !self.packages.contains(*name)) {
            return Some(format!("there is no package `{package}`"));
        }
        let has = |folder: &str, name: &str| {
            let candidates = [format!("{folder}/{name}.rs"), format!("{folder}/{name}/main.rs")];
            candidates.iter().any(|path| self.paths.contains(path))
        };
        if let Some(example) = value(&["--example"]).filter(|name| !has("examples", name)) {
            return (!self.owed.contains(example)).then(|| format!("there is no examples/{example}.rs"));
        }
        let bench = value(&["--bench"]).filter(|name| !has("benches/benches", name));
        bench.map(|name| format!("there is no benches/benches/{name}.rs"))
    }
}

/// The names of the chores: the variants of `enum Chore`, as clap spells them.
fn chores(text: &str) -> BTreeSet<String> {
    let code = lexer::split(text).code;
    let body = code.split_once("enum Chore {").map_or("", |(_, rest)| rest);
    let mut depth = 1;
    let mut names = BTreeSet::new();
    for line in body.lines() {
        let name: String = line.trim().chars().take_while(|c| c.is_alphanumeric()).collect();
        if depth == 1 && name.starts_with(char::is_uppercase) {
            names.insert(kebab(&name));
        }
        depth += line.matches(['{', '(', '[']).count();
        depth -= line.matches(['}', ')', ']']).count().min(depth);
        if depth == 0 {
            break;
        }
    }
    names
}

fn kebab(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_uppercase() && !out.is_empty() {
            out.push('-');
        }
        out.extend(c.to_lowercase());
    }
    out
}

/// Where two editions of one document differ in headings or commands.
fn check_same(left: &Source, right: &Source) -> Vec<Finding> {
    let levels = |file: &Source| markdown::parse(file).headings.iter().map(|h| h.level).collect::<Vec<_>>();
    let typed = |file: &Source| commands(file).into_iter().map(|command| command.words).collect::<Vec<_>>();
    let mut findings = Vec::new();
    if levels(left) != levels(right) {
        findings.push(Finding::new(&right.path, 0, format!("its headings are not those of {}", left.path)));
    }
    for words in typed(left).iter().filter(|words| !typed(right).contains(words)) {
        findings.push(Finding::new(&right.path, 0, format!("does not tell `{}`", words.join(" "))));
    }
    for words in typed(right).iter().filter(|words| !typed(left).contains(words)) {
        findings.push(Finding::new(&left.path, 0, format!("does not tell `{}`", words.join(" "))));
    }
    findings
}

#[test]
fn every_command_in_the_documents_exists() {
    let world = World::of_repository();
    let files = repo::all_text();
    let pages = files.iter().filter(|file| file.path.ends_with(".md"));
    repo::assert_clean(&pages.flat_map(|page| world.check(page)).collect::<Vec<_>>());
}

#[test]
fn both_readmes_tell_the_same() {
    repo::assert_clean(&check_same(&repo::read("README.md"), &repo::read("README.ko.md")));
}

#[test]
fn the_readme_begins_with_two_commands() {
    let told = commands(&repo::read("README.md"));
    let first: Vec<String> = told.iter().take(2).map(|command| command.words.join(" ")).collect();
    assert_eq!(first, ["cargo run --example starvation", "cargo test --workspace"]);
}

#[test]
fn a_command_that_does_not_exist_is_found() {
    let set = |names: &[&str]| names.iter().map(|name| name.to_string()).collect::<BTreeSet<_>>();
    let world = World {
        paths: set(&["examples/hello.rs", "book/en/book.toml", ".ci/run", "benches/benches/pool.rs"]),
        packages: set(&["clock"]),
        chores: chores(
            "enum Chore {\n    Loom,\n    BookData { check: bool },\n}\nenum Other {\n    Tea,\n}\n",
        ),
        aliases: set(&["xtask"]),
        owed: set(&["starvation"]),
    };
    assert_eq!(world.chores, set(&["loom", "book-data"]));
    let says = |text: &str| world.check(&Source::fixture("a.md", &format!("```sh\n{text}\n```\n"))).len();
    for right in [
        "cargo run --example hello -- --json",
        "$ cargo run --release --example starvation # comes later",
        "cargo xtask book-data",
        "cargo test -p clock",
        "cargo bench --bench pool",
        "mdbook build book/en",
        "./.ci/run",
        "curl localhost",
    ] {
        assert_eq!(says(right), 0, "{right}");
    }
    for wrong in [
        "cargo run --example gone",
        "cargo xtask tea",
        "cargo lab verify",
        "cargo test -p watch",
        "cargo bench --bench loop",
        "mdbook build book/fr",
        "./.ci/go",
    ] {
        assert_eq!(says(wrong), 1, "{wrong}");
    }
    let inline = Source::fixture("a.md", "Type `cargo run --example gone` now.\n");
    assert_eq!(world.check(&inline).len(), 1);
}

#[test]
fn editions_that_differ_are_found() {
    let page = |text: &str| Source::fixture("a.md", text);
    let english = page("# A\n```sh\ncargo test\n```\n");
    assert_eq!(check_same(&english, &page("# 가\n```sh\ncargo test\n```\n")), []);
    assert_eq!(check_same(&english, &page("# 가\n## 나\n```sh\ncargo test\n```\n")).len(), 1);
    assert_eq!(check_same(&english, &page("# 가\n```sh\ncargo run\n```\n")).len(), 2);
}
