//! Chrome trace-event JSON, the format that ui.perfetto.dev and chrome://tracing open.
//!
//! # Model
//! | recorded                              | written                                                            |
//! |---------------------------------------|--------------------------------------------------------------------|
//! | slices                                | `B` and `E` on the lane's track, repaired so that they always nest |
//! | submit to begin of a job              | async `b` and `e`, category `queue`: waits overlap                 |
//! | timers, connections, lock wait, hold  | async `b` and `e` of their own categories                          |
//! | the same on a lane of one lock only   | `B` and `E` for each wait and each hold                            |
//! | submit, begin, complete of one job    | flow arrows `s`, `t`, `f`                                          |
//! | stalls, wakes, marks, messages        | instants `i`                                                       |
//! | dropped records                       | an instant on the lane, `otherData.dropped_records`                |
//!
//! A lane's track is lane + 1, because some viewers hide thread 0. Ids carry the process id above bit 40, so that
//! recordings of several processes fit into one file. Perfetto ties a flow to the slice around it, so where there
//! is none, a slice of length 0 is written.
//!
//! # Invariants
//! - V6: in the file, times never go back, slices nest on each track, async and flow events come in pairs.
//!
//! # Source
//! "Trace Event Format" (Google, 2016) and Perfetto's `json_trace_parser`: flow ids are numbers or hexadecimal,
//! slices on a track that overlap without nesting are not supported, events of one time keep their order.

mod event;
mod walk;
mod check;

use std::io::{self, Write};

use runtime_trace::Recording;

pub use check::{Problem, Summary, check};
use event::{Args, Event, Phase};

/// A recording and the process that it is of.
#[derive(Clone, Copy, Debug)]
pub struct Process<'a> {
    /// The process id.
    pub pid: u32,
    /// The name above its tracks.
    pub name: &'a str,
    /// What it recorded.
    pub recording: &'a Recording,
    /// Added to its times, so that processes with different starts share one time axis.
    pub offset_ns: u64,
}

/// Writes the recording of one process.
///
/// # Errors
/// What `out` returns; buffer it, the events are written one by one.
pub fn write(recording: &Recording, pid: u32, out: impl Write) -> io::Result<()> {
    write_processes(&[Process { pid, name: "runtime", recording, offset_ns: 0 }], out)
}

/// Writes the recordings of several processes into one file.
///
/// # Errors
/// What `out` returns.
pub fn write_processes(processes: &[Process<'_>], mut out: impl Write) -> io::Result<()> {
    let mut head = Vec::new();
    let mut events = Vec::new();
    let mut dropped = 0;
    for process in processes {
        metadata(process, &mut head);
        walk::events(process, &mut events);
        dropped += process.recording.dropped();
    }
    events.sort_by_key(|event: &Event<'_>| event.t_ns); // Stable: what happened at one time keeps its order.
    write!(
        out,
        "{{\"displayTimeUnit\":\"ms\",\"otherData\":{{\"dropped_records\":{dropped}}},\"traceEvents\":["
    )?;
    for (index, event) in head.iter().chain(&events).enumerate() {
        out.write_all(if index == 0 { b"\n" } else { b",\n" })?;
        serde_json::to_writer(&mut out, event)?;
    }
    out.write_all(b"\n]}\n")?;
    out.flush()
}

/// The names of the process and of its tracks.
fn metadata<'a>(process: &Process<'a>, events: &mut Vec<Event<'a>>) {
    let name = Args { name: Some(process.name), ..Args::default() };
    events.push(Event::new("process_name", Phase::Metadata, process.pid).args(name));
    for lane in &process.recording.lanes {
        let tid = u32::from(lane.id) + 1;
        let name = Args { name: Some(&lane.name), ..Args::default() };
        events.push(Event::new("thread_name", Phase::Metadata, process.pid).on(tid).args(name));
        let order = Args { sort_index: Some(tid), ..Args::default() };
        events.push(Event::new("thread_sort_index", Phase::Metadata, process.pid).on(tid).args(order));
    }
}
