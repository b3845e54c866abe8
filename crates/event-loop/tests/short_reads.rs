//! Reads that end before what is there does: at urgent data, and at the end of a packet (I1). Linux only.
#![cfg(target_os = "linux")]

mod common;

use std::io::Write;
use std::net::Shutdown;

use common::{Notes, addr};
use event_loop::{EventLoop, LoopHandle, OwnedPipe, OwnedTcpStream, Pipe, ReadEvent, RunMode, TcpListener};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::net::{SendFlags, send};

/// Ends the loop when that much has been read: a test that waits for more hangs no longer than the loop's patience.
fn reads_until(
    notes: &Notes,
    wanted: usize,
    close: impl Fn() -> bool + 'static,
) -> impl FnMut(&LoopHandle, ReadEvent<'_>) + 'static {
    let (mut note, mut read) = (notes.reads("read"), 0);
    move |lp, event| {
        read += if let ReadEvent::Data(data) = &event { data.len() } else { wanted };
        note(lp, event);
        if read >= wanted {
            close();
        }
    }
}

/// Runs the loop, at most for a while.
fn run(event_loop: &EventLoop) {
    let patience = event_loop::Timer::new(&event_loop.handle());
    patience.start(common::ms(10_000), common::ms(0), |_| panic!("nothing comes any more")).unwrap();
    patience.unref();
    assert!(!event_loop.run(RunMode::Default).unwrap());
}

#[test]
fn i1_what_stands_behind_urgent_data_is_read() {
    let event_loop = EventLoop::new().unwrap();
    let notes = Notes::default();
    let listener = TcpListener::bind(&event_loop.handle(), addr(0), 8).unwrap();
    let mut client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    client.write_all(b"abc").unwrap();
    send(&client, b"!", SendFlags::OOB).unwrap();
    client.write_all(b"de").unwrap();
    let (itself, shared) = (listener.clone(), notes.clone());
    listener.on_connection(move |_, stream| {
        let stream = stream.unwrap();
        let closing = stream.clone();
        stream.read_start(reads_until(&shared, 5, move || closing.close())).unwrap();
        itself.close();
    });
    run(&event_loop);
    assert_eq!(notes.take(), "read 3, read 2");
}

#[test]
fn i1_a_task_reads_what_stands_behind_urgent_data_and_the_end() {
    let event_loop = EventLoop::new().unwrap();
    let notes = Notes::default();
    let listener = TcpListener::bind(&event_loop.handle(), addr(0), 8).unwrap();
    let mut client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let shared = notes.clone();
    let served = event_loop.handle().spawn(async move {
        let mut stream: OwnedTcpStream = listener.accept().await.unwrap();
        listener.close();
        let mut buffer = [0; 64];
        loop {
            match stream.read(&mut buffer).await.unwrap() {
                0 => return,
                read => shared.add(String::from_utf8_lossy(&buffer[..read])),
            }
        }
    });
    for text in [&b"one"[..], b"two"] {
        client.write_all(text).unwrap();
        send(&client, b"!", SendFlags::OOB).unwrap();
    }
    client.write_all(b"three").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    run(&event_loop);
    drop(served);
    // The system keeps the mark of the last one only; the byte of the first one has become a byte like others.
    assert_eq!(notes.take().replace(", ", ""), "one!twothree");
}

#[test]
fn i1_every_packet_of_a_pipe_is_read() {
    let event_loop = EventLoop::new().unwrap();
    let notes = Notes::default();
    let (ours, mut theirs) = std::io::pipe().unwrap();
    fcntl_setfl(&theirs, fcntl_getfl(&theirs).unwrap() | OFlags::DIRECT).unwrap();
    for packet in [b"one", b"two", b"six"] {
        theirs.write_all(packet).unwrap();
    }
    let pipe = Pipe::new(&event_loop.handle(), ours).unwrap();
    let closing = pipe.clone();
    pipe.read_start(reads_until(&notes, 9, move || closing.close())).unwrap();
    run(&event_loop);
    assert_eq!(notes.take(), "read 3, read 3, read 3");
}

#[test]
fn i1_a_task_reads_every_packet_of_a_pipe() {
    let event_loop = EventLoop::new().unwrap();
    let (ours, mut theirs) = std::io::pipe().unwrap();
    fcntl_setfl(&theirs, fcntl_getfl(&theirs).unwrap() | OFlags::DIRECT).unwrap();
    theirs.write_all(b"one").unwrap();
    theirs.write_all(b"two").unwrap();
    let mut pipe = OwnedPipe::new(Pipe::new(&event_loop.handle(), ours).unwrap());
    let read = event_loop.handle().spawn(async move {
        let mut buffer = [0; 64];
        for packet in [b"one", b"two"] {
            assert_eq!(pipe.read(&mut buffer).await.unwrap(), 3);
            assert_eq!(&buffer[..3], packet);
        }
    });
    run(&event_loop);
    drop(read);
}
