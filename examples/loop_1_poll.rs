//! An event loop, step 1 of 5: one thread serves three connections, because it asks which of them is ready.
//!
//! ```sh
//! cargo run --example loop_1_poll
//! ```
//!
//! A client opens three connections and speaks on the third first, then on the first. A server that waited for the
//! first would never hear the third. Watch that the answers come in the order of speaking, and that the loop ends when
//! there is nothing left to watch. The client is a thread of this program; the server has one thread.
//!
//! # Source
//! The shape is that of redis' `ae.c`: sleep in the system until something is ready, then call whoever waits for it.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::thread;

use mio::event::Source;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

// ANCHOR: loop
/// What a callback wants of its socket afterwards.
#[derive(PartialEq)]
enum After {
    Watch,
    Close,
}

type Callback = Box<dyn FnMut(&mut EventLoop) -> io::Result<After>>;

struct EventLoop {
    poll: Poll,
    callbacks: HashMap<Token, Callback>,
    tokens: usize,
}

impl EventLoop {
    fn run(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(64);
        while !self.callbacks.is_empty() {
            // The only line in which this thread sleeps: until any socket is ready,
            // whichever it is.
            self.poll.poll(&mut events, None)?;
            for event in &events {
                self.call(event.token())?;
            }
        }
        Ok(())
    }

    /// The callback is out of the table while it runs, so that it may be given the whole
    /// loop.
    fn call(&mut self, token: Token) -> io::Result<()> {
        let Some(mut callback) = self.callbacks.remove(&token) else { return Ok(()) };
        if callback(self)? == After::Watch {
            self.callbacks.insert(token, callback);
        }
        Ok(())
    }

    fn watch(&mut self, source: &mut impl Source) -> io::Result<Token> {
        self.tokens += 1;
        self.poll.registry().register(source, Token(self.tokens), Interest::READABLE)?;
        Ok(Token(self.tokens))
    }
}
// ANCHOR_END: loop

/// Accepts `count` connections, then stops to listen. The callback owns the listener, so it goes when the callback goes.
fn listen(lp: &mut EventLoop, mut listener: TcpListener, count: usize) -> io::Result<()> {
    let token = lp.watch(&mut listener)?;
    let mut accepted = 0;
    let callback = move |lp: &mut EventLoop| {
        while accepted < count {
            let (stream, _) = match listener.accept() {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(After::Watch),
                accepted => accepted?,
            };
            accepted += 1;
            println!("connection {accepted} is accepted");
            serve(lp, stream, accepted)?;
        }
        Ok(After::Close)
    };
    lp.callbacks.insert(token, Box::new(callback));
    Ok(())
}

// ANCHOR: serve
fn serve(lp: &mut EventLoop, mut stream: TcpStream, number: usize) -> io::Result<()> {
    let token = lp.watch(&mut stream)?;
    let callback = move |_: &mut EventLoop| {
        let (text, ended) = read_what_is_there(&mut stream)?;
        if !text.is_empty() {
            println!("connection {number} says {text}");
            // An answer this short always fits into the buffer of the system; a long one
            // would have to wait its turn.
            stream.write_all(text.as_bytes())?;
        }
        if ended {
            println!("connection {number} has ended");
        }
        Ok(if ended { After::Close } else { After::Watch })
    };
    lp.callbacks.insert(token, Box::new(callback));
    Ok(())
}

/// Reads until the socket would block. mio tells that a socket *became* readable, once:
/// what is left unread stays unread.
fn read_what_is_there(stream: &mut TcpStream) -> io::Result<(String, bool)> {
    let mut bytes = Vec::new();
    match stream.read_to_end(&mut bytes) {
        Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
        end => Ok((String::from_utf8_lossy(&bytes).into_owned(), end.is_ok())),
    }
}
// ANCHOR_END: serve

/// Three connections at once; each word waits for its answer, so that the order is ours.
fn client(server: SocketAddr) -> io::Result<()> {
    let connect = |_| std::net::TcpStream::connect(server);
    let mut streams = (0..3).map(connect).collect::<io::Result<Vec<_>>>()?;
    for (index, word) in [(2, "three"), (0, "one"), (1, "two"), (0, "one again")] {
        streams[index].write_all(word.as_bytes())?;
        let mut answer = vec![0; word.len()];
        streams[index].read_exact(&mut answer)?;
        assert_eq!(answer, word.as_bytes(), "an echo gives back what it gets");
    }
    for stream in &mut streams {
        stream.shutdown(Shutdown::Write)?;
        stream.read_to_end(&mut Vec::new())?;
    }
    Ok(())
}

fn main() -> io::Result<()> {
    let mut lp = EventLoop { poll: Poll::new()?, callbacks: HashMap::new(), tokens: 0 };
    let listener = TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
    let address = listener.local_addr()?;
    listen(&mut lp, listener, 3)?;
    let client = thread::Builder::new().name("client".into()).spawn(move || client(address))?;
    lp.run()?;
    println!("nothing is left to watch, so the loop has ended");
    client.join().expect("the client does not panic")
}
