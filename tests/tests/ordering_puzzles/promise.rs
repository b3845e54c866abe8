//! Promises that are always kept, built on the loop's microtasks with exactly the hops of ECMAScript.
//!
//! # Model
//! A reaction is one microtask. Resolving a promise *with a promise* costs two more: one that subscribes to
//! the other promise, and that promise's reaction. This is why returning a promise from a `then` comes late.
//!
//! # Source
//! ECMAScript 2024, 27.2: promise resolve functions, NewPromiseResolveThenableJob, PerformPromiseThen,
//! `Promise.prototype.finally`, `Promise.all`, `Promise.race`.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use event_loop::LoopHandle;

type Reaction = Box<dyn FnOnce(&LoopHandle)>;

enum State {
    Pending(Vec<Reaction>),
    Fulfilled,
}

/// A promise; clones are the same promise.
#[derive(Clone)]
pub(crate) struct Promise {
    state: Rc<RefCell<State>>,
    /// Resolved, though perhaps with a promise that is pending.
    resolved: Rc<Cell<bool>>,
}

impl Promise {
    pub(crate) fn pending() -> Promise {
        let state = Rc::new(RefCell::new(State::Pending(Vec::new())));
        Promise { state, resolved: Rc::default() }
    }

    pub(crate) fn fulfilled() -> Promise {
        Promise { state: Rc::new(RefCell::new(State::Fulfilled)), resolved: Rc::new(Cell::new(true)) }
    }

    /// Calls back in a microtask, when the promise is fulfilled. `await` is this and nothing else.
    pub(crate) fn react(&self, lp: &LoopHandle, reaction: impl FnOnce(&LoopHandle) + 'static) {
        if let State::Pending(reactions) = &mut *self.state.borrow_mut() {
            reactions.push(Box::new(reaction));
            return;
        }
        lp.microtask(reaction);
    }

    /// The resolve function: a plain value fulfils, a promise is followed. Only the first call counts.
    pub(crate) fn resolve(&self, lp: &LoopHandle, with: Option<Promise>) {
        if self.resolved.replace(true) {
            return;
        }
        let this = self.clone();
        match with {
            None => this.fulfil(lp),
            Some(other) => lp.microtask(move |lp| other.react(lp, move |lp| this.fulfil(lp))),
        }
    }

    fn fulfil(&self, lp: &LoopHandle) {
        let before = std::mem::replace(&mut *self.state.borrow_mut(), State::Fulfilled);
        if let State::Pending(reactions) = before {
            for reaction in reactions {
                lp.microtask(reaction);
            }
        }
    }

    /// `.then(handler)`: a new promise, resolved with what the handler returns.
    pub(crate) fn then(
        &self,
        lp: &LoopHandle,
        handler: impl FnOnce(&LoopHandle) -> Option<Promise> + 'static,
    ) -> Promise {
        let derived = Promise::pending();
        let result = derived.clone();
        self.react(lp, move |lp| {
            let value = handler(lp);
            result.resolve(lp, value);
        });
        derived
    }

    /// `.finally(handler)`: waits for what the handler returns, then goes on with the old value.
    pub(crate) fn finally(
        &self,
        lp: &LoopHandle,
        handler: impl FnOnce(&LoopHandle) -> Option<Promise> + 'static,
    ) -> Promise {
        self.then(lp, |lp| {
            let inner = handler(lp).unwrap_or_else(Promise::fulfilled);
            Some(inner.then(lp, |_| None))
        })
    }

    /// `Promise.all` of these.
    pub(crate) fn all(lp: &LoopHandle, promises: &[Promise]) -> Promise {
        let result = Promise::pending();
        let missing = Rc::new(Cell::new(promises.len()));
        for promise in promises {
            let (result, missing) = (result.clone(), missing.clone());
            promise.then(lp, move |lp| {
                missing.set(missing.get() - 1);
                if missing.get() == 0 {
                    result.resolve(lp, None);
                }
                None
            });
        }
        result
    }

    /// `Promise.race` of these.
    pub(crate) fn race(lp: &LoopHandle, promises: &[Promise]) -> Promise {
        let result = Promise::pending();
        for promise in promises {
            let result = result.clone();
            promise.then(lp, move |lp| {
                result.resolve(lp, None);
                None
            });
        }
        result
    }
}
