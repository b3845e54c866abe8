//! What can be asked of sockets: how a listener is opened, what a stream does while it is idle, what a descriptor must be.

use std::time::Duration;

/// How a TCP listener is opened.
///
/// ```
/// use event_loop::{EventLoop, ListenOptions, TcpListener};
///
/// let event_loop = EventLoop::new()?;
/// let options = ListenOptions::new().backlog(1024).only_v6(true);
/// let listener = TcpListener::bind_with(&event_loop.handle(), "[::1]:0".parse()?, options);
/// # drop(listener);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenOptions {
    pub(crate) backlog: u32,
    pub(crate) reuse_port: bool,
    pub(crate) only_v6: Option<bool>,
}

impl Default for ListenOptions {
    fn default() -> Self {
        // Node's backlog.
        ListenOptions { backlog: 511, reuse_port: false, only_v6: None }
    }
}

impl ListenOptions {
    /// A backlog of 511, a port of its own, and the system's choice about IPv4 on an IPv6 address.
    pub fn new() -> ListenOptions {
        ListenOptions::default()
    }

    /// How many connections may wait to be accepted. The system has a limit of its own (on Linux `net.core.somaxconn`).
    pub fn backlog(mut self, connections: u32) -> ListenOptions {
        self.backlog = connections;
        self
    }

    /// Sets SO_REUSEPORT: other listeners that set it too may bind to the same address and port, on other loops or in other
    /// processes of the same user. Linux spreads new connections over them by a hash of the addresses, also over one that
    /// accepts none now. macOS lets them share the port but gives new connections to one of them. Where the system has no
    /// such option, `bind_with` fails with `Unsupported`.
    pub fn reuse_port(mut self, on: bool) -> ListenOptions {
        self.reuse_port = on;
        self
    }

    /// Whether a listener on an IPv6 address leaves IPv4 clients alone, so that another one may bind to the same port for
    /// IPv4. It is the system's choice when it is not said (on Linux `net.ipv6.bindv6only`, usually off).
    pub fn only_v6(mut self, on: bool) -> ListenOptions {
        self.only_v6 = Some(on);
        self
    }
}

/// How an idle TCP connection is checked for a peer that went without a word. Times are whole seconds for the system; a
/// part of a second is rounded up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeepAlive {
    pub(crate) idle: Duration,
    pub(crate) interval: Duration,
    pub(crate) probes: u32,
}

impl KeepAlive {
    /// Probes begin after `idle` without traffic; then one each second, and after ten without an answer the connection is
    /// broken (libuv's numbers).
    pub fn after(idle: Duration) -> KeepAlive {
        KeepAlive { idle, interval: Duration::from_secs(1), probes: 10 }
    }

    /// The time between two probes. Systems that have no such option keep their own.
    pub fn interval(mut self, interval: Duration) -> KeepAlive {
        self.interval = interval;
        self
    }

    /// After how many probes without an answer the connection is broken. Systems that have no such option keep their own.
    pub fn probes(mut self, probes: u32) -> KeepAlive {
        self.probes = probes;
        self
    }
}

/// An option of a TCP stream.
#[derive(Clone, Copy, Debug)]
pub(crate) enum StreamOption {
    NoDelay(bool),
    KeepAlive(Option<KeepAlive>),
    /// Its close tells the peer by a reset, and drops what was not sent yet.
    ResetOnClose,
}

/// What a descriptor that the loop takes over has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SocketKind {
    TcpStream,
    TcpListener,
    #[cfg(unix)]
    UnixStream,
    #[cfg(unix)]
    UnixListener,
}

impl SocketKind {
    pub(crate) fn listens(self) -> bool {
        match self {
            SocketKind::TcpListener => true,
            #[cfg(unix)]
            SocketKind::UnixListener => true,
            _ => false,
        }
    }

    pub(crate) fn is_tcp(self) -> bool {
        matches!(self, SocketKind::TcpStream | SocketKind::TcpListener)
    }
}

impl std::fmt::Display for SocketKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            SocketKind::TcpStream => "a connected TCP socket",
            SocketKind::TcpListener => "a TCP socket that listens",
            #[cfg(unix)]
            SocketKind::UnixStream => "a connected Unix socket",
            #[cfg(unix)]
            SocketKind::UnixListener => "a Unix socket that listens",
        })
    }
}
