//! The port forwarder: several ports, ends that are handed on, slow receivers, targets that are not there, limits and
//! deadlines.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, SocketAddrV4, TcpListener, TcpStream};
use std::thread::JoinHandle;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketType};
use rustix::process::Signal;

use crate::support::{Ended, HANG, Program, bytes, connect, write_until_held_up};

/// A target that does `serve` with each of its connections, one after the other, so many times.
fn target(connections: usize, serve: impl Fn(TcpStream) + Send + 'static) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let thread = std::thread::spawn(move || {
        for stream in listener.incoming().take(connections) {
            let stream = stream.unwrap();
            stream.set_read_timeout(Some(HANG)).unwrap();
            stream.set_write_timeout(Some(HANG)).unwrap();
            serve(stream);
        }
    });
    (addr, thread)
}

/// Sends back what comes, until its end.
fn echo(mut stream: TcpStream) {
    let mut reading = stream.try_clone().unwrap();
    let _ = std::io::copy(&mut reading, &mut stream);
}

/// A forwarder with one port for each target, and where these ports are.
fn forwarder(targets: &[SocketAddr], options: &[&str]) -> (Program, Vec<SocketAddr>) {
    let rules: Vec<String> = targets.iter().map(|addr| format!("0:{addr}")).collect();
    let rules = rules.iter().flat_map(|rule| ["--forward", rule]);
    let mut program =
        Program::start("port_forwarder", &rules.chain(options.iter().copied()).collect::<Vec<_>>());
    let ports = targets.iter().map(|_| program.addr()).collect();
    (program, ports)
}

fn stop(program: Program) -> Ended {
    program.signal(Signal::TERM);
    program.end()
}

/// The figures of the last lines: connections, failed, broken, cut, refused, bytes there, bytes back.
#[track_caller]
fn figures(ended: &Ended, ports: usize) -> Vec<[u64; 7]> {
    assert!(ended.status.success(), "{}: {}", ended.status, ended.errors);
    let lines = &ended.lines[ended.lines.len() - ports..];
    let numbers = |line: &String| {
        let (_, figures) = line.rsplit_once(": ").expect("a rule and its figures");
        let numbers = figures.split(' ').filter_map(|word| word.parse().ok());
        numbers.collect::<Vec<_>>().try_into().expect("seven figures")
    };
    lines.iter().map(numbers).collect()
}

fn ask(addr: SocketAddr, question: &[u8]) -> Vec<u8> {
    let mut stream = connect(addr);
    stream.write_all(question).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    answer
}

#[test]
fn several_ports_serve_many_clients_at_once_and_are_counted_apart() {
    let targets: Vec<_> = (0..3).map(|_| target(10, echo)).collect();
    let addrs: Vec<SocketAddr> = targets.iter().map(|(addr, _)| *addr).collect();
    let (program, ports) = forwarder(&addrs, &[]);
    std::thread::scope(|scope| {
        for client in 0..30 {
            let port = ports[client % 3];
            scope.spawn(move || {
                let sent = bytes(client as u64, 1000 * (client % 3 + 1));
                assert!(ask(port, &sent) == sent, "client {client}");
            });
        }
    });
    targets.into_iter().for_each(|(_, thread)| thread.join().unwrap());
    let ended = stop(program);
    assert_eq!(ended.errors, "");
    let expected = [1, 2, 3].map(|thousands| [10, 0, 0, 0, 0, thousands * 10_000, thousands * 10_000]);
    assert_eq!(figures(&ended, 3), expected);
}

#[test]
fn an_end_is_handed_on_and_the_other_direction_goes_on() {
    // The client ends first: the target answers only when it has seen that.
    let count_all = |mut stream: TcpStream| {
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        write!(stream, "{} bytes", all.len()).unwrap();
    };
    let (counting, thread_1) = target(1, count_all);
    // The target ends first, and hears what the client says after that.
    let (heard, hears) = std::sync::mpsc::channel();
    let end_first = move |mut stream: TcpStream| {
        stream.write_all(b"that was all").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        let mut all = String::new();
        stream.read_to_string(&mut all).unwrap();
        heard.send(all).unwrap();
    };
    let (ending, thread_2) = target(1, end_first);
    let (program, ports) = forwarder(&[counting, ending], &[]);
    assert_eq!(ask(ports[0], &bytes(1, 1_000_000)), b"1000000 bytes");
    let mut stream = connect(ports[1]);
    let mut all = String::new();
    stream.read_to_string(&mut all).unwrap();
    assert_eq!(all, "that was all");
    stream.write_all(b"and I go on").unwrap();
    drop(stream);
    assert_eq!(hears.recv_timeout(HANG).unwrap(), "and I go on");
    thread_1.join().unwrap();
    thread_2.join().unwrap();
    let figures = figures(&stop(program), 2);
    assert_eq!(figures, [[1, 0, 0, 0, 0, 1_000_000, 13], [1, 0, 0, 0, 0, 11, 12]]);
}

#[test]
fn a_target_that_does_not_read_holds_up_its_client_and_nobody_else() {
    let (begin, begins) = std::sync::mpsc::channel::<()>();
    let (read, has_read) = std::sync::mpsc::channel();
    let late = move |mut stream: TcpStream| {
        begins.recv_timeout(HANG).unwrap();
        let mut all = Vec::new();
        stream.read_to_end(&mut all).unwrap();
        read.send(all).unwrap();
    };
    let (slow, thread_1) = target(1, late);
    let (quick, thread_2) = target(1, echo);
    let (program, ports) = forwarder(&[slow, quick], &[]);
    let mut stream = connect(ports[0]);
    let message = bytes(3, 50_000);
    let sent_bytes = write_until_held_up(&mut stream, &message, 256 << 20);
    assert_eq!(ask(ports[1], b"somebody else"), b"somebody else");
    begin.send(()).unwrap();
    drop(stream);
    let all = has_read.recv_timeout(HANG).unwrap();
    assert_eq!(all.len(), sent_bytes);
    assert!(all.chunks(message.len()).all(|chunk| message.starts_with(chunk)));
    thread_1.join().unwrap();
    thread_2.join().unwrap();
    assert_eq!(figures(&stop(program), 2)[0], [1, 0, 0, 0, 0, sent_bytes as u64, 0]);
}

/// Closes by a reset instead of an end.
fn reset(stream: TcpStream) {
    rustix::net::sockopt::set_socket_linger(&stream, Some(Duration::ZERO)).unwrap();
}

#[test]
fn a_connection_that_breaks_on_one_side_breaks_on_the_other() {
    let (broke, breaks) = std::sync::mpsc::channel();
    let (ready, is_ready) = std::sync::mpsc::channel();
    let (addr, thread) = target(2, move |mut stream| {
        let mut word = [0; 5];
        stream.read_exact(&mut word).unwrap();
        match &word {
            b"reset" => reset(stream),
            _ => {
                ready.send(()).unwrap();
                broke.send(stream.read(&mut word).unwrap_err().kind()).unwrap();
            }
        }
    });
    let (program, ports) = forwarder(&[addr], &[]);
    let mut stream = connect(ports[0]);
    stream.write_all(b"reset").unwrap();
    assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
    let mut stream = connect(ports[0]);
    stream.write_all(b"await").unwrap();
    is_ready.recv_timeout(HANG).unwrap();
    reset(stream);
    assert_eq!(breaks.recv_timeout(HANG).unwrap(), ErrorKind::ConnectionReset);
    thread.join().unwrap();
    assert_eq!(figures(&stop(program), 1), [[2, 0, 2, 0, 0, 10, 0]]);
}

#[test]
fn a_target_that_is_not_there_is_told_and_the_other_ports_go_on() {
    // Bound and not listening: nobody else can take this port, and nobody answers there.
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    rustix::net::bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0)).unwrap();
    let nobody = SocketAddr::try_from(rustix::net::getsockname(&socket).unwrap()).unwrap();
    let (there, thread) = target(1, echo);
    let (mut program, ports) = forwarder(&[nobody, there], &[]);
    assert_eq!(ask_or_end(ports[0], b"anybody?"), b"");
    assert_eq!(ask(ports[1], b"you?"), b"you?");
    thread.join().unwrap();
    program.signal(Signal::INT);
    program.line_with("stops; connections open: ");
    let ended = program.end();
    let said = format!("cannot connect to {nobody}: ");
    assert!(ended.errors.contains(&said) && ended.errors.lines().count() == 1, "{}", ended.errors);
    assert_eq!(figures(&ended, 2), [[1, 1, 0, 0, 0, 0, 0], [1, 0, 0, 0, 0, 4, 4]]);
}

/// As `ask`, of somebody who may close at once, which a client may see as a reset.
fn ask_or_end(addr: SocketAddr, question: &[u8]) -> Vec<u8> {
    let mut stream = connect(addr);
    let mut answer = Vec::new();
    let asked = stream.write_all(question).and_then(|()| stream.shutdown(Shutdown::Write));
    let _ = asked.and_then(|()| stream.read_to_end(&mut answer).map(drop));
    answer
}

#[test]
fn connections_over_the_limit_are_closed_at_once_and_one_that_ends_makes_room() {
    let (addr, thread) = target(2, echo);
    let (program, ports) = forwarder(&[addr], &["--connections", "1"]);
    let mut first = connect(ports[0]);
    first.write_all(b"x").unwrap();
    first.read_exact(&mut [0]).unwrap();
    for _ in 0..3 {
        assert_eq!(ask_or_end(ports[0], b"no room"), b"");
    }
    first.shutdown(Shutdown::Write).unwrap();
    assert_eq!(first.read(&mut [0]).unwrap(), 0);
    // The end of the first may reach us before the forwarder has cleared its place.
    let tries: Vec<_> =
        (0..1000).map(|_| ask_or_end(ports[0], b"room")).take_while(|answer| answer != b"room").collect();
    assert!(tries.len() < 1000);
    thread.join().unwrap();
    let refused = 3 + tries.len() as u64;
    assert_eq!(figures(&stop(program), 1), [[2, 0, 0, 0, refused, 5, 5]]);
}

#[test]
fn a_stop_lets_open_connections_end_and_takes_no_new_ones() {
    let (addr, thread) = target(1, echo);
    let (mut program, ports) = forwarder(&[addr], &["--grace", "600"]);
    let mut stream = connect(ports[0]);
    let say = |stream: &mut TcpStream, word: &[u8; 3]| {
        let mut echo = [0; 3];
        stream.write_all(word).unwrap();
        stream.read_exact(&mut echo).unwrap();
        assert_eq!(&echo, word);
    };
    say(&mut stream, b"one");
    program.signal(Signal::TERM);
    program.line_with("stops; connections open: 1");
    assert!(TcpStream::connect(ports[0]).is_err(), "the port is closed");
    say(&mut stream, b"two");
    drop(stream);
    thread.join().unwrap();
    assert_eq!(figures(&program.end(), 1), [[1, 0, 0, 0, 0, 6, 6]]);
}

#[test]
fn what_is_open_at_the_deadline_or_at_the_second_signal_is_cut() {
    for (grace, signals) in [("0.05", 1), ("600", 2)] {
        let (addr, thread) = target(1, echo);
        let (mut program, ports) = forwarder(&[addr], &["--grace", grace]);
        let mut stream = connect(ports[0]);
        stream.write_all(b"open").unwrap();
        stream.read_exact(&mut [0; 4]).unwrap();
        program.signal(Signal::INT);
        program.line_with("stops; connections open: 1");
        if signals == 2 {
            program.signal(Signal::TERM);
        }
        // Not an ordinary end, which would say that all has come.
        assert_eq!(stream.read(&mut [0]).unwrap_err().kind(), ErrorKind::ConnectionReset);
        thread.join().unwrap();
        assert_eq!(figures(&program.end(), 1), [[1, 0, 0, 1, 0, 4, 4]]);
    }
}

#[test]
fn names_are_looked_up_and_one_that_does_not_exist_is_told() {
    let (addr, thread) = target(1, echo);
    let by_name = format!("127.0.0.1:0:localhost:{}", addr.port());
    let nowhere = "0:no-such-host.invalid:80";
    let mut program = Program::start("port_forwarder", &["--forward", &by_name, "--forward", nowhere]);
    let ports = [program.addr(), program.addr()];
    assert_eq!(ask(ports[0], b"by name"), b"by name");
    assert_eq!(ask_or_end(ports[1], b"nowhere"), b"");
    thread.join().unwrap();
    let ended = stop(program);
    assert!(ended.errors.contains("no-such-host.invalid"), "{}", ended.errors);
    assert_eq!(figures(&ended, 2), [[1, 0, 0, 0, 0, 7, 7], [1, 1, 0, 0, 0, 0, 0]]);
}

#[test]
fn rules_that_say_nothing_clear_and_ports_that_are_taken_are_refused() {
    for wrong in
        ["80", "8080:localhost", "8080::80", "x:localhost:80", "8080:localhost:0", "70000:a:1", "a:1:b:2"]
    {
        let ended = Program::start("port_forwarder", &["--forward", wrong]).end();
        assert_eq!(ended.status.code(), Some(2), "{wrong}: {}", ended.errors);
        assert!(ended.errors.contains(wrong) && ended.lines.is_empty(), "{}", ended.errors);
    }
    assert_eq!(Program::start("port_forwarder", &[]).end().status.code(), Some(2));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = taken.local_addr().unwrap();
    let ended =
        Program::start("port_forwarder", &["--forward", &format!("{}:localhost:80", addr.port())]).end();
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.errors.contains(&format!("cannot listen on {addr}")), "{}", ended.errors);
    // An address of version 6 stands in brackets, as a target and as a place to listen.
    if TcpListener::bind("[::1]:0").is_ok() {
        let mut program = Program::start("port_forwarder", &["--forward", "[::1]:0:[::1]:9"]);
        assert!(program.addr().is_ipv6());
        assert!(stop(program).well().contains(" for [::1]:9: 0 connections"));
    }
}
