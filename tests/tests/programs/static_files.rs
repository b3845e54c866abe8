//! The file server: pages, lists, links that lead out, clients that go, and the end by a signal.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::support::{HANG, Program};

/// A folder with a file, a page, a list and things that nobody may see.
fn folder() -> tempfile::TempDir {
    let outer = tempfile::tempdir().unwrap();
    let root = outer.path().join("root");
    for below in ["page", "list", "list/a & <b>"] {
        std::fs::create_dir_all(root.join(below)).unwrap();
    }
    let large: Vec<u8> = (0..3_000_000_u32).map(|at| (at % 251) as u8).collect();
    for (name, content) in [
        ("large.bin", &large[..]),
        ("page/index.html", b"<p>the page"),
        ("list/one.txt", b"one"),
        ("list/.hidden", b"hidden"),
        ("../secret.txt", b"secret"),
    ] {
        std::fs::write(root.join(name), content).unwrap();
    }
    std::os::unix::fs::symlink("../../secret.txt", root.join("list/out")).unwrap();
    std::os::unix::fs::symlink("one.txt", root.join("list/in")).unwrap();
    std::os::unix::fs::symlink("loop", root.join("list/loop")).unwrap();
    outer
}

fn serve(outer: &tempfile::TempDir, more: &[&str]) -> (Program, SocketAddr) {
    let root = outer.path().join("root");
    let mut arguments = vec![root.to_str().unwrap(), "--port", "0"];
    arguments.extend(more);
    let mut server = Program::start("static_files", &arguments);
    let addr = server.addr();
    (server, addr)
}

/// A request on a connection of its own: status line and fields in one text, and the body.
fn get(addr: SocketAddr, path: &str, fields: &str) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(HANG)).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{fields}\r\n").unwrap();
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    let end = all.windows(4).position(|window| window == b"\r\n\r\n").expect("a head") + 4;
    (String::from_utf8(all[..end].to_vec()).unwrap().to_ascii_lowercase(), all[end..].to_vec())
}

#[test]
fn files_pages_lists_and_parts_are_served_and_nothing_else_is_there() {
    let outer = folder();
    let (server, addr) = serve(&outer, &[]);
    let text = |path: &str| {
        let (head, body) = get(addr, path, "");
        (head[9..12].to_owned(), String::from_utf8_lossy(&body).into_owned())
    };
    let (head, body) = get(addr, "/large.bin", "");
    let on_disk = std::fs::read(outer.path().join("root/large.bin")).unwrap();
    assert!(head.starts_with("http/1.1 200") && body == on_disk, "{head}");
    let (head, body) = get(addr, "/large.bin", "Range: bytes=1000-1003\r\n");
    assert!(head.starts_with("http/1.1 206") && body == on_disk[1000..1004], "{head}");
    assert_eq!(text("/page/"), ("200".into(), "<p>the page".into()));
    let (head, _) = get(addr, "/page", "");
    assert!(head.starts_with("http/1.1 301") && head.contains("location: /page/\r\n"), "{head}");
    let (status, list) = text("/list/");
    assert_eq!(status, "200");
    for shown in
        ["href=\"./one.txt\"", "href=\"./a%20%26%20%3Cb%3E/\"", ">a &amp; &lt;b&gt;/<", "href=\"../\""]
    {
        assert!(list.contains(shown), "{shown} is not in {list}");
    }
    assert!(!list.contains("hidden"), "{list}");
    assert_eq!(text("/list/in"), ("200".into(), "one".into()));
    assert_eq!(text("/list/a%20%26%20%3Cb%3E/").0, "200");
    for absent in
        ["/list/out", "/list/.hidden", "/../secret.txt", "/%2e%2e/secret.txt", "/no", "/list/one.txt/more"]
    {
        assert_eq!(text(absent), ("404".into(), "no such file\n".into()), "{absent}");
    }
    assert_eq!(text("/list/loop").0, "503");
    server.signal(Signal::TERM);
    let ended = server.end();
    assert!(ended.well().ends_with(" 0 cut off"), "{:?}", ended.lines);
}

#[test]
fn a_client_that_takes_nothing_is_cut_off_when_the_grace_is_over() {
    let outer = folder();
    // More than the buffers of both ends take.
    std::fs::File::create(outer.path().join("root/huge.bin")).unwrap().set_len(256 << 20).unwrap();
    let (mut server, addr) = serve(&outer, &["--grace", "1"]);
    let mut slow = TcpStream::connect(addr).unwrap();
    write!(slow, "GET /huge.bin HTTP/1.1\r\nHost: test\r\n\r\n").unwrap();
    let mut first = [0; 1];
    slow.read_exact(&mut first).unwrap();
    server.signal(Signal::INT);
    server.line_with("stops within");
    let ended = server.end();
    assert_eq!(ended.well(), "1 requests on 1 connections, 1 cut off");
}

#[test]
fn what_cannot_be_served_is_said_at_the_start() {
    let ended = Program::start("static_files", &["/no/such/folder"]).end();
    assert!(ended.status.code() == Some(1) && ended.errors.contains("/no/such/folder"), "{}", ended.errors);
    let outer = folder();
    let file = outer.path().join("secret.txt");
    let ended = Program::start("static_files", &[file.to_str().unwrap()]).end();
    assert!(ended.errors.contains("is no folder"), "{}", ended.errors);
}

#[test]
fn curl_goes_on_with_a_download_that_was_cut() {
    let outer = folder();
    let (server, addr) = serve(&outer, &[]);
    let there = outer.path().join("download");
    let on_disk = std::fs::read(outer.path().join("root/large.bin")).unwrap();
    std::fs::write(&there, &on_disk[..1_234_567]).unwrap();
    let url = format!("http://{addr}/large.bin");
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--fail", "--max-time", "60", "--continue-at", "-", "--output"]);
    let Ok(said) = curl.arg(&there).arg(&url).stdin(Stdio::null()).output() else {
        println!("skipped: there is no `curl` here");
        return;
    };
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    assert!(std::fs::read(&there).unwrap() == on_disk, "the whole file");
    server.signal(Signal::TERM);
    server.end().well();
}
