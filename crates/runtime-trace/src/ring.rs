//! One thread's ring of records: four atomic words a slot, so that sharing needs no `unsafe`.
//!
//! # Model
//! The words of a slot are stored and loaded with `Relaxed`: what orders them is the pair of indexes of
//! [`sync_protocols::RingIndexes`], whose header draws both sides of the protocol. A relaxed 8-byte store is an
//! ordinary store on every 64-bit machine, so a record costs what writing 32 bytes costs.
//!
//! ```text
//! word 0: t_ns    word 1: id    word 2: parent    word 3: arg << 32 | lane << 16 | kind
//! ```
//!
//! The slots are allocated in chunks when the writer first comes to them: a lane that writes little takes little,
//! whatever its capacity is, and after the first round nothing is allocated any more.
//!
//! | word      | stored by | ordering | partner                                                   |
//! |-----------|-----------|----------|-----------------------------------------------------------|
//! | slots     | writer    | Relaxed  | published by `commit_push`, seen through `readable`       |
//! | `dropped` | writer    | Relaxed  | none: a statistic, exact when the writer has stopped      |
//! | `closed`  | writer    | Release  | Acquire in `is_closed`: then nothing more will be written |
//!
//! # Invariants
//! - R1: a full ring keeps what it has, drops the new record and counts it: written + dropped = attempted.
//! - R2: records come out in the order in which they went in, whole, each once.
//!
//! # Threads
//! One writer (the [`crate::Lane`], which is not `Sync` and not `Clone`), one reader at a time (the recorder
//! holds a lock while it collects).

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use sync_protocols::RingIndexes;

use crate::event::{EventKind, Record};

/// The slots of one lane and the indexes that publish them.
pub(crate) struct Ring {
    /// `chunks[slot / CHUNK][slot % CHUNK]`.
    chunks: Box<[OnceLock<Box<[Slot]>>]>,
    indexes: RingIndexes,
    dropped: AtomicU64,
    closed: AtomicBool,
    lane: u16,
}

type Slot = [AtomicU64; 4];

/// Slots in a chunk: 32 kB.
const CHUNK: usize = 1 << 10;

impl Ring {
    /// An empty ring for lane `lane`; `capacity` is rounded up to a power of two.
    pub(crate) fn new(capacity: usize, lane: u16) -> Ring {
        let capacity = capacity.max(1).next_power_of_two();
        Ring {
            chunks: (0..capacity.div_ceil(CHUNK)).map(|_| OnceLock::new()).collect(),
            indexes: RingIndexes::new(capacity),
            dropped: AtomicU64::new(0),
            closed: AtomicBool::new(false),
            lane,
        }
    }

    /// The lane whose records these are.
    pub(crate) fn lane(&self) -> u16 {
        self.lane
    }

    /// Writer: adds a record, or counts it as dropped when the ring is full.
    #[inline]
    pub(crate) fn push(&self, t_ns: u64, kind: EventKind, id: u64, parent: u64, arg: u32) {
        let Some(slot) = self.indexes.try_push() else {
            // Only this thread stores it, so a load and a store do; no locked instruction is needed.
            self.dropped.store(self.dropped.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
            return;
        };
        let packed = u64::from(arg) << 32 | u64::from(self.lane) << 16 | kind as u64;
        let chunk = self.chunks[slot / CHUNK].get_or_init(|| new_chunk(self.indexes.capacity()));
        for (word, value) in chunk[slot % CHUNK].iter().zip([t_ns, id, parent, packed]) {
            word.store(value, Ordering::Relaxed);
        }
        self.indexes.commit_push();
    }

    /// Writer: says that nothing more will come.
    pub(crate) fn close(&self) {
        self.closed.store(true, Ordering::Release);
    }

    /// Reader: whether the writer is gone; ask before draining, so that what was written last is not missed.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Reader: moves every published record to the end of `into`.
    pub(crate) fn drain(&self, into: &mut Vec<Record>) {
        let (start, count) = self.indexes.readable();
        into.extend((0..count).filter_map(|offset| {
            let slot = self.indexes.slot(start, offset);
            unpack(&self.chunks[slot / CHUNK].get()?[slot % CHUNK])
        }));
        self.indexes.release(count);
    }

    /// Records dropped so far, in all.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

#[cold]
fn new_chunk(capacity: usize) -> Box<[Slot]> {
    (0..capacity.min(CHUNK)).map(|_| Slot::default()).collect()
}

/// The record in a slot; `None` for a code that no kind has, which a published slot never holds.
fn unpack(slot: &Slot) -> Option<Record> {
    let [t_ns, id, parent, packed] = [0, 1, 2, 3].map(|word| slot[word].load(Ordering::Relaxed));
    let kind = EventKind::from_code(packed as u8)?;
    Some(Record { t_ns, id, parent, arg: (packed >> 32) as u32, lane: (packed >> 16) as u16, kind })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drained(ring: &Ring) -> Vec<Record> {
        let mut records = Vec::new();
        ring.drain(&mut records);
        records
    }

    #[test]
    fn r1_a_full_ring_keeps_the_old_and_counts_the_new() {
        let ring = Ring::new(4, 0);
        for id in 0..10 {
            ring.push(id, EventKind::Mark, id, 0, 0);
        }
        assert_eq!(ring.dropped(), 6);
        assert_eq!(drained(&ring).iter().map(|record| record.id).collect::<Vec<_>>(), [0, 1, 2, 3]);
        ring.push(10, EventKind::Mark, 10, 0, 0);
        assert_eq!(drained(&ring).iter().map(|record| record.id).collect::<Vec<_>>(), [10]);
        assert_eq!(ring.dropped(), 6, "the total stays and does not start again");
    }

    #[test]
    fn r2_every_field_survives_at_its_extremes() {
        let ring = Ring::new(64, u16::MAX);
        for kind in EventKind::ALL {
            ring.push(u64::MAX, kind, u64::MAX - 1, u64::MAX - 2, u32::MAX);
        }
        for (record, kind) in drained(&ring).into_iter().zip(EventKind::ALL) {
            let expected = Record {
                t_ns: u64::MAX,
                id: u64::MAX - 1,
                parent: u64::MAX - 2,
                arg: u32::MAX,
                lane: u16::MAX,
                kind,
            };
            assert_eq!(record, expected);
        }
        assert!(drained(&ring).is_empty());
    }

    #[test]
    fn r2_records_cross_chunks_and_the_end_of_the_ring_in_order() {
        let ring = Ring::new(4 * CHUNK, 0);
        let mut next = 0;
        for round in 0..7 {
            let first = next;
            for _ in 0..CHUNK + 300 * round {
                ring.push(next, EventKind::Mark, next, 0, 0);
                next += 1;
            }
            assert!(drained(&ring).iter().map(|record| record.id).eq(first..next));
        }
        assert_eq!(ring.dropped(), 0);
    }

    #[test]
    fn a_large_ring_allocates_only_what_is_written() {
        let ring = Ring::new(1 << 24, 0);
        (0..CHUNK as u64 + 1).for_each(|id| ring.push(id, EventKind::Mark, id, 0, 0));
        assert_eq!(ring.chunks.iter().filter(|chunk| chunk.get().is_some()).count(), 2);
        assert_eq!(drained(&ring).len(), CHUNK + 1);
    }

    #[test]
    fn capacities_are_rounded_up_to_a_power_of_two() {
        for (asked, holds) in [(0, 1), (1, 1), (5, 8), (8, 8)] {
            let ring = Ring::new(asked, 0);
            for id in 0..100 {
                ring.push(id, EventKind::Mark, id, 0, 0);
            }
            assert_eq!(drained(&ring).len(), holds);
        }
    }
}
