//! A value as a message: an owned tree that crosses from one heap to another, or to another process as JSON.
//!
//! # Model
//! ```text
//! heap A --pack--> Message --unpack--> heap B                        queues under per-interp
//! heap A --pack--> Message --JSON--> socket --JSON--> Message --unpack--> heap B   multiprocessing
//! ```
//! Only data crosses: numbers, texts, bytes, lists, tuples, dicts. What refers to itself, is nested too deep, or is
//! too big is refused with an exception in the sender.
//!
//! # Invariants
//! - M1: what is packed and unpacked is equal, also by way of JSON, down to the bits of floats.
//! - M2: no message that arrives from another process makes more than its size in memory or goes deeper than
//!   `MAX_DEPTH`; what is malformed is an error.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::support::{pairs, slot};
use crate::heap::{Dict, Heap, HostObject, Instance};
use crate::machine::{Machine, Unwind};
use crate::types;
use crate::value::{Id, Value};

/// How deep lists, tuples and dicts may be inside each other: three levels of JSON each, of which readers allow 128.
pub(super) const MAX_DEPTH: usize = 40;

/// How many values a message may have.
const MAX_VALUES: usize = 1 << 22;

/// See the file's header.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) enum Message {
    None,
    Bool(bool),
    Int(i64),
    /// The bits, because JSON has neither infinities nor NaN.
    Float(u64),
    Str(String),
    Bytes(Vec<u8>),
    Range(i64, i64, i64),
    List(Vec<Message>),
    Tuple(Vec<Message>),
    Dict(Vec<(Message, Message)>),
    /// An exception of a builtin class, by name.
    Exception(String, Vec<Message>),
    /// A queue of multiprocessing, by its number.
    Queue(u64),
    /// A lock, event or queue that threads share whatever their heaps; never leaves the process.
    #[serde(skip)]
    Shared(Shared),
}

/// What is not data but a thing that threads share.
#[derive(Clone)]
pub(super) struct Shared {
    class: Id,
    slots: Vec<Message>,
    host: Arc<dyn HostObject>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Shared").field("class", &self.class).finish_non_exhaustive()
    }
}

/// Where a message goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Route {
    /// To another heap of this process.
    Thread,
    /// To another process.
    Process,
}

impl Message {
    /// Bytes of it, roughly.
    pub(super) fn bytes(&self) -> usize {
        let inside = match self {
            Message::Str(text) => text.len(),
            Message::Bytes(bytes) => bytes.len(),
            Message::List(items) | Message::Tuple(items) => items.iter().map(Message::bytes).sum(),
            Message::Dict(pairs) => pairs.iter().map(|(key, value)| key.bytes() + value.bytes()).sum(),
            Message::Exception(name, args) => name.len() + args.iter().map(Message::bytes).sum::<usize>(),
            _ => 0,
        };
        size_of::<Message>() + inside
    }
}

struct Packer {
    route: Route,
    /// The objects that the current one is inside of.
    inside: Vec<Value>,
    left: usize,
}

/// A message of a value.
pub(super) fn pack<H: Heap>(m: &mut Machine<H>, value: Value, route: Route) -> Result<Message, Unwind> {
    Packer { route, inside: Vec::new(), left: MAX_VALUES }.pack(m, value)
}

impl Packer {
    fn pack<H: Heap>(&mut self, m: &mut Machine<H>, value: Value) -> Result<Message, Unwind> {
        self.left =
            self.left.checked_sub(1).ok_or_else(|| m.value_error("the message has too many values"))?;
        Ok(match value {
            Value::None | Value::Unbound => Message::None,
            Value::Bool(flag) => Message::Bool(flag),
            Value::Int(number) => Message::Int(number),
            Value::Float(number) => Message::Float(number.to_bits()),
            Value::Str(id) => Message::Str(m.heap.text(id).text.to_string()),
            Value::Bytes(id) => Message::Bytes(m.heap.bytes(id).to_vec()),
            Value::Range(id) => {
                let range = m.heap.range(id);
                Message::Range(range.start, range.stop, range.step)
            }
            Value::List(id) => {
                let items = m.heap.list(id, Clone::clone);
                Message::List(self.pack_all(m, value, items)?)
            }
            Value::Tuple(id) => {
                let items = m.heap.tuple(id).to_vec();
                Message::Tuple(self.pack_all(m, value, items)?)
            }
            Value::Dict(id) => {
                let flat: Vec<Value> =
                    pairs(m, id).into_iter().flat_map(|(key, value)| [key, value]).collect();
                let mut flat = self.pack_all(m, value, flat)?.into_iter();
                let mut packed = Vec::new();
                while let (Some(key), Some(value)) = (flat.next(), flat.next()) {
                    packed.push((key, value));
                }
                Message::Dict(packed)
            }
            Value::Instance(id) => return self.pack_instance(m, value, id),
            _ => return Err(cannot(m, value)),
        })
    }

    fn pack_all<H: Heap>(
        &mut self,
        m: &mut Machine<H>,
        container: Value,
        items: Vec<Value>,
    ) -> Result<Vec<Message>, Unwind> {
        if self.inside.iter().any(|outer| outer.is(container)) {
            return Err(m.value_error("an object that contains itself cannot be sent"));
        }
        if self.inside.len() >= MAX_DEPTH {
            let message = format!("what is nested more than {MAX_DEPTH} deep cannot be sent");
            return Err(m.raise(types::RECURSION_ERROR, message));
        }
        self.inside.push(container);
        let mut packed = Vec::with_capacity(items.len());
        for item in items {
            packed.push(self.pack(m, item)?);
        }
        self.inside.pop();
        Ok(packed)
    }

    fn pack_instance<H: Heap>(
        &mut self,
        m: &mut Machine<H>,
        value: Value,
        id: Id,
    ) -> Result<Message, Unwind> {
        let class = m.class_of(value);
        if class.index() < types::CLASSES.len() && m.is_subclass(class, types::BASE_EXCEPTION) {
            let Value::Tuple(args) = slot(m, value, types::SLOT_ARGS) else { return Err(cannot(m, value)) };
            let args = m.heap.tuple(args).to_vec();
            let args = self.pack_all(m, value, args)?;
            return Ok(Message::Exception(m.class_name(class).into(), args));
        }
        let Value::Host(host) = slot(m, value, super::support::HOST) else { return Err(cannot(m, value)) };
        let host = m.heap.host(host);
        if let Some(queue) = super::multiprocessing::queue_number(m, &host) {
            return Ok(Message::Queue(queue));
        }
        let module = m.heap.class(class, |class| class.module.clone());
        let shared = matches!(module.as_deref(), Some("threading" | "queue"));
        if self.route == Route::Process || !shared {
            return Err(cannot(m, value));
        }
        let slots = m.heap.instance(id, |instance| instance.slots.get(1..).map(<[Value]>::to_vec));
        let mut packed = Vec::new();
        for slot in slots.unwrap_or_default() {
            packed.push(self.pack(m, slot).unwrap_or(Message::None));
        }
        Ok(Message::Shared(Shared { class, slots: packed, host }))
    }
}

fn cannot<H: Heap>(m: &mut Machine<H>, value: Value) -> Unwind {
    let kind = m.type_name(value);
    m.type_error(format!("cannot pickle '{kind}' object"))
}

/// The value of a message, new in this heap. It is not rooted: the caller keeps it until it is stored.
pub(super) fn unpack<H: Heap>(m: &mut Machine<H>, message: &Message) -> Result<Value, Unwind> {
    Ok(match message {
        Message::None => Value::None,
        Message::Bool(flag) => Value::Bool(*flag),
        Message::Int(number) => Value::Int(*number),
        Message::Float(bits) => Value::Float(f64::from_bits(*bits)),
        Message::Str(text) => m.str(text.as_str()),
        Message::Bytes(bytes) => m.heap.new_bytes(bytes.clone()),
        Message::Range(start, stop, step) => {
            m.heap.new_range(crate::heap::Range { start: *start, stop: *stop, step: *step })
        }
        Message::List(items) => {
            let items = unpack_all(m, items)?;
            m.heap.new_list(items)
        }
        Message::Tuple(items) => {
            let items = unpack_all(m, items)?;
            m.heap.new_tuple(items)
        }
        Message::Dict(pairs) => {
            let dict = m.heap.new_dict(Dict::default());
            let Value::Dict(id) = dict else { unreachable!("new_dict makes a dict") };
            for (key, value) in pairs {
                let (key, value) = (unpack(m, key)?, unpack(m, value)?);
                m.dict_set(id, key, value)?;
            }
            dict
        }
        Message::Exception(class, args) => {
            let args = unpack_all(m, args)?;
            let named = types::CLASSES.iter().position(|(name, _)| name == class);
            let class = named.map_or(types::EXCEPTION, |at| Id(at as u32));
            m.new_exception(class, args)
        }
        Message::Queue(number) => super::multiprocessing::queue_value(m, *number)?,
        Message::Shared(shared) => {
            let slots = unpack_all(m, &shared.slots)?;
            let host = m.heap.new_host(Arc::clone(&shared.host));
            let slots = std::iter::once(host).chain(slots).collect();
            m.heap.new_instance(Instance { class: shared.class, slots, trace: None })
        }
    })
}

fn unpack_all<H: Heap>(m: &mut Machine<H>, messages: &[Message]) -> Result<Vec<Value>, Unwind> {
    messages.iter().map(|message| unpack(m, message)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::gil::Policy;
    use crate::output::Output;
    use crate::program::Program;
    use crate::run::{RunOptions, run};

    /// What a program prints whose threads have a heap each.
    fn printed(source: &str) -> String {
        let program = Program::compile("message.py", source).expect("inside the subset");
        let output = Output::captured();
        let options =
            RunOptions { policy: Policy::PerInterp, output: output.clone(), ..RunOptions::default() };
        let report = run(&program, options);
        let (out, err) = output.captured_text();
        assert_eq!((report.exit_code, &*err), (0, ""));
        out
    }

    fn any_message() -> impl Strategy<Value = Message> {
        let leaf = prop_oneof![
            Just(Message::None),
            any::<bool>().prop_map(Message::Bool),
            any::<i64>().prop_map(Message::Int),
            any::<u64>().prop_map(Message::Float),
            any::<String>().prop_map(Message::Str),
            prop::collection::vec(any::<u8>(), 0..8).prop_map(Message::Bytes),
            any::<(i64, i64, i64)>().prop_map(|(start, stop, step)| Message::Range(start, stop, step)),
            any::<u64>().prop_map(Message::Queue),
        ];
        leaf.prop_recursive(6, 48, 4, |inner| {
            let items = prop::collection::vec(inner.clone(), 0..4);
            prop_oneof![
                items.clone().prop_map(Message::List),
                items.clone().prop_map(Message::Tuple),
                items.prop_map(|items| Message::Exception("ValueError".into(), items)),
                prop::collection::vec((inner.clone(), inner), 0..3).prop_map(Message::Dict),
            ]
        })
    }

    proptest! {
        #[test]
        fn m1_a_message_survives_json(message in any_message()) {
            let json = serde_json::to_string(&message).expect("it can be written");
            let back: Message = serde_json::from_str(&json).expect("it can be read");
            // Debug shows all of it, floats by their bits.
            prop_assert_eq!(format!("{:?}", back), format!("{:?}", message));
        }
    }

    #[test]
    fn m1_what_is_got_equals_what_was_put_and_is_another_object() {
        let source = r#"
import queue
line = queue.Queue()
for value in [1, -2.5, float("inf"), "\u00e9", b"\x00", None, True, (1, [2, {"k": (3,)}]), range(1, 9, 2), {1.5: [], (1, 2): {}}]:
    line.put(value)
    back = line.get()
    print(back == value, type(back) is type(value), back)
rows = [[1]]
line.put(rows)
back = line.get()
print(back is rows, back[0] is rows[0])
line.put(ValueError("why", 3))
print(repr(line.get()))
"#;
        let expected = "True True 1\nTrue True -2.5\nTrue True inf\nTrue True \u{e9}\nTrue True b'\\x00'\nTrue True None\n\
             True True True\nTrue True (1, [2, {'k': (3,)}])\nTrue True range(1, 9, 2)\n\
             True True {1.5: [], (1, 2): {}}\nFalse False\nValueError('why', 3)\n";
        assert_eq!(printed(source), expected);
    }

    #[test]
    fn m1_locks_events_and_queues_are_shared() {
        let source = "
import queue, threading
line = queue.Queue()
done = threading.Event()
inner = queue.Queue()
line.put((done, inner))
other, other_inner = line.get()
other.set()
other_inner.put(5)
print(done.is_set(), inner.get(), other is done)
";
        assert_eq!(printed(source), "True 5 False\n");
    }

    #[test]
    fn m2_cycles_depth_and_what_is_no_data_are_refused() {
        let source = "
import queue
line = queue.Queue()
ring = []
ring.append({'ring': ring})
deep = 0
for _ in range(100):
    deep = [deep]
class Point:
    pass
for value in [ring, deep, Point(), lambda: 1, queue]:
    try:
        line.put(value)
    except (ValueError, RecursionError, TypeError) as error:
        print(type(error).__name__, error)
print(line.qsize())
";
        let expected = "ValueError an object that contains itself cannot be sent\n\
             RecursionError what is nested more than 40 deep cannot be sent\nTypeError cannot pickle 'Point' object\n\
             TypeError cannot pickle 'function' object\nTypeError cannot pickle 'module' object\n0\n";
        assert_eq!(printed(source), expected);
    }

    #[test]
    fn m2_the_deepest_message_that_is_sent_can_be_read() {
        let mut message = Message::None;
        for _ in 0..MAX_DEPTH {
            message = Message::Dict(vec![(Message::Int(1), message)]);
        }
        // As deep as a frame puts it: two more maps around it.
        let json = format!(
            "{{\"Put\":{{\"item\":{}}}}}",
            serde_json::to_string(&message).expect("it can be written")
        );
        assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok());
        let too_deep = format!("{}{}", "{\"List\":[".repeat(400), "]}".repeat(400));
        assert!(serde_json::from_str::<Message>(&too_deep).is_err());
    }
}
