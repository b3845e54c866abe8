//! What `lab exercise watch` waits for: a line that was typed, the end of input, or a change of files.
//!
//! # Threads
//! `watch-keys` reads standard input; the watcher of the system calls from a thread of its own. Both put events into one
//! channel. Nobody joins `watch-keys`: it waits for a line that may never come, and ends with the process.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::io::BufRead;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::{Duration, Instant};

use anyhow::Result;
use clock::Clock;
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
    clock: Clock,
    /// When [`Inbox::any`] last reported a change, without a watcher.
    looked: Cell<Instant>,
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
        let clock = Clock::real();
        Ok(Inbox { events, seen: RefCell::default(), looked: Cell::new(clock.now()), clock, watcher })
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

    /// Whether an event that `wanted` accepts has come. It stays in the inbox, and so does what was typed; a change
    /// that is not wanted is forgotten, so that a file that is reported often is not read again and again.
    pub(crate) fn any(&self, mut wanted: impl FnMut(&Event) -> bool) -> bool {
        let mut seen = self.seen.borrow_mut();
        for event in self.events.try_iter() {
            if event != Event::Changed || !seen.contains(&Event::Changed) {
                seen.push_back(event);
            }
        }
        let now = self.clock.now();
        if self.polls() && now - self.looked.get() >= LOOK_EVERY {
            self.looked.set(now);
            seen.push_back(Event::Changed);
        }
        let mut any = false;
        seen.retain(|event| {
            let is_wanted = wanted(event);
            any |= is_wanted;
            is_wanted || *event != Event::Changed
        });
        any
    }
}

/// A line that is no text is a line still: a slip of a key must not end the watch.
fn read_keys(events: &Sender<Event>) {
    for line in std::io::stdin().lock().split(b'\n').map_while(std::io::Result::ok) {
        if events.send(Event::Line(String::from_utf8_lossy(&line).into_owned())).is_err() {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_looked_at_once_and_what_was_typed_stays() {
        let (sender, events) = mpsc::channel();
        let (clock, hands) = Clock::manual();
        let looked = Cell::new(clock.now());
        let inbox = Inbox { events, seen: RefCell::default(), clock, looked, watcher: None };
        let line = Event::Line("h".to_owned());
        for event in [Event::Changed, Event::Changed, line.clone(), Event::Changed] {
            sender.send(event).expect("the inbox listens");
        }
        let mut asked = Vec::new();
        let refuse = |event: &Event| {
            asked.push(event.clone());
            false
        };
        assert!(!inbox.any(refuse));
        assert_eq!(asked, [Event::Changed, line.clone()], "a burst of reports is one change");
        assert!(!inbox.any(|event| *event == Event::Changed), "it was not wanted");
        hands.advance(LOOK_EVERY);
        assert!(inbox.any(|event| *event == Event::Changed), "without a watcher it is time to look again");
        assert_eq!((inbox.next(), inbox.next()), (Some(line), Some(Event::Changed)));
    }
}
