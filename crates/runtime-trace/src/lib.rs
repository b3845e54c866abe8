//! What a runtime did and when: event vocabulary, per-thread ring recorder, histograms, tracing layer.
//!
//! # Model
//! ```text
//! loop, pool, spans --Lane::record--> one ring for each thread --Recorder::collect--> Recording
//!                                                              check, slices, pictures <-'
//!                                                    Recording::write, read: the same as a file
//! ```
//! Everything that happens often is a [`Record`] of 32 bytes, written without a lock; `tracing` is for a user's
//! own spans and for what a person reads in a log. [`TraceLayer`] brings such spans into the same recording.
//!
//! ```
//! use runtime_trace::{EventKind, Recorder, next_id};
//!
//! let clock = clock::Clock::real();
//! let recorder = Recorder::new(1 << 16);
//! let lane = recorder.lane("loop");
//! let (id, name) = (next_id(), recorder.intern("hello"));
//! lane.record(clock.now(), EventKind::CallbackBegin, id, 0, name);
//! lane.record(clock.now(), EventKind::CallbackEnd, id, 0, 0);
//!
//! let recording = recorder.collect();
//! assert_eq!(recording.check(), Ok(()));
//! assert_eq!(recording.name(recording.slices()[0].arg), "hello");
//! ```

mod event;
mod recorder;
mod ring;
mod recording;
mod stored;
mod slices;
mod locks;
mod check;
mod histogram;
mod layer;

pub use check::Edges;
pub use event::{EventKind, Record, next_id};
pub use histogram::{LatencyHistogram, Summary};
pub use layer::{AdoptedLane, TraceLayer, adopt_lane, adopted_lane};
pub use recorder::{Lane, Recorder};
pub use recording::{LaneInfo, Recording};
pub use slices::Slice;
pub use stored::{STORED_RECORDS_MAX, StoredError};
