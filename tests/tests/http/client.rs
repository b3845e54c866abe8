//! The client against our own server: what it asks for, what it gets, whole and in streams.

use std::time::Duration;

use runtime_lab::http::{self, Client, ClientError, Event, Method, Server, StatusCode};
use runtime_lab::{Runtime, yield_now};

use crate::support::{TestServer, start};

/// Runs what a task asks on a loop of its own.
fn asked<T: 'static, F: Future<Output = T> + 'static>(ask: impl FnOnce(Client) -> F) -> T {
    Runtime::new().unwrap().block_on(ask(Client::new())).unwrap()
}

fn server() -> TestServer {
    start(|server: Server| {
        server
            .route("/ping", |_request| http::text("pong"))
            .route("/echo", |request| {
                let field =
                    |name| request.headers().get(name).map(|value| format!("{value:?}")).unwrap_or_default();
                let body = String::from_utf8_lossy(request.body());
                let head = format!(
                    "{} {} {}",
                    request.method(),
                    request.path(),
                    request.param("q").unwrap_or_default()
                );
                http::text(format!("{head} {} {} {body}", field("x-mine"), field("content-length")))
            })
            .route("/teapot", |_request| {
                http::with_status(StatusCode::IM_A_TEAPOT, "short").header("x-pot", "tea")
            })
            .route("/away", |_request| http::with_status(StatusCode::FOUND, "").header("location", "/ping"))
            .route("/numbers", |_request| {
                http::stream(|sender| async move {
                    for number in 0..50_000 {
                        sender.send(format!("{number}\n")).await?;
                    }
                    Ok(())
                })
            })
            .route("/events", |_request| {
                http::events(|sender| async move {
                    for number in 0..3 {
                        sender.send(Event::data(number.to_string())).await?;
                        yield_now().await;
                    }
                    Ok(())
                })
            })
            .route_streaming("POST /back", |_request, mut body| async move {
                http::stream(|sender| async move {
                    while let Some(chunk) = body.chunk().await? {
                        sender.send(chunk).await?;
                    }
                    Ok(())
                })
            })
    })
}

#[test]
fn requests_have_methods_fields_and_bodies_and_answers_have_a_status() {
    let server = server();
    let url = move |path: &str| format!("http://{}{path}", server.addr);
    let addr = server.addr;
    asked(move |client| async move {
        assert_eq!(client.get(&url("/ping")).send().await?.text().await?, "pong");
        let echo = client.post(&url("/echo?q=a%20b")).header("x-mine", "yes").body("hello");
        assert_eq!(echo.await?.text().await?, "POST /echo a b \"yes\" \"5\" hello");
        let put = client.request(Method::PUT, &url("/echo")).send().await?.text().await?;
        assert_eq!(put, "PUT /echo   \"0\" ");
        let teapot = client.get(&url("/teapot")).await?;
        assert_eq!((teapot.status(), teapot.header("x-pot")), (StatusCode::IM_A_TEAPOT, Some("tea")));
        assert_eq!(teapot.bytes().await?, "short");
        let away = client.get(&url("/away")).await?;
        assert_eq!(
            (away.status(), away.header("location")),
            (StatusCode::FOUND, Some("/ping")),
            "none is followed"
        );
        away.bytes().await?;
        let head = client.request(Method::HEAD, &url("/ping")).await?;
        assert_eq!(head.header("content-length"), Some("4"));
        assert_eq!(head.text().await?, "");
        let local = format!("http://localhost:{}/ping", addr.port());
        assert_eq!(client.get(&local).await?.text().await?, "pong", "a name is looked up");
        assert_eq!(client.stats().opened, 2, "one for each name of the server");
        Ok::<(), ClientError>(())
    })
    .unwrap();
    assert_eq!(server.stop().stats.answered, 7);
}

#[test]
fn a_body_is_read_chunk_by_chunk() {
    let server = server();
    let addr = server.addr;
    asked(move |client| async move {
        let mut numbers = client.get(&format!("http://{addr}/numbers")).await?;
        let mut whole = Vec::new();
        while let Some(chunk) = numbers.chunk().await? {
            whole.extend_from_slice(&chunk);
        }
        let expected: String = (0..50_000).map(|number| format!("{number}\n")).collect();
        assert!(whole == expected.as_bytes(), "{} bytes", whole.len());
        let events = client.get(&format!("http://{addr}/events")).await?.text().await?;
        assert_eq!(events, "data: 0\n\ndata: 1\n\ndata: 2\n\n");
        assert_eq!(client.stats().opened, 1);
        Ok::<(), ClientError>(())
    })
    .unwrap();
    server.stop();
}

#[test]
fn a_body_is_sent_while_it_is_made_and_comes_back_meanwhile() {
    let server = server();
    let addr = server.addr;
    asked(move |client| async move {
        let (told, asked) = std::sync::mpsc::channel::<()>();
        let request = client.post(&format!("http://{addr}/back")).stream(move |sender| async move {
            sender.send("first ").await?;
            // The second part is made when the first has come back.
            while asked.try_recv().is_err() {
                yield_now().await;
            }
            sender.send("second").await?;
            Ok(())
        });
        let mut back = request.await?;
        assert_eq!(back.chunk().await?.as_deref(), Some(b"first ".as_slice()));
        told.send(()).unwrap();
        assert_eq!(back.bytes().await?, "second");
        let known = client.post(&format!("http://{addr}/echo"));
        let known = known.stream(|sender| async move { Ok(sender.send("four").await?) }).length(4);
        assert_eq!(known.await?.text().await?, "POST /echo   \"4\" four");
        // In any order.
        let known = client.post(&format!("http://{addr}/echo")).length(4);
        let known = known.stream(|sender| async move { Ok(sender.send("four").await?) });
        assert_eq!(known.await?.text().await?, "POST /echo   \"4\" four");
        Ok::<(), ClientError>(())
    })
    .unwrap();
    server.stop();
}

#[test]
fn a_large_body_goes_there_and_back_at_the_pace_of_the_slower_side() {
    const PIECES: usize = 200;
    let server = start(|server: Server| {
        server.route_streaming("POST /back", |_request, mut body| async move {
            http::stream(|sender| async move {
                while let Some(chunk) = body.chunk().await? {
                    sender.send(chunk).await?;
                }
                Ok(())
            })
        })
    });
    server.ask(|_lp, _server| ());
    let addr = server.addr;
    let length = asked(move |client| async move {
        let request = client.post(&format!("http://{addr}/back")).stream(|sender| async move {
            for _ in 0..PIECES {
                sender.send(vec![b'x'; 5000]).await?;
            }
            Ok(())
        });
        let mut back = request.await?;
        let mut length = 0;
        while let Some(chunk) = back.chunk().await? {
            length += chunk.len();
            yield_now().await;
        }
        Ok::<usize, ClientError>(length)
    });
    assert_eq!(length.unwrap(), PIECES * 5000);
    server.stop();
}

#[test]
fn a_request_that_is_dropped_is_given_up() {
    let (begun, has_begun) = std::sync::mpsc::channel();
    let server = start(move |server: Server| {
        server.route("/ping", |_request| http::text("pong")).route("/never", move |_request| {
            begun.send(()).unwrap();
            std::future::pending::<http::Response>()
        })
    });
    let addr = server.addr;
    asked(move |client| async move {
        let request = runtime_lab::LoopHandle::current().unwrap().spawn({
            let client = client.clone();
            async move { client.get(&format!("http://{addr}/never")).await.map(|_| ()) }
        });
        while has_begun.try_recv().is_err() {
            yield_now().await;
        }
        request.cancel();
        // On a fresh connection, as the first is closed.
        assert_eq!(client.get(&format!("http://{addr}/ping")).await?.text().await?, "pong");
        assert_eq!((client.stats().opened, client.stats().reused), (2, 0));
        Ok::<(), ClientError>(())
    })
    .unwrap();
    server.until_empty();
    let stats = server.stop().stats;
    assert_eq!((stats.abandoned, stats.failed_connections), (1, 1));
}

#[test]
fn an_idle_connection_does_not_keep_the_loop_alive() {
    let server = server();
    let addr = server.addr;
    let runtime = Runtime::new().unwrap();
    let client = Client::new();
    let asking = client.clone();
    let ask = async move {
        asking.get(&format!("http://{addr}/ping")).within(Duration::from_secs(60)).await?.text().await
    };
    assert_eq!(runtime.block_on(ask).unwrap().unwrap(), "pong");
    assert_eq!(client.stats().idle, 1, "and yet the loop has ended");
    drop(client);
    drop(runtime);
    server.until_empty();
    assert_eq!(server.stop().stats.finished, 1);
}
