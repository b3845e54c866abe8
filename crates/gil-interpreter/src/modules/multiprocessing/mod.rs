//! `multiprocessing`: real processes, each this program again, and queues between them.
//!
//! # Model
//! ```text
//! parent                                            child
//! Process.start: spawner's command, socket as stdin
//!   Start {function, args} ----------------------->  compiles the same file, runs it as `__mp_main__`,
//!   <---------------- Get, Put, Cancel on queues     then calls the function
//!   answers --------------------------------------->
//!   end of the socket, exit status <---------------  ends
//! ```
//! A queue lives in the process that made it. Data crosses as messages; functions only by name.
//!
//! # Source
//! CPython 3.11 `Lib/multiprocessing`, start method `spawn`.

mod wire;
mod shared;
mod parent;
mod child;
mod queue;
mod process;

use std::sync::Arc;

use rustix::process::Signal;

use super::message::unpack;
use super::os::cpu_count;
use super::support::{downcast, module_state, module_value, set_slot, text};
use super::threading::call_target;
use super::wait::wait;
use crate::heap::{Heap, HostObject};
use crate::machine::{Machine, Unwind};
use crate::native::{Args, LockUse, Registry};
use crate::types;
use crate::value::Value;

pub use child::ChildTask;
use parent::{Family, ended};

/// The hidden name of what this process knows of others.
const FAMILY: &str = "<family>";

pub(super) fn register<H: Heap>(r: &mut Registry<'_, H>) {
    let family = r.heap.new_host(Arc::new(Family::default()));
    r.module_value("multiprocessing", FAMILY, family);
    queue::register(r);
    process::register(r);
    r.module_function("multiprocessing", "cpu_count", LockUse::Holds, cpu_count);
    r.module_function("multiprocessing", "get_context", LockUse::Holds, get_context);
    r.module_function("multiprocessing", "set_start_method", LockUse::Holds, set_start_method);
    r.module_function("multiprocessing", "get_start_method", LockUse::Holds, get_start_method);
    r.module_function("multiprocessing", "freeze_support", LockUse::Holds, freeze_support);
}

fn family<H: Heap>(m: &Machine<H>) -> Arc<Family> {
    module_state(m, "multiprocessing", FAMILY).unwrap_or_default()
}

/// The number of a queue, if that is what is behind an instance.
pub(super) fn queue_number<H: Heap>(m: &Machine<H>, host: &Arc<dyn HostObject>) -> Option<u64> {
    let queue = downcast::<queue::QueueHost>(Arc::clone(host))?;
    Some(queue::number_of(m, &queue))
}

/// The queue of that number, as an object of this heap.
pub(super) fn queue_value<H: Heap>(m: &mut Machine<H>, number: u64) -> Result<Value, Unwind> {
    queue::value_of(m, number)
}

fn check_method<H: Heap>(m: &mut Machine<H>, method: Value) -> Result<(), Unwind> {
    let known = match text(m, method) {
        Some(name) => ["spawn", "fork", "forkserver"].contains(&&*name),
        None => matches!(method, Value::None | Value::Unbound),
    };
    if known {
        return Ok(());
    }
    let shown = m.repr(method)?;
    Err(m.value_error(format!("cannot find context for {shown}")))
}

/// Every method means `spawn` here, and a context is the module itself.
fn get_context<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [method] = args.bind(m, "get_context", ["method"], 0)?;
    check_method(m, method)?;
    let at = m.shared.modules.iter().position(|module| &*module.name == "multiprocessing");
    Ok(at.map_or(Value::None, |at| Value::Module(at as u32)))
}

fn set_start_method<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [method, _] = args.bind(m, "set_start_method", ["method", "force"], 1)?;
    check_method(m, method)?;
    Ok(Value::None)
}

fn get_start_method<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [_] = args.bind(m, "get_start_method", ["allow_none"], 0)?;
    Ok(m.str("spawn"))
}

fn freeze_support<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [] = args.exactly(m, "multiprocessing.freeze_support")?;
    Ok(Value::None)
}

/// In a child process, before its module runs: its name and the way to its parent.
pub(super) fn join_family<H: Heap>(m: &mut Machine<H>, child: &ChildTask) {
    // It is the first, so that nobody was there before.
    let _ = family(m).parent.set(Arc::clone(&child.connection));
    let current = module_value(m, "multiprocessing", process::CURRENT);
    let name = m.str(child.task.name.as_str());
    set_slot(m, current, process::NAME, name);
    set_slot(m, current, process::PID, Value::Int(i64::from(std::process::id())));
}

/// In a child process: calls what the parent asked for.
pub(super) fn run_child<H: Heap>(m: &mut Machine<H>, child: &ChildTask) -> Result<Value, Unwind> {
    join_family(m, child);
    match call_task(m, child) {
        Err(Unwind::Raised(exception)) if !m.is_instance(exception, types::SYSTEM_EXIT) => {
            m.roots.push(exception);
            let text = format!("Process {}:\n{}", child.task.name, m.traceback(exception));
            m.roots.pop();
            // Standard output first, as at the end of every program; what fails there fails again at the end.
            let _ = m.shared.settings.output.flush();
            m.shared.settings.output.write_err(&text);
            Err(m.raise_with(types::SYSTEM_EXIT, vec![Value::Int(1)]))
        }
        result => result,
    }
}

fn call_task<H: Heap>(m: &mut Machine<H>, child: &ChildTask) -> Result<Value, Unwind> {
    let task = &child.task;
    if task.function.is_empty() {
        return Ok(Value::None);
    }
    let Some(target) = process::find_target(m, &task.function) else {
        let message = format!("the module has no function '{}' in the child process", task.function);
        return Err(m.raise(types::ATTRIBUTE_ERROR, message));
    };
    let base = m.roots.len();
    m.roots.push(target);
    let args = unpack(m, &task.args)?;
    m.roots.push(args);
    let kwargs = unpack(m, &task.kwargs)?;
    m.roots.push(kwargs);
    let result = call_target(m, target, args, kwargs);
    m.roots.truncate(base);
    result
}

/// At the end of the program: waits for children, ends those that are daemons, and closes what is open.
pub(super) fn end_of_program<H: Heap>(m: &mut Machine<H>) {
    let family = family(m);
    let children = family.children();
    children.iter().filter(|child| child.daemon).for_each(|child| child.signal(Signal::TERM));
    for child in &children {
        if wait(m, None, |slice| child.state.attempt(slice, ended)).is_err() {
            // A stop or Ctrl-C: nobody waits any longer.
            children.iter().for_each(|child| child.signal(Signal::KILL));
            break;
        }
    }
    m.allow_threads(|| {
        family.join();
        if let Some(parent) = family.parent.get() {
            parent.close();
        }
    });
}
