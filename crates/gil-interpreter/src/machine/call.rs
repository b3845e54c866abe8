//! Calls: from a callable and arguments on the stack to a frame, or to the result of a native.
//!
//! # Model
//! ```text
//! before   [.., callable, a1 .. an]                   `base` is where a1 stands
//! after    [.., callable | locals: a1 .. an, rest ..] the frame's locals begin at `base`
//! ```
//! Arguments are matched to parameters in place. Where a call comes from a native, `call` runs a nested loop.

use std::rc::Rc;

use super::{After, Frame, Machine, RECURSION_LIMIT, Unwind};
use crate::code::Code;
use crate::heap::{Heap, Instance};
use crate::native::Args;
use crate::types;
use crate::value::{Id, Value};

/// What a call came to.
pub(super) enum Called {
    /// A frame was pushed: go on there.
    Entered,
    /// A native has done it.
    Done(Value),
}

/// A call on the stack.
#[derive(Clone, Copy)]
pub(super) struct CallSite {
    /// Where the first argument stands.
    pub(super) base: usize,
    /// How many arguments, with and without names.
    pub(super) count: usize,
    /// The tuple of the names of the last ones.
    pub(super) names: Option<Id>,
    /// Where the result goes.
    pub(super) result: usize,
}

impl<H: Heap> Machine<H> {
    /// Calls from a native: `callable(*args)`.
    pub(crate) fn call(&mut self, callable: Value, args: &[Value]) -> Result<Value, Unwind> {
        self.call_with(callable, args, None)
    }

    /// Calls with the last arguments named.
    pub(crate) fn call_keywords(
        &mut self,
        callable: Value,
        args: &[Value],
        keywords: &[(&str, Value)],
    ) -> Result<Value, Unwind> {
        let mut all = args.to_vec();
        let mut names = Vec::with_capacity(keywords.len());
        for (name, value) in keywords {
            names.push(self.str(*name));
            all.push(*value);
        }
        let Value::Tuple(names) = self.heap.new_tuple(names) else { unreachable!("new_tuple makes a tuple") };
        self.roots.push(Value::Tuple(names));
        let result = self.call_with(callable, &all, Some(names));
        self.roots.pop();
        result
    }

    fn call_with(&mut self, callable: Value, args: &[Value], names: Option<Id>) -> Result<Value, Unwind> {
        let at = self.sp;
        self.grow_stack(at + args.len() + 8);
        self.stack[at] = callable;
        self.stack[at + 1..at + 1 + args.len()].copy_from_slice(args);
        self.sp = at + 1 + args.len();
        let site = CallSite { base: at + 1, count: args.len(), names, result: at };
        let result = self.call_nested(callable, site);
        self.sp = at;
        result
    }

    fn call_nested(&mut self, callable: Value, site: CallSite) -> Result<Value, Unwind> {
        let entry = self.frames.len();
        match self.prepare(callable, site)? {
            Called::Done(value) => Ok(value),
            Called::Entered => {
                self.nested += 1;
                let handled = self.handled;
                let result = self.run_frames(entry);
                self.nested -= 1;
                if result.is_err() {
                    self.handled = handled;
                }
                result
            }
        }
    }

    /// Pushes a frame for the callable, or calls the native behind it.
    pub(super) fn prepare(&mut self, callable: Value, site: CallSite) -> Result<Called, Unwind> {
        match callable {
            Value::Function(id) => self.enter_function(id, site, After::Push),
            Value::Native(native) => {
                let args = Args { at: site.base, count: site.count, names: site.names };
                if self.frames.len() + self.nested as usize > RECURSION_LIMIT {
                    return Err(self.too_deep());
                }
                self.run_native(native, args).map(Called::Done)
            }
            Value::BoundMethod(id) => {
                let method = self.heap.bound_method(id);
                let site = self.insert_first(site, method.receiver);
                self.prepare(method.function, site)
            }
            Value::Class(class) => self.instantiate(class, site),
            Value::Instance(_) => match self.special(callable, "__call__") {
                Some(method) => {
                    let site = self.insert_first(site, callable);
                    self.prepare(method, site)
                }
                None => Err(self.not_callable(callable)),
            },
            _ => Err(self.not_callable(callable)),
        }
    }

    #[cold]
    fn not_callable(&mut self, callable: Value) -> Unwind {
        let kind = self.type_name(callable);
        self.type_error(format!("'{kind}' object is not callable"))
    }

    #[cold]
    pub(crate) fn too_deep(&mut self) -> Unwind {
        self.raise(types::RECURSION_ERROR, "maximum recursion depth exceeded")
    }

    /// Puts a receiver before the arguments.
    fn insert_first(&mut self, site: CallSite, receiver: Value) -> CallSite {
        self.grow_stack(self.sp + 2);
        self.stack.copy_within(site.base..self.sp, site.base + 1);
        self.stack[site.base] = receiver;
        self.sp += 1;
        CallSite { count: site.count + 1, ..site }
    }

    /// Calls a class: a builtin type's constructor, or a new instance and its `__init__`.
    fn instantiate(&mut self, class: Id, site: CallSite) -> Result<Called, Unwind> {
        if let Some(native) = self.heap.class(class, |class| class.new) {
            let args = Args { at: site.base, count: site.count, names: site.names };
            return self.run_native(native, args).map(Called::Done);
        }
        let instance = self.bare_instance(class, site);
        let Some(init) = self.find_in_class(class, "__init__") else {
            let exception = self.is_subclass(class, types::BASE_EXCEPTION);
            if site.count > 0 && !exception {
                let name = self.class_name(class);
                return Err(self.type_error(format!("{name}() takes no arguments")));
            }
            return Ok(Called::Done(instance));
        };
        // The instance takes the callable's place below the arguments and stays as the result.
        let kept = site.base;
        let site = self.insert_first(site, instance);
        let site = self.insert_first(site, instance);
        let site = CallSite { base: kept + 1, count: site.count - 1, ..site };
        match init {
            Value::Function(id) => self.enter_function(id, site, After::KeepInstance),
            _ => match self.prepare(init, site)? {
                Called::Done(_) => Ok(Called::Done(instance)),
                Called::Entered => Err(self.type_error("__init__ must be a function defined in the class")),
            },
        }
    }

    /// An instance without attributes; an exception gets its arguments.
    fn bare_instance(&mut self, mut class: Id, site: CallSite) -> Value {
        if class == types::OS_ERROR
            && site.count >= 2
            && let Value::Int(number) = self.stack[site.base]
        {
            class = super::errors::os_error_class(number);
        }
        let slots = if self.is_subclass(class, types::BASE_EXCEPTION) {
            let args = Args { at: site.base, count: site.count, names: site.names }.list(self);
            let args = self.heap.new_tuple(args);
            self.exception_slots(args)
        } else {
            let room = self.heap.class(class, |class| class.layout.len());
            return self.heap.new_object(class, room);
        };
        self.heap.new_instance(Instance { class, slots, trace: None })
    }

    /// Pushes the frame of a function whose arguments stand at `site`.
    fn enter_function(&mut self, id: Id, site: CallSite, after: After) -> Result<Called, Unwind> {
        if self.frames.len() + self.nested as usize >= RECURSION_LIMIT {
            return Err(self.too_deep());
        }
        let shared = Rc::clone(&self.shared);
        let number = self.heap.function(id).code;
        let code = &shared.program.codes[number as usize];
        self.grow_stack(site.base + code.locals.len() + code.stack_size as usize + site.count + 8);
        if site.names.is_none() && site.count == code.positional as usize && code.keyword_only == 0 {
            self.stack[site.base + site.count..site.base + code.locals.len()].fill(Value::Unbound);
        } else {
            self.match_arguments(id, code, site)?;
        }
        if code.free > 0 {
            let first = site.base + code.locals.len() - code.free as usize;
            let Machine { heap, stack, .. } = self;
            stack[first..first + code.free as usize].copy_from_slice(&heap.function(id).closure);
        }
        self.sp = site.base + code.locals.len();
        self.frames.push(Frame {
            code: number,
            pc: 0,
            base: site.base as u32,
            result: site.result as u32,
            after,
            function: Some(id),
        });
        Ok(Called::Entered)
    }

    /// Pushes the frame of a module or class body, which has no parameters.
    pub(super) fn enter_code(&mut self, number: u32, base: usize, result: usize) -> Result<(), Unwind> {
        if self.frames.len() + self.nested as usize >= RECURSION_LIMIT {
            return Err(self.too_deep());
        }
        let shared = Rc::clone(&self.shared);
        let code = &shared.program.codes[number as usize];
        self.grow_stack(base + code.locals.len() + code.stack_size as usize + 8);
        self.stack[base..base + code.locals.len()].fill(Value::Unbound);
        self.sp = base + code.locals.len();
        let (base, result) = (base as u32, result as u32);
        self.frames.push(Frame { code: number, pc: 0, base, result, after: After::Push, function: None });
        Ok(())
    }

    /// Names, defaults and what is missing: the slow way from arguments to parameters.
    fn match_arguments(&mut self, id: Id, code: &Code, site: CallSite) -> Result<(), Unwind> {
        let parameters = (code.positional + code.keyword_only) as usize;
        let named: Vec<Value> = site.names.map_or_else(Vec::new, |names| self.heap.tuple(names).to_vec());
        let by_place = site.count - named.len();
        if by_place > code.positional as usize {
            return Err(self.too_many_arguments(code, by_place, named.len()));
        }
        let mut bound = vec![Value::Unbound; code.locals.len()];
        bound[..by_place].copy_from_slice(&self.stack[site.base..site.base + by_place]);
        for (offset, name) in named.into_iter().enumerate() {
            let Value::Str(name) = name else { continue };
            let name = self.heap.text(name).text.clone();
            let Some(place) = code.locals[..parameters].iter().position(|local| *local == name) else {
                let message = format!("{}() got an unexpected keyword argument '{name}'", code.qualname);
                return Err(self.type_error(message));
            };
            if bound[place] != Value::Unbound {
                return Err(
                    self.type_error(format!("{}() got multiple values for argument '{name}'", code.qualname))
                );
            }
            bound[place] = self.stack[site.base + by_place + offset];
        }
        for (&place, &default) in code.with_default.iter().zip(&self.heap.function(id).defaults) {
            let place = &mut bound[place as usize];
            if *place == Value::Unbound {
                *place = default;
            }
        }
        self.require_all(code, &bound[..parameters])?;
        self.stack[site.base..site.base + bound.len()].copy_from_slice(&bound);
        Ok(())
    }

    fn require_all(&mut self, code: &Code, bound: &[Value]) -> Result<(), Unwind> {
        let (by_place, by_name) = bound.split_at(code.positional as usize);
        for (values, first, kind) in
            [(by_place, 0, "positional"), (by_name, code.positional as usize, "keyword-only")]
        {
            let missing: Vec<String> = (values.iter().zip(&code.locals[first..]))
                .filter(|(value, _)| **value == Value::Unbound)
                .map(|(_, name)| format!("'{name}'"))
                .collect();
            if !missing.is_empty() {
                let s = if missing.len() == 1 { "" } else { "s" };
                let names = list_in_words(&missing);
                let message = format!(
                    "{}() missing {} required {kind} argument{s}: {names}",
                    code.qualname,
                    missing.len()
                );
                return Err(self.type_error(message));
            }
        }
        Ok(())
    }

    #[cold]
    fn too_many_arguments(&mut self, code: &Code, given: usize, named: usize) -> Unwind {
        let most = code.positional as usize;
        let defaults = code.with_default.iter().filter(|&&place| place < code.positional).count();
        let takes = match (defaults, most) {
            (0, 1) => "1 positional argument".to_owned(),
            (0, most) => format!("{most} positional arguments"),
            (_, most) => format!("from {} to {most} positional arguments", most - defaults),
        };
        let extra = if named > 0 && code.keyword_only > 0 {
            let s = if given == 1 { "" } else { "s" };
            let t = if named == 1 { "" } else { "s" };
            format!(" positional argument{s} (and {named} keyword-only argument{t})")
        } else {
            String::new()
        };
        let verb = if given == 1 && extra.is_empty() { "was" } else { "were" };
        self.type_error(format!("{}() takes {takes} but {given}{extra} {verb} given", code.qualname))
    }
}

/// 'a', 'a' and 'b', or 'a', 'b', and 'c'
fn list_in_words(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [one, two] => format!("{one} and {two}"),
        [most @ .., last] => format!("{}, and {last}", most.join(", ")),
    }
}
