//! Signals on the loop: a reload, a report and a graceful end of a service that is at work.
//!
//! ```sh
//! cargo run --example signals                   # says its number N; then, in another window: kill -USR1 N
//! cargo run --example signals -- settings.txt   # with a line such as: rounds = 200000
//! ```
//!
//! The service derives one key after the other on a pool thread, so that its loop is free to listen.
//!
//! | signal | what it does here |
//! |---|---|
//! | SIGHUP | the settings are read again; two watchers hear of it, one reloads and one counts |
//! | SIGUSR1 | a report |
//! | SIGTERM | a graceful end: what has begun is finished |
//! | SIGINT (Ctrl-C) | the same, for one time: the second one finds no watcher, and ends the process as it does by default |
//!
//! A callback for a signal is an ordinary one, in the poll phase: it may do all that others may, for it does not run in
//! the handler of the system. Settings that cannot be read leave the old ones as they are. Unix only.

use std::path::PathBuf;

use clap::Parser;

/// Works until it is told to end, and listens to signals meanwhile.
#[derive(Parser)]
struct Options {
    /// A file with a line `rounds = N`: how many rounds a key takes.
    settings: Option<PathBuf>,
}

#[cfg(unix)]
fn main() -> anyhow::Result<()> {
    let Options { settings } = Options::parse();
    on_the_loop::run(settings)
}

#[cfg(not(unix))]
fn main() {
    let Options { settings: _ } = Options::parse();
    println!("this example needs the signals of Unix");
}

#[cfg(unix)]
mod on_the_loop {
    use std::cell::Cell;
    use std::fmt::Display;
    use std::io::{self, Write};
    use std::path::PathBuf;
    use std::rc::Rc;

    use anyhow::{Context, ensure};
    use runtime_lab::{LoopHandle, RequestError, RunMode, Runtime, Signal, crypto, fs};
    use rustix::process::Signal as Kind;

    /// What one key takes when no file says something else.
    const ROUNDS: u32 = 100_000;

    pub(super) fn run(settings: Option<PathBuf>) -> anyhow::Result<()> {
        let runtime = Runtime::new()?;
        let lp = runtime.handle();
        let service = Rc::new(Service {
            settings,
            rounds: Cell::new(ROUNDS),
            keys: Cell::new(0),
            hang_ups: Cell::new(0),
            reloads: Cell::new(0),
            is_ending: Cell::new(false),
        });
        // Settings that are wrong at the start are a reason not to start; later they are not.
        if let Some(file) = &service.settings {
            service.rounds.set(parse(&fs::read(file).run_here()?)?);
        }
        service.watch(&lp, Kind::HUP, |service, lp| service.reload(lp))?;
        service.watch(&lp, Kind::HUP, |service, _| add(&service.hang_ups))?;
        service.watch(&lp, Kind::USR1, |service, _| service.report())?;
        service.watch(&lp, Kind::TERM, |service, _| service.end())?;
        let (once, this) = (Signal::new(&lp), service.clone());
        once.start_once(Kind::INT.as_raw(), move |_, _| this.end())?;
        once.unref();

        println!("process {} works; try kill -HUP, -USR1, -TERM, or Ctrl-C", std::process::id());
        service.work(&lp)?;
        runtime.run(RunMode::Default)?;
        service.report();
        Ok(())
    }

    struct Service {
        settings: Option<PathBuf>,
        rounds: Cell<u32>,
        keys: Cell<u64>,
        hang_ups: Cell<u64>,
        reloads: Cell<u64>,
        is_ending: Cell<bool>,
    }

    impl Service {
        fn watch(
            self: &Rc<Self>,
            lp: &LoopHandle,
            signal: Kind,
            heard: impl Fn(&Rc<Self>, &LoopHandle) + 'static,
        ) -> io::Result<()> {
            let (watcher, this) = (Signal::new(lp), self.clone());
            watcher.start(signal.as_raw(), move |lp, _| heard(&this, lp))?;
            // The work keeps the loop alive, and not the wish to hear of signals.
            watcher.unref();
            Ok(())
        }

        /// One key after the other, until the end was asked for.
        fn work(self: &Rc<Self>, lp: &LoopHandle) -> Result<(), RequestError> {
            let this = self.clone();
            let key = crypto::pbkdf2(b"password", b"salt", self.rounds.get());
            key.then(lp, move |lp, key| {
                if key.is_ok() {
                    add(&this.keys);
                }
                if this.is_ending.get() {
                    return say("the last key is done");
                }
                if let Err(error) = this.work(lp) {
                    say(format_args!("no more keys: {error}"));
                }
            })
            .map(drop)
        }

        /// Reading would hold the loop, so the pool does it; what comes later than a newer reload is old.
        fn reload(self: &Rc<Self>, lp: &LoopHandle) {
            let Some(file) = &self.settings else { return say("there is no file to read again") };
            add(&self.reloads);
            let (this, number) = (self.clone(), self.reloads.get());
            let begun = fs::read(file).then(lp, move |_, read| {
                let rounds = read.map_err(anyhow::Error::from).and_then(|text| parse(&text));
                match rounds {
                    _ if number < this.reloads.get() => {}
                    Ok(rounds) => {
                        this.rounds.set(rounds);
                        say(format_args!("reloaded: {rounds} rounds from the next key on"));
                    }
                    Err(error) => {
                        say(format_args!("not reloaded: {error:#}; still {} rounds", this.rounds.get()))
                    }
                }
            });
            if let Err(error) = begun {
                say(format_args!("not reloaded: {error}"));
            }
        }

        fn report(&self) {
            let (keys, rounds, hang_ups) = (self.keys.get(), self.rounds.get(), self.hang_ups.get());
            say(format_args!("report: {keys} keys, {rounds} rounds each now, {hang_ups} times SIGHUP"));
        }

        fn end(&self) {
            self.is_ending.set(true);
            say("ends when the key is done that has begun");
        }
    }

    fn parse(settings: &[u8]) -> anyhow::Result<u32> {
        let text = std::str::from_utf8(settings).context("the settings are no text")?;
        let value =
            text.lines().find_map(|line| line.split_once('=').filter(|(name, _)| name.trim() == "rounds"));
        let (_, value) = value.context("the settings have no line `rounds = N`")?;
        let rounds =
            value.trim().parse().with_context(|| format!("{:?} is no number of rounds", value.trim()))?;
        ensure!(rounds > 0, "a key needs rounds");
        Ok(rounds)
    }

    /// Prints a line. That nobody reads it any more, as behind a pipe, is no reason to leave work undone.
    fn say(line: impl Display) {
        let _ = writeln!(io::stdout(), "{line}");
    }

    fn add(counter: &Cell<u64>) {
        counter.set(counter.get() + 1);
    }
}
