//! Routes that panic: in the call, in the future, in the future's destructor.

use std::future::poll_fn;
use std::sync::mpsc::channel;
use std::task::Poll;

use runtime_lab::http::{self, Request, Response, Server};
use runtime_lab::{offload, yield_now};

use crate::support::start;

/// Panics when it is dropped, unless a panic is on its way already.
struct PanicsOnDrop;

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        assert!(std::thread::panicking(), "this destructor panics, as it should");
    }
}

async fn panics_later(_request: Request) -> Response {
    yield_now().await;
    panic!("this route panics later, as it should")
}

async fn panics_with_the_work(_request: Request) -> Response {
    let value: u32 = offload(|| panic!("this job panics, as it should")).await.expect("the work has a value");
    http::text(value.to_string())
}

#[test]
fn w1_a_panic_is_500_and_counted_and_the_server_goes_on() {
    let server = start(|server: Server| {
        server
            .route("/ping", |_request| http::text("pong"))
            .route("/now", |_request| -> Response { panic!("this route panics, as it should") })
            .route("/later", panics_later)
            .route("/work", panics_with_the_work)
    });
    let mut client = server.connect();
    for path in ["/now", "/later", "/work"] {
        let answer = client.get(path);
        assert_eq!((answer.status, answer.text()), (500, "the route panicked\n"), "{path}");
        assert_eq!(client.get("/ping").status, 200, "on the same connection");
    }
    let ended = server.stop();
    assert_eq!((ended.stats.panics, ended.stats.requests, ended.stats.failed_connections), (3, 6, 0));
    assert_eq!(ended.metrics.panics, 0, "the loop has not seen one");
}

#[test]
fn w1_a_future_whose_destructor_panics_takes_nobody_along() {
    let (begun, has_begun) = channel();
    let server = start(move |server: Server| {
        server.route("/ping", |_request| http::text("pong")).route("/held", move |_request| {
            let begun = begun.clone();
            async move {
                let _held = PanicsOnDrop;
                begun.send(()).unwrap();
                poll_fn(|_cx| Poll::<Response>::Pending).await
            }
        })
    });
    let mut client = server.connect();
    client.ask_for("/held");
    has_begun.recv().unwrap();
    drop(client);
    // The server sees the end of that stream, drops the future, and answers others.
    while server.ask(|_lp, server| server.stats().open) > 0 {
        server.assert_alive();
    }
    let ended = server.stop();
    assert_eq!((ended.stats.panics, ended.metrics.panics), (1, 0));
}
