//! The command line of the corpus test: the words of `cargo test` that make sense for it.

use std::thread::available_parallelism;

/// What to run and how.
#[derive(Debug)]
pub(crate) struct Options {
    filters: Vec<String>,
    skips: Vec<String>,
    exact: bool,
    /// Print the names of the cases instead of running them.
    pub(crate) list: bool,
    /// How many cases run at the same time.
    pub(crate) threads: usize,
    /// Write the `.out` files instead of comparing with them.
    pub(crate) record: bool,
}

impl Options {
    /// Reads the process arguments; options that only the standard harness knows are passed over.
    pub(crate) fn from_args() -> Options {
        let mut options = Options {
            filters: Vec::new(),
            skips: Vec::new(),
            exact: false,
            list: false,
            threads: available_parallelism().map_or(2, |n| n.get().min(4)),
            record: std::env::var_os("RECORD").is_some_and(|value| value == "1"),
        };
        let mut args = std::env::args().skip(1);
        while let Some(arg) = args.next() {
            let (name, value) = match arg.split_once('=') {
                Some((name, value)) if name.starts_with("--") => (name.to_owned(), Some(value.to_owned())),
                _ => (arg, None),
            };
            match name.as_str() {
                "--exact" => options.exact = true,
                "--list" => options.list = true,
                "--skip" => options.skips.extend(value.or_else(|| args.next())),
                "--test-threads" => {
                    let count = value.or_else(|| args.next()).and_then(|text| text.parse().ok());
                    options.threads = count.unwrap_or(options.threads).max(1);
                }
                "--format" | "--color" | "--logfile" | "-Z" => drop(value.or_else(|| args.next())),
                _ if name.starts_with('-') => {}
                _ => options.filters.push(name),
            }
        }
        options
    }

    /// Whether the case of this name is asked for.
    pub(crate) fn wants(&self, name: &str) -> bool {
        let hit = |text: &String| if self.exact { name == text } else { name.contains(text.as_str()) };
        (self.filters.is_empty() || self.filters.iter().any(hit)) && !self.skips.iter().any(hit)
    }
}
