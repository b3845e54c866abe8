//! Datagrams on the loop: sockets that receive by callback and send by request.
//!
//! # Model
//! As in [`crate::stream`]: registered once for both directions, one bit of remembered readiness for each. Receiving
//! is what makes the handle active; a send is a request and counts until its callback, whatever the handle's
//! reference says.
//!
//! # Invariants
//! - U1: a socket receives at most 32 datagrams in one phase; its readable bit stays until `WouldBlock`.
//! - U2: each send calls back exactly once and never inside the call; those made before a close do so in the order
//!   of the calls and before its callback.
//!
//! # Source
//! libuv 1.52 `unix/udp.c`; joining groups, connected sockets and several datagrams in a call are not here.

mod socket;
mod serve;

pub use socket::UdpSocket;

pub(crate) use socket::{UdpRemains, UdpState};

/// How many datagrams one event makes the loop receive or send before others get their turn.
const CAP: usize = 32;
