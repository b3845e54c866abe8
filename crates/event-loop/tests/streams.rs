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
