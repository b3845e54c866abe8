//! Random programs of a stream that writes, with and without descriptors, to one that stops and starts reading, over the system.

#![cfg(unix)]

mod common;

use std::cell::{Cell, RefCell};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

use common::ms;
use event_loop::{EventLoop, LoopHandle, ReadEvent, RunMode, UnixStream};
use proptest::prelude::*;

/// What the writer does next.
#[derive(Clone, Copy, Debug)]
enum Step {
    Write {
        bytes: usize,
        descriptors: usize,
    },
    TryWrite {
        bytes: usize,
        descriptors: usize,
    },
    /// One pass of the loop.
    Pass,
}

fn step() -> impl Strategy<Value = Step> {
    let bytes = prop_oneof![3 => 1..100_usize, 2 => 1_000..70_000_usize, 1 => 200_000..400_000_usize];
    let descriptors = prop_oneof![2 => Just(0_usize), 1 => 1..4_usize];
    prop_oneof![
        3 => (bytes.clone(), descriptors.clone())
            .prop_map(|(bytes, descriptors)| Step::Write { bytes, descriptors }),
        2 => (bytes, descriptors).prop_map(|(bytes, descriptors)| Step::TryWrite { bytes, descriptors }),
        2 => Just(Step::Pass),
    ]
}

/// How the writer ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Ending {
    Shutdown,
    Close,
}

/// The byte at this place of the stream.
fn byte(at: usize) -> u8 {
    (at / 7 % 251) as u8
}

/// Descriptors that tell which byte they belong to.
fn told(at: usize, count: usize) -> Vec<OwnedFd> {
    let one = |number: usize| {
        let (reader, mut writer) = io::pipe().unwrap();
        writer.write_all(format!("{at} {number}").as_bytes()).unwrap();
        reader.into()
    };
    (0..count).map(one).collect()
}

/// What was given to the stream, and what is known of it.
#[derive(Default)]
struct Sent {
    bytes: usize,
    /// Place of the first byte, and number, of each descriptor.
    descriptors: Vec<(usize, usize)>,
    /// For each request, in the order of the calls: where it ends.
    requests: Vec<usize>,
    /// How each request ended, in the order of the callbacks: its number, and whether it went well.
    told: Rc<RefCell<Vec<(usize, bool)>>>,
    /// Up to here all is with the system, as the calls of `try_write` have said.
    taken: usize,
}

impl Sent {
    fn follow(&mut self, stream: &UnixStream, step: Step) {
        let at = self.bytes;
        match step {
            Step::Write { bytes, descriptors } => {
                let (data, number) = ((at..at + bytes).map(byte).collect(), self.requests.len());
                let told_to = self.told.clone();
                stream.write_with_descriptors(data, told(at, descriptors), move |_, result| {
                    told_to.borrow_mut().push((number, result.is_ok()));
                });
                self.bytes += bytes;
                self.descriptors.extend((0..descriptors).map(|number| (at, number)));
                self.requests.push(self.bytes);
            }
            Step::TryWrite { bytes, descriptors } => {
                let data: Vec<u8> = (at..at + bytes).map(byte).collect();
                let owned = told(at, descriptors);
                let lent: Vec<_> = owned.iter().map(AsFd::as_fd).collect();
                match stream.try_write_with_descriptors(&data, &lent) {
                    Ok(written) => {
                        assert!(written > 0 && written <= bytes);
                        self.bytes += written;
                        self.taken = self.bytes;
                        self.descriptors.extend((0..descriptors).map(|number| (at, number)));
                    }
                    Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
                }
            }
            Step::Pass => {}
        }
    }
}

/// What came out at the other end.
#[derive(Default)]
struct Got {
    bytes: Cell<usize>,
    descriptors: RefCell<Vec<(usize, usize)>>,
    ended: Cell<bool>,
}

/// Reads all; after some events reading stops, and starts again in the next pass or later.
fn read_all(stream: &UnixStream, got: &Rc<Got>, pauses: &Rc<[bool]>, turn: &Rc<Cell<usize>>) {
    let (itself, into, pauses, turn) = (stream.clone(), got.clone(), pauses.clone(), turn.clone());
    let read = move |lp: &LoopHandle, event: ReadEvent<'_>, descriptors: Vec<OwnedFd>| {
        let data = match event {
            ReadEvent::Data(data) => data,
            ReadEvent::End => return into.ended.set(true),
            ReadEvent::Failed(error) => panic!("{error}"),
        };
        let from = into.bytes.get();
        assert!(data.iter().enumerate().all(|(at, seen)| *seen == byte(from + at)));
        into.bytes.set(from + data.len());
        for descriptor in descriptors {
            let mut text = String::new();
            std::fs::File::from(descriptor).read_to_string(&mut text).unwrap();
            let (at, number) = text.split_once(' ').unwrap();
            let (at, number) = (at.parse().unwrap(), number.parse().unwrap());
            // It came with the bytes that it was sent with (F2).
            assert!((from..from + data.len()).contains(&at), "{at} in {from} and {} more", data.len());
            into.descriptors.borrow_mut().push((at, number));
        }
        turn.set(turn.get() + 1);
        if pauses[turn.get() % pauses.len()] {
            itself.read_stop();
            let (again, into, pauses, turn) = (itself.clone(), into.clone(), pauses.clone(), turn.clone());
            lp.set_timeout(ms(1), move |_| read_all(&again, &into, &pauses, &turn));
        }
    };
    stream.read_start_with_descriptors(read).unwrap();
}

fn run(steps: &[Step], pauses: &[bool], ending: Ending) {
    let event_loop = EventLoop::new().unwrap();
    let lp = event_loop.handle();
    let (one, other) = UnixStream::pair(&lp).unwrap();
    let (mut sent, got) = (Sent::default(), Rc::new(Got::default()));
    read_all(&other, &got, &pauses.into(), &Rc::default());
    for step in steps {
        sent.follow(&one, *step);
        if matches!(step, Step::Pass) {
            event_loop.run(RunMode::NoWait).unwrap();
        }
    }
    let told = sent.told.clone();
    let all = sent.requests.len();
    let after = move |_: &LoopHandle, result: io::Result<()>| {
        result.unwrap();
        assert_eq!(told.borrow().len(), all, "the writes are told before");
    };
    match ending {
        Ending::Shutdown => one.shutdown(after),
        Ending::Close => {
            one.close_then(move |lp| after(lp, Ok(())));
        }
    }
    assert!(!event_loop.run(RunMode::Default).unwrap());

    let told = sent.told.take();
    assert!(told.iter().map(|(number, _)| *number).eq(0..all), "each once and in order: {told:?}");
    let through = told.iter().take_while(|(_, well)| *well).count();
    assert!(told[through..].iter().all(|(_, well)| !well), "after a failed write none goes well: {told:?}");
    let least = sent.taken.max(if through > 0 { sent.requests[through - 1] } else { 0 });
    let (bytes, descriptors) = (got.bytes.get(), got.descriptors.take());
    assert!(got.ended.get());
    assert!((least..=sent.bytes).contains(&bytes), "{bytes} of {least} to {}", sent.bytes);
    if ending == Ending::Shutdown {
        assert_eq!((bytes, through), (sent.bytes, all));
    }
    let expected: Vec<_> = sent.descriptors.iter().copied().filter(|(at, _)| *at < bytes).collect();
    assert_eq!(descriptors, expected);
    one.close();
    other.close();
    assert!(!event_loop.run(RunMode::Default).unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn f2_random_writes_arrive_once_and_in_order_with_their_descriptors(
        steps in proptest::collection::vec(step(), 1..40),
        pauses in proptest::collection::vec(any::<bool>(), 1..8),
        ending in prop_oneof![Just(Ending::Shutdown), Just(Ending::Close)],
    ) {
        run(&steps, &pauses, ending);
    }
}
