//! The program that errors fall on: it does what a careful user does with each of them, and closes what has failed.

use std::io;
use std::time::Duration;

use event_loop::{
    Call, LoopHandle, OwnedTcpStream, OwnedUdpSocket, Peer, ReadEvent, Script, TcpListener, TcpStream, Timer,
    UdpEvent, UdpSocket, sleep, timeout,
};

use crate::common::{Scripted, addr, ms};
use crate::ledger::Ledger;

/// The ports of the two echo servers, by callbacks and by tasks.
const SERVERS: [u16; 2] = [80, 81];
/// Clients of each server: 3 that send and end, and one that resets.
const CLIENTS: [[u32; 4]; 2] = [[1, 2, 3, 4], [11, 12, 13, 14]];
const RESETTING: [u32; 2] = [4, 14];
/// Whom the program connects to: by callbacks to two that answer and one that refuses, by a task to one.
const ANSWERING: [u32; 3] = [21, 22, 24];
const REFUSING: u32 = 23;
/// The ports of the datagram sockets: echo by callbacks, connected, echo by a task.
const DATAGRAMS: [u16; 3] = [90, 91, 92];

/// How many connections and sockets there are to harm.
pub(crate) const CONNECTIONS: usize = 16;

/// The calls that the program makes at least once when nothing fails.
pub(crate) const CALLS: [Call; 15] = [
    Call::Poll,
    Call::Listen,
    Call::Connect,
    Call::Accept,
    Call::Read,
    Call::Write,
    Call::Shutdown,
    Call::Register,
    Call::BindUdp,
    Call::ConnectUdp,
    Call::RecvFrom,
    Call::SendTo,
    Call::FinishConnect,
    Call::SetOption,
    Call::Address,
];

/// More than the peers take at first, so that writes wait for room.
const LARGE: usize = 3_000;
const ROOM: usize = 1_000;
/// Servers and datagram sockets close then, whatever came.
const END: Duration = Duration::from_secs(5);

/// What the peers have seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// The name of a peer, and what it received and whether it was told the end.
    streams: Vec<(u32, Vec<u8>, bool)>,
    /// The port of a socket, and what was sent from it.
    datagrams: Vec<(u16, Vec<Vec<u8>>)>,
}

impl Outcome {
    pub(crate) fn of(script: &Script) -> Outcome {
        let peers = CLIENTS.into_iter().flatten().chain(ANSWERING);
        let streams =
            peers.map(|peer| (peer, script.received_by(Peer(peer)), script.ended_towards(Peer(peer))));
        let datagrams = DATAGRAMS.map(|port| {
            let mut sent: Vec<_> = script.datagrams_from(port).into_iter().map(|(_, data)| data).collect();
            sent.sort();
            (port, sent)
        });
        Outcome { streams: streams.collect(), datagrams: datagrams.into() }
    }

    /// Whether everybody got what the script asks for.
    pub(crate) fn is_whole(&self) -> bool {
        let answers = |peer: u32| !RESETTING.contains(&peer);
        self.streams
            .iter()
            .all(|(peer, received, ended)| !answers(*peer) || (received.len() > LARGE && *ended))
            && self.datagrams.iter().all(|(_, sent)| sent.len() == 5)
    }

    /// The peers and sockets that saw something else.
    pub(crate) fn differences(&self, other: &Outcome) -> Vec<String> {
        let streams = self.streams.iter().zip(&other.streams).filter(|(one, other)| one != other);
        let datagrams = self.datagrams.iter().zip(&other.datagrams).filter(|(one, other)| one != other);
        let streams =
            streams.map(|(one, other)| format!("peer {}: {} of {} bytes", one.0, one.1.len(), other.1.len()));
        streams.chain(datagrams.map(|(one, _)| format!("port {}: {} sent", one.0, one.1.len()))).collect()
    }
}

/// Writes the script and makes the first calls; the rest happens in callbacks.
pub(crate) fn start(world: &Scripted, ledger: &Ledger) {
    write_script(&world.script);
    let program = Program { ledger: ledger.clone() };
    let lp = &world.lp;
    program.serve(lp);
    program.serve_by_tasks(lp);
    for _ in 0..3 {
        program.connect(lp);
    }
    connect_by_task(lp);
    program.echo_datagrams(lp);
    program.send_to_a_peer(lp);
    echo_datagrams_by_task(lp);
}

fn write_script(script: &Script) {
    for (port, clients) in SERVERS.into_iter().zip(CLIENTS) {
        for (n, client) in clients.into_iter().enumerate() {
            let (at, peer) = (ms(1 + n as u64 / 2), Peer(client));
            script.window(peer, ROOM).connects(at, peer, port).sends(ms(3), peer, b"first");
            if RESETTING.contains(&client) {
                // Later than a listener waits that could not accept.
                script.resets(ms(300), peer);
                continue;
            }
            script.sends(ms(5), peer, &[client as u8; LARGE]).finishes(ms(8), peer);
            for at in [10, 12, 14] {
                script.takes(ms(at), peer, ROOM);
            }
        }
    }
    for peer in [ANSWERING[0], ANSWERING[1], REFUSING, ANSWERING[2]] {
        let accepts = peer != REFUSING;
        script.window(Peer(peer), ROOM).answers_connect(ms(2), Peer(peer), accepts);
        if accepts {
            script.sends(ms(4), Peer(peer), b"welcome").finishes(ms(9), Peer(peer));
            for at in [11, 13, 15] {
                script.takes(ms(at), Peer(peer), ROOM);
            }
        }
    }
    for port in DATAGRAMS {
        script.datagram_window(port, 2);
        for n in 0..5_u8 {
            script.datagram(ms(3 + u64::from(n) / 2), port, addr(9), &[n; 10]);
        }
        script.takes_datagrams(ms(12), port, 2).takes_datagrams(ms(14), port, 1);
    }
}

#[derive(Clone)]
struct Program {
    ledger: Ledger,
}

/// Closes a handle and says what is owed.
macro_rules! close {
    ($program:expr, $handle:expr) => {{
        let due = $program.ledger.due("close");
        let refused = due.shared();
        if !$handle.close_then(move |_| due.told()) {
            refused.refused();
        }
    }};
}

impl Program {
    /// Calls `end` when it is time to close.
    fn at_the_end(&self, lp: &LoopHandle, end: impl FnOnce() + 'static) {
        let (timer, mut end) = (Timer::new(lp), Some(end));
        let (itself, program) = (timer.clone(), self.clone());
        let due = self.ledger.due("timer");
        let mut due = Some(due);
        let fire = move |_: &LoopHandle| {
            due.take().expect("a timer for one time").told();
            end.take().expect("a timer for one time")();
            close!(program, itself);
        };
        timer.start(END, Duration::ZERO, fire).unwrap();
    }

    fn serve(&self, lp: &LoopHandle) {
        let Ok(listener) = TcpListener::bind(lp, addr(SERVERS[0]), 8) else { return };
        let program = self.clone();
        listener.on_connection(move |_, accepted| {
            if let Ok(stream) = accepted {
                program.echo(&stream);
            }
        });
        let program = self.clone();
        self.at_the_end(lp, move || close!(program, listener));
    }

    fn echo(&self, stream: &TcpStream) {
        // An option that cannot be had is done without.
        let _ = stream.set_nodelay(true);
        let (program, itself) = (self.clone(), stream.clone());
        let on_read = move |_: &LoopHandle, event: ReadEvent<'_>| match event {
            ReadEvent::Data(data) => program.write(&itself, data.to_vec()),
            ReadEvent::End => program.end(&itself),
            ReadEvent::Failed(_) => close!(program, itself),
        };
        if stream.read_start(on_read).is_err() {
            close!(self, stream);
        }
    }

    fn write(&self, stream: &TcpStream, data: Vec<u8>) {
        let (program, itself, due) = (self.clone(), stream.clone(), self.ledger.due("write"));
        stream.write(data, move |_, result| {
            due.told();
            if result.is_err() {
                close!(program, itself);
            }
        });
    }

    /// Ends our direction after what is queued, and then closes.
    fn end(&self, stream: &TcpStream) {
        let (program, itself, due) = (self.clone(), stream.clone(), self.ledger.due("shutdown"));
        stream.shutdown(move |_, _| {
            due.told();
            close!(program, itself);
        });
    }

    /// Connects, with two writes that wait for it, and reads until the peer ends.
    fn connect(&self, lp: &LoopHandle) {
        let due = self.ledger.due("connect");
        let (refused, program) = (due.shared(), self.clone());
        let slot = std::rc::Rc::new(std::cell::RefCell::new(None::<TcpStream>));
        let connected = slot.clone();
        let on_connect = move |_: &LoopHandle, result: io::Result<()>| {
            due.told();
            let Some(stream) = connected.take() else { return };
            let (reader, itself) = (program.clone(), stream.clone());
            let on_read = move |_: &LoopHandle, event: ReadEvent<'_>| match event {
                ReadEvent::Data(_) => {}
                ReadEvent::End => reader.end(&itself),
                ReadEvent::Failed(_) => close!(reader, itself),
            };
            let _ = stream.local_addr();
            if result.is_err() || stream.read_start(on_read).is_err() {
                close!(program, stream);
            }
        };
        match TcpStream::connect(lp, addr(1), on_connect) {
            Ok(stream) => {
                *slot.borrow_mut() = Some(stream.clone());
                self.write(&stream, b"hello".to_vec());
                self.write(&stream, vec![b'x'; LARGE]);
            }
            Err(_) => refused.refused(),
        }
    }

    /// Sends each datagram back; an error is told and the receiving goes on.
    fn echo_datagrams(&self, lp: &LoopHandle) {
        let Ok(socket) = UdpSocket::bind(lp, addr(DATAGRAMS[0])) else { return };
        self.answer(lp, &socket, |socket, data, from, done| socket.send_to(data, from, done));
    }

    /// The same over a socket with a peer.
    fn send_to_a_peer(&self, lp: &LoopHandle) {
        let Ok(socket) = UdpSocket::bind(lp, addr(DATAGRAMS[1])) else { return };
        if socket.connect(addr(9)).is_err() {
            close!(self, socket);
            return;
        }
        self.answer(lp, &socket, |socket, data, _, done| socket.send(data, done));
    }

    fn answer(
        &self,
        lp: &LoopHandle,
        socket: &UdpSocket,
        send: impl Fn(&UdpSocket, Vec<u8>, std::net::SocketAddr, Done) + 'static,
    ) {
        let (program, itself) = (self.clone(), socket.clone());
        let on_datagram = move |_: &LoopHandle, event: UdpEvent<'_>| {
            if let UdpEvent::Datagram { data, from, .. } = event {
                let due = program.ledger.due("send");
                send(&itself, data.to_vec(), from, Box::new(move |_, _| due.told()));
            }
        };
        if socket.recv_start(on_datagram).is_err() {
            close!(self, socket);
            return;
        }
        let (program, socket) = (self.clone(), socket.clone());
        self.at_the_end(lp, move || close!(program, socket));
    }

    /// The server as tasks: one accepts, and one for each connection echoes.
    fn serve_by_tasks(&self, lp: &LoopHandle) {
        let Ok(listener) = TcpListener::bind(lp, addr(SERVERS[1]), 8) else { return };
        let (program, closing) = (self.clone(), listener.clone());
        self.at_the_end(lp, move || close!(program, closing));
        let lp = lp.clone();
        let accepts = self.ledger.due("end of the accepting task");
        lp.clone().spawn(async move {
            loop {
                let accepted = listener.accept().await;
                if listener.is_closing() {
                    break accepts.told();
                }
                match accepted {
                    Ok(stream) => drop(lp.spawn(echo_by_task(stream))),
                    // Who fails now may fail for a while.
                    Err(_) => sleep(ms(1)).await,
                }
            }
        });
    }
}

type Done = Box<dyn FnOnce(&LoopHandle, io::Result<()>)>;

async fn echo_by_task(mut stream: OwnedTcpStream) -> io::Result<()> {
    let _ = stream.set_nodelay(true);
    let mut buffer = [0; 512];
    loop {
        let bytes = stream.read(&mut buffer).await?;
        if bytes == 0 {
            return stream.shutdown().await;
        }
        stream.write_all(&buffer[..bytes]).await?;
    }
}

fn connect_by_task(lp: &LoopHandle) {
    lp.spawn(async {
        let mut stream = OwnedTcpStream::connect(addr(1)).await?;
        stream.write_all(b"hello").await?;
        stream.write_all(&[b'y'; LARGE]).await?;
        let mut buffer = [0; 512];
        while stream.read(&mut buffer).await? > 0 {}
        stream.shutdown().await
    });
}

fn echo_datagrams_by_task(lp: &LoopHandle) {
    let echo = async {
        let socket = OwnedUdpSocket::bind(addr(DATAGRAMS[2]))?;
        let mut buffer = [0; 512];
        loop {
            // What could not be received or sent is lost, as datagrams may be.
            if let Ok(received) = socket.recv_from(&mut buffer).await {
                let _ = socket.send_to(&buffer[..received.bytes], received.from).await;
            }
        }
    };
    lp.spawn(async move {
        let _: Result<io::Result<()>, _> = timeout(END, echo).await;
    });
}
