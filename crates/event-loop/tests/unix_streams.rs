//! Unix sockets and pipes: the rules of every stream, on real descriptors.

#![cfg(unix)]

mod common;

use std::cell::{Cell, RefCell};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::rc::Rc;

use common::{Notes, trace};
use event_loop::{
    Child, DriverLog, EventLoop, LoopHandle, OwnedPipe, OwnedUnixStream, Pipe, ReadEvent, RunMode,
    UnixListener, UnixStream,
};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, sendmsg};

/// More than any socket or pipe takes at once.
const MUCH: usize = 3 << 20;

/// A folder for sockets, removed with what is in it.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("rl-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn socket(&self) -> PathBuf {
        self.0.join("s")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A pattern in which a lost or doubled piece is seen.
fn much() -> Vec<u8> {
    (0..MUCH).map(|at| (at / 7 % 251) as u8).collect()
}

/// Gives back what comes, ends when the peer does, and closes when that is written.
fn echo(stream: UnixStream) {
    let it = stream.clone();
    let on_read = move |_: &LoopHandle, event: ReadEvent<'_>| match event {
        ReadEvent::Data(bytes) => it.write(bytes.to_vec(), |_, written| written.unwrap()),
        ReadEvent::End => {
            let closing = it.clone();
            it.shutdown(move |_, ended| {
                ended.unwrap();
                closing.close();
            });
        }
        ReadEvent::Failed(error) => panic!("{error}"),
    };
    stream.read_start(on_read).unwrap();
}

/// All that a stream reads until its end.
fn collect(into: &Rc<RefCell<Vec<u8>>>) -> impl FnMut(&LoopHandle, ReadEvent<'_>) + 'static {
    let into = into.clone();
    move |_, event| match event {
        ReadEvent::Data(bytes) => into.borrow_mut().extend_from_slice(bytes),
        ReadEvent::End => {}
        ReadEvent::Failed(error) => panic!("{error}"),
    }
}

#[test]
fn what_is_sent_comes_back_through_a_listener_at_a_path() {
    let folder = Folder::new("echo");
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let listener = UnixListener::bind(&lp, folder.socket(), 8).unwrap();
    let itself = listener.clone();
    listener.on_connection(move |_, stream| {
        echo(stream.unwrap());
        itself.close();
    });
    let notes = Notes::default();
    let client = UnixStream::connect(&lp, folder.socket(), notes.outcome("connect")).unwrap();
    client.write(much(), notes.outcome("write"));
    client.shutdown(notes.outcome("shutdown"));
    assert_eq!(notes.take(), "", "nothing is told from inside a call");
    let names: Vec<&str> = lp.handles().iter().map(|handle| handle.kind).collect();
    assert_eq!(names, ["Unix listener", "Unix stream"]);

    let got = Rc::new(Cell::new(0));
    let (reader, count) = (client.clone(), got.clone());
    lp.spawn(async move {
        let mut buffer = vec![0; 1 << 16];
        let expected = much();
        loop {
            let read = std::future::poll_fn(|cx| reader.poll_read(cx, &mut buffer)).await.unwrap();
            if read == 0 {
                break;
            }
            let from = count.get();
            assert_eq!(buffer[..read], expected[from..from + read]);
            count.set(from + read);
        }
        reader.close();
    });
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!((got.get(), notes.take().as_str()), (MUCH, "connect ok, write ok, shutdown ok"));
    assert!(lp.handles().is_empty(), "{:?}", lp.handles());
}

#[test]
fn b74_a_path_at_which_nobody_listens_is_told_later_and_the_stream_stays_open() {
    let folder = Folder::new("nobody");
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let notes = Notes::default();
    let missing = UnixStream::connect(&lp, folder.socket(), notes.outcome("missing")).unwrap();
    missing.write(vec![1], notes.outcome("write"));
    drop(std::os::unix::net::UnixListener::bind(folder.socket()).unwrap());
    let gone = UnixStream::connect(&lp, folder.socket(), notes.outcome("gone")).unwrap();
    assert_eq!(notes.take(), "");
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(notes.take(), "missing NotFound, write BrokenPipe, gone ConnectionRefused");
    assert!([missing, gone].iter().all(|stream| !stream.is_closing() && stream.close()));
}

#[test]
fn b80_a_path_that_cannot_be_bound_is_an_error_of_the_call() {
    let folder = Folder::new("bind");
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let kind = |path: PathBuf| UnixListener::bind(&lp, path, 8).unwrap_err().kind();
    let listener = UnixListener::bind(&lp, folder.socket(), 8).unwrap();
    assert_eq!(kind(folder.socket()), io::ErrorKind::AddrInUse);
    assert_eq!(kind(folder.0.join("no folder/s")), io::ErrorKind::NotFound);
    std::fs::write(folder.0.join("no socket"), "").unwrap();
    assert_eq!(kind(folder.0.join("no socket")), io::ErrorKind::AddrInUse);
    assert_eq!(kind(folder.0.join("long".repeat(60))), io::ErrorKind::InvalidInput);
    listener.close();
    assert_eq!(kind(folder.socket()), io::ErrorKind::AddrInUse, "a closed listener leaves its path");
    assert!(!event_loop.run(RunMode::Default).unwrap());
    drop(event_loop);
    assert_eq!(kind(folder.0.join("other")), io::ErrorKind::NotConnected);
    assert_eq!(UnixStream::pair(&lp).unwrap_err().kind(), io::ErrorKind::NotConnected);
}

#[test]
fn a_child_is_fed_and_read_through_pipes() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let notes = Notes::default();
    let mut cat = Command::new("cat");
    cat.stdin(Stdio::piped()).stdout(Stdio::piped());
    let exit = notes.clone();
    let child = Child::spawn(&lp, cat, move |_, status| exit.add(status.unwrap().to_string())).unwrap();
    let stdin = Pipe::new(&lp, child.take_stdin().unwrap()).unwrap();
    let stdout = Pipe::new(&lp, child.take_stdout().unwrap()).unwrap();
    stdin.write(much(), notes.outcome("write"));
    stdin.shutdown(notes.outcome("shutdown"));
    let all = Rc::default();
    stdout.read_start(collect(&all)).unwrap();
    assert_eq!(notes.take(), "");
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert!(all.take() == much());
    assert_eq!(notes.take(), "write ok, shutdown ok, exit status: 0");
    assert!(!stdout.is_active() && stdin.close() && stdout.close() && child.close());
}

#[test]
fn a_write_to_a_pipe_that_nobody_reads_fails_and_the_pipe_stays() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let notes = Notes::default();
    let (reader, writer) = io::pipe().unwrap();
    let writer = Pipe::new(&lp, writer).unwrap();
    writer.write(much(), notes.outcome("write"));
    lp.next_tick(move |_| drop(reader));
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(notes.take(), "write BrokenPipe");
    assert!(!writer.is_closing() && writer.close());
}

#[test]
fn the_end_of_a_writing_pipe_is_its_shutdown() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let notes = Notes::default();
    let (mut reader, writer) = io::pipe().unwrap();
    let writer = Pipe::new(&lp, writer).unwrap();
    writer.write(b"last words".to_vec(), notes.outcome("write"));
    writer.shutdown(notes.outcome("shutdown"));
    writer.write(vec![1], notes.outcome("late"));
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(notes.take(), "write ok, late BrokenPipe, shutdown ok");
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "last words");
    assert!(!writer.is_closing() && writer.close());
}

#[test]
fn a_file_is_refused_because_the_system_cannot_watch_it() {
    let folder = Folder::new("file");
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let file = std::fs::File::create(folder.socket()).unwrap();
    if cfg!(target_os = "linux") {
        assert_eq!(Pipe::new(&lp, file).unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        assert!(lp.handles().is_empty());
    }
}

#[test]
fn tasks_speak_through_a_path_and_through_a_pipe() {
    let folder = Folder::new("tasks");
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let listener = UnixListener::bind(&lp, folder.socket(), 8).unwrap();
    let server = lp.spawn(async move {
        let mut stream = listener.accept().await.unwrap();
        let mut buffer = [0; 16];
        let read = stream.read(&mut buffer).await.unwrap();
        stream.write_all(&buffer[..read]).await.unwrap();
        listener.close();
    });
    let path = folder.socket();
    let client = lp.spawn(async move {
        let mut stream = OwnedUnixStream::connect(&path).await.unwrap();
        stream.write_all(b"hello").await.unwrap();
        stream.shutdown().await.unwrap();
        let mut buffer = [0; 16];
        let read = stream.read(&mut buffer).await.unwrap();
        assert_eq!(&buffer[..read], b"hello");
        assert_eq!(stream.read(&mut buffer).await.unwrap(), 0);
    });
    let (reader, writer) = io::pipe().unwrap();
    let (mut reader, mut writer) =
        (OwnedPipe::new(Pipe::new(&lp, reader).unwrap()), OwnedPipe::new(Pipe::new(&lp, writer).unwrap()));
    let piped = lp.spawn(async move {
        let mut buffer = [0; 16];
        let read = reader.read(&mut buffer).await.unwrap();
        assert_eq!(&buffer[..read], b"through");
        assert_eq!(reader.read(&mut buffer).await.unwrap(), 0, "dropping the writer ends it");
    });
    let fed = lp.spawn(async move { writer.write_all(b"through").await.unwrap() });
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert!(server.is_finished() && client.is_finished() && piped.is_finished() && fed.is_finished());
    assert!(lp.handles().is_empty(), "{:?}", lp.handles());
}

#[test]
fn d2_a_log_of_unix_streams_replays_to_the_same_trace() {
    let program = |event_loop: &EventLoop| {
        let lp = event_loop.handle();
        let (one, other) = UnixStream::pair(&lp).unwrap();
        echo(other);
        one.write(b"ping".to_vec(), |_, written| written.unwrap());
        one.shutdown(|_, ended| ended.unwrap());
        let it = one.clone();
        let on_read = move |_: &LoopHandle, event: ReadEvent<'_>| match event {
            ReadEvent::Data(bytes) => assert_eq!(bytes, b"ping"),
            ReadEvent::End => drop(it.close()),
            ReadEvent::Failed(error) => panic!("{error}"),
        };
        one.read_start(on_read).unwrap();
        assert!(!event_loop.run(RunMode::Default).unwrap());
        trace(&lp)
    };
    let log = DriverLog::new();
    let seen = program(&EventLoop::options().log(&log).phase_trace(true).build().unwrap());
    let again = program(&EventLoop::options().replay(&log).phase_trace(true).build().unwrap());
    assert!(seen.contains("read"), "{seen}");
    assert_eq!(seen, again);
}

#[test]
fn i1_bytes_that_come_with_descriptors_do_not_hide_what_is_behind_them() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let (ours, theirs) = std::os::unix::net::UnixStream::pair().unwrap();
    // The system ends a read behind the bytes that carry a descriptor.
    for byte in [b"a", b"b"] {
        let mut space = [std::mem::MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut carried = SendAncillaryBuffer::new(&mut space);
        let descriptors = [theirs.as_fd()];
        assert!(carried.push(SendAncillaryMessage::ScmRights(&descriptors)));
        sendmsg(&theirs, &[io::IoSlice::new(byte)], &mut carried, SendFlags::empty()).unwrap();
    }
    (&theirs).write_all(b"c").unwrap();
    drop(theirs);
    let stream = UnixStream::from_std(&lp, ours).unwrap();
    let all = Rc::default();
    stream.read_start(collect(&all)).unwrap();
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(all.take(), b"abc");
    stream.close();
}

#[test]
fn a_duplicate_can_be_taken_over_again_after_a_close() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let (reader, writer) = io::pipe().unwrap();
    for _ in 0..3 {
        let pipe = Pipe::new(&lp, reader.try_clone().unwrap()).unwrap();
        pipe.read_start(|_, _| {}).unwrap();
        pipe.close();
        assert!(!event_loop.run(RunMode::Default).unwrap());
    }
    let pipe = Pipe::new(&lp, reader).unwrap();
    let all = Rc::default();
    pipe.read_start(collect(&all)).unwrap();
    (&writer).write_all(b"heard").unwrap();
    drop(writer);
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(all.take(), b"heard");
    pipe.close();
}

#[test]
fn an_end_of_a_pipe_has_one_direction() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let notes = Notes::default();
    let (reader, writer) = io::pipe().unwrap();
    let (reader, writer) = (Pipe::new(&lp, reader).unwrap(), Pipe::new(&lp, writer).unwrap());
    assert_eq!(writer.read_start(|_, _| {}).unwrap_err().kind(), io::ErrorKind::NotConnected);
    let all = Rc::default();
    reader.read_start(collect(&all)).unwrap();
    let last = writer.clone();
    let noted = notes.outcome("reading end");
    reader.shutdown(move |lp, result| {
        noted(lp, result);
        last.write(b"still read".to_vec(), |_, written| written.unwrap());
        last.shutdown(|_, ended| ended.unwrap());
    });
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(
        (notes.take().as_str(), all.take().as_slice()),
        ("reading end NotConnected", &b"still read"[..])
    );
    assert!(reader.close() && writer.close());
}
