//! A client that sends messages to an echo at times fixed beforehand, on a thread of ours that no interpreter can hold up.
//!
//! # Model
//! ```text
//! client binds a port, the program is told it     program
//!          <────────────────────────── ready ──    its echo is up
//! due[0] ── 0 ──>                                   receives, sends back
//! due[1] ── 1 ──>      <── 0 ── latency 0 = now - due[0]
//! …                                                 an echo that is late holds up nothing here
//! all answered, or the program ended ── stop ──>    ends
//! ```
//! Latency counts from the time at which a message was due, so that a wait that delays the next messages counts for them
//! too. Datagrams, because each message is then one receive and one send of the program.

use std::net::{SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clock::Clock;
use experiment_kit::Interrupt;
use experiment_kit::experiment::Setup;
use experiment_kit::measurements::Sink;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::interpreter::{self, Rules};
use crate::counterpart::Source;

/// An echo answers its last message long before this, however late it is.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often a wait looks whether it is to end.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// From `ready` to the first message that is due: the program is back in its wait by then.
const SETTLING: Duration = Duration::from_millis(3);

/// One message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Message {
    /// When it is due, from the start.
    pub(super) due: Duration,
    /// What is asked.
    pub(super) ask: Ask,
}

/// What a message asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    /// To be sent back.
    Echo,
    /// To begin with the work; it is not sent back.
    Burn,
}

/// `count` messages with `gap` between them on average: from half a gap to one and a half, so that none keeps step with
/// the switches of a lock.
pub(super) fn paced(count: usize, gap: Duration) -> Vec<Message> {
    let mut due = Duration::ZERO;
    let message = |n: usize| {
        let here = due;
        // Steps of the golden ratio spread evenly and never repeat.
        due += gap.mul_f64(0.5 + (n as f64 * 0.618_034).fract());
        Message { due: here, ask: Ask::Echo }
    };
    (0..count).map(message).collect()
}

/// The client.
struct EchoClient {
    socket: UdpSocket,
    clock: Clock,
    interrupt: Interrupt,
}

impl EchoClient {
    /// Binds a free port of the loopback address.
    ///
    /// # Errors
    /// When there is none.
    fn bind(clock: &Clock, interrupt: &Interrupt) -> Result<EchoClient> {
        let socket = UdpSocket::bind("127.0.0.1:0").context("no port for the client")?;
        socket.set_nonblocking(true)?;
        Ok(EchoClient { socket, clock: clock.clone(), interrupt: interrupt.clone() })
    }

    /// The port that the program must be told.
    fn port(&self) -> Result<u16> {
        Ok(self.socket.local_addr()?.port())
    }

    /// Waits for `ready`, sends `messages` when they are due, waits for their echoes and says `stop`: the latency of each
    /// echo in the order of sending. `over` tells that the program has ended, so nothing will come any more.
    ///
    /// # Errors
    /// When the program ends before it has answered, or does not answer in time. After an interrupt what there is.
    fn run(&self, messages: &[Message], over: &AtomicBool) -> Result<Vec<Duration>> {
        let Some(echo) = self.ready(over)? else {
            ensure!(self.interrupt.came(), "the program ended before its echo was up");
            return Ok(Vec::new());
        };
        self.socket.connect(echo)?;
        let latencies = self.talk(messages, over);
        let _ = self.socket.send(b"stop"); // A program that has ended already need not be told.
        latencies
    }

    fn talk(&self, messages: &[Message], over: &AtomicBool) -> Result<Vec<Duration>> {
        let begun = self.clock.now() + SETTLING;
        let mut answered: Vec<Option<Duration>> = vec![None; messages.len()];
        let mut waiting = messages.iter().filter(|message| message.ask == Ask::Echo).count();
        let mut sent = 0;
        while (sent < messages.len() || waiting > 0) && !self.over(over) {
            let next = messages.get(sent).map(|message| begun + message.due);
            let now = self.clock.now();
            if let Some(next) = next.filter(|&next| next <= now) {
                self.send(sent, messages[sent].ask)
                    .with_context(|| format!("message {sent}, due {next:?}"))?;
                sent += 1;
                continue;
            }
            let last = messages.last().map_or(Duration::ZERO, |message| message.due);
            ensure!(now < begun + last + PATIENCE, "{waiting} echoes did not come within {PATIENCE:?}");
            wait_readable(&self.socket, next.map_or(LOOK_EVERY, |next| (next - now).min(LOOK_EVERY)))?;
            while let Some((number, at)) = self.receive()? {
                let slot = answered.get_mut(number).filter(|slot| slot.is_none());
                let slot =
                    slot.with_context(|| format!("an echo of message {number}, which was not asked"))?;
                *slot = Some(at.saturating_duration_since(begun + messages[number].due));
                waiting -= 1;
            }
        }
        if waiting > 0 && !self.interrupt.came() {
            bail!("the program ended with {waiting} messages unanswered");
        }
        Ok(answered.into_iter().flatten().collect())
    }

    fn over(&self, over: &AtomicBool) -> bool {
        over.load(Ordering::SeqCst) || self.interrupt.came()
    }

    /// Where the echo is; `None` when it ended before it said so.
    fn ready(&self, over: &AtomicBool) -> Result<Option<SocketAddr>> {
        let begun = self.clock.now();
        while !self.over(over) {
            wait_readable(&self.socket, LOOK_EVERY)?;
            let mut bytes = [0; 64];
            match self.socket.recv_from(&mut bytes) {
                Ok((length, from)) if &bytes[..length] == b"ready" => return Ok(Some(from)),
                Ok((length, _)) => bail!("`{}` instead of ready", String::from_utf8_lossy(&bytes[..length])),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(error) => return Err(error.into()),
            }
            let waited = self.clock.now().saturating_duration_since(begun);
            ensure!(waited < PATIENCE, "the echo was not ready within {PATIENCE:?}");
        }
        Ok(None)
    }

    fn send(&self, number: usize, ask: Ask) -> Result<()> {
        let text = match ask {
            Ask::Echo => number.to_string(),
            Ask::Burn => "burn".to_owned(),
        };
        self.socket.send(text.as_bytes())?;
        Ok(())
    }

    fn receive(&self) -> Result<Option<(usize, Instant)>> {
        let mut bytes = [0; 64];
        match self.socket.recv(&mut bytes) {
            Ok(length) => {
                let text = String::from_utf8_lossy(&bytes[..length]);
                let number = text.parse().with_context(|| format!("`{text}` is no echo"))?;
                Ok(Some((number, self.clock.now())))
            }
            // The program ended: `over` says so in a moment.
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => Ok(None),
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Sleeps until something is there, at most this long; poll(2), because the time-out of a socket is in whole ticks.
pub(super) fn wait_readable(socket: &UdpSocket, at_most: Duration) -> Result<()> {
    let timeout =
        Timespec { tv_sec: at_most.as_secs() as i64, tv_nsec: i64::from(at_most.subsec_nanos()) as _ };
    match poll(&mut [PollFd::new(socket, PollFlags::IN)], Some(&timeout)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Runs one case of `source` with a client beside it, and puts into `sink` how long each echo took: `echo_ms`, and in
/// switch intervals `echo_intervals`.
///
/// # Errors
/// As [`beside`] and [`interpreter::measure`].
pub(super) fn measure_echoes(
    source: &Source,
    setup: &Setup,
    rules: &Rules,
    case: &str,
    more: &[(&str, String)],
    messages: &[Message],
    sink: &mut Sink<'_>,
) -> Result<()> {
    let client = EchoClient::bind(&setup.clock, &setup.interrupt)?;
    let (latencies, _) = beside(&client, messages, |port| {
        let words = [("port", port.to_string()), ("interval_us", rules.interval.as_micros().to_string())];
        let words = words.iter().chain(more).map(|(name, value)| ((*name).to_owned(), value.clone()));
        interpreter::measure(source, setup, rules, case, &words.collect::<Vec<_>>(), sink)
    })?;
    let in_units_of =
        |unit: Duration| latencies.iter().map(move |latency| latency.as_secs_f64() / unit.as_secs_f64());
    sink.extend("echo_ms", in_units_of(Duration::from_millis(1)));
    sink.extend("echo_intervals", in_units_of(rules.interval));
    Ok(())
}

/// Runs a program and the client beside it: `program` is told the port and returns when the program has ended.
///
/// # Errors
/// Those of the program first: they tell more than those of the client.
fn beside<R>(
    client: &EchoClient,
    messages: &[Message],
    program: impl FnOnce(u16) -> Result<R>,
) -> Result<(Vec<Duration>, R)> {
    let port = client.port()?;
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let sending = std::thread::Builder::new()
            .name("echo-client".to_owned())
            .spawn_scoped(scope, || client.run(messages, &over))?;
        let ended = program(port);
        over.store(true, Ordering::SeqCst);
        let latencies = sending.join().map_err(|_| anyhow::anyhow!("the client panicked"))?;
        let ended = ended?;
        Ok((latencies?, ended))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_due_in_order_at_uneven_times_with_the_asked_gap_on_average() {
        let gap = Duration::from_millis(20);
        let messages = paced(50, gap);
        assert_eq!((messages.len(), messages[0].due), (50, Duration::ZERO));
        let gaps: Vec<Duration> = messages.windows(2).map(|pair| pair[1].due - pair[0].due).collect();
        assert!(gaps.iter().all(|&one| one >= gap / 2 && one <= gap * 3 / 2));
        assert!(gaps.windows(2).all(|pair| pair[0] != pair[1]));
        let average = messages[49].due / 49;
        assert!(average > gap * 9 / 10 && average < gap * 11 / 10, "{average:?}");
    }

    /// An echo as a program would be, which begins with `ready`; it ends at `stop`, or after `answers` messages.
    fn echo(port: u16, answers: usize) -> Result<usize> {
        let socket = UdpSocket::bind("127.0.0.1:0")?;
        socket.set_read_timeout(Some(Duration::from_secs(20)))?;
        socket.send_to(b"ready", ("127.0.0.1", port))?;
        let mut bytes = [0; 64];
        for answered in 0..answers {
            let (length, from) = socket.recv_from(&mut bytes)?;
            match &bytes[..length] {
                b"stop" => return Ok(answered),
                b"burn" => {}
                message => drop(socket.send_to(message, from)?),
            }
        }
        Ok(answers)
    }

    fn client() -> EchoClient {
        EchoClient::bind(&Clock::real(), &Interrupt::default()).unwrap()
    }

    #[test]
    fn every_echo_gives_a_latency_and_burning_gives_none() {
        let mut messages = paced(4, Duration::from_millis(1));
        messages.insert(1, Message { due: messages[0].due, ask: Ask::Burn });
        let (latencies, answered) = beside(&client(), &messages, |port| echo(port, 100)).unwrap();
        assert_eq!((latencies.len(), answered), (4, 5));
    }

    #[test]
    fn a_program_that_ends_early_or_says_nothing_is_an_error_at_once() {
        let messages = paced(4, Duration::from_millis(1));
        let early = beside(&client(), &messages, |port| echo(port, 2)).unwrap_err().to_string();
        assert!(early.contains("unanswered"), "{early}");
        let silent = beside(&client(), &messages, |_| Ok(())).unwrap_err().to_string();
        assert!(silent.contains("before its echo was up"), "{silent}");
        let failed = beside(&client(), &messages, |_| -> Result<()> { bail!("refused") }).unwrap_err();
        assert_eq!(failed.to_string(), "refused");
    }

    #[test]
    fn after_an_interrupt_there_is_what_was_measured() {
        let interrupt = Interrupt::default();
        interrupt.ask();
        let client = EchoClient::bind(&Clock::real(), &interrupt).unwrap();
        let (latencies, _) = beside(&client, &paced(4, Duration::from_millis(1)), |_| Ok(())).unwrap();
        assert!(latencies.is_empty());
    }
}
