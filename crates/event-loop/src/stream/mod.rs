//! Streams on the loop: TCP, Unix sockets and pipes; listeners and streams, each with callbacks and with futures.
//!
//! # Model
//! mio reports edges, libuv levels. A socket is registered once for both directions; readiness is remembered
//! in one bit for each direction until the system says `WouldBlock`. A handle that hit a cap, or was started
//! with a bit set, goes on a queue that is served in the next pass, whose poll does not sleep.
//!
//! # Invariants
//! - I1: a bit is cleared only when the system has said that nothing is left; so no edge is lost.
//! - I2: a socket makes at most 32 reads, 32 writes or 32 accepts in one phase, also for a task that never waits; then
//!   others get their turn.
//! - I3: no callback comes from inside the call that caused it.

mod listener;
mod state;
mod methods;
mod serve;
mod polled;
mod request;
mod tcp;
#[cfg(unix)]
mod unix;
#[cfg(unix)]
mod descriptors;
mod owned;

pub use owned::{Accepted, OwnedTcpStream};
#[cfg(unix)]
pub use owned::{OwnedPipe, OwnedUnixStream};
pub use state::ReadEvent;
pub use tcp::{TcpListener, TcpStream};
#[cfg(unix)]
pub use unix::{Pipe, UnixListener, UnixStream};

pub(crate) use listener::{ListenerRemains, ListenerState};
pub(crate) use request::{Deferred, Finished, Request, RequestCallback};
pub(crate) use state::{StreamRemains, StreamState};

/// How often one event makes the loop read, write or accept before others get their turn.
const CAP: usize = 32;

/// Whether a task has had its turn: it has moved something as often as it may without waiting (I2). Otherwise it counts.
fn had_its_turn(in_a_row: &mut u8) -> bool {
    let over = usize::from(*in_a_row) >= CAP;
    *in_a_row = if over { 0 } else { *in_a_row + 1 };
    over
}
