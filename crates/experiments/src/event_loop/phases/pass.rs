//! A program in which every pass of the loop has finished I/O, a due timer and ready jobs, and the trace of these passes.
//!
//! # Model
//! ```text
//! a byte arrives --> sets a job, a task, an immediate and a timer, computes until the timer is due
//! the timer      --> sends the next byte through the same connection, to its other end and back to the loop
//! ```
//! Nothing else is set, so each pass waits in poll for the byte, and the order of the callbacks is that of the phases.

use std::cell::{Cell, RefCell};
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use clock::Clock;
use experiment_kit::Interrupt;
use experiment_kit::experiment::Setup;
use experiment_kit::measurements::Sink;
use runtime_lab::{
    EventLoop, LoopHandle, PhaseEvent, ReadEvent, RunMode, TcpListener, TcpStream, TimerOrder,
};

/// A timer of a millisecond is due after so much computing.
const STALL: Duration = Duration::from_millis(2);

/// A connection that brings nothing for so long has failed; far more than a busy machine takes for one byte.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs the program on a loop with this order and puts what it showed into `sink`.
pub(super) fn measure(order: TimerOrder, setup: &Setup, sink: &mut Sink<'_>) -> Result<()> {
    let event_loop =
        EventLoop::options().timer_order(order).phase_trace(true).recorder(setup.recorder.clone()).build()?;
    let lp = event_loop.handle();
    let program = Rc::new(Program {
        clock: setup.clock.clone(),
        interrupt: setup.interrupt.clone(),
        labels: RefCell::default(),
        left: Cell::new(setup.knob("passes") as usize),
        here: RefCell::default(),
        there: RefCell::default(),
        failed: RefCell::default(),
    });
    program.open(&lp)?;
    event_loop.run(RunMode::Default)?;
    if let Some(what) = program.failed.take() {
        return Err(anyhow!(what));
    }
    let passes = passes(&lp.take_phase_trace());
    // The first ones open the connection, the last one ends without a timer.
    let whole: Vec<&String> =
        passes.iter().filter(|pass| pass.contains("io") && pass.contains("timer")).collect();
    sink.add("passes", whole.len() as f64);
    for pass in whole {
        sink.fact("pass", pass.as_str());
    }
    for cycle in cycles(&program.labels.borrow()) {
        sink.fact("cycle", cycle);
    }
    Ok(())
}

/// What each pass called, as `PHASE: WHAT, …`; passes in which nothing of the program ran are left out.
fn passes(trace: &[PhaseEvent]) -> Vec<String> {
    let mut passes: Vec<(u64, String)> = Vec::new();
    for event in trace {
        let (Some(phase), Some(label)) = (event.phase, label(event)) else { continue };
        match passes.last_mut() {
            Some((tick, text)) if *tick == event.tick => *text += &format!(", {}: {label}", phase.name()),
            _ => passes.push((event.tick, format!("{}: {label}", phase.name()))),
        }
    }
    passes.into_iter().map(|(_, text)| text).collect()
}

/// The word of the program for a callback; `None` for those that only open and close the connection.
fn label(event: &PhaseEvent) -> Option<&'static str> {
    match event.callee.name() {
        "read" => Some("io"),
        "microtask" => Some("job"),
        "task" => Some("task"),
        "immediate" => Some("immediate"),
        "timeout" => Some("timer"),
        _ => None,
    }
}

/// The labels from one I/O callback to the next, each order once; the last one, which is cut, is left out.
fn cycles(labels: &[&'static str]) -> Vec<String> {
    let begins: Vec<usize> = (0..labels.len()).filter(|&index| labels[index] == "io").collect();
    let mut cycles: Vec<String> = begins.windows(2).map(|pair| labels[pair[0]..pair[1]].join(", ")).collect();
    cycles.sort_unstable();
    cycles.dedup();
    cycles
}

struct Program {
    clock: Clock,
    interrupt: Interrupt,
    labels: RefCell<Vec<&'static str>>,
    /// Bytes that are still to come.
    left: Cell<usize>,
    here: RefCell<Option<TcpStream>>,
    there: RefCell<Option<TcpStream>>,
    failed: RefCell<Option<String>>,
}

impl Program {
    /// Opens a connection within the loop; the first byte is sent when both ends are there.
    fn open(self: &Rc<Self>, lp: &LoopHandle) -> Result<()> {
        let listener = TcpListener::bind(lp, SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), 8)?;
        let addr = listener.local_addr().context("a listener has an address")?;
        let (program, server) = (self.clone(), listener.clone());
        listener.on_connection(move |lp, accepted| {
            server.close();
            match accepted {
                Ok(stream) => program.listen(lp, stream),
                Err(error) => program.fail(lp, &format!("cannot accept: {error}")),
            }
        });
        let program = self.clone();
        let stream = TcpStream::connect(lp, addr, move |lp, outcome| match outcome {
            Ok(()) => program.send(lp),
            Err(error) => program.fail(lp, &format!("cannot connect: {error}")),
        })?;
        *self.there.borrow_mut() = Some(stream);
        let program = self.clone();
        let patience = lp.set_timeout(PATIENCE, move |lp| program.fail(lp, "no byte came for a long time"));
        lp.set_timeout_ref(patience, false);
        Ok(())
    }

    fn listen(self: &Rc<Self>, lp: &LoopHandle, stream: TcpStream) {
        let program = self.clone();
        let reading = stream.read_start(move |lp, event| match event {
            ReadEvent::Data(_) => program.byte(lp),
            ReadEvent::End | ReadEvent::Failed(_) => program.close(),
        });
        *self.here.borrow_mut() = Some(stream);
        if let Err(error) = reading {
            self.fail(lp, &format!("cannot read: {error}"));
        }
    }

    /// Finished I/O: sets one of everything.
    fn byte(self: &Rc<Self>, lp: &LoopHandle) {
        self.log("io");
        let left = if self.interrupt.came() { 0 } else { self.left.get().saturating_sub(1) };
        self.left.set(left);
        let note = |label| {
            let program = self.clone();
            move |_lp: &LoopHandle| program.log(label)
        };
        lp.microtask(note("job"));
        lp.spawn(async {}); // Its poll is in the trace; JavaScript has nothing like it.
        lp.set_immediate(note("immediate"));
        let program = self.clone();
        lp.set_timeout(Duration::ZERO, move |lp| {
            program.log("timer");
            if program.left.get() > 0 { program.send(lp) } else { program.close() }
        });
        let begun = self.clock.now();
        while self.clock.now().saturating_duration_since(begun) < STALL {
            std::hint::spin_loop();
        }
    }

    /// Sends a byte at once, so that no callback of a write comes in between.
    fn send(&self, lp: &LoopHandle) {
        let there = self.there.borrow().clone();
        let sent = there.map(|stream| stream.try_write(b"x"));
        match sent {
            Some(Ok(1)) => {}
            other => self.fail(lp, &format!("cannot send a byte: {other:?}")),
        }
    }

    fn log(&self, label: &'static str) {
        self.labels.borrow_mut().push(label);
    }

    fn fail(&self, lp: &LoopHandle, what: &str) {
        self.failed.borrow_mut().get_or_insert_with(|| what.to_owned());
        lp.stop();
    }

    fn close(&self) {
        for stream in self.here.take().into_iter().chain(self.there.take()) {
            stream.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use experiment_kit::measurements::Measurements;

    use super::super::{BEFORE, CYCLE, EXPERIMENT, PASS_BEFORE, PASS_SINCE, SINCE};
    use super::*;

    #[test]
    fn labels_are_cut_at_each_io() {
        let labels = ["timer", "io", "job", "timer", "io", "timer", "job", "io", "job", "timer", "io"];
        assert_eq!(cycles(&labels), ["io, job, timer", "io, timer, job"]);
        assert!(cycles(&["io", "job"]).is_empty());
    }

    #[test]
    fn both_orders_of_a_real_loop_are_told_apart() {
        let setup = Setup::new(&EXPERIMENT, true, 7, experiment_kit::Interrupt::default());
        let mut measured = Measurements::new(2);
        measure(TimerOrder::Since145, &setup, &mut Sink::new(&mut measured, SINCE)).unwrap();
        measure(TimerOrder::Before145, &setup, &mut Sink::new(&mut measured, BEFORE)).unwrap();
        assert_eq!(measured.facts_of("pass", SINCE), [PASS_SINCE]);
        assert_eq!(measured.facts_of("pass", BEFORE), [PASS_BEFORE]);
        assert_eq!(
            (measured.facts_of("cycle", SINCE), measured.facts_of("cycle", BEFORE)),
            (vec![CYCLE.to_owned()], vec![CYCLE.to_owned()])
        );
    }
}
