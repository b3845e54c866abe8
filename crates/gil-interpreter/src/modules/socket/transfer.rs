//! Sending and receiving on a socket, each without the lock.

use std::net::SocketAddrV4;

use rustix::event::PollFlags;
use rustix::net::{
    RecvFlags, SendFlags, recv as sys_recv, recvfrom as sys_recvfrom, send as sys_send, sendto as sys_sendto,
};

use super::super::support::{bytes, whole};
use super::address::{pair, parse};
use super::host::{call, of};
use crate::heap::Heap;
use crate::machine::{Machine, Unwind};
use crate::native::{Args, LockUse, Registry};
use crate::value::{Id, Value};

/// No datagram and no kernel buffer gives more at once.
const MOST_BYTES: i64 = 1 << 20;

/// A closed connection is an exception, not a signal. Where this flag is missing the signal is ignored anyway.
#[cfg(target_os = "linux")]
const QUIET: SendFlags = SendFlags::NOSIGNAL;
#[cfg(not(target_os = "linux"))]
const QUIET: SendFlags = SendFlags::empty();

pub(super) fn register<H: Heap>(r: &mut Registry<'_, H>, class: Id) {
    r.method(class, "recv", LockUse::Releases, recv);
    r.method(class, "recvfrom", LockUse::Releases, recvfrom);
    r.method(class, "send", LockUse::Releases, send);
    r.method(class, "sendall", LockUse::Releases, sendall);
    r.method(class, "sendto", LockUse::Releases, sendto);
}

/// Room for what is to be received.
fn buffer<H: Heap>(m: &mut Machine<H>, size: Value, name: &str) -> Result<Vec<u8>, Unwind> {
    let size = whole(m, size)?;
    if size < 0 {
        return Err(m.value_error(format!("negative buffersize in {name}")));
    }
    m.reserve(size as usize)?;
    Ok(vec![0; size.min(MOST_BYTES) as usize])
}

/// The `flags` of a call that receives.
fn recv_flags<H: Heap>(m: &mut Machine<H>, flags: Value) -> Result<RecvFlags, Unwind> {
    let flags = if flags == Value::Unbound { 0 } else { whole(m, flags)? };
    Ok(RecvFlags::from_bits_truncate(flags as u32))
}

fn recv<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver, size, flags] = args.bind(m, "recv", ["/self", "/bufsize", "/flags"], 2)?;
    let socket = of(m, receiver)?;
    let flags = recv_flags(m, flags)?;
    let mut data = buffer(m, size, "recv")?;
    let count = call(m, &socket, PollFlags::IN, |socket| Ok(sys_recv(socket, &mut data[..], flags)?.0))?;
    data.truncate(count);
    Ok(m.heap.new_bytes(data))
}

fn recvfrom<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver, size, flags] = args.bind(m, "recvfrom", ["/self", "/bufsize", "/flags"], 2)?;
    let socket = of(m, receiver)?;
    let flags = recv_flags(m, flags)?;
    let mut data = buffer(m, size, "recvfrom")?;
    let (count, from) = call(m, &socket, PollFlags::IN, |socket| {
        let (count, _, from) = sys_recvfrom(socket, &mut data[..], flags)?;
        Ok((count, from))
    })?;
    data.truncate(count);
    let data = m.heap.new_bytes(data);
    let from = match from.and_then(|from| SocketAddrV4::try_from(from).ok()) {
        Some(from) => pair(m, from),
        None => Value::None,
    };
    Ok(m.heap.new_tuple(vec![data, from]))
}

fn send<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver, data, _] = args.bind(m, "send", ["/self", "/data", "/flags"], 2)?;
    let socket = of(m, receiver)?;
    let data = bytes(m, data)?;
    let count = call(m, &socket, PollFlags::OUT, |socket| Ok(sys_send(socket, &data, QUIET)?))?;
    Ok(Value::Int(count as i64))
}

fn sendall<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver, data, _] = args.bind(m, "sendall", ["/self", "/data", "/flags"], 2)?;
    let socket = of(m, receiver)?;
    let data = bytes(m, data)?;
    let mut sent = 0;
    call(m, &socket, PollFlags::OUT, |socket| {
        loop {
            sent += sys_send(socket, &data[sent..], QUIET)?;
            if sent == data.len() {
                return Ok(());
            }
        }
    })?;
    Ok(Value::None)
}

fn sendto<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let list = args.list(m);
    let (receiver, data, address) = match list[..] {
        [receiver, data, address] | [receiver, data, _, address] => (receiver, data, address),
        _ => {
            let given = list.len().saturating_sub(1);
            return Err(m.type_error(format!("sendto() takes 2 or 3 arguments ({given} given)")));
        }
    };
    let socket = of(m, receiver)?;
    let data = bytes(m, data)?;
    let address = parse(m, address, "sendto")?;
    let send = |socket: &socket2::Socket| Ok(sys_sendto(socket, &data, QUIET, &address)?);
    let count = call(m, &socket, PollFlags::OUT, send)?;
    Ok(Value::Int(count as i64))
}
