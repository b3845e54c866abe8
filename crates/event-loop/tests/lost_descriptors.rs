//! A peer that sends descriptors which nobody takes, or for which there is no room: an error, and nothing leaks.
//!
//! Descriptors and their limit are the process's, so this test has a file, and thereby a process, of its own.

#![cfg(target_os = "linux")]

mod common;

use std::cell::Cell;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

use common::Notes;
use event_loop::{EventLoop, LoopHandle, ReadEvent, RunMode, UnixStream};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// How many descriptors this process has open.
fn open() -> usize {
    // One of them is the folder itself.
    std::fs::read_dir("/proc/self/fd").unwrap().count() - 1
}

/// Sends messages of as many descriptors as may be, until the system takes no more; the answer is how many were taken.
fn flood(stream: &UnixStream) -> usize {
    let file = File::open("/dev/null").unwrap();
    let lent = vec![file.as_fd(); UnixStream::MAX_DESCRIPTORS];
    let mut sent = 0;
    loop {
        match stream.try_write_with_descriptors(b"x", &lent) {
            Ok(_) => sent += 1,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return sent,
            // Too many are under way for the limit of this user.
            Err(error) if error.raw_os_error() == Some(109) => return sent,
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn f1_descriptors_that_nobody_takes_or_that_find_no_room_are_closed() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let notes = Notes::default();
    let (one, other) = UnixStream::pair(&lp).unwrap();
    let before = open();

    // Plain reads, and readers that ignore what came: each is bounded by one message.
    for takes in [false, true] {
        let sent = flood(&one);
        assert!(sent > 2, "{sent}");
        let (left, most) = (Rc::new(Cell::new(sent)), Rc::new(Cell::new(0)));
        let (count, high, itself) = (left.clone(), most.clone(), other.clone());
        let look = move |event: ReadEvent<'_>| {
            let ReadEvent::Data(data) = event else { panic!("{event:?}") };
            high.set(high.get().max(open()));
            count.set(count.get() - data.len());
            if count.get() == 0 {
                itself.read_stop();
            }
        };
        if takes {
            other.read_start_with_descriptors(move |_: &LoopHandle, event, _| look(event)).unwrap();
        } else {
            other.read_start(move |_, event| look(event)).unwrap();
        }
        assert!(!event_loop.run(RunMode::Default).unwrap());
        let bound = before + if takes { UnixStream::MAX_DESCRIPTORS } else { 0 };
        assert_eq!((left.get(), most.get()), (0, bound));
        assert_eq!(open(), before);
    }

    // What is never read goes with the socket.
    let (unread, sender) = UnixStream::pair(&lp).unwrap();
    assert!(flood(&sender) > 2);
    assert!(unread.close() && sender.close());
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(open(), before);

    // Room for one of three: reading fails, and the one is closed. What comes behind can be read.
    let file = File::open("/dev/null").unwrap();
    one.try_write_with_descriptors(b"three", &[file.as_fd(); 3]).unwrap();
    let limit = getrlimit(Resource::Nofile);
    let highest = before as u64 + 32;
    setrlimit(Resource::Nofile, Rlimit { current: Some(highest), maximum: limit.maximum }).unwrap();
    let mut hoard = Vec::new();
    while let Ok(more) = File::open("/dev/null") {
        hoard.push(more);
    }
    hoard.pop();
    let mut note = notes.reads("read");
    let message = Rc::new(Cell::new(String::new()));
    let said = message.clone();
    let read = move |lp: &LoopHandle, event: ReadEvent<'_>, descriptors: Vec<OwnedFd>| {
        assert!(descriptors.is_empty());
        if let ReadEvent::Failed(error) = &event {
            said.set(error.to_string());
        }
        note(lp, event);
    };
    other.read_start_with_descriptors(read).unwrap();
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(notes.take(), "read Other");
    assert!(message.take().contains("5 bytes"));
    File::open("/dev/null").expect("the room is free again");
    drop(hoard);
    setrlimit(Resource::Nofile, limit).unwrap();

    one.try_write_with_descriptors(b"room", &[file.as_fd(); 3]).unwrap();
    let itself = other.clone();
    let again = move |_: &LoopHandle, event: ReadEvent<'_>, descriptors: Vec<OwnedFd>| {
        assert!(matches!(event, ReadEvent::Data(b"room")) && descriptors.len() == 3, "{event:?}");
        itself.close();
    };
    other.read_start_with_descriptors(again).unwrap();
    assert!(!event_loop.run(RunMode::Default).unwrap());
    drop(file);
    assert_eq!(open(), before - 1, "less the one that was closed");
    one.close();
}
