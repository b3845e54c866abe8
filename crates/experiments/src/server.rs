//! A server of this project on a thread of its own, for experiments that ask it over real sockets.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use runtime_lab::{RemoteHandle, RunMode, Runtime, RuntimeBuilder, http};

/// A server that listens on a free port of the loopback address until it is dropped.
pub(crate) struct Served {
    /// Where it listens.
    pub(crate) addr: SocketAddr,
    remote: RemoteHandle,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Served {
    /// Starts a runtime as `build` says, with the routes that `routes` adds.
    ///
    /// # Errors
    /// When the runtime cannot be made or the port cannot be had.
    pub(crate) fn start(
        build: impl FnOnce(RuntimeBuilder) -> RuntimeBuilder + Send + 'static,
        routes: impl FnOnce(http::Server) -> http::Server + Send + 'static,
    ) -> Result<Served> {
        let (ready, listening) = mpsc::channel();
        let serve = move || -> Result<()> {
            let runtime = build(Runtime::builder()).build().context("cannot start the runtime")?;
            let lp = runtime.handle();
            let server = routes(http::Server::on("127.0.0.1:0")?).serve(&lp)?;
            // Who asked has gone only when the program ends.
            let _ = ready.send((server.local_addr(), lp.remote()));
            runtime.run(RunMode::Default)?;
            Ok(())
        };
        let thread = std::thread::Builder::new().name("server".to_owned()).spawn(serve)?;
        match listening.recv() {
            Ok((addr, remote)) => Ok(Served { addr, remote, thread: Some(thread) }),
            Err(_) => Err(match thread.join() {
                Ok(Err(error)) => error,
                _ => anyhow!("the server ended before it listened"),
            }),
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // A loop that has ended already has no need to be stopped.
        let _ = self.remote.stop();
        if let Some(thread) = self.thread.take() {
            // What it says now can change nothing that was measured.
            let _ = thread.join();
        }
    }
}

/// A server that does not answer for so long is broken.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// Asks once, blocks until the answer is there, and returns its body.
///
/// # Errors
/// When nobody answers in time, or not with status 200.
pub(crate) fn get(addr: SocketAddr, path: &str) -> Result<String> {
    let mut connection = TcpStream::connect(addr).with_context(|| format!("cannot connect to {addr}"))?;
    connection.set_read_timeout(Some(ANSWER_LIMIT))?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\n\r\n");
    connection.write_all(request.as_bytes())?;
    let mut text = String::new();
    connection.take(64 << 10).read_to_string(&mut text).context("the server did not answer")?;
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    ensure!(head.starts_with("HTTP/1.1 200"), "{path}: the server answered `{head}`");
    Ok(body.to_owned())
}
