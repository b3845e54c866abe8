//! Names of machines: look-ups are slow-lane jobs, because a resolver may take seconds and must not fill the whole pool.
//!
//! # Model
//! What needs no resolver does not wait behind those that do: an address as text, and a name that cannot be one, go through
//! the fast lane. The system's resolver knows files, servers and their order; international names must be given in their
//! ASCII form (`xn--…`).
//!
//! The kind of an error's [`cause`](RequestError::cause) tells what to do: with `NotFound` the resolver says that there is no
//! such name, or no address of it; with `InvalidInput` it was not asked, for this cannot be a name; all else may succeed
//! later, when a server answers again.
//!
//! # Source
//! libuv `src/unix/getaddrinfo.c` and `getnameinfo.c`; RFC 1035, 2.3.4 for the length of names.

use std::io;
use std::net::{IpAddr, SocketAddr};

use blocking_pool::JobKind;
use dns_lookup::{AddrFamily, AddrInfoHints, LookupError, LookupErrorKind, SockType};

use crate::fs::retry;
use crate::request::{Request, RequestError};

/// RFC 1035 allows 255 bytes on the wire, which are 253 as text; a dot at the end does not count.
pub const MAX_NAME_BYTES: usize = 253;

/// Which addresses a look-up asks for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Family {
    /// Both, in the order in which the system would try them.
    #[default]
    Any,
    /// IPv4 alone.
    V4,
    /// IPv6 alone.
    V6,
}

/// The addresses of `host`, each with `port`; asks the system's resolver.
pub fn lookup(host: &str, port: u16) -> Request<Vec<SocketAddr>> {
    lookup_family(host, port, Family::Any)
}

/// The addresses of `host` that are of this family, each with `port`. That it has none is an error.
pub fn lookup_family(host: &str, port: u16, family: Family) -> Request<Vec<SocketAddr>> {
    let host = host.to_owned();
    let known = without_resolver(&host, family);
    let kind = if known.is_some() { JobKind::FastIo } else { JobKind::SlowIo };
    Request::new(kind, "dns.lookup", move || {
        let found = match known {
            Some(known) => known.map(|address| vec![SocketAddr::new(address, port)]),
            None => retry(|| resolve(&host, port, family)),
        };
        found.map_err(|cause| RequestError::Name { host, cause })
    })
}

/// What can be said at once: an address, or that this is no name.
fn without_resolver(host: &str, family: Family) -> Option<io::Result<IpAddr>> {
    let refused = |why: &str| Some(Err(io::Error::new(io::ErrorKind::InvalidInput, why)));
    if let Ok(address) = host.parse::<IpAddr>() {
        let fits = match family {
            Family::Any => true,
            Family::V4 => address.is_ipv4(),
            Family::V6 => address.is_ipv6(),
        };
        return if fits { Some(Ok(address)) } else { refused("the address is of the other family") };
    }
    if host.is_empty() {
        return refused("the name is empty");
    }
    if host.strip_suffix('.').unwrap_or(host).len() > MAX_NAME_BYTES {
        return refused("the name is longer than 253 bytes");
    }
    if host.contains('\0') {
        return refused("the name contains a NUL");
    }
    None
}

fn resolve(host: &str, port: u16, family: Family) -> io::Result<Vec<SocketAddr>> {
    let family = match family {
        Family::Any => 0,
        Family::V4 => AddrFamily::Inet.into(),
        Family::V6 => AddrFamily::Inet6.into(),
    };
    // Without a type of socket each address would come once for each type.
    let hints =
        AddrInfoHints { address: family, socktype: SockType::Stream.into(), ..AddrInfoHints::default() };
    let found = dns_lookup::getaddrinfo(Some(host), None, Some(hints)).map_err(told)?;
    found
        .map(|entry| {
            let mut address = entry?.sockaddr;
            address.set_port(port);
            Ok(address)
        })
        .collect()
}

/// The resolver's words, with a kind where it says that there is nothing.
fn told(error: LookupError) -> io::Error {
    let is_nothing = matches!(error.kind(), LookupErrorKind::NoName | LookupErrorKind::NoData);
    let cause = io::Error::from(error);
    if is_nothing { io::Error::new(io::ErrorKind::NotFound, cause) } else { cause }
}

/// What an address and a port are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The name of the machine; the address as text when it has none.
    pub host: String,
    /// The name of the service, such as `http`; the port as text when it has none.
    pub service: String,
}

/// The names of an address and its port (`getnameinfo`); asks the system's resolver.
pub fn reverse(address: SocketAddr) -> Request<Names> {
    Request::new(JobKind::SlowIo, "dns.reverse", move || {
        let found = retry(|| dns_lookup::getnameinfo(&address, 0).map_err(told));
        found
            .map(|(host, service)| Names { host, service })
            .map_err(|cause| RequestError::Name { host: address.to_string(), cause })
    })
}
