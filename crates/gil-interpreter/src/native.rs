//! Functions of ours that Python calls: their signature, their arguments, what they do with the lock, their registry.
//!
//! # Model
//! The arguments of a call stay on the machine's stack until the native returns, so they are roots; `Args` says
//! where they are. A native returns a value or unwinds. What it says about the lock when it is registered is what
//! the listings and statistics show, and the machine refuses a release by one that claims to hold.

use std::sync::Arc;

use hashbrown::HashMap;

use crate::heap::{Class, Heap, Instance, NameMap};
use crate::machine::{Machine, Unwind};
use crate::types;
use crate::value::{Id, Value};

/// A function of ours.
pub(crate) type NativeFn<H> = fn(&mut Machine<H>, Args) -> Result<Value, Unwind>;

/// What a native does with the lock while it works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum LockUse {
    /// Keeps it for its whole duration, however long that is.
    Holds,
    /// Gives it away around the part that blocks or computes.
    Releases,
    /// Gives it away when its data has at least this many bytes.
    ReleasesFrom(usize),
    /// Tries without blocking first, and gives the lock away only when it would have to wait.
    TriesFirst,
}

/// An entry of the table of natives.
pub(crate) struct Native<H: Heap> {
    /// As it stands in messages: `len`, `list.append`, `time.sleep`.
    pub(crate) name: Box<str>,
    pub(crate) lock_use: LockUse,
    pub(crate) function: NativeFn<H>,
    /// It is a method of a builtin type, which messages call `method_descriptor` or `built-in method`.
    pub(crate) method: bool,
}

impl<H: Heap> Native<H> {
    /// May it give the lock away?
    #[inline]
    pub(crate) fn may_release(&self) -> bool {
        self.lock_use != LockUse::Holds
    }
}

/// Where the arguments of a call are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Args {
    /// Where the first one is on the stack; for a method that is the receiver.
    pub(crate) at: usize,
    /// How many, with and without name.
    pub(crate) count: usize,
    /// The tuple of the names of the last arguments.
    pub(crate) names: Option<Id>,
}

impl Args {
    /// Arguments without names.
    pub(crate) fn plain(at: usize, count: usize) -> Args {
        Args { at, count, names: None }
    }

    /// The argument at a place, by position only.
    #[inline]
    pub(crate) fn get<H: Heap>(self, m: &Machine<H>, place: usize) -> Option<Value> {
        (place < self.positional(m)).then(|| m.stack[self.at + place])
    }

    /// How many have no name.
    #[inline]
    pub(crate) fn positional<H: Heap>(self, m: &Machine<H>) -> usize {
        self.count - self.names.map_or(0, |names| m.heap.tuple(names).len())
    }

    /// All without a name, copied.
    pub(crate) fn list<H: Heap>(self, m: &Machine<H>) -> Vec<Value> {
        m.stack[self.at..self.at + self.positional(m)].to_vec()
    }

    /// Exactly `N` arguments, none with a name; CPython's TypeError otherwise. `name` is as in `len()`.
    pub(crate) fn exactly<const N: usize, H: Heap>(
        self,
        m: &mut Machine<H>,
        name: &str,
    ) -> Result<[Value; N], Unwind> {
        if self.names.is_some() {
            return Err(m.type_error(format!("{name}() takes no keyword arguments")));
        }
        if self.count == N {
            return Ok(std::array::from_fn(|place| m.stack[self.at + place]));
        }
        let message = match N {
            0 => format!("{name}() takes no arguments ({} given)", self.count),
            1 => format!("{name}() takes exactly one argument ({} given)", self.count),
            _ => format!("{name} expected {N} arguments, got {}", self.count),
        };
        Err(m.type_error(message))
    }

    /// Up to `N` arguments by place or by the names in `names` (a name that begins with `/` cannot be given by
    /// name); the first `required` must be there, the others are `Unbound` when absent. `name` is as in `len()`.
    pub(crate) fn bind<const N: usize, H: Heap>(
        self,
        m: &mut Machine<H>,
        name: &str,
        names: [&str; N],
        required: usize,
    ) -> Result<[Value; N], Unwind> {
        let positional = self.positional(m);
        if positional > N {
            let most = if required == N { "exactly" } else { "at most" };
            let s = if N == 1 { "" } else { "s" };
            return Err(m.type_error(format!("{name}() takes {most} {N} argument{s} ({} given)", self.count)));
        }
        let mut bound = [Value::Unbound; N];
        bound[..positional].copy_from_slice(&m.stack[self.at..self.at + positional]);
        if let Some(keywords) = self.names {
            for (offset, keyword) in m.heap.tuple(keywords).to_vec().into_iter().enumerate() {
                let Value::Str(id) = keyword else { continue };
                let keyword = m.heap.text(id).text.clone();
                let Some(place) = names.iter().position(|name| **name == *keyword) else {
                    return Err(
                        m.type_error(format!("{name}() got an unexpected keyword argument '{keyword}'"))
                    );
                };
                if bound[place] != Value::Unbound {
                    let message = format!(
                        "argument for {name}() given by name ('{keyword}') and position ({})",
                        place + 1
                    );
                    return Err(m.type_error(message));
                }
                bound[place] = m.stack[self.at + positional + offset];
            }
        }
        if let Some(place) = bound[..required].iter().position(|value| *value == Value::Unbound) {
            let missing = names[place].trim_start_matches('/');
            return Err(
                m.type_error(format!("{name}() missing required argument '{missing}' (pos {})", place + 1))
            );
        }
        Ok(bound)
    }
}

/// The name of the slot in which an instance of a class of ours keeps its resource; no program can write it.
pub(crate) const HOST_NAME: &str = "<host>";

/// A module of ours; nothing is added after the start.
pub(crate) struct Module {
    pub(crate) name: Box<str>,
    pub(crate) attrs: NameMap<Value>,
}

/// What exists before the program starts; filled by `builtins::register` and `modules::register`.
pub(crate) struct Registry<'a, H: Heap> {
    pub(crate) heap: &'a mut H,
    pub(crate) natives: Vec<Native<H>>,
    pub(crate) builtins: NameMap<Value>,
    pub(crate) modules: Vec<Module>,
    keep: Vec<Value>,
}

/// All that a registry collected.
pub(crate) struct Registered<H: Heap> {
    pub(crate) natives: Vec<Native<H>>,
    pub(crate) builtins: NameMap<Value>,
    pub(crate) modules: Vec<Module>,
}

impl<'a, H: Heap> Registry<'a, H> {
    /// A registry with the classes of `types` in the heap, which must be new.
    pub(crate) fn new(heap: &'a mut H) -> Registry<'a, H> {
        let mut registry = Registry {
            heap,
            natives: Vec::new(),
            builtins: HashMap::default(),
            modules: Vec::new(),
            keep: Vec::new(),
        };
        for (at, (name, base)) in types::CLASSES.iter().enumerate() {
            let id = Id(at as u32);
            let made = registry.add_class(name, None, (*base != id).then_some(*base), &[]);
            assert_eq!(made, id, "classes of `types` come first");
            if *name == "BaseException" {
                registry.heap.class_mut(id, |class| {
                    for (slot, name) in types::EXCEPTION_SLOTS.iter().enumerate() {
                        class.layout.insert((*name).into(), slot as u32);
                    }
                });
            }
            registry.heap.class_mut(id, |class| class.builtin = true);
        }
        registry
    }

    /// A value under a name that every module sees.
    pub(crate) fn builtin(&mut self, name: &str, value: Value) {
        self.keep.push(value);
        self.builtins.insert(name.into(), value);
    }

    /// Adds a native to the table without giving it a name to be found by.
    pub(crate) fn native(&mut self, name: &str, lock_use: LockUse, function: NativeFn<H>) -> u32 {
        self.natives.push(Native { name: name.into(), lock_use, function, method: false });
        self.natives.len() as u32 - 1
    }

    /// A builtin function.
    pub(crate) fn function(&mut self, name: &str, lock_use: LockUse, function: NativeFn<H>) {
        let native = self.native(name, lock_use, function);
        self.builtin(name, Value::Native(native));
    }

    /// A function of a module.
    pub(crate) fn module_function(
        &mut self,
        module: &str,
        name: &str,
        lock_use: LockUse,
        function: NativeFn<H>,
    ) {
        let native = self.native(&format!("{module}.{name}"), lock_use, function);
        self.module_value(module, name, Value::Native(native));
    }

    /// A value of a module; the module begins to exist with the first.
    pub(crate) fn module_value(&mut self, module: &str, name: &str, value: Value) {
        self.keep.push(value);
        let at = self.modules.iter().position(|other| *other.name == *module).unwrap_or_else(|| {
            self.modules.push(Module { name: module.into(), attrs: HashMap::default() });
            self.modules.len() - 1
        });
        self.modules[at].attrs.insert(name.into(), value);
    }

    /// A class of a module, derived from `base`; the first of `slots` are reserved in each instance.
    pub(crate) fn module_class(&mut self, module: &str, name: &str, base: Id, slots: &[&str]) -> Id {
        let class = self.add_class(name, Some(module), Some(base), slots);
        self.module_value(module, name, Value::Class(class));
        class
    }

    /// A method of a class; the receiver is its first argument.
    pub(crate) fn method(&mut self, class: Id, name: &str, lock_use: LockUse, function: NativeFn<H>) {
        let class_name = self.heap.class(class, |class| class.name.clone());
        self.natives.push(Native {
            name: format!("{class_name}.{name}").into(),
            lock_use,
            function,
            method: true,
        });
        let native = Value::Native(self.natives.len() as u32 - 1);
        self.class_value(class, name, native);
    }

    /// An attribute of a class.
    pub(crate) fn class_value(&mut self, class: Id, name: &str, value: Value) {
        self.keep.push(value);
        self.heap.class_mut(class, |class| {
            if class.attrs.insert(name.into(), value).is_none() {
                class.order.push(name.into());
            }
        });
    }

    /// The native that is called when a builtin type is: `int("5")`. It gets the arguments without the class.
    pub(crate) fn constructor(&mut self, class: Id, function: NativeFn<H>) {
        let name = self.heap.class(class, |class| class.name.clone());
        let native = self.native(&name, LockUse::Holds, function);
        self.heap.class_mut(class, |class| class.new = Some(native));
    }

    fn add_class(&mut self, name: &str, module: Option<&str>, base: Option<Id>, slots: &[&str]) -> Id {
        let mut layout: NameMap<u32> =
            base.map_or_else(NameMap::default, |base| self.heap.class(base, |base| base.layout.clone()));
        for slot in slots {
            let next = layout.len() as u32;
            layout.insert((*slot).into(), next);
        }
        let value = self.heap.new_class(Class {
            name: name.into(),
            module: module.map(Into::into),
            base,
            attrs: NameMap::default(),
            order: Vec::new(),
            layout,
            new: None,
            per_thread: false,
            builtin: false,
        });
        self.keep.push(value);
        let Value::Class(id) = value else { unreachable!("new_class makes a class") };
        id
    }

    /// Everything, with its values kept for good.
    pub(crate) fn finish(self) -> Registered<H> {
        self.heap.keep_forever(&self.keep);
        Registered { natives: self.natives, builtins: self.builtins, modules: self.modules }
    }
}

/// An instance of one of our classes with its resource in slot 0; for constructors that are not `__init__`.
pub(crate) fn instance_with<H: Heap>(
    m: &mut Machine<H>,
    class: Id,
    host: Arc<dyn crate::heap::HostObject>,
) -> Value {
    let host = m.heap.new_host(host);
    m.heap.new_instance(Instance { class, slots: vec![host], trace: None })
}
