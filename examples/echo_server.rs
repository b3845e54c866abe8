//! An echo server: every byte comes back, and a client that does not read cannot fill the memory.
//!
//! ```sh
//! cargo run --example echo_server            # then: cargo run --example echo_client, or nc 127.0.0.1 7007
//! cargo run --example echo_server -- 0       # a port that is free
//! cargo run --example echo_server -- --limit 65536
//! ```
//!
//! The style is callbacks, as with libuv. What comes in is written back at once; what the system does not take waits in
//! the write queue of its connection. Watch `read_stop`: when more than the limit waits, the server reads no more from
//! this client until half of it has gone. Then the kernel's buffers fill up, and at last the client's own writes wait:
//! that is back-pressure, from one end to the other. When a client ends its direction, the rest is written and our
//! direction ends too. Ctrl-C ends it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::rc::Rc;

use anyhow::Context;
use clap::Parser;
use runtime_lab::{LoopHandle, ReadEvent, RunMode, Runtime, TcpListener, TcpStream};

/// Sends back what it gets, to all who connect on this machine.
#[derive(Parser)]
struct Options {
    /// The port to listen on; 0 takes one that is free.
    #[arg(default_value_t = 7007)]
    port: u16,
    /// How many bytes may wait for one client before nothing more is read from it.
    #[arg(long, value_name = "BYTES", default_value_t = 1 << 20)]
    limit: usize,
}

/// How many connections the system keeps until they are accepted.
const BACKLOG: u32 = 1024;

fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let runtime = Runtime::new()?;
    let lp = runtime.handle();
    let addr = SocketAddr::from(([127, 0, 0, 1], options.port));
    let listener =
        TcpListener::bind(&lp, addr, BACKLOG).with_context(|| format!("cannot listen on {addr}"))?;
    let server = Rc::new(Server { limit: options.limit, ..Server::default() });
    let accepting = server.clone();
    listener.on_connection(move |_, accepted| match accepted {
        Ok(stream) => accepting.accept(stream),
        Err(error) => {
            // That nobody reads it any more, as behind a pipe, is no reason to end.
            let _ = writeln!(io::stderr(), "cannot accept a connection: {error}");
        }
    });
    #[cfg(unix)]
    stop_on_signals(&lp, &listener, &server)?;
    println!("listening on {}", listener.local_addr()?);
    runtime.run(RunMode::Default)?;
    server.say();
    Ok(())
}

/// Ends the server when the process is asked to end: nobody new, and nobody left.
#[cfg(unix)]
fn stop_on_signals(lp: &LoopHandle, listener: &TcpListener, server: &Rc<Server>) -> io::Result<()> {
    const SIGINT: i32 = 2;
    const SIGTERM: i32 = 15;
    for signal in [SIGINT, SIGTERM] {
        let (listener, server) = (listener.clone(), server.clone());
        let watcher = runtime_lab::Signal::new(lp);
        watcher.start(signal, move |_, _| {
            listener.close();
            server.close_all();
        })?;
        // The wish to hear of a signal does not keep the loop alive.
        watcher.unref();
    }
    Ok(())
}

/// What all connections share.
#[derive(Default)]
struct Server {
    limit: usize,
    open: RefCell<HashMap<u64, TcpStream>>,
    accepted: Cell<u64>,
    broken: Cell<u64>,
    echoed_bytes: Cell<u64>,
    pauses: Cell<u64>,
    /// The most that ever waited for one client.
    queued_max_bytes: Cell<usize>,
}

impl Server {
    fn accept(self: &Rc<Self>, stream: TcpStream) {
        let number = self.accepted.get();
        self.accepted.set(number + 1);
        // It only makes answers faster, so a socket that refuses is served all the same.
        let _ = stream.set_nodelay(true);
        self.open.borrow_mut().insert(number, stream.clone());
        Rc::new(Connection { number, stream, server: self.clone(), paused: Cell::new(false) }).read();
    }

    fn close_all(&self) {
        // Taken out first: closing drops callbacks, and what they own may want this table.
        let open = self.open.take();
        open.values().for_each(|stream| {
            stream.close();
        });
    }

    fn say(&self) {
        let _ = writeln!(
            io::stdout(),
            "{} connections, {} broken; {} bytes echoed; reading paused {} times; at most {} bytes waited",
            self.accepted.get(),
            self.broken.get(),
            self.echoed_bytes.get(),
            self.pauses.get(),
            self.queued_max_bytes.get()
        );
    }
}

struct Connection {
    number: u64,
    stream: TcpStream,
    server: Rc<Server>,
    /// Too much waits for the client, so nothing is read.
    paused: Cell<bool>,
}

impl Connection {
    fn read(self: Rc<Self>) {
        let this = self.clone();
        let started = self.stream.read_start(move |_, event| match event {
            ReadEvent::Data(bytes) => this.echo(bytes),
            ReadEvent::End => this.clone().finish(),
            ReadEvent::Failed(_) => this.fail(),
        });
        if started.is_err() {
            self.fail();
        }
    }

    fn echo(self: &Rc<Self>, bytes: &[u8]) {
        // Most echoes fit into the socket: no copy, no queue. An error here comes again in the callback of the write.
        let sent = self.stream.try_write(bytes).unwrap_or(0);
        let echoed = &self.server.echoed_bytes;
        echoed.set(echoed.get() + bytes.len() as u64);
        if sent == bytes.len() {
            return;
        }
        let this = self.clone();
        self.stream.write(bytes[sent..].to_vec(), move |_, outcome| match outcome {
            Ok(()) => this.resume(),
            Err(_) => this.fail(),
        });
        let queued_bytes = self.stream.write_queue_size();
        self.server.queued_max_bytes.set(self.server.queued_max_bytes.get().max(queued_bytes));
        if queued_bytes > self.server.limit {
            self.paused.set(true);
            self.server.pauses.set(self.server.pauses.get() + 1);
            self.stream.read_stop();
        }
    }

    /// Half, not just below the limit: otherwise reading would stop and start with every write.
    fn resume(self: Rc<Self>) {
        if self.paused.get() && self.stream.write_queue_size() <= self.server.limit / 2 {
            self.paused.set(false);
            self.read();
        }
    }

    /// The client has said all. A shutdown comes after the writes that wait.
    fn finish(self: Rc<Self>) {
        let this = self.clone();
        self.stream.shutdown(move |_, outcome| match outcome {
            Ok(()) => {
                this.close();
            }
            Err(_) => this.fail(),
        });
    }

    fn fail(&self) {
        // Several writes of one connection may hear of its end.
        if self.close() {
            self.server.broken.set(self.server.broken.get() + 1);
        }
    }

    /// Whether it was open until now.
    fn close(&self) -> bool {
        self.stream.close();
        self.server.open.borrow_mut().remove(&self.number).is_some()
    }
}
