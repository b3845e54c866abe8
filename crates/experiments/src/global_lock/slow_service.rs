//! A service that takes its time: it answers each datagram a fixed while after it came, however many came meanwhile.
//!
//! # Model
//! One thread of ours with the answers that are due, in order. Whoever asks waits in the kernel; that is all that a task
//! that waits does, so its time is the service's and not a processor's.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use clock::Clock;
use experiment_kit::Interrupt;

use super::echo_client::wait_readable;

/// How often the thread looks whether it is to end, or was interrupted.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// The service; it ends when it is dropped.
pub(super) struct SlowService {
    /// Its port on the loopback address.
    pub(super) port: u16,
    over: Arc<AtomicBool>,
    thread: Option<JoinHandle<Result<()>>>,
}

impl SlowService {
    /// Starts it on a free port.
    ///
    /// # Errors
    /// When there is no port or no thread.
    pub(super) fn start(
        answers_after: Duration,
        clock: &Clock,
        interrupt: &Interrupt,
    ) -> Result<SlowService> {
        let socket = UdpSocket::bind("127.0.0.1:0").context("no port for the service")?;
        socket.set_nonblocking(true)?;
        let port = socket.local_addr()?.port();
        let over = Arc::new(AtomicBool::new(false));
        let (ends, clock, interrupt) = (Arc::clone(&over), clock.clone(), interrupt.clone());
        let is_over = move || ends.load(Ordering::SeqCst) || interrupt.came();
        let serve = move || serve(&socket, answers_after, &clock, is_over);
        let thread = std::thread::Builder::new().name("slow-service".to_owned()).spawn(serve)?;
        Ok(SlowService { port, over, thread: Some(thread) })
    }

    /// Whether it still serves, or was interrupted.
    ///
    /// # Errors
    /// Why it ended.
    pub(super) fn is_up(&mut self) -> Result<()> {
        match self.thread.take_if(|thread| thread.is_finished()) {
            Some(ended) => ended.join().map_err(|_| anyhow!("the service panicked"))?,
            None => Ok(()),
        }
    }
}

fn serve(
    socket: &UdpSocket,
    answers_after: Duration,
    clock: &Clock,
    is_over: impl Fn() -> bool,
) -> Result<()> {
    let mut due: VecDeque<(Instant, SocketAddr)> = VecDeque::new();
    let mut bytes = [0; 64];
    while !is_over() {
        let now = clock.now();
        while let Some((_, asker)) = due.pop_front_if(|(at, _)| *at <= now) {
            answer(socket, asker)?;
        }
        let next = due.front().map_or(LOOK_EVERY, |(at, _)| at.saturating_duration_since(now));
        wait_readable(socket, next.min(LOOK_EVERY))?;
        loop {
            match socket.recv_from(&mut bytes) {
                Ok((_, asker)) => due.push_back((clock.now() + answers_after, asker)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == ErrorKind::ConnectionRefused => {}
                Err(error) => return Err(error).context("the service cannot receive"),
            }
        }
    }
    Ok(())
}

fn answer(socket: &UdpSocket, asker: SocketAddr) -> Result<()> {
    match socket.send_to(b"answer", asker) {
        Ok(_) => Ok(()),
        // Who asked has gone: some systems say so.
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(()),
        Err(error) => Err(error).with_context(|| format!("the service cannot answer {asker}")),
    }
}

impl Drop for SlowService {
    fn drop(&mut self) {
        self.over.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            // What it says now can change nothing that was measured.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_time_each_question_is_answered_and_never_early() {
        let (clock, after) = (Clock::real(), Duration::from_millis(5));
        let service = SlowService::start(after, &clock, &Interrupt::default()).unwrap();
        let askers: Vec<UdpSocket> = (0..3).map(|_| UdpSocket::bind("127.0.0.1:0").unwrap()).collect();
        let begun = clock.now();
        for asker in &askers {
            asker.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
            asker.send_to(b"ask", ("127.0.0.1", service.port)).unwrap();
        }
        for asker in &askers {
            let mut bytes = [0; 64];
            assert_eq!(asker.recv(&mut bytes).unwrap(), 6);
            assert!(clock.now().saturating_duration_since(begun) >= after);
        }
    }
    #[test]
    fn an_answer_that_cannot_be_sent_is_an_error_and_one_to_somebody_who_has_gone_is_not() {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let gone = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        answer(&socket, gone).unwrap();
        let nowhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let error = answer(&socket, nowhere).unwrap_err().to_string();
        assert_eq!(error, "the service cannot answer 127.0.0.1:0");
    }

    #[test]
    fn an_interrupted_service_ends() {
        let interrupt = Interrupt::default();
        let mut service = SlowService::start(Duration::ZERO, &Clock::real(), &interrupt).unwrap();
        interrupt.ask();
        while service.thread.is_some() {
            service.is_up().unwrap();
            std::thread::yield_now();
        }
    }
}
