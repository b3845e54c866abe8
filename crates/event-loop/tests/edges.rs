//! Readiness over edges: caps, bits that are kept, stale events, batches of ready sockets.

mod common;

use std::cell::{Cell, RefCell};
use std::io::{Read, Write};
use std::rc::Rc;

use common::{Count, Notes, Scripted, addr, connected, ms, passes};
use event_loop::{EventLoop, LoopHandle, Peer, ReadEvent, RunMode, TcpListener, TcpStream, Timer};

/// What one read of the loop takes at most.
const READ_SIZE: usize = 64 * 1024;

#[test]
fn b18_closing_many_ready_sockets_gives_each_callback_once() {
    const SOCKETS: usize = 2_500;
    let world = Scripted::new();
    let [reads, writes, closes] = std::array::from_fn(|_| Count::default());
    let streams = Rc::new(RefCell::new(Vec::<TcpStream>::new()));
    for n in 0..SOCKETS {
        world.script.answers_connect(ms(0), Peer(n as u32), true).sends(ms(10), Peer(n as u32), b"x");
        let (all, reads, closes) = (streams.clone(), reads.clone(), closes.clone());
        let connected = move |_: &LoopHandle, result: std::io::Result<()>| {
            result.unwrap();
            let stream = all.borrow()[n].clone();
            let read = move |_: &LoopHandle, _: ReadEvent<'_>| {
                reads.add();
                for stream in all.borrow().iter() {
                    let closes = closes.clone();
                    stream.close_then(move |_| {
                        closes.add();
                    });
                }
            };
            stream.read_start(read).unwrap();
        };
        let stream = TcpStream::connect(&world.lp, addr(1), connected).unwrap();
        let writes = writes.clone();
        stream.write(vec![b'y'], move |_, _| {
            writes.add();
        });
        streams.borrow_mut().push(stream);
    }
    assert!(!world.run(RunMode::Default));
    assert_eq!((reads.get(), writes.get(), closes.get()), (1, SOCKETS, SOCKETS));
}

#[test]
fn i1_readiness_that_came_while_stopped_is_served_at_start() {
    let (world, stream) = connected();
    let notes = Notes::default();
    world.script.sends(ms(1), Peer(1), b"early").sends(ms(2), Peer(1), b" bird");
    let keep = Timer::new(&world.lp);
    keep.start(ms(5), ms(0), |_| {}).unwrap();
    assert!(!world.run(RunMode::Default));
    stream.read_start(notes.reads("read")).unwrap();
    assert_eq!(notes.take(), "", "not from inside the call");
    assert!(world.run(RunMode::Once));
    assert_eq!(notes.take(), "read 10");
    stream.close();
    assert!(!world.run(RunMode::Default));
}

#[test]
fn i1_stop_in_the_callback_keeps_what_is_left_for_the_next_start() {
    let (world, stream) = connected();
    let notes = Notes::default();
    world.script.sends(ms(1), Peer(1), &vec![7; READ_SIZE + 5]).finishes(ms(1), Peer(1));
    let (itself, mut note) = (stream.clone(), notes.reads("first"));
    stream
        .read_start(move |lp, event| {
            note(lp, event);
            itself.read_stop();
        })
        .unwrap();
    assert!(!world.run(RunMode::Default), "a stream that does not read does not hold the loop");
    assert_eq!(notes.take(), format!("first {READ_SIZE}"));
    stream.read_start(notes.reads("second")).unwrap();
    assert!(!world.run(RunMode::Default), "the end stops the reading");
    assert_eq!(notes.take(), "second 5, second end");
    stream.close();
    assert!(!world.run(RunMode::Default));
}

#[test]
fn i1_a_short_read_with_the_end_behind_it_finds_the_end() {
    // On the operating system a short read counts as exhausted, so the end must come by its own bit.
    for _ in 0..20 {
        let event_loop = EventLoop::new().unwrap();
        let lp = event_loop.handle();
        let notes = Notes::default();
        let listener = TcpListener::bind(&lp, addr(0), 8).unwrap();
        let mut client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        client.write_all(b"last words").unwrap();
        client.shutdown(std::net::Shutdown::Write).unwrap();
        let (itself, shared) = (listener.clone(), notes.clone());
        listener.on_connection(move |_, stream| {
            let stream = stream.unwrap();
            let (closing, mut note) = (stream.clone(), shared.reads("read"));
            let read = move |lp: &LoopHandle, event: ReadEvent<'_>| {
                let over = !matches!(event, ReadEvent::Data(_));
                note(lp, event);
                if over {
                    closing.close();
                }
            };
            stream.read_start(read).unwrap();
            itself.close();
        });
        assert!(!event_loop.run(RunMode::Default).unwrap());
        assert_eq!(notes.take(), "read 10, read end");
        assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
    }
}

#[test]
fn i1_the_end_that_comes_after_the_data_was_read_makes_its_own_edge() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let notes = Notes::default();
    let listener = TcpListener::bind(&lp, addr(0), 8).unwrap();
    let client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let client = Rc::new(RefCell::new(Some(client)));
    client.borrow_mut().as_mut().unwrap().write_all(b"words").unwrap();
    let (itself, shared) = (listener.clone(), notes.clone());
    listener.on_connection(move |_, stream| {
        let stream = stream.unwrap();
        let (closing, mut note, client) = (stream.clone(), shared.reads("read"), client.clone());
        let read = move |lp: &LoopHandle, event: ReadEvent<'_>| {
            let over = !matches!(event, ReadEvent::Data(_));
            note(lp, event);
            drop(client.take());
            if over {
                closing.close();
            }
        };
        stream.read_start(read).unwrap();
        itself.close();
    });
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(notes.take(), "read 5, read end");
}

#[test]
fn i2_a_stream_reads_32_times_and_then_others_get_their_turn() {
    for (reads, expected) in [
        (31, format!("1:{}", " read".repeat(31))),
        (32, format!("1:{}", " read".repeat(32))),
        (33, format!("1:{}\n2: read", " read".repeat(32))),
        (80, format!("1:{}\n2:{}\n3:{}", " read".repeat(32), " read".repeat(32), " read".repeat(16))),
    ] {
        let (world, stream) = connected();
        world.script.sends(ms(1), Peer(1), &vec![1; reads * READ_SIZE]);
        // News in the middle are an edge of their own; they do not give the stream a second turn.
        world.script.sends(ms(1), Peer(1), b"");
        let (seen, itself, total) = (Rc::new(Cell::new(0)), stream.clone(), reads * READ_SIZE);
        stream
            .read_start(move |_, event| {
                let ReadEvent::Data(data) = event else { panic!("{event:?}") };
                seen.set(seen.get() + data.len());
                if seen.get() == total {
                    itself.read_stop();
                }
            })
            .unwrap();
        assert!(!world.run(RunMode::Default));
        let first_pass = passes(&world.lp);
        let renumbered: Vec<_> = first_pass
            .lines()
            .enumerate()
            .map(|(n, line)| format!("{}:{}", n + 1, line.split_once(':').unwrap().1))
            .collect();
        assert_eq!(renumbered.join("\n"), expected, "{reads} reads");
        stream.close();
    }
}

#[test]
fn i2_news_for_a_stream_that_hit_its_cap_do_not_give_it_a_second_turn() {
    let (world, stream) = connected();
    let script = world.script.clone();
    script.window(Peer(1), 0).sends(ms(1), Peer(1), &vec![1; 96 * READ_SIZE]);
    stream.write(vec![2; 10], |_, result| result.unwrap());
    let (count, itself) = (Count::default(), stream.clone());
    let read = move |lp: &LoopHandle, _: ReadEvent<'_>| match count.add() {
        // Room for the write comes in the poll of the pass in which the stream has its next turn anyhow.
        32 => drop(script.takes(lp.elapsed(), Peer(1), 100).clone()),
        96 => itself.read_stop(),
        _ => (),
    };
    stream.read_start(read).unwrap();
    assert!(!world.run(RunMode::Default));
    let turns: Vec<_> = passes(&world.lp).lines().map(|pass| pass.matches(" read").count()).collect();
    assert_eq!(turns, [32, 32, 32]);
    assert_eq!(world.script.received_by(Peer(1)), [2; 10]);
}

#[test]
fn i2_a_listener_accepts_32_connections_and_then_others_get_their_turn() {
    for (clients, expected) in [
        (32_u32, format!("1:{}", " connection".repeat(32))),
        (33, format!("1:{}\n2: connection", " connection".repeat(32))),
        (70, {
            let full = " connection".repeat(32);
            format!("1:{full}\n2:{full}\n3:{}", " connection".repeat(6))
        }),
    ] {
        let world = Scripted::new();
        let listener = TcpListener::bind(&world.lp, addr(80), 512).unwrap();
        for n in 0..clients {
            world.script.connects(ms(1), Peer(n), 80);
        }
        let (itself, count) = (listener.clone(), Count::default());
        listener.on_connection(move |_, stream| {
            stream.unwrap().close();
            if count.add() == clients as usize {
                itself.close();
            }
        });
        assert!(!world.run(RunMode::Default));
        assert_eq!(passes(&world.lp), expected, "{clients} clients");
        let snapshot = world.lp.metrics().snapshot(world.lp.now());
        assert_eq!(snapshot.accepted, u64::from(clients));
    }
}

#[test]
fn i2_a_burst_of_clients_of_the_system_is_accepted_whole() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let listener = TcpListener::bind(&lp, addr(0), 128).unwrap();
    let server = listener.local_addr().unwrap();
    let clients: Vec<_> = (0..100).map(|_| std::net::TcpStream::connect(server).unwrap()).collect();
    let (itself, count) = (listener.clone(), Count::default());
    let counted = count.clone();
    listener.on_connection(move |_, stream| {
        stream.unwrap().close();
        if counted.add() == 100 {
            itself.close();
        }
    });
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!((count.get(), clients.len()), (100, 100));
    assert!(lp.metrics().snapshot(lp.now()).iterations >= 4, "32 accepts a pass");
}

#[test]
fn p1_events_of_sockets_closed_in_the_same_batch_reach_nobody() {
    let world = Scripted::new();
    let streams: Rc<RefCell<Vec<TcpStream>>> = Rc::default();
    let notes = Notes::default();
    let listener = TcpListener::bind(&world.lp, addr(80), 8).unwrap();
    for n in 0..3 {
        world.script.connects(ms(0), Peer(n), 80).sends(ms(5), Peer(n), b"all at once");
    }
    let (all, shared, itself) = (streams.clone(), notes.clone(), listener.clone());
    listener.on_connection(move |_, stream| {
        let stream = stream.unwrap();
        let (others, mut note) = (all.clone(), shared.reads(format!("stream {}", all.borrow().len())));
        let read = move |lp: &LoopHandle, event: ReadEvent<'_>| {
            note(lp, event);
            for stream in others.borrow().iter() {
                stream.close();
            }
            // Who takes a slot while the batch is served is not mistaken for who had it.
            let newcomer = TcpStream::connect(lp, addr(9), |_, _| {}).unwrap();
            newcomer.close();
        };
        stream.read_start(read).unwrap();
        all.borrow_mut().push(stream);
        if all.borrow().len() == 3 {
            itself.close();
        }
    });
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "stream 0 11");
}

#[test]
fn p1_a_full_batch_is_polled_again_at_most_48_times() {
    const ROUND: usize = 48 * 1_024;
    let world = Scripted::new();
    let connects = Count::default();
    for n in 0..ROUND + 5 {
        world.script.answers_connect(ms(0), Peer(n as u32), true);
        let counted = connects.clone();
        let connected = move |_: &LoopHandle, result: std::io::Result<()>| {
            result.unwrap();
            counted.add();
        };
        TcpStream::connect(&world.lp, addr(1), connected).unwrap();
    }
    assert!(world.run(RunMode::NoWait));
    assert_eq!((connects.get(), world.script.polls().len()), (ROUND, 48));
    assert!(!world.run(RunMode::NoWait));
    assert_eq!(connects.get(), ROUND + 5);
}
