//! No descriptor left: the server sheds what it cannot serve, and serves again when there are some.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Stdio;

use runtime_lab::http::{self, Server};

use crate::support::{Client, HANG, command_for, role, start};

/// More than the child may open.
const CLIENTS: usize = 100;
const LIMIT: u64 = 64;

#[test]
fn out_of_descriptors_the_server_sheds_and_recovers() {
    if role().is_some() {
        return serve_with_few_descriptors();
    }
    let mut command = command_for("descriptors::out_of_descriptors_the_server_sheds_and_recovers", "server");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut line = |prefix: &str| {
        let found = lines.find_map(|line| line.strip_prefix(prefix).map(str::to_owned));
        found.unwrap_or_else(|| panic!("the child ended before it said {prefix:?}"))
    };
    let addr: SocketAddr = line("listening ").parse().unwrap();
    // Connecting always succeeds: that is between the client and the kernel.
    let mut clients: Vec<Client> = (0..CLIENTS).map(|_| Client::to(addr)).collect();
    // The last of them finds no descriptor and is ended, the first was there in time and is served.
    clients.last_mut().unwrap().assert_ends();
    assert_eq!(clients[0].get("/ping").text(), "pong");
    drop(clients);
    // The server has to notice that they went; until then it may end us, too.
    let mut tries = 0;
    while !answers_ping(addr) {
        tries += 1;
        assert!(tries < 100_000, "the server does not recover");
    }
    drop(child.stdin.take());
    let shed: u64 = line("shed ").parse().unwrap();
    assert!(shed > 0 && shed < CLIENTS as u64 + tries, "{shed} connections were shed");
    assert!(child.wait().unwrap().success());
}

fn answers_ping(addr: SocketAddr) -> bool {
    let mut stream = TcpStream::connect(addr).unwrap();
    stream.set_read_timeout(Some(HANG)).unwrap();
    let mut answer = String::new();
    let asked = stream.write_all(b"GET /ping HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    let read = asked.and_then(|()| stream.read_to_string(&mut answer));
    read.is_ok() && answer.starts_with("HTTP/1.1 200 OK\r\n")
}

/// The child: serves until its standard input ends, then says how many connections it shed.
fn serve_with_few_descriptors() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let server = start(|server: Server| server.route("/ping", |_request| http::text("pong")));
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: Some(LIMIT), maximum }).unwrap();
    println!("\nlistening {}", server.addr);
    std::io::stdin().read_to_end(&mut Vec::new()).unwrap();
    let ended = server.stop();
    println!("\nshed {}", ended.metrics.shed);
    assert_eq!(ended.stats.open, 0);
}
