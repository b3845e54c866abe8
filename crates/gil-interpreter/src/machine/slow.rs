//! The parts of instructions that are seldom taken or long anyway: errors, unpacking, classes, raising, imports.
//!
//! # Model
//! Each function here belongs to one instruction of the eval loop and is called from nowhere else; the loop has
//! written `sp` back before, or hands it in.

use std::rc::Rc;

use super::{Machine, Unwind};
use crate::code::Conversion;
use crate::heap::{BoundMethod, Dict, Heap};
use crate::types::{self, SLOT_CAUSE, SLOT_CONTEXT};
use crate::value::Value;

impl<H: Heap> Machine<H> {
    #[cold]
    pub(super) fn unbound_local(&mut self, name: &str, sp: usize) -> Unwind {
        self.sp = sp;
        let message =
            format!("cannot access local variable '{name}' where it is not associated with a value");
        self.raise(types::UNBOUND_LOCAL_ERROR, message)
    }

    #[cold]
    pub(super) fn unbound_deref(&mut self, code: &crate::code::Code, at: u32, sp: usize) -> Unwind {
        let name = &code.locals[at as usize];
        if (at as usize) < code.locals.len() - code.free as usize {
            return self.unbound_local(name, sp);
        }
        self.sp = sp;
        let message = format!(
            "cannot access free variable '{name}' where it is not associated with a value in enclosing scope"
        );
        self.raise(types::NAME_ERROR, message)
    }

    #[cold]
    pub(super) fn no_name(&mut self, name: &str, sp: usize) -> Unwind {
        self.sp = sp;
        self.raise(types::NAME_ERROR, format!("name '{name}' is not defined"))
    }

    /// A global that is not assigned: the builtin of its name.
    pub(super) fn global_builtin(&mut self, at: u32) -> Result<Value, Unwind> {
        match self.shared.global_builtins[at as usize] {
            Value::Unbound => {
                let shared = Rc::clone(&self.shared);
                Err(self.no_name(&shared.program.globals[at as usize], self.sp))
            }
            value => Ok(value),
        }
    }

    #[cold]
    pub(super) fn init_returned(&mut self, value: Value, sp: usize) -> Unwind {
        self.sp = sp;
        let kind = self.type_name(value);
        self.type_error(format!("__init__() should return None, not '{kind}'"))
    }

    pub(super) fn super_attr(&mut self, name: &str) -> Result<Value, Unwind> {
        let frame = *self.frames.last().expect("a frame is running");
        let receiver = match self.stack[frame.base as usize] {
            Value::Cell(id) => self.heap.cell(id),
            other => other,
        };
        let owner = frame.function.and_then(|function| self.heap.function(function).owner);
        let Some(owner) = owner else {
            return Err(self.runtime_error("super(): __class__ cell not found"));
        };
        match self.find_above(owner, receiver, name) {
            Some(found) => Ok(found),
            None => {
                Err(self.raise(types::ATTRIBUTE_ERROR, format!("'super' object has no attribute '{name}'")))
            }
        }
    }

    pub(super) fn format_value(&mut self, conversion: Conversion, spec: bool) -> Result<Value, Unwind> {
        let value = self.stack[self.sp - 1 - usize::from(spec)];
        let spec = match (spec, self.stack[self.sp - 1]) {
            (true, Value::Str(id)) => self.heap.text(id).text.clone(),
            _ => "".into(),
        };
        let value = match (conversion, value) {
            (Conversion::None, Value::Str(_)) if spec.is_empty() => return Ok(value),
            (Conversion::None, _) => value,
            (Conversion::Str, _) => {
                let text = self.str_of(value)?;
                self.str(text)
            }
            (Conversion::Repr, _) => {
                let text = self.repr(value)?;
                self.str(text)
            }
            (Conversion::Ascii, _) => {
                let text = self.ascii(value)?;
                self.str(text)
            }
        };
        self.roots.push(value);
        let text = self.format(value, &spec);
        self.roots.pop();
        let text = text?;
        Ok(self.str(text))
    }

    pub(super) fn unpacked(&mut self, value: Value, count: usize) -> Result<Vec<Value>, Unwind> {
        let items = self.unpackable(value)?;
        if items.len() == count {
            return Ok(items);
        }
        let message = if items.len() > count {
            format!("too many values to unpack (expected {count})")
        } else {
            format!("not enough values to unpack (expected {count}, got {})", items.len())
        };
        Err(self.value_error(message))
    }

    pub(super) fn unpacked_star(
        &mut self,
        value: Value,
        before: usize,
        after: usize,
    ) -> Result<Vec<Value>, Unwind> {
        let mut items = self.unpackable(value)?;
        if items.len() < before + after {
            let message = format!(
                "not enough values to unpack (expected at least {}, got {})",
                before + after,
                items.len()
            );
            return Err(self.value_error(message));
        }
        let rest: Vec<Value> = items.drain(before..items.len() - after).collect();
        let rest = self.heap.new_list(rest);
        items.insert(before, rest);
        Ok(items)
    }

    pub(super) fn unpackable(&mut self, value: Value) -> Result<Vec<Value>, Unwind> {
        match value {
            Value::Tuple(id) => Ok(self.heap.tuple(id).to_vec()),
            Value::List(id) => Ok(self.heap.list(id, Vec::clone)),
            Value::Str(_)
            | Value::Bytes(_)
            | Value::Dict(_)
            | Value::DictView(_)
            | Value::Range(_)
            | Value::Iterator(_) => self.items(value),
            _ if self.special(value, "__iter__").is_some()
                || self.special(value, "__getitem__").is_some() =>
            {
                self.items(value)
            }
            _ => {
                let kind = self.type_name(value);
                Err(self.type_error(format!("cannot unpack non-iterable {kind} object")))
            }
        }
    }

    /// The bound locals of a class body, in order.
    pub(super) fn namespace(&mut self, code: &crate::code::Code, base: usize) -> Value {
        let dict = self.heap.new_dict(Dict::default());
        let Value::Dict(id) = dict else { unreachable!("new_dict makes a dict") };
        let own = code.locals.len() - code.free as usize;
        for (at, name) in code.locals[..own].iter().enumerate() {
            let value = match self.stack[base + at] {
                Value::Cell(cell) => self.heap.cell(cell),
                other => other,
            };
            if value != Value::Unbound && !name.starts_with('.') {
                let key = self.heap.new_str(name.clone());
                let hash = crate::heap::dict::hash_text(name);
                self.heap.dict_insert(id, key, hash, value);
            }
        }
        dict
    }

    #[cold]
    pub(super) fn raise_again(&mut self, sp: usize) -> Unwind {
        self.sp = sp;
        match self.handled {
            Value::None => self.runtime_error("No active exception to reraise"),
            exception => Unwind::Raised(exception),
        }
    }

    /// `raise value from cause`
    #[cold]
    pub(super) fn raise_value(&mut self, value: Value, cause: Option<Value>) -> Unwind {
        self.roots.extend([value, cause.unwrap_or(Value::None)]);
        let kept = self.roots.len();
        let result = self.prepare_raise(value, cause);
        self.roots.truncate(kept - 2);
        match result {
            Ok(exception) => Unwind::Raised(exception),
            Err(unwind) => unwind,
        }
    }

    pub(super) fn prepare_raise(&mut self, value: Value, cause: Option<Value>) -> Result<Value, Unwind> {
        let exception = self.exception_from(value, "exceptions must derive from BaseException")?;
        let Value::Instance(id) = exception else { return Ok(exception) };
        if let Some(cause) = cause {
            let cause = match cause {
                Value::None => Value::None,
                other => self.exception_from(other, "exception causes must derive from BaseException")?,
            };
            self.set_slot(id, SLOT_CAUSE as u32, cause);
        }
        if self.handled != Value::None && self.handled != exception {
            self.set_slot(id, SLOT_CONTEXT as u32, self.handled);
        }
        Ok(exception)
    }

    pub(super) fn exception_from(&mut self, value: Value, otherwise: &str) -> Result<Value, Unwind> {
        match value {
            Value::Class(class) if self.is_subclass(class, types::BASE_EXCEPTION) => self.call(value, &[]),
            Value::Instance(_) if self.is_instance(value, types::BASE_EXCEPTION) => Ok(value),
            _ => Err(self.type_error(otherwise)),
        }
    }

    /// Does an `except` clause with these classes catch the exception?
    pub(super) fn matches(&mut self, exception: Value, classes: Value) -> Result<bool, Unwind> {
        let classes = match classes {
            Value::Tuple(id) => self.heap.tuple(id).to_vec(),
            one => vec![one],
        };
        let of = self.class_of(exception);
        let mut yes = false;
        for class in classes {
            match class {
                Value::Class(class) if self.is_subclass(class, types::BASE_EXCEPTION) => {
                    yes |= self.is_subclass(of, class);
                }
                _ => {
                    let message = "catching classes that do not inherit from BaseException is not allowed";
                    return Err(self.type_error(message));
                }
            }
        }
        Ok(yes)
    }

    /// Bound `__enter__` and `__exit__` of a context manager.
    pub(super) fn with_methods(&mut self, manager: Value) -> Result<(Value, Value), Unwind> {
        let class = self.class_of(manager);
        let enter = self.find_in_class(class, "__enter__");
        let exit = self.find_in_class(class, "__exit__");
        let (Some(enter), Some(exit)) = (enter, exit) else {
            let kind = self.class_name(class);
            let missing = if enter.is_some() { " (missed __exit__ method)" } else { "" };
            let message = format!("'{kind}' object does not support the context manager protocol{missing}");
            return Err(self.type_error(message));
        };
        let enter = self.heap.new_bound_method(BoundMethod { receiver: manager, function: enter });
        let exit = self.heap.new_bound_method(BoundMethod { receiver: manager, function: exit });
        Ok((enter, exit))
    }

    pub(super) fn import(&mut self, name: &str) -> Result<Value, Unwind> {
        match self.shared.modules.iter().position(|module| *module.name == *name) {
            Some(at) => Ok(Value::Module(at as u32)),
            None => Err(self.raise(types::MODULE_NOT_FOUND_ERROR, format!("No module named '{name}'"))),
        }
    }

    pub(super) fn import_from(&mut self, module: Value, name: &str) -> Result<Value, Unwind> {
        if let Some(found) = self.find_attr(module, name)? {
            return Ok(found);
        }
        let Value::Module(at) = module else { return Err(self.no_attribute(module, name)) };
        let module = self.shared.modules[at as usize].name.clone();
        Err(self.raise(
            types::IMPORT_ERROR,
            format!("cannot import name '{name}' from '{module}' (unknown location)"),
        ))
    }
}
