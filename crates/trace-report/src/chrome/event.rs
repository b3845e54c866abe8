//! One event of the Chrome format, in the order and with the fields that viewers expect.

use std::borrow::Cow;

use serde::{Serialize, Serializer};

/// The kind of an event, named after the format's letters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) enum Phase {
    #[serde(rename = "M")]
    Metadata,
    #[serde(rename = "B")]
    Begin,
    #[serde(rename = "E")]
    End,
    #[serde(rename = "b")]
    AsyncBegin,
    #[serde(rename = "e")]
    AsyncEnd,
    #[serde(rename = "i")]
    Instant,
    #[serde(rename = "s")]
    FlowStart,
    #[serde(rename = "t")]
    FlowStep,
    #[serde(rename = "f")]
    FlowEnd,
}

/// One event; what is `None` is not written.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Event<'a> {
    pub(super) name: Cow<'a, str>,
    #[serde(rename = "cat", skip_serializing_if = "str::is_empty")]
    pub(super) category: &'static str,
    #[serde(rename = "ph")]
    pub(super) phase: Phase,
    /// Written as microseconds.
    #[serde(rename = "ts", serialize_with = "microseconds")]
    pub(super) t_ns: u64,
    pub(super) pid: u32,
    pub(super) tid: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<String>,
    /// `e`: a flow ends at the slice around it, not at the next one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) bp: Option<&'static str>,
    /// How far an instant reaches: `t` its thread, `p` its process, `g` everything.
    #[serde(rename = "s", skip_serializing_if = "Option::is_none")]
    pub(super) scope: Option<&'static str>,
    #[serde(skip_serializing_if = "Args::is_empty")]
    pub(super) args: Args<'a>,
}

/// What a viewer shows beside an event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct Args<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sort_index: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) parent: Option<u64>,
    /// The pass of a tick, the events of a poll, the bytes of a message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) outcome: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) dropped: Option<u64>,
    /// The slice goes on beyond the recording, or its end was lost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) cut: Option<bool>,
}

impl<'a> Event<'a> {
    pub(super) fn new(name: impl Into<Cow<'a, str>>, phase: Phase, pid: u32) -> Event<'a> {
        Event {
            name: name.into(),
            category: "",
            phase,
            t_ns: 0,
            pid,
            tid: 0,
            id: None,
            bp: None,
            scope: None,
            args: Args::default(),
        }
    }

    pub(super) fn at(self, t_ns: u64) -> Event<'a> {
        Event { t_ns, ..self }
    }

    pub(super) fn on(self, tid: u32) -> Event<'a> {
        Event { tid, ..self }
    }

    pub(super) fn category(self, category: &'static str) -> Event<'a> {
        Event { category, ..self }
    }

    /// An id that is unique in the file: hexadecimal text, the form in which no viewer rounds it.
    pub(super) fn id(self, id: u64) -> Event<'a> {
        let id = u64::from(self.pid) << 40 | id & ((1 << 40) - 1);
        Event { id: Some(format!("{id:#x}")), ..self }
    }

    pub(super) fn args(self, args: Args<'a>) -> Event<'a> {
        Event { args, ..self }
    }
}

impl Args<'_> {
    fn is_empty(&self) -> bool {
        *self == Args::default()
    }
}

/// Nanoseconds as microseconds with three decimals; exact for 100 days of trace.
fn microseconds<S: Serializer>(t_ns: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(*t_ns as f64 / 1_000.0)
}
