//! Every interleaving of one writer and one reader of a small ring, under `--cfg loom`.
#![cfg(loom)]

use loom::sync::Arc;
use loom::sync::atomic::AtomicUsize;
use loom::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use loom::thread;
use sync_protocols::RingIndexes;

const CAPACITY: usize = 2;
const PUSHES: usize = 3;

/// What the model asks of ring indexes, so that broken ones can take their place.
trait Indexes: Send + Sync + 'static {
    fn try_push(&self) -> Option<usize>;
    fn commit_push(&self);
    fn readable(&self) -> (usize, usize);
    fn release(&self, count: usize);
}

impl Indexes for RingIndexes {
    fn try_push(&self) -> Option<usize> {
        RingIndexes::try_push(self)
    }
    fn commit_push(&self) {
        RingIndexes::commit_push(self);
    }
    fn readable(&self) -> (usize, usize) {
        RingIndexes::readable(self)
    }
    fn release(&self, count: usize) {
        RingIndexes::release(self, count);
    }
}

/// Slots are Relaxed atomics: only the indexes order them, and a stale value is seen as such.
struct Ring<I> {
    indexes: I,
    slots: [AtomicUsize; CAPACITY],
}

impl<I: Indexes> Ring<I> {
    fn push(&self, value: usize) -> bool {
        let Some(slot) = self.indexes.try_push() else { return false };
        self.slots[slot].store(value, Relaxed);
        self.indexes.commit_push();
        true
    }

    fn drain(&self, into: &mut Vec<usize>) {
        let (start, count) = self.indexes.readable();
        assert!(count <= CAPACITY, "{count} of {CAPACITY} slots in use");
        into.extend((0..count).map(|offset| self.slots[(start + offset) % CAPACITY].load(Relaxed)));
        self.indexes.release(count);
    }
}

/// A writer pushes three values at a ring of two slots while a reader looks twice; what is read at last must be
/// exactly what was accepted.
fn model<I: Indexes>(make: impl Fn() -> I + Send + Sync + 'static) {
    loom::model(move || {
        let slots = [AtomicUsize::new(0), AtomicUsize::new(0)];
        let ring = Arc::new(Ring { indexes: make(), slots });
        let writer = {
            let ring = ring.clone();
            thread::spawn(move || (1..=PUSHES).filter(|value| ring.push(*value)).collect::<Vec<_>>())
        };
        let mut read = Vec::new();
        ring.drain(&mut read);
        ring.drain(&mut read);
        let written = writer.join().unwrap();
        ring.drain(&mut read);
        assert_eq!(read, written, "read and written");
        assert!(written.starts_with(&[1, 2]), "a ring of two takes two");
    });
}

#[test]
fn r1_what_is_read_is_what_was_written() {
    model(|| RingIndexes::new(CAPACITY));
}

#[test]
fn r2_a_slot_is_not_written_again_before_the_reader_released_it() {
    loom::model(|| {
        let ring = Arc::new(Ring { indexes: RingIndexes::new(2), slots: Default::default() });
        assert!(ring.push(1) && ring.push(2));
        let writer = {
            let ring = ring.clone();
            thread::spawn(move || ring.push(3))
        };
        let (start, count) = ring.indexes.readable();
        let look = || [start, ring.indexes.slot(start, 1)].map(|slot| ring.slots[slot].load(Relaxed));
        assert_eq!((look(), look(), count), ([1, 2], [1, 2], 2));
        ring.indexes.release(1);
        let pushed = writer.join().unwrap();
        let mut left = Vec::new();
        ring.drain(&mut left);
        assert_eq!(left, if pushed { vec![2, 3] } else { vec![2] });
    });
}

/// The same indexes with one ordering or one check taken out.
struct Broken {
    written: AtomicUsize,
    released: AtomicUsize,
    flaw: Flaw,
}

#[derive(Clone, Copy, PartialEq)]
enum Flaw {
    PublishRelaxed,
    ReleaseTooEarly,
    Overwrite,
}

impl Broken {
    fn new(flaw: Flaw) -> Broken {
        Broken { written: AtomicUsize::new(0), released: AtomicUsize::new(0), flaw }
    }
}

impl Indexes for Broken {
    fn try_push(&self) -> Option<usize> {
        let written = self.written.load(Relaxed);
        let full = written - self.released.load(Acquire) >= CAPACITY;
        (!full || self.flaw == Flaw::Overwrite).then_some(written % CAPACITY)
    }
    fn commit_push(&self) {
        let order = if self.flaw == Flaw::PublishRelaxed { Relaxed } else { Release };
        self.written.store(self.written.load(Relaxed) + 1, order);
    }
    fn readable(&self) -> (usize, usize) {
        let released = self.released.load(Relaxed);
        let count = self.written.load(Acquire) - released;
        if self.flaw == Flaw::ReleaseTooEarly {
            self.released.store(released + count, Release);
        }
        (released % CAPACITY, count)
    }
    fn release(&self, count: usize) {
        if self.flaw != Flaw::ReleaseTooEarly {
            self.released.store(self.released.load(Relaxed) + count, Release);
        }
    }
}

#[test]
#[should_panic(expected = "read and written")]
fn loom_finds_a_count_that_is_published_before_its_contents() {
    model(|| Broken::new(Flaw::PublishRelaxed));
}

#[test]
#[should_panic(expected = "read and written")]
fn loom_finds_a_slot_that_is_released_before_it_is_read() {
    model(|| Broken::new(Flaw::ReleaseTooEarly));
}

#[test]
#[should_panic(expected = "slots in use")]
fn loom_finds_a_writer_that_does_not_ask_whether_the_ring_is_full() {
    model(|| Broken::new(Flaw::Overwrite));
}
