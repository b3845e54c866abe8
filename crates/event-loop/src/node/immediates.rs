//! `set_immediate`: callbacks for the check phase of the coming pass.
//!
//! # Model
//! The phase takes the queue as it is; an immediate set by an immediate waits for the next pass. One that is
//! cleared by an earlier one of its batch does not run. Referenced immediates keep poll from sleeping; one that
//! is not runs when the loop passes by for another reason.
//!
//! # Invariants
//! - N3: an immediate runs at most once, and not after it was cleared.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::panic::Location;

use slab::Slab;

use crate::blame::Site;
use crate::core::LoopHandle;
use crate::phase::Callee;

/// Names an immediate that may still be cleared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ImmediateId {
    slot: u32,
    number: u32,
}

struct Immediate {
    number: u32,
    referenced: bool,
    code: Box<dyn FnOnce(&LoopHandle)>,
    location: &'static Location<'static>,
}

/// The immediates that wait.
#[derive(Default)]
pub(crate) struct Immediates {
    slots: RefCell<Slab<Immediate>>,
    queue: RefCell<VecDeque<ImmediateId>>,
    /// What the queue is swapped with while a batch runs; empty in between, its memory is kept.
    spare: RefCell<VecDeque<ImmediateId>>,
    referenced: Cell<usize>,
    next_number: Cell<u32>,
}

impl Immediates {
    pub(crate) fn len(&self) -> usize {
        self.slots.borrow().len()
    }

    pub(crate) fn keep_alive(&self) -> bool {
        self.referenced.get() > 0
    }

    fn remove(&self, id: ImmediateId) -> Option<Immediate> {
        let mut slots = self.slots.borrow_mut();
        slots.get(id.slot as usize).filter(|immediate| immediate.number == id.number)?;
        let immediate = slots.remove(id.slot as usize);
        if immediate.referenced {
            self.referenced.set(self.referenced.get() - 1);
        }
        Some(immediate)
    }

    pub(crate) fn clear(&self, lp: &LoopHandle) {
        let ids = self.queue.take();
        for id in ids {
            let immediate = self.remove(id);
            if let Some(immediate) = immediate {
                lp.dispose(immediate.location, immediate.code);
            }
        }
    }
}

impl LoopHandle {
    /// Runs `code` in the check phase that comes next.
    #[track_caller]
    pub fn set_immediate(&self, code: impl FnOnce(&LoopHandle) + 'static) -> ImmediateId {
        let immediates = &self.core.immediates;
        let location = Location::caller();
        let number = immediates.next_number.get().wrapping_add(1);
        immediates.next_number.set(number);
        if self.core.closed.get() {
            self.dispose(location, code);
            return ImmediateId { slot: u32::MAX, number };
        }
        let immediate = Immediate { number, referenced: true, code: Box::new(code), location };
        let slot = immediates.slots.borrow_mut().insert(immediate) as u32;
        let id = ImmediateId { slot, number };
        immediates.referenced.set(immediates.referenced.get() + 1);
        immediates.queue.borrow_mut().push_back(id);
        id
    }

    /// Clears an immediate; `false` if it has run or was cleared already.
    pub fn clear_immediate(&self, id: ImmediateId) -> bool {
        let removed = self.core.immediates.remove(id);
        let was_there = removed.is_some();
        if let Some(immediate) = removed {
            self.dispose(immediate.location, immediate.code);
        }
        was_there
    }

    /// Lets an immediate keep the loop alive (the default), or not.
    pub fn set_immediate_ref(&self, id: ImmediateId, referenced: bool) {
        let immediates = &self.core.immediates;
        let mut slots = immediates.slots.borrow_mut();
        let found = slots.get_mut(id.slot as usize).filter(|immediate| immediate.number == id.number);
        if let Some(immediate) = found
            && immediate.referenced != referenced
        {
            immediate.referenced = referenced;
            let count = immediates.referenced.get();
            immediates.referenced.set(if referenced { count + 1 } else { count - 1 });
        }
    }

    /// The first half of the check phase.
    pub(crate) fn run_immediates(&self) {
        let immediates = &self.core.immediates;
        if immediates.queue.borrow().is_empty() {
            return;
        }
        let mut batch = immediates.queue.replace(immediates.spare.take());
        while let Some(id) = batch.pop_front() {
            if self.core.must_end() {
                batch.push_front(id);
                batch.append(&mut immediates.queue.borrow_mut());
                *immediates.queue.borrow_mut() = batch;
                return;
            }
            let Some(immediate) = immediates.remove(id) else { continue };
            let site = Site::new(Callee::Immediate, immediate.number, immediate.location);
            self.call(site, || (immediate.code)(self));
        }
        *immediates.spare.borrow_mut() = batch;
    }
}
