//! Builds the book with a pinned mdBook, which is installed below `target/tools` when it is missing.
//!
//! # Model
//! mdBook reports trouble on standard error and exits with 0, so each line that warns is an error here.
//! The editions are ordinary books: `mdbook build book/en` works without this chore.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{book_data, book_figures, book_links, process};

const VERSION: &str = "0.5.4";
/// The editions of the book, by the name of their folder.
pub(crate) const EDITIONS: [&str; 2] = ["en", "ko"];

/// Options of `cargo xtask book`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Show the first page in the browser afterwards
    #[arg(long)]
    open: bool,
    /// The edition to show: en or ko
    #[arg(long, default_value = "en", value_parser = EDITIONS)]
    edition: String,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    book_data::check()?;
    book_figures::check()?;
    let mdbook = install()?;
    for edition in EDITIONS {
        let output = process::root().join("target/book").join(edition);
        build(&mdbook, edition, &output)?;
        let pages = book_links::check(&output)?;
        println!(
            "book/{edition}: {pages} pages, every link leads somewhere: {}",
            output.join("index.html").display()
        );
    }
    if options.open {
        let page = process::root().join("target/book").join(&options.edition).join("index.html");
        let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
        process::run(Command::new(opener).arg(page))?;
    }
    Ok(())
}

/// The pinned mdBook; about a minute the first time.
fn install() -> Result<PathBuf> {
    let tools = process::root().join("target/tools");
    let mdbook = tools.join("bin/mdbook");
    let is_pinned = |output: std::process::Output| process::text(&output).trim().ends_with(VERSION);
    if process::capture(Command::new(&mdbook).arg("--version")).is_ok_and(is_pinned) {
        return Ok(mdbook);
    }
    println!("installing mdbook {VERSION} below target/tools");
    let mut command = process::cargo();
    // Neither `serve` nor `watch` is needed to build, and leaving them out halves the work. So does leaving it unoptimized,
    // which a book of this size does not notice.
    command.args(["install", "--locked", "--force", "--debug", "mdbook", "--version", VERSION]);
    command.args(["--no-default-features", "--features", "search", "--root"]).arg(&tools);
    command.env_remove("CARGO_TARGET_DIR").env("CARGO_PROFILE_DEV_DEBUG", "0");
    process::run(&mut command).context("mdbook is needed to build the book")?;
    Ok(mdbook)
}

fn build(mdbook: &Path, edition: &str, output: &Path) -> Result<()> {
    let mut command = Command::new(mdbook);
    command
        .current_dir(process::root())
        .arg("build")
        .arg(format!("book/{edition}"))
        .arg("--dest-dir")
        .arg(output);
    let printed = process::capture(&mut command)?;
    let text = process::text(&printed);
    let complaints = complaints(&text);
    if !printed.status.success() || !complaints.is_empty() {
        bail!(
            "`{}` complains:\n{}",
            process::shown(&command),
            if complaints.is_empty() { text } else { complaints }
        );
    }
    Ok(())
}

/// The lines in which mdBook warns or reports an error.
fn complaints(printed: &str) -> String {
    let bad = |line: &&str| {
        line.split_whitespace().any(|word| matches!(word.trim_matches(['[', ']', ':']), "WARN" | "ERROR"))
    };
    printed.lines().filter(bad).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_warning_of_mdbook_is_a_complaint() {
    assert_eq!(complaints(" INFO Book building has started\n INFO Running the html backend\n"), "");
    assert_eq!(complaints(" INFO x\n WARN unclosed tag\n"), " WARN unclosed tag");
    assert_eq!(complaints("2026 [ERROR] (mdbook): file not found"), "2026 [ERROR] (mdbook): file not found");
}
