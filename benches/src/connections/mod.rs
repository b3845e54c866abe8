//! Ten thousand connections to one loop: what an idle one costs, and whether everything comes back.
//!
//! # Model
//! ```text
//! this process                                        server, a process of its own: one loop
//!   opens all connections                      ──▶      accepts them
//!   idle: asks what the server holds now       ──▶      descriptors, handles, bytes allocated, resident memory
//!   some of them talk for a while              ◀─▶      each answer is followed by the next request
//!   every connection talks once more           ◀─▶      so that none was lost
//!   closes all, waits until none is open       ──▶      and is asked again
//! ```
//! All of that happens three times. At first the server's tables grow to their size, which they keep; what the last time
//! adds to that does not come back, so it is a leak.
//!
//! The bytes of an idle connection are what the allocator has handed out, by its own count, divided by the connections. What
//! the system keeps for a socket is not in it.

mod crowd;
mod hyper_alone;
mod server;
mod subject;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use clock::Clock;
use serde::Serialize;

pub use server::{State, Task, serve};
pub use subject::Subject;

use crowd::Crowd;
pub use crowd::raise_limit;
pub use hyper_alone::hypers_share;
use server::Server;

/// How long the server may take to close what its clients have closed.
const PATIENCE: Duration = Duration::from_secs(30);

/// How many connections, and how long they talk.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Plan {
    /// Connections open at the same time.
    pub connections: usize,
    /// How many of them talk.
    pub talking: usize,
    /// For how long, each time.
    pub time: Duration,
}

/// What one server did.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// Its name.
    pub subject: &'static str,
    /// Connections that were open at the same time.
    pub connections: usize,
    /// One after the other.
    pub cycles: [Cycle; 3],
    /// The server before the first connection.
    pub before: State,
    /// The server's bytes for a connection that is open and silent, all in all.
    pub bytes_per_connection: f64,
    /// Of resident memory, where the system tells.
    pub resident_per_connection: Option<f64>,
}

impl Figures {
    /// What did not come back: an empty list is a server that holds up.
    pub fn left_behind(&self) -> Vec<String> {
        let mut left = Vec::new();
        let [.., previous, last] = &self.cycles;
        if last.after.descriptors > self.before.descriptors {
            left.push(format!("{} descriptors", last.after.descriptors - self.before.descriptors));
        }
        if last.after.handles > self.before.handles {
            left.push(format!("{} handles", last.after.handles - self.before.handles));
        }
        // A table may round up once more. The smallest leak for each connection is the smallest piece of an allocator.
        let grown = last.after.allocated.saturating_sub(previous.after.allocated);
        if grown >= 16 * self.connections as u64 {
            left.push(format!("{grown} bytes more than the time before"));
        }
        left
    }
}

/// One time through.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Cycle {
    /// With all connections open and silent; each has talked once.
    pub idle: State,
    /// With none.
    pub after: State,
    /// Answers while some talked.
    pub answers: u64,
    /// The time that they took.
    pub elapsed: Duration,
    /// The longest that one of them had to wait.
    pub longest_wait: Duration,
}

/// Measures one server.
///
/// # Errors
/// When descriptors do not suffice, the server cannot be started, or an answer is missing.
pub fn measure(subject: Subject, plan: &Plan) -> Result<Figures> {
    let clock = Clock::real();
    let mut server = Server::start(subject, plan.connections)?;
    // One conversation before the first look: what is made once is not a connection's.
    drop(Crowd::connect(server.addr, subject, 1)?);
    let before = closed(&mut server, &clock)?;
    let mut cycle = || -> Result<Cycle> {
        let mut crowd = Crowd::connect(server.addr, subject, plan.connections)?;
        let idle = server.state()?;
        let talk = crowd.talk(plan.talking, plan.time, &clock)?;
        crowd.talk_once().context("a connection did not survive")?;
        drop(crowd);
        let after = closed(&mut server, &clock)?;
        Ok(Cycle {
            idle,
            after,
            answers: talk.answers,
            elapsed: talk.elapsed,
            longest_wait: talk.longest_wait,
        })
    };
    let cycles = [cycle()?, cycle()?, cycle()?];
    let each = |idle: u64, none: u64| (idle as f64 - none as f64) / plan.connections as f64;
    Ok(Figures {
        subject: subject.name(),
        connections: plan.connections,
        before,
        bytes_per_connection: each(cycles[0].idle.allocated, before.allocated),
        resident_per_connection: cycles[0]
            .idle
            .resident
            .zip(before.resident)
            .map(|(idle, none)| each(idle, none)),
        cycles,
    })
}

/// Waits until the server has no connection any more; its state then.
fn closed(server: &mut Server, clock: &Clock) -> Result<State> {
    let deadline = clock.now() + PATIENCE;
    loop {
        let state = server.state()?;
        if state.open == 0 {
            return Ok(state);
        }
        ensure!(
            clock.now() < deadline,
            "{} connections are still open {PATIENCE:?} after their clients",
            state.open
        );
        std::thread::yield_now();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(last_handles: usize, last_bytes: u64) -> Figures {
        let before = State { open: 0, descriptors: 9, handles: 1, allocated: 1_000, resident: None };
        let cycle = |handles, allocated| Cycle {
            idle: State { open: 100, descriptors: 109, handles: 101, allocated: 400_000, resident: None },
            after: State { handles, allocated, ..before },
            answers: 1,
            elapsed: Duration::from_secs(1),
            longest_wait: Duration::from_millis(1),
        };
        Figures {
            subject: "a",
            connections: 100,
            cycles: [cycle(1, 40_000), cycle(1, 50_000), cycle(last_handles, last_bytes)],
            before,
            bytes_per_connection: 3_990.0,
            resident_per_connection: None,
        }
    }

    #[test]
    fn what_the_last_time_adds_is_left_behind() {
        assert_eq!(figures(1, 50_000).left_behind(), Vec::<String>::new());
        assert_eq!(figures(1, 51_599).left_behind(), Vec::<String>::new());
        assert_eq!(figures(3, 50_000).left_behind(), ["2 handles"]);
        assert_eq!(figures(1, 51_600).left_behind(), ["1600 bytes more than the time before"]);
    }
}
