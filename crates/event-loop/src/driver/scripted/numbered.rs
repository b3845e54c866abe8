//! Errors by the number of the call, so that a test can fail each call of a run in turn, and what a test counts.

use std::collections::HashMap;
use std::io;

use super::{Call, Readiness, Script, SocketId, SocketSlot, World};

/// The calls so far, and those that are to fail.
#[derive(Default)]
pub(super) struct Numbered {
    calls: Vec<Call>,
    faults: HashMap<usize, io::Error>,
}

impl Script {
    /// Lets call number `number` fail with `error`; 0 is the first call that [`Script::calls`] lists.
    pub fn fails_at(&self, number: usize, error: io::Error) -> &Self {
        self.0.borrow_mut().numbered.faults.insert(number, error);
        self
    }

    /// The calls so far in which an error can be injected, in order.
    pub fn calls(&self) -> Vec<Call> {
        self.0.borrow().numbered.calls.clone()
    }

    /// How many sockets the loop has not closed yet.
    pub fn open_sockets(&self) -> usize {
        self.0.borrow().listeners.len()
    }
}

impl World {
    /// The error that a script has for this call.
    pub(super) fn fault(&mut self, call: Call) -> io::Result<()> {
        let number = self.numbered.calls.len();
        self.numbered.calls.push(call);
        let numbered = self.numbered.faults.remove(&number);
        match numbered.or_else(|| self.faults.get_mut(&call)?.pop_front()) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// As [`World::fault`], for a call that may say `WouldBlock`: then the direction is armed again, and what is there by
    /// now makes a new edge (D1).
    pub(super) fn fault_of(&mut self, call: Call, socket: SocketId) -> io::Result<()> {
        let result = self.fault(call);
        if matches!(&result, Err(error) if error.kind() == io::ErrorKind::WouldBlock) {
            self.arm(call, socket);
        }
        result
    }

    fn arm(&mut self, call: Call, socket: SocketId) {
        let writes = matches!(call, Call::Write | Call::SendTo | Call::FinishConnect);
        match self.listeners.get_mut(socket.0) {
            Some(SocketSlot::Listener { token, waiting, armed, .. }) => {
                *armed = waiting.is_empty();
                if !*armed {
                    let token = *token;
                    self.edges.push_back(Readiness::new(token, true, false));
                }
            }
            Some(SocketSlot::Stream(peer)) => {
                let peer = *peer;
                let state = self.peer(peer);
                state.write_armed |= writes;
                state.read_armed |= !writes;
                self.edge(peer);
            }
            Some(SocketSlot::Datagrams(_)) => self.arm_datagrams(socket, writes),
            None => {}
        }
    }
}
