//! Records what the two interactive figures of the book show, and draws the pictures that stand in for them in print.
//!
//! # Model
//! ```text
//! examples/one_pass.rs ------ what it printed + its trace --> ticks.json ------> ticks.svg
//! lab py convoy.py --gil P -- what it printed + its trace --> lock-lanes.json -> lock-lanes.svg
//! ```
//! A trace says when something ran and in which phase; what the program printed says what it asked for. Each JSON holds
//! both, cut to what is shown, beside the program, the machine, the date and the number of records that were lost.
//! The pictures are drawn from the JSON alone, so that `--check` can draw them again and compare.
//!
//! # Invariants
//! - F1: a figure is small and cannot end the `<script>` that it stands in.
//! - F2: a picture is that of the recording beside it, and its copies are equal.

use std::path::PathBuf;
use std::process::Command;
use std::{env, fs};

use anyhow::{Context, Result, bail, ensure};
use experiment_kit::machine::{self, Machine};
use serde::{Deserialize, Serialize};

use crate::book_data::write;
use crate::mdbook::EDITIONS;
use crate::process;

mod trace;
mod ticks;
mod ticks_picture;
mod lanes;
mod lanes_picture;
mod svg;

/// Options of `cargo xtask book-figures`.
#[derive(clap::Args)]
pub(crate) struct Options {
    /// Record nothing; fail when a figure is malformed, or a picture or copy is not that of its recording
    #[arg(long)]
    check: bool,
    /// Record nothing; draw the pictures anew from the recordings that are there
    #[arg(long, conflicts_with = "check")]
    draw: bool,
}

/// The figures by the names of their files below `book/data`.
const FIGURES: [&str; 2] = ["ticks", "lock-lanes"];
/// Files that both editions hold, and that must be equal.
const SHARED: [&str; 2] = ["theme/figures.js", "theme/figures.css"];
/// A page holds its figure whole, so that it needs no request.
const BYTES_MAX: usize = 60_000;

/// Where a recording comes from; the page shows it below the figure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Run {
    program: String,
    /// What to type for a recording of one's own.
    command: String,
    started_at: String,
    os: String,
    cpu: String,
    cores: usize,
    version: String,
    rustc: String,
}

impl Run {
    fn here(program: &str, command: &str) -> Run {
        let Machine { cores, os, cpu, .. } = Machine::here();
        Run {
            program: program.to_owned(),
            command: command.to_owned(),
            started_at: experiment_kit::report::timestamp(clock::wall_now()),
            os,
            cpu,
            cores,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            rustc: machine::rustc_version().to_owned(),
        }
    }

    /// The two lines below a picture.
    fn words(&self) -> [String; 2] {
        let Run { program, started_at, os, cpu, cores, version, rustc, .. } = self;
        [
            format!("{program}, {started_at}, runtime-lab {version}, rustc {rustc}"),
            format!("{cpu}, {cores} cores, {os}"),
        ]
    }
}

pub(crate) fn run(options: &Options) -> Result<()> {
    if options.check {
        return check();
    }
    if !options.draw {
        return record();
    }
    draw_all()
}

/// Records both figures anew and draws their pictures.
pub(crate) fn record() -> Result<()> {
    process::run(process::cargo().args(["build", "--release", "--example", "one_pass"]))?;
    process::run(process::cargo().args(["build", "--release", "--package", "lab"]))?;
    let traces = target().join("book-figures");
    fs::create_dir_all(&traces).with_context(|| format!("cannot make {}", traces.display()))?;
    write(&data("ticks.json"), compact(&ticks::record(&traces)?)?.as_bytes())?;
    write(&data("lock-lanes.json"), compact(&lanes::record(&traces)?)?.as_bytes())?;
    draw_all()
}

fn draw_all() -> Result<()> {
    for figure in FIGURES {
        let picture = draw(figure)?;
        for path in picture_files(figure) {
            write(&path, picture.as_bytes())?;
        }
    }
    check()
}

/// Fails when a figure is not what a page can hold, or a picture or a copy is not that of its recording.
pub(crate) fn check() -> Result<()> {
    for figure in FIGURES {
        let picture = draw(figure)?;
        for path in picture_files(figure) {
            let found = fs::read_to_string(&path).unwrap_or_default();
            ensure!(
                found == picture,
                "{} is not the picture of its recording; run `cargo xtask book-figures --draw`",
                path.display()
            );
        }
    }
    for file in SHARED {
        let [one, other] =
            EDITIONS.map(|edition| fs::read(process::root().join("book").join(edition).join(file)).ok());
        ensure!(one.is_some() && one == other, "book/en/{file} and book/ko/{file} are to be equal");
    }
    Ok(())
}

/// The picture of a recorded figure.
fn draw(figure: &str) -> Result<String> {
    let path = data(&format!("{figure}.json"));
    let text = fs::read_to_string(&path)
        .with_context(|| format!("{} is missing; run `cargo xtask book-figures`", path.display()))?;
    fits(&text).with_context(|| format!("{} does not fit into a page", path.display()))?;
    let drawn = match figure {
        "ticks" => serde_json::from_str(&text).map(|figure| ticks_picture::draw(&figure)),
        _ => serde_json::from_str(&text).map(|figure| lanes_picture::draw(&figure)),
    };
    drawn.with_context(|| format!("{} is no recording", path.display()))
}

/// One line of JSON without a character that HTML would take for markup.
fn compact(figure: &impl Serialize) -> Result<String> {
    let text = serde_json::to_string(figure)?.replace('<', "\\u003c").replace('&', "\\u0026");
    fits(&text)?;
    Ok(text + "\n")
}

fn fits(text: &str) -> Result<()> {
    ensure!(text.len() <= BYTES_MAX, "it has {} bytes, at most {BYTES_MAX}", text.len());
    ensure!(text.trim_end().lines().count() == 1, "it is one line");
    ensure!(!text.contains(['<', '&']), "it has a character of markup");
    Ok(())
}

/// Runs a program whose output is a part of the recording.
fn printed(command: &mut Command) -> Result<String> {
    let output = process::capture(command)?;
    if !output.status.success() {
        bail!("`{}` ended with {}:\n{}", process::shown(command), output.status, process::text(&output));
    }
    String::from_utf8(output.stdout).context("a program prints text")
}

/// The folder that cargo builds into.
fn target() -> PathBuf {
    env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| process::root().join("target"), |named| process::root().join(named))
}

fn data(file: &str) -> PathBuf {
    process::root().join("book/data").join(file)
}

/// The picture and its copies: a book can only show pictures that lie beside its pages.
fn picture_files(figure: &str) -> [PathBuf; 3] {
    let file = format!("{figure}.svg");
    let copy = |edition: &str| process::root().join("book").join(edition).join("src").join(&file);
    [data(&file), copy("en"), copy("ko")]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn f1_what_a_page_cannot_hold_is_refused() {
        assert_eq!(compact(&"</script><!-- & -->").unwrap(), "\"\\u003c/script>\\u003c!-- \\u0026 -->\"\n");
        assert!(fits("{}\n").is_ok());
        assert!(fits("{\n}\n").is_err());
        assert!(fits("{\"a\":\"</script>\"}").is_err());
        assert!(fits(&"x".repeat(BYTES_MAX + 1)).is_err());
    }

    #[test]
    fn f2_the_pictures_of_the_book_are_those_of_its_recordings() {
        check().unwrap();
    }
}
