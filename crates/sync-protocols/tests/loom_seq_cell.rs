//! Every interleaving of readers and writers of a cell of two words, under `--cfg loom`.
#![cfg(loom)]

use std::sync::Arc;

use loom::model::Builder;
use loom::sync::atomic::Ordering::{Acquire, Relaxed, Release};
use loom::sync::atomic::{AtomicU64, fence};
use loom::thread;
use sync_protocols::SeqCell;

/// What the models ask of a cell, so that broken ones can take its place.
trait Cell: Send + Sync + 'static {
    fn load(&self) -> (u64, u64);
    fn store(&self, tag: u64, payload: u64);
}

impl Cell for SeqCell {
    fn load(&self) -> (u64, u64) {
        SeqCell::load(self)
    }
    fn store(&self, tag: u64, payload: u64) {
        SeqCell::store(self, tag, payload);
    }
}

/// Each writer stores its own number into both words; a pair of different numbers is torn. In the end one of the
/// last stores stands, and nothing is half done.
fn model<C: Cell>(
    preemptions: usize,
    writers: &'static [&'static [u64]],
    reads: usize,
    make: impl Fn() -> C + Send + Sync + 'static,
) {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(move || {
        let cell = Arc::new(make());
        let threads: Vec<_> = writers
            .iter()
            .map(|numbers| {
                let cell = cell.clone();
                thread::spawn(move || {
                    for &number in *numbers {
                        cell.store(number, number);
                    }
                })
            })
            .collect();
        for _ in 0..reads {
            let (tag, payload) = cell.load();
            assert_eq!(tag, payload, "a torn pair");
        }
        for thread in threads {
            thread.join().unwrap();
        }
        let (tag, payload) = cell.load();
        assert_eq!(tag, payload, "a torn pair");
        assert!(
            writers.iter().any(|numbers| numbers.last() == Some(&tag)),
            "the last stores were lost: {tag}"
        );
    });
}

#[test]
fn z1_a_reader_beside_a_writer_gets_whole_pairs() {
    model(3, &[&[1, 2]], 2, || SeqCell::new(0, 0));
}

#[test]
fn z2_two_writers_never_mix_and_none_is_dropped() {
    model(3, &[&[1], &[2]], 0, || SeqCell::new(0, 0));
    model(1, &[&[1], &[2]], 1, || SeqCell::new(0, 0));
}

/// A store that follows another is never overtaken by it, also for a third thread that has seen it.
#[test]
fn z2_what_was_read_once_is_not_older_the_next_time() {
    let mut builder = Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(|| {
        let cell = Arc::new(SeqCell::new(0, 0));
        let writer = {
            let cell = cell.clone();
            thread::spawn(move || {
                cell.store(1, 1);
                cell.store(2, 2);
            })
        };
        let (first, second) = (cell.load().0, cell.load().0);
        assert!(first <= second, "{second} after {first}");
        writer.join().unwrap();
        assert_eq!(cell.load(), (2, 2));
    });
}

/// The protocol again, in little, with one part taken out.
struct Broken {
    version: AtomicU64,
    words: [AtomicU64; 2],
    flaw: Flaw,
}

#[derive(Clone, Copy, PartialEq)]
enum Flaw {
    /// For comparison: the copy itself is right.
    None,
    ReaderLooksOnce,
    NoReaderFence,
    NoWriterFence,
    WriterDoesNotClaim,
}

impl Broken {
    fn new(flaw: Flaw) -> Broken {
        Broken { version: AtomicU64::new(0), words: [AtomicU64::new(0), AtomicU64::new(0)], flaw }
    }
}

impl Cell for Broken {
    fn load(&self) -> (u64, u64) {
        loop {
            let version = self.version.load(Acquire);
            if version & 1 == 0 {
                let pair = (self.words[0].load(Relaxed), self.words[1].load(Relaxed));
                if self.flaw != Flaw::NoReaderFence {
                    fence(Acquire);
                }
                if self.flaw == Flaw::ReaderLooksOnce || self.version.load(Relaxed) == version {
                    return pair;
                }
            }
            thread::yield_now();
        }
    }

    fn store(&self, tag: u64, payload: u64) {
        let version = loop {
            let version = self.version.load(Relaxed);
            if self.flaw == Flaw::WriterDoesNotClaim {
                self.version.store(version | 1, Relaxed);
                break version & !1;
            }
            if version & 1 == 0
                && self.version.compare_exchange(version, version + 1, Acquire, Relaxed).is_ok()
            {
                break version;
            }
            thread::yield_now();
        };
        if self.flaw != Flaw::NoWriterFence {
            fence(Release);
        }
        self.words[0].store(tag, Relaxed);
        self.words[1].store(payload, Relaxed);
        self.version.store(version + 2, Release);
    }
}

#[test]
fn the_copy_without_a_flaw_passes() {
    model(3, &[&[1, 2]], 2, || Broken::new(Flaw::None));
    model(3, &[&[1], &[2]], 0, || Broken::new(Flaw::None));
}

#[test]
#[should_panic(expected = "torn")]
fn loom_finds_a_reader_that_looks_at_the_version_once() {
    model(3, &[&[1, 2]], 2, || Broken::new(Flaw::ReaderLooksOnce));
}

#[test]
#[should_panic(expected = "torn")]
fn loom_finds_the_missing_fence_of_the_reader() {
    model(3, &[&[1, 2]], 2, || Broken::new(Flaw::NoReaderFence));
}

#[test]
#[should_panic(expected = "torn")]
fn loom_finds_the_missing_fence_of_the_writer() {
    model(3, &[&[1, 2]], 2, || Broken::new(Flaw::NoWriterFence));
}

#[test]
#[should_panic(expected = "torn")]
fn loom_finds_two_writers_at_work_at_once() {
    model(3, &[&[1], &[2]], 0, || Broken::new(Flaw::WriterDoesNotClaim));
}
