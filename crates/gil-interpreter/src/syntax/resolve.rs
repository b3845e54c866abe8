//! Where each name lives: in a local, a cell, a class body, the module or the builtins.
//!
//! # Invariants
//! - N1: a name means what Python's scopes say: class bodies are skipped from inside, comprehensions keep their
//!   variables, `global` and `nonlocal` are obeyed.

use std::collections::{HashMap, HashSet};

use super::names;
use super::refusal::Report;
use super::scope::{Collected, Interest, Scope, ScopeId, ScopeKind};

/// What a name means in a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Meaning {
    Global,
    /// A name of this class body, looked for in the module when it has no value.
    Class,
    /// A variable of that scope, which is this one, or one around it.
    Variable(ScopeId),
}

/// How to reach a name from a scope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Fast(u32),
    Deref(u32),
    /// A variable of the module; its slot.
    Global(u32),
    /// A name that the module never assigns.
    Builtin,
    Class {
        local: u32,
        global: u32,
    },
}

/// The locals of one piece of code.
#[derive(Clone, Debug, Default)]
pub(super) struct Layout {
    /// The scope that binds each local, and its name: parameters, others, then free variables.
    pub(super) locals: Vec<(ScopeId, String)>,
    pub(super) free: u32,
    index: HashMap<(ScopeId, String), u32>,
    cells: HashSet<(ScopeId, String)>,
    free_variables: Vec<(ScopeId, String)>,
}

/// All names of a file, resolved.
pub(super) struct Names {
    scopes: Vec<Scope>,
    by_start: HashMap<u32, ScopeId>,
    meanings: Vec<HashMap<String, Meaning>>,
    layouts: Vec<Layout>,
    assigned: HashSet<String>,
    global_slots: HashMap<String, u32>,
    pub(super) globals: Vec<Box<str>>,
}

/// Resolves every name, and reports nonlocals without a binding and builtins that are missing.
pub(super) fn resolve(collected: Collected, report: &mut Report) -> Names {
    let Collected { scopes, by_start, uses } = collected;
    let count = scopes.len();
    let mut resolved = Names {
        scopes,
        by_start,
        meanings: vec![HashMap::new(); count],
        layouts: vec![Layout::default(); count],
        assigned: HashSet::new(),
        global_slots: HashMap::new(),
        globals: Vec::new(),
    };
    resolved.assigned.insert("__name__".into());
    resolved.global_slot("__name__");
    for id in 0..count {
        resolved.resolve_scope(id, report);
    }
    resolved.lay_out();
    for used in uses {
        if resolved.meanings[used.scope].get(&used.name) != Some(&Meaning::Global)
            || resolved.assigned.contains(&used.name)
        {
            continue;
        }
        match used.interest {
            Interest::Base if names::CLOSED_TYPES.contains(&&*used.name) => {
                let message = format!("a class that inherits from {} is not part of the subset", used.name);
                report.refuse(used.at, message, format!("a class with a {} in an attribute", used.name));
            }
            Interest::Base => {}
            Interest::Missing => {
                let advice = names::MISSING_BUILTINS.iter().find(|(name, _)| *name == used.name);
                let message = format!("the builtin {} is not part of the subset", used.name);
                report.refuse(used.at, message, advice.map_or("", |(_, instead)| instead));
            }
        }
    }
    resolved
}

impl Names {
    /// The scope of the definition, lambda or comprehension that begins at an offset.
    pub(super) fn scope_at(&self, start: u32) -> ScopeId {
        self.by_start[&start]
    }

    pub(super) fn layout(&self, owner: ScopeId) -> &Layout {
        &self.layouts[owner]
    }

    /// The name as the scope's class changes it.
    pub(super) fn mangled(&self, scope: ScopeId, name: &str) -> String {
        names::mangle(self.scopes[scope].class.as_deref(), name)
    }

    /// The scope whose code the scope's instructions are in.
    fn owner(&self, mut scope: ScopeId) -> ScopeId {
        while self.scopes[scope].kind == ScopeKind::Comprehension {
            scope = self.scopes[scope].parent;
        }
        scope
    }

    pub(super) fn global_slot(&mut self, name: &str) -> u32 {
        if let Some(&slot) = self.global_slots.get(name) {
            return slot;
        }
        let slot = self.globals.len() as u32;
        self.globals.push(name.into());
        self.global_slots.insert(name.to_owned(), slot);
        slot
    }

    fn resolve_scope(&mut self, id: ScopeId, report: &mut Report) {
        for name in self.scopes[id].mentioned.clone() {
            let meaning = self.meaning(id, &name, report);
            self.meanings[id].insert(name.clone(), meaning);
            let symbol = self.scopes[id].symbols[&name];
            match meaning {
                Meaning::Global if symbol.bound => {
                    self.global_slot(&name);
                    self.assigned.insert(name);
                }
                Meaning::Variable(binder) => self.capture(id, binder, &name),
                _ => {}
            }
        }
    }

    fn meaning(&self, id: ScopeId, name: &str, report: &mut Report) -> Meaning {
        let scope = &self.scopes[id];
        let symbol = scope.symbols[name];
        if symbol.global || scope.kind == ScopeKind::Module {
            return Meaning::Global;
        }
        if symbol.bound && symbol.nonlocal.is_none() {
            return if scope.kind == ScopeKind::Class { Meaning::Class } else { Meaning::Variable(id) };
        }
        let outer = self.binder_outside(id, name);
        match (outer, symbol.nonlocal) {
            (Some(binder), _) => Meaning::Variable(binder),
            (None, Some(at)) => {
                report.syntax_error(at, format!("no binding for nonlocal '{name}' found"));
                Meaning::Global
            }
            (None, None) => Meaning::Global,
        }
    }

    /// The nearest function or comprehension around that binds the name.
    fn binder_outside(&self, mut id: ScopeId, name: &str) -> Option<ScopeId> {
        while id != 0 {
            id = self.scopes[id].parent;
            let scope = &self.scopes[id];
            if matches!(scope.kind, ScopeKind::Class | ScopeKind::Module) {
                continue;
            }
            match scope.symbols.get(name) {
                Some(symbol) if symbol.global => return None,
                Some(symbol) if symbol.bound && symbol.nonlocal.is_none() => return Some(id),
                _ => {}
            }
        }
        None
    }

    /// Makes the variable a cell when code other than its own uses it, free in all code between.
    fn capture(&mut self, user: ScopeId, binder: ScopeId, name: &str) {
        let home = self.owner(binder);
        let mut code = self.owner(user);
        if code == home {
            return;
        }
        let key = (binder, name.to_owned());
        self.layouts[home].cells.insert(key.clone());
        while code != home {
            let layout = &mut self.layouts[code];
            if !layout.free_variables.contains(&key) {
                layout.free_variables.push(key.clone());
            }
            code = self.owner(self.scopes[code].parent);
        }
    }

    /// Gives each code its locals: those of its own scope, those of its comprehensions, then the free ones.
    fn lay_out(&mut self) {
        for id in 0..self.scopes.len() {
            let owner = self.owner(id);
            if id == 0 && owner == 0 {
                continue;
            }
            for name in self.scopes[id].bound.clone() {
                match self.meanings[id].get(&name) {
                    Some(Meaning::Class) => self.layouts[owner].add((id, name)),
                    Some(Meaning::Variable(binder)) if *binder == id => self.layouts[owner].add((id, name)),
                    _ => {}
                }
            }
        }
        for layout in &mut self.layouts {
            layout.free = layout.free_variables.len() as u32;
            for key in std::mem::take(&mut layout.free_variables) {
                layout.cells.insert(key.clone());
                layout.add(key);
            }
        }
    }

    /// Whether the module has a variable of that name.
    pub(super) fn is_assigned(&self, name: &str) -> bool {
        self.assigned.contains(name)
    }

    /// How code in `scope` reaches a name, which is already mangled.
    pub(super) fn access(&mut self, scope: ScopeId, name: &str) -> Access {
        let owner = self.owner(scope);
        match self.meanings[scope].get(name).copied().unwrap_or(Meaning::Global) {
            Meaning::Variable(binder) => self.layouts[owner].access((binder, name.to_owned())),
            Meaning::Class => {
                let local = self.layouts[owner].index[&(scope, name.to_owned())];
                Access::Class { local, global: self.global_slot(name) }
            }
            Meaning::Global if self.assigned.contains(name) => Access::Global(self.global_slot(name)),
            Meaning::Global => Access::Builtin,
        }
    }

    /// The locals of a comprehension in its code, and whether each is a cell.
    pub(super) fn own_locals(&self, scope: ScopeId) -> Vec<(u32, bool)> {
        let layout = &self.layouts[self.owner(scope)];
        let keys = self.scopes[scope].bound.iter().map(|name| (scope, name.clone()));
        keys.filter_map(|key| Some((*layout.index.get(&key)?, layout.cells.contains(&key)))).collect()
    }

    /// The locals of a code whose cells the code around must give, as places in that code.
    pub(super) fn closure(&self, inner: ScopeId, outer: ScopeId) -> Vec<u32> {
        let layout = &self.layouts[inner];
        let free = &layout.locals[layout.locals.len() - layout.free as usize..];
        let outside = &self.layouts[self.owner(outer)];
        free.iter().map(|key| outside.index[key]).collect()
    }
}

impl Layout {
    fn add(&mut self, key: (ScopeId, String)) {
        self.index.insert(key.clone(), self.locals.len() as u32);
        self.locals.push(key);
    }

    fn access(&self, key: (ScopeId, String)) -> Access {
        let slot = self.index[&key];
        if self.cells.contains(&key) { Access::Deref(slot) } else { Access::Fast(slot) }
    }
}
