//! Making, naming, connecting and closing sockets.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustix::event::PollFlags;
use rustix::io::Errno;
use socket2::{Domain, SockAddr, Socket, Type};

use super::super::support::{HOST_NAME, module_class, set_host, set_slot, whole};
use super::address::{pair, parse};
use super::host::{Patience, SocketHost, call, of};
use super::options::{AF_INET, AF_UNIX, SOCK_DGRAM, SOCK_STREAM, patience};
use crate::heap::Heap;
use crate::machine::{Machine, Unwind};
use crate::native::{Args, LockUse, Registry, instance_with};
use crate::types;
use crate::value::{Id, Value};

const FAMILY: usize = 1;
const KIND: usize = 2;
const PROTO: usize = 3;

pub(super) fn register<H: Heap>(r: &mut Registry<'_, H>) -> Id {
    let class = r.module_class("socket", "socket", types::OBJECT, &[HOST_NAME, "family", "type", "proto"]);
    r.method(class, "__init__", LockUse::Holds, init);
    r.method(class, "bind", LockUse::Releases, bind);
    r.method(class, "listen", LockUse::Releases, listen);
    r.method(class, "accept", LockUse::Releases, accept);
    r.method(class, "connect", LockUse::Releases, connect);
    r.method(class, "connect_ex", LockUse::Releases, connect_ex);
    r.method(class, "getsockname", LockUse::Releases, getsockname);
    r.method(class, "getpeername", LockUse::Releases, getpeername);
    r.method(class, "shutdown", LockUse::Releases, shutdown);
    r.method(class, "close", LockUse::Releases, close);
    r.method(class, "fileno", LockUse::Holds, fileno);
    r.method(class, "__enter__", LockUse::Holds, enter);
    r.method(class, "__exit__", LockUse::Releases, exit);
    r.module_function("socket", "socketpair", LockUse::Holds, socketpair);
    r.module_function("socket", "create_connection", LockUse::Releases, create_connection);
    r.module_function("socket", "create_server", LockUse::Releases, create_server);
    class
}

fn fail<H: Heap>(m: &mut Machine<H>, errno: Errno) -> Unwind {
    m.os_error(&io::Error::from(errno))
}

fn kind_of<H: Heap>(m: &mut Machine<H>, kind: i64) -> Result<Type, Unwind> {
    match kind {
        SOCK_STREAM => Ok(Type::STREAM),
        SOCK_DGRAM => Ok(Type::DGRAM),
        _ => Err(fail(m, Errno::SOCKTNOSUPPORT)),
    }
}

fn init<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let names = ["/self", "family", "type", "proto"];
    let [receiver, family, kind, proto] = args.bind(m, "socket.__init__", names, 1)?;
    let mut numbers = [AF_INET, SOCK_STREAM, 0];
    for (number, given) in numbers.iter_mut().zip([family, kind, proto]) {
        if given != Value::Unbound && given != Value::Int(-1) {
            *number = whole(m, given)?;
        }
    }
    if numbers[0] != AF_INET {
        return Err(fail(m, Errno::AFNOSUPPORT));
    }
    let kind = kind_of(m, numbers[1])?;
    let made = Socket::new(Domain::IPV4, kind, None).and_then(SocketHost::new);
    let socket = made.map_err(|error| m.os_error(&error))?;
    set_host(m, receiver, Arc::new(socket));
    describe(m, receiver, numbers);
    Ok(Value::None)
}

fn describe<H: Heap>(m: &mut Machine<H>, socket: Value, numbers: [i64; 3]) {
    for (at, number) in [FAMILY, KIND, PROTO].into_iter().zip(numbers) {
        set_slot(m, socket, at, Value::Int(number));
    }
}

/// An instance around a socket of ours.
fn wrap<H: Heap>(m: &mut Machine<H>, socket: SocketHost, numbers: [i64; 3]) -> Value {
    let class = module_class(m, "socket", "socket");
    let instance = instance_with(m, class, Arc::new(socket));
    describe(m, instance, numbers);
    instance
}

/// What never blocks: one system call without the lock.
fn quick<R, H: Heap>(
    m: &mut Machine<H>,
    socket: &SocketHost,
    op: impl FnOnce(&Socket) -> io::Result<R>,
) -> Result<R, Unwind> {
    let result = m.allow_threads(|| socket.open().and_then(|socket| op(&socket)));
    result.map_err(|error| m.os_error(&error))
}

fn bind<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver, address] = args.exactly(m, "socket.bind")?;
    let socket = of(m, receiver)?;
    let address = parse(m, address, "bind")?;
    quick(m, &socket, |socket| socket.bind(&SockAddr::from(address)))?;
    Ok(Value::None)
}

fn listen<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver, backlog] = args.bind(m, "listen", ["/self", "/backlog"], 1)?;
    let backlog = if backlog == Value::Unbound { 128 } else { whole(m, backlog)? };
    let socket = of(m, receiver)?;
    quick(m, &socket, |socket| socket.listen(backlog.clamp(0, 4096) as i32))?;
    Ok(Value::None)
}

fn accept<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "socket.accept")?;
    let listener = of(m, receiver)?;
    let (socket, address) = call(m, &listener, PollFlags::IN, |socket| socket.accept())?;
    let socket = SocketHost::new(socket).map_err(|error| m.os_error(&error))?;
    let socket = wrap(m, socket, [AF_INET, SOCK_STREAM, 0]);
    let address = show(m, &address);
    Ok(m.heap.new_tuple(vec![socket, address]))
}

fn show<H: Heap>(m: &mut Machine<H>, address: &SockAddr) -> Value {
    match address.as_socket() {
        Some(SocketAddr::V4(address)) => pair(m, address),
        _ => m.str(""),
    }
}

/// Connects, or says why not. The first call asks for it, each later one what has become of it.
fn attempt_connect<H: Heap>(
    m: &mut Machine<H>,
    receiver: Value,
    address: Value,
    name: &str,
) -> Result<(), Unwind> {
    let socket = of(m, receiver)?;
    let address = SockAddr::from(parse(m, address, name)?);
    if socket.patience() == Patience::None {
        return call(m, &socket, PollFlags::OUT, |socket| socket.connect(&address));
    }
    let mut asked = false;
    call(m, &socket, PollFlags::OUT, |socket| {
        let result = socket.connect(&address);
        let number = result.as_ref().err().and_then(|error| error.raw_os_error()).unwrap_or(0);
        let waiting = [Errno::INPROGRESS, Errno::ALREADY].iter().any(|errno| errno.raw_os_error() == number);
        let there = asked && number == Errno::ISCONN.raw_os_error();
        asked = true;
        match (waiting, there) {
            (true, _) => Err(io::Error::from(io::ErrorKind::WouldBlock)),
            (_, true) => Ok(()),
            _ => result,
        }
    })
}

fn connect<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver, address] = args.exactly(m, "socket.connect")?;
    match attempt_connect(m, receiver, address, "connect") {
        Ok(()) => Ok(Value::None),
        Err(error) => Err(in_progress(m, error)),
    }
}

/// Python says BlockingIOError where a connection of a non-blocking socket is on its way.
fn in_progress<H: Heap>(m: &mut Machine<H>, error: Unwind) -> Unwind {
    let number = errno_of(m, error);
    let on_its_way =
        [Errno::INPROGRESS, Errno::ALREADY].into_iter().any(|e| number == Some(e.raw_os_error()));
    if !on_its_way {
        return error;
    }
    let words = m.str("Operation now in progress");
    let number = Value::Int(i64::from(number.unwrap_or(0)));
    m.raise_with(types::BLOCKING_IO_ERROR, vec![number, words])
}

fn errno_of<H: Heap>(m: &mut Machine<H>, error: Unwind) -> Option<i32> {
    let Unwind::Raised(exception) = error else { return None };
    if !m.is_instance(exception, types::OS_ERROR) {
        return None;
    }
    match m.find_attr(exception, "errno") {
        Ok(Some(Value::Int(number))) => i32::try_from(number).ok(),
        _ => None,
    }
}

fn connect_ex<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver, address] = args.exactly(m, "socket.connect_ex")?;
    match attempt_connect(m, receiver, address, "connect_ex") {
        Ok(()) => Ok(Value::Int(0)),
        Err(error) => match errno_of(m, error) {
            Some(number) => Ok(Value::Int(i64::from(number))),
            None if m.is_exception(error, types::TIMEOUT_ERROR) => {
                Ok(Value::Int(i64::from(Errno::AGAIN.raw_os_error())))
            }
            None => Err(error),
        },
    }
}

fn getsockname<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "socket.getsockname")?;
    let socket = of(m, receiver)?;
    let address = quick(m, &socket, Socket::local_addr)?;
    Ok(show(m, &address))
}

fn getpeername<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "socket.getpeername")?;
    let socket = of(m, receiver)?;
    let address = quick(m, &socket, Socket::peer_addr)?;
    Ok(show(m, &address))
}

fn shutdown<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver, how] = args.exactly(m, "socket.shutdown")?;
    let socket = of(m, receiver)?;
    let how = match whole(m, how)? {
        0 => std::net::Shutdown::Read,
        1 => std::net::Shutdown::Write,
        2 => std::net::Shutdown::Both,
        _ => return Err(fail(m, Errno::INVAL)),
    };
    quick(m, &socket, |socket| socket.shutdown(how))?;
    Ok(Value::None)
}

fn close_it<H: Heap>(m: &mut Machine<H>, receiver: Value) -> Result<Value, Unwind> {
    let socket = of(m, receiver)?;
    if let Some(open) = socket.close() {
        m.allow_threads(|| drop(open));
    }
    Ok(Value::None)
}

fn close<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "socket.close")?;
    close_it(m, receiver)
}

fn fileno<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "socket.fileno")?;
    Ok(Value::Int(i64::from(of(m, receiver)?.number())))
}

fn enter<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "socket.__enter__")?;
    Ok(receiver)
}

fn exit<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let receiver = args.get(m, 0).unwrap_or(Value::None);
    close_it(m, receiver)
}

fn socketpair<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [family, kind, _] = args.bind(m, "socketpair", ["family", "type", "proto"], 0)?;
    if family != Value::Unbound && whole(m, family)? != AF_UNIX {
        return Err(fail(m, Errno::OPNOTSUPP));
    }
    let number = if kind == Value::Unbound { SOCK_STREAM } else { whole(m, kind)? };
    let kind = kind_of(m, number)?;
    let made = Socket::pair(Domain::UNIX, kind, None)
        .and_then(|(a, b)| Ok((SocketHost::new(a)?, SocketHost::new(b)?)));
    let (a, b) = made.map_err(|error| m.os_error(&error))?;
    let a = wrap(m, a, [AF_UNIX, number, 0]);
    let b = wrap(m, b, [AF_UNIX, number, 0]);
    Ok(m.heap.new_tuple(vec![a, b]))
}

fn new_tcp<H: Heap>(m: &mut Machine<H>) -> Result<Value, Unwind> {
    let made = Socket::new(Domain::IPV4, Type::STREAM, None).and_then(SocketHost::new);
    let socket = made.map_err(|error| m.os_error(&error))?;
    Ok(wrap(m, socket, [AF_INET, SOCK_STREAM, 0]))
}

fn create_connection<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [address, timeout] = args.bind(m, "create_connection", ["address", "timeout"], 1)?;
    let socket = new_tcp(m)?;
    m.roots.push(socket);
    let connected = (|| {
        if timeout != Value::Unbound {
            let patience = patience(m, timeout)?;
            of(m, socket)?.set_patience(patience);
        }
        attempt_connect(m, socket, address, "connect")
    })();
    m.roots.pop();
    connected.map(|()| socket)
}

fn create_server<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [address, _, backlog] = args.bind(m, "create_server", ["address", "family", "backlog"], 1)?;
    let backlog = if matches!(backlog, Value::Unbound | Value::None) { 128 } else { whole(m, backlog)? };
    let address = parse(m, address, "bind")?;
    let socket = new_tcp(m)?;
    m.roots.push(socket);
    let listening = of(m, socket).and_then(|host| {
        quick(m, &host, |socket| {
            socket.set_reuse_address(true)?;
            socket.bind(&SockAddr::from(address))?;
            socket.listen(backlog.clamp(0, 4096) as i32)
        })
    });
    m.roots.pop();
    listening.map(|()| socket)
}
