//! All objects that the threads of a free heap share, and the mark and sweep over them.
//!
//! # Model
//! ```text
//! &World       an attached thread: adds objects, reads them, changes them under their own locks
//! &mut World   the collector, when no thread is attached: marks from the roots, frees the rest
//! ```
//! # Invariants
//! - FW1: every kind of object keeps alive what it refers to, and is freed when nothing refers to it.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;

use super::arena::{Buffer, SharedArena};
use super::cell::ValueCell;
use super::instance::InstanceSlot;
use crate::heap::keys::KeyReader;
use crate::heap::{
    BoundMethod, Class, Dict, DictView, Function, HostObject, Iterator, Parked, Range, Slice, Super, Text,
};
use crate::value::{Id, Value};

/// A slot of a kind that is handed out by reference, and of one that is copied or changes.
type Fixed<K> = OnceLock<K>;
type Guarded<K> = Mutex<Option<K>>;

/// An arena for each kind, and what goes over all of them.
macro_rules! arenas {
    ($($arena:ident: $slot:ty => $tag:ident,)*) => {
        #[derive(Default)]
        pub(super) struct Arenas {
            $(pub(super) $arena: SharedArena<$slot>,)*
        }

        /// The blocks that one thread fills.
        #[derive(Default)]
        pub(super) struct Buffers {
            $(pub(super) $arena: Buffer,)*
        }

        impl Arenas {
            fn mark(&mut self, value: Value) -> bool {
                match value {
                    $(Value::$tag(id) => self.$arena.mark(id),)*
                    _ => false,
                }
            }

            fn trace(&mut self, value: Value, found: &mut Vec<Value>) {
                match value {
                    $(Value::$tag(id) => self.$arena.trace(id, &mut |value| found.push(value)),)*
                    _ => {}
                }
            }

            /// Frees what is not marked; gives the bytes of what stays.
            fn sweep(&mut self) -> usize {
                let bytes = [$(self.$arena.sweep(),)*];
                bytes.iter().sum()
            }

            /// Takes back what a thread that ends did not use.
            pub(super) fn give_back(&self, buffers: &mut Buffers) {
                $(self.$arena.give_back(&mut buffers.$arena);)*
            }

            /// How many objects there are.
            #[cfg(test)]
            pub(super) fn len(&mut self) -> usize {
                let counts = [$(self.$arena.len(),)*];
                counts.iter().sum()
            }
        }
    };
}

arenas! {
    texts: Fixed<Text> => Str,
    bytes: Fixed<Box<[u8]>> => Bytes,
    tuples: Fixed<Box<[Value]>> => Tuple,
    ranges: Guarded<Range> => Range,
    slices: Guarded<Slice> => Slice,
    functions: Fixed<Function> => Function,
    bound_methods: Guarded<BoundMethod> => BoundMethod,
    supers: Guarded<Super> => Super,
    dict_views: Guarded<DictView> => DictView,
    hosts: Fixed<Arc<dyn HostObject>> => Host,
    instances: InstanceSlot => Instance,
    lists: Guarded<Vec<Value>> => List,
    dicts: Guarded<Dict> => Dict,
    classes: Guarded<Class> => Class,
    iterators: Guarded<Iterator> => Iterator,
    cells: ValueCell => Cell,
}

/// See the file's header.
pub(crate) struct World {
    pub(super) arenas: Arenas,
    pub(super) globals: Box<[ValueCell]>,
    pub(super) class_epoch: AtomicU32,
    pub(super) permanent: Mutex<Vec<Value>>,
    /// The stacks of the threads that are not attached.
    pub(super) parked: Mutex<Vec<(u32, Parked)>>,
    /// How often it was collected. Buffers and caches from before the last collection are void.
    pub(super) collections: u64,
    /// Bytes since the last collection, as far as threads have told.
    pub(super) young_bytes: AtomicUsize,
    /// Bytes after it.
    pub(super) old_bytes: usize,
    pub(super) limit_bytes: usize,
}

/// A collection is worth it after as many new bytes as were alive before, and at least this many.
const YOUNG_BYTES: usize = 16 << 20;

impl World {
    pub(super) fn new(globals: usize, limit_bytes: usize) -> World {
        World {
            arenas: Arenas::default(),
            globals: (0..globals).map(|_| ValueCell::new(Value::Unbound)).collect(),
            class_epoch: AtomicU32::new(1),
            permanent: Mutex::default(),
            parked: Mutex::default(),
            collections: 0,
            young_bytes: AtomicUsize::new(0),
            old_bytes: 0,
            limit_bytes,
        }
    }

    pub(super) fn threshold_bytes(&self) -> usize {
        let room = self.limit_bytes.saturating_sub(self.old_bytes);
        // Near the limit the heap may pass it by a small part, so that not every object costs a collection.
        self.old_bytes.max(YOUNG_BYTES).min(room / 2 + self.limit_bytes / 64)
    }

    /// What `thread` has parked.
    pub(super) fn unpark(&self, thread: u32) -> Parked {
        let mut parked = self.parked.lock();
        let place = parked.iter().position(|(other, _)| *other == thread);
        place.map_or_else(Parked::default, |place| parked.swap_remove(place).1)
    }

    /// Marks from everything that counts and frees the rest.
    pub(super) fn collect(&mut self) {
        let mut grey: Vec<Value> = self.globals.iter().map(ValueCell::load).collect();
        grey.extend(self.permanent.get_mut().iter());
        for (_, parked) in self.parked.get_mut() {
            grey.extend(&parked.stack[..parked.live]);
            grey.extend(&parked.others);
        }
        grey.retain(|&value| self.arenas.mark(value));
        let mut found = Vec::new();
        while let Some(value) = grey.pop() {
            self.arenas.trace(value, &mut found);
            grey.extend(found.drain(..).filter(|&value| self.arenas.mark(value)));
        }
        self.old_bytes = self.arenas.sweep();
        self.young_bytes.store(0, Relaxed);
        self.collections += 1;
        // What a thread noted of a class must not be taken for true of the next class in its place.
        self.class_epoch.fetch_add(1, Relaxed); // Its partner is the lock of the world, which is held for writing.
    }
}

/// Keys of dicts consist of immutable kinds, which need no lock.
impl KeyReader for World {
    fn key_text(&self, id: Id) -> (&str, u64) {
        let text = self.arenas.texts.read(id);
        (&text.text, text.hash())
    }

    fn key_bytes(&self, id: Id) -> &[u8] {
        self.arenas.bytes.read(id)
    }

    fn key_tuple(&self, id: Id) -> &[Value] {
        self.arenas.tuples.read(id)
    }
}
