//! Who held the loop: the report names the line of the route, wherever that line is.
//!
//! # Model
//! All but one of these tests live in a scripted world: the client is an entry of the agenda, and code "holds the
//! loop" by moving the manual clock. So it is exact who held it for how long, and that nobody else is named.

use std::time::Duration;

use clock::{Clock, ManualClock};
use event_loop::{Peer, Script, StallReport};
use runtime_lab::http::{self, Limits, Request, Response, Server};
use runtime_lab::{JobOutcome, LoopHandle, Recorder, RunMode, Runtime, RuntimeBuilder, yield_now};

use crate::support::start_with;

const THRESHOLD: Duration = Duration::from_millis(5);
const HOLD: Duration = Duration::from_millis(40);

/// A GET of `path` in a world of its own: what the loop has to report.
fn stalls(path: &str, routes: impl FnOnce(Server, ManualClock) -> Server) -> Vec<StallReport> {
    played(path, Runtime::builder().stall_threshold(THRESHOLD), routes).handle().stalls()
}

/// The runtime after a GET of `path` in a world of its own.
fn played(
    path: &str,
    builder: RuntimeBuilder,
    routes: impl FnOnce(Server, ManualClock) -> Server,
) -> Runtime {
    let script = Script::new();
    let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    script.connects(Duration::from_millis(1), Peer(1), 80);
    script.sends(Duration::from_millis(2), Peer(1), request.as_bytes());
    let runtime = builder.event_loop(|options| options.script(&script)).build().unwrap();
    let lp = runtime.handle();
    let server = routes(Server::on("127.0.0.1:80").unwrap(), script.hands()).serve(&lp).unwrap();
    lp.set_timeout(Duration::from_secs(1), move |_lp| server.stop());
    assert!(!runtime.run(RunMode::Default).unwrap());
    let received = String::from_utf8(script.received_by(Peer(1))).unwrap();
    assert!(received.starts_with("HTTP/1.1 200 OK\r\n"), "{received}");
    runtime
}

/// Asserts that this one place held the loop, once, for exactly this long.
#[track_caller]
fn assert_only(stalls: &[StallReport], name: &str, line: u32, held: Duration) {
    let found: Vec<_> = stalls
        .iter()
        .map(|stall| {
            let place = (stall.location.file(), stall.location.line());
            (stall.name.as_str(), place, stall.count, stall.longest, stall.total)
        })
        .collect();
    assert_eq!(found, [(name, (file!(), line), 1, held, held)]);
}

fn holding(hands: ManualClock) -> impl Fn(Request) -> Response + 'static {
    move |_request| {
        hands.advance(HOLD);
        http::text("held")
    }
}

#[test]
fn a_route_that_holds_the_loop_is_named_with_its_line_and_the_report_moves_with_it() {
    let first = line!() + 1;
    let found = stalls("/block", |server, hands| server.route("/block", holding(hands)));
    assert_only(&found, "/block", first, HOLD);

    let second = line!() + 3;
    let found = stalls("/block", |server, hands| {
        let server = server.route("/ping", |_request| http::text("pong"));
        server.route("/block", holding(hands))
    });
    assert_only(&found, "/block", second, HOLD);
}

#[test]
fn the_producer_of_a_body_and_its_destructor_are_named_by_their_route() {
    for in_destructor in [false, true] {
        let route = line!() + 2;
        let found = stalls("/stream", |server, hands| {
            server.route("/stream", move |_request| {
                let hands = hands.clone();
                http::stream(move |sender| async move {
                    yield_now().await;
                    let _held = HoldsOnDrop(in_destructor.then(|| hands.clone()));
                    if !in_destructor {
                        hands.advance(HOLD);
                    }
                    sender.send("held").await?;
                    Ok(())
                })
            })
        });
        assert_only(&found, "/stream", route, HOLD);
    }
}

/// Holds the loop when it is dropped.
struct HoldsOnDrop(Option<ManualClock>);

impl Drop for HoldsOnDrop {
    fn drop(&mut self) {
        if let Some(hands) = &self.0 {
            hands.advance(HOLD);
        }
    }
}

#[test]
fn a_route_that_stays_below_the_threshold_is_not_named() {
    let found = stalls("/quick", |server, hands| {
        server.route("/quick", move |_request| {
            hands.advance(THRESHOLD - Duration::from_nanos(1));
            http::text("quick")
        })
    });
    assert_eq!(found, []);
}

#[test]
fn work_in_pieces_with_yields_is_not_named() {
    let found = stalls("/chunked", |server, hands| {
        server.route("/chunked", move |_request| {
            let hands = hands.clone();
            async move {
                for _ in 0..40 {
                    hands.advance(HOLD / 40);
                    yield_now().await;
                }
                http::text("as long, but in pieces")
            }
        })
    });
    assert_eq!(found, []);
}

#[test]
fn a_route_that_holds_the_loop_after_an_await_is_still_the_one_to_blame() {
    let line = line!() + 2;
    let found = stalls("/later", |server, hands| {
        server.route("/later", move |_request| {
            let hands = hands.clone();
            async move {
                yield_now().await;
                hands.advance(HOLD);
                http::text("held")
            }
        })
    });
    assert_only(&found, "/later", line, HOLD);
}

#[test]
fn a_task_that_a_route_spawned_is_to_blame_itself() {
    let line = line!() + 5;
    let found = stalls("/spawn", |server, hands| {
        server.route("/spawn", move |_request| {
            let hands = hands.clone();
            let lp = LoopHandle::current().expect("a loop runs");
            let task = lp.spawn(async move { hands.advance(HOLD) });
            async {
                task.await.expect("the task ends");
                http::text("held by its task")
            }
        })
    });
    assert_only(&found, "task", line, HOLD);
}

#[test]
fn of_a_route_and_what_it_calls_in_a_span_the_one_that_took_longer_is_named() {
    use runtime_lab::SpanSite;
    for (own, inside) in [(HOLD, HOLD / 2), (HOLD / 2, HOLD)] {
        let mut lines = (0, 0);
        let found = stalls("/route", |server, hands| {
            lines = (line!() + 2, line!() + 1);
            let span = SpanSite::new("inner");
            server.route("/route", move |_request| {
                hands.advance(own);
                let lp = LoopHandle::current().expect("a loop runs");
                lp.in_span(&span, || hands.advance(inside));
                http::text("held twice")
            })
        });
        let (name, line) = if own > inside { ("/route", lines.0) } else { ("inner", lines.1) };
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].name.as_str(), found[0].location.line()), (name, line));
        assert_eq!((found[0].longest, found[0].total), (own + inside, HOLD));
    }
}

#[test]
fn a_route_is_one_span_each_time_that_it_runs() {
    for (path, spans) in [("/at-once", 1), ("/later", 2)] {
        let recorder = Recorder::new(1 << 10);
        let runtime = played(path, Runtime::builder().recorder(recorder.clone()), |server, _hands| {
            server.route("/at-once", |_request| http::text("now")).route("/later", |_request| async {
                yield_now().await;
                http::text("then")
            })
        });
        drop(runtime);
        let recording = recorder.collect();
        assert_eq!(recording.check(), Ok(()));
        let slices = recording.slices();
        let found = slices.iter().filter(|slice| recording.name(slice.arg).starts_with(path)).count();
        assert_eq!(found, spans, "{path}");
    }
}

#[test]
fn an_after_callback_is_named_with_the_line_that_began_its_request() {
    let script = Script::new();
    let runtime = Runtime::builder()
        .pool_threads(1)
        .event_loop(|options| options.script(&script))
        .stall_threshold(THRESHOLD)
        .build()
        .unwrap();
    let hands = script.hands();
    let after = move |_lp: &LoopHandle, _outcome: JobOutcome<()>| hands.advance(HOLD);
    let line = line!() + 1;
    runtime.offload(|| (), after).unwrap();
    // In a scripted world nothing waits for real threads: the job has ended before the loop runs.
    runtime.pool().drain(Duration::from_secs(60));
    assert!(!runtime.run(RunMode::Default).unwrap());
    assert_only(&runtime.handle().stalls(), "request", line, HOLD);
}

#[test]
fn in_real_time_a_route_that_computes_is_named_with_its_line() {
    let compute = |_request: Request| {
        let clock = Clock::real();
        let begun = clock.now();
        while clock.now() - begun < HOLD {
            std::hint::spin_loop();
        }
        http::text("held")
    };
    let line = line!() + 1;
    let routes = move |server: Server| server.route("/block", compute);
    let server = start_with(Limits::default(), |builder| builder.stall_threshold(THRESHOLD), routes);
    assert_eq!(server.connect().get("/block").status, 200);
    let stalls = server.stop().stalls;
    // On a busy machine others may be named, too; the one that computed always is.
    let stall = stalls.iter().find(|stall| stall.name == "/block").expect("the route is named");
    assert_eq!((stall.location.file(), stall.location.line()), (file!(), line));
    assert!(stall.longest >= HOLD && stall.total >= HOLD, "{stall:?}");
}
