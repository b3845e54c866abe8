//! Random programs of a datagram socket: whatever is sent, refused and stopped, nothing is lost or told twice.

#![cfg(unix)]

mod common;

use std::cell::{Cell, RefCell};
use std::io;
use std::rc::Rc;

use common::{Scripted, addr, ms};
use event_loop::{Call, LoopHandle, RunMode, UdpEvent, UdpSocket};
use proptest::prelude::*;
use rustix::io::Errno;

const PORT: u16 = 9;

#[derive(Clone, Copy, Debug)]
enum Step {
    Send,
    TrySend,
    Room(usize),
    SendFault(Errno),
    Arrive(u8),
    Start,
    Stop,
    ReceiveFault(Errno),
    Run,
}

fn step() -> impl Strategy<Value = Step> {
    let fault = |kinds: &'static [Errno]| proptest::sample::select(kinds);
    prop_oneof![
        6 => Just(Step::Send),
        2 => Just(Step::TrySend),
        3 => (1..5_usize).prop_map(Step::Room),
        1 => fault(&[Errno::INTR, Errno::NOBUFS, Errno::PERM]).prop_map(Step::SendFault),
        3 => (1..50_u8).prop_map(Step::Arrive),
        2 => Just(Step::Start),
        1 => Just(Step::Stop),
        1 => fault(&[Errno::INTR, Errno::CONNREFUSED]).prop_map(Step::ReceiveFault),
        6 => Just(Step::Run),
    ]
}

/// A socket, and what was asked of it and told by it.
struct Program {
    world: Scripted,
    socket: UdpSocket,
    /// How many datagrams were given a number, in the order of the calls.
    sends: usize,
    /// The numbers of which a callback has told, and whether they were sent.
    told: Rc<RefCell<Vec<(usize, bool)>>>,
    /// The numbers that were sent at once.
    tried: Vec<usize>,
    arrived: usize,
    received: Rc<Cell<usize>>,
}

fn number(bytes: &[u8]) -> usize {
    usize::from_le_bytes(bytes.try_into().unwrap())
}

impl Program {
    fn new() -> Program {
        let world = Scripted::new();
        world.script.datagram_window(PORT, 2);
        let socket = UdpSocket::bind(&world.lp, addr(PORT)).unwrap();
        Program {
            world,
            socket,
            sends: 0,
            told: Rc::default(),
            tried: Vec::new(),
            arrived: 0,
            received: Rc::default(),
        }
    }

    fn take(&mut self, step: Step) {
        let now = self.world.lp.elapsed();
        let script = &self.world.script;
        match step {
            Step::Send => {
                let (number, told) = (self.sends, self.told.clone());
                let before = told.borrow().len();
                self.sends += 1;
                self.socket.send_to(number.to_le_bytes().to_vec(), addr(7), {
                    let told = told.clone();
                    move |_, result| told.borrow_mut().push((number, result.is_ok()))
                });
                assert_eq!(told.borrow().len(), before, "told inside the call");
            }
            Step::TrySend => {
                let waiting = self.socket.send_queue_count() > 0;
                let result = self.socket.try_send_to(&self.sends.to_le_bytes(), addr(7));
                assert!(
                    !waiting || matches!(&result, Err(error) if error.kind() == io::ErrorKind::WouldBlock)
                );
                if result.is_ok() {
                    self.tried.push(self.sends);
                    self.sends += 1;
                }
            }
            Step::Room(count) => drop(script.takes_datagrams(now, PORT, count).clone()),
            Step::SendFault(errno) => drop(script.fails(Call::SendTo, errno.into()).clone()),
            Step::ReceiveFault(errno) => drop(script.fails(Call::RecvFrom, errno.into()).clone()),
            Step::Arrive(count) => {
                for _ in 0..count {
                    script.datagram(now, PORT, addr(7), &self.arrived.to_le_bytes());
                    self.arrived += 1;
                }
            }
            Step::Start => self.start(),
            Step::Stop => self.socket.recv_stop(),
            Step::Run => drop(self.world.run(RunMode::NoWait)),
        }
    }

    /// Receives, each datagram once and in the order of arrival; stops by itself now and then.
    fn start(&self) {
        let (received, itself) = (self.received.clone(), self.socket.clone());
        let receive = move |_: &LoopHandle, event: UdpEvent<'_>| match event {
            UdpEvent::Datagram { data, .. } => {
                assert_eq!(number(data), received.replace(received.get() + 1));
                if received.get() % 17 == 0 {
                    itself.recv_stop();
                }
            }
            UdpEvent::Drained => {}
            UdpEvent::Failed(error) => assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused),
        };
        let was_active = self.socket.is_active();
        assert_eq!(self.socket.recv_start(receive).is_ok(), !was_active);
    }

    /// What holds between any two steps.
    fn check(&self) {
        let told = self.told.borrow();
        let untold = self.sends - self.tried.len() - told.len();
        assert_eq!(self.socket.send_queue_count(), untold);
        assert_eq!(self.socket.send_queue_size(), untold * size_of::<usize>());
        assert!(told.is_sorted(), "in the order of the calls: {told:?}");
        assert!(self.received.get() <= self.arrived);
    }

    /// What was told to be sent is on the wire, once and in the order of the calls.
    fn check_wire(&self) {
        let wire = self.world.script.datagrams_from(PORT);
        let wire: Vec<_> = wire.iter().map(|(_, data)| number(data)).collect();
        let told = self.told.borrow();
        let mut expected: Vec<_> = told.iter().filter(|(_, ok)| *ok).map(|(number, _)| *number).collect();
        expected.extend(&self.tried);
        expected.sort();
        assert_eq!(wire, expected);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn u1_u2_nothing_is_lost_or_told_twice(
        steps in proptest::collection::vec(step(), 1..120),
        closes_early in any::<bool>(),
    ) {
        let mut program = Program::new();
        for step in steps {
            program.take(step);
            program.check();
        }
        if closes_early {
            let closed = Rc::new(Cell::new(0));
            let (seen, told) = (closed.clone(), program.told.clone());
            program.socket.close_then(move |_| seen.set(told.borrow().len()));
            prop_assert!(!program.world.run(RunMode::Default));
            prop_assert_eq!(program.told.borrow().len(), program.sends - program.tried.len());
            prop_assert_eq!(closed.get(), program.told.borrow().len(), "the close callback comes last");
        } else {
            program.take(Step::Room(10_000));
            // Each pass sends 32, receives 17 or meets a fault.
            for _ in 0..1_000 {
                if !program.socket.is_active() {
                    program.start();
                }
                program.take(Step::Run);
                program.check();
            }
            prop_assert_eq!(program.received.get(), program.arrived);
            prop_assert_eq!(program.socket.send_queue_count(), 0);
            program.socket.close();
            prop_assert!(!program.world.run(RunMode::Default));
        }
        program.check_wire();
        prop_assert!(program.world.lp.handles().is_empty());
        prop_assert!(program.world.lp.elapsed() == ms(0));
    }
}
