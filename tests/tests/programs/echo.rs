//! The echo server under many clients, under those that do not read, and under those that are killed.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::built::program;
use crate::support::{Ended, HANG, Program, bytes, connect, peer, write_until_held_up};

fn server(arguments: &[&str]) -> (Program, SocketAddr) {
    let mut server = Program::start("echo_server", &[&["0"], arguments].concat());
    let addr = server.addr();
    (server, addr)
}

fn stop(server: Program) -> Ended {
    server.signal(Signal::TERM);
    server.end()
}

/// The figures of the server's last line, in its order.
#[track_caller]
fn figures(ended: &Ended) -> [u64; 5] {
    let numbers = ended.well().split(' ').filter_map(|word| word.parse().ok());
    numbers.collect::<Vec<_>>().try_into().expect("connections, broken, bytes, pauses, most bytes")
}

/// Writes all and ends that direction on one thread, reads to the end on another.
fn talk(addr: SocketAddr, sent: &[u8]) -> Vec<u8> {
    let mut reading = connect(addr);
    let mut writing = reading.try_clone().expect("a second descriptor");
    let mut came = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            writing.write_all(sent).expect("the server reads");
            writing.shutdown(Shutdown::Write).expect("a connection");
        });
        reading.read_to_end(&mut came).expect("the server writes");
    });
    came
}

#[test]
fn a_hundred_clients_with_messages_of_all_sizes_get_every_byte_back() {
    let (server, addr) = server(&["--limit", "65536"]);
    let sizes: Vec<usize> = (0..100_u64)
        .map(|client| {
            let random = bytes(client, 3);
            // From nothing to more than the limit, in steps of all lengths.
            (usize::from(random[0]) << (random[1] % 11)) + usize::from(random[2] % 7)
        })
        .collect();
    std::thread::scope(|scope| {
        for (seed, size) in (1000..).zip(&sizes) {
            scope.spawn(move || {
                let sent = bytes(seed, *size);
                assert!(talk(addr, &sent) == sent, "client {seed} with {size} bytes");
            });
        }
    });
    let ended = stop(server);
    let [connections, broken, echoed, ..] = figures(&ended);
    assert_eq!((connections, broken), (100, 0));
    assert_eq!(echoed, sizes.iter().sum::<usize>() as u64);
}

/// The client writes until the system takes no more for a while: so the server has stopped reading. Then it reads, and
/// all comes.
#[test]
fn a_client_that_does_not_read_is_not_read_from_either() {
    const LIMIT: u64 = 100_000;
    let (server, addr) = server(&["--limit", &LIMIT.to_string()]);
    let mut stream = connect(addr);
    let message = bytes(7, 64 * 1024);
    let sent_bytes = write_until_held_up(&mut stream, &message, 256 << 20);
    stream.shutdown(Shutdown::Write).unwrap();
    let mut came = Vec::new();
    stream.read_to_end(&mut came).unwrap();
    assert_eq!(came.len(), sent_bytes);
    assert!(came.chunks(message.len()).all(|chunk| message.starts_with(chunk)));
    let [_, broken, echoed, pauses, most] = figures(&stop(server));
    assert_eq!((broken, echoed), (0, sent_bytes as u64));
    // One read comes on top of what waits.
    assert!(pauses >= 1 && most > LIMIT && most <= LIMIT + 64 * 1024, "{pauses} pauses, {most} bytes");
}

#[test]
fn clients_that_are_killed_or_reset_harm_nobody_else() {
    let (server, addr) = server(&[]);
    let at = addr.to_string();
    let mut steady = connect(addr);
    for round in 0..5_u8 {
        let mut client = Program::spawn(Command::new(program("echo_client")).arg(&at).stdin(Stdio::piped()));
        client.type_in("in the middle\n");
        client.line_with("in the middle");
        client.signal(Signal::KILL);
        assert!(!client.end().status.success());
        // What is not read when a socket closes makes a reset of the end.
        let mut reset = connect(addr);
        reset.write_all(&bytes(1, 300_000)).unwrap();
        reset.read_exact(&mut [0; 1000]).unwrap();
        drop(reset);
        steady.write_all(&[round]).unwrap();
        let mut echo = [0];
        steady.read_exact(&mut echo).unwrap();
        assert_eq!(echo, [round]);
    }
    drop(steady);
    let [connections, broken, ..] = figures(&stop(server));
    assert!(connections == 11 && broken <= 5, "{connections} connections, {broken} broken");
}

#[test]
fn the_client_measures_round_trips_and_takes_messages_that_no_buffer_holds() {
    let (server, addr) = server(&["--limit", "4096"]);
    let client = |arguments: &[&str]| {
        Program::start("echo_client", &[&[&*addr.to_string()], arguments].concat()).end()
    };
    let measured = client(&["--messages", "200"]);
    assert!(measured.well().starts_with("200 round trips of 64 bytes: p50 "), "{}", measured.well());
    let numbers: Vec<f64> = measured.well().split([' ', ',']).filter_map(|word| word.parse().ok()).collect();
    let [_, _, p50, p99, max] = numbers[..] else { panic!("{numbers:?}") };
    assert!(0.0 < p50 && p50 <= p99 && p99 <= max, "{numbers:?}");
    let large = client(&["--messages", "2", "--size", "20000000"]);
    assert!(large.well().starts_with("2 round trips of 20000000 bytes"), "{}", large.well());
    stop(server).well();
}

#[test]
fn the_client_sends_lines_and_prints_what_comes_back() {
    let (server, addr) = server(&[]);
    let addr = addr.to_string();
    let mut client = Program::spawn(Command::new(program("echo_client")).arg(&addr).stdin(Stdio::piped()));
    client.type_in("one\n\ntwo words\n");
    client.line_with("two words");
    client.type_in("without an end");
    client.close_input();
    let ended = client.end();
    ended.well();
    assert_eq!(ended.lines, ["one", "", "two words", "without an end"]);
    // Without any line there is nothing to say.
    let nothing = Program::spawn(Command::new(program("echo_client")).arg(&addr).stdin(Stdio::null())).end();
    assert!(nothing.status.success() && nothing.lines.is_empty());
    // The server goes away while the client waits for a line.
    let mut client = Program::spawn(Command::new(program("echo_client")).arg(&addr).stdin(Stdio::piped()));
    client.type_in("here\n");
    client.line_with("here");
    stop(server).well();
    let ended = client.end();
    assert_eq!(ended.status.code(), Some(1));
    assert!(ended.errors.contains("the server has ended the connection"), "{}", ended.errors);
}

/// The test is the server here: so it knows that the client is under way when the signal comes.
#[test]
fn ctrl_c_shows_what_the_client_has_measured_so_far() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap().to_string();
    let client = Program::start("echo_client", &[&addr, "--messages", "1000", "--size", "10"]);
    let (mut stream, _) = listener.accept().unwrap();
    stream.set_read_timeout(Some(HANG)).unwrap();
    let mut message = [0; 10];
    for _ in 0..3 {
        stream.read_exact(&mut message).unwrap();
        stream.write_all(&message).unwrap();
    }
    stream.read_exact(&mut message).unwrap();
    client.signal(Signal::INT);
    let ended = client.end();
    assert_eq!(ended.status.code(), Some(130));
    assert!(ended.lines.last().unwrap().starts_with("3 round trips of 10 bytes: p50 "), "{:?}", ended.lines);
}

#[test]
fn a_server_that_is_not_there_and_one_that_lies_are_told() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    let client = |addr: &str| Program::start("echo_client", &[addr, "--messages", "3"]);
    let liar = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.set_read_timeout(Some(HANG)).unwrap();
        stream.read_exact(&mut [0; 64]).unwrap();
        stream.write_all(&[0xFF; 64]).unwrap();
        // Open until the client has gone.
        let _ = stream.read(&mut [0]);
    });
    let lied = client(&addr.to_string()).end();
    liar.join().unwrap();
    assert_eq!(lied.status.code(), Some(1));
    assert!(
        lied.errors.contains("message 1 of 3") && lied.errors.contains("not what was sent"),
        "{}",
        lied.errors
    );
    // The listener is gone with its thread.
    let refused = client(&addr.to_string()).end();
    assert_eq!(refused.status.code(), Some(1));
    assert!(refused.errors.contains("does echo_server run there?"), "{}", refused.errors);
    assert!(TcpStream::connect(addr).is_err());
}

/// CPython's own sockets and threads, which know nothing of ours.
#[test]
fn cpython_gets_its_bytes_back() {
    const CLIENT: &str = "
import os, socket, sys, threading
def talk(number):
    sent = os.urandom(1000 * number)
    with socket.create_connection(('127.0.0.1', int(sys.argv[1])), timeout=60) as peer:
        def send():
            peer.sendall(sent)
            peer.shutdown(socket.SHUT_WR)
        sender = threading.Thread(target=send)
        sender.start()
        came = b''.join(iter(lambda: peer.recv(65536), b''))
        sender.join()
    print(number, 'equal' if came == sent else 'different')
for number in (0, 1, 10, 100, 1000):
    talk(number)
";
    let Some(python) = peer(&["python3"], "--version") else { return };
    let (server, addr) = server(&["--limit", "10000"]);
    let mut command = Command::new(python);
    let ended = Program::spawn(command.args(["-c", CLIENT, &addr.port().to_string()])).end();
    ended.well();
    assert_eq!(ended.lines, ["0 equal", "1 equal", "10 equal", "100 equal", "1000 equal"]);
    let [connections, broken, echoed, ..] = figures(&stop(server));
    assert_eq!((connections, broken, echoed), (5, 0, 1_111_000));
}
