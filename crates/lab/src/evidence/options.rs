//! The options of the commands about evidence.

use std::path::PathBuf;

use clap::Args;

/// List experiments and claims, by topic
#[derive(Args, Clone, Debug)]
pub(crate) struct ListOptions {
    /// Print one JSON object instead of the screen
    #[arg(long)]
    pub(crate) json: bool,
    /// Show the statements in Korean
    #[arg(long)]
    pub(crate) ko: bool,
}

const RUN_EXAMPLES: &str = "\
Examples:
  lab run countdown                              measure until the claims are settled, a minute at most
  lab run countdown --quick -o out.html --open   a short run with its pictures, in the browser
  lab run countdown --set share_ms=300           change a number of the experiment
  lab run countdown --flaw no-lock               break the runtime on purpose and see the verdict flip
  lab run countdown --on 3.11                    the same on the CPython 3.11 of this machine
  lab run countdown --json | jq .claims          for programs
  lab run countdown --predict                    say first what you expect";

/// Run one experiment and judge its claims
#[derive(Args, Clone, Debug)]
#[command(after_help = RUN_EXAMPLES)]
pub(crate) struct RunOptions {
    /// The experiment; `lab list` shows all
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    pub(crate) expect: Expect,
    /// Set a number of the experiment, which `lab list` shows; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = number)]
    pub(crate) set: Vec<(String, f64)>,
    /// Break the runtime on purpose, in a way that `lab list` shows; the verdicts must flip
    #[arg(long, value_name = "FLAW")]
    pub(crate) flaw: Option<String>,
    /// Run the same workload on a real runtime instead: `node`, `jvm`, `tokio`, `cpython` (the newest), or a version such as 3.11
    #[arg(long, value_name = "RUNTIME", conflicts_with_all = ["flaw", "predict"])]
    pub(crate) on: Option<String>,
    /// Ask first what you expect, and compare afterwards
    #[arg(long, conflicts_with = "json")]
    pub(crate) predict: bool,
    /// Write a page (.html), a chart (.svg), the result (.json) or a trace for Perfetto (trace.json); may be repeated
    #[arg(short = 'o', long = "out", value_name = "FILE", value_parser = output)]
    pub(crate) out: Vec<Output>,
    /// Open the first file of -o in the browser
    #[arg(long, requires = "out")]
    pub(crate) open: bool,
}

const VERIFY_EXAMPLES: &str = "\
Examples:
  lab verify --quick L G              every claim about loop and lock, in a few minutes
  lab verify L10 G02                  only these, as long as they take to be settled
  lab verify --quick -o all.html      with pictures
  lab verify --quick L --expect L03=fails,L10=holds";

/// Measure what the claims need and print the ledger with its verdicts
#[derive(Args, Clone, Debug)]
#[command(after_help = VERIFY_EXAMPLES)]
pub(crate) struct VerifyOptions {
    /// Topics (L, G), claims (L10) or experiments; everything without
    pub(crate) what: Vec<String>,
    #[command(flatten)]
    pub(crate) common: Common,
    #[command(flatten)]
    pub(crate) expect: Expect,
    /// Show the statements in Korean
    #[arg(long)]
    pub(crate) ko: bool,
    /// Write the page of everything measured so far
    #[arg(short = 'o', long = "out", value_name = "FILE.html", value_parser = page)]
    pub(crate) out: Vec<PathBuf>,
    /// Open the first file of -o in the browser
    #[arg(long, requires = "out")]
    pub(crate) open: bool,
}

const CROSSCHECK_EXAMPLES: &str = "\
Examples:
  lab crosscheck --quick                        everything that has a counterpart, on all that is found
  lab crosscheck countdown --on 2.7 --on 3.13   one experiment on two versions of CPython
  lab crosscheck starvation -o compared.html    with pictures";

/// Run the same workloads on the real runtimes of this machine and compare the findings
#[derive(Args, Clone, Debug)]
#[command(after_help = CROSSCHECK_EXAMPLES)]
pub(crate) struct CrosscheckOptions {
    /// Experiments; all that have a counterpart without
    pub(crate) names: Vec<String>,
    #[command(flatten)]
    pub(crate) common: Common,
    /// Only on these runtimes: `node`, `jvm`, `tokio`, `cpython`, or a version such as 3.11; may be repeated
    #[arg(long, value_name = "RUNTIME")]
    pub(crate) on: Vec<String>,
    /// Write the page of everything measured so far
    #[arg(short = 'o', long = "out", value_name = "FILE.html", value_parser = page)]
    pub(crate) out: Vec<PathBuf>,
    /// Open the first file of -o in the browser
    #[arg(long, requires = "out")]
    pub(crate) open: bool,
}

/// Write one page of everything that was measured so far
#[derive(Args, Clone, Debug)]
pub(crate) struct ReportOptions {
    /// Where to write it; target/lab/report.html without
    #[arg(short = 'o', long = "out", value_name = "FILE.html", value_parser = page)]
    pub(crate) out: Vec<PathBuf>,
    /// Open it in the browser
    #[arg(long)]
    pub(crate) open: bool,
    /// Show the statements in Korean
    #[arg(long)]
    pub(crate) ko: bool,
}

/// What several commands understand.
///
/// Results are kept under target/lab of the cargo project around, or where LAB_RESULTS says.
#[derive(Args, Clone, Debug)]
pub(crate) struct Common {
    /// A short run: smaller numbers, fewer rounds
    #[arg(long)]
    pub(crate) quick: bool,
    /// Seconds to measure: for one experiment with `run`, for all with `verify`, for each runtime with `crosscheck`; the
    /// least number of rounds (3 with --quick, else 5) is measured in any case
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(crate) budget: Option<u64>,
    /// Seed of orders, schedules and intervals
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,
    /// Print the result as one JSON object instead of the screen
    #[arg(long)]
    pub(crate) json: bool,
}

/// What verdicts are expected.
#[derive(Args, Clone, Debug)]
pub(crate) struct Expect {
    /// End with 3 unless the claim has this verdict, such as L10=holds; may be repeated
    #[arg(long, value_name = "ID=VERDICT", value_delimiter = ',', value_parser = expectation)]
    pub(crate) expect: Vec<(String, String)>,
}

/// A file to write, its kind told by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Output {
    pub(crate) path: PathBuf,
    pub(crate) kind: OutputKind,
}

/// What to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum OutputKind {
    /// One page with everything.
    Html,
    /// The first chart.
    Svg,
    /// The result.
    Json,
    /// The Chrome trace.
    Trace,
}

fn output(text: &str) -> Result<Output, String> {
    let path = PathBuf::from(text);
    let kind = match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => OutputKind::Html,
        Some("svg") => OutputKind::Svg,
        Some("json") if text.ends_with("trace.json") => OutputKind::Trace,
        Some("json") => OutputKind::Json,
        _ => return Err("the name must end in .html, .svg, trace.json or .json".to_owned()),
    };
    Ok(Output { path, kind })
}

fn page(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    let is_page = path.extension().is_some_and(|extension| extension == "html");
    if is_page { Ok(path) } else { Err("the name must end in .html".to_owned()) }
}

fn number(text: &str) -> Result<(String, f64), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    let value = value.parse().map_err(|_| format!("`{value}` is no number"))?;
    Ok((name.to_owned(), value))
}

/// The words that a verdict may be.
const VERDICTS: [&str; 4] = ["holds", "fails", "depends", "inconclusive"];

fn expectation(text: &str) -> Result<(String, String), String> {
    let (id, verdict) = text.split_once('=').ok_or("write it as ID=VERDICT")?;
    if !VERDICTS.contains(&verdict) {
        return Err(format!("a verdict is one of {}", VERDICTS.join(", ")));
    }
    Ok((id.to_owned(), verdict.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_file_says_what_is_written() {
        let kind = |name: &str| output(name).map(|output| output.kind);
        assert_eq!(kind("a.html"), Ok(OutputKind::Html));
        assert_eq!(kind("a.json"), Ok(OutputKind::Json));
        assert_eq!(kind("my-trace.json"), Ok(OutputKind::Trace));
        assert!(kind("a.png").is_err() && kind("html").is_err());
    }

    #[test]
    fn numbers_and_expectations_are_checked() {
        assert_eq!(number("share_ms=2.5"), Ok(("share_ms".to_owned(), 2.5)));
        assert!(number("share_ms").is_err() && number("share_ms=x").is_err());
        assert_eq!(expectation("L10=holds"), Ok(("L10".to_owned(), "holds".to_owned())));
        assert!(expectation("L10=true").is_err() && expectation("L10").is_err());
    }
}
