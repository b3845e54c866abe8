//! `Thread`: starting one, waiting for its end, and which ones there are.
//!
//! # Threads
//! ```text
//! start()                                new thread
//! starts the OS thread ----------------> takes the lock, enters itself in the table
//! waits for `began`, without the lock <- sets it, calls run()
//! join(): waits for `finish` <---------- the OS thread's last act
//! ```
//!
//! # Source
//! CPython 3.11 `Lib/threading.py`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use parking_lot::Mutex;

use super::super::support::{
    HOST_NAME, host, items, module_state, module_value, or, pairs, set_host, set_slot, slot, text, timeout,
};
use super::super::wait::{Watched, wait};
use crate::gil::Policy;
use crate::heap::{Dict, Heap, HostObject, Instance};
use crate::machine::{Finish, Machine, Unwind};
use crate::native::{Args, LockUse, Registry};
use crate::types;
use crate::value::{Id, Value};

const NAME: usize = 1;
const DAEMON: usize = 2;
const IDENT: usize = 3;
const NATIVE_ID: usize = 4;
const TARGET: usize = 5;
const ARGS: usize = 6;
const KWARGS: usize = 7;
/// How many slots a thread has.
pub(super) const SLOTS: usize = 8;

/// Hidden names in the module: the table of running threads by number, the main thread, all that was started.
const TABLE: &str = "<table>";
const MAIN: &str = "<main>";
const STARTED: &str = "<started>";
const BOOTSTRAP: &str = "<bootstrap>";

/// A thread of the program.
pub(super) struct ThreadHost {
    started: AtomicBool,
    daemon: AtomicBool,
    number: AtomicU32,
    began: Watched<bool>,
    finish: Arc<Finish>,
}

impl HostObject for ThreadHost {}

impl ThreadHost {
    fn new() -> ThreadHost {
        ThreadHost {
            started: AtomicBool::new(false),
            daemon: AtomicBool::new(false),
            number: AtomicU32::new(u32::MAX),
            began: Watched::default(),
            finish: Arc::default(),
        }
    }

    fn is_alive(&self) -> bool {
        self.started.load(Relaxed) && !self.finish.is_done()
    }

    /// Waits for its end; false when the deadline passes first.
    fn wait_end<H: Heap>(&self, m: &mut Machine<H>, deadline: Option<Instant>) -> Result<bool, Unwind> {
        let clock = m.shared.settings.clock.clone();
        let waited = wait(m, deadline, |slice| {
            let until = clock.now().checked_add(slice);
            self.finish.wait(until, || clock.now(), || false).then_some(())
        })?;
        Ok(waited.is_some())
    }
}

/// The threads that were started, under every policy; and how many got a name from us.
#[derive(Default)]
struct Started {
    names: AtomicU64,
    threads: Mutex<Vec<Arc<ThreadHost>>>,
}

impl HostObject for Started {}

pub(super) fn register<H: Heap>(r: &mut Registry<'_, H>) -> Id {
    let slots = [HOST_NAME, "name", "daemon", "ident", "native_id", "_target", "_args", "_kwargs"];
    debug_assert_eq!(slots.len(), SLOTS);
    let class = r.module_class("threading", "Thread", types::OBJECT, &slots);
    r.method(class, "__init__", LockUse::Holds, init);
    r.method(class, "start", LockUse::Releases, start);
    r.method(class, "run", LockUse::Holds, run);
    r.method(class, "join", LockUse::Releases, join);
    r.method(class, "is_alive", LockUse::Holds, is_alive);
    r.method(class, "daemon=", LockUse::Holds, set_daemon);
    r.method(class, "__repr__", LockUse::Holds, repr);
    r.module_function("threading", "current_thread", LockUse::Holds, current_thread);
    r.module_function("threading", "main_thread", LockUse::Holds, main_thread);
    r.module_function("threading", "active_count", LockUse::Holds, active_count);
    r.module_function("threading", "enumerate", LockUse::Holds, enumerate);
    r.module_function("threading", "get_ident", LockUse::Holds, get_ident);
    r.module_function("threading", "get_native_id", LockUse::Holds, get_native_id);
    r.module_function("threading", BOOTSTRAP, LockUse::Holds, bootstrap);
    let table = r.heap.new_dict(Dict::default());
    r.module_value("threading", TABLE, table);
    let started = r.heap.new_host(Arc::new(Started::default()));
    r.module_value("threading", STARTED, started);
    register_main(r, class);
    class
}

fn register_main<H: Heap>(r: &mut Registry<'_, H>, thread: Id) {
    let class = r.module_class("threading", "_MainThread", thread, &[]);
    let host = ThreadHost::new();
    host.started.store(true, Relaxed);
    host.number.store(0, Relaxed);
    let host = r.heap.new_host(Arc::new(host));
    let name = r.heap.new_str("MainThread");
    let mut slots = vec![Value::None; SLOTS];
    slots[0] = host;
    slots[NAME] = name;
    slots[DAEMON] = Value::Bool(false);
    slots[IDENT] = ident(0);
    slots[NATIVE_ID] = Value::Int(i64::from(std::process::id()));
    let main = r.heap.new_instance(Instance { class, slots, trace: None });
    r.module_value("threading", MAIN, main);
}

/// Never 0, as CPython's are.
fn ident(thread: u32) -> Value {
    Value::Int(i64::from(thread) + 1)
}

fn native_id(thread: u32) -> Value {
    #[cfg(target_os = "linux")]
    let id = {
        let _ = thread;
        i64::from(rustix::thread::gettid().as_raw_nonzero().get())
    };
    #[cfg(not(target_os = "linux"))]
    let id = i64::from(thread) + 1;
    Value::Int(id)
}

fn started<H: Heap>(m: &Machine<H>) -> Arc<Started> {
    module_state(m, "threading", STARTED).unwrap_or_default()
}

fn table<H: Heap>(m: &Machine<H>) -> Option<Id> {
    match module_value(m, "threading", TABLE) {
        Value::Dict(table) => Some(table),
        _ => None,
    }
}

/// The Thread of the calling thread.
fn current<H: Heap>(m: &mut Machine<H>) -> Result<Value, Unwind> {
    let main = module_value(m, "threading", MAIN);
    if m.shared.settings.is_main(m.thread) {
        return Ok(main);
    }
    match table(m) {
        Some(table) => Ok(m.dict_get(table, Value::Int(i64::from(m.thread)))?.unwrap_or(main)),
        None => Ok(main),
    }
}

fn of<H: Heap>(m: &mut Machine<H>, receiver: Value) -> Result<Arc<ThreadHost>, Unwind> {
    host(m, receiver, "Thread")
}

fn init<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let names = ["/self", "group", "target", "name", "args", "kwargs", "daemon"];
    let [receiver, group, target, name, list, kwargs, daemon] = args.bind(m, "Thread.__init__", names, 1)?;
    if !matches!(group, Value::Unbound | Value::None) {
        return Err(m.raise(types::ASSERTION_ERROR, "group argument must be None for now"));
    }
    let name = match name {
        Value::Unbound | Value::None => new_name(m, or(target, Value::None))?,
        given => m.str_of(given)?.into_boxed_str(),
    };
    let name = m.str(name);
    m.roots.push(name);
    let daemon = match daemon {
        Value::Unbound | Value::None => {
            let current = current(m)?;
            slot(m, current, DAEMON)
        }
        given => Value::Bool(m.truth(given)?),
    };
    m.roots.pop();
    set_host(m, receiver, Arc::new(ThreadHost::new()));
    let empty = m.heap.new_tuple(Vec::new());
    for (at, value) in [
        (NAME, name),
        (DAEMON, daemon),
        (IDENT, Value::None),
        (NATIVE_ID, Value::None),
        (TARGET, or(target, Value::None)),
        (ARGS, or(list, empty)),
        (KWARGS, or(kwargs, Value::None)),
    ] {
        set_slot(m, receiver, at, value);
    }
    Ok(Value::None)
}

/// `Thread-1 (work)`
fn new_name<H: Heap>(m: &mut Machine<H>, target: Value) -> Result<Box<str>, Unwind> {
    let number = started(m).names.fetch_add(1, Relaxed) + 1;
    let of = match target {
        Value::None => None,
        target => m.find_attr(target, "__name__")?,
    };
    Ok(match of.and_then(|of| text(m, of)) {
        Some(of) => format!("Thread-{number} ({of})").into(),
        None => format!("Thread-{number}").into(),
    })
}

fn start<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "Thread.start")?;
    let thread = of(m, receiver)?;
    if thread.started.swap(true, Relaxed) {
        return Err(m.runtime_error("threads can only be started once"));
    }
    let daemon = slot(m, receiver, DAEMON);
    thread.daemon.store(m.truth(daemon)?, Relaxed);
    let name = slot(m, receiver, NAME);
    let name = text(m, name).unwrap_or_default();
    let bootstrap = module_value(m, "threading", BOOTSTRAP);
    let all = started(m);
    let number = match m.start_thread(bootstrap, &[receiver], &name, Arc::clone(&thread.finish)) {
        Ok(number) => number,
        Err(error) => {
            thread.started.store(false, Relaxed);
            return Err(error);
        }
    };
    {
        let mut threads = all.threads.lock();
        threads.retain(|thread| thread.is_alive());
        threads.push(Arc::clone(&thread));
    }
    wait(m, None, |slice| {
        thread.began.attempt(slice, |began| (*began || thread.finish.is_done()).then_some(()))
    })?;
    if m.shared.settings.policy == Policy::PerInterp {
        // The new thread entered itself in its own copy only.
        set_slot(m, receiver, IDENT, ident(number));
        if let Some(table) = table(m) {
            m.dict_set(table, Value::Int(i64::from(number)), receiver)?;
        }
    }
    Ok(Value::None)
}

/// What a new OS thread calls.
fn bootstrap<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "Thread._bootstrap")?;
    let thread = of(m, receiver)?;
    thread.number.store(m.thread, Relaxed);
    set_slot(m, receiver, IDENT, ident(m.thread));
    let native_id = native_id(m.thread);
    set_slot(m, receiver, NATIVE_ID, native_id);
    let key = Value::Int(i64::from(m.thread));
    let table = table(m);
    if let Some(table) = table {
        m.dict_set(table, key, receiver)?;
    }
    thread.began.change(|began| *began = true);
    let run = m.get_attr(receiver, "run");
    let result = run.and_then(|run| m.call(run, &[]));
    if let Some(table) = table {
        m.dict_remove(table, key)?;
    }
    result
}

/// Calls the target with its arguments.
fn run<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "Thread.run")?;
    let target = slot(m, receiver, TARGET);
    if !matches!(target, Value::None | Value::Unbound) {
        let (list, kwargs) = (slot(m, receiver, ARGS), slot(m, receiver, KWARGS));
        call_target(m, target, list, kwargs)?;
    }
    Ok(Value::None)
}

/// `target(*args, **kwargs)`
pub(in super::super) fn call_target<H: Heap>(
    m: &mut Machine<H>,
    target: Value,
    args: Value,
    kwargs: Value,
) -> Result<Value, Unwind> {
    let args = match items(m, args) {
        Some(args) => args,
        None => m.items(args)?,
    };
    let mut keywords: Vec<(Box<str>, Value)> = Vec::new();
    if let Value::Dict(kwargs) = kwargs {
        for (key, value) in pairs(m, kwargs) {
            let Some(key) = text(m, key) else { return Err(m.type_error("keywords must be strings")) };
            keywords.push((key, value));
        }
    }
    let keywords: Vec<(&str, Value)> = keywords.iter().map(|(key, value)| (&**key, *value)).collect();
    if keywords.is_empty() { m.call(target, &args) } else { m.call_keywords(target, &args, &keywords) }
}

fn join<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver, limit] = args.bind(m, "Thread.join", ["/self", "timeout"], 1)?;
    let thread = of(m, receiver)?;
    if !thread.started.load(Relaxed) {
        return Err(m.runtime_error("cannot join thread before it is started"));
    }
    if thread.number.load(Relaxed) == m.thread {
        return Err(m.runtime_error("cannot join current thread"));
    }
    let deadline = timeout(m, limit)?;
    thread.wait_end(m, deadline)?;
    Ok(Value::None)
}

fn is_alive<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "Thread.is_alive")?;
    Ok(Value::Bool(of(m, receiver)?.is_alive()))
}

/// `thread.daemon = value`
fn set_daemon<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver, daemon] = args.exactly(m, "Thread.daemon")?;
    if of(m, receiver)?.started.load(Relaxed) {
        return Err(m.runtime_error("cannot set daemon status of active thread"));
    }
    set_slot(m, receiver, DAEMON, daemon);
    Ok(Value::None)
}

/// `<Thread(Thread-1, started daemon 2)>`
fn repr<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "Thread.__repr__")?;
    let thread = of(m, receiver)?;
    let (name, ident, daemon) =
        (slot(m, receiver, NAME), slot(m, receiver, IDENT), slot(m, receiver, DAEMON));
    let name = m.str_of(name)?;
    let state = match (thread.started.load(Relaxed), thread.is_alive()) {
        (false, _) => "initial",
        (true, true) => "started",
        (true, false) => "stopped",
    };
    let daemon = if daemon == Value::Bool(true) { " daemon" } else { "" };
    let ident = if let Value::Int(ident) = ident { format!(" {ident}") } else { String::new() };
    let class = m.type_name(receiver);
    Ok(m.str(format!("<{class}({name}, {state}{daemon}{ident})>")))
}

fn current_thread<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [] = args.exactly(m, "threading.current_thread")?;
    current(m)
}

fn main_thread<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [] = args.exactly(m, "threading.main_thread")?;
    Ok(module_value(m, "threading", MAIN))
}

/// The main thread, then the others by age.
fn alive<H: Heap>(m: &mut Machine<H>) -> Result<Vec<Value>, Unwind> {
    let mut all = vec![module_value(m, "threading", MAIN)];
    if let Some(table) = table(m) {
        all.extend(pairs(m, table).into_iter().map(|(_, thread)| thread));
    }
    let mut alive = Vec::new();
    for thread in all {
        if of(m, thread)?.is_alive() {
            alive.push(thread);
        }
    }
    Ok(alive)
}

fn active_count<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [] = args.exactly(m, "threading.active_count")?;
    Ok(Value::Int(alive(m)?.len() as i64))
}

fn enumerate<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [] = args.exactly(m, "threading.enumerate")?;
    let alive = alive(m)?;
    Ok(m.heap.new_list(alive))
}

fn get_ident<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [] = args.exactly(m, "threading.get_ident")?;
    Ok(ident(m.thread))
}

fn get_native_id<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [] = args.exactly(m, "threading.get_native_id")?;
    Ok(native_id(m.thread))
}

/// At the end of the main thread's program: it counts as ended, and waits for all others that are no daemons.
pub(in super::super) fn join_all<H: Heap>(m: &mut Machine<H>) -> Result<(), Unwind> {
    let main = module_value(m, "threading", MAIN);
    of(m, main)?.finish.set();
    let all = started(m);
    loop {
        let next = {
            let threads = all.threads.lock();
            threads.iter().find(|thread| thread.is_alive() && !thread.daemon.load(Relaxed)).cloned()
        };
        match next {
            Some(thread) => thread.wait_end(m, None)?,
            None => return Ok(()),
        };
    }
}
