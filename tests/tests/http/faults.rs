//! Errors of the system at each call that HTTP makes: one connection or request pays, the next one is served.

use std::io::{Error, ErrorKind};
use std::time::Duration;

use event_loop::{Call, Peer, Script};
use runtime_lab::http::{self, Client, ClientError, Server, ServerStats};
use runtime_lab::{RunMode, Runtime, sleep};

const fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The kinds of errors that are tried: one that a peer causes, one that says that the system is short of something.
const KINDS: [ErrorKind; 2] = [ErrorKind::ConnectionReset, ErrorKind::OutOfMemory];

/// A client at 2 s for whom this call fails, and another one at 5 s.
fn served(call: Call, kind: ErrorKind) -> (ServerStats, [String; 2]) {
    let script = Script::new();
    let failing = script.clone();
    script.happens(at(1), move || {
        failing.fails(call, Error::from(kind));
    });
    for (second, peer) in [(2, Peer(1)), (5, Peer(2))] {
        script.connects(at(second), peer, 80);
        script.sends(at(second), peer, b"GET /ping HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    }
    let runtime = Runtime::builder().event_loop(|options| options.script(&script)).build().unwrap();
    let lp = runtime.handle();
    let server = Server::on("127.0.0.1:80").unwrap().route("/ping", |_request| http::text("pong"));
    let server = server.serve(&lp).unwrap();
    let stopping = server.clone();
    lp.set_timeout(at(10), move |_lp| stopping.stop());
    assert!(!runtime.run(RunMode::Default).unwrap());
    let received = [Peer(1), Peer(2)].map(|peer| String::from_utf8(script.received_by(peer)).unwrap());
    (server.stats(), received)
}

#[test]
fn w8_an_error_at_any_call_of_the_server_costs_one_connection_at_most() {
    for call in [Call::Accept, Call::Register, Call::SetOption, Call::Read, Call::Write, Call::Shutdown] {
        for kind in KINDS {
            let (stats, [_first, second]) = served(call, kind);
            assert!(second.ends_with("\r\n\r\npong"), "{call:?} {kind:?}: {second:?}");
            assert_eq!(
                (stats.open, stats.in_work(), stats.dropped),
                (0, 0, 0),
                "{call:?} {kind:?}: {stats:?}"
            );
            assert_eq!(stats.accepted, stats.ended(), "{call:?} {kind:?}: {stats:?}");
            assert_eq!(stats.requests, stats.answered + stats.abandoned, "{call:?} {kind:?}: {stats:?}");
            let failed = stats.failed_connections + stats.accept_errors;
            assert!(failed <= 1, "{call:?} {kind:?}: {stats:?}");
        }
    }
}

#[test]
fn an_error_at_any_call_of_the_client_costs_one_request_at_most() {
    const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
    for call in [Call::Connect, Call::FinishConnect, Call::SetOption, Call::Read, Call::Write, Call::Shutdown]
    {
        for kind in KINDS {
            let script = Script::new();
            script.fails(call, Error::from(kind));
            // The second request begins at 9 s, at 10 s or at 20 s, whenever the first has ended, and on the first peer when
            // the first request did not come so far.
            script.answers_connect(at(1), Peer(1), true).sends(at(11), Peer(1), OK);
            script.answers_connect(at(15), Peer(2), true).sends(at(31), Peer(2), OK);
            let runtime = Runtime::builder().event_loop(|options| options.script(&script)).build().unwrap();
            let outcomes = runtime.block_on(async {
                let client = Client::new();
                let ask = async || client.get("http://127.0.0.1:80/").await?.text().await;
                let first = ask().await;
                sleep(at(9)).await;
                [first, ask().await]
            });
            let [first, second] = outcomes.unwrap();
            assert!(second.as_ref().is_ok_and(|text| text == "ok"), "{call:?} {kind:?}: {second:?}");
            let is_named = matches!(
                &first,
                Ok(_)
                    | Err(ClientError::Connect { .. }
                        | ClientError::Closed { .. }
                        | ClientError::Broken { .. })
            );
            assert!(is_named, "{call:?} {kind:?}: {first:?}");
        }
    }
}
