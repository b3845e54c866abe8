//! Stopping: what has begun is answered, what is idle is closed, and then the loop ends by itself.

use std::cell::RefCell;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;
use std::sync::mpsc::{Receiver, channel};

use event_loop::{OneshotSender, oneshot};
use runtime_lab::http::{self, Server};

use crate::support::{TestServer, start};

/// The requests to `/held`; each is answered when its sender goes.
type Held = Rc<RefCell<Vec<OneshotSender<()>>>>;

/// A server whose `/held` tells when it has begun and waits for [`release`].
fn server() -> (TestServer, Receiver<()>) {
    let (begun, has_begun) = channel();
    let server = start(move |server: Server| {
        let server = server.route("/stop", |_request| http::text("of the tests of the stop"));
        server.route("/ping", |_request| http::text("pong")).route("/held", move |_request| {
            let (sender, receiver) = oneshot();
            let lp = runtime_lab::LoopHandle::current().unwrap();
            if lp.data::<RefCell<Vec<OneshotSender<()>>>>().is_none() {
                lp.set_data(Held::default());
            }
            lp.data::<RefCell<Vec<OneshotSender<()>>>>().unwrap().borrow_mut().push(sender);
            begun.send(()).unwrap();
            async move {
                receiver.await;
                http::text("released")
            }
        })
    });
    (server, has_begun)
}

/// Nobody listens there any more, or by now another test does, which does not have our page.
#[track_caller]
fn assert_gone(addr: SocketAddr) {
    match TcpStream::connect(addr) {
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionRefused),
        Ok(stream) => {
            let asked = write!(&stream, "GET /stop HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
            let mut answer = String::new();
            let _ = asked.and_then(|()| (&stream).read_to_string(&mut answer));
            assert!(!answer.contains("of the tests of the stop"), "it still serves");
        }
    }
}

fn release(server: &TestServer) {
    server.ask(|lp, _server| lp.data::<RefCell<Vec<OneshotSender<()>>>>().unwrap().take().clear());
}

#[test]
fn w3_a_server_without_connections_stops_at_once() {
    let (server, _) = server();
    let addr = server.addr;
    server.stop();
    assert_gone(addr);
}

#[test]
fn w3_stop_answers_what_has_begun_and_closes_what_is_idle() {
    let (server, has_begun) = server();
    let mut silent = server.connect();
    let mut idle = server.connect();
    assert_eq!(idle.get("/ping").text(), "pong");
    let mut busy = server.connect();
    busy.ask_for("/held");
    has_begun.recv().unwrap();
    // A request that waits behind the open one is not taken any more.
    busy.ask_for("/ping");
    server.ask(|_lp, server| server.stop());
    idle.assert_ends();
    silent.assert_ends();
    assert_gone(server.addr);
    assert_eq!(server.ask(|_lp, server| server.stats().open), 1);
    release(&server);
    let answer = busy.answer();
    assert_eq!((answer.text(), answer.header("connection")), ("released", Some("close")));
    busy.assert_ends();
    let stats = server.ended().stats;
    assert_eq!((stats.accepted, stats.requests, stats.open), (3, 2, 0));
}

#[test]
fn w3_a_second_stop_changes_nothing() {
    let (server, has_begun) = server();
    let mut busy = server.connect();
    busy.ask_for("/held");
    has_begun.recv().unwrap();
    server.ask(|_lp, server| server.stop());
    server.ask(|_lp, server| server.stop());
    release(&server);
    assert_eq!(busy.answer().text(), "released");
    server.ended();
}

#[test]
fn w3_a_client_that_goes_during_the_stop_does_not_hold_it() {
    let (server, has_begun) = server();
    let mut busy = server.connect();
    busy.ask_for("/held");
    has_begun.recv().unwrap();
    server.ask(|_lp, server| server.stop());
    drop(busy);
    assert_eq!(server.ended().stats.open, 0);
}

#[test]
fn a_runtime_is_dropped_with_requests_open() {
    let (sender, receiver) = channel();
    let thread = std::thread::spawn(move || {
        let runtime = runtime_lab::Runtime::new().unwrap();
        let lp = runtime.handle();
        let route = |_request| async {
            let key = runtime_lab::crypto::pbkdf2(b"password", b"salt", 1).await;
            http::text(format!("{key:?}"))
        };
        let stop_at = |_request| -> http::Response {
            runtime_lab::LoopHandle::current().unwrap().stop();
            http::text("stopping")
        };
        let server = Server::on("127.0.0.1:0").unwrap().route("/key", route).route("/stop", stop_at);
        sender.send(server.serve(&lp).unwrap().local_addr()).unwrap();
        assert!(runtime.run(runtime_lab::RunMode::Default).unwrap(), "the server is still there");
    });
    let addr = receiver.recv().unwrap();
    let mut idle = crate::support::Client::to(addr);
    let mut asking = crate::support::Client::to(addr);
    let mut stopping = crate::support::Client::to(addr);
    asking.ask_for("/key");
    assert_eq!(asking.answer().status, 200);
    asking.send("POST /key HTTP/1.1\r\nHost: test\r\nContent-Length: 10\r\n\r\nhalf");
    stopping.ask_for("/stop");
    // The loop may end before the answer has left; all of them see the end, and the thread ends in peace.
    thread.join().unwrap();
    idle.assert_ends();
    asking.assert_ends();
}
