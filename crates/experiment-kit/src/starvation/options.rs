//! The options of the command line, checked before anything starts.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{CommandFactory, FromArgMatches, Parser};
use serde::Serialize;

use crate::contender::Contender;
use crate::starvation::acts::Plan;
use crate::starvation::rules::ROUNDS_MIN;

const EXAMPLES: &str = "\
Examples:
  cargo run --example starvation                              about 20 seconds, then the verdicts
  cargo run --example starvation -- --runtime tokio           the same acts on tokio
  cargo run --example starvation -- -o report.html --open     the same with pictures, in the browser
  cargo run --example starvation -- -o trace.json             for https://ui.perfetto.dev
  cargo run --example starvation -- --json | jq .claims       for programs
  cargo run --example starvation -- --serve 8080              then: curl 'http://127.0.0.1:8080/block?ms=2000'

Exit codes: 0 done (whatever the verdicts), 1 something went wrong, 2 bad usage, 130 stopped by Ctrl-C.";

/// What happens to small requests while one event loop does heavy work?
///
/// A load client in another process sends small requests (GET /ping) on a fixed schedule to a server with one event
/// loop. Four acts take turns: nothing else (idle), CPU work on the loop's thread (inline), the same work in a thread
/// pool (offloaded), the same work in small pieces (chunked).
#[derive(Clone, Debug, Parser)]
#[command(name = "starvation", after_help = EXAMPLES)]
pub(crate) struct Options {
    /// Milliseconds of CPU work in one heavy request
    #[arg(long, value_name = "MS", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..=10_000))]
    pub(crate) block_ms: u64,
    /// Small requests per second
    #[arg(long, value_name = "PER_SECOND", default_value_t = 220, value_parser = clap::value_parser!(u32).range(1..=20_000))]
    pub(crate) rate: u32,
    /// Seconds of measuring, all acts together; up to twice as long while the result is unclear
    #[arg(long, value_name = "SECONDS", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub(crate) duration: u64,
    /// Threads of the pool
    #[arg(long, value_name = "THREADS", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..=1_024))]
    pub(crate) pool_size: u16,
    /// Microseconds that one piece of the chunked work holds the loop
    #[arg(long, value_name = "US", default_value_t = 500, value_parser = clap::value_parser!(u64).range(10..=1_000_000))]
    pub(crate) chunk_us: u64,
    /// Seed of the schedules, of the order of the acts, and of the intervals
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,
    /// Which runtime serves
    #[arg(long, value_name = "NAME")]
    pub(crate) runtime: String,
    /// Print the result as one JSON object instead of the screen
    #[arg(long)]
    pub(crate) json: bool,
    /// Write a report (.html), a chart (.svg) or the last round's trace for Perfetto (.json); may be repeated
    #[arg(short = 'o', long = "out", value_name = "FILE", value_parser = output)]
    pub(crate) out: Vec<Output>,
    /// Write every single request as a line of JSON
    #[arg(long, value_name = "FILE")]
    pub(crate) raw: Option<PathBuf>,
    /// Open the first file of -o in the browser
    #[arg(long, requires = "out")]
    pub(crate) open: bool,
    /// Only serve on this port (0: any free one) until Ctrl-C, for curl or a browser
    #[arg(long, value_name = "PORT", conflicts_with_all = ["json", "out", "raw", "open"])]
    pub(crate) serve: Option<u16>,
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
    /// The latency chart.
    Svg,
    /// The Chrome trace.
    Trace,
}

/// `params` of the result.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Params {
    pub(crate) runtime: String,
    pub(crate) block_ms: u64,
    pub(crate) rate: u32,
    pub(crate) duration_s: u64,
    pub(crate) pool_size: u16,
    pub(crate) chunk_us: u64,
    pub(crate) act_ms: f64,
    pub(crate) pings_per_act: usize,
    pub(crate) blocks_per_act: usize,
    pub(crate) iterations_per_ms: f64,
}

impl Options {
    /// Reads the arguments of the process; prints help or the error and ends the process where they ask for it.
    pub(crate) fn from_arguments(contenders: &[Contender]) -> Options {
        Options::parse_from(std::env::args_os(), contenders).unwrap_or_else(|error| error.exit())
    }

    fn parse_from<I, T>(arguments: I, contenders: &[Contender]) -> Result<Options, clap::Error>
    where
        I: IntoIterator<Item = T>,
        T: Into<std::ffi::OsString> + Clone,
    {
        let names: Vec<&'static str> = contenders.iter().map(|contender| contender.name).collect();
        let default = names.first().copied().unwrap_or("none");
        let command = Options::command().mut_arg("runtime", |runtime| {
            runtime
                .value_parser(clap::builder::PossibleValuesParser::new(names))
                .required(false)
                .default_value(default)
        });
        let mut command = command;
        let options = Options::from_arg_matches(&command.try_get_matches_from_mut(arguments)?)?;
        match options.duration_needed() {
            Some(seconds) if options.serve.is_none() => {
                let message = format!(
                    "{} seconds are too short for a verdict about blocks of {} ms: this needs --duration {seconds}",
                    options.duration, options.block_ms
                );
                Err(command.error(clap::error::ErrorKind::ValueValidation, message))
            }
            _ => Ok(options),
        }
    }

    /// The plan for `duration` seconds.
    pub(crate) fn plan(&self, duration: u64) -> Plan {
        Plan::new(Duration::from_secs(duration), self.block(), f64::from(self.rate), self.seed)
    }

    /// The seconds that a verdict needs, when `duration` has too few rounds even if all of them are played twice.
    fn duration_needed(&self) -> Option<u64> {
        let suffices = |&duration: &u64| 2 * self.plan(duration).rounds >= ROUNDS_MIN;
        (self.duration..).find(suffices).filter(|&needed| needed != self.duration)
    }

    /// The work of one heavy request.
    pub(crate) fn block(&self) -> Duration {
        Duration::from_millis(self.block_ms)
    }

    /// The length of a piece.
    pub(crate) fn chunk(&self) -> Duration {
        Duration::from_micros(self.chunk_us)
    }

    /// A callback that holds the loop longer than this is a stall.
    pub(crate) fn stall_after(&self) -> Duration {
        self.block() / 4
    }

    /// A ping that takes longer than this had to wait.
    pub(crate) fn late(&self) -> Duration {
        self.block() / 20
    }

    /// Where the server is to listen: only on this machine.
    pub(crate) fn addr(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.serve.unwrap_or(0)))
    }
}

fn output(text: &str) -> Result<Output, String> {
    let path = PathBuf::from(text);
    let kind = match path.extension().and_then(|extension| extension.to_str()) {
        Some("html") => OutputKind::Html,
        Some("svg") => OutputKind::Svg,
        Some("json") => OutputKind::Trace,
        _ => return Err("the name must end in .html, .svg or .json".to_owned()),
    };
    Ok(Output { path, kind })
}

#[cfg(test)]
mod tests {
    use clap::error::ErrorKind;

    use super::*;

    fn parse(arguments: &str) -> Result<Options, clap::Error> {
        let start = |_: &_| anyhow::bail!("not started here");
        let contenders = [Contender { name: "ours", start }, Contender { name: "tokio", start }];
        Options::parse_from(std::iter::once("starvation").chain(arguments.split_whitespace()), &contenders)
    }

    #[test]
    fn the_defaults_are_the_documented_ones() {
        let options = parse("").unwrap();
        assert_eq!((options.block_ms, options.rate, options.duration), (200, 220, 20));
        assert_eq!((options.pool_size, options.chunk_us, options.seed), (4, 500, 7));
        assert_eq!((options.runtime.as_str(), options.json, options.serve), ("ours", false, None));
    }

    #[test]
    fn files_are_told_apart_by_their_names() {
        let options = parse("-o a.html -o b.svg --out c.json").unwrap();
        let kinds: Vec<OutputKind> = options.out.iter().map(|output| output.kind).collect();
        assert_eq!(kinds, [OutputKind::Html, OutputKind::Svg, OutputKind::Trace]);
    }

    #[test]
    fn bad_usage_is_refused_with_exit_code_2() {
        for (arguments, kind) in [
            ("--block-ms 0", ErrorKind::ValueValidation),
            ("--block-ms ten", ErrorKind::ValueValidation),
            ("--rate 1000000", ErrorKind::ValueValidation),
            ("--duration -1", ErrorKind::UnknownArgument),
            ("--duration 1", ErrorKind::ValueValidation),
            ("--pool-size 0", ErrorKind::ValueValidation),
            ("--chunk-us 1", ErrorKind::ValueValidation),
            ("--runtime java", ErrorKind::InvalidValue),
            ("--serve 70000", ErrorKind::ValueValidation),
            ("--serve 80 --json", ErrorKind::ArgumentConflict),
            ("--open", ErrorKind::MissingRequiredArgument),
            ("-o report.pdf", ErrorKind::ValueValidation),
            ("--nonsense", ErrorKind::UnknownArgument),
            ("extra", ErrorKind::UnknownArgument),
        ] {
            let error = parse(arguments).unwrap_err();
            assert_eq!((error.kind(), error.exit_code()), (kind, 2), "{arguments}: {error}");
        }
    }

    #[test]
    fn options_without_a_verdict_name_the_duration_that_has_one() {
        for (arguments, needed) in [("--block-ms 1500", 30), ("--duration 1", 4), ("--block-ms 10000", 200)] {
            let text = parse(arguments).unwrap_err().to_string();
            assert!(text.contains(&format!("this needs --duration {needed}\n")), "{text}");
            let block = if arguments.starts_with("--block") { arguments } else { "" };
            assert!(parse(&format!("{block} --duration {needed}")).is_ok());
            assert!(parse(&format!("{block} --duration {}", needed - 1)).is_err());
        }
        assert!(parse("--block-ms 10000 --serve 0").is_ok(), "serving needs no rounds");
    }

    #[test]
    fn help_names_the_runtimes_and_has_examples() {
        let help = parse("--help").unwrap_err();
        assert_eq!(help.exit_code(), 0);
        let text = help.to_string();
        assert!(text.contains("[possible values: ours, tokio]"), "{text}");
        assert!(text.contains("curl 'http://127.0.0.1:8080/block?ms=2000'"), "{text}");
    }
}
