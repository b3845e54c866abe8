//! Which route answers: methods, prefixes, and what there is for neither.

use runtime_lab::http::{self, Server};

use crate::support::start;

#[test]
fn a_path_with_other_methods_is_405_and_says_which() {
    let server = start(|server: Server| {
        server
            .route("GET /thing", |_request| http::text("got"))
            .route("PUT /thing", |request| http::text(request.body().to_vec()))
            .route("/files/*", |request| http::text(request.path().to_owned()))
            .route("/files/special", |_request| http::text("special"))
    });
    let mut client = server.connect();
    assert_eq!(client.get("/thing").text(), "got");
    client.send("PUT /thing HTTP/1.1\r\nHost: test\r\nContent-Length: 3\r\n\r\nput");
    assert_eq!(client.answer().text(), "put");
    client.send("DELETE /thing HTTP/1.1\r\nHost: test\r\n\r\n");
    let refused = client.answer();
    assert_eq!((refused.status, refused.header("allow")), (405, Some("GET, HEAD, PUT")));
    assert_eq!(client.get("/files/special").text(), "special");
    assert_eq!(client.get("/files/a/b").text(), "/files/a/b");
    assert_eq!(client.get("/files").status, 404, "a prefix is a folder, not its name");
    let stats = server.stop().stats;
    assert_eq!((stats.accepted, stats.requests, stats.answered), (1, 6, 6));
}

#[test]
fn a_head_request_gets_the_head_of_whatever_get_would_give() {
    let server = start(|server: Server| {
        server
            .route("GET /text", |_request| http::text("four"))
            .route("GET /stream", |_request| {
                http::stream(|_sender| async { unreachable!("nobody reads the body of an answer to HEAD") })
            })
            .route("GET /known", |_request| http::stream(|_sender| async { Ok(()) }).length(1_000_000))
            .route("GET /events", |_request| http::events(|_sender| async { Ok(()) }))
    });
    let mut client = server.connect();
    let mut head =
        |path: &str| client.send(format!("HEAD {path} HTTP/1.1\r\nHost: test\r\n\r\n")).answer_to_head();
    assert_eq!(head("/text").header("content-length"), Some("4"));
    assert_eq!(head("/stream").header("content-length"), None);
    assert_eq!(head("/known").header("content-length"), Some("1000000"));
    assert_eq!(head("/events").header("content-type"), Some("text/event-stream"));
    assert_eq!(head("/missing").status, 404);
    let stats = server.stop().stats;
    assert_eq!((stats.accepted, stats.answered, stats.panics), (1, 5, 0), "all on one connection");
}
