//! Attributes: where a name of an object is found, and what is bound to the object on the way.
//!
//! # Model
//! ```text
//! instance.name    own slot -> class -> bases; a function found in a class is bound to the instance
//! class.name       class -> bases, not bound
//! value.name       the class of the builtin type, bound
//! ```
//! The eval loop has caches for the common cases; everything here is the slow way, and fills them.

use crate::heap::{BoundMethod, Cache, Heap, Instance};
use crate::machine::{Found, Machine, Unwind};
use crate::native::HOST_NAME;
use crate::types::{self, SLOT_ARGS};
use crate::value::{Id, Value};

/// A cache whose `slot` says this holds what was found in the class.
pub(super) const IN_CLASS: u32 = u32::MAX;

impl<H: Heap> Machine<H> {
    /// `value.name`, or AttributeError.
    pub(crate) fn get_attr(&mut self, value: Value, name: &str) -> Result<Value, Unwind> {
        match self.find_attr(value, name)? {
            Some(found) => Ok(found),
            None => Err(self.no_attribute(value, name)),
        }
    }

    /// `value.name` if there is one.
    pub(crate) fn find_attr(&mut self, value: Value, name: &str) -> Result<Option<Value>, Unwind> {
        Ok(match value {
            Value::Instance(id) => self.find_in_instance(id, name),
            Value::Class(id) => self.find_in_class_object(id, name),
            Value::Module(at) => {
                let found = self.shared.modules[at as usize].attrs.get(name).copied();
                match (found, name) {
                    (None, "__name__") => {
                        let name = self.shared.modules[at as usize].name.clone();
                        Some(self.str(name))
                    }
                    _ => found,
                }
            }
            Value::Function(id) => self.find_in_function(id, name),
            Value::BoundMethod(id) => {
                let method = self.heap.bound_method(id);
                match name {
                    "__self__" => Some(method.receiver),
                    "__func__" => Some(method.function),
                    _ => return self.find_attr(method.function, name),
                }
            }
            Value::Native(at) if matches!(name, "__name__" | "__qualname__") => {
                let full = self.shared.natives[at as usize].name.clone();
                let short = full.rsplit('.').next().unwrap_or(&full).to_owned();
                Some(self.str(short))
            }
            Value::Super(id) => {
                let value = self.heap.super_of(id);
                self.find_above(value.owner, value.receiver, name)
            }
            _ => self.find_in_type(value, name),
        })
    }

    fn find_in_type(&mut self, value: Value, name: &str) -> Option<Value> {
        let class = self.class_of(value);
        if name == "__class__" {
            return Some(Value::Class(class));
        }
        if let (Value::Int(_) | Value::Bool(_), "real" | "numerator") = (value, name) {
            return Some(value);
        }
        match (value, name) {
            (Value::Range(id), "start") => return Some(Value::Int(self.heap.range(id).start)),
            (Value::Range(id), "stop") => return Some(Value::Int(self.heap.range(id).stop)),
            (Value::Range(id), "step") => return Some(Value::Int(self.heap.range(id).step)),
            (Value::Slice(id), "start") => return Some(self.heap.slice(id).start),
            (Value::Slice(id), "stop") => return Some(self.heap.slice(id).stop),
            (Value::Slice(id), "step") => return Some(self.heap.slice(id).step),
            _ => {}
        }
        let found = self.find_in_class(class, name)?;
        Some(self.bound(value, found))
    }

    fn find_in_function(&mut self, id: Id, name: &str) -> Option<Value> {
        let program = std::sync::Arc::clone(&self.shared.program);
        let code = &program.codes[self.heap.function(id).code as usize];
        match name {
            "__name__" => Some(self.str(code.name.clone())),
            "__qualname__" => Some(self.str(code.qualname.clone())),
            "__doc__" => Some(code.doc.clone().map_or(Value::None, |doc| self.str(doc))),
            _ => self.find_in_type(Value::Function(id), name),
        }
    }

    fn find_in_class_object(&mut self, id: Id, name: &str) -> Option<Value> {
        if let Some(found) = self.find_in_class(id, name) {
            return Some(found);
        }
        match name {
            "__name__" | "__qualname__" => {
                let name = self.class_name(id);
                Some(self.str(name))
            }
            "__module__" => {
                let module = self.heap.class(id, |class| class.module.clone());
                let builtin = id.index() < types::CLASSES.len();
                let main = self.shared.settings.main_name;
                Some(self.str(module.unwrap_or(if builtin { "builtins".into() } else { main.into() })))
            }
            "__doc__" => Some(Value::None),
            "__base__" => Some(self.heap.class(id, |class| class.base).map_or(Value::None, Value::Class)),
            "__class__" => Some(Value::Class(types::TYPE)),
            _ => None,
        }
    }

    fn find_in_instance(&mut self, id: Id, name: &str) -> Option<Value> {
        let id = self.own_instance(id);
        let class = self.heap.instance_class(id);
        if let Some(slot) = self.heap.class(class, |class| class.layout.get(name).copied()) {
            let value = self.heap.slot(id, slot);
            if value != Value::Unbound {
                return Some(value);
            }
        }
        if let Some(found) = self.find_in_class(class, name) {
            return Some(self.bound(Value::Instance(id), found));
        }
        if name == "__class__" {
            return Some(Value::Class(class));
        }
        self.exception_attr(id, class, name).or_else(|| match name {
            "__doc__" | "__module__" => self.find_in_class_object(class, name),
            _ => None,
        })
    }

    /// What exceptions show of their arguments under a name.
    fn exception_attr(&mut self, id: Id, class: Id, name: &str) -> Option<Value> {
        if !matches!(
            name,
            "code" | "value" | "errno" | "strerror" | "__cause__" | "__context__" | "__traceback__"
        ) || !self.is_subclass(class, types::BASE_EXCEPTION)
        {
            return None;
        }
        let args = self.heap.instance(id, |instance| instance.slots[SLOT_ARGS]);
        let Value::Tuple(args) = args else { return None };
        let args = self.heap.tuple(args).to_vec();
        let first = args.first().copied().unwrap_or(Value::None);
        let pair = args.len() >= 2;
        match name {
            "__cause__" | "__context__" => Some(Value::None),
            "__traceback__" => Some(match self.heap.instance(id, |instance| instance.trace.is_some()) {
                true => self.heap.new_instance(Instance {
                    class: types::TRACEBACK,
                    slots: Vec::new(),
                    trace: None,
                }),
                false => Value::None,
            }),
            "code" if self.is_subclass(class, types::SYSTEM_EXIT) => Some(first),
            "value" if self.is_subclass(class, types::STOP_ITERATION) => Some(first),
            "errno" if self.is_subclass(class, types::OS_ERROR) => {
                Some(if pair { first } else { Value::None })
            }
            "strerror" if self.is_subclass(class, types::OS_ERROR) => {
                Some(if pair { args[1] } else { Value::None })
            }
            _ => None,
        }
    }

    /// A function found in a class, bound to the receiver; anything else as it is.
    pub(super) fn bound(&mut self, receiver: Value, found: Value) -> Value {
        match found {
            Value::Function(_) | Value::Native(_) => {
                self.heap.new_bound_method(BoundMethod { receiver, function: found })
            }
            _ => found,
        }
    }

    /// `super().name`: searched from the base of the class in which the method was defined.
    pub(super) fn find_above(&mut self, owner: Id, receiver: Value, name: &str) -> Option<Value> {
        let base = self.heap.class(owner, |class| class.base)?;
        if let Some(found) = self.find_in_class(base, name) {
            return Some(self.bound(receiver, found));
        }
        if name == "__init__" {
            let native = self.shared.object_init;
            return Some(self.bound(receiver, Value::Native(native)));
        }
        None
    }

    /// `value.name = new`
    pub(crate) fn set_attr(&mut self, value: Value, name: &str, new: Value) -> Result<(), Unwind> {
        match value {
            Value::Instance(id) => {
                let id = self.own_instance(id);
                let class = self.heap.instance_class(id);
                if let Some(setter) = self.setter(class, name) {
                    return self.call(setter, &[value, new]).map(drop);
                }
                let slot = self.slot_for(class, name);
                self.set_slot(id, slot, new);
                Ok(())
            }
            Value::Class(id) => {
                if self.heap.class(id, |class| class.builtin) {
                    let class = self.class_name(id);
                    return Err(
                        self.type_error(format!("cannot set '{name}' attribute of immutable type '{class}'"))
                    );
                }
                self.heap.class_mut(id, |class| {
                    if class.attrs.insert(name.into(), new).is_none() {
                        class.order.push(name.into());
                    }
                });
                Ok(())
            }
            _ => Err(self.no_attribute(value, name)),
        }
    }

    /// The native that writes an attribute of a module class, which such a class has as `name=`.
    fn setter(&mut self, class: Id, name: &str) -> Option<Value> {
        // Classes of programs have none, so that they do not pay for the search.
        let ours = self.heap.class(class, |class| class.layout.contains_key(HOST_NAME));
        if ours { self.find_in_class(class, &format!("{name}=")) } else { None }
    }

    /// The slot of an attribute in instances of a class, made if there is none.
    pub(super) fn slot_for(&mut self, class: Id, name: &str) -> u32 {
        if let Some(slot) = self.heap.class(class, |class| class.layout.get(name).copied()) {
            return slot;
        }
        self.heap.class_mut(class, |class| {
            let next = class.layout.len() as u32;
            *class.layout.entry(name.into()).or_insert(next)
        })
    }

    /// Writes a slot, which may be the first beyond those that the instance has.
    #[inline]
    pub(super) fn set_slot(&mut self, id: Id, slot: u32, new: Value) {
        self.heap.set_slot(id, slot, new);
    }

    /// `del value.name`
    pub(crate) fn delete_attr(&mut self, value: Value, name: &str) -> Result<(), Unwind> {
        let gone = match value {
            Value::Instance(id) => {
                let id = self.own_instance(id);
                let class = self.heap.instance_class(id);
                let slot = self.heap.class(class, |class| class.layout.get(name).copied());
                slot.is_some_and(|slot| {
                    self.heap.instance_mut(id, |instance| {
                        let place = instance.slots.get_mut(slot as usize);
                        place.is_some_and(|place| std::mem::replace(place, Value::Unbound) != Value::Unbound)
                    })
                })
            }
            Value::Class(id) if !self.heap.class(id, |class| class.builtin) => {
                self.heap.class_mut(id, |class| {
                    class.order.retain(|other| **other != *name);
                    class.attrs.remove(name).is_some()
                })
            }
            _ => false,
        };
        if gone { Ok(()) } else { Err(self.no_attribute_to_delete(value, name)) }
    }

    fn no_attribute_to_delete(&mut self, value: Value, name: &str) -> Unwind {
        match value {
            Value::Instance(_) => {
                let kind = self.type_name(value);
                self.raise(types::ATTRIBUTE_ERROR, format!("'{kind}' object has no attribute '{name}'"))
            }
            _ => self.no_attribute(value, name),
        }
    }

    #[cold]
    pub(crate) fn no_attribute(&mut self, value: Value, name: &str) -> Unwind {
        let message = match value {
            Value::Class(id) => format!("type object '{}' has no attribute '{name}'", self.class_name(id)),
            Value::Module(at) => {
                format!("module '{}' has no attribute '{name}'", self.shared.modules[at as usize].name)
            }
            _ => format!("'{}' object has no attribute '{name}'", self.type_name(value)),
        };
        self.raise(types::ATTRIBUTE_ERROR, message)
    }

    /// For an instance of threading.local: the instance that holds this thread's attributes.
    fn own_instance(&mut self, id: Id) -> Id {
        let class = self.heap.instance_class(id);
        if !self.heap.class(class, |class| class.per_thread) {
            return id;
        }
        let key = Value::Int(i64::from(self.thread));
        let hash = crate::heap::dict::hash_int(i64::from(self.thread));
        let table = match self.heap.slot(id, 0) {
            Value::Dict(table) => table,
            _ => self.table_of_threads(id),
        };
        if let Some(Value::Instance(own)) = self.heap.dict_find(table, key, hash) {
            return own;
        }
        let own = self.heap.new_instance(Instance { class, slots: Vec::new(), trace: None });
        self.heap.dict_insert(table, key, hash, own);
        let Value::Instance(own) = own else { unreachable!("new_instance makes an instance") };
        own
    }

    /// Gives an instance of threading.local its table, unless another thread has just done so.
    fn table_of_threads(&mut self, id: Id) -> Id {
        let fresh = self.heap.new_dict(crate::heap::Dict::default());
        let table = self.heap.instance_mut(id, |instance| {
            if instance.slots.is_empty() {
                instance.slots.push(Value::Unbound);
            }
            if instance.slots[0] == Value::Unbound {
                instance.slots[0] = fresh;
            }
            instance.slots[0]
        });
        let Value::Dict(table) = table else { unreachable!("slot 0 of a threading.local holds its table") };
        table
    }

    /// The slow way of `LoadAttr`, which fills its cache where that helps.
    pub(super) fn load_attr(&mut self, value: Value, name: &str, cache: u16) -> Result<Value, Unwind> {
        if let Value::Instance(id) = value {
            let class = self.heap.instance_class(id);
            let (slot, per_thread) =
                self.heap.class(class, |class| (class.layout.get(name).copied(), class.per_thread));
            if let (Some(slot), false) = (slot, per_thread) {
                let value = self.heap.slot(id, slot);
                if value != Value::Unbound {
                    self.heap
                        .set_cache(cache, Cache { key: class.0 + 1, slot, epoch: 0, value: Value::Unbound });
                    return Ok(value);
                }
            }
            // What the class has is remembered too, unless it has to be bound to each instance anew.
            if let (None, false) = (slot, per_thread)
                && let Some(found) = self.find_in_class(class, name)
                && !matches!(found, Value::Function(_) | Value::Native(_))
            {
                let epoch = self.heap.class_epoch();
                self.heap.set_cache(cache, Cache { key: class.0 + 1, slot: IN_CLASS, epoch, value: found });
                return Ok(found);
            }
        }
        self.get_attr(value, name)
    }

    /// The slow way of `StoreAttr`.
    pub(super) fn store_attr(
        &mut self,
        value: Value,
        name: &str,
        new: Value,
        cache: u16,
    ) -> Result<(), Unwind> {
        if let Value::Instance(id) = value {
            let class = self.heap.instance_class(id);
            if !self.heap.class(class, |class| class.per_thread) && self.setter(class, name).is_none() {
                let slot = self.slot_for(class, name);
                self.heap.set_cache(cache, Cache { key: class.0 + 1, slot, epoch: 0, value: Value::Unbound });
                self.set_slot(id, slot, new);
                return Ok(());
            }
        }
        self.set_attr(value, name, new)
    }

    /// The slow way of `LoadMethod`: a function of the class to be called with the receiver, or the attribute.
    pub(super) fn load_method(
        &mut self,
        value: Value,
        number: u16,
        name: &str,
        cache: u16,
    ) -> Result<(Value, Value), Unwind> {
        let plain = !matches!(
            value,
            Value::Class(_) | Value::Module(_) | Value::Function(_) | Value::BoundMethod(_) | Value::Super(_)
        );
        if plain {
            let class = self.class_of(value);
            let epoch = self.heap.class_epoch();
            let place = Found::place(class, u32::from(number));
            let found = self.found[place];
            if found.class == class.0 && found.name == u32::from(number) && found.epoch == epoch {
                self.heap
                    .set_cache(cache, Cache { key: class.0 + 1, slot: IN_CLASS, epoch, value: found.value });
                return Ok((found.value, value));
            }
            let (slot, per_thread) =
                self.heap.class(class, |class| (class.layout.get(name).copied(), class.per_thread));
            if slot.is_none()
                && !per_thread
                && let Some(function @ (Value::Function(_) | Value::Native(_))) =
                    self.find_in_class(class, name)
            {
                self.heap
                    .set_cache(cache, Cache { key: class.0 + 1, slot: IN_CLASS, epoch, value: function });
                self.found[place] = Found { class: class.0, name: u32::from(number), epoch, value: function };
                return Ok((function, value));
            }
        }
        let found = self.get_attr(value, name)?;
        Ok((Value::Unbound, found))
    }
}
