//! What a runtime did and when: event vocabulary, per-thread ring recorder, histograms, tracing layer.

mod event;
mod recorder;

pub use event::{EventKind, Record, next_id};
pub use recorder::{Lane, LaneInfo, Recorder, Recording};
