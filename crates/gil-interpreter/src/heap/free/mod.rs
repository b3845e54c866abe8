//! The heap without a global lock: all threads read and write it at once.
//!
//! # Model
//! ```text
//! FreeHeap ── RwLock<World> ── arenas, globals, parked stacks
//!                │ read guard, owned: the thread is attached
//!             FreeView, one for each thread: the guard, its blocks of vacant slots, its inline caches
//! ```
//! Texts, bytes, tuples, functions and resources are read without a lock. A list, a dict, a class or an iterator is
//! behind a mutex of its own, which is held for one operation only; so are the small kinds that are copied out (a range,
//! a bound method), because a mutex is filled faster than what can be set only once. Variables (globals, cells, attributes) are cells of two words under a sequence
//! lock. So no operation of ours is ever torn, and between two of them everything may change: `n += 1` is a load, an
//! addition and a store, and loses updates as the real free-threaded runtime does.
//!
//! The real one counts references, with a count for the owner and an atomic one for all others. We do not: a
//! count would be needed for each copy of a value, in every stack and local variable of ours; values would no longer
//! be `Copy`, and the eval loop could not be the same for both heaps. Instead the world is stopped to mark and sweep,
//! which the real one does too, for what counts do not find. What is given up is that an object dies at once.
//!
//! # Invariants
//! - FH1: a collection frees what no root reaches, and nothing else: globals, permanent values, the parked stacks of
//!   all threads, and what those refer to stay.
//! - FH2: no thread looks at an object that was freed.
//! - FH3: a collector is not kept waiting by a thread that polls its breaker word, that is detached, or that starts.
//! - FH4: two threads that want to collect at once collect once, and neither waits for the other forever.
//! - FH5: what a thread kept for itself (vacant slots, caches) is not used after a collection.
//! - FH6: when more than the limit is in use after a collection, that is reported.
//! - FH7: a cache filled from a class before the class changed is stale afterwards.
//! - FH8: for one thread it behaves as the heap under the lock does.
//!
//! # Threads
//! Why no thread can look at a freed object (FH2). Objects are freed through `&mut World` only, which the write guard
//! gives, and any look at an object goes through `&World`, which a read guard gives. So nobody looks while one is
//! freed; that much the types say. It remains that nobody keeps an id across a collection without saying so:
//!
//! ```text
//! thread                                          collector
//! at a check site, or before it blocks:           parks its own stack, drops its read guard
//!   parks its stack in World.parked               takes `turn`
//!   drops its read guard                          `stopping` = true, WORLD in all breaker words
//!   ..                                            takes the write guard: every thread is detached, so every
//! takes the read guard                              stack is in World.parked
//! `stopping`? then WORLD in its own word          marks from them, frees, counts the collection
//! takes its stack from World.parked               lowers WORLD and COLLECT, `stopping` = false
//! another collection than before?                 drops the write guard, then `turn`; attaches as all do
//!   forgets its vacant slots and its caches
//! ```
//! The races that this closes:
//! - A stack is parked before the guard is dropped, and taken after the guard was taken: it is in the table whenever
//!   the write guard is held. The eval loop keeps no value elsewhere at a check site.
//! - A thread that starts attaches after `WORLD` was raised for all and before the writer waits: it did not see the
//!   bit. It had joined `Breakers` after that raise, under the same mutex, so it sees `stopping` (Relaxed: that mutex
//!   is the partner) and raises its own bit. One that joined earlier was raised with all.
//! - A thread may attach, see WORLD, detach and attach again before the writer waits: it goes round until then.
//!   A writer that waits cannot starve: parking_lot's lock lets no new reader in from then on. For this reason a
//!   thread must never attach twice (two views, or a guard taken inside another).
//! - `turn` is taken while detached only, so its holder waits for nobody who waits for it. Who gets it second sees
//!   that the number of collections has changed, and does not collect again (FH4).
//! - A thread that blocks has detached, and the world turns without it; it must not touch a value until it is back.
//!
//! Locks are taken in this order: `turn`; the world; then at most one of: an object's mutex, an arena's blocks, the
//! parked stacks, the permanent values. Under `turn` and the world also the words of `Breakers`.
//!
//! # Source
//! CPython 3.13, `stop_the_world` in Python/pystate.c and Python/gc_free_threading.c; PEP 703.

mod arena;
mod cell;
mod instance;
mod world;
mod view;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};

pub(crate) use view::FreeView;
use world::World;

/// What all threads of a program share.
pub(crate) struct FreeHeap {
    world: Arc<RwLock<World>>,
    /// Who collects; inside, how often that was done.
    turn: Mutex<u64>,
    /// A collector is about to take the world.
    stopping: AtomicBool,
    /// How many inline caches each thread has.
    caches: usize,
    /// What `sys.setswitchinterval` was told; nobody waits that long for anything here.
    interval: Mutex<Duration>,
}

impl FreeHeap {
    /// An empty heap with this many globals and caches, and a limit on its size.
    pub(crate) fn new(globals: usize, caches: usize, limit_bytes: usize) -> Arc<FreeHeap> {
        Arc::new(FreeHeap {
            world: Arc::new(RwLock::new(World::new(globals, limit_bytes))),
            turn: Mutex::new(0),
            stopping: AtomicBool::new(false),
            caches,
            interval: Mutex::new(Duration::from_millis(5)),
        })
    }

    /// How many objects there are. Nobody may be attached on this OS thread.
    #[cfg(test)]
    fn count(&self) -> usize {
        self.world.write().arenas.len()
    }
}
