//! Sockets and pipes after a fork: those from before are watched in both processes, and neither disturbs the other.

use std::cell::RefCell;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;

use event_loop::{Timer, UdpEvent, UdpSocket};
use runtime_lab::{
    EventLoop, LoopHandle, Pipe, ReadEvent, RunMode, TcpListener, TcpStream, UnixListener, UnixStream,
};

use crate::processes::{ended_well, fork, leave};

/// What came, and from where.
type Heard = Rc<RefCell<Vec<String>>>;

/// The callback of a stream that hears one word and closes.
macro_rules! hears_a_word {
    ($name:expr, $stream:expr, $heard:expr) => {{
        let (itself, heard) = ($stream.clone(), $heard.clone());
        move |_: &LoopHandle, event: ReadEvent<'_>| match event {
            ReadEvent::Data(data) => {
                heard.borrow_mut().push(format!("{} {}", $name, String::from_utf8_lossy(data)));
                itself.close();
            }
            other => panic!("{}: {other:?}", $name),
        }
    }};
}

/// A socket that the loop meets only after the fork, in the child.
pub(crate) fn new_sockets() {
    let event_loop = EventLoop::new().unwrap();
    let (mut ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let Some(child) = fork() else {
        event_loop.after_fork().unwrap();
        let heard = Heard::default();
        let stream = UnixStream::from_std(&event_loop.handle(), theirs).unwrap();
        stream.read_start(hears_a_word!("stream", stream, heard)).unwrap();
        assert!(!event_loop.run(RunMode::Default).unwrap());
        assert_eq!(*heard.borrow(), ["stream word"]);
        leave();
    };
    ours.write_all(b"word").unwrap();
    ended_well(child);
}

/// One of each kind, started; and the other ends, outside of the loop.
struct Started {
    heard: Heard,
    tcp: std::net::TcpStream,
    unix: std::os::unix::net::UnixStream,
    pipe: std::io::PipeWriter,
    udp: SocketAddr,
    listener: SocketAddr,
    path: PathBuf,
}

impl Started {
    fn new(lp: &LoopHandle, event_loop: &EventLoop, folder: &std::path::Path) -> Started {
        let heard = Heard::default();
        let any = SocketAddr::from(([127, 0, 0, 1], 0));

        let server = std::net::TcpListener::bind(any).unwrap();
        let stream =
            TcpStream::connect(lp, server.local_addr().unwrap(), |_, result| result.unwrap()).unwrap();
        let (tcp, _) = server.accept().unwrap();
        // The connection stands, and its first edges are over.
        assert!(!event_loop.run(RunMode::Default).unwrap());
        stream.read_start(hears_a_word!("tcp", stream, heard)).unwrap();

        let (unix, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
        let stream = UnixStream::from_std(lp, theirs).unwrap();
        stream.read_start(hears_a_word!("unix", stream, heard)).unwrap();

        let (reader, pipe) = std::io::pipe().unwrap();
        let end = Pipe::new(lp, reader).unwrap();
        end.read_start(hears_a_word!("pipe", end, heard)).unwrap();

        let socket = UdpSocket::bind(lp, any).unwrap();
        let udp = socket.local_addr().unwrap();
        let (itself, notes) = (socket.clone(), heard.clone());
        let on_datagram = move |_: &LoopHandle, event: UdpEvent<'_>| match event {
            UdpEvent::Datagram { data, .. } => {
                notes.borrow_mut().push(format!("udp {}", String::from_utf8_lossy(data)));
                itself.close();
            }
            UdpEvent::Drained => {}
            UdpEvent::Failed(error) => panic!("udp: {error}"),
        };
        socket.recv_start(on_datagram).unwrap();

        let tcp_listener = TcpListener::bind(lp, any, 8).unwrap();
        let listener = tcp_listener.local_addr().unwrap();
        let (itself, notes) = (tcp_listener.clone(), heard.clone());
        tcp_listener.on_connection(move |_, stream| {
            let stream = stream.unwrap();
            stream.read_start(hears_a_word!("accepted tcp", stream, notes)).unwrap();
            itself.close();
        });

        let path = folder.join("listener");
        let unix_listener = UnixListener::bind(lp, &path, 8).unwrap();
        let (itself, notes) = (unix_listener.clone(), heard.clone());
        unix_listener.on_connection(move |_, stream| {
            let stream = stream.unwrap();
            stream.read_start(hears_a_word!("accepted unix", stream, notes)).unwrap();
            itself.close();
        });
        // A pass of the loop, after which all are registered and silent.
        assert!(event_loop.run(RunMode::NoWait).unwrap());
        Started { heard, tcp, unix, pipe, udp, listener, path }
    }

    /// Sends the word to all of them, as nobody's loop.
    fn say(&mut self, word: &str) {
        let bytes = word.as_bytes();
        self.tcp.write_all(bytes).unwrap();
        self.unix.write_all(bytes).unwrap();
        self.pipe.write_all(bytes).unwrap();
        std::net::UdpSocket::bind("127.0.0.1:0").unwrap().send_to(bytes, self.udp).unwrap();
        std::net::TcpStream::connect(self.listener).unwrap().write_all(bytes).unwrap();
        std::os::unix::net::UnixStream::connect(&self.path).unwrap().write_all(bytes).unwrap();
    }

    /// All have heard the word, once.
    fn assert_heard(&self, word: &str) {
        let mut heard = self.heard.take();
        heard.sort();
        let all = ["accepted tcp", "accepted unix", "pipe", "tcp", "udp", "unix"];
        assert_eq!(heard, all.map(|name| format!("{name} {word}")));
    }
}

/// Each kind is started before the fork. First only the child runs its loop, hears a word and closes its copies, and when it
/// has gone the parent's loop hears the next one.
pub(crate) fn started_sockets() {
    let event_loop = EventLoop::new().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut started = Started::new(&event_loop.handle(), &event_loop, folder.path());
    let Some(child) = fork() else {
        event_loop.after_fork().unwrap();
        started.say("one");
        assert!(!event_loop.run(RunMode::Default).unwrap());
        started.assert_heard("one");
        drop(event_loop);
        leave();
    };
    ended_well(child);
    assert!(event_loop.run(RunMode::NoWait).unwrap());
    assert_eq!(*started.heard.borrow(), [""; 0]);
    started.say("two");
    assert!(!event_loop.run(RunMode::Default).unwrap());
    started.assert_heard("two");
}

/// The parent closes a connection that its child goes on with: its loop hears no more of it, and when the child hands it back,
/// most likely under the number that it had, it is a connection like others.
pub(crate) fn handed_back() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let ours = UnixStream::from_std(&lp, ours).unwrap();
    let stream = TcpStream::connect(&lp, server.local_addr().unwrap(), |_, result| result.unwrap()).unwrap();
    let (mut tcp, _) = server.accept().unwrap();
    assert!(!event_loop.run(RunMode::Default).unwrap());
    let Some(child) = fork() else {
        event_loop.after_fork().unwrap();
        let theirs = UnixStream::from_std(&lp, theirs).unwrap();
        // Not before the parent has closed its copy, and the peer has spoken.
        let (itself, copy) = (theirs.clone(), stream.duplicate().unwrap());
        let mut copy = Some(copy);
        let read = move |_: &LoopHandle, _: ReadEvent<'_>| {
            let closing = itself.clone();
            let told = move |_: &LoopHandle, result: std::io::Result<()>| {
                result.unwrap();
                closing.close();
            };
            itself.write_with_descriptors(b"take it".to_vec(), copy.take().into_iter().collect(), told);
        };
        theirs.read_start(read).unwrap();
        assert!(!event_loop.run(RunMode::Default).unwrap());
        leave();
    };
    stream.close();
    assert!(!event_loop.run(RunMode::Default).unwrap());
    tcp.write_all(b"word").unwrap();
    let before = lp.metrics().snapshot(lp.now()).events;
    let patience = Timer::new(&lp);
    patience.start(std::time::Duration::from_millis(5), std::time::Duration::ZERO, |_| {}).unwrap();
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(lp.metrics().snapshot(lp.now()).events, before);

    let heard = Heard::default();
    let (itself, notes) = (ours.clone(), heard.clone());
    let read = move |lp: &LoopHandle, _: ReadEvent<'_>, descriptors: Vec<std::os::fd::OwnedFd>| {
        itself.close();
        for descriptor in descriptors {
            let stream = TcpStream::from_fd(lp, descriptor).unwrap();
            stream.read_start(hears_a_word!("tcp", stream, notes)).unwrap();
        }
    };
    ours.read_start_with_descriptors(read).unwrap();
    ours.write(b"now".to_vec(), |_, result| result.unwrap());
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(*heard.borrow(), ["tcp word"]);
    ended_well(child);
}

/// A write that waits for room at the fork goes on in both processes, each with its own copy of the queue.
pub(crate) fn writes() {
    const SIZE: usize = 4 << 20;
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    let stream = UnixStream::from_std(&lp, theirs).unwrap();
    let itself = stream.clone();
    stream.write(vec![b'x'; SIZE], move |_, result| {
        result.unwrap();
        itself.close();
    });
    assert!(event_loop.run(RunMode::NoWait).unwrap());
    let queued = stream.write_queue_size();
    assert!(0 < queued && queued < SIZE);
    let read = |count: usize| {
        let mut ours = ours.try_clone().unwrap();
        std::thread::spawn(move || {
            std::io::copy(&mut std::io::Read::take(&mut ours, count as u64), &mut std::io::sink()).unwrap()
        })
    };
    let Some(child) = fork() else {
        event_loop.after_fork().unwrap();
        // What is in the socket's own buffer, and then the child's copy of the queue.
        let reader = read(SIZE);
        assert!(!event_loop.run(RunMode::Default).unwrap());
        assert_eq!(reader.join().unwrap(), SIZE as u64);
        leave();
    };
    ended_well(child);
    let reader = read(queued);
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(reader.join().unwrap(), queued as u64);
}
