//! A cell of two words that threads read without a lock and write without a loss: a sequence lock.
//!
//! # Model
//! The version is even while the words are at rest and odd while one writer writes them. A reader takes the words
//! and believes them when the version was even and did not change meanwhile; else it reads again.
//!
//! ```text
//! store                                       load
//! version v (even) -> v + 1, CAS, Acquire     v = version, Acquire; odd? again
//! fence(Release)                              tag, payload: Relaxed
//! tag, payload: Relaxed                       fence(Acquire)
//! version = v + 2, Release                    version == v, Relaxed? else again
//! ```
//!
//! | version | meaning                   | set                | left             |
//! |---------|---------------------------|--------------------|------------------|
//! | even    | the words belong together | writer, at its end | a writer's CAS   |
//! | odd     | one writer is at work     | that writer's CAS  | that writer      |
//!
//! Pairs of orderings. The Release store of the even version meets the Acquire load of a reader, and the Acquire of
//! the next writer's CAS: who sees it sees both words. The writer's Release fence meets the reader's Acquire fence:
//! a reader that took one new word sees at least the odd version, and does not believe what it has. The words are
//! atomics, so a torn read is a value that is thrown away, not undefined behaviour.
//!
//! # Invariants
//! - Z1: nobody ever gets a tag and a payload that were not stored together.
//! - Z2: every store takes effect: two writers never mix, and none is dropped.
//!
//! # Source
//! H.-J. Boehm, "Can seqlocks get along with programming language memory models?", MSPC 2012.

use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

use crate::shim::{AtomicU64, Spin, fence};

/// Two words that are read and written together; see the file's header for the protocol.
pub struct SeqCell {
    version: AtomicU64,
    tag: AtomicU64,
    payload: AtomicU64,
}

impl std::fmt::Debug for SeqCell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (tag, payload) = self.load();
        f.debug_tuple("SeqCell").field(&tag).field(&payload).finish()
    }
}

impl SeqCell {
    /// A cell that holds this pair.
    pub fn new(tag: u64, payload: u64) -> SeqCell {
        SeqCell { version: AtomicU64::new(0), tag: AtomicU64::new(tag), payload: AtomicU64::new(payload) }
    }

    /// The pair, as some store left it.
    #[inline]
    pub fn load(&self) -> (u64, u64) {
        let mut spin = Spin::default();
        loop {
            let version = self.version.load(Acquire); // Partner: the last line of `store`.
            if version & 1 == 0 {
                let pair = (self.tag.load(Relaxed), self.payload.load(Relaxed));
                fence(Acquire); // Partner: the fence in `store`.
                if self.version.load(Relaxed) == version {
                    return pair;
                }
            }
            spin.once();
        }
    }

    /// Replaces the pair.
    #[inline]
    pub fn store(&self, tag: u64, payload: u64) {
        let version = self.begin();
        fence(Release); // Partner: the fence in `load`.
        self.tag.store(tag, Relaxed);
        self.payload.store(payload, Relaxed);
        self.version.store(version + 2, Release); // Partners: the Acquire in `load` and in `begin`.
    }

    /// Makes the version odd and returns the even one before.
    #[inline]
    fn begin(&self) -> u64 {
        let mut spin = Spin::default();
        loop {
            let version = self.version.load(Relaxed);
            if version & 1 == 0
                && self.version.compare_exchange(version, version + 1, Acquire, Relaxed).is_ok()
            {
                return version;
            }
            spin.once();
        }
    }
}
