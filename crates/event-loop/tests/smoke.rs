//! The loop at work, end to end, on the operating system.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use event_loop::{EventLoop, OwnedTcpStream, RunMode, TcpListener, yield_now};

#[test]
fn phases_ticks_and_tasks_take_turns() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let log = Rc::new(RefCell::new(Vec::new()));
    let note = |what: &'static str| {
        let log = log.clone();
        move || log.borrow_mut().push(what)
    };
    let (tick, micro, immediate, timeout, task) =
        (note("tick"), note("micro"), note("immediate"), note("timeout"), note("task"));
    lp.set_timeout(Duration::from_millis(20), move |_| timeout());
    lp.set_immediate(move |_| immediate());
    lp.microtask(move |_| micro());
    lp.next_tick(move |_| tick());
    lp.spawn(async move {
        yield_now().await;
        task();
    });
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(*log.borrow(), ["tick", "micro", "immediate", "task", "timeout"]);
}

#[test]
fn a_task_serves_a_task_over_tcp() {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let listener = TcpListener::bind(&lp, "127.0.0.1:0".parse().unwrap(), 16).unwrap();
    let addr = listener.local_addr().unwrap();
    let server = lp.spawn(async move {
        let mut stream = listener.accept().await.unwrap();
        let mut buffer = [0; 16];
        let n = stream.read(&mut buffer).await.unwrap();
        stream.write_all(&buffer[..n]).await.unwrap();
        assert_eq!(stream.read(&mut buffer).await.unwrap(), 0);
        listener.close();
        n
    });
    let client = lp.spawn(async move {
        let mut stream = OwnedTcpStream::connect(addr).await.unwrap();
        stream.write_all(b"hello").await.unwrap();
        let mut buffer = [0; 16];
        let n = stream.read(&mut buffer).await.unwrap();
        buffer[..n].to_vec()
    });
    assert!(!event_loop.run(RunMode::Default).unwrap());
    assert_eq!(server.try_take(), Some(Ok(5)));
    assert_eq!(client.try_take(), Some(Ok(b"hello".to_vec())));
}
