//! Timers, tasks, sends from threads and children after a fork, and a fork inside of a callback.

use std::cell::{Cell, RefCell};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::Duration;

use runtime_lab::{
    AsyncHandle, Child, EventLoop, LoopHandle, ReadEvent, RunMode, Timer, UnixStream, oneshot, sleep,
};

use crate::processes::{ended_well, fork, leave};

const SHORT: Duration = Duration::from_millis(1);

/// A timer that was started before the fork fires in both processes, and new ones where they were started.
pub(crate) fn timers() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let fired = Rc::new(Cell::new(0));
    let start = || {
        let (timer, fired) = (Timer::new(&lp), fired.clone());
        timer.start(SHORT, Duration::ZERO, move |_| fired.set(fired.get() + 1)).unwrap();
    };
    start();
    assert!(!event_loop.run(RunMode::Default).unwrap());
    start();
    let Some(child) = fork() else {
        event_loop.after_fork().unwrap();
        start();
        assert!(!event_loop.run(RunMode::Default).unwrap());
        assert_eq!(fired.get(), 3);
        leave();
    };
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(fired.get(), 2);
    ended_well(child);
}

/// A task that sleeps and one whose wake-up from a thread is on its way both end, in both processes.
pub(crate) fn tasks() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let (sender, receiver) = oneshot();
    let sleeps = lp.spawn(async {
        sleep(SHORT).await;
        "slept"
    });
    let waits = lp.spawn(receiver);
    assert!(event_loop.run(RunMode::NoWait).unwrap());
    // Not on the running loop, so the wake-up goes through the inbox, where the fork finds it.
    sender.send("told");
    let check = || {
        assert!(!event_loop.run(RunMode::Default).unwrap());
        assert_eq!(sleeps.try_take().unwrap().unwrap(), "slept");
        assert_eq!(waits.try_take().unwrap().unwrap().unwrap(), "told");
    };
    let Some(child) = fork() else {
        event_loop.after_fork().unwrap();
        check();
        leave();
    };
    check();
    ended_well(child);
}

/// What was sent before the fork is for the parent only; senders made before it work in both.
pub(crate) fn sends() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let heard = Rc::new(RefCell::new(Vec::new()));
    let notes = heard.clone();
    let handle = AsyncHandle::new(&lp, move |_| notes.borrow_mut().push("async"));
    let (sender, remote) = (handle.sender(), lp.remote());
    lp.set_data(heard.clone());
    let note = |text| move |lp: &LoopHandle| lp.data::<RefCell<Vec<_>>>().unwrap().borrow_mut().push(text);
    sender.send();
    remote.post(note("posted before")).unwrap();
    let Some(child) = fork() else {
        event_loop.after_fork().unwrap();
        assert!(event_loop.run(RunMode::NoWait).unwrap(), "the async handle is active");
        assert_eq!(*heard.borrow(), [""; 0]);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                remote.post(note("posted after")).unwrap();
                sender.send();
            });
            while heard.borrow().len() < 2 {
                assert!(event_loop.run(RunMode::Once).unwrap());
            }
        });
        assert_eq!(*heard.borrow(), ["posted after", "async"]);
        handle.close();
        assert!(!event_loop.run(RunMode::Default).unwrap());
        leave();
    };
    ended_well(child);
    assert!(event_loop.run(RunMode::Once).unwrap());
    assert_eq!(*heard.borrow(), ["async", "posted before"]);
}

/// The loop runs while it is forked, and goes on in both processes.
pub(crate) fn in_a_callback() {
    let event_loop = Rc::new(EventLoop::new().unwrap());
    let (itself, child) = (event_loop.clone(), Rc::new(Cell::new(None)));
    let ends = Rc::new(Cell::new(0));
    let (forked, later) = (child.clone(), ends.clone());
    event_loop.handle().set_timeout(SHORT, move |lp| {
        forked.set(fork());
        if forked.get().is_none() {
            itself.after_fork().unwrap();
        }
        let (one, other) = UnixStream::pair(lp).unwrap();
        let (reader, ends) = (one.clone(), later.clone());
        let on_read = move |_: &LoopHandle, event: ReadEvent<'_>| {
            assert!(matches!(event, ReadEvent::Data(b"word")));
            ends.set(ends.get() + 1);
            reader.close();
        };
        one.read_start(on_read).unwrap();
        other.try_write(b"word").unwrap();
        other.close();
    });
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(ends.get(), 1);
    let Some(child) = child.get() else { leave() };
    ended_well(child);
}

/// A child of the parent is not the child's: it does not hold the loop there, cannot be signalled and is not told.
fn children_with(pidfds: bool) {
    let event_loop = EventLoop::options().pidfds(pidfds).build().unwrap();
    let lp = event_loop.handle();
    let told = Rc::new(Cell::new(0));
    let tells = told.clone();
    let mut command = Command::new("cat");
    command.stdin(Stdio::piped());
    let cat = Child::spawn(&lp, command, move |_, status| {
        assert!(status.unwrap().success());
        tells.set(tells.get() + 1);
    })
    .unwrap();
    assert!(event_loop.run(RunMode::NoWait).unwrap());
    let Some(child) = fork() else {
        event_loop.after_fork().unwrap();
        assert!(!cat.is_active());
        assert_eq!(cat.send_signal(0).unwrap_err().kind(), std::io::ErrorKind::NotFound);
        cat.kill().unwrap();
        // One of its own is told.
        let ended = Rc::new(Cell::new(false));
        let ends = ended.clone();
        Child::spawn(&lp, Command::new("true"), move |_, status| ends.set(status.unwrap().success()))
            .unwrap();
        assert!(!event_loop.run(RunMode::Default).unwrap());
        assert!(ended.get() && told.get() == 0);
        cat.close();
        assert!(!event_loop.run(RunMode::Default).unwrap());
        drop(event_loop);
        leave();
    };
    ended_well(child);
    assert!(cat.is_active(), "the child has killed nobody");
    drop(cat.take_stdin());
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(told.get(), 1);
}

pub(crate) fn children() {
    children_with(true);
}

pub(crate) fn children_by_signal() {
    children_with(false);
}
