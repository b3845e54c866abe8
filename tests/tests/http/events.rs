//! Server-sent events over real sockets, and their pings in a scripted world.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use event_loop::{Peer, Script};
use runtime_lab::http::{self, Event, EventSender, Limits, Server};
use runtime_lab::{LoopHandle, RunMode, Runtime, sleep};

use crate::support::{Client, TestServer, start_with};

type Listeners = Rc<RefCell<Vec<EventSender>>>;

/// A server whose `/events` greets and then waits for what is sent to all.
fn server(limits: Limits) -> TestServer {
    let routes = |server: Server| {
        let listeners = Listeners::default();
        let sending = listeners.clone();
        server
            .route("/ping", |_request| http::text("pong"))
            .route("/events", move |_request| {
                let listeners = listeners.clone();
                http::events(|sender| async move {
                    sender.send(Event::data("hello\nyou").name("greeting").id("1")).await?;
                    listeners.borrow_mut().push(sender);
                    Ok(())
                })
            })
            .route("POST /all", move |request| {
                let event = Event::data(String::from_utf8_lossy(request.body()));
                sending.borrow_mut().retain(|listener| listener.try_send(&event).is_ok());
                http::text(format!("{}", sending.borrow().len()))
            })
    };
    start_with(limits, |builder| builder, routes)
}

fn listen(server: &TestServer) -> Client {
    let mut client = server.connect();
    let head = client.ask_for("/events").answer_to_head();
    assert_eq!(head.header("content-type"), Some("text/event-stream"));
    assert_eq!(head.header("cache-control"), Some("no-cache"));
    assert_eq!(client.chunk(), b"event: greeting\nid: 1\ndata: hello\ndata: you\n\n");
    client
}

#[test]
fn what_is_sent_to_all_reaches_all_who_are_there() {
    let server = server(Limits::default());
    let mut listeners: Vec<Client> = (0..5).map(|_| listen(&server)).collect();
    let mut speaker = server.connect();
    assert_eq!(speaker.post("/all", "one").text(), "5");
    for listener in &mut listeners {
        assert_eq!(listener.chunk(), b"data: one\n\n");
    }
    listeners.truncate(2);
    // Only the speaker and two listeners are left when the server has noticed.
    while server.ask(|_lp, server| server.stats().open) > 3 {
        std::thread::yield_now();
    }
    assert_eq!(speaker.post("/all", "two").text(), "2");
    for listener in &mut listeners {
        assert_eq!(listener.chunk(), b"data: two\n\n");
    }
    server.stop();
}

#[test]
fn w3_a_stop_ends_streams_of_events_in_order() {
    let server = server(Limits::default());
    let mut listeners: Vec<Client> = (0..3).map(|_| listen(&server)).collect();
    let stats = server.stop().stats;
    for listener in &mut listeners {
        assert_eq!(listener.chunk(), b"", "the end of the body");
        listener.assert_ends();
    }
    assert_eq!((stats.finished, stats.answered, stats.abandoned, stats.open), (3, 3, 0, 0));
}

#[test]
fn w2_streams_of_events_count_as_connections() {
    let server = server(Limits { connections: 2, ..Limits::default() });
    let (first, _second) = (listen(&server), listen(&server));
    server.connect().assert_ends();
    drop(first);
    while server.ask(|_lp, server| server.stats().open) > 1 {
        std::thread::yield_now();
    }
    server.assert_alive();
    let stats = server.stop().stats;
    assert_eq!((stats.turned_away, stats.accepted), (1, 3));
}

#[test]
fn silence_is_broken_by_pings_and_an_event_puts_them_off() {
    let script = Script::new();
    let at = Duration::from_secs;
    script.connects(at(0), Peer(1), 80);
    script.sends(at(0), Peer(1), b"GET /events HTTP/1.1\r\nHost: test\r\n\r\n");
    let (clock, lengths) = (script.clock(), Rc::new(RefCell::new(Vec::new())));
    let begun = clock.now();
    // Looks at what has come half a second after each ping may have.
    for second in 0..40 {
        let (looking, lengths) = (script.clone(), lengths.clone());
        script.happens(at(second) + Duration::from_millis(500), move || {
            let seen = String::from_utf8(looking.received_by(Peer(1))).unwrap();
            lengths.borrow_mut().push((seen.matches(": ping\n\n").count(), seen.matches("data: ").count()));
        });
    }
    let runtime = Runtime::builder().event_loop(|options| options.script(&script)).build().unwrap();
    let lp: LoopHandle = runtime.handle();
    let server = Server::on("127.0.0.1:80").unwrap().route("/events", |_request| {
        http::events_with_ping(Duration::from_secs(10), |sender| async move {
            sleep(Duration::from_secs(15)).await;
            sender.send(Event::data("late")).await?;
            std::future::pending::<()>().await;
            Ok(())
        })
    });
    let server = server.serve(&lp).unwrap();
    let stopping = server.clone();
    lp.set_timeout(at(41), move |_lp| stopping.stop());
    assert!(!runtime.run(RunMode::Default).unwrap());
    assert_eq!(clock.now() - begun, at(41), "a stream of events does not hold the stop");
    let lengths = lengths.borrow();
    // Pings at 10 s, then 10 s after the event of 15 s, and so on.
    for (second, expected) in
        [(9, (0, 0)), (10, (1, 0)), (15, (1, 1)), (24, (1, 1)), (25, (2, 1)), (35, (3, 1))]
    {
        assert_eq!(lengths[second], expected, "after {second} s");
    }
    assert!(script.received_by(Peer(1)).ends_with(b"\r\n0\r\n\r\n"), "the stream ends in order");
    assert_eq!(server.stats().finished, 1);
}

#[test]
fn w6_a_client_that_sent_more_and_then_went_is_noticed_by_the_next_ping() {
    let script = Script::new();
    let at = Duration::from_secs;
    script.connects(at(0), Peer(1), 80);
    // The bytes behind the request wait, so nobody reads the reset that stands behind them.
    script.sends(at(0), Peer(1), b"GET /events HTTP/1.1\r\nHost: test\r\n\r\nGET /more");
    script.resets(at(3), Peer(1));
    let (clock, gone) = (script.clock(), Rc::new(RefCell::new(None)));
    let begun = clock.now();
    let runtime = Runtime::builder().event_loop(|options| options.script(&script)).build().unwrap();
    let lp: LoopHandle = runtime.handle();
    let told = gone.clone();
    let server = Server::on("127.0.0.1:80").unwrap().route("/events", move |_request| {
        let (told, clock) = (told.clone(), clock.clone());
        http::events_with_ping(Duration::from_secs(10), |sender| async move {
            drop(LoopHandle::current().unwrap().spawn(async move {
                sender.gone().await;
                *told.borrow_mut() = Some(clock.now() - begun);
            }));
            Ok(())
        })
    });
    let server = server.serve(&lp).unwrap();
    let stopping = server.clone();
    lp.set_timeout(at(41), move |_lp| stopping.stop());
    assert!(!runtime.run(RunMode::Default).unwrap());
    assert_eq!(*gone.borrow(), Some(at(10)));
    assert_eq!((server.stats().failed_connections, server.stats().open), (1, 0));
}
