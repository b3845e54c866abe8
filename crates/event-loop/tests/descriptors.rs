//! Descriptors that travel over Unix sockets: in order, by callbacks and futures, between loops and processes.

#![cfg(unix)]

mod common;

use std::cell::{Cell, RefCell};
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream as Client};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Command, Stdio};
use std::rc::Rc;

use common::{Notes, Scripted, addr, connected, ms, trace};
use event_loop::{
    Call, DriverLog, EventLoop, LoopHandle, OwnedUnixStream, Peer, ReadEvent, RunMode, TcpListener,
    TcpStream, UnixStream,
};

/// More than a socket takes at once.
const MUCH: usize = 3 << 20;

/// Says which part of a test a child plays.
const ROLE: &str = "EVENT_LOOP_TEST_ROLE";

/// The reading end of a pipe in which `text` waits, and which ends behind it: a descriptor that can be told from others.
fn told(text: &str) -> OwnedFd {
    let (reader, mut writer) = io::pipe().unwrap();
    writer.write_all(text.as_bytes()).unwrap();
    reader.into()
}

/// What a descriptor made by `told` tells.
fn tells(descriptor: OwnedFd) -> String {
    let mut text = String::new();
    File::from(descriptor).read_to_string(&mut text).unwrap();
    text
}

#[test]
fn f2_descriptors_come_with_the_bytes_that_they_were_sent_with() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let notes = Notes::default();
    let (one, other) = UnixStream::pair(&lp).unwrap();
    // The first fills the socket, so that the rest waits in the queue, in the middle of which are descriptors.
    one.write(vec![b'.'; MUCH], notes.outcome("much"));
    one.write_with_descriptors(b"a".to_vec(), vec![told("1"), told("2")], notes.outcome("a"));
    one.write(b"bc".to_vec(), notes.outcome("bc"));
    one.write_with_descriptors(vec![b'd'; MUCH], vec![told("3")], notes.outcome("d"));
    one.write_with_descriptors(b"e".to_vec(), vec![], notes.outcome("e"));
    one.shutdown(notes.outcome("shutdown"));
    assert_eq!(notes.take(), "");

    let (seen, came) = (Rc::new(RefCell::new(Vec::new())), Rc::new(RefCell::new(Vec::new())));
    let (bytes, with, itself) = (seen.clone(), came.clone(), other.clone());
    let read = move |_: &LoopHandle, event: ReadEvent<'_>, descriptors: Vec<OwnedFd>| match event {
        ReadEvent::Data(data) => {
            bytes.borrow_mut().extend_from_slice(data);
            for descriptor in descriptors {
                with.borrow_mut().push((data.last().copied(), tells(descriptor)));
            }
        }
        ReadEvent::End => drop(itself.close()),
        ReadEvent::Failed(error) => panic!("{error}"),
    };
    other.read_start_with_descriptors(read).unwrap();
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(notes.take(), "much ok, a ok, bc ok, d ok, e ok, shutdown ok");
    let expected: Vec<(Option<u8>, String)> =
        [(b'a', "1"), (b'a', "2"), (b'd', "3")].map(|(byte, text)| (Some(byte), text.to_owned())).into();
    assert_eq!(came.take(), expected, "behind their byte nothing is read in the same event");
    let text = [vec![b'.'; MUCH], b"abc".to_vec(), vec![b'd'; MUCH], b"e".to_vec()].concat();
    assert!(seen.take() == text);
    one.close();
}

#[test]
fn what_came_with_descriptors_is_closed_when_another_program_starts() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let (one, other) = UnixStream::pair(&lp).unwrap();
    let most = (0..UnixStream::MAX_DESCRIPTORS).map(|_| File::open("/dev/null").unwrap().into()).collect();
    one.write_with_descriptors(b"all".to_vec(), most, |_, sent| sent.unwrap());
    let (count, itself) = (Rc::new(Cell::new(0)), other.clone());
    let counted = count.clone();
    let read = move |_: &LoopHandle, event: ReadEvent<'_>, descriptors: Vec<OwnedFd>| {
        assert!(matches!(event, ReadEvent::Data(b"all")), "{event:?}");
        for descriptor in &descriptors {
            let flags = rustix::io::fcntl_getfd(descriptor).unwrap();
            assert!(flags.contains(rustix::io::FdFlags::CLOEXEC));
        }
        counted.set(descriptors.len());
        itself.close();
    };
    other.read_start_with_descriptors(read).unwrap();
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(count.get(), UnixStream::MAX_DESCRIPTORS);
    one.close();
}

#[test]
fn what_cannot_be_sent_is_told_later_and_closed() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let notes = Notes::default();
    let (one, other) = UnixStream::pair(&lp).unwrap();
    let (reader, writer) = io::pipe().unwrap();
    let many = (0..=UnixStream::MAX_DESCRIPTORS).map(|_| reader.try_clone().unwrap().into()).collect();
    one.write_with_descriptors(vec![], vec![reader.try_clone().unwrap().into()], notes.outcome("no bytes"));
    one.write_with_descriptors(vec![1], many, notes.outcome("too many"));
    for (data, count) in [(&b""[..], 1), (b"x", UnixStream::MAX_DESCRIPTORS + 1)] {
        let refused = one.try_write_with_descriptors(data, &vec![reader.as_fd(); count]).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
    }
    assert_eq!(notes.take(), "");
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(notes.take(), "no bytes InvalidInput, too many InvalidInput");
    other.close();
    one.write_with_descriptors(vec![1], vec![reader.into()], notes.outcome("nobody"));
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(notes.take(), "nobody BrokenPipe");
    one.close();
    one.write_with_descriptors(vec![1], vec![told("?")], notes.outcome("closed"));
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(notes.take(), "closed BrokenPipe");
    // All copies of the reading end are closed, so a write finds that nobody reads.
    assert_eq!((&writer).write(b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
}

#[test]
fn f1_a_cancelled_write_closes_its_descriptors_and_an_ignored_one_is_closed_too() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let notes = Notes::default();
    let (one, other) = UnixStream::pair(&lp).unwrap();
    let (reader, mut writer) = io::pipe().unwrap();
    one.write(vec![0; MUCH], notes.outcome("much"));
    one.write_with_descriptors(vec![1], vec![reader.into()], notes.outcome("queued"));
    assert_eq!(one.write_queue_size() % 2, 1, "the byte waits");
    one.close();
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(notes.take(), "much ConnectionAborted, queued ConnectionAborted");
    assert_eq!(writer.write(b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    other.close();

    let (one, other) = UnixStream::pair(&lp).unwrap();
    let (plain, mut plain_writer) = io::pipe().unwrap();
    let (ignored, mut ignored_writer) = io::pipe().unwrap();
    one.write_with_descriptors(b"plain".to_vec(), vec![plain.into()], |_, sent| sent.unwrap());
    let mut note = notes.reads("plain");
    let read = move |lp: &LoopHandle, event: ReadEvent<'_>| {
        note(lp, event);
        lp.stop();
    };
    other.read_start(read).unwrap();
    event_loop.run(RunMode::Default).unwrap();
    one.write_with_descriptors(b"ignored".to_vec(), vec![ignored.into()], |_, sent| sent.unwrap());
    other.read_stop();
    let mut note = notes.reads("ignored");
    other.read_start_with_descriptors(move |lp, event, _| note(lp, event)).unwrap();
    one.shutdown(|_, ended| ended.unwrap());
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(notes.take(), "plain 5, ignored 7, ignored end");
    for writer in [&mut plain_writer, &mut ignored_writer] {
        assert_eq!(writer.write(b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
    }
    assert!(one.close() && other.close());
}

#[test]
fn tasks_pass_descriptors_and_wait_for_room() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let (one, other) = UnixStream::pair(&lp).unwrap();
    let (mut one, mut other) = (OwnedUnixStream::new(one), OwnedUnixStream::new(other));
    let sender = lp.spawn(async move {
        one.write_all(&vec![0; MUCH]).await.unwrap();
        let descriptor = told("hello");
        one.write_all_with_descriptors(&vec![1; MUCH], &[descriptor.as_fd()]).await.unwrap();
        let refused = one.write_all_with_descriptors(b"", &[descriptor.as_fd()]).await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
    });
    let receiver = lp.spawn(async move {
        let (mut buffer, mut total, mut said) = (vec![0; 50_000], 0, Vec::new());
        loop {
            let (read, descriptors) = other.read_with_descriptors(&mut buffer).await.unwrap();
            said.extend(descriptors.into_iter().map(|descriptor| (buffer[read - 1], tells(descriptor))));
            total += read;
            if read == 0 {
                break (total, said);
            }
        }
    });
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert!(sender.is_finished());
    assert_eq!(receiver.try_take(), Some(Ok((2 * MUCH, vec![(1, "hello".to_owned())]))));
}

/// The child of the next test: for each connection it gets, an answer that names it and what the connection said; from a
/// listener it gets, it accepts.
fn serve_what_comes() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let parent = UnixStream::from_fd(&lp, io::stdin().as_fd().try_clone_to_owned().unwrap()).unwrap();
    let itself = parent.clone();
    let listeners = Rc::new(RefCell::new(Vec::<TcpListener>::new()));
    let on_message = move |lp: &LoopHandle, event: ReadEvent<'_>, descriptors: Vec<OwnedFd>| match event {
        ReadEvent::Data(kinds) => {
            for (kind, descriptor) in kinds.iter().zip(descriptors) {
                match kind {
                    b'c' => answer(TcpStream::from_fd(lp, descriptor).unwrap()),
                    _ => {
                        let listener = TcpListener::from_fd(lp, descriptor).unwrap();
                        listener.on_connection(|_, stream| answer(stream.unwrap()));
                        listeners.borrow_mut().push(listener);
                    }
                }
            }
        }
        _ => {
            itself.close();
            for listener in listeners.borrow().iter() {
                listener.close();
            }
        }
    };
    parent.read_start_with_descriptors(on_message).unwrap();
    assert!(!event_loop.run(RunMode::Default).unwrap());
}

/// Says who answers and what was asked, and closes.
fn answer(stream: TcpStream) {
    let it = stream.clone();
    let read = move |_: &LoopHandle, event: ReadEvent<'_>| {
        let ReadEvent::Data(asked) = event else { panic!("{event:?}") };
        let text = format!("{} heard {}", std::process::id(), String::from_utf8_lossy(asked));
        let closing = it.clone();
        it.read_stop();
        it.write(text.into_bytes(), move |_, written| {
            written.unwrap();
            closing.close();
        });
    };
    stream.read_start(read).unwrap();
}

/// What a client that blocks is answered.
fn ask(client: &mut Client, question: &str) -> String {
    client.write_all(question.as_bytes()).unwrap();
    let mut text = String::new();
    client.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_child_answers_connections_that_its_parent_accepts_and_accepts_from_its_listener() {
    if std::env::var(ROLE).is_ok() {
        return serve_what_comes();
    }
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let name = "a_child_answers_connections_that_its_parent_accepts_and_accepts_from_its_listener";
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env(ROLE, "1")
        .stdin(OwnedFd::from(theirs))
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let to_child = UnixStream::from_std(&lp, ours).unwrap();
    let listener = TcpListener::bind(&lp, addr(0), 8).unwrap();
    let server: SocketAddr = listener.local_addr().unwrap();

    // The parent accepts and passes on.
    let mut clients: [Client; 3] = std::array::from_fn(|_| Client::connect(server).unwrap());
    let (pass, itself, left) = (to_child.clone(), listener.clone(), Cell::new(clients.len()));
    listener.on_connection(move |_, stream| {
        let stream = stream.unwrap();
        let descriptor = stream.duplicate().unwrap();
        stream.close();
        pass.write_with_descriptors(b"c".to_vec(), vec![descriptor], |_, sent| sent.unwrap());
        left.set(left.get() - 1);
        if left.get() == 0 {
            itself.pause();
        }
    });
    assert!(!event_loop.run(RunMode::Default).unwrap());
    for (number, client) in clients.iter_mut().enumerate() {
        let question = format!("client {number}");
        assert_eq!(ask(client, &question), format!("{} heard {question}", child.id()));
    }

    // The parent passes its listener on, and has no part in it any more.
    let descriptor = listener.duplicate().unwrap();
    listener.close();
    to_child.write_with_descriptors(b"l".to_vec(), vec![descriptor], |_, sent| sent.unwrap());
    assert!(!event_loop.run(RunMode::Default).unwrap());
    for _ in 0..2 {
        assert_eq!(ask(&mut Client::connect(server).unwrap(), "?"), format!("{} heard ?", child.id()));
    }
    to_child.close();
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert!(child.wait().unwrap().success());
}

#[test]
fn d2_a_log_of_a_run_with_descriptors_replays_to_the_same_trace() {
    let program = |event_loop: &EventLoop| {
        let lp = event_loop.handle();
        let (one, other) = UnixStream::pair(&lp).unwrap();
        let listener = TcpListener::bind(&lp, addr(0), 8).unwrap();
        let descriptor = listener.duplicate().unwrap();
        listener.close();
        one.write_with_descriptors(b"l".to_vec(), vec![descriptor], |_, sent| sent.unwrap());
        one.shutdown(|_, ended| ended.unwrap());
        let itself = other.clone();
        let read = move |lp: &LoopHandle, event: ReadEvent<'_>, descriptors: Vec<OwnedFd>| match event {
            ReadEvent::Data(_) => {
                for descriptor in descriptors {
                    let listener = TcpListener::from_fd(lp, descriptor).unwrap();
                    let server = listener.local_addr().unwrap();
                    let accepting = listener.clone();
                    listener.on_connection(move |_, stream| {
                        stream.unwrap().close_reset().unwrap();
                        accepting.close();
                    });
                    let client = TcpStream::connect(lp, server, |_, _| {}).unwrap();
                    let closing = client.clone();
                    lp.set_timeout(ms(5), move |_| {
                        closing.close();
                    });
                }
            }
            _ => drop(itself.close()),
        };
        other.read_start_with_descriptors(read).unwrap();
        assert!(!event_loop.run(RunMode::Default).unwrap());
        one.close();
        trace(&lp)
    };
    let (log, again) = (DriverLog::new(), DriverLog::new());
    let seen = program(&EventLoop::options().log(&log).phase_trace(true).build().unwrap());
    let options = EventLoop::options().replay(&log).log(&again).phase_trace(true);
    let replayed = program(&options.build().unwrap());
    assert!(seen.contains("connection") && seen.contains("read"), "{seen}");
    assert_eq!((replayed, again.len()), (seen, log.len()));
}

#[test]
fn a_scripted_peer_gets_descriptors_once_however_often_the_write_is_continued() {
    let world = Scripted::new();
    let notes = Notes::default();
    world.script.adopts(Peer(1)).window(Peer(1), 0).takes(ms(1), Peer(1), 2).takes(ms(2), Peer(1), 9);
    let (ours, _theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let stream = UnixStream::from_std(&world.lp, ours).unwrap();
    world.script.fails(Call::Write, io::ErrorKind::Interrupted.into());
    stream.write_with_descriptors(b"hello".to_vec(), vec![told("1"), told("2")], notes.outcome("write"));
    assert_eq!(world.script.descriptors_sent_to(Peer(1)), 0);
    assert!(!world.run(RunMode::Default));
    assert_eq!((world.script.descriptors_sent_to(Peer(1)), notes.take().as_str()), (2, "write ok"));
    assert_eq!(world.script.received_by(Peer(1)), b"hello");

    let too_many = io::Error::from_raw_os_error(rustix::io::Errno::TOOMANYREFS.raw_os_error());
    world.script.fails(Call::Write, too_many);
    stream.write_with_descriptors(b"x".to_vec(), vec![told("1")], notes.outcome("refused"));
    world.script.sends(ms(5), Peer(1), b"x").fails(Call::Read, io::Error::other("descriptors were lost"));
    let mut note = notes.reads("read");
    stream.read_start_with_descriptors(move |lp, event, _| note(lp, event)).unwrap();
    assert!(!world.run(RunMode::Default));
    let said = notes.take();
    assert!(said.starts_with("refused ") && said.ends_with(", read Other"), "{said}");
    assert!(!stream.is_closing() && stream.close());
    let (_world, tcp) = connected();
    assert_eq!(tcp.duplicate().unwrap_err().kind(), io::ErrorKind::Unsupported);
}
