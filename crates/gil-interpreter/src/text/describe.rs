//! How objects without a text of their own present themselves: `<function f at 0x7f...>` and the like.

use crate::heap::Heap;
use crate::machine::{Machine, Unwind};
use crate::types;
use crate::value::{Id, Value};

/// A number that is another for each object that is alive, in the shape of an address: what `id` shows.
pub(crate) fn address(value: Value) -> u64 {
    let (kind, place) = match value {
        Value::Unbound | Value::None => (1, 0),
        Value::NotImplemented => (1, 1),
        Value::Ellipsis => (1, 2),
        Value::Bool(flag) => (1, 3 + u64::from(flag)),
        Value::Int(number) => (2, number as u64 & 0xffff_ffff),
        Value::Float(number) => (3, (number.to_bits() ^ (number.to_bits() >> 32)) & 0xffff_ffff),
        Value::Str(id) => (4, u64::from(id.0)),
        Value::Bytes(id) => (5, u64::from(id.0)),
        Value::List(id) => (6, u64::from(id.0)),
        Value::Tuple(id) => (7, u64::from(id.0)),
        Value::Dict(id) => (8, u64::from(id.0)),
        Value::DictView(id) => (9, u64::from(id.0)),
        Value::Range(id) => (10, u64::from(id.0)),
        Value::Slice(id) => (11, u64::from(id.0)),
        Value::Iterator(id) => (12, u64::from(id.0)),
        Value::Function(id) => (13, u64::from(id.0)),
        Value::BoundMethod(id) => (14, u64::from(id.0)),
        Value::Class(id) => (15, u64::from(id.0)),
        Value::Instance(id) => (16, u64::from(id.0)),
        Value::Super(id) => (17, u64::from(id.0)),
        Value::Cell(id) => (18, u64::from(id.0)),
        Value::Host(id) => (19, u64::from(id.0)),
        Value::Native(at) => (20, u64::from(at)),
        Value::Module(at) => (21, u64::from(at)),
    };
    0x7f00_0000_0000 + (kind << 36) + place * 16
}

impl<H: Heap> Machine<H> {
    /// What `object.__repr__` says of a value.
    pub(crate) fn describe(&mut self, value: Value) -> String {
        match value {
            Value::NotImplemented => "NotImplemented".to_owned(),
            Value::Ellipsis => "Ellipsis".to_owned(),
            Value::Class(id) => format!("<class '{}'>", self.full_class_name(id)),
            Value::Function(id) => {
                let code = self.heap.function(id).code as usize;
                format!("<function {} at {:#x}>", self.shared.program.codes[code].qualname, address(value))
            }
            Value::Native(at) => self.describe_native(at),
            Value::Module(at) => format!("<module '{}' (built-in)>", self.shared.modules[at as usize].name),
            Value::Super(id) => {
                let parts = self.heap.super_of(id);
                let (owner, receiver) = (self.class_name(parts.owner), self.type_name(parts.receiver));
                format!("<super: <class '{owner}'>, <{receiver} object>>")
            }
            _ => {
                let class = self.class_of(value);
                format!("<{} object at {:#x}>", self.full_class_name(class), address(value))
            }
        }
    }

    /// A class with its module, which builtin types do without.
    fn full_class_name(&mut self, class: Id) -> String {
        let (name, module) = self.heap.class(class, |class| (class.name.clone(), class.module.clone()));
        match module {
            Some(module) => format!("{module}.{name}"),
            None if class.index() < types::CLASSES.len() => name.into(),
            None => format!("{}.{name}", self.shared.settings.main_name),
        }
    }

    fn describe_native(&self, at: u32) -> String {
        let native = &self.shared.natives[at as usize];
        let (owner, name) = native.name.rsplit_once('.').unwrap_or(("", &native.name));
        if native.method {
            format!("<method '{name}' of '{owner}' objects>")
        } else {
            format!("<built-in function {name}>")
        }
    }

    pub(super) fn push_bound_method(&mut self, out: &mut String, id: Id) -> Result<(), Unwind> {
        let method = self.heap.bound_method(id);
        if let Value::Function(function) = method.function {
            let code = self.heap.function(function).code as usize;
            let receiver = self.rooted(&[Value::BoundMethod(id)], |m| {
                m.deeper(" while getting the repr of an object", |m| m.repr(method.receiver))
            })?;
            out.push_str(&format!(
                "<bound method {} of {receiver}>",
                self.shared.program.codes[code].qualname
            ));
            return Ok(());
        }
        let Value::Native(at) = method.function else {
            out.push_str(&self.describe(method.function));
            return Ok(());
        };
        let kind = self.type_name(method.receiver);
        let full = &self.shared.natives[at as usize].name;
        let name = full.rsplit('.').next().unwrap_or(full);
        out.push_str(&format!(
            "<built-in method {name} of {kind} object at {:#x}>",
            address(method.receiver)
        ));
        Ok(())
    }
}
