//! Runs a puzzle on our event loop, in the real world or in a scripted one.
//!
//! # Model
//! In the real world the loop is joined with a pool, as users have it: a request is `fs::stat` on a pool
//! thread, as in Node, a stall burns time, sockets are the system's. In the scripted world a clock that is
//! moved by hand makes each run the same: a stall moves it, a request ends at once, and a peer that does not
//! exist connects. An order that Node defines must come out of both.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::sync::mpsc;
use std::time::Duration;

use clock::Clock;
use event_loop::{
    AsyncHandle, EventLoop, ImmediateId, LoopError, LoopHandle, Peer, RunMode, Script, TcpListener,
    TcpStream, TimeoutId, TimerOrder,
};
use runtime_lab::{Runtime, fs};

use crate::promise::Promise;
use crate::script::{Block, Combine, Link, Puzzle, Statement, When};

/// Far more than any puzzle takes: whoever is not done by then never ends.
const PATIENCE: Duration = Duration::from_secs(30);
/// The first port of the scripted world; each listener there has its own.
const SCRIPTED_PORT: u16 = 1000;

/// Where a loop runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum World {
    Real,
    Scripted,
}

/// The labels in the order in which our loop logged them.
pub(crate) fn run(puzzle: &Puzzle, world: World, timer_order: TimerOrder) -> Result<Vec<String>, String> {
    let (sender, receiver) = mpsc::channel();
    let program = puzzle.program.clone();
    // A thread of its own, so that a loop that never ends fails one puzzle and says which.
    let thread = std::thread::Builder::new().name("puzzle".to_owned()).spawn(move || {
        let _ = sender.send(run_program(&program, world, timer_order));
    });
    let thread = thread.map_err(|error| error.to_string())?;
    match receiver.recv_timeout(PATIENCE) {
        Ok(labels) => {
            thread.join().map_err(|_| "the loop's thread panicked".to_owned())?;
            labels
        }
        Err(mpsc::RecvTimeoutError::Timeout) => Err(format!("did not end within {PATIENCE:?}")),
        Err(mpsc::RecvTimeoutError::Disconnected) => Err("the loop's thread panicked".to_owned()),
    }
}

/// The loop under test.
enum Subject {
    Real(Runtime),
    Scripted(EventLoop),
}

impl Subject {
    fn build(world: World, timer_order: TimerOrder, script: &Script) -> Result<Subject, String> {
        if world == World::Scripted {
            let event_loop = EventLoop::options().timer_order(timer_order).script(script).build();
            return event_loop.map(Subject::Scripted).map_err(|error| error.to_string());
        }
        let runtime = Runtime::builder().event_loop(|options| options.timer_order(timer_order)).build();
        runtime.map(Subject::Real).map_err(|error| error.to_string())
    }

    fn handle(&self) -> LoopHandle {
        match self {
            Subject::Real(runtime) => runtime.handle(),
            Subject::Scripted(event_loop) => event_loop.handle(),
        }
    }

    fn run(&self) -> Result<bool, LoopError> {
        match self {
            Subject::Real(runtime) => runtime.run(RunMode::Default),
            Subject::Scripted(event_loop) => event_loop.run(RunMode::Default),
        }
    }
}

fn run_program(program: &Block, world: World, timer_order: TimerOrder) -> Result<Vec<String>, String> {
    let script = Script::new();
    let subject = Subject::build(world, timer_order, &script)?;
    let machine = Rc::new(Machine {
        world,
        clock: Clock::real(),
        script,
        labels: RefCell::default(),
        values: RefCell::default(),
        sockets: Cell::new(0),
    });
    machine.call(&subject.handle(), program);
    let result = subject.run();
    machine.values.borrow_mut().clear();
    result.map_err(|error| error.to_string())?;
    Ok(machine.labels.take())
}

/// What a name holds.
#[derive(Clone)]
enum Value {
    Timeout(TimeoutId),
    Immediate(ImmediateId),
    Promise(Promise),
}

/// One run of a program.
struct Machine {
    world: World,
    clock: Clock,
    script: Script,
    labels: RefCell<Vec<String>>,
    values: RefCell<HashMap<String, Value>>,
    /// How many listeners the scripted world has seen.
    sockets: Cell<u16>,
}

impl Machine {
    /// Runs the statements of a callback; what it returns is a promise or nothing.
    fn call(self: &Rc<Self>, lp: &LoopHandle, block: &Block) -> Option<Promise> {
        for statement in block.iter() {
            if let Statement::Return(name) = statement {
                return Some(self.promise(name));
            }
            self.step(lp, statement);
        }
        None
    }

    /// Runs an async function from a statement on; at an `await` the rest becomes a reaction.
    fn go_on(self: &Rc<Self>, lp: &LoopHandle, block: &Block, from: usize, outcome: &Promise) {
        for (index, statement) in block.iter().enumerate().skip(from) {
            match statement {
                Statement::Await(name) => {
                    let awaited = name.as_ref().map_or_else(Promise::fulfilled, |name| self.promise(name));
                    let (machine, block, outcome) = (self.clone(), block.clone(), outcome.clone());
                    awaited.react(lp, move |lp| machine.go_on(lp, &block, index + 1, &outcome));
                    return;
                }
                Statement::Return(name) => return outcome.resolve(lp, Some(self.promise(name))),
                statement => self.step(lp, statement),
            }
        }
        outcome.resolve(lp, None);
    }

    fn step(self: &Rc<Self>, lp: &LoopHandle, statement: &Statement) {
        match statement {
            Statement::Log(label) => self.labels.borrow_mut().push(label.clone()),
            Statement::Stall(length) => self.stall(*length),
            Statement::Later { when, name, body } => {
                let value = self.later(lp, *when, body);
                self.set(name.as_ref(), value);
            }
            Statement::Clear(name) => match self.value(name) {
                Some(Value::Timeout(id)) => drop(lp.clear_timeout(id)),
                Some(Value::Immediate(id)) => drop(lp.clear_immediate(id)),
                _ => {}
            },
            Statement::Reference { name, referenced } => match self.value(name) {
                Some(Value::Timeout(id)) => lp.set_timeout_ref(id, *referenced),
                Some(Value::Immediate(id)) => lp.set_immediate_ref(id, *referenced),
                _ => {}
            },
            Statement::Refresh(name) => {
                if let Some(Value::Timeout(id)) = self.value(name) {
                    lp.refresh_timeout(id);
                }
            }
            Statement::Await(_) | Statement::Return(_) => unreachable!("the callers take these"),
            promise => self.step_of_promise(lp, promise),
        }
    }

    fn step_of_promise(self: &Rc<Self>, lp: &LoopHandle, statement: &Statement) {
        match statement {
            Statement::Promise { name, executor } => {
                self.set(Some(name), Some(Value::Promise(Promise::pending())));
                self.call(lp, executor);
            }
            Statement::Resolve { name, with } => {
                let with = with.as_ref().map(|with| self.promise(with));
                self.promise(name).resolve(lp, with);
            }
            Statement::Then { of, name, body } => {
                let derived = self.promise(of).then(lp, self.handler(body));
                self.set(name.as_ref(), Some(Value::Promise(derived)));
            }
            Statement::Chain { name, links } => {
                let mut promise = Promise::fulfilled();
                for (link, body) in links {
                    promise = match link {
                        Link::Then => promise.then(lp, self.handler(body)),
                        Link::Catch => promise.then(lp, |_| None),
                        Link::Finally => promise.finally(lp, self.handler(body)),
                    };
                }
                self.set(name.as_ref(), Some(Value::Promise(promise)));
            }
            Statement::Combine { how, of, name } => {
                let of: Vec<Promise> = of.iter().map(|name| self.promise(name)).collect();
                let combined = match how {
                    Combine::All => Promise::all(lp, &of),
                    Combine::Race => Promise::race(lp, &of),
                };
                self.set(Some(name), Some(Value::Promise(combined)));
            }
            Statement::Async { name, body } => {
                let outcome = Promise::pending();
                self.go_on(lp, body, 0, &outcome);
                self.set(name.as_ref(), Some(Value::Promise(outcome)));
            }
            other => unreachable!("not about promises: {other:?}"),
        }
    }

    fn handler(self: &Rc<Self>, body: &Block) -> impl FnOnce(&LoopHandle) -> Option<Promise> + 'static {
        let (machine, body) = (self.clone(), body.clone());
        move |lp| machine.call(lp, &body)
    }

    // ANCHOR: later
    /// Sets something that calls `body` later.
    fn later(self: &Rc<Self>, lp: &LoopHandle, when: When, body: &Block) -> Option<Value> {
        let (machine, code) = (self.clone(), body.clone());
        let run = move |lp: &LoopHandle| drop(machine.call(lp, &code));
        match when {
            When::Timeout(ms) => {
                return Some(Value::Timeout(lp.set_timeout(Duration::from_millis(ms), run)));
            }
            When::Interval(ms, times) => {
                let own_id = Rc::new(Cell::new(None));
                let known_id = own_id.clone();
                let mut left = times;
                let id = lp.set_interval(Duration::from_millis(ms), move |lp| {
                    run(lp);
                    left = left.map(|left| left - 1);
                    if left == Some(0) {
                        known_id.get().map(|id| lp.clear_interval(id));
                    }
                });
                own_id.set(Some(id));
                return Some(Value::Timeout(id));
            }
            When::Immediate => return Some(Value::Immediate(lp.set_immediate(run))),
            When::NextTick => lp.next_tick(run),
            When::Microtask => lp.microtask(run),
            When::Io => self.io(lp, run),
            When::Connection => self.connection(lp, run),
            When::CloseSocket => drop(AsyncHandle::wake_only(lp).close_then(run)),
        }
        None
    }
    // ANCHOR_END: later

    fn io(&self, lp: &LoopHandle, run: impl FnOnce(&LoopHandle) + 'static) {
        if self.world == World::Scripted {
            return lp.request(move |lp, ()| run(lp)).complete(());
        }
        let folder = env!("CARGO_MANIFEST_DIR");
        let request = fs::stat(folder).then(lp, move |lp, outcome| {
            outcome.expect("the folder of the tests");
            run(lp);
        });
        drop(request.expect("the pool takes the request"));
    }

    fn connection(&self, lp: &LoopHandle, run: impl FnOnce(&LoopHandle) + 'static) {
        let number = self.sockets.get();
        self.sockets.set(number + 1);
        let port = if self.world == World::Real { 0 } else { SCRIPTED_PORT + number };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let listener = TcpListener::bind(lp, address, 8).expect("a listener on the loopback address");
        let address = listener.local_addr().expect("the listener's address");
        let mut run = Some(run);
        let server = listener.clone();
        listener.on_connection(move |lp, accepted| {
            if let Some(run) = run.take() {
                run(lp);
            }
            accepted.expect("the client's connection").close();
            server.close();
        });
        if self.world == World::Scripted {
            let now = lp.elapsed();
            self.script.connects(now, Peer(u32::from(number)), port);
            return;
        }
        let client = Rc::new(RefCell::new(None::<TcpStream>));
        let connected = client.clone();
        let stream = TcpStream::connect(lp, address, move |_, outcome| {
            outcome.expect("the server accepts");
            connected.borrow_mut().take().map(|client| client.close());
        });
        *client.borrow_mut() = Some(stream.expect("a socket for the client"));
    }

    fn stall(&self, length: Duration) {
        if self.world == World::Scripted {
            return self.script.hands().advance(length);
        }
        let start = self.clock.now();
        while self.clock.now() - start < length {
            std::hint::spin_loop();
        }
    }

    fn set(&self, name: Option<&String>, value: Option<Value>) {
        if let (Some(name), Some(value)) = (name, value) {
            let old = self.values.borrow_mut().insert(name.clone(), value);
            drop(old);
        }
    }

    fn value(&self, name: &str) -> Option<Value> {
        self.values.borrow().get(name).cloned()
    }

    fn promise(&self, name: &str) -> Promise {
        match self.value(name) {
            Some(Value::Promise(promise)) => promise,
            _ => panic!("`{name}` is used before there is a promise in it"),
        }
    }
}
