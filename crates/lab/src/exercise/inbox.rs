//! What `lab exercise watch` waits for: a line that was typed, the end of input, or a change of files.
//!
//! # Threads
//! `watch-keys` reads standard input; the watcher of the system calls from a thread of its own. Both put events into one
//! channel. Nobody joins `watch-keys`: it waits for a line that may never come, and ends with the process.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::BufRead;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use anyhow::Result;
use notify::{RecommendedWatcher, RecursiveMode, Watcher};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A line was typed.
    Line(String),
    /// Nothing will be typed any more.
    InputEnded,
    /// Some file may have changed.
    Changed,
}

/// The events, in their order.
pub(crate) struct Inbox {
    events: Receiver<Event>,
    /// Seen by [`Inbox::any`], and not taken yet.
    seen: RefCell<VecDeque<Event>>,
    /// Kept alive; `None` when the file must be looked at instead.
    watcher: Option<RecommendedWatcher>,
}

/// How often the file is looked at without a watcher, and Ctrl-C with one.
const LOOK_EVERY: Duration = Duration::from_millis(200);

impl Inbox {
    /// Listens to standard input, and to files below `folder`, unless `poll` says that the system cannot tell.
    pub(crate) fn open(folder: &Path, poll: bool) -> Result<Inbox> {
        let (sender, events) = mpsc::channel();
        let keys = sender.clone();
        std::thread::Builder::new().name("watch-keys".to_owned()).spawn(move || read_keys(&keys))?;
        let watcher = if poll { None } else { watcher(folder, sender).ok() };
        Ok(Inbox { events, seen: RefCell::default(), watcher })
    }

    /// Whether saves are found by looking, because the system does not report them.
    pub(crate) fn polls(&self) -> bool {
        self.watcher.is_none()
    }

    /// The next event; `None` when there was none for a moment.
    pub(crate) fn next(&self) -> Option<Event> {
        if let Some(event) = self.seen.borrow_mut().pop_front() {
            return Some(event);
        }
        match self.events.recv_timeout(LOOK_EVERY) {
            Ok(event) => Some(event),
            Err(RecvTimeoutError::Timeout) if self.polls() => Some(Event::Changed),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => None,
        }
    }

    /// Whether an event that `wanted` accepts has come; all stay in the inbox.
    pub(crate) fn any(&self, wanted: impl FnMut(&Event) -> bool) -> bool {
        let mut seen = self.seen.borrow_mut();
        seen.extend(self.events.try_iter());
        seen.iter().any(wanted)
    }
}

fn read_keys(events: &Sender<Event>) {
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        if events.send(Event::Line(line)).is_err() {
            return;
        }
    }
    let _ = events.send(Event::InputEnded); // Nobody listens any more when the watch has ended.
}

fn watcher(folder: &Path, events: Sender<Event>) -> notify::Result<RecommendedWatcher> {
    let changed = move |event: notify::Result<notify::Event>| {
        // Reading is reported, too, and we read; after an error it is better to look once too often.
        if !event.is_ok_and(|event| event.kind.is_access()) {
            let _ = events.send(Event::Changed); // As above.
        }
    };
    let mut watcher = notify::recommended_watcher(changed)?;
    watcher.watch(folder, RecursiveMode::Recursive)?;
    Ok(watcher)
}
