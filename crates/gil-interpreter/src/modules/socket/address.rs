//! Addresses: the pair (host, port) of Python, and the system's.

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, ToSocketAddrs};

use super::super::support::{module_class, text, whole};
use crate::heap::Heap;
use crate::machine::{Machine, Unwind};
use crate::types;
use crate::value::Value;

/// The system's address of a pair. Names are looked up without the lock.
pub(super) fn parse<H: Heap>(
    m: &mut Machine<H>,
    address: Value,
    function: &str,
) -> Result<SocketAddrV4, Unwind> {
    let Value::Tuple(id) = address else {
        let kind = m.type_name(address);
        return Err(m.type_error(format!("{function}(): AF_INET address must be tuple, not {kind}")));
    };
    let &[name, port] = m.heap.tuple(id) else {
        return Err(m.type_error("AF_INET address must be a pair (host, port)"));
    };
    let Some(name) = text(m, name) else {
        let kind = m.type_name(name);
        return Err(m.type_error(format!("str, bytes or bytearray expected, not {kind}")));
    };
    let port = whole(m, port)?;
    let Ok(port) = u16::try_from(port) else {
        return Err(m.raise(types::OVERFLOW_ERROR, format!("{function}(): port must be 0-65535.")));
    };
    let ip = match &*name {
        "" => Ipv4Addr::UNSPECIFIED,
        "<broadcast>" => Ipv4Addr::BROADCAST,
        "localhost" => Ipv4Addr::LOCALHOST,
        other => match other.parse() {
            Ok(ip) => ip,
            Err(_) => look_up(m, other)?,
        },
    };
    Ok(SocketAddrV4::new(ip, port))
}

fn look_up<H: Heap>(m: &mut Machine<H>, name: &str) -> Result<Ipv4Addr, Unwind> {
    let found = m.allow_threads(|| (name, 0).to_socket_addrs());
    let first = found.ok().and_then(|mut all| {
        all.find_map(|address| match address {
            SocketAddr::V4(address) => Some(*address.ip()),
            SocketAddr::V6(_) => None,
        })
    });
    match first {
        Some(ip) => Ok(ip),
        None => {
            let class = module_class(m, "socket", "gaierror");
            let words = m.str("Name or service not known");
            Err(m.raise_with(class, vec![Value::Int(-2), words]))
        }
    }
}

/// The pair of an address.
pub(super) fn pair<H: Heap>(m: &mut Machine<H>, address: SocketAddrV4) -> Value {
    let ip = m.str(address.ip().to_string());
    m.heap.new_tuple(vec![ip, Value::Int(i64::from(address.port()))])
}
