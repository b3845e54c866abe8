//! What a job does: nothing, real CPU work for a while, or a real wait in the kernel.

use std::os::unix::net::UnixStream;
use std::sync::OnceLock;
use std::time::Duration;

use clock::Clock;
use runtime_lab::crypto;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// How many times each amount of work is timed; the median counts.
const TRIES: usize = 15;

/// One job's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// Returns at once.
    Nothing,
    /// So many iterations of PBKDF2-HMAC-SHA-512.
    Hash(u32),
    /// Waits in `poll(2)` until the time is over, for data that never comes: what a blocking read with a timeout does,
    /// to the precision of the kernel's fine timers (the timeout of a socket itself counts in coarse ticks).
    Wait(Duration),
}

impl Work {
    /// CPU work that takes about `want` on this machine, in this build, when nothing else runs.
    pub fn hash_for(want: Duration, clock: &Clock) -> Work {
        Work::Hash(iterations_for(want, clock, hash))
    }

    /// Does it on the calling thread.
    #[inline]
    pub fn run(self) {
        match self {
            Work::Nothing => {}
            Work::Hash(iterations) => hash(iterations),
            Work::Wait(time) => wait(time),
        }
    }
}

fn hash(iterations: u32) {
    std::hint::black_box(crypto::pbkdf2_sync(b"password", b"salt", iterations));
}

fn wait(time: Duration) {
    static SILENT: OnceLock<(UnixStream, UnixStream)> = OnceLock::new();
    let (reader, _writer) = SILENT.get_or_init(|| UnixStream::pair().expect("a pair of sockets"));
    let timeout = Timespec::try_from(time).expect("a wait of the benches fits a timespec");
    let ready = poll(&mut [PollFd::new(reader, PollFlags::IN)], Some(&timeout));
    assert_eq!(ready, Ok(0), "nobody writes to this socket, so only the time can end the wait");
}

/// How many iterations of `burn` take `want`, by a straight line through two amounts: the first iteration carries
/// what every call costs.
fn iterations_for(want: Duration, clock: &Clock, burn: impl Fn(u32)) -> u32 {
    const MORE: u32 = 200;
    let time = |iterations: u32| {
        let mut took: Vec<Duration> = (0..TRIES)
            .map(|_| {
                let start = clock.now();
                burn(iterations);
                clock.now() - start
            })
            .collect();
        took.sort_unstable();
        took[TRIES / 2].as_secs_f64()
    };
    time(MORE); // Warms up.
    let (one, many) = (time(1), time(1 + MORE));
    let each = ((many - one) / f64::from(MORE)).max(1e-9);
    1 + ((want.as_secs_f64() - one) / each).round().max(0.0) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calibration_finds_the_iterations_on_a_manual_clock() {
        let (clock, hands) = Clock::manual();
        let burn = |n: u32| hands.advance(Duration::from_nanos(2_000 + 500 * u64::from(n)));
        assert_eq!(iterations_for(Duration::from_micros(10), &clock, burn), 16);
        assert_eq!(iterations_for(Duration::from_millis(1), &clock, burn), 1_996);
        assert_eq!(iterations_for(Duration::from_nanos(1), &clock, burn), 1, "never nothing");
    }

    #[test]
    fn a_wait_lasts_at_least_its_real_time() {
        let clock = Clock::real();
        let start = clock.now();
        Work::Wait(Duration::from_millis(1)).run();
        assert!(clock.now() - start >= Duration::from_millis(1));
    }
}
