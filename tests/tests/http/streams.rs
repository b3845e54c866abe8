//! Bodies that are sent while they are made: they come whole, wait for their client, and end with it.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use event_loop::{Peer, Script};
use runtime_lab::http::{self, BodySender, ClientGone, Limits, Server, ServerStats, TrySendError};
use runtime_lab::{LoopHandle, RunMode, Runtime, yield_now};

use crate::support::{HANG, TestServer, start};

const fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[test]
fn a_stream_comes_in_chunks_or_with_its_length() {
    let server = start(|server: Server| {
        let numbers = || {
            http::stream(|sender| async move {
                for number in 0..10_000 {
                    sender.send(format!("{number}\n")).await?;
                    if number % 1000 == 0 {
                        yield_now().await;
                    }
                }
                Ok(())
            })
        };
        server
            .route("/chunks", move |_request| numbers().content_type("text/csv"))
            .route("/length", move |_request| numbers().length(48_890))
            .route("/none", |_request| http::stream(|_sender| async { Ok(()) }))
            .route("/nothing", |_request| http::stream(|_sender| async { Ok(()) }).length(0))
    });
    let expected: String = (0..10_000).map(|number| format!("{number}\n")).collect();
    let mut client = server.connect();
    let chunks = client.ask_for("/chunks").answer_in_chunks();
    assert_eq!((chunks.text(), chunks.header("content-type")), (expected.as_str(), Some("text/csv")));
    let length = client.get("/length");
    assert_eq!((length.text(), length.header("content-length")), (expected.as_str(), Some("48890")));
    assert_eq!(client.ask_for("/none").answer_in_chunks().text(), "");
    assert_eq!(client.get("/nothing").text(), "");
    let stats = server.stop().stats;
    assert_eq!((stats.accepted, stats.answered, stats.failed_connections), (1, 4, 0));
}

#[test]
fn a_client_that_knows_no_chunks_gets_a_stream_until_the_end() {
    let server = start(|server: Server| {
        server.route("/parts", |_request| {
            http::stream(|sender| async move {
                for part in ["one, ", "two, ", "three"] {
                    sender.send(part).await?;
                    yield_now().await;
                }
                Ok(())
            })
        })
    });
    let mut old = server.connect();
    old.send("GET /parts HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let mut whole = String::new();
    std::io::Read::read_to_string(&mut old.stream(), &mut whole).unwrap();
    assert!(
        whole.starts_with("HTTP/1.0 200 OK\r\n") && whole.ends_with("\r\n\r\none, two, three"),
        "{whole}"
    );
    assert_eq!(server.stop().stats.finished, 1);
}

#[test]
fn a_sender_may_leave_its_producer() {
    let server = start(|server: Server| {
        server.route("/left", |_request| {
            http::stream(|sender| async move {
                sender.send("now, ").await?;
                let later = sender.clone();
                LoopHandle::current().unwrap().set_timeout(Duration::from_millis(2), move |_lp| {
                    later.try_send("later").unwrap();
                });
                Ok(())
            })
        })
    });
    assert_eq!(server.connect().ask_for("/left").answer_in_chunks().text(), "now, later");
    server.stop();
}

#[test]
fn a_body_that_fails_cuts_its_connection_and_no_other() {
    let server = start(|server: Server| {
        let body = |what: &'static str| {
            move |_request| {
                let stream = http::stream(move |sender| async move {
                    sender.send("begun").await?;
                    yield_now().await;
                    match what {
                        "error" => Err("out of luck".into()),
                        "panic" => panic!("this producer panics, as it should"),
                        "more" => Ok(sender.send("more than was said").await?),
                        _ => Ok(()),
                    }
                });
                if what == "less" || what == "more" { stream.length(10) } else { stream }
            }
        };
        let server = server.route("/ping", |_request| http::text("pong"));
        ["error", "panic", "less", "more"]
            .into_iter()
            .fold(server, |server, what| server.route(&format!("/{what}"), body(what)))
    });
    for what in ["error", "panic", "less", "more"] {
        let mut client = server.connect();
        client.ask_for(&format!("/{what}"));
        let head = client.answer_to_head();
        if head.header("transfer-encoding").is_some() {
            assert_eq!(client.chunk(), b"begun");
        }
        let mut rest = Vec::new();
        let _ = std::io::Read::read_to_end(&mut client.stream(), &mut rest);
        assert!(!rest.ends_with(b"0\r\n\r\n") && rest.len() < 10, "{what} looks whole: {rest:?}");
        server.assert_alive();
    }
    server.until_empty();
    let stats = server.stop().stats;
    assert_eq!((stats.failed_connections, stats.panics, stats.abandoned), (4, 1, 4));
}

/// A server in a scripted world whose `/endless` sends for ever, to a client that reads by the agenda.
struct Endless {
    sent_bytes: Rc<Cell<usize>>,
    /// When the producer was dropped, when a sender outside of it learned that, and what it then got.
    dropped: Rc<Cell<Option<Duration>>>,
    told: Rc<Cell<Option<Duration>>>,
    refused: Rc<Cell<Option<TrySendError>>>,
    stats: ServerStats,
}

/// Tells when it is dropped.
struct Tell<F: FnMut()>(F);

impl<F: FnMut()> Drop for Tell<F> {
    fn drop(&mut self) {
        (self.0)();
    }
}

fn endless(agenda: impl FnOnce(&Script, &Rc<Cell<usize>>)) -> Endless {
    const CHUNK: usize = 1000;
    let script = Script::new();
    let clock = script.clock();
    let begun = clock.now();
    let sent_bytes = Rc::new(Cell::new(0));
    let (dropped, told, refused) = <(Rc<Cell<Option<Duration>>>, Rc<Cell<_>>, Rc<Cell<_>>)>::default();
    script.connects(at(0), Peer(1), 80).window(Peer(1), 10_000);
    script.sends(at(0), Peer(1), b"GET /endless HTTP/1.1\r\nHost: test\r\n\r\n");
    agenda(&script, &sent_bytes);
    let runtime = Runtime::builder().event_loop(|options| options.script(&script)).build().unwrap();
    let lp = runtime.handle();
    let route = {
        let (sent_bytes, dropped) = (sent_bytes.clone(), dropped.clone());
        let (told, refused) = (told.clone(), refused.clone());
        move |_request: http::Request| {
            let (sent_bytes, dropped, clock) = (sent_bytes.clone(), dropped.clone(), clock.clone());
            let (told, refused) = (told.clone(), refused.clone());
            http::stream(move |sender| {
                let (outside, watch) = (sender.clone(), clock.clone());
                drop(LoopHandle::current().unwrap().spawn(async move {
                    outside.gone().await;
                    told.set(Some(watch.now() - begun));
                    refused.set(outside.try_send("too late").err());
                    assert!(outside.is_gone());
                }));
                async move {
                    let _tell = Tell(move || dropped.set(Some(clock.now() - begun)));
                    loop {
                        sender.send(vec![b'x'; CHUNK]).await?;
                        sent_bytes.set(sent_bytes.get() + CHUNK);
                    }
                }
            })
        }
    };
    let limits = Limits { write_time: at(10), ..Limits::default() };
    let server = Server::on("127.0.0.1:80").unwrap().route("/endless", route).limits(limits);
    let server = server.serve(&lp).unwrap();
    let stopping = server.clone();
    lp.set_timeout(at(60), move |_lp| stopping.stop());
    assert!(!runtime.run(RunMode::Default).unwrap());
    Endless { sent_bytes, dropped, told, refused, stats: server.stats() }
}

#[test]
fn w5_a_producer_waits_for_its_client() {
    /// The window, the room of the stream, hyper's buffer, and a little for heads of chunks.
    const AT_MOST: usize = 10_000 + 64 * 1024 + 32 * 1024;
    let seen = Rc::new(RefCell::new(Vec::new()));
    let seen_then = seen.clone();
    endless(move |script, sent_bytes| {
        for second in [4, 14] {
            let (sent_bytes, seen) = (sent_bytes.clone(), seen_then.clone());
            script.happens(at(second), move || seen.borrow_mut().push(sent_bytes.get()));
        }
        script.takes(at(9), Peer(1), 200_000);
    });
    let seen = seen.borrow();
    assert!(seen[0] <= AT_MOST, "{} bytes were made for a client that does not read", seen[0]);
    assert!((200_000..200_000 + AT_MOST).contains(&seen[1]), "{} bytes", seen[1]);
}

#[test]
fn w3_a_stop_gives_an_endless_stream_the_write_time_and_not_more_for_progress() {
    let endless = endless(|script, _sent_bytes| {
        for second in (5..200).step_by(5) {
            script.takes(at(second), Peer(1), 200_000);
        }
    });
    // It stops at 60, and something waits for room at every moment but those at which the client reads.
    assert_eq!(endless.dropped.get(), Some(at(70)));
    assert_eq!(endless.stats.write_timeouts, 1, "{:?}", endless.stats);
}

#[test]
fn w6_a_client_that_does_not_read_ends_the_producer_after_the_write_time() {
    let endless = endless(|_script, _sent_bytes| ());
    assert_eq!((endless.dropped.get(), endless.told.get()), (Some(at(10)), Some(at(10))));
    assert_eq!(endless.refused.get(), Some(TrySendError::Gone(ClientGone)));
    assert_eq!((endless.stats.write_timeouts, endless.stats.abandoned, endless.stats.open), (1, 1, 0));
    assert!(endless.sent_bytes.get() > 0);
}

#[test]
fn w6_a_client_that_goes_ends_the_producer_at_once() {
    for (second, resets) in [(3, true), (4, false)] {
        let endless = endless(move |script, _sent_bytes| {
            match resets {
                true => script.resets(at(second), Peer(1)),
                false => script.finishes(at(second), Peer(1)),
            };
        });
        assert_eq!((endless.dropped.get(), endless.told.get()), (Some(at(second)), Some(at(second))));
        assert_eq!((endless.stats.failed_connections, endless.stats.open), (1, 0));
    }
}

/// A server whose `/held` gives its sender away, and says when that learned of the end.
fn holding() -> (TestServer, Receiver<()>) {
    let (told, is_told) = channel();
    let server = start(move |server: Server| {
        server.route("/ping", |_request| http::text("pong")).route("/held", move |_request| {
            let told = told.clone();
            http::stream(|sender: BodySender| async move {
                sender.send("begun").await?;
                drop(LoopHandle::current().unwrap().spawn(async move {
                    sender.gone().await;
                    told.send(()).unwrap();
                }));
                Ok(())
            })
        })
    });
    (server, is_told)
}

#[test]
fn w6_a_silent_stream_learns_that_its_client_went() {
    let (server, is_told) = holding();
    for resets in [false, true] {
        let mut client = server.connect();
        client.ask_for("/held").answer_to_head();
        assert_eq!(client.chunk(), b"begun");
        match resets {
            true => client.reset(),
            false => drop(client),
        }
        is_told.recv_timeout(HANG).expect("the sender learns it");
    }
    server.until_empty();
    let stats = server.stop().stats;
    assert_eq!((stats.failed_connections, stats.abandoned), (2, 2));
}

#[test]
fn a_stream_without_end_leaves_turns_to_others() {
    let server = start(|server: Server| {
        server.route("/ping", |_request| http::text("pong")).route("/endless", |_request| {
            http::stream(|sender| async move {
                loop {
                    sender.send(vec![0; 16 * 1024]).await?;
                }
            })
        })
    });
    // A client that takes everything as fast as it comes, on a thread of its own.
    let mut greedy = server.connect();
    greedy.ask_for("/endless");
    let stream = greedy.stream().try_clone().unwrap();
    let reader = std::thread::spawn(move || {
        let mut piece = vec![0; 1 << 20];
        while std::io::Read::read(&mut greedy.stream(), &mut piece).is_ok_and(|bytes| bytes > 0) {}
    });
    for _ in 0..100 {
        server.assert_alive();
    }
    stream.shutdown(std::net::Shutdown::Both).unwrap();
    reader.join().unwrap();
    server.until_empty();
    server.stop();
}
