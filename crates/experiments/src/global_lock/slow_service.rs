//! A service that takes its time: it answers each datagram a fixed while after it came, however many came meanwhile.
//!
//! # Model
//! One thread of ours with the answers that are due, in order. Whoever asks waits in the kernel; that is all that a task
//! that waits does, so its time is the service's and not a processor's.

use std::collections::VecDeque;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clock::Clock;

use super::echo_client::wait_readable;

/// How often the thread looks whether it is to end.
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
    pub(super) fn start(answers_after: Duration, clock: &Clock) -> Result<SlowService> {
        let socket = UdpSocket::bind("127.0.0.1:0").context("no port for the service")?;
        socket.set_nonblocking(true)?;
        let port = socket.local_addr()?.port();
        let over = Arc::new(AtomicBool::new(false));
        let (ends, clock) = (Arc::clone(&over), clock.clone());
        let serve = move || serve(&socket, answers_after, &clock, &ends);
        let thread = std::thread::Builder::new().name("slow-service".to_owned()).spawn(serve)?;
        Ok(SlowService { port, over, thread: Some(thread) })
    }
}

fn serve(socket: &UdpSocket, answers_after: Duration, clock: &Clock, over: &AtomicBool) -> Result<()> {
    let mut due: VecDeque<(Instant, SocketAddr)> = VecDeque::new();
    let mut bytes = [0; 64];
    while !over.load(Ordering::SeqCst) {
        let now = clock.now();
        while let Some(&(at, asker)) = due.front().filter(|(at, _)| *at <= now) {
            let _ = (at, socket.send_to(b"answer", asker)); // Who asked may have gone.
            due.pop_front();
        }
        let next = due.front().map_or(LOOK_EVERY, |(at, _)| at.saturating_duration_since(now));
        wait_readable(socket, next.min(LOOK_EVERY))?;
        // An error is that of an answer to somebody who has gone: nothing to read, as well.
        while let Ok((_, asker)) = socket.recv_from(&mut bytes) {
            due.push_back((clock.now() + answers_after, asker));
        }
    }
    Ok(())
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
        let service = SlowService::start(after, &clock).unwrap();
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
}
