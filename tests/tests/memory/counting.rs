//! An allocator that counts what is alive: the system's, with two counters beside it.
//!
//! # Threads
//! Any thread counts. The counters belong together only while no thread allocates, and they are read then.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The size of hyper's buffers when they begin.
pub(crate) const BUFFER_BYTES: usize = 8 * 1024;

static LIVE_BYTES: AtomicUsize = AtomicUsize::new(0);
static LIVE_BUFFERS: AtomicUsize = AtomicUsize::new(0);

/// The system's allocator, counted.
pub(crate) struct Counting;

/// Bytes that are alive, and how many pieces of exactly [`BUFFER_BYTES`] are among them.
pub(crate) fn live() -> (usize, usize) {
    (LIVE_BYTES.load(Ordering::SeqCst), LIVE_BUFFERS.load(Ordering::SeqCst))
}

fn count(size: usize, change: fn(&AtomicUsize, usize)) {
    change(&LIVE_BYTES, size);
    if size == BUFFER_BYTES {
        change(&LIVE_BUFFERS, 1);
    }
}

fn more(counter: &AtomicUsize, by: usize) {
    counter.fetch_add(by, Ordering::SeqCst);
}

fn less(counter: &AtomicUsize, by: usize) {
    counter.fetch_sub(by, Ordering::SeqCst);
}

// SAFETY: every call goes to the system's allocator unchanged, and counting neither allocates nor panics.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), more);
        // SAFETY: the caller's promises are those that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        count(layout.size(), less);
        // SAFETY: as above; what is given back came from the system's allocator.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(layout.size(), less);
        count(size, more);
        // SAFETY: as above.
        unsafe { System.realloc(place, layout, size) }
    }
}
