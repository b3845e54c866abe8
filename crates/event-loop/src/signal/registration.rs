//! What the process does with a signal: a byte for each loop that watches it, and the default when none does (S2).

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::{self, PipeWriter};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use signal_hook::SigId;

/// What the process does with a signal that a loop or several watch.
struct Watched {
    sources: usize,
    /// Whether the signal does what it does by default: nobody watches it (S2).
    by_default: Arc<AtomicBool>,
}

static WATCHED: LazyLock<Mutex<HashMap<i32, Watched>>> = LazyLock::new(Mutex::default);

fn watched() -> MutexGuard<'static, HashMap<i32, Watched>> {
    WATCHED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A pipe that gets a byte for each delivered signal, until this is dropped.
pub(super) struct Registration {
    signal: i32,
    id: SigId,
}

impl Registration {
    pub(super) fn new(signal: i32, into: PipeWriter) -> io::Result<Registration> {
        let mut all = watched();
        let one = match all.entry(signal) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => {
                let by_default = Arc::new(AtomicBool::new(true));
                // Asked first at each signal; the handler of the process stays once it is there.
                signal_hook::flag::register_conditional_default(signal, by_default.clone())?;
                new.insert(Watched { sources: 0, by_default })
            }
        };
        let id = signal_hook::low_level::pipe::register(signal, into)?;
        one.sources += 1;
        one.by_default.store(false, Ordering::SeqCst);
        Ok(Registration { signal, id })
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut all = watched();
        signal_hook::low_level::unregister(self.id);
        if let Some(one) = all.get_mut(&self.signal) {
            one.sources -= 1;
            one.by_default.store(one.sources == 0, Ordering::SeqCst);
        }
    }
}
