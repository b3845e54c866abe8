//! Sockets before the loop watches them: opened with options, or checked when somebody else has opened them.

use std::io;
use std::net::SocketAddr;
#[cfg(unix)]
use std::os::fd::AsRawFd;
use std::time::Duration;

use mio::Registry;
use mio::net::TcpStream;
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};

use crate::driver::options::{KeepAlive, ListenOptions, SocketKind, StreamOption};

/// A socket that listens on `addr` and never blocks.
pub(super) fn listening(addr: SocketAddr, options: &ListenOptions) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    // A restarted server may take over a port whose old connections linger in TIME_WAIT.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    if options.reuse_port {
        #[cfg(unix)]
        socket.set_reuse_port(true)?;
        #[cfg(not(unix))]
        return Err(io::Error::new(io::ErrorKind::Unsupported, "this system has no SO_REUSEPORT"));
    }
    if let Some(on) = options.only_v6 {
        if addr.is_ipv4() {
            let message = "only_v6 is for an IPv6 address; leave it out for IPv4";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        socket.set_only_v6(on)?;
    }
    socket.bind(&addr.into())?;
    socket.listen(i32::try_from(options.backlog).unwrap_or(i32::MAX))?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// A stream that has begun to connect, from a certain address of this machine when one is given.
pub(super) fn connecting(addr: SocketAddr, from: Option<SocketAddr>) -> io::Result<TcpStream> {
    let Some(from) = from else { return TcpStream::connect(addr) };
    let socket = Socket::new(Domain::for_address(addr), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.bind(&from.into())?;
    match socket.connect(&addr.into()) {
        Err(error) if !is_under_way(&error) => Err(error),
        _ => Ok(TcpStream::from_std(socket.into())),
    }
}

/// A connect that does not block says so: EINPROGRESS, or WouldBlock on Windows.
fn is_under_way(error: &io::Error) -> bool {
    #[cfg(unix)]
    let begun = error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error());
    #[cfg(not(unix))]
    let begun = false;
    begun || error.kind() == io::ErrorKind::WouldBlock
}

/// Takes a socket out of the poll set. By its descriptor: mio's own socket would refuse in the child of a fork, where it is in
/// another set than the one that it knows.
#[cfg(unix)]
pub(super) fn deregister(registry: &Registry, source: &mut impl AsRawFd) -> io::Result<()> {
    registry.deregister(&mut mio::unix::SourceFd(&source.as_raw_fd()))
}

/// Takes a socket out of the poll set.
#[cfg(not(unix))]
pub(super) fn deregister(registry: &Registry, source: &mut impl mio::event::Source) -> io::Result<()> {
    registry.deregister(source)
}

/// Refuses a socket that is not what it should be, with what it is instead.
pub(super) fn check(socket: &Socket, wanted: SocketKind) -> io::Result<()> {
    let kind = socket
        .r#type()
        .map_err(|error| if is_no_socket(&error) { refuse(socket, wanted, "is no socket") } else { error })?;
    if kind != Type::STREAM {
        return Err(refuse(socket, wanted, "is a socket of datagrams or packets"));
    }
    let domain = socket.local_addr()?.domain();
    let is_tcp = domain == Domain::IPV4 || domain == Domain::IPV6;
    if is_tcp != wanted.is_tcp() || !(is_tcp || domain == Domain::UNIX) {
        return Err(refuse(socket, wanted, "is of another family of addresses"));
    }
    match (wanted.listens(), is_listening(socket)?) {
        (true, Some(false)) => Err(refuse(socket, wanted, "does not listen")),
        (false, Some(true)) => Err(refuse(socket, wanted, "listens")),
        (true, _) => Ok(()),
        (false, _) => match socket.peer_addr() {
            // macOS says so too of a peer that has closed and left bytes to read.
            Err(error) if error.kind() == io::ErrorKind::NotConnected && !cfg!(target_vendor = "apple") => {
                let message = format!("{} is not connected, or not any more", name(socket));
                Err(io::Error::new(io::ErrorKind::NotConnected, message))
            }
            _ => Ok(()),
        },
    }
}

fn refuse(socket: &Socket, wanted: SocketKind, what: &str) -> io::Error {
    let message = format!("{} {what}; {wanted} is needed", name(socket));
    io::Error::new(io::ErrorKind::InvalidInput, message)
}

#[cfg(unix)]
fn name(socket: &Socket) -> String {
    format!("descriptor {}", std::os::fd::AsRawFd::as_raw_fd(socket))
}

#[cfg(not(unix))]
fn name(_socket: &Socket) -> &'static str {
    "the socket"
}

#[cfg(unix)]
fn is_no_socket(error: &io::Error) -> bool {
    error.raw_os_error() == Some(rustix::io::Errno::NOTSOCK.raw_os_error())
}

/// Only a descriptor can be something else.
#[cfg(not(unix))]
fn is_no_socket(_error: &io::Error) -> bool {
    false
}

#[cfg(any(target_os = "linux", target_os = "android", target_os = "freebsd"))]
fn is_listening(socket: &Socket) -> io::Result<Option<bool>> {
    socket.is_listener().map(Some)
}

/// The system does not tell; a socket that does not listen is found by the first accept.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "freebsd")))]
fn is_listening(_socket: &Socket) -> io::Result<Option<bool>> {
    Ok(None)
}

pub(super) fn set_option(stream: &TcpStream, option: StreamOption) -> io::Result<()> {
    let socket = SockRef::from(stream);
    match option {
        StreamOption::NoDelay(on) => stream.set_nodelay(on),
        StreamOption::KeepAlive(None) => socket.set_keepalive(false),
        StreamOption::KeepAlive(Some(keep)) => set_keepalive(&socket, keep),
        StreamOption::ResetOnClose => match socket.set_linger(Some(Duration::ZERO)) {
            // macOS refuses when the peer has closed already; there is nobody to reset then (libuv ignores it alike).
            Err(error) if cfg!(target_os = "macos") && error.kind() == io::ErrorKind::InvalidInput => Ok(()),
            result => result,
        },
    }
}

fn set_keepalive(socket: &SockRef<'_>, keep: KeepAlive) -> io::Result<()> {
    if keep.idle.is_zero() || keep.interval.is_zero() || keep.probes == 0 {
        let message =
            "the times and the number of probes of a keep-alive are above zero; pass None to switch it off";
        return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
    }
    let seconds = |time: Duration| {
        Duration::from_secs(time.as_secs().saturating_add(u64::from(time.subsec_nanos() > 0)))
    };
    let wanted = TcpKeepalive::new().with_time(seconds(keep.idle));
    #[cfg(any(
        target_os = "linux",
        target_os = "macos",
        target_os = "android",
        target_os = "freebsd",
        windows
    ))]
    let wanted = wanted.with_interval(seconds(keep.interval)).with_retries(keep.probes);
    socket.set_tcp_keepalive(&wanted)
}
