//! Errors at every call of streams that are taken over, reset and connected: each is told once, and a log replays the run.
//!
//! What errors do to connections at large is in `injected_errors`.

#![cfg(unix)]

mod common;

use std::cell::{Cell, RefCell};
use std::io::{self, Read, Write};
use std::rc::Rc;

use common::{Notes, addr, connected, ms, trace};
use event_loop::{
    Call, DriverLog, EventLoop, KeepAlive, LoopError, LoopHandle, Peer, ReadEvent, RunMode, Script,
    TcpListener, TcpStream, UnixStream,
};
use rustix::io::Errno;

/// The calls that streams make.
const CALLS: [Call; 13] = [
    Call::Poll,
    Call::Listen,
    Call::Connect,
    Call::FinishConnect,
    Call::Accept,
    Call::Shed,
    Call::Register,
    Call::Adopt,
    Call::Read,
    Call::Write,
    Call::Shutdown,
    Call::SetOption,
    Call::Address,
];

/// Closes something.
type Closer = Box<dyn Fn()>;

/// Requests that were made, and how many of them were told.
#[derive(Clone, Default)]
struct Book {
    made: Rc<Cell<usize>>,
    told: Rc<Cell<usize>>,
    closers: Rc<RefCell<Vec<Closer>>>,
}

impl Book {
    /// The callback of one request.
    fn request(&self) -> impl FnOnce(&LoopHandle, io::Result<()>) + use<> {
        self.made.set(self.made.get() + 1);
        let told = self.told.clone();
        move |_, _| told.set(told.get() + 1)
    }

    /// What closes something when all is over.
    fn closes(&self, close: impl Fn() + 'static) {
        self.closers.borrow_mut().push(Box::new(close));
    }
}

/// The world of the program below: two clients, a peer that answers, one that is reset, and one behind a descriptor.
fn world() -> Script {
    let script = Script::new();
    script.connects(ms(1), Peer(1), 80).sends(ms(2), Peer(1), b"hello").finishes(ms(3), Peer(1));
    script.connects(ms(1), Peer(2), 80).sends(ms(4), Peer(2), b"hello").resets(ms(6), Peer(2));
    script.answers_connect(ms(2), Peer(3), true).sends(ms(5), Peer(3), b"answer");
    script.answers_connect(ms(3), Peer(4), true);
    script.adopts(Peer(5)).sends(ms(2), Peer(5), b"from a descriptor").finishes(ms(7), Peer(5));
    script
}

/// What every stream of the program does, in the middle of whatever fails.
fn serve(stream: &TcpStream, book: &Book) {
    let _ = stream.set_nodelay(true);
    let _ = stream.peer_addr();
    let (itself, shared) = (stream.clone(), book.clone());
    let read = move |_: &LoopHandle, event: ReadEvent<'_>| match event {
        ReadEvent::Data(bytes) => itself.write(bytes.to_vec(), shared.request()),
        ReadEvent::End => itself.shutdown(shared.request()),
        ReadEvent::Failed(_) => {
            itself.close();
        }
    };
    stream.read_start(read).unwrap();
    let closing = stream.clone();
    book.closes(move || {
        closing.close();
    });
}

/// Streams of every kind, which use every call; after 50 ms all that is left is closed.
fn program(event_loop: &EventLoop, book: &Book) -> String {
    let lp = event_loop.handle();
    if let Ok(listener) = TcpListener::bind(&lp, addr(80), 8) {
        let shared = book.clone();
        listener.on_connection(move |_, stream| {
            if let Ok(stream) = stream {
                serve(&stream, &shared);
            }
        });
        let _ = listener.local_addr();
        book.closes(move || {
            listener.close();
        });
    }
    let told = book.request();
    let kept = Rc::new(RefCell::new(None::<TcpStream>));
    let (slot, shared) = (kept.clone(), book.clone());
    let client = TcpStream::connect(&lp, addr(1), move |lp, result| {
        let connected = result.is_ok();
        told(lp, result);
        if let Some(stream) = slot.take().filter(|_| connected) {
            let _ = stream.set_keepalive(Some(KeepAlive::after(ms(1_000))));
            serve(&stream, &shared);
            stream.write(b"question".to_vec(), shared.request());
            stream.shutdown(shared.request());
        }
    });
    match client {
        Ok(client) => {
            *kept.borrow_mut() = Some(client.clone());
            book.closes(move || {
                client.close();
            });
        }
        Err(_) => book.made.set(book.made.get() - 1),
    }
    if let Ok(broken) = TcpStream::connect(&lp, addr(2), book.request()) {
        broken.write(b"lost".to_vec(), book.request());
        let shared = book.clone();
        lp.set_timeout(ms(4), move |_| {
            if broken.close_reset_then(|_| {}).is_err() {
                broken.close();
            }
            broken.write(b"late".to_vec(), shared.request());
        });
    } else {
        book.made.set(book.made.get() - 1);
    }
    let (ours, _theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    if let Ok(stream) = UnixStream::from_std(&lp, ours) {
        let (itself, shared) = (stream.clone(), book.clone());
        let read = move |_: &LoopHandle, event: ReadEvent<'_>, descriptors: Vec<_>| {
            if let ReadEvent::Data(bytes) = event {
                itself.write_with_descriptors(bytes.to_vec(), descriptors, shared.request());
                itself.shutdown(shared.request());
            }
        };
        stream.read_start_with_descriptors(read).unwrap();
        book.closes(move || {
            stream.close();
        });
    }
    let closing = book.closers.clone();
    lp.set_timeout(ms(50), move |_| closing.take().iter().for_each(|close| close()));
    // A poll that fails ends the run, and the next one goes on.
    for _ in 0..3 {
        match event_loop.run(RunMode::Default) {
            Err(LoopError::Poll(_)) => {}
            result => {
                assert!(!result.unwrap());
                return trace(&lp);
            }
        }
    }
    panic!("the loop does not end");
}

#[test]
fn d2_errors_at_each_call_are_told_once_hang_nothing_and_replay() {
    let mut met = Vec::new();
    // With the second world a connection is shed as well.
    for sheds in [false, true] {
        let calls = run(sheds, None);
        for (number, call) in calls.iter().enumerate() {
            for errno in [Errno::BADF, Errno::CONNRESET, Errno::MFILE, Errno::NOBUFS, Errno::INTR] {
                run(sheds, Some((number, *call, errno)));
            }
        }
        met.extend(calls);
    }
    for call in CALLS {
        assert!(met.contains(&call), "{call:?} is never made");
    }
}

/// Runs the program, with an error at one of its calls, and replays it; the answer is the calls that it made.
fn run(sheds: bool, fault: Option<(usize, Call, Errno)>) -> Vec<Call> {
    let (script, log, book) = (world(), DriverLog::new(), Book::default());
    if sheds {
        script.fails(Call::Accept, Errno::MFILE.into());
    }
    if let Some((number, _, errno)) = fault {
        script.fails_at(number, errno.into());
    }
    let options = EventLoop::options().script(&script).log(&log).phase_trace(true);
    let event_loop = options.build().unwrap();
    let seen = program(&event_loop, &book);
    assert_eq!(book.told.get(), book.made.get(), "{fault:?}");
    assert!(event_loop.handle().handles().is_empty(), "{fault:?}");

    let (again, book) = (DriverLog::new(), Book::default());
    let options = EventLoop::options().replay(&log).log(&again).phase_trace(true);
    assert_eq!(program(&options.build().unwrap(), &book), seen, "{fault:?}");
    assert_eq!(again.len(), log.len(), "{fault:?}");
    script.calls()
}

#[test]
fn b70_a_socket_that_was_closed_behind_the_back_of_the_loop_is_an_error_of_the_callback() {
    // Every call on the descriptor says that it is none.
    let (world, stream) = connected();
    let notes = Notes::default();
    for call in [Call::Write, Call::Read, Call::Shutdown, Call::SetOption, Call::Address] {
        world.script.fails(call, Errno::BADF.into());
    }
    stream.write(b"lost".to_vec(), notes.outcome("write"));
    world.script.sends(ms(1), Peer(1), b"lost");
    let failed = |result: io::Result<()>| result.unwrap_err().raw_os_error();
    assert_eq!(failed(stream.set_nodelay(true)), Some(Errno::BADF.raw_os_error()));
    assert_eq!(failed(stream.peer_addr().map(drop)), Some(Errno::BADF.raw_os_error()));
    let said = notes.clone();
    let read = move |_: &LoopHandle, event: ReadEvent<'_>| match event {
        ReadEvent::Failed(error) => said.add(format!("read {:?}", error.raw_os_error())),
        event => panic!("{event:?}"),
    };
    stream.read_start(read).unwrap();
    assert_eq!(notes.take(), "");
    assert!(!world.run(RunMode::Default));
    let seen = notes.take();
    assert!(seen.starts_with("write ") && seen.ends_with("read Some(9)"), "{seen}");
    stream.shutdown(notes.outcome("shutdown"));
    stream.close_then(notes.cb("close"));
    assert!(!world.run(RunMode::Default));
    assert!(notes.take().ends_with("close"));

    // For real: the end of the connection by means of another descriptor, of which the loop knows nothing.
    for cut in [cut_both_ways as fn(&TcpStream), take_the_peer_away] {
        let event_loop = EventLoop::new().unwrap();
        let lp = event_loop.handle();
        let listener = std::net::TcpListener::bind(addr(0)).unwrap();
        let server = listener.local_addr().unwrap();
        let stream = TcpStream::connect(&lp, server, |_, result| result.unwrap()).unwrap();
        assert!(!event_loop.run(RunMode::Default).unwrap());
        let mut peer = listener.accept().unwrap().0;
        stream.read_start(notes.reads("read")).unwrap();
        cut(&stream);
        stream.write(b"lost".to_vec(), notes.outcome("write"));
        assert_eq!(notes.take(), "");
        assert!(!event_loop.run(RunMode::Default).unwrap(), "the reading has ended too");
        let seen = notes.take();
        assert!(seen.contains("write ") && seen.contains("read ") && !seen.contains("write ok"), "{seen}");
        assert!(!stream.is_closing());
        stream.close_then(notes.cb("close"));
        assert!(!event_loop.run(RunMode::Default).unwrap());
        assert_eq!(notes.take(), "close");
        let _ = peer.write(b"?");
        assert!(matches!(peer.read(&mut [0; 8]), Ok(0) | Err(_)));
    }
}

fn cut_both_ways(stream: &TcpStream) {
    rustix::net::shutdown(stream.duplicate().unwrap(), rustix::net::Shutdown::Both).unwrap();
}

/// On Linux the socket is as if it had never been connected.
fn take_the_peer_away(stream: &TcpStream) {
    if cfg!(target_os = "linux") {
        rustix::net::connect_unspec(stream.duplicate().unwrap()).unwrap();
    } else {
        cut_both_ways(stream);
    }
}
