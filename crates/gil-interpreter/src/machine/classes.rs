//! Classes: which one a value has, what derives from what, where a name is found, and making new ones.

use crate::heap::{Class, DictPart, Heap, Iterator, NameMap};
use crate::machine::{Machine, Unwind};
use crate::types;
use crate::value::{Id, Value};

impl<H: Heap> Machine<H> {
    /// The class of a value: `type(value)`.
    #[inline]
    pub(crate) fn class_of(&mut self, value: Value) -> Id {
        match value {
            Value::Instance(id) => self.heap.instance_class(id),
            Value::Iterator(id) => self.heap.iterator_mut(id, |iterator| iterator_class(iterator)),
            Value::DictView(id) => match self.heap.dict_view(id).part {
                DictPart::Keys => types::DICT_KEYS,
                DictPart::Values => types::DICT_VALUES,
                DictPart::Items => types::DICT_ITEMS,
            },
            Value::Native(at) if self.shared.natives[at as usize].method => types::METHOD_DESCRIPTOR,
            _ => fixed_class(value),
        }
    }

    /// The name of a value's class, for messages.
    pub(crate) fn type_name(&mut self, value: Value) -> Box<str> {
        let class = self.class_of(value);
        self.class_name(class)
    }

    /// A class's name.
    pub(crate) fn class_name(&mut self, class: Id) -> Box<str> {
        self.heap.class(class, |class| class.name.clone())
    }

    /// Does `class` derive from `base`, or is it that?
    pub(crate) fn is_subclass(&mut self, class: Id, base: Id) -> bool {
        let mut next = Some(class);
        while let Some(class) = next {
            if class == base {
                return true;
            }
            next = self.heap.class(class, |class| class.base);
        }
        false
    }

    /// isinstance(value, class) for one class.
    pub(crate) fn is_instance(&mut self, value: Value, class: Id) -> bool {
        let of = self.class_of(value);
        self.is_subclass(of, class)
    }

    /// An attribute in the class or the nearest base that has it.
    pub(crate) fn find_in_class(&mut self, class: Id, name: &str) -> Option<Value> {
        let mut next = Some(class);
        while let Some(class) = next {
            let (found, base) = self.heap.class(class, |class| (class.attrs.get(name).copied(), class.base));
            if found.is_some() {
                return found;
            }
            next = base;
        }
        None
    }

    /// A special method, looked up in the class as Python does; `None` for builtin types that have none of it.
    pub(crate) fn special(&mut self, value: Value, name: &str) -> Option<Value> {
        let Value::Instance(_) = value else { return None };
        let class = self.class_of(value);
        self.find_in_class(class, name)
    }

    /// Calls a special method that was found by `special`.
    pub(crate) fn call_special(
        &mut self,
        method: Value,
        receiver: Value,
        args: &[Value],
    ) -> Result<Value, Unwind> {
        let mut all = Vec::with_capacity(args.len() + 1);
        all.push(receiver);
        all.extend_from_slice(args);
        self.call(method, &all)
    }

    /// `BuildClass`: a class from the namespace that its body left.
    pub(super) fn build_class(&mut self, name: &str, base: Value, namespace: Id) -> Result<Value, Unwind> {
        let base = match base {
            Value::Unbound => types::OBJECT,
            Value::Class(base) => base,
            other => {
                let kind = self.type_name(other);
                return Err(self.type_error(format!("a class can derive from a class only, not from {kind}")));
            }
        };
        let builtin = base.index() < types::CLASSES.len();
        if builtin && base != types::OBJECT && !self.is_subclass(base, types::BASE_EXCEPTION) {
            let kind = self.class_name(base);
            let message = format!(
                "type '{kind}' is not an acceptable base type here: keep one in an attribute instead"
            );
            return Err(self.type_error(message));
        }
        let (layout, per_thread) = self.heap.class(base, |base| (base.layout.clone(), base.per_thread));
        let value = self.heap.new_class(Class {
            name: name.into(),
            module: None,
            base: Some(base),
            attrs: NameMap::default(),
            order: Vec::new(),
            layout,
            new: None,
            per_thread,
            builtin: false,
        });
        let Value::Class(class) = value else { unreachable!("new_class makes a class") };
        let pairs: Vec<(Value, Value)> = self.heap.dict(namespace, |dict| dict.iter().collect());
        for (key, attribute) in pairs {
            let Value::Str(key) = key else { continue };
            let key = self.heap.text(key).text.clone();
            let attribute = self.owned_by(class, attribute);
            self.heap.class_mut(class, |class| {
                class.attrs.insert(key.clone(), attribute);
                class.order.push(key);
            });
        }
        self.set_hash_rule(class);
        Ok(value)
    }

    /// A function that was defined in a class body learns its class, for `super()`.
    fn owned_by(&mut self, class: Id, attribute: Value) -> Value {
        let Value::Function(id) = attribute else { return attribute };
        if self.heap.function(id).owner.is_some() {
            return attribute;
        }
        let mut function = self.heap.function(id).clone();
        function.owner = Some(class);
        self.heap.new_function(function)
    }

    /// A class with `__eq__` and no `__hash__` of its own makes no keys, as in Python.
    fn set_hash_rule(&mut self, class: Id) {
        self.heap.class_mut(class, |class| {
            if class.attrs.contains_key("__eq__") && !class.attrs.contains_key("__hash__") {
                class.attrs.insert("__hash__".into(), Value::None);
            }
        });
    }
}

fn iterator_class(iterator: &Iterator) -> Id {
    match iterator {
        Iterator::Done | Iterator::Sequence { .. } => types::ITERATOR,
        Iterator::Range { .. } => types::RANGE_ITERATOR,
        Iterator::List { .. } => types::LIST_ITERATOR,
        Iterator::ListReversed { .. } => types::LIST_REVERSE_ITERATOR,
        Iterator::Tuple { .. } => types::TUPLE_ITERATOR,
        Iterator::Reversed { .. } => types::REVERSED,
        Iterator::Text { .. } => types::STR_ITERATOR,
        Iterator::Bytes { .. } => types::BYTES_ITERATOR,
        Iterator::Dict { part: DictPart::Keys, .. } => types::DICT_KEY_ITERATOR,
        Iterator::Dict { part: DictPart::Values, .. } => types::DICT_VALUE_ITERATOR,
        Iterator::Dict { part: DictPart::Items, .. } => types::DICT_ITEM_ITERATOR,
        Iterator::Enumerate { .. } => types::ENUMERATE,
        Iterator::Zip { .. } => types::ZIP,
        Iterator::Map { .. } => types::MAP,
        Iterator::Filter { .. } => types::FILTER,
    }
}

fn fixed_class(value: Value) -> Id {
    match value {
        Value::Unbound | Value::None => types::NONE_TYPE,
        Value::NotImplemented => types::NOT_IMPLEMENTED_TYPE,
        Value::Ellipsis => types::ELLIPSIS_TYPE,
        Value::Bool(_) => types::BOOL,
        Value::Int(_) => types::INT,
        Value::Float(_) => types::FLOAT,
        Value::Str(_) => types::STR,
        Value::Bytes(_) => types::BYTES,
        Value::List(_) => types::LIST,
        Value::Tuple(_) => types::TUPLE,
        Value::Dict(_) => types::DICT,
        Value::Range(_) => types::RANGE,
        Value::Slice(_) => types::SLICE,
        Value::Function(_) => types::FUNCTION,
        Value::BoundMethod(_) => types::METHOD,
        Value::Class(_) => types::TYPE,
        Value::Super(_) => types::SUPER,
        Value::Cell(_) | Value::Host(_) => types::CELL,
        Value::Native(_) => types::BUILTIN_FUNCTION,
        Value::Module(_) => types::MODULE,
        Value::DictView(_) | Value::Iterator(_) | Value::Instance(_) => {
            unreachable!("their class is in the heap")
        }
    }
}
