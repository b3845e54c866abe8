//! What the tests of the loop share: a scripted loop, a log of what ran, drops that can be counted.

#![allow(dead_code, unreachable_pub)] // Each test file uses its own part of this.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use event_loop::{
    EventLoop, LoopHandle, LoopOptions, Peer, ReadEvent, RunMode, Script, TcpListener, TcpStream, UdpEvent,
};

/// `n` milliseconds.
pub fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// A loop in a scripted world, with its handle and its script.
pub struct Scripted {
    pub script: Script,
    pub event_loop: EventLoop,
    pub lp: LoopHandle,
}

impl Scripted {
    pub fn new() -> Scripted {
        Scripted::with(|options| options)
    }

    pub fn with(set: impl FnOnce(LoopOptions) -> LoopOptions) -> Scripted {
        let script = Script::new();
        let options = EventLoop::options().script(&script).phase_trace(true);
        let event_loop = set(options).build().unwrap();
        let lp = event_loop.handle();
        Scripted { script, event_loop, lp }
    }

    pub fn run(&self, mode: RunMode) -> bool {
        self.event_loop.run(mode).unwrap()
    }

    /// Lets the code under test "compute" for a while.
    pub fn work(&self, by: Duration) {
        self.script.hands().advance(by);
    }

    /// The phase trace since the last call, one callback a line.
    pub fn trace(&self) -> String {
        trace(&self.lp)
    }
}

/// An address of this machine.
pub fn addr(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// A port that nobody else can take, and where nobody hears what others send: who has it hears only itself.
pub fn nobody() -> (std::net::UdpSocket, SocketAddr) {
    let deaf = std::net::UdpSocket::bind(addr(0)).unwrap();
    let to = deaf.local_addr().unwrap();
    deaf.connect(to).unwrap();
    (deaf, to)
}

/// Runs the loop until `socket` has received `count` datagrams, at most for a while; gives their texts.
pub fn datagrams(event_loop: &EventLoop, socket: &event_loop::UdpSocket, count: usize) -> String {
    let notes = Notes::default();
    let (itself, shared) = (socket.clone(), notes.clone());
    let mut left = count;
    let heard = move |lp: &LoopHandle, event: UdpEvent<'_>| match event {
        UdpEvent::Datagram { data, .. } => {
            shared.add(String::from_utf8_lossy(data));
            left -= 1;
            if left == 0 {
                itself.recv_stop();
                lp.stop();
            }
        }
        UdpEvent::Drained => {}
        UdpEvent::Failed(error) => panic!("{error}"),
    };
    socket.recv_start(heard).unwrap();
    let patience = event_loop::Timer::new(&event_loop.handle());
    patience.start(ms(10_000), ms(0), |lp| lp.stop()).unwrap();
    event_loop.run(RunMode::Default).unwrap();
    socket.recv_stop();
    patience.close();
    event_loop.run(RunMode::NoWait).unwrap();
    notes.take()
}

/// A scripted world with one connected stream, which the loop has accepted.
pub fn connected() -> (Scripted, TcpStream) {
    let world = Scripted::new();
    world.script.connects(ms(0), Peer(1), 80);
    let listener = TcpListener::bind(&world.lp, addr(80), 8).unwrap();
    let kept = Rc::new(RefCell::new(None));
    let (slot, itself) = (kept.clone(), listener.clone());
    listener.on_connection(move |_, stream| {
        *slot.borrow_mut() = Some(stream.unwrap());
        itself.close();
    });
    assert!(!world.run(RunMode::Default));
    world.trace();
    let stream = kept.take().unwrap();
    (world, stream)
}

/// The phase trace of a loop, one callback a line.
pub fn trace(lp: &LoopHandle) -> String {
    lp.take_phase_trace().iter().map(|event| format!("{event}\n")).collect()
}

/// The phase trace without the numbers of the callbacks, one pass a line.
pub fn passes(lp: &LoopHandle) -> String {
    let mut text = String::new();
    let mut last = None;
    for event in lp.take_phase_trace() {
        if last != Some(event.tick) {
            text += if last.is_some() { "\n" } else { "" };
            text += &format!("{}:", event.tick);
            last = Some(event.tick);
        }
        text += &format!(" {}", event.callee.name());
    }
    text
}

/// Notes of what ran, in order; clones share them.
#[derive(Clone, Default)]
pub struct Notes(Rc<RefCell<Vec<String>>>);

impl Notes {
    pub fn add(&self, text: impl Into<String>) {
        self.0.borrow_mut().push(text.into());
    }

    /// A callback that adds a note.
    pub fn cb(&self, text: impl Into<String>) -> impl FnMut(&LoopHandle) + 'static {
        let (notes, text) = (self.clone(), text.into());
        move |_| notes.add(text.clone())
    }

    /// The callback of a request that notes how it ended.
    pub fn outcome(
        &self,
        text: impl Into<String>,
    ) -> impl FnOnce(&LoopHandle, std::io::Result<()>) + 'static {
        let (notes, text) = (self.clone(), text.into());
        move |_, result| match result {
            Ok(()) => notes.add(format!("{text} ok")),
            Err(error) => notes.add(format!("{text} {:?}", error.kind())),
        }
    }

    /// The callback of a request that notes the system's number of its error.
    pub fn number(&self, text: impl Into<String>) -> impl FnOnce(&LoopHandle, std::io::Result<()>) + 'static {
        let (notes, text) = (self.clone(), text.into());
        move |_, result| match result {
            Ok(()) => notes.add(format!("{text} ok")),
            Err(error) => notes.add(format!("{text} {:?}", error.raw_os_error())),
        }
    }

    /// A read callback that notes lengths, end and errors.
    pub fn reads(&self, text: impl Into<String>) -> impl FnMut(&LoopHandle, ReadEvent<'_>) + 'static {
        let (notes, text) = (self.clone(), text.into());
        move |_, event| match event {
            ReadEvent::Data(data) => notes.add(format!("{text} {}", data.len())),
            ReadEvent::End => notes.add(format!("{text} end")),
            ReadEvent::Failed(error) => notes.add(format!("{text} {:?}", error.kind())),
        }
    }

    /// A receive callback that notes each datagram and its sender's port, when nothing is left, and errors.
    pub fn receives(&self, text: impl Into<String>) -> impl FnMut(&LoopHandle, UdpEvent<'_>) + 'static {
        let (notes, text) = (self.clone(), text.into());
        move |_, event| match event {
            UdpEvent::Datagram { data, from, truncated } => {
                let cut = if truncated { ", cut off," } else { "" };
                let data = String::from_utf8_lossy(data);
                notes.add(format!("{text} {data}{cut} from {}", from.port()));
            }
            UdpEvent::Drained => notes.add(format!("{text} drained")),
            UdpEvent::Failed(error) => notes.add(format!("{text} {:?}", error.kind())),
        }
    }

    pub fn count(&self, text: &str) -> usize {
        self.0.borrow().iter().filter(|note| *note == text).count()
    }

    /// All notes since the last call, separated by commas.
    pub fn take(&self) -> String {
        self.0.take().join(", ")
    }
}

/// Runs something when it is dropped.
pub struct OnDrop(pub Option<Box<dyn FnOnce()>>);

impl OnDrop {
    pub fn new(code: impl FnOnce() + 'static) -> OnDrop {
        OnDrop(Some(Box::new(code)))
    }
}

impl Drop for OnDrop {
    fn drop(&mut self) {
        if let Some(code) = self.0.take() {
            code();
        }
    }
}

/// A counter that callbacks share.
#[derive(Clone, Default)]
pub struct Count(Rc<Cell<usize>>);

impl Count {
    pub fn add(&self) -> usize {
        self.0.set(self.0.get() + 1);
        self.0.get()
    }

    pub fn get(&self) -> usize {
        self.0.get()
    }
}
