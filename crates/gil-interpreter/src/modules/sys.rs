//! `sys`: what the program was started with, its streams, its end, and the switch interval of the running lock.

use std::time::Duration;

use super::support::{real, slot, text};
use crate::gil::Policy;
use crate::heap::{Heap, Instance};
use crate::machine::{Machine, RECURSION_LIMIT, Unwind};
use crate::native::{Args, LockUse, Registry};
use crate::types;
use crate::value::{Id, Value};

/// The version whose messages we follow.
const VERSION: (i64, i64, i64) = (3, 11, 0);

pub(super) fn register<H: Heap>(r: &mut Registry<'_, H>, argv: &[String]) {
    let argv = argv.iter().map(|word| r.heap.new_str(word.as_str())).collect();
    let argv = r.heap.new_list(argv);
    r.module_value("sys", "argv", argv);
    r.module_value("sys", "maxsize", Value::Int(i64::MAX));
    let (major, minor, micro) = VERSION;
    let words = [
        ("platform", if cfg!(target_os = "macos") { "darwin" } else { "linux" }),
        ("byteorder", if cfg!(target_endian = "big") { "big" } else { "little" }),
        ("executable", "lab py"),
    ];
    for (name, word) in words {
        let word = r.heap.new_str(word);
        r.module_value("sys", name, word);
    }
    let version =
        r.heap.new_str(format!("{major}.{minor}.{micro} (gil-interpreter {})", env!("CARGO_PKG_VERSION")));
    r.module_value("sys", "version", version);
    let level = r.heap.new_str("final");
    let parts = [major, minor, micro].map(Value::Int);
    let info = r.heap.new_tuple(vec![parts[0], parts[1], parts[2], level, Value::Int(0)]);
    r.module_value("sys", "version_info", info);
    register_implementation(r);
    register_streams(r);
    r.module_function("sys", "exit", LockUse::Holds, exit);
    r.module_function("sys", "getswitchinterval", LockUse::Holds, get_switch_interval);
    r.module_function("sys", "setswitchinterval", LockUse::Holds, set_switch_interval);
    r.module_function("sys", "getrecursionlimit", LockUse::Holds, get_recursion_limit);
    r.module_function("sys", "_is_gil_enabled", LockUse::Holds, is_gil_enabled);
    r.module_function("sys", "intern", LockUse::Holds, intern);
}

fn register_implementation<H: Heap>(r: &mut Registry<'_, H>) {
    let class = r.module_class("sys", "SimpleNamespace", types::OBJECT, &["name"]);
    let name = r.heap.new_str("gil-interpreter");
    let implementation = r.heap.new_instance(Instance { class, slots: vec![name], trace: None });
    r.module_value("sys", "implementation", implementation);
}

fn register_streams<H: Heap>(r: &mut Registry<'_, H>) {
    let class = r.module_class("sys", "TextIOWrapper", types::OBJECT, &["<descriptor>", "name", "encoding"]);
    r.method(class, "write", LockUse::Holds, write);
    r.method(class, "flush", LockUse::Holds, flush);
    r.method(class, "fileno", LockUse::Holds, fileno);
    r.method(class, "isatty", LockUse::Holds, isatty);
    for (descriptor, name) in [(1, "stdout"), (2, "stderr")] {
        let shown = r.heap.new_str(format!("<{name}>"));
        let encoding = r.heap.new_str("utf-8");
        let slots = vec![Value::Int(descriptor), shown, encoding];
        let stream = r.heap.new_instance(Instance { class, slots, trace: None });
        r.module_value("sys", name, stream);
    }
}

fn write<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [stream, value] = args.exactly(m, "TextIOWrapper.write")?;
    let Some(written) = text(m, value) else {
        let kind = m.type_name(value);
        return Err(m.type_error(format!("write() argument must be str, not {kind}")));
    };
    if slot(m, stream, 0) == Value::Int(2) {
        m.shared.settings.output.write_err(&written);
    } else if let Err(error) = m.shared.settings.output.write_out(&written) {
        return Err(m.os_error(&error));
    }
    Ok(Value::Int(written.chars().count() as i64))
}

fn flush<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [_] = args.exactly(m, "TextIOWrapper.flush")?;
    match m.shared.settings.output.flush() {
        Ok(()) => Ok(Value::None),
        Err(error) => Err(m.os_error(&error)),
    }
}

fn fileno<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [stream] = args.exactly(m, "TextIOWrapper.fileno")?;
    Ok(slot(m, stream, 0))
}

fn isatty<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    use std::io::IsTerminal;
    let [stream] = args.exactly(m, "TextIOWrapper.isatty")?;
    let error = slot(m, stream, 0) == Value::Int(2);
    Ok(Value::Bool(if error { std::io::stderr().is_terminal() } else { std::io::stdout().is_terminal() }))
}

fn exit<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let list = args.list(m);
    if list.len() > 1 {
        return Err(m.type_error(format!("exit expected at most 1 argument, got {}", list.len())));
    }
    let args = match list[..] {
        [Value::None] => Vec::new(),
        [Value::Tuple(all)] => m.heap.tuple(all).to_vec(),
        _ => list,
    };
    Err(m.raise_with(types::SYSTEM_EXIT, args))
}

fn get_switch_interval<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [] = args.exactly(m, "sys.getswitchinterval")?;
    Ok(Value::Float(m.heap.switch_interval().as_micros() as f64 * 1e-6))
}

/// CPython keeps whole microseconds, at least one.
fn set_switch_interval<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [value] = args.exactly(m, "sys.setswitchinterval")?;
    let seconds = real(m, value)?;
    if seconds.is_nan() || seconds <= 0.0 {
        return Err(m.value_error("switch interval must be strictly positive"));
    }
    let micros = (seconds * 1e6).clamp(1.0, 1e15) as u64;
    m.heap.set_switch_interval(Duration::from_micros(micros));
    Ok(Value::None)
}

fn get_recursion_limit<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [] = args.exactly(m, "sys.getrecursionlimit")?;
    Ok(Value::Int(RECURSION_LIMIT as i64))
}

fn is_gil_enabled<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [] = args.exactly(m, "sys._is_gil_enabled")?;
    Ok(Value::Bool(m.shared.settings.policy != Policy::Free))
}

fn intern<H: Heap>(m: &mut Machine<H>, args: Args) -> Result<Value, Unwind> {
    let [value] = args.exactly(m, "sys.intern")?;
    match value {
        Value::Str(Id(_)) => Ok(value),
        _ => {
            let kind = m.type_name(value);
            Err(m.type_error(format!("intern() argument must be str, not {kind}")))
        }
    }
}
