//! A stop with a deadline: what ends in time is answered, the rest is cut and counted.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use event_loop::{Peer, Script};
use runtime_lab::http::{self, Server, ServerStats};
use runtime_lab::{RunMode, Runtime, sleep};

use crate::support::start;

const fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// Clients ask at 0 s for these paths; the server is stopped within 3 s at 5 s. What it had counted at its end, when
/// that was, and whether each client got a whole answer.
fn stopped(paths: &[&str]) -> (ServerStats, Duration, Vec<bool>) {
    let script = Script::new();
    let begun = script.clock().now();
    for (number, path) in paths.iter().enumerate() {
        let peer = Peer(number as u32 + 1);
        script.connects(at(0), peer, 80);
        script.sends(at(0), peer, format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n").as_bytes());
    }
    let runtime = Runtime::builder().event_loop(|options| options.script(&script)).build().unwrap();
    let lp = runtime.handle();
    let server = Server::on("127.0.0.1:80")
        .unwrap()
        .route("/now", |_request| http::text("done"))
        .route("/seven", |_request| async {
            sleep(at(7)).await;
            http::text("done")
        })
        .route("/never", |_request| std::future::pending::<http::Response>())
        .route("/stream", |_request| {
            http::stream(|sender| async move {
                sender.send("begun").await?;
                std::future::pending().await
            })
        })
        .route("/events", |_request| http::events(|_sender| std::future::pending()))
        .serve(&lp)
        .unwrap();
    let outcome = Rc::new(Cell::new(None));
    let (known, clock) = (outcome.clone(), script.clock());
    lp.set_timeout(at(5), move |lp| {
        let stopping = server.stop_within(at(3));
        let (known, clock) = (known.clone(), clock.clone());
        drop(lp.spawn(async move { known.set(Some((stopping.await, clock.now() - begun))) }));
    });
    assert!(!runtime.run(RunMode::Default).unwrap());
    let (stats, when) = outcome.get().expect("the stop has ended");
    let whole = |number: usize| {
        let received = String::from_utf8(script.received_by(Peer(number as u32 + 1))).unwrap();
        received.ends_with("\r\n\r\ndone") || received.ends_with("0\r\n\r\n")
    };
    (stats, when, (0..paths.len()).map(whole).collect())
}

#[test]
fn w9_a_stop_that_has_nothing_to_wait_for_does_not_wait_for_its_deadline() {
    let (stats, when, whole) = stopped(&["/now", "/events"]);
    assert_eq!((stats.finished, stats.cut, stats.open, when), (2, 0, 0, at(5)));
    assert_eq!(whole, [true, true]);
}

#[test]
fn w9_what_ends_before_the_deadline_is_answered() {
    let (stats, when, whole) = stopped(&["/now", "/seven"]);
    assert_eq!((stats.finished, stats.cut, stats.open, when), (2, 0, 0, at(7)));
    assert_eq!(whole, [true, true]);
}

#[test]
fn w9_what_does_not_end_is_cut_at_the_deadline_and_counted() {
    let (stats, when, whole) = stopped(&["/never", "/seven", "/stream"]);
    assert_eq!((stats.finished, stats.cut, stats.open, when), (1, 2, 0, at(8)));
    assert_eq!((stats.answered, stats.abandoned, stats.ended()), (1, 2, stats.accepted));
    assert_eq!(whole, [false, true, false]);
}

#[test]
fn w9_a_callback_learns_the_end_later_and_a_future_that_is_dropped_changes_nothing() {
    let server = start(|server: Server| {
        server
            .route("/ping", |_request| http::text("pong"))
            .route("/never", |_request| std::future::pending::<http::Response>())
    });
    let mut busy = server.connect();
    busy.ask_for("/never");
    while server.ask(|_lp, server| server.stats().in_work()) == 0 {
        server.assert_alive();
    }
    let (told, is_told) = std::sync::mpsc::channel();
    let called_inside = server.ask(move |_lp, server| {
        drop(server.stop_within(Duration::from_secs(3600)));
        let inside = Rc::new(RefCell::new(true));
        let flag = inside.clone();
        server.stop_within(Duration::from_millis(1)).then(move |_lp, stats| {
            told.send((stats.cut, stats.open, *flag.borrow())).unwrap();
        });
        inside.replace(false)
    });
    assert!(called_inside);
    assert_eq!(is_told.recv_timeout(crate::support::HANG).unwrap(), (1, 0, false));
    busy.assert_ends();
    server.ended();
}
