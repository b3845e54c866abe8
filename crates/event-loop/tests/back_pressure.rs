//! A peer that reads slowly: what waits stays bounded, nothing is lost, and others are served meanwhile.

mod common;

use std::cell::{Cell, RefCell};
use std::io::{self, Read};
use std::rc::Rc;

use common::{Count, Scripted, addr, connected, ms, passes};
use event_loop::{EventLoop, LoopHandle, OwnedTcpStream, Peer, ReadEvent, RunMode, TcpListener, TcpStream};

/// One write, and what one read of the loop takes at most.
const CHUNK: usize = 64 * 1024;
/// Above this a writer that looks at its queue stops.
const HIGH: usize = 4 * CHUNK;

/// A pattern in which a lost or doubled piece is seen.
fn pattern(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at / 7 % 251) as u8).collect()
}

#[test]
fn a_task_that_writes_to_a_peer_that_does_not_read_waits_and_queues_nothing() {
    const ALL: usize = 64 << 20;
    /// More than the buffers of both ends hold, as systems are set up.
    const BUFFERS: usize = ALL / 2;
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let listener = std::net::TcpListener::bind(addr(0)).unwrap();
    let server = listener.local_addr().unwrap();
    let written = Rc::new(Cell::new(0));
    let count = written.clone();
    let writer = lp.spawn(async move {
        let mut stream = OwnedTcpStream::connect(server).await.unwrap();
        let chunk = pattern(CHUNK);
        while count.get() < ALL {
            stream.write_all(&chunk).await.unwrap();
            count.set(count.get() + CHUNK);
            assert_eq!(stream.get_ref().write_queue_size(), 0);
        }
    });
    // The task begins to connect in the first pass.
    assert!(event_loop.run(RunMode::NoWait).unwrap());
    let mut peer = listener.accept().unwrap().0;
    for _ in 0..2_000 {
        assert!(event_loop.run(RunMode::NoWait).unwrap());
    }
    assert!((CHUNK..BUFFERS).contains(&written.get()), "{} bytes", written.get());

    peer.set_nonblocking(true).unwrap();
    let (expected, mut buffer, mut read) = (pattern(CHUNK), vec![0; CHUNK], 0);
    loop {
        let at = read % CHUNK;
        match peer.read(&mut buffer[at..]) {
            Ok(0) => break,
            Ok(bytes) => {
                assert!(buffer[at..at + bytes] == expected[at..at + bytes]);
                read += bytes;
            }
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                std::thread::yield_now();
            }
        }
        assert!(written.get().saturating_sub(read) < BUFFERS);
        event_loop.run(RunMode::NoWait).unwrap();
    }
    assert_eq!((read, writer.is_finished()), (ALL, true));
}

#[test]
fn a_writer_that_looks_at_its_queue_keeps_it_short() {
    const CHUNKS: usize = 128;
    let (world, stream) = connected();
    let data = Rc::new(pattern(CHUNKS * CHUNK));
    for n in 0..CHUNKS as u64 {
        world.script.takes(ms(n + 1), Peer(1), CHUNK);
    }
    /// Writes the next pieces until the queue is long; who has written one goes on.
    fn pump(stream: &TcpStream, data: &Rc<Vec<u8>>, at: &Rc<Cell<usize>>, most: &Rc<Cell<usize>>) {
        while at.get() < data.len() && stream.write_queue_size() < HIGH {
            let piece = data[at.get()..at.get() + CHUNK].to_vec();
            at.set(at.get() + CHUNK);
            let (again, data, at, most) = (stream.clone(), data.clone(), at.clone(), most.clone());
            stream.write(piece, move |_, written| {
                written.unwrap();
                pump(&again, &data, &at, &most);
            });
        }
        most.set(most.get().max(stream.write_queue_size()));
    }
    let (at, most) = (Rc::default(), Rc::default());
    pump(&stream, &data, &at, &most);
    assert!(!world.run(RunMode::Default));
    assert!((HIGH..HIGH + CHUNK).contains(&most.get()), "{} bytes", most.get());
    assert!(world.script.received_by(Peer(1)) == *data);
}

#[test]
fn a_forwarder_that_stops_reading_for_a_slow_sink_holds_little_and_loses_nothing() {
    const ALL: usize = 8 << 20;
    let world = Scripted::new();
    let data = pattern(ALL);
    let (source, sink) = (Peer(1), Peer(2));
    world.script.window(sink, 0).connects(ms(0), source, 80).connects(ms(0), sink, 80);
    // It comes in one go and leaves in small pieces.
    world.script.sends(ms(1), source, &data).finishes(ms(1), source);
    for n in 0..=(ALL / CHUNK) as u64 {
        world.script.takes(ms(n + 2), sink, CHUNK);
    }
    let listener = TcpListener::bind(&world.lp, addr(80), 8).unwrap();
    let (itself, streams) = (listener.clone(), Rc::new(RefCell::new(Vec::<TcpStream>::new())));
    let most = Rc::new(Cell::new(0));
    let highest = most.clone();
    listener.on_connection(move |_, stream| {
        streams.borrow_mut().push(stream.unwrap());
        let [from, to] = &streams.borrow()[..] else { return };
        itself.close();
        forward(&Rc::new(Forward {
            from: from.clone(),
            to: to.clone(),
            ended: Cell::new(false),
            most: highest.clone(),
        }));
    });
    assert!(!world.run(RunMode::Default));
    assert!(world.script.received_by(sink) == data);
    assert!(world.script.ended_towards(sink));
    assert!((HIGH..HIGH + CHUNK).contains(&most.get()), "{} bytes", most.get());
}

/// What comes from one stream goes to the other.
struct Forward {
    from: TcpStream,
    to: TcpStream,
    ended: Cell<bool>,
    most: Rc<Cell<usize>>,
}

/// Sends on what comes; while much of it waits, nothing more is read.
fn forward(it: &Rc<Forward>) {
    let this = it.clone();
    let on_read = move |_: &LoopHandle, event: ReadEvent<'_>| match event {
        ReadEvent::Data(bytes) => {
            let again = this.clone();
            this.to.write(bytes.to_vec(), move |_, written| {
                written.unwrap();
                // Also the write that emptied the queue comes here, so the reading always goes on.
                if !again.ended.get() && !again.from.is_active() && again.to.write_queue_size() < HIGH {
                    forward(&again);
                }
            });
            this.most.set(this.most.get().max(this.to.write_queue_size()));
            if this.to.write_queue_size() >= HIGH {
                this.from.read_stop();
            }
        }
        ReadEvent::End => {
            this.ended.set(true);
            this.to.shutdown(|_, ended| ended.unwrap());
        }
        ReadEvent::Failed(error) => panic!("{error}"),
    };
    it.from.read_start(on_read).unwrap();
}

#[test]
fn a_task_writes_and_ends_behind_what_callbacks_have_queued() {
    // Queued before the stream is connected, and more than there is room for.
    for (queued, pieces) in [(1, 1), (3 * CHUNK, 1), (10, 70)] {
        let world = Scripted::new();
        world.script.answers_connect(ms(1), Peer(1), true);
        for n in 0..4 {
            world.script.takes(ms(n + 5), Peer(1), CHUNK);
        }
        let stream = TcpStream::connect(&world.lp, addr(1), |_, result| result.unwrap()).unwrap();
        let told = Count::default();
        for _ in 0..pieces {
            let told = told.clone();
            stream.write(vec![b'q'; queued], move |_, written| {
                written.unwrap();
                told.add();
            });
        }
        let task = world.lp.spawn(async move {
            let mut stream = OwnedTcpStream::new(stream);
            stream.write_all(b"task").await.unwrap();
            stream.get_ref().write(b"between".to_vec(), |_, written| written.unwrap());
            stream.write_all(b"last").await.unwrap();
            stream.get_ref().write(b"!".to_vec(), |_, written| written.unwrap());
            stream.shutdown().await.unwrap();
            stream.write_all(b"late").await.map_err(|error| error.kind())
        });
        assert!(!world.run(RunMode::Default));
        assert_eq!(task.try_take(), Some(Ok(Err(io::ErrorKind::BrokenPipe))));
        assert_eq!(told.get(), pieces);
        let expected = [vec![b'q'; queued * pieces], b"taskbetweenlast!".to_vec()].concat();
        assert!(world.script.received_by(Peer(1)) == expected, "{queued} bytes, {pieces} times");
        assert!(world.script.ended_towards(Peer(1)));
    }
}

#[test]
fn i2_a_stream_writes_32_times_and_then_others_get_their_turn() {
    for (writes, expected) in [
        (32, format!("1:{}", " write".repeat(32))),
        (33, format!("1:{}\n2: write", " write".repeat(32))),
        (80, format!("1:{}\n2:{}\n3:{}", " write".repeat(32), " write".repeat(32), " write".repeat(16))),
    ] {
        let world = Scripted::new();
        world.script.window(Peer(1), 0).connects(ms(0), Peer(1), 80);
        let listener = TcpListener::bind(&world.lp, addr(80), 8).unwrap();
        let (itself, count) = (listener.clone(), Count::default());
        let told = count.clone();
        listener.on_connection(move |_, stream| {
            let stream = stream.unwrap();
            for _ in 0..writes {
                let told = told.clone();
                stream.write(vec![1], move |_, written| {
                    written.unwrap();
                    told.add();
                });
            }
            itself.close();
        });
        world.script.takes(ms(5), Peer(1), writes);
        assert!(world.run(RunMode::Once));
        passes(&world.lp);
        assert!(!world.run(RunMode::Default));
        assert_eq!(count.get(), writes);
        let seen = passes(&world.lp);
        let renumbered: Vec<_> = seen
            .lines()
            .enumerate()
            .map(|(n, line)| format!("{}:{}", n + 1, line.split_once(':').unwrap().1))
            .collect();
        assert_eq!(renumbered.join("\n"), expected, "{writes} writes");
    }
}
