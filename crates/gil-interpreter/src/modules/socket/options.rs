//! Timeouts and options of sockets, and the module's constants, which are Linux's numbers everywhere.

use std::io;
use std::time::Duration;

use socket2::Socket;

use super::super::support::{real, whole};
use super::host::{Patience, of};
use crate::heap::Heap;
use crate::machine::{Machine, Unwind};
use crate::native::{Args, LockUse, Registry};
use crate::value::{Id, Value};

pub(super) const AF_UNIX: i64 = 1;
pub(super) const AF_INET: i64 = 2;
pub(super) const SOCK_STREAM: i64 = 1;
pub(super) const SOCK_DGRAM: i64 = 2;
const SOL_SOCKET: i64 = 1;
const IPPROTO_TCP: i64 = 6;
const SO_REUSEADDR: i64 = 2;
const SO_TYPE: i64 = 3;
const SO_ERROR: i64 = 4;
const SO_BROADCAST: i64 = 6;
const SO_SNDBUF: i64 = 7;
const SO_RCVBUF: i64 = 8;
const SO_KEEPALIVE: i64 = 9;
const SO_REUSEPORT: i64 = 15;
const TCP_NODELAY: i64 = 1;

pub(super) fn register_constants<H: Heap>(r: &mut Registry<'_, H>) {
    for (name, value) in [
        ("AF_UNIX", AF_UNIX),
        ("AF_INET", AF_INET),
        ("SOCK_STREAM", SOCK_STREAM),
        ("SOCK_DGRAM", SOCK_DGRAM),
        ("SOL_SOCKET", SOL_SOCKET),
        ("SO_REUSEADDR", SO_REUSEADDR),
        ("SO_REUSEPORT", SO_REUSEPORT),
        ("SO_TYPE", SO_TYPE),
        ("SO_ERROR", SO_ERROR),
        ("SO_BROADCAST", SO_BROADCAST),
        ("SO_SNDBUF", SO_SNDBUF),
        ("SO_RCVBUF", SO_RCVBUF),
        ("SO_KEEPALIVE", SO_KEEPALIVE),
        ("IPPROTO_IP", 0),
        ("IPPROTO_TCP", IPPROTO_TCP),
        ("IPPROTO_UDP", 17),
        ("TCP_NODELAY", TCP_NODELAY),
        ("SHUT_RD", 0),
        ("SHUT_WR", 1),
        ("SHUT_RDWR", 2),
        ("SOMAXCONN", 4096),
        ("INADDR_ANY", 0),
    ] {
        r.module_value("socket", name, Value::Int(value));
    }
}

pub(super) fn register<H: Heap>(r: &mut Registry<'_, H>, class: Id) {
    r.method(class, "settimeout", LockUse::Holds, settimeout);
    r.method(class, "gettimeout", LockUse::Holds, gettimeout);
    r.method(class, "setblocking", LockUse::Holds, setblocking);
    r.method(class, "getblocking", LockUse::Holds, getblocking);
    r.method(class, "setsockopt", LockUse::Holds, setsockopt);
    r.method(class, "getsockopt", LockUse::Holds, getsockopt);
}

/// A timeout as `settimeout` takes it: None waits for ever, 0 never.
pub(super) fn patience<H: Heap>(m: &mut Machine<H>, timeout: Value) -> Result<Patience, Unwind> {
    let seconds = match timeout {
        Value::None => return Ok(Patience::Forever),
        Value::Float(_) => real(m, timeout)?,
        other => whole(m, other)? as f64,
    };
    if seconds == 0.0 {
        return Ok(Patience::None);
    }
    match Duration::try_from_secs_f64(seconds) {
        Ok(time) => Ok(Patience::AtMost(time)),
        Err(_) => Err(m.value_error("Timeout value out of range")),
    }
}

fn settimeout<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver, timeout] = args.exactly(m, "socket.settimeout")?;
    let socket = of(m, receiver)?;
    socket.set_patience(patience(m, timeout)?);
    Ok(Value::None)
}

fn gettimeout<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "socket.gettimeout")?;
    Ok(match of(m, receiver)?.patience() {
        Patience::Forever => Value::None,
        Patience::AtMost(time) => Value::Float(time.as_secs_f64()),
        Patience::None => Value::Float(0.0),
    })
}

fn setblocking<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver, blocking] = args.exactly(m, "socket.setblocking")?;
    let socket = of(m, receiver)?;
    socket.set_patience(if m.truth(blocking)? { Patience::Forever } else { Patience::None });
    Ok(Value::None)
}

fn getblocking<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "socket.getblocking")?;
    Ok(Value::Bool(of(m, receiver)?.patience() != Patience::None))
}

fn setsockopt<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    if args.count != 4 {
        let given = args.count.saturating_sub(1);
        return Err(m.type_error(format!("setsockopt() takes exactly 3 arguments ({given} given)")));
    }
    let [receiver, level, option, value] = args.exactly(m, "socket.setsockopt")?;
    let socket = of(m, receiver)?;
    let (level, option, value) = (whole(m, level)?, whole(m, option)?, whole(m, value)?);
    match socket.open().and_then(|socket| set(&socket, level, option, value)) {
        Ok(()) => Ok(Value::None),
        Err(error) => Err(m.os_error(&error)),
    }
}

fn unknown_option() -> io::Error {
    io::Error::from(rustix::io::Errno::NOPROTOOPT)
}

fn set(socket: &Socket, level: i64, option: i64, value: i64) -> io::Result<()> {
    let (flag, size) = (value != 0, usize::try_from(value).unwrap_or(0));
    match (level, option) {
        (SOL_SOCKET, SO_REUSEADDR) => socket.set_reuse_address(flag),
        (SOL_SOCKET, SO_REUSEPORT) => socket.set_reuse_port(flag),
        (SOL_SOCKET, SO_BROADCAST) => socket.set_broadcast(flag),
        (SOL_SOCKET, SO_SNDBUF) => socket.set_send_buffer_size(size),
        (SOL_SOCKET, SO_RCVBUF) => socket.set_recv_buffer_size(size),
        (SOL_SOCKET, SO_KEEPALIVE) => socket.set_keepalive(flag),
        (IPPROTO_TCP, TCP_NODELAY) => socket.set_tcp_nodelay(flag),
        _ => Err(unknown_option()),
    }
}

fn getsockopt<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver, level, option] = args.exactly(m, "socket.getsockopt")?;
    let socket = of(m, receiver)?;
    let (level, option) = (whole(m, level)?, whole(m, option)?);
    match socket.open().and_then(|socket| get(&socket, level, option)) {
        Ok(value) => Ok(Value::Int(value)),
        Err(error) => Err(m.os_error(&error)),
    }
}

fn get(socket: &Socket, level: i64, option: i64) -> io::Result<i64> {
    Ok(match (level, option) {
        (SOL_SOCKET, SO_REUSEADDR) => i64::from(socket.reuse_address()?),
        (SOL_SOCKET, SO_REUSEPORT) => i64::from(socket.reuse_port()?),
        (SOL_SOCKET, SO_BROADCAST) => i64::from(socket.broadcast()?),
        (SOL_SOCKET, SO_SNDBUF) => socket.send_buffer_size()? as i64,
        (SOL_SOCKET, SO_RCVBUF) => socket.recv_buffer_size()? as i64,
        (SOL_SOCKET, SO_KEEPALIVE) => i64::from(socket.keepalive()?),
        (SOL_SOCKET, SO_TYPE) => i64::from(i32::from(socket.r#type()?)),
        (SOL_SOCKET, SO_ERROR) => socket.take_error()?.and_then(|e| e.raw_os_error()).map_or(0, i64::from),
        (IPPROTO_TCP, TCP_NODELAY) => i64::from(socket.tcp_nodelay()?),
        _ => return Err(unknown_option()),
    })
}
