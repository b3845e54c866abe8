//! The eval breaker: one word that the eval loop reads at each check site, and who raises which bit of it.
//!
//! # Model
//! ```text
//! bit       raised by                          what the reader does
//! DROP      a waiter that timed out            gives the lock away and takes it again
//! SIGNAL    Ctrl-C                             the main thread raises KeyboardInterrupt
//! COLLECT   the heap, when it has grown        collects
//! STOP      the time limit, or the program's end   leaves its frames for good
//! WORLD     a collector of the free heap       waits until the world goes on
//! ```
//! With one word for all threads (until CPython 3.12) whoever runs next reads the bit; with a word for each thread
//! (3.13) only the holder that is meant does.
//!
//! All accesses are Relaxed: a bit is a hint to look at something that a lock guards.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

use parking_lot::Mutex;
use sync_protocols::gil::Requests;

pub(crate) const DROP: u32 = 1;
pub(crate) const SIGNAL: u32 = 2;
pub(crate) const COLLECT: u32 = 4;
pub(crate) const STOP: u32 = 8;
pub(crate) const WORLD: u32 = 16;

/// The words of all threads of one interpreter.
pub(crate) struct Breakers {
    /// The word of every thread, when they share it.
    shared: Option<Arc<AtomicU32>>,
    words: Mutex<Vec<(u32, Arc<AtomicU32>)>>,
    /// Those of interpreters that threads of this one were given.
    children: Mutex<Vec<Arc<Breakers>>>,
    /// The program ends: whoever joins is told at once. Written before the locks above are taken to tell the others,
    /// and read after they were held to join, so that nobody slips through.
    ended: AtomicBool,
}

impl Breakers {
    /// One word for all, or one for each.
    pub(crate) fn new(per_thread: bool) -> Breakers {
        let shared = (!per_thread).then(|| Arc::new(AtomicU32::new(0)));
        Breakers {
            shared,
            words: Mutex::default(),
            children: Mutex::default(),
            ended: AtomicBool::new(false),
        }
    }

    /// The word that `thread` reads, from now on raised with the others.
    pub(crate) fn join(&self, thread: u32) -> Arc<AtomicU32> {
        let word = self.shared.clone().unwrap_or_default();
        self.words.lock().push((thread, Arc::clone(&word)));
        if self.ended.load(Relaxed) {
            word.fetch_or(STOP, Relaxed);
        }
        word
    }

    /// The thread has ended.
    pub(crate) fn leave(&self, thread: u32) {
        self.words.lock().retain(|(other, _)| *other != thread);
    }

    /// Raises bits for one thread.
    pub(crate) fn raise(&self, thread: u32, bits: u32) {
        if let Some((_, word)) = self.words.lock().iter().find(|(other, _)| *other == thread) {
            word.fetch_or(bits, Relaxed);
        }
    }

    /// What is raised for all here is raised there too.
    pub(crate) fn adopt(&self, child: Arc<Breakers>) {
        self.children.lock().push(Arc::clone(&child));
        if self.ended.load(Relaxed) {
            child.raise_all(STOP);
        }
    }

    /// Raises bits for all threads.
    pub(crate) fn raise_all(&self, bits: u32) {
        if bits & STOP != 0 {
            self.ended.store(true, Relaxed);
        }
        let children = self.children.lock().clone();
        children.iter().for_each(|child| child.raise_all(bits));
        self.words.lock().iter().for_each(|(_, word)| {
            word.fetch_or(bits, Relaxed);
        });
    }

    /// Lowers bits for one thread.
    pub(crate) fn lower(&self, thread: u32, bits: u32) {
        if let Some((_, word)) = self.words.lock().iter().find(|(other, _)| *other == thread) {
            word.fetch_and(!bits, Relaxed);
        }
    }

    /// Lowers bits for all threads.
    pub(crate) fn lower_all(&self, bits: u32) {
        self.words.lock().iter().for_each(|(_, word)| {
            word.fetch_and(!bits, Relaxed);
        });
    }
}

impl Requests for Breakers {
    fn raise(&self, holder: u32) {
        Breakers::raise(self, holder, DROP);
    }

    fn clear(&self, me: u32) {
        if self.shared.is_some() { self.lower_all(DROP) } else { self.lower(me, DROP) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_joins_after_the_end_is_told_too() {
        let breakers = Breakers::new(true);
        let early = breakers.join(0);
        let (adopted, late) = (Arc::new(Breakers::new(true)), Arc::new(Breakers::new(true)));
        let inside = adopted.join(1);
        breakers.adopt(Arc::clone(&adopted));
        breakers.raise_all(SIGNAL);
        assert_eq!(breakers.join(2).load(Relaxed), 0, "a signal is for those who were there");
        breakers.raise_all(STOP);
        breakers.adopt(Arc::clone(&late));
        assert_eq!([&early, &inside].map(|word| word.load(Relaxed)), [SIGNAL | STOP; 2]);
        assert_eq!(
            [breakers.join(3), adopted.join(4), late.join(5)].map(|word| word.load(Relaxed)),
            [STOP; 3]
        );
    }
}
