//! Drives pages in a headless browser, as their readers do: mouse, keyboard and touch, wide and phone, light and dark.
//!
//! # Model
//! ```text
//! cargo run -p trace-report --example gallery --> target/browser/gallery/report.html --+
//! --page FILE.html, --book DIR ------------------------------------------------------- +--> node check.mjs --> refused?
//! xtask/browser/package-lock.json --npm ci--> target/browser/node_modules -------------+         |
//! CHROMIUM, or the system's chromium --------------------------------------------------+      --shots DIR
//! ```
//! The scripts in `xtask/browser` hold the rules; `broken.mjs` and `broken_book.mjs` hold pages that each rule must refuse,
//! and these are looked at first. Only the library that speaks to the browser is installed, in the one version whose sum is in the
//! lock file, and never a browser. Where a part is missing the chore says which, and is an error with `--require` only.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, bail, ensure};
use serde_json::json;

use crate::process;

/// Options of `cargo xtask browser`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// A page to look at, besides the gallery of pictures; may be given several times
    #[arg(long, value_name = "FILE")]
    page: Vec<PathBuf>,
    /// A built book to look at, every page of its editions, for example target/book
    #[arg(long, value_name = "DIR")]
    book: Option<PathBuf>,
    /// Put screenshots into this folder: every page, and of a book those with a figure or a quiz
    #[arg(long, value_name = "DIR")]
    shots: Option<PathBuf>,
    /// Fail when node, npm or chromium is missing, instead of skipping
    #[arg(long)]
    require: bool,
}

/// Programs that are Chromium, by the names that systems give them.
const CHROMIUMS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];
/// Where macOS keeps programs that are not on the PATH.
const APPS: [&str; 2] = [
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
];

pub(crate) fn run(options: &Options) -> Result<()> {
    for page in &options.page {
        ensure!(page.is_file(), "there is no page {}", page.display());
    }
    // Looked for before the time is spent on everything else.
    let book = options.book.as_deref().map(found_book).transpose()?;
    let folder = process::root().join("target/browser");
    let tools =
        Tools::find(&|program| on_path(program, env::var_os("PATH").as_deref()), env::var_os("CHROMIUM"));
    let ready = tools
        .and_then(|tools| install(&tools, &folder).map(|()| tools).map_err(|error| format!("{error:#}")));
    let tools = match ready {
        Ok(tools) => tools,
        Err(missing) if options.require => bail!("the pages cannot be looked at: {missing}"),
        Err(missing) => {
            println!("skipped: {missing}");
            return Ok(());
        }
    };
    let gallery = folder.join("gallery");
    fs::create_dir_all(&gallery).with_context(|| format!("cannot make {}", gallery.display()))?;
    let mut draw = process::cargo();
    draw.args(["run", "--quiet", "--package", "trace-report", "--example", "gallery", "--"]).arg(&gallery);
    let drawn = process::capture(&mut draw)?;
    ensure!(drawn.status.success(), "the gallery cannot be drawn:\n{}", process::text(&drawn));

    let mut pages = vec![gallery.join("report.html")];
    for page in &options.page {
        pages.push(fs::canonicalize(page).with_context(|| format!("cannot find {}", page.display()))?);
    }
    let shots = options.shots.as_deref().map(std::path::absolute).transpose()?;
    let config = folder.join("config.json");
    let text = json!({
        "library": folder.join("node_modules/playwright-core"), "chromium": tools.chromium, "pages": pages,
        "book": book, "shots": shots, "broken": folder.join("broken"),
    });
    fs::write(&config, text.to_string()).with_context(|| format!("cannot write {}", config.display()))?;
    let script = process::root().join("xtask/browser/check.mjs");
    process::run(Command::new(&tools.node).arg(script).arg(&config)).context("a page is refused; see above")
}

/// The folder of a book that was built: with its editions in it, or of one edition.
fn found_book(folder: &Path) -> Result<PathBuf> {
    let built = |folder: &Path| folder.join("index.html").is_file();
    ensure!(
        built(folder) || (built(&folder.join("en")) && built(&folder.join("ko"))),
        "there is no book in {}; `cargo xtask book` builds one below target/book",
        folder.display()
    );
    fs::canonicalize(folder).with_context(|| format!("cannot find {}", folder.display()))
}

/// What the check runs.
#[derive(Debug, PartialEq, Eq)]
struct Tools {
    node: PathBuf,
    npm: PathBuf,
    chromium: PathBuf,
}

impl Tools {
    /// Looks for the programs; the error says which is missing and how to get it.
    fn find(
        look: &dyn Fn(&Path) -> Option<PathBuf>,
        named: Option<std::ffi::OsString>,
    ) -> Result<Tools, String> {
        let program = |name: &str, advice: &str| {
            look(Path::new(name)).ok_or_else(|| format!("{name} is missing; {advice}"))
        };
        let node = program(
            "node",
            "install Node 20 or newer, for example `apt-get install nodejs` or `brew install node`",
        )?;
        let npm =
            program("npm", "it comes with most packages of Node; on Debian it is `apt-get install npm`")?;
        let chromium = match named {
            Some(named) => look(Path::new(&named)).ok_or_else(|| {
                format!("CHROMIUM names {}, which is no program", Path::new(&named).display())
            })?,
            None => CHROMIUMS.iter().chain(&APPS).find_map(|name| look(Path::new(name))).ok_or(
                "chromium is missing; install it, for example `apt-get install chromium` or \
                 `brew install --cask chromium`, or name one with CHROMIUM=PATH",
            )?,
        };
        Ok(Tools { node, npm, chromium })
    }
}

/// The file of a program: itself when it is a path, else the first of its name on `path`.
fn on_path(program: &Path, path: Option<&OsStr>) -> Option<PathBuf> {
    if program.components().count() > 1 {
        return program.is_file().then(|| program.to_owned());
    }
    env::split_paths(path?).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Installs what the lock file names, unless it is there already.
fn install(tools: &Tools, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let lock = process::root().join("xtask/browser/package-lock.json");
    let wanted = fs::read_to_string(&lock).with_context(|| format!("cannot read {}", lock.display()))?;
    // Copied last, after npm has ended well: the copy says that the library beside it is the one of this lock file.
    let mark = folder.join("installed.json");
    let library = folder.join("node_modules/playwright-core/package.json");
    if library.is_file() && fs::read_to_string(&mark).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    for file in ["package.json", "package-lock.json"] {
        fs::copy(process::root().join("xtask/browser").join(file), folder.join(file))
            .with_context(|| format!("cannot copy {file}"))?;
    }
    let mut npm = Command::new(&tools.npm);
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]).current_dir(folder);
    let output = process::capture(&mut npm)?;
    ensure!(output.status.success(), "npm cannot install playwright-core:\n{}", process::text(&output));
    fs::write(&mark, wanted).with_context(|| format!("cannot write {}", mark.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(there: &[&str], named: Option<&str>) -> Result<Tools, String> {
        let look =
            |program: &Path| there.iter().any(|one| Path::new(one) == program).then(|| program.to_owned());
        Tools::find(&look, named.map(Into::into))
    }

    #[test]
    fn each_missing_program_is_named_with_what_to_install() {
        let says = |there: &[&str], named| found(there, named).expect_err("something is missing");
        assert!(says(&[], None).starts_with("node is missing; install Node 20"));
        assert!(says(&["node"], None).starts_with("npm is missing"));
        assert!(says(&["node", "npm"], None).contains("`apt-get install chromium`"));
        assert_eq!(
            says(&["node", "npm", "chromium"], Some("mine")),
            "CHROMIUM names mine, which is no program"
        );
    }

    #[test]
    fn the_named_chromium_comes_before_those_of_the_system() {
        let chromium = |there: &[&str], named| found(there, named).expect("all are there").chromium;
        assert_eq!(chromium(&["node", "npm", "google-chrome", "chromium"], None), Path::new("chromium"));
        assert_eq!(chromium(&["node", "npm", APPS[1]], None), Path::new(APPS[1]));
        assert_eq!(chromium(&["node", "npm", "chromium", "mine"], Some("mine")), Path::new("mine"));
    }

    #[test]
    fn programs_are_looked_for_on_the_path() {
        let folder = tempfile::tempdir().expect("a folder");
        let program = folder.path().join("chromium");
        fs::write(&program, "").expect("written");
        let path = env::join_paths([Path::new("elsewhere"), folder.path()]).expect("a path");
        assert_eq!(on_path(Path::new("chromium"), Some(&path)), Some(program.clone()));
        assert_eq!(on_path(Path::new("node"), Some(&path)), None);
        assert_eq!(on_path(&program, None), Some(program.clone()));
        assert_eq!(on_path(&folder.path().join("node"), None), None);
    }

    #[test]
    fn a_folder_without_a_book_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let error = found_book(folder.path()).expect_err("refused").to_string();
        assert!(error.contains("`cargo xtask book` builds one"), "{error}");
        fs::write(folder.path().join("index.html"), "").expect("written");
        assert!(found_book(folder.path()).is_ok());
    }

    #[test]
    fn the_library_is_pinned_with_its_sum() {
        let read =
            |file: &str| fs::read_to_string(process::root().join("xtask/browser").join(file)).expect("there");
        let lock: serde_json::Value = serde_json::from_str(&read("package-lock.json")).expect("JSON");
        let wanted: serde_json::Value = serde_json::from_str(&read("package.json")).expect("JSON");
        let library = &lock["packages"]["node_modules/playwright-core"];
        assert_eq!(library["version"], wanted["dependencies"]["playwright-core"]);
        assert!(library["integrity"].as_str().is_some_and(|sum| sum.starts_with("sha512-")));
        assert_eq!(lock["packages"].as_object().map(|all| all.len()), Some(2), "and it needs nothing else");
    }
}
