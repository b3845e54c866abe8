//! No descriptor left, for real: connections are dropped, not left hanging, and service goes on afterwards.
//!
//! The limit is the process's, so this test has a file, and thereby a process, of its own.

#![cfg(unix)]

use std::cell::RefCell;
use std::fs::File;
use std::io::Read;
use std::net::TcpStream as Client;
use std::rc::Rc;

use event_loop::{EventLoop, RunMode, TcpListener, TcpStream};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

#[test]
fn a_server_without_descriptors_sheds_clients_and_recovers() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let listener = TcpListener::bind(&lp, "127.0.0.1:0".parse().unwrap(), 64).unwrap();
    let server = listener.local_addr().unwrap();
    let accepted: Rc<RefCell<Vec<TcpStream>>> = Rc::default();
    let all = accepted.clone();
    listener.on_connection(move |_, stream| all.borrow_mut().push(stream.unwrap()));
    let mut clients: Vec<Client> = (0..3).map(|_| Client::connect(server).unwrap()).collect();

    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(64), maximum: limit.maximum }).unwrap();
    let mut hoard = Vec::new();
    while let Ok(file) = File::open("/dev/null") {
        hoard.push(file);
    }
    while lp.metrics().snapshot(lp.now()).shed < 3 {
        event_loop.run(RunMode::Once).unwrap();
    }
    assert!(accepted.borrow().is_empty());
    for client in &mut clients {
        // The end, or a reset: in any case an answer.
        assert!(matches!(client.read(&mut [0; 1]), Ok(0) | Err(_)));
    }

    // One descriptor for the client, one for the server's end.
    hoard.truncate(hoard.len() - 2);
    let late = Client::connect(server).unwrap();
    while accepted.borrow().is_empty() {
        event_loop.run(RunMode::Once).unwrap();
    }
    assert_eq!(accepted.borrow().len(), 1);
    accepted.borrow()[0].close();
    listener.close();
    assert!(!event_loop.run(RunMode::Default).unwrap());
    drop(late);
    setrlimit(Resource::Nofile, limit).unwrap();
}
