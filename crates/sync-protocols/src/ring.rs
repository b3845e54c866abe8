//! The indexes of a ring between one writing thread and one reading thread, without the slots themselves.
//!
//! # Model
//! The owner keeps `capacity` slots of its own, of whatever type it likes; this type says which slot may be
//! written next and which may be read. Positions count up for ever and wrap around at `usize::MAX`; a slot is a
//! position modulo the capacity, which is why the capacity is a power of two. `written - released` slots are in
//! use: 0 is empty, `capacity` is full. A full ring refuses, so that the newest is dropped and counted by the
//! owner, and what was recorded first stays.
//!
//! ```text
//! writer (one thread)                           reader (one thread at a time)
//! try_push: written - released < capacity?      readable: written - released slots,
//!           slot = written % capacity                     the oldest is released % capacity
//! write the slot                                read the slots
//! commit_push: written += 1   (Release) ------> readable loads `written`   (Acquire)
//! try_push loads `released`   (Acquire) <------ release(n): released += n  (Release)
//! ```
//!
//! The upper arrow closes the race "the reader sees the count but not yet the contents"; the lower one closes
//! "the writer overwrites a slot that the reader is still reading".
//!
//! | word       | stored by | ordering | partner                                     |
//! |------------|-----------|----------|---------------------------------------------|
//! | `written`  | writer    | Release  | Acquire in `readable`                       |
//! | `released` | reader    | Release  | Acquire in `try_push`                       |
//! | `seen`     | writer    | Relaxed  | none: only the writer touches it, see below |
//!
//! `seen` is the writer's last look at `released`. Only when the ring looks full by it is the reader's cache line
//! loaded again, so that a writer that is not full shares no line with the reader.
//!
//! # Invariants
//! - R1: what was written before `commit_push` is visible to whoever finds the slot in `readable`.
//! - R2: a slot is not handed to the writer before the reader released it.
//! - R3: slots are read in the order in which they were written, each once; at most `capacity` are in use.
//!
//! # Threads
//! One thread at a time pushes, one thread at a time reads. Nothing here is unsafe when that is broken, but then
//! slots are lost or read twice.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::shim::AtomicUsize;

/// Which slots of a ring may be written and which may be read; see the file's header for the protocol.
#[derive(Debug)]
pub struct RingIndexes {
    writer: WriterLine,
    reader: ReaderLine,
    mask: usize,
}

/// The words that the writer stores, on a cache line of their own (two: CPUs fetch lines in pairs).
#[repr(align(128))]
#[derive(Debug)]
struct WriterLine {
    written: AtomicUsize,
    seen: AtomicUsize,
}

/// The word that the reader stores.
#[repr(align(128))]
#[derive(Debug)]
struct ReaderLine {
    released: AtomicUsize,
}

impl RingIndexes {
    /// Indexes of an empty ring of `capacity` slots.
    ///
    /// # Panics
    /// When `capacity` is not a power of two (0 is none).
    pub fn new(capacity: usize) -> RingIndexes {
        assert!(capacity.is_power_of_two(), "a ring needs a power of two as its capacity, not {capacity}");
        RingIndexes {
            writer: WriterLine { written: AtomicUsize::new(0), seen: AtomicUsize::new(0) },
            reader: ReaderLine { released: AtomicUsize::new(0) },
            mask: capacity - 1,
        }
    }

    /// The number of slots.
    pub fn capacity(&self) -> usize {
        self.mask + 1
    }

    /// Writer: the slot to write next, or `None` when the ring is full. Without `commit_push` nothing happens.
    #[inline]
    pub fn try_push(&self) -> Option<usize> {
        let written = self.writer.written.load(Relaxed); // This thread stored it.
        if written.wrapping_sub(self.writer.seen.load(Relaxed)) > self.mask {
            let released = self.reader.released.load(Acquire); // Partner: Release in `release`.
            self.writer.seen.store(released, Relaxed);
            if written.wrapping_sub(released) > self.mask {
                return None;
            }
        }
        Some(written & self.mask)
    }

    /// Writer: publishes the slot that `try_push` gave.
    #[inline]
    pub fn commit_push(&self) {
        let written = self.writer.written.load(Relaxed);
        self.writer.written.store(written.wrapping_add(1), Release); // Partner: Acquire in `readable`.
    }

    /// Reader: the slot of the oldest item and how many there are; item `i` is in [`RingIndexes::slot`]`(start, i)`.
    #[inline]
    pub fn readable(&self) -> (usize, usize) {
        let released = self.reader.released.load(Relaxed); // The reading thread stored it.
        let written = self.writer.written.load(Acquire); // Partner: Release in `commit_push`.
        (released & self.mask, written.wrapping_sub(released))
    }

    /// The slot `offset` places after `start`, around the end of the ring.
    #[inline]
    pub fn slot(&self, start: usize, offset: usize) -> usize {
        start.wrapping_add(offset) & self.mask
    }

    /// Reader: gives the `count` oldest slots back to the writer.
    ///
    /// # Panics
    /// In debug builds, when fewer are readable.
    #[inline]
    pub fn release(&self, count: usize) {
        debug_assert!(count <= self.readable().1, "released {count} slots of {}", self.readable().1);
        let released = self.reader.released.load(Relaxed);
        self.reader.released.store(released.wrapping_add(count), Release); // Partner: Acquire in `try_push`.
    }
}
