//! The servers that are looked at: how they answer, and how their clients know that an answer is whole.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use anyhow::Result;
use runtime_lab::http::{self, Limits};
use runtime_lab::{
    EventLoop, LoopHandle, OwnedTcpStream, Prepare, ReadEvent, RunMode, Runtime, TcpListener, TcpStream,
};
use serde::{Deserialize, Serialize};

use super::server::Ready;
use crate::http::client::{GET_HELLO, body_of};
use crate::http::on_tokio;
use crate::http::servers::HELLO;

/// A server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Subject {
    /// Our loop, callbacks: what was read is written back.
    Callbacks,
    /// Our loop, a task for each connection that does the same.
    Tasks,
    /// Our loop with hyper.
    Http,
    /// tokio's current-thread runtime with the same hyper.
    Tokio,
}

/// What connections that echo say.
const LINE: &[u8] = b"how long is it to the other side?\n";

impl Subject {
    /// All, in the order of the table.
    pub const ALL: [Subject; 4] = [Subject::Callbacks, Subject::Tasks, Subject::Http, Subject::Tokio];

    /// Its part of a bench's name.
    pub fn name(self) -> &'static str {
        match self {
            Subject::Callbacks => "callbacks",
            Subject::Tasks => "tasks",
            Subject::Http => "http",
            Subject::Tokio => "tokio",
        }
    }

    /// What a client asks.
    pub(super) fn request(self) -> &'static [u8] {
        match self {
            Subject::Callbacks | Subject::Tasks => LINE,
            Subject::Http | Subject::Tokio => GET_HELLO,
        }
    }

    /// Whether `bytes` are a whole answer.
    pub(super) fn is_answer(self, bytes: &[u8]) -> Result<bool> {
        match self {
            Subject::Callbacks | Subject::Tasks => Ok(bytes == LINE),
            Subject::Http | Subject::Tokio => Ok(body_of(bytes)? == Some(HELLO.as_bytes())),
        }
    }

    /// Serves until the process ends.
    pub(super) fn serve(self, connections: usize, ready: &Ready) -> Result<()> {
        match self {
            Subject::Callbacks => on_loop(ready, |_lp, open, stream| echo(open, &stream)),
            Subject::Tasks => on_loop(ready, |lp, open, stream| drop(lp.spawn(echo_task(open, stream)))),
            Subject::Http => on_http(connections, ready),
            Subject::Tokio => {
                let limits = Limits { head_time: FOR_EVER, ..Limits::default() };
                on_tokio::serve_for_ever(limits, ready.open.clone(), |addr| ready.tell(addr, None))
            }
        }
    }
}

/// An idle connection is to stay.
const FOR_EVER: Duration = Duration::from_secs(3600);

/// Counts a connection as open while it lives.
pub(super) struct Open(Arc<AtomicUsize>);

impl Open {
    fn new(count: &Arc<AtomicUsize>) -> Open {
        count.fetch_add(1, Relaxed);
        Open(count.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

fn on_loop(ready: &Ready, serve: impl Fn(&LoopHandle, Open, TcpStream) + 'static) -> Result<()> {
    let event_loop = EventLoop::new()?;
    let lp = event_loop.handle();
    let listener = TcpListener::bind(&lp, "127.0.0.1:0".parse()?, 1024)?;
    let open = ready.open.clone();
    listener.on_connection(move |lp, connection| {
        if let Ok(stream) = connection {
            serve(lp, Open::new(&open), stream);
        }
    });
    ready.tell(listener.local_addr()?, Some(lp.remote()))?;
    event_loop.run(RunMode::Default)?;
    Ok(())
}

fn echo(open: Open, stream: &TcpStream) {
    let (itself, open) = (stream.clone(), Rc::new(open));
    let started = stream.read_start(move |_lp, event| match event {
        ReadEvent::Data(bytes) => {
            // It is counted until its last write is done.
            let open = open.clone();
            itself.write(bytes.to_vec(), move |_lp, _result| drop(open));
        }
        _ => drop(itself.close()),
    });
    started.expect("it was accepted just now");
}

async fn echo_task(open: Open, stream: TcpStream) {
    let mut stream = OwnedTcpStream::new(stream);
    let mut buffer = [0; 256];
    while let Ok(bytes @ 1..) = stream.read(&mut buffer).await {
        if stream.write_all(&buffer[..bytes]).await.is_err() {
            break;
        }
    }
    drop(open);
}

fn on_http(connections: usize, ready: &Ready) -> Result<()> {
    let runtime = Runtime::builder().pool_threads(1).build()?;
    let lp = runtime.handle();
    let limits = Limits { connections: connections + 1, head_time: FOR_EVER, ..Limits::default() };
    let server = http::Server::on("127.0.0.1:0")?
        .limits(limits)
        .route("/hello", |_request| http::text(HELLO))
        .serve(&lp)?;
    let count = ready.open.clone();
    let addr = server.local_addr();
    // How many are open is the server's own count, looked at before each sleep.
    let look = Prepare::new(&lp);
    let started = look.start(move |_lp| count.store(server.stats().open, Relaxed));
    started.expect("it is not closing");
    look.unref();
    ready.tell(addr, Some(lp.remote()))?;
    runtime.run(RunMode::Default)?;
    Ok(())
}
