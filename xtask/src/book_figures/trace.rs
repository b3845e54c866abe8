//! A Chrome trace, read back as slices and waits, in nanoseconds.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::Value;

/// What the figures need of a trace.
#[derive(Debug, Default)]
pub(super) struct Trace {
    /// Records that found no room.
    pub(super) dropped: u64,
    /// Begins, ends and points.
    pub(super) records: usize,
    /// Names of the threads by number.
    pub(super) threads: BTreeMap<u64, String>,
    /// What has a begin and an end on a thread, in order of its begin.
    pub(super) slices: Vec<Slice>,
    /// What begins and ends with an id, wherever that happens: when a timer was set and when it fired.
    pub(super) waits: Vec<Slice>,
}

/// Something with a begin and an end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slice {
    pub(super) thread: u64,
    pub(super) name: String,
    pub(super) category: String,
    pub(super) from_ns: i64,
    pub(super) to_ns: i64,
    /// `args.id`: the handle, job or lock that it is about.
    pub(super) id: u64,
    /// `args.count`, of its begin or its end: a pass has its number, a poll the events that it found.
    pub(super) count: Option<u64>,
}

impl Trace {
    pub(super) fn read(path: &Path) -> Result<Trace> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Trace::parse(&text).with_context(|| format!("{} is no Chrome trace", path.display()))
    }

    pub(super) fn parse(text: &str) -> Result<Trace> {
        let whole: Value = serde_json::from_str(text)?;
        let mut trace = Trace {
            dropped: whole["otherData"]["dropped_records"].as_u64().context("dropped_records is missing")?,
            ..Trace::default()
        };
        let mut open: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        let mut waiting: BTreeMap<(String, String), usize> = BTreeMap::new();
        for event in whole["traceEvents"].as_array().context("traceEvents is missing")? {
            let name = event["name"].as_str().context("an event has no name")?;
            let thread = event["tid"].as_u64().context("an event has no thread")?;
            let at_ns = event["ts"].as_f64().map_or(0, |us| (us * 1e3).round() as i64);
            let phase = event["ph"].as_str().unwrap_or_default();
            if phase == "M" {
                if let ("thread_name", Some(named)) = (name, event["args"]["name"].as_str()) {
                    trace.threads.insert(thread, named.to_owned());
                }
                continue;
            }
            trace.records += 1;
            let count = event["args"]["count"].as_u64();
            let begun = || Slice {
                thread,
                name: name.to_owned(),
                category: event["cat"].as_str().unwrap_or_default().to_owned(),
                from_ns: at_ns,
                to_ns: at_ns,
                id: event["args"]["id"].as_u64().unwrap_or_default(),
                count,
            };
            let key = || (name.to_owned(), event["id"].as_str().unwrap_or_default().to_owned());
            match phase {
                "B" => {
                    open.entry(thread).or_default().push(trace.slices.len());
                    trace.slices.push(begun());
                }
                "E" => {
                    let index = open.entry(thread).or_default().pop().context("an end without a begin")?;
                    trace.slices[index].to_ns = at_ns;
                    trace.slices[index].count = trace.slices[index].count.or(count);
                }
                "b" => {
                    waiting.insert(key(), trace.waits.len());
                    trace.waits.push(begun());
                }
                "e" => {
                    let index = waiting.remove(&key()).context("an end without a begin")?;
                    trace.waits[index].to_ns = at_ns;
                }
                _ => (),
            }
        }
        Ok(trace)
    }

    /// The slices of a category, in order of their begin.
    pub(super) fn of(&self, category: &str) -> impl Iterator<Item = &Slice> {
        self.slices.iter().filter(move |slice| slice.category == category)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn begins_and_ends_become_slices() {
        let text = r#"{"otherData":{"dropped_records":3},"traceEvents":[
            {"name":"thread_name","ph":"M","ts":0.0,"pid":1,"tid":2,"args":{"name":"loop"}},
            {"name":"timer","cat":"timer","ph":"b","ts":0.5,"pid":1,"tid":2,"id":"0x1","args":{"id":9}},
            {"name":"poll","cat":"poll","ph":"B","ts":1.0,"pid":1,"tid":2,"args":{"id":4}},
            {"name":"x","cat":"callback","ph":"B","ts":1.5,"pid":1,"tid":2},
            {"name":"x","cat":"callback","ph":"E","ts":1.625,"pid":1,"tid":2},
            {"name":"poll","cat":"poll","ph":"E","ts":2.0,"pid":1,"tid":2,"args":{"count":1}},
            {"name":"timer","cat":"timer","ph":"e","ts":2.5,"pid":1,"tid":2,"id":"0x1"}]}"#;
        let trace = Trace::parse(text).unwrap();
        assert_eq!((trace.dropped, trace.records, trace.threads[&2].as_str()), (3, 6, "loop"));
        let poll = trace.of("poll").next().unwrap();
        assert_eq!((poll.from_ns, poll.to_ns, poll.id, poll.count), (1000, 2000, 4, Some(1)));
        assert_eq!((trace.slices[1].from_ns, trace.slices[1].to_ns), (1500, 1625));
        assert_eq!((trace.waits[0].from_ns, trace.waits[0].to_ns, trace.waits[0].id), (500, 2500, 9));
    }

    #[test]
    fn what_is_no_trace_is_refused() {
        let says = |events: &str| {
            Trace::parse(&format!(r#"{{"otherData":{{"dropped_records":0}},"traceEvents":{events}}}"#))
                .is_err()
        };
        assert!(says(r#"[{"name":"x","ph":"E","ts":1.0,"pid":1,"tid":1}]"#));
        assert!(says(r#"[{"name":"x","ph":"e","ts":1.0,"pid":1,"tid":1,"id":"0x1"}]"#));
        assert!(says("7"));
        assert!(Trace::parse("{}").is_err());
    }
}
