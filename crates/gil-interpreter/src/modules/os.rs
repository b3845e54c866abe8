//! `os`: the process and its environment, as far as programs about threads need them.

use super::support::{module_value, or, text};
use crate::heap::{Dict, Heap};
use crate::machine::{Machine, Unwind};
use crate::native::{Args, LockUse, Registry};
use crate::value::Value;

pub(super) fn register<H: Heap>(r: &mut Registry<'_, H>) {
    let environ = environ(r.heap);
    r.module_value("os", "environ", environ);
    for (name, word) in
        [("name", "posix"), ("sep", "/"), ("linesep", "\n"), ("curdir", "."), ("pathsep", ":")]
    {
        let word = r.heap.new_str(word);
        r.module_value("os", name, word);
    }
    r.module_function("os", "getenv", LockUse::Holds, getenv);
    r.module_function("os", "getpid", LockUse::Holds, getpid);
    r.module_function("os", "getppid", LockUse::Holds, getppid);
    r.module_function("os", "cpu_count", LockUse::Holds, cpu_count);
    r.module_function("os", "sched_yield", LockUse::Releases, sched_yield);
}

/// A plain dict, read once: what a program changes in it stays with the program.
fn environ<H: Heap>(heap: &mut H) -> Value {
    let environ = heap.new_dict(Dict::default());
    let Value::Dict(dict) = environ else { unreachable!("new_dict makes a dict") };
    for (name, value) in std::env::vars_os() {
        let (Ok(name), Ok(value)) = (name.into_string(), value.into_string()) else { continue };
        if name == super::ROLE {
            continue;
        }
        let key = heap.new_str(name);
        let Value::Str(id) = key else { unreachable!("new_str makes a str") };
        let hash = heap.text(id).hash();
        let value = heap.new_str(value);
        heap.dict_insert(dict, key, hash, value);
    }
    environ
}

fn getenv<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [key, default] = args.bind(m, "getenv", ["key", "default"], 1)?;
    if text(m, key).is_none() {
        let kind = m.type_name(key);
        return Err(m.type_error(format!("str expected, not {kind}")));
    }
    let Value::Dict(environ) = module_value(m, "os", "environ") else { return Ok(or(default, Value::None)) };
    Ok(m.dict_get(environ, key)?.unwrap_or(or(default, Value::None)))
}

fn getpid<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [] = args.exactly(m, "os.getpid")?;
    Ok(Value::Int(i64::from(std::process::id())))
}

fn getppid<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [] = args.exactly(m, "os.getppid")?;
    Ok(Value::Int(i64::from(std::os::unix::process::parent_id())))
}

pub(super) fn cpu_count<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [] = args.exactly(m, "os.cpu_count")?;
    Ok(std::thread::available_parallelism().map_or(Value::None, |count| Value::Int(count.get() as i64)))
}

fn sched_yield<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [] = args.exactly(m, "os.sched_yield")?;
    m.allow_threads(std::thread::yield_now);
    Ok(Value::None)
}
