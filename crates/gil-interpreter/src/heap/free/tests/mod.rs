//! The free heap with real threads, which meet at barriers, and beside the heap under the lock.

mod lifetimes;
mod threads;
mod agreement;

use super::*;
use crate::heap::driver::{Driver, id, show};
use crate::heap::*;

/// More than any test here uses.
const PLENTY: usize = 1 << 30;

fn class(name: &str) -> Class {
    Class {
        name: name.into(),
        module: None,
        base: None,
        attrs: NameMap::default(),
        order: Vec::new(),
        layout: NameMap::default(),
        new: None,
        per_thread: false,
        builtin: false,
    }
}

/// Something of ours that keeps a value.
struct Keeper(Value);

impl HostObject for Keeper {
    fn trace(&self, visit: &mut dyn FnMut(Value)) {
        visit(self.0);
    }
}

/// How many objects there are, while the only thread is detached.
fn count(driver: &mut Driver<FreeView>, heap: &FreeHeap) -> usize {
    driver.detached(|| heap.count())
}
