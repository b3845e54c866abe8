//! Datagrams on the loop: sockets that receive by callback and send by request, and the same for futures.
//!
//! # Model
//! As in [`crate::stream`]: registered once for both directions, one bit of remembered readiness for each. Receiving
//! is what makes the handle active; a send is a request and counts until its callback, whatever the handle's
//! reference says. A socket has no descriptor before its first use, which binds it, or before `bind`.
//!
//! # Invariants
//! - U1: a socket receives at most 32 datagrams in one phase; its readable bit stays until `WouldBlock`.
//! - U2: each send calls back exactly once and never inside the call; those made before a close do so in the order
//!   of the calls and before its callback.
//! - U3: a task that never waits moves at most 32 datagrams of a socket in a row; then others get their turn.
//!
//! # Source
//! libuv 1.52 `unix/udp.c`; several datagrams in one system call are not here.

mod state;
mod socket;
mod options;
mod settings;
mod receive;
mod send;
mod owned;

pub use options::UdpOptions;
pub use owned::OwnedUdpSocket;
pub use receive::UdpEvent;
pub use socket::UdpSocket;

pub(crate) use state::{UdpRemains, UdpState};

/// How many datagrams one event makes the loop receive or send before others get their turn.
const CAP: usize = 32;
