//! An echo on a loop and a client that asks again as soon as it was answered: what shows that a loop still serves.
//!
//! # Model
//! ```text
//! client thread                      the loop, on the thread that called `watch`
//! sends a byte, notes the time  ──▶  reads it, sends it back, counts it
//! notes the answer, sends again      with the third one: the act begins, after the answer has left
//!                                    …
//!                                    the act says that it is over; the next answer is the last one
//! ```
//! So one byte is on its way all the time. What was answered between begin and end of the act is counted on the loop,
//! exactly: a loop that cannot serve meanwhile counts nothing, whatever else the machine does.
//!
//! # Threads
//! `echo-client` ends when its connection is closed, at the end or with the runtime; `watch` joins it.

use std::cell::{Cell, RefCell};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::rc::Rc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use clock::Clock;
use experiment_kit::measurements::Sink;
use runtime_lab::{LoopHandle, ReadEvent, RunMode, Runtime, TcpListener};

/// The act begins with this answer: connection and caches are warm then.
const WARM: u64 = 3;

/// A loop that does not answer for so long has been lost.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);

/// What a loop did while the act went on.
pub(super) struct Watched {
    /// Bytes that were answered between begin and end.
    pub(super) served: u64,
    /// Bytes that were answered before it began.
    before: u64,
    ended: Instant,
    pings: Vec<Ping>,
}

/// One byte, as the client saw it.
struct Ping {
    sent: Instant,
    answered: Instant,
}

impl Watched {
    /// `served`, `asked` (sent before the end, and not answered before the begin) and how long those waited, in
    /// milliseconds. Nothing where nobody asked, because the client did not get a processor: then nothing could be served
    /// either way.
    pub(super) fn tell(&self, sink: &mut Sink<'_>) {
        // Answers come in the order of the pings. By number and not by time, because the client may have asked again in the
        // moment between the last answer and the begin.
        let unanswered = self.pings.iter().skip(usize::try_from(self.before).unwrap_or(usize::MAX));
        let asked = unanswered.filter(|ping| ping.sent <= self.ended);
        let waited = |ping: &Ping| ping.answered.saturating_duration_since(ping.sent).as_secs_f64() * 1e3;
        let waits: Vec<f64> = asked.map(waited).collect();
        if waits.is_empty() {
            return;
        }
        sink.add("served", self.served as f64);
        sink.add("asked", waits.len() as f64);
        sink.extend("wait_ms", waits);
    }
}

/// How the act says where it begins and ends; by default it begins when it is called.
#[derive(Clone)]
pub(super) struct Span(Rc<State>);

impl Span {
    /// What counts begins only now.
    pub(super) fn begin(&self) {
        self.0.begun.set(Some(self.0.answered.get()));
    }

    /// The act is over.
    pub(super) fn end(&self) {
        self.0.ended.set(Some((self.0.clock.now(), self.0.answered.get())));
    }
}

type Act = Box<dyn FnOnce(&LoopHandle, Span)>;

struct State {
    clock: Clock,
    answered: Cell<u64>,
    /// The answers until the begin.
    begun: Cell<Option<u64>>,
    /// When it ended, and the answers until then.
    ended: Cell<Option<(Instant, u64)>>,
    act: RefCell<Option<Act>>,
}

/// Runs `act` on the loop of `runtime` beside the echo, and says what was served meanwhile.
///
/// # Errors
/// When there is no socket to be had, the loop ends with an error, or the act never said that it was over.
pub(super) fn watch(
    runtime: Runtime,
    clock: &Clock,
    act: impl FnOnce(&LoopHandle, Span) + 'static,
) -> Result<Watched> {
    let state = Rc::new(State {
        clock: clock.clone(),
        answered: Cell::new(0),
        begun: Cell::new(None),
        ended: Cell::new(None),
        act: RefCell::new(Some(Box::new(act))),
    });
    let lp = runtime.handle();
    let addr = serve(&lp, &state).context("cannot serve an echo")?;
    let (remote, clock) = (lp.remote(), clock.clone());
    let client = std::thread::Builder::new().name("echo-client".to_owned()).spawn(move || {
        let pings = ask(addr, &clock);
        // Without its client the loop would wait for ever; one that has ended already need not be told.
        let _ = remote.stop();
        pings
    })?;
    let ran = runtime.run(RunMode::Default);
    drop(runtime); // Closes what is still open, so that the client ends in any case.
    let pings = client.join().map_err(|_| anyhow!("the client of the echo panicked"))??;
    ran?;
    let (Some(before), Some((ended, after))) = (state.begun.get(), state.ended.get()) else {
        bail!("the act beside the echo was not ended");
    };
    Ok(Watched { served: after - before, before, ended, pings })
}

fn serve(lp: &LoopHandle, state: &Rc<State>) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(lp, SocketAddr::from(([127, 0, 0, 1], 0)), 8)?;
    let addr = listener.local_addr()?;
    let (state, door) = (state.clone(), listener.clone());
    listener.on_connection(move |_lp, accepted| {
        let Ok(stream) = accepted else { return };
        let (peer, state, door) = (stream.clone(), state.clone(), door.clone());
        let started = stream.read_start(move |lp, event| {
            let goes_on = match event {
                // One byte always fits into an empty buffer; a broken connection shows at the next read.
                ReadEvent::Data(bytes) => peer.try_write(bytes).is_ok() && answered(lp, &state),
                ReadEvent::End | ReadEvent::Failed(_) => false,
            };
            if !goes_on {
                peer.close();
                door.close();
            }
        });
        if started.is_err() {
            stream.close();
        }
    });
    Ok(addr)
}

/// Counts an answer; `false` when it was the last one.
fn answered(lp: &LoopHandle, state: &Rc<State>) -> bool {
    state.answered.set(state.answered.get() + 1);
    if state.answered.get() == WARM {
        let act = state.act.borrow_mut().take();
        if let Some(act) = act {
            let span = Span(state.clone());
            span.begin();
            act(lp, span);
            return true;
        }
    }
    state.ended.get().is_none()
}

/// Asks until the connection ends.
fn ask(addr: SocketAddr, clock: &Clock) -> std::io::Result<Vec<Ping>> {
    let mut connection = TcpStream::connect(addr)?;
    connection.set_nodelay(true)?;
    connection.set_read_timeout(Some(ANSWER_LIMIT))?;
    let mut pings = Vec::new();
    let mut byte = [b'?'];
    loop {
        let sent = clock.now();
        if connection.write_all(&byte).is_err() || connection.read_exact(&mut byte).is_err() {
            return Ok(pings); // Closed by the other side, which is how it ends.
        }
        pings.push(Ping { sent, answered: clock.now() });
    }
}

#[cfg(test)]
mod tests {
    use experiment_kit::measurements::Measurements;

    use super::*;

    /// Pings sent and answered at these milliseconds, beside an act that began after so many answers and ended at 20.
    fn told(before: u64, pings: &[(u64, u64)]) -> Measurements {
        let (clock, _hands) = Clock::manual();
        let at = |ms: u64| clock.now() + Duration::from_millis(ms);
        let pings = pings.iter().map(|&(sent, answered)| Ping { sent: at(sent), answered: at(answered) });
        let watched = Watched { served: 0, before, ended: at(20), pings: pings.collect() };
        let mut measured = Measurements::new(2);
        watched.tell(&mut Sink::new(&mut measured, "c"));
        measured
    }

    #[test]
    fn only_what_waits_during_the_act_counts_as_asked() {
        let measured = told(2, &[(8, 9), (9, 11), (12, 21), (21, 22)]);
        assert_eq!(measured.samples(("asked", "c")).collect::<Vec<_>>(), [1.0]);
        assert_eq!(measured.samples(("wait_ms", "c")).collect::<Vec<_>>(), [9.0]);
        assert_eq!(measured.samples(("served", "c")).collect::<Vec<_>>(), [0.0]);
    }

    #[test]
    fn where_nobody_asked_nothing_was_measured() {
        assert!(told(1, &[(8, 9), (21, 22)]).is_empty());
    }

    #[test]
    fn an_act_that_ends_at_once_serves_nothing_and_the_echo_ends() {
        let watched = watch(Runtime::new().unwrap(), &Clock::real(), |_lp, span| span.end()).unwrap();
        assert_eq!(watched.served, 0);
        assert!(watched.pings.len() as u64 >= WARM);
    }
}
