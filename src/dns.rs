//! Name look-up: a slow-lane job, because a resolver may take seconds and must not fill the whole pool.

use std::net::{SocketAddr, ToSocketAddrs};

use blocking_pool::JobKind;

use crate::request::{Request, RequestError};

/// The addresses of `host`, each with `port`; asks the system's resolver.
pub fn lookup(host: &str, port: u16) -> Request<Vec<SocketAddr>> {
    let host = host.to_owned();
    Request::new(JobKind::SlowIo, "dns.lookup", move || match (host.as_str(), port).to_socket_addrs() {
        Ok(addresses) => Ok(addresses.collect()),
        Err(cause) => Err(RequestError::Name { host, cause }),
    })
}
