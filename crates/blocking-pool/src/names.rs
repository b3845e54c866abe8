//! Names of jobs as numbers, so that a thread can say what it is busy with in one atomic word.

use std::cell::Cell;

use parking_lot::Mutex;

use crate::trace::Tracer;

/// Every name that a job of this pool had, `names[index]`. Names are part of the program, so they are few.
#[derive(Default)]
pub(crate) struct Names(Mutex<Vec<&'static str>>);

impl Names {
    fn index_of(&self, name: &'static str) -> u32 {
        let mut names = self.0.lock();
        let index = names.iter().position(|known| *known == name).unwrap_or_else(|| {
            names.push(name);
            names.len() - 1
        });
        index as u32
    }

    pub(crate) fn get(&self, index: u32) -> &'static str {
        self.0.lock().get(index as usize).copied().unwrap_or("")
    }
}

/// The name that a thread met last, with its numbers: most jobs have the name of the job before them.
pub(crate) struct LastName(Cell<Option<Numbers>>);

#[derive(Clone, Copy)]
struct Numbers {
    name: &'static str,
    index: u32,
    traced: u32,
}

impl LastName {
    pub(crate) fn new() -> LastName {
        LastName(Cell::new(None))
    }

    /// The number of `name` in the pool and in the recording.
    #[inline]
    pub(crate) fn numbers(&self, name: &'static str, names: &Names, tracer: &Tracer) -> (u32, u32) {
        match self.0.get() {
            // The same place in memory is the same text; the same text elsewhere is merely looked up again.
            Some(last) if std::ptr::eq(last.name, name) => (last.index, last.traced),
            _ => {
                let found = Numbers { name, index: names.index_of(name), traced: tracer.intern(name) };
                self.0.set(Some(found));
                (found.index, found.traced)
            }
        }
    }
}
