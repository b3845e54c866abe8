//! The options of `lab py`, checked before anything runs.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use gil_interpreter::gil::{Ablations, Policy};

/// Examples and exit codes below `lab py --help`.
pub(crate) const EXAMPLES: &str = "\
Where options go:
  The options above may stand before or behind FILE.py. Behind it, every other word goes to the program, and
  everything behind `--` does, so that a program may have an option of the same name.

Examples:
  lab py examples/py/counter.py                               one lock as in CPython 3.11: n += 1 loses nothing
  lab py examples/py/counter.py --gil tick                    as in CPython 2.7: it does
  lab py examples/py/countdown.py --turns 500000 --stats      --turns goes to the program, --stats is ours
  lab py examples/py/convoy.py --interval 1000 --stats        a switch interval of 1 ms; who waits for whom
  lab py examples/py/convoy.py --gil gil310 --ablate no-forced-switch
  lab py examples/py/convoy.py -o convoy.html                 what the threads did, in the browser
  lab py examples/py/counter.py --dis                         the bytecode beside CPython's

Exit codes: the program's own; 1 an exception that it did not catch, or something went wrong; 2 bad usage, or a
program outside the subset; 130 stopped by Ctrl-C.";

/// Runs a Python file on real threads under a lock whose rules you choose.
///
/// The file is ordinary Python inside a stated subset; what is outside is refused before the program starts. Threads
/// are threads of the system, sleeping and sockets are real, and `--gil` says who may run.
#[derive(Args, Clone, Debug)]
#[command(after_help = EXAMPLES, override_usage = "lab py [OPTIONS] FILE.py [ARGS]...")]
pub(crate) struct PyOptions {
    /// The program
    #[arg(value_name = "FILE.py")]
    pub(crate) file: PathBuf,
    /// Who may run: the rules of the lock
    #[arg(long, value_name = "POLICY", value_parser = policies(), default_value_t = Policy::default())]
    pub(crate) gil: Policy,
    /// Microseconds that a thread waits before it asks for the lock [default: 5000]
    #[arg(long, value_name = "US", value_parser = from_1_to(60_000_000), allow_negative_numbers = true)]
    pub(crate) interval: Option<u64>,
    /// Ticks after which `tick` gives up the lock and takes it again [default: 100]
    #[arg(long, value_name = "TICKS", value_parser = from_1_to(1_000_000_000).map(|ticks| ticks as u32), allow_negative_numbers = true)]
    pub(crate) check_interval: Option<u32>,
    /// Rules to take away or to change, separated by commas
    #[arg(long, value_name = "LIST", value_parser = ablations(), value_delimiter = ',')]
    pub(crate) ablate: Vec<String>,
    /// After the run, say on standard error who held the lock, who waited for whom, and for how long
    #[arg(long)]
    pub(crate) stats: bool,
    /// Write what the threads did as a Chrome trace, for <https://ui.perfetto.dev>
    #[arg(long, value_name = "FILE.json")]
    pub(crate) trace: Option<PathBuf>,
    /// Write what the threads did as a picture (.svg) or a page (.html); may be repeated
    #[arg(short = 'o', long = "out", value_name = "FILE", value_parser = output)]
    pub(crate) out: Vec<Output>,
    /// Print the bytecode by source line, beside CPython's when a python3 is found, and do not run
    #[arg(long, conflicts_with_all = ["stats", "trace", "out"])]
    pub(crate) dis: bool,
    /// Mebibytes of objects that the program may have; then it gets a MemoryError
    #[arg(long, value_name = "MIB", default_value_t = 1024, value_parser = from_1_to(65_536).map(|mib| mib as u32), allow_negative_numbers = true)]
    pub(crate) memory: u32,
    /// Seconds after which the program is stopped
    #[arg(long, value_name = "S", value_parser = seconds, allow_negative_numbers = true)]
    pub(crate) time_limit: Option<Duration>,
    /// Do not propose at the end, on a terminal, what to try next
    #[arg(short, long)]
    pub(crate) quiet: bool,
    /// What goes to the program; filled from the words behind FILE, not by clap
    #[arg(skip)]
    pub(crate) args: Vec<String>,
}

/// Negative numbers are refused as too small, not as no numbers.
fn from_1_to(most: i64) -> impl TypedValueParser<Value = u64> {
    clap::value_parser!(i64).range(1..=most).map(i64::unsigned_abs)
}

fn policies() -> impl TypedValueParser<Value = Policy> {
    let values = Policy::ALL.map(|policy| PossibleValue::new(policy.name()).help(policy.description()));
    PossibleValuesParser::new(values).try_map(|name| name.parse())
}

fn ablations() -> PossibleValuesParser {
    PossibleValuesParser::new(Ablations::NAMES.map(|name| PossibleValue::new(name).help(meaning(name))))
}

fn meaning(ablation: &str) -> &'static str {
    match ablation {
        "no-forced-switch" => {
            "A thread that was asked for the lock may take it back before another one has had it"
        }
        "fair-ticket" => "The lock goes to waiters in the order in which they came",
        "io-priority" => "A thread that let go for input or output comes before those that were forced to",
        "nonblocking-keeps" => {
            "Calls that cannot wait (non-blocking sockets, select with time-out 0) keep the lock"
        }
        "asked-keeps" => "A thread that was asked for the lock keeps it until it has to wait for something",
        "alone-keeps" => "A thread that sleeps or hashes keeps the lock meanwhile",
        _ => "",
    }
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
    /// The timeline as one picture.
    Svg,
    /// A page with the figures, the timeline and what the program printed nowhere else.
    Html,
}

fn output(text: &str) -> Result<Output, String> {
    let path = PathBuf::from(text);
    let kind = match path.extension().and_then(|extension| extension.to_str()) {
        Some("svg") => OutputKind::Svg,
        Some("html") => OutputKind::Html,
        Some("json") => return Err("write a trace with --trace FILE.json".to_owned()),
        _ => return Err("the name must end in .svg (a picture) or .html (a page)".to_owned()),
    };
    Ok(Output { path, kind })
}

fn seconds(text: &str) -> Result<Duration, String> {
    let wrong = || "a number of seconds above 0 and at most 86400, for example 2.5".to_owned();
    let seconds: f64 = text.parse().map_err(|_| wrong())?;
    if seconds > 0.0 && seconds <= 86_400.0 { Ok(Duration::from_secs_f64(seconds)) } else { Err(wrong()) }
}

impl PyOptions {
    /// What clap cannot see: options that say nothing under the chosen policy are refused, not ignored.
    ///
    /// # Errors
    /// A sentence that says which option does not fit and what to use.
    pub(crate) fn check(&self) -> Result<(), String> {
        let name = self.gil.name();
        if self.interval.is_some() && !self.gil.has_requests() {
            let instead = if self.gil == Policy::Tick { "use --check-interval" } else { "it has no lock" };
            return Err(format!("--interval says nothing under --gil {name}: {instead}"));
        }
        if self.check_interval.is_some() && self.gil != Policy::Tick {
            let instead = if self.gil == Policy::Free { "it has no lock" } else { "use --interval" };
            return Err(format!("--check-interval says nothing under --gil {name}: {instead}"));
        }
        if !self.ablate.is_empty() && !self.gil.has_requests() {
            return Err(format!(
                "--ablate changes rules that --gil {name} does not have: use gil32, gil310, gil313 or per-interp"
            ));
        }
        self.ablations().map(|_| ())
    }

    /// The rules to take away.
    ///
    /// # Errors
    /// A sentence about two that exclude each other.
    pub(crate) fn ablations(&self) -> Result<Ablations, String> {
        self.ablate.join(",").parse().map_err(|error| format!("--ablate: {error}"))
    }

    /// Whether what the threads do must be recorded.
    pub(crate) fn wants_recording(&self) -> bool {
        self.stats || self.trace.is_some() || !self.out.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ablation_says_what_it_means() {
        assert!(Ablations::NAMES.iter().all(|name| !meaning(name).is_empty()));
    }
}
