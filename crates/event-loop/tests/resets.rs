//! A close that resets the connection: what the peer sees, what queued writes hear, and when it is refused.

mod common;

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::net::TcpStream as Peer;
use std::rc::Rc;

use common::{Notes, Scripted, addr, connected, ms};
use event_loop::{Call, EventLoop, OwnedTcpStream, ReadEvent, RunMode, TcpListener, TcpStream};

/// More than the system takes at once.
const MUCH: usize = 16 << 20;

/// A stream that the loop has connected, and its peer, which blocks.
fn to_peer(event_loop: &EventLoop) -> (TcpStream, Peer) {
    let listener = std::net::TcpListener::bind(addr(0)).unwrap();
    let server = listener.local_addr().unwrap();
    let stream = TcpStream::connect(&event_loop.handle(), server, |_, result| result.unwrap()).unwrap();
    assert!(!event_loop.run(RunMode::Default).unwrap());
    (stream, listener.accept().unwrap().0)
}

/// A stream that the loop has accepted, and its peer, which blocks.
fn from_peer(event_loop: &EventLoop) -> (TcpStream, Peer) {
    let listener = TcpListener::bind(&event_loop.handle(), addr(0), 8).unwrap();
    let peer = Peer::connect(listener.local_addr().unwrap()).unwrap();
    let kept = Rc::new(RefCell::new(None));
    let (slot, itself) = (kept.clone(), listener.clone());
    listener.on_connection(move |_, stream| {
        *slot.borrow_mut() = Some(stream.unwrap());
        itself.close();
    });
    assert!(!event_loop.run(RunMode::Default).unwrap());
    (kept.take().unwrap(), peer)
}

/// What a peer that reads all finds behind the bytes.
fn end_of(mut peer: &Peer) -> Result<(), io::ErrorKind> {
    io::copy(&mut peer, &mut io::sink()).map(drop).map_err(|error| error.kind())
}

#[test]
fn b78_a_reset_with_writes_queued_reaches_the_peer_and_the_writes_hear_of_it_first() {
    for open in [to_peer, from_peer] {
        let event_loop = EventLoop::new().unwrap();
        let (stream, peer) = open(&event_loop);
        let notes = Notes::default();
        stream.write(b"taken".to_vec(), notes.outcome("first"));
        stream.write(vec![0; MUCH], notes.outcome("second"));
        stream.write(vec![0; 1], notes.outcome("third"));
        stream.close_reset_then(notes.cb("close")).unwrap();
        assert_eq!(notes.take(), "", "nothing is told from inside the call");
        assert!(!event_loop.run(RunMode::Default).unwrap());
        assert_eq!(notes.take(), "first ok, second ConnectionAborted, third ConnectionAborted, close");
        assert_eq!(end_of(&peer), Err(io::ErrorKind::ConnectionReset));
    }
}

#[test]
fn b78_a_plain_close_is_an_end_and_no_reset() {
    for open in [to_peer, from_peer] {
        let event_loop = EventLoop::new().unwrap();
        let (stream, peer) = open(&event_loop);
        stream.close();
        assert!(!event_loop.run(RunMode::Default).unwrap());
        assert_eq!(end_of(&peer), Ok(()));
    }
}

#[test]
fn b78_after_a_shutdown_that_is_through_a_reset_reaches_the_peer() {
    for open in [to_peer, from_peer] {
        let event_loop = EventLoop::new().unwrap();
        let (stream, mut peer) = open(&event_loop);
        let notes = Notes::default();
        let (itself, more) = (stream.clone(), notes.clone());
        stream.shutdown(move |_, ended| {
            ended.unwrap();
            more.add("shutdown");
            itself.close_reset_then(more.cb("close")).unwrap();
        });
        assert!(!event_loop.run(RunMode::Default).unwrap());
        assert_eq!(notes.take(), "shutdown, close");
        // Reading finds the end, which came first; writing finds that nobody is there.
        assert_eq!(peer.read(&mut [0; 8]).unwrap(), 0);
        let error = peer.write(b"anybody?").unwrap_err().kind();
        assert!(matches!(error, io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset), "{error:?}");
    }
}

#[test]
fn b78_a_reset_is_refused_while_a_shutdown_waits() {
    let event_loop = EventLoop::new().unwrap();
    let (stream, peer) = to_peer(&event_loop);
    let notes = Notes::default();
    stream.write(b"last words".to_vec(), notes.outcome("write"));
    stream.shutdown(notes.outcome("shutdown"));
    for _ in 0..2 {
        let refused = stream.close_reset_then(notes.cb("never")).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
        assert!(!stream.is_closing());
    }
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(notes.take(), "write ok, shutdown ok");
    stream.close_then(notes.cb("close"));
    assert_eq!(stream.close_reset().unwrap_err().kind(), io::ErrorKind::NotConnected);
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!((notes.take().as_str(), end_of(&peer)), ("close", Ok(())));
}

#[test]
fn a_reset_while_connecting_cancels_the_connect() {
    let world = Scripted::new();
    let notes = Notes::default();
    world.script.answers_connect(ms(100), event_loop::Peer(1), true);
    let stream = TcpStream::connect(&world.lp, addr(1), notes.outcome("connect")).unwrap();
    stream.write(vec![1], notes.outcome("write"));
    stream.close_reset_then(notes.cb("close")).unwrap();
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "connect ConnectionAborted, write ConnectionAborted, close");
    assert!(world.script.was_reset(event_loop::Peer(1)));
}

#[test]
fn a_reset_that_the_system_refuses_leaves_the_stream_open() {
    let (world, stream) = connected();
    let notes = Notes::default();
    world.script.fails(Call::SetOption, io::ErrorKind::PermissionDenied.into());
    let refused = stream.close_reset_then(notes.cb("never")).unwrap_err();
    assert_eq!((refused.kind(), stream.is_closing()), (io::ErrorKind::PermissionDenied, false));
    stream.close_then(notes.cb("close"));
    assert!(!world.run(RunMode::Default));
    assert_eq!((notes.take().as_str(), world.script.was_reset(event_loop::Peer(1))), ("close", false));
}

#[test]
fn a_task_resets_its_connection_and_reads_the_reset_of_another() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let listener = TcpListener::bind(&lp, addr(0), 8).unwrap();
    let server = listener.local_addr().unwrap();
    let client = lp.spawn(async move {
        let mut stream = OwnedTcpStream::connect(server).await.unwrap();
        stream.read(&mut [0; 8]).await.map_err(|error| error.kind())
    });
    lp.spawn(async move {
        listener.accept().await.unwrap().close_reset().unwrap();
        listener.close();
    });
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(client.try_take(), Some(Ok(Err(io::ErrorKind::ConnectionReset))));
}

#[test]
fn a_reader_hears_of_a_reset_once_and_the_stream_stays_open() {
    let event_loop = EventLoop::new().unwrap();
    let (stream, peer) = from_peer(&event_loop);
    let notes = Notes::default();
    stream.read_start(notes.reads("read")).unwrap();
    socket2::SockRef::from(&peer).set_linger(Some(ms(0))).unwrap();
    drop(peer);
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(notes.take(), "read ConnectionReset");
    stream.write(b"?".to_vec(), notes.outcome("write"));
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!((notes.take().as_str(), stream.is_closing()), ("write BrokenPipe", false));
    assert!(stream.close());
    let again = stream.read_start(|_, event| assert!(matches!(event, ReadEvent::End)));
    assert_eq!(again.unwrap_err().kind(), io::ErrorKind::NotConnected);
}

#[test]
fn a_reset_of_the_peer_in_each_state_is_told_once_to_everybody() {
    type Begin = fn(&TcpStream, &Notes);
    let states: [(&str, Begin, &[&str]); 7] = [
        ("idle", |_, _| {}, &[]),
        (
            "reading",
            |stream, notes| stream.read_start(notes.reads("read")).unwrap(),
            &["read ConnectionReset"],
        ),
        (
            "stopped, and started again",
            |stream, notes| {
                stream.read_start(|_, event| panic!("{event:?}")).unwrap();
                stream.read_stop();
                let (again, notes) = (stream.clone(), notes.clone());
                stream
                    .loop_handle()
                    .set_timeout(ms(5), move |_| again.read_start(notes.reads("read")).unwrap());
            },
            &["read ConnectionReset"],
        ),
        (
            "writing",
            |stream, notes| {
                stream.write(vec![0; MUCH], notes.outcome("first"));
                stream.write(vec![0; MUCH], notes.outcome("second"));
            },
            &["first ConnectionReset", "second BrokenPipe"],
        ),
        (
            "waiting to end",
            |stream, notes| {
                stream.write(vec![0; MUCH], notes.outcome("write"));
                stream.shutdown(notes.outcome("shutdown"));
            },
            &["write ConnectionReset", "shutdown NotConnected"],
        ),
        ("ended", |stream, notes| stream.shutdown(notes.outcome("shutdown")), &["shutdown "]),
        (
            "both ways",
            |stream, notes| {
                stream.write(vec![0; MUCH], notes.outcome("write"));
                stream.read_start(notes.reads("read")).unwrap();
            },
            // The system says it once, and the reader must not take it for an end.
            &["read ConnectionReset", "write BrokenPipe"],
        ),
    ];
    for (state, begin, expected) in states {
        for open in [to_peer, from_peer] {
            let event_loop = EventLoop::new().unwrap();
            let (stream, peer) = open(&event_loop);
            let notes = Notes::default();
            begin(&stream, &notes);
            socket2::SockRef::from(&peer).set_linger(Some(ms(0))).unwrap();
            drop(peer);
            assert!(!event_loop.run(RunMode::Default).unwrap(), "{state}");
            let told = notes.take();
            let parts: Vec<&str> = if told.is_empty() { vec![] } else { told.split(", ").collect() };
            assert!(
                parts.len() == expected.len()
                    && parts.iter().zip(expected).all(|(part, expected)| part.starts_with(expected)),
                "{state}: {told}"
            );
            assert!(!stream.is_closing() && stream.close());
            assert!(!event_loop.run(RunMode::Default).unwrap());
            assert!(event_loop.handle().handles().is_empty());
        }
    }
}

#[test]
fn a_reset_of_the_peer_ends_a_task_that_reads_and_one_that_writes() {
    for writes in [false, true] {
        let event_loop = EventLoop::new().unwrap();
        let (stream, peer) = to_peer(&event_loop);
        let task = event_loop.handle().spawn(async move {
            let mut stream = OwnedTcpStream::new(stream);
            let result = match writes {
                false => stream.read(&mut [0; 8]).await.map(drop),
                true => stream.write_all(&vec![0; MUCH]).await,
            };
            result.map_err(|error| error.kind())
        });
        // It waits: nothing comes, or there is no more room.
        for _ in 0..50 {
            assert!(event_loop.run(RunMode::NoWait).unwrap());
        }
        assert!(!task.is_finished());
        socket2::SockRef::from(&peer).set_linger(Some(ms(0))).unwrap();
        drop(peer);
        assert!(!event_loop.run(RunMode::Default).unwrap());
        assert_eq!(task.try_take(), Some(Ok(Err(io::ErrorKind::ConnectionReset))));
    }
}
