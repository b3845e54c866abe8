//! A port forwarder: several ports in one thread, and each connection is one task with two directions.
//!
//! ```sh
//! cargo run --example port_forwarder -- --forward 8081:localhost:22                    # then: ssh -p 8081 localhost
//! cargo run --example port_forwarder -- --forward 8082:127.0.0.1:8080 --forward 8083:example.org:80
//! ```
//!
//! A rule reads as that of `ssh -L`: `[ADDRESS:]PORT:HOST:PORT`, and the address to listen on is that of this machine
//! alone unless you name one. The style is futures: a task reads as if it were alone. Watch `copy`, in its own file: it
//! reads again only when all that it has read is written, so a slow receiver holds up its sender and nobody else; and
//! an end is handed on while the other direction goes on. A connection that breaks is broken on both sides. Names are
//! looked up in the pool, for each connection anew.
//!
//! Ctrl-C or SIGTERM: no new connections, and those that are open have until the deadline. A second one cuts them.

#[path = "port_forwarder/rule.rs"]
mod rule;
#[path = "port_forwarder/copy.rs"]
mod copy;

use std::cell::Cell;
use std::fmt::Display;
use std::io::{self, Write};
use std::rc::Rc;
use std::time::Duration;

use anyhow::Context;
use clap::Parser;
use copy::{both, copy};
use rule::Rule;
use runtime_lab::{
    Either, LoopHandle, OwnedTcpStream, RunMode, Runtime, Shutdown, TcpListener, select, sleep, yield_now,
};

/// Forwards connections to other addresses, and counts them.
#[derive(Parser)]
struct Options {
    /// Where to listen and where to connect to; as often as there are ports.
    #[arg(long, value_name = "[ADDRESS:]PORT:HOST:PORT", required = true)]
    forward: Vec<Rule>,
    /// How many connections may be open, over all ports; more are closed at once.
    #[arg(long, value_name = "N", default_value_t = 256)]
    connections: usize,
    /// How long open connections may go on after Ctrl-C.
    #[arg(long, value_name = "SECONDS", default_value = "5", value_parser = seconds)]
    grace: Duration,
}

/// How many connections the system keeps until they are accepted.
const BACKLOG: u32 = 1024;

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let runtime = Runtime::new()?;
    let lp = runtime.handle();
    let ports = options.forward.into_iter().map(|rule| Port::open(&lp, rule));
    let forwarder = Rc::new(Forwarder {
        ports: ports.collect::<anyhow::Result<_>>()?,
        connections_max: options.connections,
        grace: options.grace,
        open: Cell::new(0),
        is_stopping: Cell::new(false),
        cut: Shutdown::new(),
    });
    for port in &forwarder.ports {
        lp.spawn(forwarder.clone().accept(lp.clone(), port.clone()));
    }
    #[cfg(unix)]
    for signal in [2, 15] {
        // SIGINT and SIGTERM. The wish to hear of them does not keep the loop alive.
        let (watcher, forwarder) = (runtime_lab::Signal::new(&lp), forwarder.clone());
        watcher.start(signal, move |lp, _| forwarder.stop(lp))?;
        watcher.unref();
    }
    forwarder.ports.iter().for_each(|port| say(format_args!("listening on {}", port.rule)));
    runtime.run(RunMode::Default)?;
    forwarder.ports.iter().for_each(|port| port.say());
    Ok(())
}

struct Forwarder {
    ports: Vec<Rc<Port>>,
    connections_max: usize,
    grace: Duration,
    open: Cell<usize>,
    is_stopping: Cell<bool>,
    /// Tells the open connections that their time is up.
    cut: Shutdown,
}

impl Forwarder {
    /// The task of a port: hands each connection to a task of its own.
    async fn accept(self: Rc<Self>, lp: LoopHandle, port: Rc<Port>) {
        while !self.is_stopping.get() {
            let client = match port.listener.accept().await {
                Ok(client) => client,
                Err(_) if self.is_stopping.get() => return,
                Err(error) => {
                    complain(format_args!("{}: cannot accept: {error}", port.rule));
                    // What fails now may fail for a while.
                    sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            if self.open.get() == self.connections_max {
                add(&port.refused, 1);
                drop(client);
                // A flood of connections must not keep those that are open from their turn.
                yield_now().await;
                continue;
            }
            self.open.set(self.open.get() + 1);
            let (forwarder, port) = (self.clone(), port.clone());
            lp.spawn(async move {
                port.serve(client, &forwarder.cut).await;
                forwarder.open.set(forwarder.open.get() - 1);
            });
        }
    }

    /// The first time nobody new comes in, and the others have until the deadline; the second time they are cut. Only a
    /// look-up that the system's resolver has begun cannot be interrupted; it is waited for.
    #[cfg(unix)]
    fn stop(self: &Rc<Self>, lp: &LoopHandle) {
        if self.is_stopping.replace(true) {
            return self.cut.begin();
        }
        for port in &self.ports {
            port.listener.close();
        }
        say(format_args!("stops; connections open: {}", self.open.get()));
        let cut = self.cut.clone();
        let deadline = lp.set_timeout(self.grace, move |_| cut.begin());
        // The connections keep the loop alive, and not the wait for them.
        lp.set_timeout_ref(deadline, false);
    }
}

/// One rule at work, and what it has seen.
struct Port {
    rule: Rule,
    listener: TcpListener,
    accepted: Cell<u64>,
    refused: Cell<u64>,
    failed: Cell<u64>,
    broken: Cell<u64>,
    cut: Cell<u64>,
    bytes_there: Cell<u64>,
    bytes_back: Cell<u64>,
}

impl Port {
    fn open(lp: &LoopHandle, mut rule: Rule) -> anyhow::Result<Rc<Port>> {
        let listener = TcpListener::bind(lp, rule.listen, BACKLOG);
        let listener = listener.with_context(|| format!("cannot listen on {}", rule.listen))?;
        rule.listen = listener.local_addr()?;
        let [accepted, refused, failed, broken, cut, bytes_there, bytes_back] = Default::default();
        Ok(Rc::new(Port { rule, listener, accepted, refused, failed, broken, cut, bytes_there, bytes_back }))
    }

    /// One connection, from its beginning to its end.
    async fn serve(&self, client: OwnedTcpStream, cut: &Shutdown) {
        add(&self.accepted, 1);
        let target = match select(self.rule.connect(), cut.begun()).await {
            Either::First(Ok(target)) => target,
            Either::First(Err(error)) => {
                add(&self.failed, 1);
                return complain(format_args!("{}: {error:#}", self.rule));
            }
            Either::Second(()) => return add(&self.cut, 1),
        };
        // They only make small messages faster; without them all goes on as well.
        let _ = (client.set_nodelay(true), target.set_nodelay(true));
        let there = copy(&client, &target, &self.bytes_there);
        let back = copy(&target, &client, &self.bytes_back);
        match select(both(there, back), cut.begun()).await {
            Either::First(Ok(())) => return,
            Either::First(Err(_)) => add(&self.broken, 1),
            Either::Second(()) => add(&self.cut, 1),
        }
        // An ordinary end would say that all has come. Where one side is reset already there may be an error, and no
        // harm.
        let _ = (client.close_reset(), target.close_reset());
    }

    fn say(&self) {
        say(format_args!(
            "{}: {} connections, {} failed, {} broken, {} cut, {} refused; {} bytes there, {} bytes back",
            self.rule,
            self.accepted.get(),
            self.failed.get(),
            self.broken.get(),
            self.cut.get(),
            self.refused.get(),
            self.bytes_there.get(),
            self.bytes_back.get()
        ));
    }
}

/// Prints a line. That nobody reads it any more, as behind a pipe, is no reason to leave work undone.
fn say(line: impl Display) {
    let _ = writeln!(io::stdout(), "{line}");
}

/// As `say`, for errors.
fn complain(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

fn add(counter: &Cell<u64>, more: u64) {
    counter.set(counter.get() + more);
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| format!("{text:?} is no number"))?;
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}
