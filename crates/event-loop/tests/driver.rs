//! The driver seam: faults at every call, edges that must not be forgotten, logs that replay a run.

mod common;

use std::cell::Cell;
use std::io;
use std::rc::Rc;
use std::time::Duration;

use common::{Count, Notes, Scripted, addr, ms, trace};
use event_loop::{
    AsyncHandle, Call, DriverLog, EventLoop, LoopError, LoopHandle, LoopOptions, Peer, ReadEvent, RunMode,
    TcpListener, TcpStream, Timer,
};

fn os_error(number: i32) -> io::Error {
    io::Error::from_raw_os_error(number)
}

const EMFILE: i32 = 24;

/// A listener that notes its connections and errors, and closes itself and each stream after `count` of them.
fn note_connections(lp: &LoopHandle, notes: &Notes, count: usize) {
    let listener = TcpListener::bind(lp, addr(80), 8).unwrap();
    let (notes, itself, seen) = (notes.clone(), listener.clone(), Count::default());
    listener.on_connection(move |lp, stream| {
        match stream {
            Ok(stream) => {
                notes.add(format!("connection at {} ms", lp.elapsed().as_millis()));
                stream.close();
            }
            Err(error) => notes.add(format!("{:?} at {} ms", error.kind(), lp.elapsed().as_millis())),
        }
        if seen.add() == count {
            itself.close();
        }
    });
}

#[test]
fn an_interrupted_poll_sleeps_on_for_the_rest() {
    let world = Scripted::new();
    world.script.fails(Call::Poll, io::ErrorKind::Interrupted.into());
    let timer = Timer::new(&world.lp);
    timer.start(ms(10), ms(0), |_| {}).unwrap();
    assert!(!world.run(RunMode::Default));
    assert_eq!(world.lp.metrics().snapshot(world.lp.now()).iterations, 1);
    assert_eq!(world.script.polls(), [Some(ms(10)), Some(ms(10))]);
}

#[test]
fn a_failed_poll_ends_the_run_and_harms_nothing() {
    let world = Scripted::new();
    let notes = Notes::default();
    world.script.fails(Call::Poll, os_error(9));
    let timer = Timer::new(&world.lp);
    timer.start(ms(10), ms(0), notes.cb("timer")).unwrap();
    let error = world.event_loop.run(RunMode::Default).unwrap_err();
    assert!(matches!(&error, LoopError::Poll(source) if source.raw_os_error() == Some(9)), "{error}");
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "timer");
}

#[test]
fn a_failed_listen_is_the_callers() {
    let world = Scripted::new();
    world.script.fails(Call::Listen, io::ErrorKind::AddrInUse.into());
    let error = TcpListener::bind(&world.lp, addr(80), 8).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    assert!(world.lp.handles().is_empty());

    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let event_loop = EventLoop::new().unwrap();
    let error = TcpListener::bind(&event_loop.handle(), taken.local_addr().unwrap(), 8).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
}

#[test]
fn a_failed_connect_is_the_callers_only_for_lack_of_resources() {
    let world = Scripted::new();
    let notes = Notes::default();
    world.script.fails(Call::Connect, os_error(EMFILE)).fails(Call::Connect, os_error(101));
    let error = TcpStream::connect(&world.lp, addr(1), |_, _| panic!("the caller knows")).unwrap_err();
    assert_eq!(error.raw_os_error(), Some(EMFILE));
    let stream = TcpStream::connect(&world.lp, addr(1), notes.outcome("connect")).unwrap();
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "connect NetworkUnreachable");
    stream.close();
}

#[test]
fn without_descriptors_a_connection_is_dropped_and_the_next_is_served() {
    let world = Scripted::new();
    let notes = Notes::default();
    world.script.fails(Call::Accept, os_error(EMFILE));
    world.script.connects(ms(1), Peer(1), 80).connects(ms(5), Peer(2), 80);
    note_connections(&world.lp, &notes, 1);
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "connection at 5 ms");
    let snapshot = world.lp.metrics().snapshot(world.lp.now());
    assert_eq!((snapshot.accepted, snapshot.shed), (1, 1));
}

#[test]
fn without_even_a_spare_descriptor_the_listener_looks_again_later() {
    // No edge tells that a descriptor became free.
    let world = Scripted::new();
    let notes = Notes::default();
    world.script.fails(Call::Accept, os_error(EMFILE)).fails(Call::Shed, os_error(EMFILE));
    world.script.connects(ms(1), Peer(1), 80);
    note_connections(&world.lp, &notes, 1);
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "connection at 101 ms");
}

#[test]
fn dropping_more_connections_than_a_phase_may_goes_on_in_the_next_pass() {
    let world = Scripted::new();
    let notes = Notes::default();
    for n in 0..40 {
        world.script.connects(ms(1), Peer(n), 80);
    }
    world.script.connects(ms(9), Peer(99), 80);
    world.script.fails(Call::Accept, os_error(EMFILE)).fails(Call::Accept, os_error(EMFILE));
    note_connections(&world.lp, &notes, 1);
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "connection at 9 ms");
    assert_eq!(world.lp.metrics().snapshot(world.lp.now()).shed, 40);
}

#[test]
fn accept_skips_clients_that_gave_up_and_reports_other_errors_without_spinning() {
    let world = Scripted::new();
    let notes = Notes::default();
    world.script.fails(Call::Accept, io::ErrorKind::ConnectionAborted.into());
    world.script.fails(Call::Accept, io::ErrorKind::Interrupted.into());
    world.script.fails(Call::Accept, os_error(105)).fails(Call::Accept, os_error(105));
    world.script.connects(ms(1), Peer(1), 80);
    note_connections(&world.lp, &notes, 3);
    assert!(!world.run(RunMode::Default));
    let text = notes.take();
    let kind = os_error(105).kind();
    assert_eq!(text, format!("{kind:?} at 1 ms, {kind:?} at 101 ms, connection at 201 ms"));
}

#[test]
fn a_socket_that_cannot_be_registered_is_reported_and_closed() {
    let world = Scripted::new();
    let notes = Notes::default();
    world.script.fails(Call::Register, os_error(28)).connects(ms(1), Peer(1), 80);
    note_connections(&world.lp, &notes, 1);
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "StorageFull at 1 ms");
    assert!(world.lp.handles().is_empty());
}

/// One connection, given to `serve`.
fn serve_one(world: &Scripted, serve: impl FnOnce(TcpStream) + 'static) {
    world.script.connects(ms(0), Peer(1), 80);
    let listener = TcpListener::bind(&world.lp, addr(80), 8).unwrap();
    let (itself, mut serve) = (listener.clone(), Some(serve));
    listener.on_connection(move |_, stream| {
        itself.close();
        serve.take().unwrap()(stream.unwrap());
    });
}

#[test]
fn faults_of_read_write_and_shutdown_reach_their_callbacks() {
    let world = Scripted::new();
    let notes = Notes::default();
    world.script.sends(ms(1), Peer(1), b"fine").sends(ms(2), Peer(1), b"lost");
    let (shared, script) = (notes.clone(), world.script.clone());
    serve_one(&world, move |stream| {
        let mut note = shared.reads("read");
        let faults = script.clone();
        let read = move |lp: &LoopHandle, event: ReadEvent<'_>| {
            note(lp, event);
            // The next reading is interrupted twice, which nobody sees, and then fails.
            faults.fails(Call::Read, io::ErrorKind::WouldBlock.into());
            faults.fails(Call::Read, io::ErrorKind::Interrupted.into());
            faults.fails(Call::Read, io::ErrorKind::Interrupted.into());
            faults.fails(Call::Read, io::ErrorKind::ConnectionReset.into());
        };
        stream.read_start(read).unwrap();
        script.fails(Call::Write, io::ErrorKind::Interrupted.into());
        stream.write(b"one".to_vec(), shared.outcome("write"));
        script.fails(Call::Write, os_error(104));
        stream.write(b"two".to_vec(), shared.outcome("write"));
        script.fails(Call::Shutdown, os_error(107));
        stream.shutdown(shared.outcome("shutdown"));
    });
    assert!(!world.run(RunMode::Default));
    assert_eq!(
        notes.take(),
        "write ok, write ConnectionReset, shutdown NotConnected, read 4, read ConnectionReset"
    );
}

#[test]
fn a_failed_read_stops_reading_and_leaves_the_closing_to_the_user() {
    let world = Scripted::new();
    let notes = Notes::default();
    world.script.sends(ms(1), Peer(1), b"x").fails(Call::Read, io::ErrorKind::Interrupted.into());
    world.script.fails(Call::Read, io::ErrorKind::TimedOut.into());
    let (shared, kept) = (notes.clone(), Rc::new(std::cell::RefCell::new(None)));
    let slot = kept.clone();
    serve_one(&world, move |stream| {
        stream.read_start(shared.reads("read")).unwrap();
        *slot.borrow_mut() = Some(stream);
    });
    assert!(!world.run(RunMode::Default));
    assert_eq!(notes.take(), "read TimedOut");
    let stream = kept.take().unwrap();
    assert!(!stream.is_active() && !stream.is_closing());
}

#[test]
fn d1_after_an_edge_there_is_silence_until_would_block() {
    let world = Scripted::new();
    let notes = Notes::default();
    world.script.sends(ms(1), Peer(1), b"one").sends(ms(2), Peer(1), b"two").sends(ms(9), Peer(1), b"three");
    let kept = Rc::new(std::cell::RefCell::new(None));
    let slot = kept.clone();
    serve_one(&world, move |stream| *slot.borrow_mut() = Some(stream));
    let events = || world.lp.metrics().snapshot(world.lp.now()).events;
    let wait = |until: u64| {
        let timer = Timer::new(&world.lp);
        timer.start(ms(until).saturating_sub(world.lp.elapsed()), ms(0), |_| {}).unwrap();
        while world.run(RunMode::Once) && world.lp.elapsed() < ms(until) {}
    };
    wait(1);
    let after_one = events();
    wait(5);
    assert_eq!(events(), after_one, "nobody has read, so the second message makes no edge");
    let stream = kept.take().unwrap();
    stream.read_start(notes.reads("read")).unwrap();
    wait(10);
    // The bit was kept, all was read until WouldBlock, and from there the third message made an edge.
    assert_eq!(notes.take(), "read 6, read 5");
}

/// A server, a client and a helper thread on real sockets: what a program of the loop looks like.
fn program(event_loop: &EventLoop, notes: &Notes) -> Result<bool, LoopError> {
    let lp = event_loop.handle();
    let listener = TcpListener::bind(&lp, addr(0), 8).map_err(LoopError::Poll)?;
    let server = listener.local_addr().map_err(LoopError::Poll)?;
    lp.spawn(async move {
        for _ in 0..2 {
            let Ok(mut stream) = listener.accept().await else { return };
            let mut buffer = [0; 64];
            let Ok(n) = stream.read(&mut buffer).await else { return };
            event_loop::sleep(ms(2)).await;
            let _ = stream.write_all(&buffer[..n]).await;
        }
        listener.close();
    });
    for n in 0..2 {
        let notes = notes.clone();
        lp.spawn(async move {
            let Ok(mut stream) = event_loop::OwnedTcpStream::connect(server).await else { return };
            let _ = stream.write_all(format!("client {n}").as_bytes()).await;
            let mut buffer = [0; 64];
            if let Ok(got) = stream.read(&mut buffer).await {
                notes.add(String::from_utf8_lossy(&buffer[..got]));
            }
        });
    }
    let remote = lp.remote();
    let completion = lp.request(|lp: &LoopHandle, n: u32| {
        lp.set_immediate(move |_| assert_eq!(n, 7));
    });
    let thread = std::thread::spawn(move || {
        for _ in 0..20 {
            let _ = remote.post(|lp| lp.next_tick(|_| {}));
            std::thread::yield_now();
        }
        completion.complete(7);
    });
    // It runs until everything is over: five turns of the interval, both clients, the thread's request.
    let (id, turns) = (Rc::new(Cell::new(None)), Count::default());
    let own = id.clone();
    id.set(Some(lp.set_interval(ms(1), move |lp| {
        if turns.add() == 5 {
            lp.clear_interval(own.take().unwrap());
        }
    })));
    let result = event_loop.run(RunMode::Default);
    thread.join().unwrap();
    result
}

fn logged(log: &DriverLog) -> LoopOptions {
    EventLoop::options().phase_trace(true).log(log)
}

#[test]
fn d2_a_logged_run_over_the_system_replays_to_the_same_phase_trace() {
    for _ in 0..5 {
        let (log, notes) = (DriverLog::new(), Notes::default());
        let event_loop = logged(&log).build().unwrap();
        assert!(!program(&event_loop, &notes).unwrap());
        let (first, said) = (trace(&event_loop.handle()), notes.take());
        assert!(first.contains("posted") && first.contains("interval") && first.contains("task"), "{first}");

        let again = DriverLog::new();
        let replay = logged(&again).replay(&log).build().unwrap();
        assert!(!program(&replay, &notes).unwrap());
        assert_eq!(trace(&replay.handle()), first);
        assert_eq!(notes.take(), said);
        assert_eq!(again.len(), log.len(), "the replay asked for the same answers");
    }
}

#[test]
fn d2_a_program_that_goes_another_way_is_told_so() {
    let log = DriverLog::new();
    let event_loop = logged(&log).build().unwrap();
    let timer = Timer::new(&event_loop.handle());
    timer.start(ms(1), ms(0), |_| {}).unwrap();
    event_loop.run(RunMode::Default).unwrap();

    let says = |run: &dyn Fn(&LoopHandle)| {
        let replay = EventLoop::options().replay(&log).build().unwrap();
        run(&replay.handle());
        let error = replay.run(RunMode::Default).unwrap_err().to_string();
        assert!(error.contains("the replay went another way"), "{error}");
        error
    };
    let other_call = says(&|lp| {
        lp.set_immediate(|lp| {
            let error = TcpListener::bind(lp, addr(0), 8).unwrap_err();
            assert!(error.to_string().contains("asked for listen"), "{error}");
        });
        let keep = Timer::new(lp);
        keep.start(ms(1), ms(1), |_| {}).unwrap();
    });
    assert!(other_call.contains("the log has"), "{other_call}");
    let longer = says(&|lp| {
        let timer = Timer::new(lp);
        timer.start(ms(1), ms(1), |_| {}).unwrap();
    });
    assert!(longer.contains("nothing more"), "{longer}");
    let other_clock = says(&|lp| {
        let timer = Timer::new(lp);
        timer
            .start(ms(0), ms(1), |lp| {
                for _ in 0..50 {
                    lp.update_time();
                }
            })
            .unwrap();
    });
    assert!(other_clock.contains("asked for now"), "{other_clock}");
}

#[test]
fn d2_a_replay_that_waits_in_vain_for_another_thread_says_so() {
    let log = DriverLog::new();
    let event_loop = logged(&log).build().unwrap();
    let wake = AsyncHandle::wake_only(&event_loop.handle());
    wake.sender().send();
    event_loop.run(RunMode::Once).unwrap();

    let replay =
        EventLoop::options().replay(&log.clone().patience(Duration::from_millis(1))).build().unwrap();
    let _silent = AsyncHandle::wake_only(&replay.handle());
    let error = replay.run(RunMode::Default).unwrap_err().to_string();
    assert!(error.contains("where 0 items came in time, the log has Inbox(1)"), "{error}");
}

#[test]
fn d2_a_log_can_be_replayed_more_than_once() {
    let log = DriverLog::new();
    let event_loop = logged(&log).build().unwrap();
    event_loop.handle().set_timeout(ms(1), |_| {});
    event_loop.run(RunMode::Default).unwrap();
    for _ in 0..2 {
        let replay = EventLoop::options().replay(&log).build().unwrap();
        replay.handle().set_timeout(ms(1), |_| {});
        assert!(!replay.run(RunMode::Default).unwrap());
    }
}
