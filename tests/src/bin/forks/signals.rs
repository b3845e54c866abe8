//! Signals after a fork: those of the child are told to the child's loop, and never to the parent's.

use std::cell::Cell;
use std::os::unix::process::ExitStatusExt;
use std::rc::Rc;
use std::sync::mpsc::channel;

use runtime_lab::{EventLoop, RunMode, Signal};
use rustix::process::{Pid, Signal as Sent, getpid, kill_process};

use crate::processes::{Meeting, ended, ended_well, fork, leave};

const NUMBER: i32 = Sent::USR1.as_raw();

fn send(to: Pid) {
    kill_process(to, Sent::USR1).unwrap();
}

/// A loop that watches, and how often it has heard.
fn watching() -> (EventLoop, Signal, Rc<Cell<usize>>) {
    let event_loop = EventLoop::new().unwrap();
    let watcher = Signal::new(&event_loop.handle());
    let heard = Rc::new(Cell::new(0));
    let hears = heard.clone();
    watcher.start(NUMBER, move |_, _| hears.set(hears.get() + 1)).unwrap();
    (event_loop, watcher, heard)
}

fn runs_until(event_loop: &EventLoop, heard: &Cell<usize>, count: usize) {
    while heard.get() < count {
        assert!(event_loop.run(RunMode::Once).unwrap());
    }
    assert!(event_loop.run(RunMode::NoWait).unwrap());
    assert_eq!(heard.get(), count);
}

/// A signal that the parent got before the fork and has not told is its own; those of the child are the child's.
pub(crate) fn signal() {
    let (event_loop, watcher, heard) = watching();
    send(getpid());
    let ready = Meeting::new();
    let Some(child) = fork() else {
        event_loop.after_fork().unwrap();
        assert!(event_loop.run(RunMode::NoWait).unwrap());
        assert_eq!(heard.get(), 0);
        ready.come();
        runs_until(&event_loop, &heard, 1);
        watcher.close();
        assert!(!event_loop.run(RunMode::Default).unwrap());
        leave();
    };
    ready.wait();
    send(child);
    ended_well(child);
    // One from before the fork, one from now; that of the child would be a third.
    runs_until(&event_loop, &heard, 1);
    send(getpid());
    runs_until(&event_loop, &heard, 2);
    watcher.close();
    assert!(!event_loop.run(RunMode::Default).unwrap());
}

/// The child closes its watcher, so that the signal ends it; the parent watches on.
pub(crate) fn closed_signal() {
    let (event_loop, watcher, heard) = watching();
    let (ready, never) = (Meeting::new(), Meeting::new());
    let Some(child) = fork() else {
        event_loop.after_fork().unwrap();
        watcher.close();
        assert!(!event_loop.run(RunMode::Default).unwrap());
        ready.come();
        never.wait();
        leave();
    };
    ready.wait();
    send(child);
    assert_eq!(ended(child).signal(), Some(NUMBER));
    assert!(event_loop.run(RunMode::NoWait).unwrap());
    assert_eq!(heard.get(), 0);
    send(getpid());
    runs_until(&event_loop, &heard, 1);
}

/// The loop that watches is that of a thread, which the child does not have; so there the signal does what it does by default.
pub(crate) fn signal_of_another_thread() {
    let (watches, watching_now) = channel();
    let thread = std::thread::spawn(move || {
        let (event_loop, watcher, heard) = watching();
        let lp = event_loop.handle();
        watches.send(lp.remote()).unwrap();
        // Until it is stopped.
        assert!(event_loop.run(RunMode::Default).unwrap());
        watcher.close();
        heard.get()
    });
    let remote = watching_now.recv().unwrap();
    let event_loop = EventLoop::new().unwrap();
    let (ready, never) = (Meeting::new(), Meeting::new());
    let Some(child) = fork() else {
        event_loop.after_fork().unwrap();
        ready.come();
        never.wait();
        leave();
    };
    ready.wait();
    send(child);
    assert_eq!(ended(child).signal(), Some(NUMBER));
    remote.stop().unwrap();
    assert_eq!(thread.join().unwrap(), 0);
}
