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
    let whole = |pass: &&Pass| LABELS.iter().all(|label| pass.calls.iter().any(|(_, known)| known == label));
    sink.add("passes", passes.len() as f64);
    sink.add("whole_passes", passes.iter().filter(whole).count() as f64);
    for pass in &passes {
        sink.fact("phases", pass.phases.join(", "));
        let calls: Vec<String> =
            pass.calls.iter().map(|(phase, label)| format!("{phase}: {label}")).collect();
        if !calls.is_empty() {
            sink.fact("pass", calls.join(", "));
        }
    }
    let cycles = cycles(&program.labels.borrow());
    sink.add("cycles", cycles.len() as f64);
    for cycle in cycles {
        sink.fact("cycle", cycle);
    }
    Ok(())
}

/// What the trace has of one pass.
struct Pass {
    tick: u64,
    /// The phases that called anything, in the order in which they did.
    phases: Vec<&'static str>,
    /// The calls of the program, each with its phase.
    calls: Vec<(&'static str, &'static str)>,
}

/// Every pass of the trace; what was called outside of all phases belongs to none.
fn passes(trace: &[PhaseEvent]) -> Vec<Pass> {
    let mut passes: Vec<Pass> = Vec::new();
    for event in trace {
        let Some(phase) = event.phase.map(|phase| phase.name()) else { continue };
        if passes.last().is_none_or(|pass| pass.tick != event.tick) {
            passes.push(Pass { tick: event.tick, phases: Vec::new(), calls: Vec::new() });
        }
        let Some(pass) = passes.last_mut() else { continue };
        if pass.phases.last() != Some(&phase) {
            pass.phases.push(phase);
        }
        pass.calls.extend(label(event).map(|label| (phase, label)));
    }
    passes
}

/// The words of the program.
const LABELS: &[&str] = &["io", "job", "task", "immediate", "timer"];

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

/// The labels from one I/O callback to the next; the last ones, which are cut, are left out.
fn cycles(labels: &[&'static str]) -> Vec<String> {
    let begins: Vec<usize> = (0..labels.len()).filter(|&index| labels[index] == "io").collect();
    begins.windows(2).map(|pair| labels[pair[0]..pair[1]].join(", ")).collect()
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

    use super::super::{BEFORE, CYCLE, EXPERIMENT, PASS_BEFORE, PASS_SINCE, PASSES_MIN, SINCE};
    use super::*;

    #[test]
    fn labels_are_cut_at_each_io() {
        let labels = ["timer", "io", "job", "timer", "io", "timer", "job", "io", "job", "timer", "io"];
        assert_eq!(cycles(&labels), ["io, job, timer", "io, timer, job", "io, job, timer"]);
        assert!(cycles(&["io", "job"]).is_empty());
    }

    #[test]
    fn both_orders_of_a_real_loop_are_told_apart() {
        let setup = Setup::new(&EXPERIMENT, true, 7, experiment_kit::Interrupt::default());
        let mut measured = Measurements::new(2);
        measure(TimerOrder::Since145, &setup, &mut Sink::new(&mut measured, SINCE)).unwrap();
        measure(TimerOrder::Before145, &setup, &mut Sink::new(&mut measured, BEFORE)).unwrap();
        assert!(measured.facts_of("pass", SINCE).contains(&PASS_SINCE.to_owned()));
        assert!(measured.facts_of("pass", BEFORE).contains(&PASS_BEFORE.to_owned()));
        for cell in [SINCE, BEFORE] {
            let count = |metric| measured.samples((metric, cell)).sum::<f64>();
            let (whole, all) = (count("whole_passes"), count("passes"));
            assert!(PASSES_MIN <= whole && whole < all, "{whole} of {all} passes, {cell}");
        }
        assert_eq!(
            (measured.facts_of("cycle", SINCE), measured.facts_of("cycle", BEFORE)),
            (vec![CYCLE.to_owned()], vec![CYCLE.to_owned()])
        );
    }
}
