//! What the process does with a signal: a byte for each loop that watches it, and the default when none does (S2).

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::{self, PipeWriter};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};

use signal_hook::SigId;

/// What the process does with a signal that a loop or several watch.
struct Watched {
    /// The pipes that get a byte, each with the process that registered it.
    pipes: Vec<(SigId, u32)>,
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
                new.insert(Watched { pipes: Vec::new(), by_default })
            }
        };
        let id = signal_hook::low_level::pipe::register(signal, into)?;
        one.pipes.push((id, std::process::id()));
        one.by_default.store(false, Ordering::SeqCst);
        Ok(Registration { signal, id })
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        let mut all = watched();
        signal_hook::low_level::unregister(self.id);
        if let Some(one) = all.get_mut(&self.signal) {
            one.pipes.retain(|(known, _)| *known != self.id);
            one.by_default.store(one.pipes.is_empty(), Ordering::SeqCst);
        }
    }
}

/// In the child of a fork: no pipe gets a byte any more that the parent reads.
pub(crate) fn let_go_of_parent() {
    let this = std::process::id();
    for one in watched().values_mut() {
        for (id, _) in one.pipes.extract_if(.., |(_, process)| *process != this) {
            signal_hook::low_level::unregister(id);
        }
        one.by_default.store(one.pipes.is_empty(), Ordering::SeqCst);
    }
}
