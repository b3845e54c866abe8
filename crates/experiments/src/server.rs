//! A server of this project on a thread of its own, for experiments that ask it over real sockets.

use std::io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
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

/// A server that says nothing for so long is broken.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// How often who waits for an answer looks whether it should go on.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// No server of an experiment answers more.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// A question over a connection of its own, which is made first, so that several can be sent at the same moment.
pub(crate) struct Question {
    connection: TcpStream,
    addr: SocketAddr,
    path: String,
}

impl Question {
    /// Connects.
    ///
    /// # Errors
    /// When nobody listens.
    pub(crate) fn connect(addr: SocketAddr, path: &str) -> Result<Question> {
        let connection = TcpStream::connect(addr).with_context(|| format!("cannot connect to {addr}"))?;
        connection.set_nodelay(true)?;
        connection.set_read_timeout(Some(LOOK_EVERY))?;
        Ok(Question { connection, addr, path: path.to_owned() })
    }

    /// Asks.
    ///
    /// # Errors
    /// When the server has gone.
    pub(crate) fn send(&mut self) -> Result<()> {
        let Question { addr, path, .. } = self;
        let request = format!("GET {path} HTTP/1.1\r\nhost: {addr}\r\nconnection: close\r\n\r\n");
        Ok(self.connection.write_all(request.as_bytes())?)
    }

    /// Blocks until the whole answer is there, and returns its body; nothing when `is_over` says so before.
    ///
    /// # Errors
    /// When the server does not answer in time, or not with status 200.
    pub(crate) fn answer(mut self, is_over: &dyn Fn() -> bool) -> Result<Option<String>> {
        let (mut bytes, mut piece, mut silent) = (Vec::new(), [0; 4096], Duration::ZERO);
        while !is_over() {
            match self.connection.read(&mut piece) {
                Ok(0) => return body(&self.path, &String::from_utf8_lossy(&bytes)).map(Some),
                Ok(count) => {
                    silent = Duration::ZERO;
                    bytes.extend_from_slice(&piece[..count]);
                }
                Err(error) if matches!(error.kind(), WouldBlock | TimedOut) => silent += LOOK_EVERY,
                Err(error) if error.kind() == Interrupted => {}
                Err(error) => return Err(error).context("the server did not answer"),
            }
            ensure!(silent < ANSWER_LIMIT, "the server did not answer within {ANSWER_LIMIT:?}");
            ensure!(
                bytes.len() <= ANSWER_BYTES_MAX,
                "the server answered more than {ANSWER_BYTES_MAX} bytes"
            );
        }
        Ok(None)
    }
}

/// What stands after the head of an answer, in chunks or not.
fn body(path: &str, answer: &str) -> Result<String> {
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((answer, ""));
    ensure!(head.starts_with("HTTP/1.1 200"), "{path}: the server answered `{head}`");
    Ok(body.to_owned())
}

/// Asks once, blocks until the answer is there, and returns its body.
///
/// # Errors
/// When nobody answers in time, or not with status 200.
pub(crate) fn get(addr: SocketAddr, path: &str) -> Result<String> {
    let mut question = Question::connect(addr, path)?;
    question.send()?;
    question.answer(&|| false)?.context("nobody asked to stop")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_a_body_or_is_an_error() {
        assert_eq!(body("/", "HTTP/1.1 200 OK\r\na: b\r\n\r\ntext").unwrap(), "text");
        for wrong in ["HTTP/1.1 404 Not Found\r\n\r\ntext", ""] {
            assert!(body("/", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn who_need_not_wait_any_more_gets_nothing() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut question = Question::connect(listener.local_addr().unwrap(), "/").unwrap();
        question.send().unwrap();
        assert_eq!(question.answer(&|| true).unwrap(), None);
    }
}
