//! Peers that are not ours: curl, Node and CPython as clients of our server, and as servers of our client.
//!
//! Each test says plainly that it is skipped where its peer is not installed.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdin, Command, Stdio};

use runtime_lab::http::{self, Client, ClientError, Event, Server};
use runtime_lab::{Runtime, yield_now};

use crate::support::{TestServer, start};

/// Whether the peer is installed; says so when it is not.
fn is_here(peer: &str) -> bool {
    let found = Command::new(peer).arg("--version").output().is_ok_and(|output| output.status.success());
    if !found {
        eprintln!("skipped: no {peer}");
    }
    found
}

/// Runs a peer to its end and returns what it printed.
#[track_caller]
fn printed(peer: &str, arguments: &[&str]) -> String {
    let output = Command::new(peer).args(arguments).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{peer} {arguments:?}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

fn server(root: &std::path::Path) -> TestServer {
    let file = root.join("digits.txt");
    start(move |server: Server| {
        server
            .route("GET /ping", |_request| http::text("pong"))
            .route("POST /echo", |request| http::text(request.body().to_vec()))
            .route_streaming("POST /size", |_request, mut body| async move {
                let mut length = 0;
                while let Some(chunk) = body.chunk().await? {
                    length += chunk.len();
                }
                Ok::<http::Response, http::Response>(http::text(length.to_string()))
            })
            .route("GET /numbers", |_request| {
                http::stream(|sender| async move {
                    for number in 0..20_000 {
                        sender.send(format!("{number}\n")).await?;
                    }
                    Ok(())
                })
            })
            .route("GET /digits", move |request| {
                let file = file.clone();
                async move { http::file(&request, file).await }
            })
            .route("GET /events", |_request| {
                http::events(|sender| async move {
                    for number in 0..3 {
                        let event = Event::data(format!("line one of {number}\nline two"));
                        sender.send(event.name("tick").id(number.to_string())).await?;
                        yield_now().await;
                    }
                    Ok(())
                })
            })
    })
}

const EVENTS: &str = "event: tick\nid: 0\ndata: line one of 0\ndata: line two\n\n\
                      event: tick\nid: 1\ndata: line one of 1\ndata: line two\n\n\
                      event: tick\nid: 2\ndata: line one of 2\ndata: line two\n\n";

fn numbers() -> String {
    (0..20_000).map(|number| format!("{number}\n")).collect()
}

#[test]
fn curl_asks_our_server() {
    if !is_here("curl") {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    std::fs::write(root.path().join("digits.txt"), "0123456789").unwrap();
    let upload = root.path().join("upload");
    std::fs::write(&upload, vec![b'u'; 700_000]).unwrap();
    let server = server(root.path());
    let url = |path: &str| format!("http://{}{path}", server.addr);
    let curl = |arguments: &[&str]| printed("curl", &[&["-sS", "--max-time", "60"], arguments].concat());
    let upload = format!("@{}", upload.display());
    let connections = "%{num_connects} ";
    let kept = curl(&["-w", connections, &url("/ping"), &url("/ping"), &url("/numbers"), "-o", "/dev/null"]);
    assert!(kept.ends_with("0 ") && kept.matches("1 ").count() == 1, "one connection for all: {kept}");
    assert_eq!(curl(&["-T", &upload[1..], "-X", "POST", &url("/size")]), "700000");
    let chunked = ["-H", "Transfer-Encoding: chunked", "--data-binary", &upload, &url("/size")];
    assert_eq!(curl(&chunked), "700000");
    assert_eq!(curl(&["-N", &url("/events")]), EVENTS);
    assert_eq!(curl(&[&url("/numbers")]), numbers());
    assert_eq!(curl(&["-r", "2-4", &url("/digits")]), "234");
    let head = curl(&["-I", &url("/digits")]);
    assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && head.contains("\r\ncontent-length: 10\r\n"), "{head}");
    let refused = curl(&["-i", "-X", "DELETE", &url("/ping")]);
    assert!(
        refused.starts_with("HTTP/1.1 405 ") && refused.contains("\r\nallow: GET, HEAD\r\n"),
        "{refused}"
    );
    let stats = server.stop().stats;
    assert_eq!((stats.failed_connections, stats.abandoned, stats.open), (0, 0, 0), "{stats:?}");
}

#[test]
fn node_asks_our_server() {
    const PROGRAM: &str = "
        setTimeout(() => { console.error('the server hangs'); process.exit(1); }, 60_000).unref();
        const http = require('node:http');
        const base = process.argv[1], agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
        const ask = (path, options = {}, pieces = []) => new Promise((resolve, reject) => {
            const request = http.request(base + path, { agent, ...options }, (response) => {
                let body = '';
                response.setEncoding('utf8').on('data', (piece) => body += piece);
                response.on('end', () => resolve([response.statusCode, body, request.reusedSocket]));
            });
            request.on('error', reject);
            for (const piece of pieces) request.write(piece);
            request.end();
        });
        (async () => {
            console.log(JSON.stringify(await ask('/ping')));
            console.log(JSON.stringify(await ask('/echo', { method: 'POST' }, ['chunks ', 'of ', 'node'])));
            console.log(JSON.stringify(await ask('/missing')));
            console.log((await ask('/numbers'))[1].length);
            console.log(JSON.stringify((await ask('/events'))[1]));
            const response = await fetch(base + '/echo', { method: 'POST', body: 'by fetch' });
            console.log(await response.text());
            process.exit(0);
        })();
    ";
    if !is_here("node") {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let server = server(root.path());
    let lines = printed("node", &["-e", PROGRAM, &format!("http://{}", server.addr)]);
    let expected = [
        "[200,\"pong\",false]".to_owned(),
        "[200,\"chunks of node\",true]".to_owned(),
        "[404,\"no such page\\n\",true]".to_owned(),
        numbers().len().to_string(),
        format!("{EVENTS:?}"),
        "by fetch".to_owned(),
    ];
    assert_eq!(lines.lines().collect::<Vec<_>>(), expected);
    assert_eq!(server.stop().stats.accepted, 2, "one of the agent and one of fetch");
}

#[test]
fn cpython_asks_our_server() {
    const PROGRAM: &str = "
import http.client, sys
connection = http.client.HTTPConnection(sys.argv[1], timeout=60)
def ask(method, path, *rest, **more):
    connection.request(method, path, *rest, **more)
    response = connection.getresponse()
    return response.status, response.read().decode()
print(ask('GET', '/ping'))
print(ask('POST', '/echo', 'by length'))
print(ask('POST', '/echo', iter([b'in ', b'chunks']), encode_chunked=True, headers={'Transfer-Encoding': 'chunked'}))
print(ask('HEAD', '/ping'))
print(ask('GET', '/missing'))
print(len(ask('GET', '/numbers')[1]))
print(repr(ask('GET', '/events')[1]))
connection.close()
";
    if !is_here("python3") {
        return;
    }
    let root = tempfile::tempdir().unwrap();
    let server = server(root.path());
    let lines = printed("python3", &["-c", PROGRAM, &server.addr.to_string()]);
    let expected = [
        "(200, 'pong')".to_owned(),
        "(200, 'by length')".to_owned(),
        "(200, 'in chunks')".to_owned(),
        "(200, '')".to_owned(),
        "(404, 'no such page\\n')".to_owned(),
        numbers().len().to_string(),
        format!("{EVENTS:?}").replace('"', "'"),
    ];
    assert_eq!(lines.lines().collect::<Vec<_>>(), expected);
    let stats = server.stop().stats;
    assert_eq!((stats.accepted, stats.answered, stats.finished), (1, 7, 1), "all on one connection");
}

/// A peer that serves until its standard input ends, and says its port first.
struct Serving {
    child: Child,
    input: Option<ChildStdin>,
    port: u16,
}

impl Serving {
    fn start(peer: &str, arguments: &[&str]) -> Serving {
        let mut command = Command::new(peer);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let input = child.stdin.take();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let Ok(port) = line.trim().parse() else {
            let mut errors = String::new();
            child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
            panic!("{peer} says no port but {line:?}: {errors}");
        };
        Serving { child, input, port }
    }

    /// What our client does with it.
    fn asked<F: Future<Output = Result<(), ClientError>> + 'static>(
        &self,
        ask: impl FnOnce(Client, String) -> F,
    ) {
        let asking = ask(Client::new(), format!("http://127.0.0.1:{}", self.port));
        Runtime::new().unwrap().block_on(asking).unwrap().unwrap();
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.input.take());
        let ended = self.child.wait();
        assert!(std::thread::panicking() || ended.is_ok_and(|status| status.success()), "the peer fails");
    }
}

#[test]
fn our_client_asks_node() {
    const PROGRAM: &str = "
        const server = require('node:http').createServer((request, response) => {
            if (request.url === '/slow') {
                let number = 0;
                const next = () => number < 3 ? response.write(`part ${number++};`, () => setImmediate(next)) : response.end();
                return next();
            }
            if (request.url === '/cut') return response.write('begun', () => request.socket.destroy());
            response.setHeader('x-saw', request.headers['x-mine'] ?? 'nothing');
            response.statusCode = request.url === '/teapot' ? 418 : 200;
            let body = '';
            request.setEncoding('utf8').on('data', (piece) => body += piece);
            request.on('end', () => response.end(`${request.method} ${request.url} ${body}`));
        });
        server.listen(0, '127.0.0.1', () => console.log(server.address().port));
        process.stdin.resume().on('end', () => process.exit(0));
    ";
    if !is_here("node") {
        return;
    }
    let node = Serving::start("node", &["-e", PROGRAM]);
    node.asked(|client, base| async move {
        let echo = client.post(&format!("{base}/echo?a=b")).header("x-mine", "yes").body("hello").await?;
        assert_eq!((echo.header("x-saw"), echo.status().as_u16()), (Some("yes"), 200));
        assert_eq!(echo.text().await?, "POST /echo?a=b hello");
        let pieces = client.post(&format!("{base}/echo")).stream(|sender| async move {
            for piece in ["in ", "several ", "pieces"] {
                sender.send(piece).await?;
                yield_now().await;
            }
            Ok(())
        });
        assert_eq!(pieces.await?.text().await?, "POST /echo in several pieces");
        let teapot = client.get(&format!("{base}/teapot")).await?;
        assert_eq!(teapot.status().as_u16(), 418);
        assert_eq!(teapot.text().await?, "GET /teapot ");
        let mut slow = client.get(&format!("{base}/slow")).await?;
        let mut parts = Vec::new();
        while let Some(chunk) = slow.chunk().await? {
            parts.extend_from_slice(&chunk);
        }
        assert_eq!(String::from_utf8_lossy(&parts), "part 0;part 1;part 2;");
        assert_eq!((client.stats().opened, client.stats().reused), (1, 3));
        let error = client.get(&format!("{base}/cut")).await?.text().await.unwrap_err();
        assert!(matches!(error, ClientError::Closed { sent: true, .. }), "{error:?}");
        Ok(())
    });
}

#[test]
fn our_client_asks_cpython() {
    const PROGRAM: &str = "
import http.server, sys, threading
class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = sys.argv[1]
    def do_GET(self):
        body = ('%s %s' % (self.command, self.path)).encode()
        self.send_response(404 if self.path == '/missing' else 200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        if self.command != 'HEAD':
            self.wfile.write(body)
    do_HEAD = do_GET
    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length']))
        self.send_response(200)
        self.send_header('Transfer-Encoding', 'chunked')
        self.end_headers()
        for piece in (body, b' and back'):
            self.wfile.write(b'%x\\r\\n%s\\r\\n' % (len(piece), piece))
        self.wfile.write(b'0\\r\\n\\r\\n')
    def log_message(self, *arguments):
        pass
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
server.daemon_threads = True
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_port, flush=True)
sys.stdin.read()
";
    if !is_here("python3") {
        return;
    }
    for (version, connections) in [("HTTP/1.1", 1), ("HTTP/1.0", 3)] {
        let python = Serving::start("python3", &["-c", PROGRAM, version]);
        python.asked(move |client, base| async move {
            assert_eq!(client.get(&format!("{base}/a?b")).await?.text().await?, "GET /a?b");
            let missing = client.get(&format!("{base}/missing")).await?;
            assert_eq!(missing.status().as_u16(), 404);
            assert_eq!(missing.text().await?, "GET /missing");
            let head = client.request(http::Method::HEAD, &format!("{base}/head")).await?;
            assert_eq!(head.header("content-length"), Some("10"));
            assert_eq!(head.bytes().await?, "");
            if version == "HTTP/1.1" {
                let there = client.post(&format!("{base}/echo")).body("there").await?;
                assert_eq!(there.text().await?, "there and back");
            }
            assert_eq!(client.stats().opened, connections, "{version}");
            Ok(())
        });
    }
}
