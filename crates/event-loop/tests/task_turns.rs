//! A task that always finds something to do lets others have their turn: reading, writing, accepting (I2).

mod common;

use std::future::Future;

use common::{Count, Scripted, addr, connected, ms};
use event_loop::{OwnedTcpStream, Peer, RunMode, TcpListener};

/// How often the task of `work` has moved something after each pass in which it has; it counts on what it is given.
fn turns<F: Future<Output = ()> + 'static>(world: &Scripted, work: impl FnOnce(Count) -> F) -> Vec<usize> {
    let moved = Count::default();
    world.lp.spawn(work(moved.clone()));
    let mut turns = vec![0];
    loop {
        let goes_on = world.run(RunMode::Once);
        turns.push(moved.get());
        if !goes_on {
            turns.dedup();
            return turns;
        }
    }
}

#[test]
fn i2_a_task_that_never_waits_reads_32_times_and_then_others_get_their_turn() {
    for (reads, expected) in [(32, &[0, 32][..]), (33, &[0, 32, 33]), (70, &[0, 32, 64, 70])] {
        let (world, stream) = connected();
        world.script.sends(ms(1), Peer(1), &vec![1; reads]);
        let mut stream = OwnedTcpStream::new(stream);
        let turns = turns(&world, |counted| async move {
            for _ in 0..reads {
                assert_eq!(stream.read(&mut [0]).await.unwrap(), 1);
                counted.add();
            }
        });
        assert_eq!(turns, expected);
    }
}

#[test]
fn i2_a_task_that_never_waits_writes_32_times_and_then_others_get_their_turn() {
    let (world, stream) = connected();
    let mut stream = OwnedTcpStream::new(stream);
    let turns = turns(&world, |counted| async move {
        for n in 0..70 {
            stream.write_all(&[n]).await.unwrap();
            counted.add();
        }
    });
    assert_eq!(turns, [0, 32, 64, 70]);
    assert_eq!(world.script.received_by(Peer(1)), (0..70).collect::<Vec<u8>>());
}

#[test]
fn i2_a_task_that_never_waits_accepts_32_times_and_then_others_get_their_turn() {
    let world = Scripted::new();
    for n in 0..70 {
        world.script.connects(ms(1), Peer(n), 80);
    }
    let listener = TcpListener::bind(&world.lp, addr(80), 512).unwrap();
    let turns = turns(&world, |counted| async move {
        for _ in 0..70 {
            drop(listener.accept().await.unwrap());
            counted.add();
        }
        listener.close();
    });
    assert_eq!(turns, [0, 32, 64, 70]);
}

#[test]
fn i2_who_waits_in_between_begins_a_new_turn() {
    let (world, stream) = connected();
    for n in 0..70 {
        world.script.sends(ms(n), Peer(1), b"x");
    }
    let mut stream = OwnedTcpStream::new(stream);
    let turns = turns(&world, |counted| async move {
        for _ in 0..70 {
            assert_eq!(stream.read(&mut [0]).await.unwrap(), 1);
            counted.add();
        }
    });
    assert_eq!(turns, (0..=70).collect::<Vec<usize>>());
}
