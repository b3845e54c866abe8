//! Which connection a request takes: kept ones, fresh ones, and when it is sent again. In a scripted world, to the second.

use std::cell::Cell;
use std::rc::Rc;
use std::time::Duration;

use event_loop::{Peer, Script};
use runtime_lab::http::{Client, ClientError, ClientLimits, Method};
use runtime_lab::{LoopHandle, OwnedTcpStream, Runtime, sleep};

const fn at(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const A: &str = "http://127.0.0.1:1/";
const B: &str = "http://127.0.0.1:2/";

/// Runs what a client does in a scripted world.
fn played<T: 'static, F: Future<Output = T> + 'static>(
    limits: ClientLimits,
    agenda: impl FnOnce(&Script),
    play: impl FnOnce(Client) -> F,
) -> (T, Script) {
    let script = Script::new();
    agenda(&script);
    let runtime = Runtime::builder().event_loop(|options| options.script(&script)).build().unwrap();
    let outcome = runtime.block_on(play(Client::with_limits(limits))).unwrap();
    (outcome, script)
}

async fn ok(client: &Client, url: &str) {
    let answer = client.get(url).await.unwrap().text().await.unwrap();
    assert_eq!(answer, "ok");
}

#[test]
fn h2_a_connection_serves_the_next_request_and_both_have_their_own_answer() {
    let agenda = |script: &Script| {
        script.answers_connect(at(0), Peer(1), true).sends(at(1), Peer(1), OK).sends(at(3), Peer(1), OK);
    };
    let ((), script) = played(ClientLimits::default(), agenda, |client| async move {
        ok(&client, A).await;
        assert_eq!((client.stats().idle, client.stats().opened), (1, 1));
        sleep(at(1)).await;
        ok(&client, A).await;
        assert_eq!((client.stats().opened, client.stats().reused), (1, 1));
    });
    let sent = String::from_utf8(script.received_by(Peer(1))).unwrap();
    assert_eq!(sent, "GET / HTTP/1.1\r\nhost: 127.0.0.1:1\r\n\r\n".repeat(2));
}

#[test]
fn h2_an_answer_that_was_not_read_closes_its_connection() {
    let agenda = |script: &Script| {
        script.answers_connect(at(0), Peer(1), true);
        script.sends(at(1), Peer(1), b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no");
        script.answers_connect(at(1), Peer(2), true).sends(at(2), Peer(2), OK);
    };
    let ((), script) = played(ClientLimits::default(), agenda, |client| async move {
        let mut half = client.get(A).await.unwrap();
        assert_eq!(half.chunk().await.unwrap().as_deref(), Some(b"o".as_slice()));
        drop(half);
        ok(&client, A).await;
        assert_eq!((client.stats().opened, client.stats().reused), (2, 0));
    });
    assert!(!script.received_by(Peer(2)).is_empty());
}

#[test]
fn h2_a_server_that_says_close_is_connected_to_again() {
    let agenda = |script: &Script| {
        script.answers_connect(at(0), Peer(1), true);
        script.sends(at(1), Peer(1), b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
        script.answers_connect(at(1), Peer(2), true);
        script.sends(at(2), Peer(2), b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok");
        script.answers_connect(at(2), Peer(3), true);
        script.sends(at(3), Peer(3), b"HTTP/1.1 200 OK\r\n\r\nok").finishes(at(3), Peer(3));
    };
    played(ClientLimits::default(), agenda, |client| async move {
        for _ in 0..3 {
            ok(&client, A).await;
        }
        assert_eq!((client.stats().opened, client.stats().reused), (3, 0));
    });
}

/// A connection to A is idle, and the server ends it in the same moment in which a request is sent on it.
fn race(method: Method) -> (Result<String, ClientError>, Client) {
    let agenda = |script: &Script| {
        script.answers_connect(at(0), Peer(1), true).sends(at(1), Peer(1), OK);
        script.answers_connect(at(1), Peer(2), true);
        // The task is woken first, and hyper's half of the first connection after it.
        script.sends(at(3), Peer(2), b"!").finishes(at(3), Peer(1));
        script.answers_connect(at(3), Peer(3), true).sends(at(4), Peer(3), OK);
    };
    let (outcome, _script) = played(ClientLimits::default(), agenda, |client| async move {
        ok(&client, A).await;
        let mut other = OwnedTcpStream::connect(([127, 0, 0, 1], 2).into()).await.unwrap();
        assert_eq!(other.read(&mut [0; 9]).await.unwrap(), 1);
        let answer = match client.request(method, A).await {
            Ok(answer) => answer.text().await,
            Err(error) => Err(error),
        };
        (answer, client)
    });
    outcome
}

#[test]
fn h1_what_was_not_sent_is_sent_again_when_it_may_be() {
    for method in [Method::GET, Method::PUT, Method::DELETE] {
        let (answer, client) = race(method);
        assert_eq!(answer.unwrap(), "ok");
        let stats = client.stats();
        assert_eq!((stats.opened, stats.reused, stats.retried), (2, 1, 1));
    }
    let (answer, client) = race(Method::POST);
    let error = answer.unwrap_err();
    assert!(matches!(error, ClientError::Closed { sent: false, .. }), "{error:?}");
    assert!(error.to_string().contains("send the request again"), "{error}");
    assert_eq!(client.stats().retried, 0);
}

#[test]
fn h1_what_was_sent_is_not_sent_again() {
    let agenda = |script: &Script| {
        script.answers_connect(at(0), Peer(1), true).sends(at(1), Peer(1), OK);
        script.finishes(at(3), Peer(1));
    };
    played(ClientLimits::default(), agenda, |client| async move {
        ok(&client, A).await;
        sleep(at(1)).await;
        let error = client.get(A).await.err().expect("the server ends the connection instead");
        assert!(matches!(error, ClientError::Closed { sent: true, .. }), "{error:?}");
        assert_eq!((client.stats().opened, client.stats().reused, client.stats().retried), (1, 1, 0));
    });
}

#[test]
fn h3_an_idle_connection_is_closed_when_its_time_is_over() {
    let agenda = |script: &Script| {
        script.answers_connect(at(0), Peer(1), true).sends(at(1), Peer(1), OK);
        script.answers_connect(at(1), Peer(2), true).sends(at(2), Peer(2), OK);
    };
    played(ClientLimits::default(), agenda, |client| async move {
        ok(&client, A).await;
        ok(&client, B).await;
        // From 1 s and from 2 s on they are idle, for 4 s each.
        for (second, idle) in [(4, 2), (5, 1), (6, 0), (7, 0)] {
            let lp = LoopHandle::current().unwrap();
            sleep(at(second) + Duration::from_millis(1) - lp.elapsed()).await;
            assert_eq!(client.stats().idle, idle, "after {second} s");
        }
    });
}

#[test]
fn h3_a_client_that_has_lost_its_loop_goes_on_with_the_next_one() {
    let client = Client::new();
    for round in 1..=2 {
        let agenda = |script: &Script| {
            script.answers_connect(at(0), Peer(1), true).sends(at(1), Peer(1), OK);
        };
        let asking = client.clone();
        played(ClientLimits::default(), agenda, |_other| async move {
            ok(&asking, A).await;
            if asking.stats().opened == 2 {
                sleep(at(5)).await;
                assert_eq!(asking.stats().idle, 0, "the second loop closes it, too");
            }
        });
        assert_eq!((client.stats().opened, client.stats().reused), (round, 0));
    }
}

#[test]
fn h3_no_more_connections_are_idle_than_the_limits_say() {
    let agenda = |script: &Script| {
        for peer in 1..=8 {
            script.answers_connect(at(0), Peer(peer), true).sends(at(1), Peer(peer), OK);
        }
    };
    let limits = ClientLimits { idle_per_host: 3, idle_connections: 5, ..ClientLimits::default() };
    played(limits, agenda, |client| async move {
        let client = Rc::new(client);
        let lp = LoopHandle::current().unwrap();
        let asking = [A, A, A, A, B, B, B, B].map(|url| {
            let client = client.clone();
            lp.spawn(async move { ok(&client, url).await })
        });
        for asked in asking {
            asked.await.unwrap();
        }
        assert_eq!((client.stats().opened, client.stats().idle), (8, 5));
    });
}

#[test]
fn each_wait_has_its_time() {
    let limits = ClientLimits { connect_time: at(5), request_time: at(20), ..ClientLimits::default() };
    let agenda = |script: &Script| {
        // Nobody answers the first; the second is connected and silent; the third stops in the middle.
        script.answers_connect(at(1000), Peer(1), true);
        script.answers_connect(at(5), Peer(2), true);
        script.answers_connect(at(25), Peer(3), true);
        script.sends(at(40), Peer(3), b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
        script.answers_connect(at(45), Peer(4), true);
        script.sends(at(46), Peer(4), b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf");
        script.sends(at(65), Peer(4), b"and");
    };
    played(limits, agenda, |client| async move {
        let elapsed = || LoopHandle::current().unwrap().elapsed().as_secs();
        let error = client.get(A).await.err().expect("no connection");
        assert!(matches!(&error, ClientError::ConnectTimeout { .. }), "{error:?}");
        assert_eq!(elapsed(), 5);
        let error = client.get(A).await.err().expect("no answer");
        assert!(matches!(&error, ClientError::Timeout { .. }), "{error:?}");
        assert_eq!(elapsed(), 25);
        // A whole body has what is left of the time of its request.
        let error = client.get(A).await.unwrap().bytes().await.unwrap_err();
        assert!(matches!(&error, ClientError::Timeout { .. }), "{error:?}");
        assert_eq!(elapsed(), 45);
        // Each chunk has a time of its own.
        let mut slow = client.get(A).await.unwrap();
        assert!(slow.chunk().await.is_ok() && slow.chunk().await.is_ok());
        assert_eq!(elapsed(), 65);
        let error = slow.chunk().await.unwrap_err();
        assert!(matches!(&error, ClientError::Timeout { .. }), "{error:?}");
        assert_eq!((elapsed(), client.stats().idle), (85, 0));
    });
}

#[test]
fn w5_a_producer_of_a_request_waits_for_the_server() {
    const WINDOW: usize = 10_000;
    /// The window, the room of the stream, hyper's buffer, and a little for heads of chunks.
    const AT_MOST: usize = WINDOW + 64 * 1024 + 64 * 1024 + 32 * 1024;
    let sent_bytes = Rc::new(Cell::new(0));
    let seen = Rc::new(Cell::new(0));
    let (counting, looking, noting) = (sent_bytes.clone(), sent_bytes.clone(), seen.clone());
    let agenda = move |script: &Script| {
        script.window(Peer(1), WINDOW).answers_connect(at(0), Peer(1), true);
        script.happens(at(9), move || noting.set(looking.get()));
        // The server answers without reading, and ends the connection.
        script
            .sends(at(10), Peer(1), b"HTTP/1.1 413 No\r\nContent-Length: 2\r\n\r\nno")
            .finishes(at(10), Peer(1));
    };
    played(ClientLimits::default(), agenda, |client| async move {
        let upload = client.post(A).stream(move |sender| async move {
            loop {
                sender.send(vec![b'x'; 1000]).await?;
                counting.set(counting.get() + 1000);
            }
        });
        let answer = upload.await.unwrap();
        assert_eq!(answer.status().as_u16(), 413);
        assert_eq!(answer.text().await.unwrap(), "no");
        // What is left of that request is given up with its connection.
        assert_eq!((client.stats().opened, client.stats().reused), (1, 0));
    });
    assert!((WINDOW..=AT_MOST).contains(&seen.get()), "{} bytes were made", seen.get());
    assert_eq!(sent_bytes.get(), seen.get(), "and none after that");
}
