//! A client of the echo server: lines from the standard input, or messages whose round trips are measured.
//!
//! ```sh
//! cargo run --example echo_server                                        # in another window
//! cargo run --example echo_client                                        # what you type comes back
//! cargo run --release --example echo_client -- --messages 10000 --size 64
//! ```
//!
//! One message is under way at a time: the next one is sent when the echo of the last one is complete. Watch
//! `round_trip`: it reads while it still writes. A client that writes all before it reads waits for ever with a server
//! that reads no more than it can send back. Reading the standard input would hold the loop, so a thread does it and
//! hands lines over through a short channel. That thread cannot be interrupted, so nobody waits for it: it ends with
//! the process. Ctrl-C shows what was measured so far, and the exit code is 130.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::io::{self, BufRead, ErrorKind, IoSlice, Write};
use std::net::SocketAddr;
use std::process::ExitCode;
use std::rc::Rc;
use std::task::Poll;

use anyhow::{Context, anyhow, bail};
use clap::{Parser, value_parser};
use clock::Clock;
use runtime_lab::{Either, OwnedTcpStream, Receiver, RunMode, Runtime, channel, select};
use runtime_trace::LatencyHistogram;

/// Sends lines or messages to an echo server, one after the other, and waits for each to come back.
#[derive(Clone, Parser)]
struct Options {
    /// Where the server listens: an address and a port.
    #[arg(default_value = "127.0.0.1:7007")]
    addr: SocketAddr,
    /// Send so many messages and measure their round trips; without it, lines from the standard input.
    #[arg(long, value_name = "N", value_parser = value_parser!(u64).range(1..))]
    messages: Option<u64>,
    /// How long a measured message is.
    #[arg(long, value_name = "BYTES", default_value_t = 64, value_parser = value_parser!(u32).range(1..))]
    size: u32,
}

fn main() -> anyhow::Result<ExitCode> {
    let options = Options::parse();
    let runtime = Runtime::new()?;
    let lp = runtime.handle();
    let measured = Rc::new(RefCell::new(LatencyHistogram::new()));
    let task = Rc::new(lp.spawn(talk(options.clone(), measured.clone())));
    let interrupted = Rc::new(Cell::new(false));
    #[cfg(unix)]
    {
        const SIGINT: i32 = 2;
        let (task, interrupted) = (task.clone(), interrupted.clone());
        let ctrl_c = runtime_lab::Signal::new(&lp);
        ctrl_c.start(SIGINT, move |_, _| {
            interrupted.set(true);
            task.cancel();
        })?;
        ctrl_c.unref();
    }
    runtime.run(RunMode::Default)?;
    if measured.borrow().count() > 0 {
        say(&measured.borrow(), options.size);
    }
    match task.try_take() {
        _ if interrupted.get() => Ok(ExitCode::from(130)),
        Some(outcome) => outcome?.map(|()| ExitCode::SUCCESS),
        None => bail!("the loop ended before the client"),
    }
}

fn say(measured: &LatencyHistogram, size_bytes: u32) {
    let ms = |duration: std::time::Duration| duration.as_secs_f64() * 1e3;
    println!(
        "{} round trips of {size_bytes} bytes: p50 {:.3} ms, p99 {:.3} ms, max {:.3} ms",
        measured.count(),
        ms(measured.p50()),
        ms(measured.p99()),
        ms(measured.max())
    );
}

async fn talk(options: Options, measured: Rc<RefCell<LatencyHistogram>>) -> anyhow::Result<()> {
    let addr = options.addr;
    let stream = OwnedTcpStream::connect(addr).await;
    let stream = stream.with_context(|| format!("cannot connect to {addr}; does echo_server run there?"))?;
    stream.set_nodelay(true)?;
    match options.messages {
        Some(count) => measure(&stream, count, options.size as usize, &measured).await,
        None => send_lines(&stream).await,
    }
}

async fn measure(
    stream: &OwnedTcpStream,
    count: u64,
    size_bytes: usize,
    measured: &RefCell<LatencyHistogram>,
) -> anyhow::Result<()> {
    let clock = Clock::real();
    for number in 0..count {
        // Each message has other bytes than the one before, so an echo that comes twice is noticed.
        let message: Vec<u8> = (number..).take(size_bytes).map(|byte| byte as u8).collect();
        let begun = clock.now();
        round_trip(stream, &message).await.with_context(|| format!("message {} of {count}", number + 1))?;
        measured.borrow_mut().record(clock.now() - begun);
    }
    Ok(())
}

async fn send_lines(stream: &OwnedTcpStream) -> anyhow::Result<()> {
    let mut lines = lines_of_stdin()?;
    loop {
        let line = match select(lines.recv(), gone(stream)).await {
            Either::First(Some(line)) => line?,
            Either::First(None) => return Ok(()),
            Either::Second(error) => return Err(error),
        };
        round_trip(stream, &line).await?;
        match io::stdout().write_all(&line) {
            // Who reads us has had enough, as `head` has.
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
            written => written?,
        }
    }
}

/// Sends the message, and returns when the same bytes have come back.
async fn round_trip(stream: &OwnedTcpStream, message: &[u8]) -> anyhow::Result<()> {
    let (mut sent_bytes, mut came_bytes) = (0, 0);
    let mut buffer = [0; 16 * 1024];
    poll_fn(|cx| {
        while sent_bytes < message.len() {
            match stream.poll_write(cx, &[IoSlice::new(&message[sent_bytes..])]) {
                Poll::Ready(written) => sent_bytes += written?,
                Poll::Pending => break,
            }
        }
        while came_bytes < message.len() {
            let Poll::Ready(read) = stream.poll_read(cx, &mut buffer) else { return Poll::Pending };
            let echo = &buffer[..read?];
            if echo.is_empty() {
                return Poll::Ready(Err(anyhow!("the server has ended the connection")));
            }
            if !message[came_bytes..].starts_with(echo) {
                return Poll::Ready(Err(anyhow!("what came back is not what was sent")));
            }
            came_bytes += echo.len();
        }
        Poll::Ready(Ok(()))
    })
    .await
}

/// Lines with their ends, as a thread reads them; no more when there are none.
fn lines_of_stdin() -> io::Result<Receiver<io::Result<Vec<u8>>>> {
    // So many may wait for a slow server; then the thread waits too.
    let (sender, receiver) = channel(8);
    std::thread::Builder::new().name("stdin".to_owned()).spawn(move || {
        let mut input = io::stdin().lock();
        let mut read = move || {
            let mut line = Vec::new();
            input.read_until(b'\n', &mut line).map(|_| line)
        };
        loop {
            let line = read();
            let is_last = line.is_err();
            if line.as_ref().is_ok_and(Vec::is_empty) || sender.send_blocking(line).is_err() || is_last {
                return;
            }
        }
    })?;
    Ok(receiver)
}

/// Ready when the server says something although it was not sent anything, which can only be its end.
async fn gone(stream: &OwnedTcpStream) -> anyhow::Error {
    match poll_fn(|cx| stream.poll_read(cx, &mut [0; 1])).await {
        Ok(0) => anyhow!("the server has ended the connection"),
        Ok(_) => anyhow!("the server sends what it was not sent"),
        Err(error) => error.into(),
    }
}
