//! Files as answers: whole, in part, not again when they are known, and what is not there.

use std::time::{Duration, UNIX_EPOCH};

use runtime_lab::http::{self, Server, StatusCode};

use crate::support::{TestServer, start};

fn server(root: &std::path::Path) -> TestServer {
    let root = root.to_owned();
    start(move |server: Server| {
        server.route("GET /files/*", move |request| {
            let path = request.path_below("/files/").map(|path| root.join(path));
            async move {
                match path {
                    Some(path) => http::file(&request, path).await,
                    None => http::with_status(StatusCode::NOT_FOUND, "no such file\n"),
                }
            }
        })
    })
}

#[test]
fn a_file_comes_in_pieces_with_its_length_and_type() {
    let root = tempfile::tempdir().unwrap();
    let large: Vec<u8> = (0..1_000_003_u32).map(|at| (at % 251) as u8).collect();
    std::fs::write(root.path().join("large.bin"), &large).unwrap();
    std::fs::write(root.path().join("page.html"), "<p>").unwrap();
    std::fs::write(root.path().join("empty.txt"), "").unwrap();
    let server = server(root.path());
    let mut client = server.connect();
    let answer = client.get("/files/large.bin");
    assert_eq!(answer.header("content-type"), Some("application/octet-stream"));
    assert_eq!((answer.header("content-length"), answer.body == large), (Some("1000003"), true));
    let page = client.get("/files/page.html");
    assert_eq!((page.text(), page.header("content-type")), ("<p>", Some("text/html; charset=utf-8")));
    assert_eq!(client.get("/files/empty.txt").text(), "");
    client.send("HEAD /files/large.bin HTTP/1.1\r\nHost: test\r\n\r\n");
    assert_eq!(client.answer_to_head().header("content-length"), Some("1000003"));
    let stats = server.stop().stats;
    assert_eq!((stats.accepted, stats.answered), (1, 4));
}

#[cfg(unix)]
#[test]
fn a_pipe_is_no_file_and_nobody_waits_for_its_writer() {
    let root = tempfile::tempdir().unwrap();
    let pipe = root.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let server = server(root.path());
    assert_eq!(server.connect().get("/files/pipe").status, 404);
    server.stop();
}

#[test]
fn a_part_of_a_file_is_206_and_one_behind_the_end_416() {
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("digits"), "0123456789").unwrap();
    let server = server(root.path());
    let mut client = server.connect();
    let mut part = |range: &str| {
        client.send(format!("GET /files/digits HTTP/1.1\r\nHost: test\r\nRange: {range}\r\n\r\n")).answer()
    };
    for (range, text, content_range) in [
        ("bytes=2-4", "234", "bytes 2-4/10"),
        ("bytes=-2", "89", "bytes 8-9/10"),
        ("bytes=7-", "789", "bytes 7-9/10"),
    ] {
        let answer = part(range);
        assert_eq!((answer.status, answer.text()), (206, text));
        assert_eq!(answer.header("content-range"), Some(content_range));
    }
    let behind = part("bytes=10-");
    assert_eq!((behind.status, behind.header("content-range")), (416, Some("bytes */10")));
    let several = part("bytes=0-1,3-4");
    assert_eq!((several.status, several.text()), (200, "0123456789"));
    server.stop();
}

/// A file with this date, in milliseconds since 1970.
fn dated(path: &std::path::Path, ms: u64) {
    std::fs::write(path, "0123456789").unwrap();
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.set_modified(UNIX_EPOCH + Duration::from_millis(ms)).unwrap();
}

#[test]
fn a_file_that_the_client_has_is_not_sent_again() {
    const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    let root = tempfile::tempdir().unwrap();
    dated(&root.path().join("digits"), 784_111_777_900);
    let server = server(root.path());
    let mut client = server.connect();
    let mut ask = |method: &str, fields: &str| {
        client.send(format!("{method} /files/digits HTTP/1.1\r\nHost: test\r\n{fields}\r\n\r\n"));
        match method {
            "HEAD" => client.answer_to_head(),
            _ => client.answer(),
        }
    };
    for (fields, status) in [
        ("X: y".to_owned(), 200),
        (format!("If-Modified-Since: {DATE}"), 304),
        ("If-Modified-Since: Sunday, 06-Nov-94 08:49:38 GMT".to_owned(), 304),
        ("If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT".to_owned(), 200),
        ("If-Modified-Since: yesterday".to_owned(), 200),
        (format!("If-None-Match: \"a\"\r\nIf-Modified-Since: {DATE}"), 200),
        (format!("Range: bytes=0-1\r\nIf-Modified-Since: {DATE}"), 304),
        (format!("Range: bytes=0-1\r\nIf-Range: {DATE}"), 206),
        ("Range: bytes=0-1\r\nIf-Range: Sun, 06 Nov 1994 08:49:38 GMT".to_owned(), 200),
        ("Range: bytes=0-1\r\nIf-Range: \"a\"".to_owned(), 200),
        ("Range: bytes=99-\r\nIf-Range: \"a\"".to_owned(), 200),
    ] {
        let answer = ask("GET", &fields);
        assert_eq!((answer.status, answer.header("last-modified")), (status, Some(DATE)), "{fields}");
        let length = match status {
            200 => Some("10"),
            206 => Some("2"),
            // A length would be taken for that of the file.
            _ => None,
        };
        assert_eq!(answer.header("content-length"), length, "{fields}");
    }
    assert_eq!(ask("HEAD", &format!("If-Modified-Since: {DATE}")).status, 304);
    assert_eq!(ask("HEAD", "Range: bytes=0-1").status, 200, "only GET has parts");
    assert_eq!(ask("GET", "X: y").text(), "0123456789");
    let stats = server.stop().stats;
    assert_eq!((stats.accepted, stats.answered), (1, 14));
}

#[test]
fn a_file_with_a_date_that_http_cannot_say_has_none() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("digits");
    dated(&path, 0);
    let file = std::fs::File::options().write(true).open(&path).unwrap();
    file.set_modified(UNIX_EPOCH - Duration::from_secs(1)).unwrap();
    let server = server(root.path());
    let mut client = server.connect();
    let fields = "If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT";
    let answer =
        client.send(format!("GET /files/digits HTTP/1.1\r\nHost: test\r\n{fields}\r\n\r\n")).answer();
    assert_eq!((answer.status, answer.text()), (200, "0123456789"));
    assert_eq!(answer.header("last-modified"), None);
    assert_eq!(server.stop().stats.panics, 0);
}

#[test]
fn what_is_no_file_below_the_root_is_404() {
    let root = tempfile::tempdir().unwrap();
    std::fs::create_dir(root.path().join("folder")).unwrap();
    let server = server(&root.path().join("folder"));
    std::fs::write(root.path().join("secret"), "secret").unwrap();
    let mut client = server.connect();
    for path in
        ["/files/missing", "/files/", "/files/.", "/files/../secret", "/files/%2e%2e/secret", "/files/a/b"]
    {
        assert_eq!(client.get(path).status, 404, "{path}");
    }
    server.stop();
}
