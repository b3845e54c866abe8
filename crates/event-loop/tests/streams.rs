//! Connections: requests and how they end, closing with everything in flight, streams of tasks.

mod common;

use std::cell::RefCell;
use std::rc::Rc;

use common::{Notes, Scripted, addr, connected, ms};
use event_loop::{EventLoop, LoopHandle, OwnedTcpStream, Peer, RunMode, TcpListener, TcpStream};

/// The room that a peer of the script has for our bytes.
const WINDOW: usize = 64 * 1024;

#[test]
fn i3_a_write_that_the_system_takes_at_once_is_told_later() {
    let (world, stream) = connected();
    let notes = Notes::default();
    stream.write(b"now".to_vec(), notes.outcome("write"));
    assert_eq!(world.script.received_by(Peer(1)), b"now");
    assert_eq!(notes.take(), "");
    stream.shutdown(notes.outcome("shutdown"));
    stream.write(b"late".to_vec(), notes.outcome("late write"));
    stream.shutdown(notes.outcome("second shutdown"));
    assert_eq!(stream.try_write(b"later").unwrap_err().kind(), std::io::ErrorKind::BrokenPipe);
    assert_eq!(notes.take(), "");
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "write ok, late write BrokenPipe, second shutdown NotConnected, shutdown ok");
    stream.close();
}

#[test]
fn i3_a_refused_connection_is_told_later_in_both_worlds() {
    let world = Scripted::new();
    let notes = Notes::default();
    let stream = TcpStream::connect(&world.lp, addr(1), notes.outcome("scripted")).unwrap();
    stream.write(vec![1], notes.outcome("write"));
    assert_eq!(notes.take(), "");
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "scripted ConnectionRefused, write BrokenPipe");

    world.script.answers_connect(ms(5), Peer(2), false);
    let stream = TcpStream::connect(&world.lp, addr(1), notes.outcome("later")).unwrap();
    stream.write(vec![1], notes.outcome("write"));
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "later ConnectionRefused, write ConnectionRefused");
    assert!(!stream.is_closing(), "it is the user's to close");

    let event_loop = EventLoop::new().unwrap();
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    TcpStream::connect(&event_loop.handle(), unused, notes.outcome("system")).unwrap();
    assert_eq!(notes.take(), "");
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(notes.take(), "system ConnectionRefused");
}

#[test]
fn a_close_cancels_connect_then_writes_then_shutdown_then_calls_back() {
    let world = Scripted::new();
    let notes = Notes::default();
    world.script.answers_connect(ms(100), Peer(1), true);
    let stream = TcpStream::connect(&world.lp, addr(1), notes.outcome("connect")).unwrap();
    stream.write(vec![1], notes.outcome("write 1"));
    stream.write(vec![2], notes.outcome("write 2"));
    stream.shutdown(notes.outcome("shutdown"));
    stream.close_then(notes.cb("close"));
    assert_eq!(notes.take(), "");
    assert!(!world.run(RunMode::Default));
    let cancelled =
        ["connect", "write 1", "write 2", "shutdown"].map(|name| format!("{name} ConnectionAborted"));
    assert_eq!(notes.take(), format!("{}, close", cancelled.join(", ")));
}

#[test]
fn requests_on_a_closed_stream_fail_later_and_do_not_hold_the_loop_for_ever() {
    let world = Scripted::new();
    let notes = Notes::default();
    world.script.answers_connect(ms(100), Peer(1), true);
    let kept = Rc::new(RefCell::new(None::<TcpStream>));
    let (slot, more) = (kept.clone(), notes.clone());
    let note = notes.outcome("connect");
    let connect = move |lp: &LoopHandle, result: std::io::Result<()>| {
        note(lp, result);
        // The stream is closing, its slot about to be free: the request still ends, and once.
        let stream = slot.take().unwrap();
        stream.write(vec![1], more.outcome("write"));
        stream.shutdown(more.outcome("shutdown"));
    };
    let stream = TcpStream::connect(&world.lp, addr(1), connect).unwrap();
    *kept.borrow_mut() = Some(stream.clone());
    stream.close_then(notes.cb("close"));
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "connect ConnectionAborted, close, write BrokenPipe, shutdown NotConnected");
    stream.write(vec![1], notes.outcome("gone"));
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "gone BrokenPipe");
}

#[test]
fn reads_are_refused_where_they_make_no_sense() {
    let world = Scripted::new();
    world.script.answers_connect(ms(5), Peer(1), true);
    let stream = TcpStream::connect(&world.lp, addr(1), |_, _| {}).unwrap();
    let start = |stream: &TcpStream| stream.read_start(|_, _| {}).map_err(|error| error.kind());
    assert_eq!(start(&stream), Err(std::io::ErrorKind::NotConnected));
    assert!(!world.run(RunMode::Default));
    assert_eq!(start(&stream), Ok(()));
    assert_eq!(start(&stream), Err(std::io::ErrorKind::AlreadyExists));
    stream.close();
    assert_eq!(start(&stream), Err(std::io::ErrorKind::NotConnected));
}

#[test]
fn a_write_larger_than_the_window_goes_on_when_there_is_room() {
    let (world, stream) = connected();
    let notes = Notes::default();
    let data: Vec<u8> = (0..200_000_u32).map(|n| n as u8).collect();
    for n in 1..=4 {
        world.script.takes(ms(n * 10), Peer(1), 50_000);
    }
    stream.write(data.clone(), notes.outcome("write"));
    stream.write(b"!".to_vec(), notes.outcome("second"));
    assert_eq!(stream.write_queue_size(), 200_001 - WINDOW);
    assert_eq!(stream.try_write(b"no").unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "write ok, second ok");
    assert_eq!(world.script.received_by(Peer(1)), [data, b"!".to_vec()].concat());
    assert_eq!(stream.write_queue_size(), 0);
}

#[test]
fn a_task_that_waits_for_data_hears_of_the_close() {
    // What hyper does: a read is pending when the other side of the program closes the connection.
    let (world, stream) = connected();
    let (closing, other) = (stream.clone(), stream.clone());
    let reader = world.lp.spawn(async move {
        let mut buffer = [0; 8];
        std::future::poll_fn(|cx| other.poll_read(cx, &mut buffer)).await.map_err(|error| error.kind())
    });
    let writer = world.lp.spawn(async move {
        let chunk = vec![0; 1 << 20];
        loop {
            let written =
                std::future::poll_fn(|cx| stream.poll_write(cx, &[std::io::IoSlice::new(&chunk)])).await;
            if let Err(error) = written {
                return error.kind();
            }
        }
    });
    world.lp.set_timeout(ms(10), move |_| {
        closing.close();
    });
    assert!(!world.run(RunMode::Default));
    assert_eq!(reader.try_take(), Some(Ok(Err(std::io::ErrorKind::NotConnected))));
    assert_eq!(writer.try_take(), Some(Ok(std::io::ErrorKind::NotConnected)));
}

#[test]
fn a_task_that_waits_for_a_connection_hears_of_the_close() {
    let world = Scripted::new();
    let listener = TcpListener::bind(&world.lp, addr(80), 8).unwrap();
    let closing = listener.clone();
    let accepted = world.lp.spawn(async move { listener.accept().await.map(drop).map_err(|e| e.kind()) });
    world.lp.set_timeout(ms(10), move |_| {
        closing.close();
    });
    assert!(!world.run(RunMode::Default));
    assert_eq!(accepted.try_take(), Some(Ok(Err(std::io::ErrorKind::NotConnected))));
}

#[test]
fn a_megabyte_goes_both_ways_over_the_system() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let listener = TcpListener::bind(&lp, addr(0), 8).unwrap();
    let server = listener.local_addr().unwrap();
    lp.spawn(async move {
        let mut stream = listener.accept().await.unwrap();
        listener.close();
        let mut buffer = vec![0; 10_000];
        loop {
            match stream.read(&mut buffer).await.unwrap() {
                0 => break stream.shutdown().await.unwrap(),
                n => stream.write_all(&buffer[..n]).await.unwrap(),
            }
        }
    });
    let data: Rc<Vec<u8>> = Rc::new((0..1 << 20).map(|n: u32| (n * 7) as u8).collect());
    let expected = data.clone();
    let client = lp.spawn(async move {
        let stream = Rc::new(OwnedTcpStream::connect(server).await.unwrap());
        let writer = stream.clone();
        LoopHandle::current().unwrap().spawn(async move {
            let mut left = &data[..];
            while !left.is_empty() {
                let slices = [std::io::IoSlice::new(left)];
                let written = std::future::poll_fn(|cx| writer.poll_write(cx, &slices)).await.unwrap();
                left = &left[written..];
            }
            std::future::poll_fn(|cx| writer.poll_shutdown(cx)).await.unwrap();
        });
        let (mut got, mut buffer) = (Vec::new(), vec![0; 30_000]);
        loop {
            match std::future::poll_fn(|cx| stream.poll_read(cx, &mut buffer)).await.unwrap() {
                0 => break got,
                n => got.extend_from_slice(&buffer[..n]),
            }
        }
    });
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(client.try_take(), Some(Ok(expected.to_vec())));
}

#[test]
fn b67_of_ten_thousand_queued_writes_and_a_close_each_is_told_once() {
    const WRITES: usize = 10_000;
    let (world, stream) = connected();
    let told = Rc::new(RefCell::new(Vec::new()));
    for number in 0..WRITES {
        let told = told.clone();
        stream.write(vec![0; 64], move |_, result| {
            told.borrow_mut().push((number, result.map_err(|error| error.kind())));
        });
    }
    let (closing, all) = (stream.clone(), told.clone());
    world.lp.set_timeout(ms(10), move |_| {
        let all = all.clone();
        closing.close_then(move |_| assert_eq!(all.borrow().len(), WRITES, "all are told before the close"));
    });
    assert!(!world.run(RunMode::Default));
    let told = told.take();
    assert!(told.iter().map(|(number, _)| *number).eq(0..WRITES), "each once and in order");
    let (done, rest) = told.split_at(WINDOW / 64);
    assert!(done.iter().all(|(_, result)| result.is_ok()));
    assert!(rest.iter().all(|(_, result)| *result == Err(std::io::ErrorKind::ConnectionAborted)));
}

#[test]
fn b68_a_byte_behind_ten_megabytes_grows_the_queue_by_one() {
    const LARGE: usize = 10 << 20;
    let (world, stream) = connected();
    world.script.takes(ms(5), Peer(1), LARGE);
    let sizes = Rc::new(RefCell::new(Vec::new()));
    let note = || {
        let (sizes, stream) = (sizes.clone(), stream.clone());
        move |_: &LoopHandle, result: std::io::Result<()>| {
            result.unwrap();
            sizes.borrow_mut().push(stream.write_queue_size());
        }
    };
    stream.write(vec![1; LARGE], note());
    let before = stream.write_queue_size();
    stream.write(vec![2], note());
    assert_eq!(stream.write_queue_size(), before + 1);
    assert!(!world.run(RunMode::Default));
    assert_eq!(sizes.take(), [0, 0], "both callbacks find an empty queue");
    assert_eq!(world.script.received_by(Peer(1)).len(), LARGE + 1);
}

#[test]
fn b69_a_try_write_that_has_to_wait_says_so_and_loses_nothing() {
    let would_block = |stream: &TcpStream| {
        assert_eq!(stream.try_write(b"no").unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    };
    let world = Scripted::new();
    world.script.answers_connect(ms(5), Peer(1), true).window(Peer(1), 4).takes(ms(20), Peer(1), 100);
    let stream = TcpStream::connect(&world.lp, addr(1), |_, result| result.unwrap()).unwrap();
    would_block(&stream);
    let late = stream.clone();
    world.lp.set_timeout(ms(10), move |_| {
        assert_eq!(late.try_write(b"half of it").unwrap(), 4, "as much as there is room for");
        would_block(&late);
        late.write(b" of it".to_vec(), |_, result| result.unwrap());
        would_block(&late);
    });
    let last = stream.clone();
    world.lp.set_timeout(ms(30), move |_| assert_eq!(last.try_write(b"!").unwrap(), 1));
    assert!(!world.run(RunMode::Default));
    assert_eq!(world.script.received_by(Peer(1)), b"half of it!");
}

#[test]
fn b73_connections_that_are_accepted_late_are_served() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let notes = Notes::default();
    let listener = TcpListener::bind(&lp, addr(0), 8).unwrap();
    let (served, itself, left) = (notes.clone(), listener.clone(), std::cell::Cell::new(2));
    listener.on_connection(move |_, stream| {
        let stream = stream.unwrap();
        let closing = stream.clone();
        stream.write(b"served".to_vec(), move |_, result| {
            result.unwrap();
            closing.close();
        });
        served.add("accepted");
        left.set(left.get() - 1);
        if left.get() == 0 {
            itself.close();
        }
    });
    listener.pause();
    let address = listener.local_addr().unwrap();
    for _ in 0..2 {
        let notes = notes.clone();
        lp.spawn(async move {
            let mut client = OwnedTcpStream::connect(address).await.unwrap();
            notes.add("connected");
            let mut buffer = [0; 16];
            let read = client.read(&mut buffer).await.unwrap();
            notes.add(String::from_utf8_lossy(&buffer[..read]));
        });
    }
    let (resuming, seen) = (listener.clone(), notes.clone());
    lp.set_timeout(ms(100), move |_| {
        assert_eq!(seen.take(), "connected, connected");
        resuming.resume();
    });
    assert!(!event_loop.run(RunMode::Default).unwrap());
    let notes = notes.take();
    assert_eq!((notes.matches("accepted").count(), notes.matches("served").count()), (2, 2), "{notes}");
}

#[test]
fn b75_the_end_of_the_peer_closes_nothing() {
    let (world, stream) = connected();
    world.script.sends(ms(5), Peer(1), b"last").finishes(ms(5), Peer(1));
    let notes = Notes::default();
    stream.read_start(notes.reads("read")).unwrap();
    let again = stream.read_start(|_, _| {}).unwrap_err();
    assert_eq!(again.kind(), std::io::ErrorKind::AlreadyExists);
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "read 4, read end");
    assert!(!stream.is_closing() && !stream.is_active());
    stream.write(b"answer".to_vec(), notes.outcome("write"));
    stream.read_start(notes.reads("again")).unwrap();
    assert!(!world.run(RunMode::Default));
    let notes = notes.take();
    assert!(notes.contains("write ok") && notes.contains("again end"), "{notes}");
    assert_eq!(world.script.received_by(Peer(1)), b"answer");
}

#[test]
fn b77_a_shutdown_with_a_close_behind_it_is_told_before_the_close() {
    for queued in [0, 2 * WINDOW] {
        let (world, stream) = connected();
        let notes = Notes::default();
        stream.write(vec![0; queued], |_, _| {});
        stream.shutdown(notes.outcome("shutdown"));
        stream.close_then(notes.cb("close"));
        assert!(!world.run(RunMode::Default));
        let notes = notes.take();
        assert!(
            ["shutdown ok, close", "shutdown ConnectionAborted, close"].contains(&notes.as_str()),
            "{notes}"
        );
    }
}
