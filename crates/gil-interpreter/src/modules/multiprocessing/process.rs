//! `multiprocessing.Process`: starting this program again for one function, and waiting for its end.
//!
//! # Source
//! CPython 3.11 `Lib/multiprocessing/process.py`, with the start method `spawn`.

use std::sync::{Arc, OnceLock};

use rustix::process::Signal;

use super::super::message::{Message, Route, pack};
use super::super::support::{
    HOST_NAME, host, items, module_class, module_value, or, pairs, set_host, set_slot, slot, text, timeout,
};
use super::super::wait::wait;
use super::family;
use super::parent::{Handle, State, ended};
use super::wire::Task;
use crate::heap::{Dict, Heap, HostObject, Instance};
use crate::machine::{Machine, Unwind};
use crate::native::{Args, LockUse, Registry};
use crate::types;
use crate::value::{Id, Value};

pub(super) const NAME: usize = 1;
const DAEMON: usize = 2;
pub(super) const PID: usize = 3;
const EXITCODE: usize = 4;
const TARGET: usize = 5;
const ARGS: usize = 6;
const KWARGS: usize = 7;
const SLOTS: usize = 8;

/// Hidden names: the processes that were started by pid, and this one.
const TABLE: &str = "<table>";
pub(super) const CURRENT: &str = "<current>";

pub(super) fn register<H: Heap>(r: &mut Registry<'_, H>) {
    let slots = [HOST_NAME, "name", "daemon", "pid", "exitcode", "_target", "_args", "_kwargs"];
    debug_assert_eq!(slots.len(), SLOTS);
    let class = r.module_class("multiprocessing", "Process", types::OBJECT, &slots);
    r.method(class, "__init__", LockUse::Holds, init);
    r.method(class, "start", LockUse::Releases, start);
    r.method(class, "run", LockUse::Holds, run);
    r.method(class, "join", LockUse::Releases, join);
    r.method(class, "is_alive", LockUse::Holds, is_alive);
    r.method(class, "terminate", LockUse::Holds, |m, args| signal(m, args, Signal::TERM));
    r.method(class, "kill", LockUse::Holds, |m, args| signal(m, args, Signal::KILL));
    r.method(class, "close", LockUse::Holds, close);
    let table = r.heap.new_dict(Dict::default());
    r.module_value("multiprocessing", TABLE, table);
    let main = r.module_class("multiprocessing", "_MainProcess", class, &[]);
    let name = r.heap.new_str("MainProcess");
    let mut slots = vec![Value::None; SLOTS];
    slots[0] = Value::Unbound;
    slots[NAME] = name;
    slots[DAEMON] = Value::Bool(false);
    slots[PID] = Value::Int(i64::from(std::process::id()));
    let current = r.heap.new_instance(Instance { class: main, slots, trace: None });
    r.module_value("multiprocessing", CURRENT, current);
    r.module_function("multiprocessing", "current_process", LockUse::Holds, current_process);
    r.module_function("multiprocessing", "active_children", LockUse::Holds, active_children);
}

#[derive(Default)]
struct ProcessHost {
    handle: OnceLock<Arc<Handle>>,
}

impl HostObject for ProcessHost {}

fn of<H: Heap>(m: &mut Machine<H>, receiver: Value) -> Result<Arc<ProcessHost>, Unwind> {
    host(m, receiver, "Process")
}

fn init<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let names = ["/self", "group", "target", "name", "args", "kwargs", "daemon"];
    let [receiver, group, target, name, list, kwargs, daemon] = args.bind(m, "Process.__init__", names, 1)?;
    if !matches!(group, Value::Unbound | Value::None) {
        return Err(m.raise(types::ASSERTION_ERROR, "group argument must be None for now"));
    }
    let number = family(m).named.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
    let name = match name {
        Value::Unbound | Value::None => format!("Process-{number}"),
        given => m.str_of(given)?,
    };
    let daemon = match daemon {
        Value::Unbound | Value::None => false,
        given => m.truth(given)?,
    };
    set_host(m, receiver, Arc::new(ProcessHost::default()));
    let name = m.str(name);
    let empty = m.heap.new_tuple(Vec::new());
    for (at, value) in [
        (NAME, name),
        (DAEMON, Value::Bool(daemon)),
        (PID, Value::None),
        (EXITCODE, Value::None),
        (TARGET, or(target, Value::None)),
        (ARGS, or(list, empty)),
        (KWARGS, or(kwargs, Value::None)),
    ] {
        set_slot(m, receiver, at, value);
    }
    Ok(Value::None)
}

/// The name by which the child finds a function again, in the module's globals or among the builtins.
fn name_of_target<H: Heap>(m: &mut Machine<H>, target: Value) -> Result<String, Unwind> {
    let shared = Arc::clone(&m.shared);
    let name = match target {
        Value::Function(id) => Some(shared.program.codes[m.heap.function(id).code as usize].qualname.clone()),
        Value::Native(at) => Some(shared.natives[at as usize].name.clone()),
        _ => None,
    };
    let found = name.filter(|name| find_target(m, name) == Some(target));
    found.map(Into::into).ok_or_else(|| {
        let message =
            "a process can only be given a function of the module's top level, which it finds again by name";
        m.type_error(message)
    })
}

/// The function of that name.
pub(super) fn find_target<H: Heap>(m: &Machine<H>, name: &str) -> Option<Value> {
    let slot = m.shared.program.globals.iter().position(|global| **global == *name);
    let global = slot.map(|slot| m.heap.global(slot as u32)).filter(|value| *value != Value::Unbound);
    global.or_else(|| m.shared.builtins.get(name).copied())
}

/// What the child is told.
fn task_of<H: Heap>(m: &mut Machine<H>, receiver: Value) -> Result<Task, Unwind> {
    let class = m.class_of(receiver);
    let base = module_class(m, "multiprocessing", "Process");
    if m.find_in_class(class, "run") != m.find_in_class(base, "run") {
        return Err(
            m.type_error("a subclass of Process with a run() of its own cannot be sent: give it a target")
        );
    }
    let target = slot(m, receiver, TARGET);
    let function = if target == Value::None { String::new() } else { name_of_target(m, target)? };
    let (list, kwargs, name) = (slot(m, receiver, ARGS), slot(m, receiver, KWARGS), slot(m, receiver, NAME));
    let args = match items(m, list) {
        Some(args) => args,
        None => m.items(list)?,
    };
    let args = m.heap.new_tuple(args);
    let args = pack(m, args, Route::Process)?;
    let kwargs = pack(m, kwargs, Route::Process)?;
    if !matches!(kwargs, Message::None | Message::Dict(_)) {
        return Err(m.type_error("kwargs must be a dict"));
    }
    let name = text(m, name).unwrap_or_default().into();
    let words = module_value(m, "sys", "argv");
    let words = items(m, words).unwrap_or_default();
    let argv = words.into_iter().filter_map(|word| text(m, word)).map(Into::into).collect();
    Ok(Task { name, function, args, kwargs, argv })
}

fn start<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "Process.start")?;
    let process = of(m, receiver)?;
    if process.handle.get().is_some() {
        return Err(m.raise(types::ASSERTION_ERROR, "cannot start a process twice"));
    }
    let family = family(m);
    if family.parent.get().is_some() {
        return Err(m.runtime_error(
            "a child process cannot start processes itself here: start them all in the first",
        ));
    }
    let Some(spawner) = m.shared.settings.spawner.clone() else {
        return Err(
            m.runtime_error("this run cannot start processes: it was given no way to start itself again")
        );
    };
    let task = task_of(m, receiver)?;
    let daemon = slot(m, receiver, DAEMON);
    let daemon = m.truth(daemon)?;
    let output = m.shared.settings.output.clone();
    let started = m.allow_threads(|| {
        // As CPython does; what cannot be written now is reported by who writes next.
        let _ = output.flush();
        family.start(spawner(), task, daemon)
    });
    let handle = started.map_err(|error| m.os_error(&error))?;
    let running = wait(m, None, |slice| {
        handle.state.attempt(slice, |state| match state {
            State::Starting => None,
            State::Running { pid } | State::Ended { pid, .. } => Some(Ok(*pid)),
            State::Failed(kind) => Some(Err(*kind)),
        })
    })?;
    let pid = match running {
        Some(Ok(pid)) => Value::Int(i64::from(pid)),
        Some(Err(kind)) => return Err(m.os_error(&std::io::Error::from(kind))),
        None => Value::None,
    };
    // Of two threads that start the same process one comes too late.
    if process.handle.set(Arc::clone(&handle)).is_err() {
        handle.signal(Signal::KILL);
        return Err(m.raise(types::ASSERTION_ERROR, "cannot start a process twice"));
    }
    set_slot(m, receiver, PID, pid);
    if let Value::Dict(table) = module_value(m, "multiprocessing", TABLE) {
        tidy(m, table)?;
        m.dict_set(table, pid, receiver)?;
    }
    Ok(Value::None)
}

/// Forgets processes that have ended; gives those that have not.
fn tidy<H: Heap>(m: &mut Machine<H>, table: Id) -> Result<Vec<Value>, Unwind> {
    let mut alive = Vec::new();
    for (pid, process) in pairs(m, table) {
        if show(m, process)?.is_none() {
            alive.push(process);
        } else {
            m.dict_remove(table, pid)?;
        }
    }
    Ok(alive)
}

/// Writes the exit code, if there is one, where the program finds it.
fn show<H: Heap>(m: &mut Machine<H>, receiver: Value) -> Result<Option<i32>, Unwind> {
    let status = of(m, receiver)?.handle.get().and_then(|handle| handle.status());
    if let Some(status) = status {
        set_slot(m, receiver, EXITCODE, Value::Int(i64::from(status)));
    }
    Ok(status)
}

/// In this process: what the child would do.
fn run<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "Process.run")?;
    let target = slot(m, receiver, TARGET);
    if target != Value::None {
        let (list, kwargs) = (slot(m, receiver, ARGS), slot(m, receiver, KWARGS));
        super::super::threading::call_target(m, target, list, kwargs)?;
    }
    Ok(Value::None)
}

fn join<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver, limit] = args.bind(m, "Process.join", ["/self", "timeout"], 1)?;
    let process = of(m, receiver)?;
    let Some(handle) = process.handle.get() else {
        return Err(m.raise(types::ASSERTION_ERROR, "can only join a started process"));
    };
    let deadline = timeout(m, limit)?;
    wait(m, deadline, |slice| handle.state.attempt(slice, ended))?;
    show(m, receiver)?;
    Ok(Value::None)
}

fn is_alive<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "Process.is_alive")?;
    let started = of(m, receiver)?.handle.get().is_some();
    Ok(Value::Bool(started && show(m, receiver)?.is_none()))
}

fn signal<H: Heap>(m: &mut Machine<H>, args: Args, signal: Signal) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "Process.terminate")?;
    let process = of(m, receiver)?;
    match process.handle.get() {
        Some(handle) => {
            handle.signal(signal);
            Ok(Value::None)
        }
        None => {
            let name = if signal == Signal::TERM { "terminate" } else { "kill" };
            Err(m.raise(types::ATTRIBUTE_ERROR, format!("'NoneType' object has no attribute '{name}'")))
        }
    }
}

fn close<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [receiver] = args.exactly(m, "Process.close")?;
    let started = of(m, receiver)?.handle.get().is_some();
    if started && show(m, receiver)?.is_none() {
        let message =
            "Cannot close a process while it is still running. You should first call join() or terminate().";
        return Err(m.value_error(message));
    }
    Ok(Value::None)
}

fn current_process<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [] = args.exactly(m, "multiprocessing.current_process")?;
    Ok(module_value(m, "multiprocessing", CURRENT))
}

fn active_children<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [] = args.exactly(m, "multiprocessing.active_children")?;
    let alive = match module_value(m, "multiprocessing", TABLE) {
        Value::Dict(table) => tidy(m, table)?,
        _ => Vec::new(),
    };
    Ok(m.heap.new_list(alive))
}
