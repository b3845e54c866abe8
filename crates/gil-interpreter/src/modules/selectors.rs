//! `selectors`: waiting for several sockets at once, without the lock even when it does not wait.
//!
//! # Model
//! One selector over poll(2) for all of the module's names: they differ in the system call only, and programs see
//! no difference. What other threads register while one waits counts from the next slice on.
//!
//! # Source
//! CPython 3.11 `Lib/selectors.py`; 3.13.5 `Modules/selectmodule.c`, which releases the lock also for timeout 0.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::socket::SocketHost;
use super::support::{HOST_NAME, deadline, find_host, host, module_class, or, real, set_host, slot, whole};
use super::wait::wait;
use crate::heap::{Dict, Heap, HostObject, Instance};
use crate::machine::{Machine, Unwind};
use crate::native::{Args, LockUse, Registry};
use crate::types;
use crate::value::Value;

const READ: i64 = 1;
const WRITE: i64 = 2;
/// The slots of a key.
const FILE: usize = 0;
const DATA: usize = 3;

pub(super) fn register<H: Heap>(r: &mut Registry<'_, H>) {
    r.module_value("selectors", "EVENT_READ", Value::Int(READ));
    r.module_value("selectors", "EVENT_WRITE", Value::Int(WRITE));
    let key = r.module_class("selectors", "SelectorKey", types::OBJECT, &["fileobj", "fd", "events", "data"]);
    r.method(key, "__getitem__", LockUse::Holds, key_item);
    let base = r.module_class("selectors", "BaseSelector", types::OBJECT, &[HOST_NAME]);
    r.method(base, "__init__", LockUse::Holds, init);
    r.method(base, "register", LockUse::Holds, add);
    r.method(base, "unregister", LockUse::Holds, unregister);
    r.method(base, "modify", LockUse::Holds, modify);
    r.method(base, "select", LockUse::Releases, select);
    r.method(base, "get_key", LockUse::Holds, get_key);
    r.method(base, "get_map", LockUse::Holds, get_map);
    r.method(base, "close", LockUse::Holds, close);
    r.method(base, "__enter__", LockUse::Holds, enter);
    r.method(base, "__exit__", LockUse::Holds, close_native);
    for name in ["SelectSelector", "PollSelector", "EpollSelector"] {
        r.module_class("selectors", name, base, &[]);
    }
    let name = if cfg!(target_os = "linux") { "EpollSelector" } else { "PollSelector" };
    let default =
        r.modules.iter().find(|module| &*module.name == "selectors").and_then(|m| m.attrs.get(name));
    if let Some(default) = default.copied() {
        r.module_value("selectors", "DefaultSelector", default);
    }
}

/// A socket that is watched.
#[derive(Clone)]
struct Entry {
    number: i32,
    events: i64,
    socket: Arc<SocketHost>,
    key: Value,
}

#[derive(Default)]
struct SelectorHost {
    /// By age.
    entries: Mutex<Vec<Entry>>,
}

impl HostObject for SelectorHost {
    fn trace(&self, visit: &mut dyn FnMut(Value)) {
        self.entries.lock().iter().for_each(|entry| visit(entry.key));
    }

    fn bytes(&self) -> usize {
        self.entries.lock().capacity() * size_of::<Entry>()
    }
}

impl SelectorHost {
    fn find(&self, number: i32) -> Option<Entry> {
        self.entries.lock().iter().find(|entry| entry.number == number).cloned()
    }

    /// Which are ready, waiting at most this long; `None` when none is.
    fn attempt(&self, slice: Duration) -> Option<Vec<(i32, i64)>> {
        let entries = self.entries.lock().clone();
        // A socket that was closed meanwhile is ready for nothing.
        let open: Vec<_> =
            entries.iter().filter_map(|entry| Some((entry, entry.socket.open().ok()?))).collect();
        let mut polled: Vec<PollFd<'_>> = open
            .iter()
            .map(|(entry, socket)| PollFd::from_borrowed_fd(socket.as_fd(), flags(entry.events)))
            .collect();
        let timeout =
            Timespec { tv_sec: slice.as_secs() as i64, tv_nsec: i64::from(slice.subsec_nanos()) as _ };
        // An interruption is as good as nothing: whoever waits comes back at once.
        poll(&mut polled, Some(&timeout)).ok().filter(|count| *count > 0)?;
        let ready = open.iter().zip(&polled).filter_map(|((entry, _), polled)| {
            let events = ready(polled.revents()) & entry.events;
            (events != 0).then_some((entry.number, events))
        });
        Some(ready.collect::<Vec<_>>()).filter(|ready| !ready.is_empty())
    }
}

fn flags(events: i64) -> PollFlags {
    let mut flags = PollFlags::empty();
    flags.set(PollFlags::IN, events & READ != 0);
    flags.set(PollFlags::OUT, events & WRITE != 0);
    flags
}

/// Errors and hang-ups make both ways ready, so that the program finds out.
fn ready(flags: PollFlags) -> i64 {
    let both = PollFlags::ERR | PollFlags::HUP | PollFlags::NVAL;
    let mut events = 0;
    if flags.intersects(PollFlags::IN | both) {
        events |= READ;
    }
    if flags.intersects(PollFlags::OUT | both) {
        events |= WRITE;
    }
    events
}

fn of<H: Heap>(m: &mut Machine<H>, receiver: Value) -> Result<Arc<SelectorHost>, Unwind> {
    host(m, receiver, "BaseSelector")
}

fn init<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.bind(m, "BaseSelector.__init__", ["/self"], 1)?;
    set_host(m, receiver, Arc::new(SelectorHost::default()));
    Ok(Value::None)
}

fn key_item<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [key, index] = args.exactly(m, "SelectorKey.__getitem__")?;
    match usize::try_from(whole(m, index)?) {
        Ok(index) if index <= DATA => Ok(slot(m, key, index)),
        _ => Err(m.index_error("tuple index out of range")),
    }
}

/// The number that a file object stands for, as CPython looks for it.
fn number_of<H: Heap>(m: &mut Machine<H>, file: Value) -> Result<i32, Unwind> {
    let number = match (find_host::<SocketHost, H>(m, file), file) {
        (Some(socket), _) => i64::from(socket.number()),
        (None, Value::Int(number)) => number,
        _ => match m.find_attr(file, "fileno")? {
            Some(fileno) => {
                let number = m.call(fileno, &[])?;
                whole(m, number)?
            }
            None => {
                let shown = m.repr(file)?;
                return Err(m.value_error(format!("Invalid file object: {shown}")));
            }
        },
    };
    match i32::try_from(number) {
        Ok(number) if number >= 0 => Ok(number),
        _ => Err(m.value_error(format!("Invalid file descriptor: {number}"))),
    }
}

fn new_key<H: Heap>(m: &mut Machine<H>, file: Value, number: i32, events: i64, data: Value) -> Value {
    let class = module_class(m, "selectors", "SelectorKey");
    let slots = vec![file, Value::Int(i64::from(number)), Value::Int(events), data];
    m.heap.new_instance(Instance { class, slots, trace: None })
}

fn check<H: Heap>(m: &mut Machine<H>, events: Value) -> Result<i64, Unwind> {
    match whole(m, events)? {
        events @ 1..=3 => Ok(events),
        _ => {
            let shown = m.repr(events)?;
            Err(m.value_error(format!("Invalid events: {shown}")))
        }
    }
}

fn add<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let names = ["/self", "fileobj", "events", "data"];
    let [receiver, file, events, data] = args.bind(m, "BaseSelector.register", names, 3)?;
    let selector = of(m, receiver)?;
    let events = check(m, events)?;
    let number = number_of(m, file)?;
    let socket = find_host::<SocketHost, H>(m, file);
    if selector.find(number).is_some() {
        let shown = m.repr(file)?;
        let message = m.str(format!("{shown} (FD {number}) is already registered"));
        return Err(m.key_error(message));
    }
    let Some(socket) = socket else {
        return Err(m.value_error("only sockets can be registered here"));
    };
    let key = new_key(m, file, number, events, or(data, Value::None));
    selector.entries.lock().push(Entry { number, events, socket, key });
    Ok(key)
}

/// The entry of a file object, also when its socket was closed meanwhile; KeyError without one.
fn entry_of<H: Heap>(m: &mut Machine<H>, selector: &SelectorHost, file: Value) -> Result<Entry, Unwind> {
    let entries = selector.entries.lock().clone();
    for entry in &entries {
        if slot(m, entry.key, FILE).is(file) {
            return Ok(entry.clone());
        }
    }
    let number = number_of(m, file)?;
    match selector.find(number) {
        Some(entry) => Ok(entry),
        None => {
            let shown = m.repr(file)?;
            let message = m.str(format!("{shown} is not registered"));
            Err(m.key_error(message))
        }
    }
}

fn unregister<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver, file] = args.bind(m, "BaseSelector.unregister", ["/self", "fileobj"], 2)?;
    let selector = of(m, receiver)?;
    let entry = entry_of(m, &selector, file)?;
    selector.entries.lock().retain(|other| other.number != entry.number);
    Ok(entry.key)
}

fn modify<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let names = ["/self", "fileobj", "events", "data"];
    let [receiver, file, events, data] = args.bind(m, "BaseSelector.modify", names, 3)?;
    let selector = of(m, receiver)?;
    let entry = entry_of(m, &selector, file)?;
    let events = check(m, events)?;
    let key = new_key(m, file, entry.number, events, or(data, Value::None));
    let mut entries = selector.entries.lock();
    if let Some(entry) = entries.iter_mut().find(|other| other.number == entry.number) {
        entry.events = events;
        entry.key = key;
    }
    Ok(key)
}

fn select<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver, timeout] = args.bind(m, "BaseSelector.select", ["/self", "timeout"], 1)?;
    let selector = of(m, receiver)?;
    let ready = match timeout {
        Value::Unbound | Value::None => wait(m, None, |slice| selector.attempt(slice))?,
        timeout => {
            let seconds = real(m, timeout)?;
            if seconds > 0.0 {
                let deadline = deadline(m, seconds);
                wait(m, deadline, |slice| selector.attempt(slice))?
            } else if m.shared.settings.ablations.nonblocking_keeps {
                selector.attempt(Duration::ZERO)
            } else {
                m.allow_threads(|| selector.attempt(Duration::ZERO))
            }
        }
    };
    let mut found = Vec::new();
    for (number, events) in ready.unwrap_or_default() {
        if let Some(entry) = selector.find(number) {
            found.push(m.heap.new_tuple(vec![entry.key, Value::Int(events)]));
        }
    }
    Ok(m.heap.new_list(found))
}

fn get_key<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver, file] = args.bind(m, "BaseSelector.get_key", ["/self", "fileobj"], 2)?;
    let selector = of(m, receiver)?;
    Ok(entry_of(m, &selector, file)?.key)
}

/// A dict from file objects to keys, as it is now.
fn get_map<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "BaseSelector.get_map")?;
    let selector = of(m, receiver)?;
    let map = m.heap.new_dict(Dict::default());
    let Value::Dict(id) = map else { unreachable!("new_dict makes a dict") };
    let entries = selector.entries.lock().clone();
    for entry in entries {
        let file = slot(m, entry.key, FILE);
        m.dict_set(id, file, entry.key)?;
    }
    Ok(map)
}

fn close<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "BaseSelector.close")?;
    of(m, receiver)?.entries.lock().clear();
    Ok(Value::None)
}

fn close_native<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let receiver = args.get(m, 0).unwrap_or(Value::None);
    of(m, receiver)?.entries.lock().clear();
    Ok(Value::None)
}

fn enter<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "BaseSelector.__enter__")?;
    Ok(receiver)
}
