//! Checks a Chrome trace as its viewers would: what Perfetto would drop, or draw wrong, is a problem here.
//!
//! # Invariants
//! - K1: no time is negative, and times never go back from one event to the next.
//! - K2: slices (`B` and `E`, or `X`) nest on their track and are closed.
//! - K3: async events come in pairs `b`, `e` of one category, id and process.
//! - K4: a flow is `s`, any `t`, `f`, in this order, its id is a number, and there is a slice around each of its events.
//! - K5: each process and each thread that has events has a name.
//! - K6: the file says how many records were dropped, 0 included.
//!
//! # Source
//! "Trace Event Format" (Google, 2016) and Perfetto's `json_trace_parser`.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

/// More problems than this are counted, not listed.
const LISTED_MAX: usize = 50;

/// What an accepted trace holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// All events, metadata included.
    pub events: usize,
    /// Slices on tracks.
    pub slices: usize,
    /// Pairs of async events: waits, timers, connections.
    pub asyncs: usize,
    /// Flows from their `s` to their `f`: jobs.
    pub flows: usize,
    /// Instants: stalls, wakes, marks, messages.
    pub instants: usize,
    /// Named threads, over all processes.
    pub threads: usize,
    /// Records that the recorder lost.
    pub dropped: u64,
}

/// Something that a viewer would drop or draw wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The place in `traceEvents`, counted from 0, when it is about one event.
    pub event: Option<usize>,
    /// What is wrong, in a sentence without its full stop.
    pub text: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.event {
            Some(index) => write!(f, "event {index}: {}", self.text),
            None => f.write_str(&self.text),
        }
    }
}

/// Checks a trace by the rules of this file's header (`trace-report/src/chrome/check.rs`).
///
/// # Errors
/// One problem for each breach, at most 50 and a count of the rest.
pub fn check(trace: &Value) -> Result<Summary, Vec<Problem>> {
    let mut checker = Checker::default();
    match trace["otherData"]["dropped_records"].as_u64() {
        Some(dropped) => checker.summary.dropped = dropped,
        None => checker.say(None, "otherData.dropped_records is missing".to_owned()),
    }
    match trace["traceEvents"].as_array() {
        Some(events) => {
            for (index, event) in events.iter().enumerate() {
                if let Err(problem) = checker.event(index, event) {
                    checker.say(Some(index), problem);
                }
            }
            checker.summary.events = events.len();
        }
        None => checker.say(None, "traceEvents is missing".to_owned()),
    }
    checker.finish()
}

/// A process and a thread of it.
type Track = (u64, u64);

/// A slice that is open: `X` knows when it ends, `B` does not.
struct Open {
    name: String,
    ends_ns: Option<i64>,
    index: usize,
}

#[derive(Default)]
struct Checker {
    summary: Summary,
    problems: Vec<Problem>,
    unlisted: usize,
    before_ns: i64,
    stacks: BTreeMap<Track, Vec<Open>>,
    /// Open async events by category, id and process, with the event that began each.
    asyncs: BTreeMap<(String, String, u64), Vec<usize>>,
    /// The last phase of each flow, and its event.
    flows: BTreeMap<String, (String, usize)>,
    named_processes: BTreeSet<u64>,
    named_threads: BTreeSet<Track>,
    /// The first event of each track that has any.
    tracks: BTreeMap<Track, usize>,
}

impl Checker {
    fn say(&mut self, event: Option<usize>, text: String) {
        if self.problems.len() < LISTED_MAX {
            self.problems.push(Problem { event, text });
        } else {
            self.unlisted += 1;
        }
    }

    fn event(&mut self, index: usize, event: &Value) -> Result<(), String> {
        let (name, phase) = (text(event, "name")?, text(event, "ph")?);
        let track = (number(event, "pid")?, number(event, "tid")?);
        if phase == "M" {
            return self.metadata(name, track, event);
        }
        let at_ns = ns(event, "ts")?;
        if at_ns < 0 {
            return Err(format!("{name} is at a negative time"));
        }
        if at_ns < self.before_ns {
            return Err(format!("time goes back from {} to {at_ns} ns", self.before_ns));
        }
        self.before_ns = at_ns;
        self.tracks.entry(track).or_insert(index);
        // What has ended by now is closed; a slice without length stays for the flow that follows it.
        let stack = self.stacks.entry(track).or_default();
        while stack.last().is_some_and(|open| open.ends_ns.is_some_and(|ends_ns| ends_ns < at_ns)) {
            stack.pop();
        }
        match phase {
            "B" => self.begin(track, name, None, index),
            "X" => self.complete(track, name, at_ns, ns(event, "dur")?, index),
            "E" => self.end(track, name, at_ns),
            "b" | "e" => self.asynchronous(phase, track.0, event, index),
            "s" | "t" | "f" => self.flow(phase, track, event, index),
            "i" => {
                self.summary.instants += 1;
                text(event, "s").map(|_| ())
            }
            "C" => Ok(()),
            other => Err(format!("{name} has the unknown phase {other}")),
        }
    }

    fn metadata(&mut self, name: &str, track: Track, event: &Value) -> Result<(), String> {
        if matches!(name, "process_name" | "thread_name") {
            let named = event["args"]["name"].as_str().ok_or(format!("{name} has no args.name"))?;
            if named.is_empty() {
                return Err(format!("{name} is empty"));
            }
        }
        match name {
            "process_name" => _ = self.named_processes.insert(track.0),
            "thread_name" => _ = self.named_threads.insert(track),
            _ => (),
        }
        Ok(())
    }

    fn begin(&mut self, track: Track, name: &str, ends_ns: Option<i64>, index: usize) -> Result<(), String> {
        self.summary.slices += 1;
        self.stacks.entry(track).or_default().push(Open { name: name.to_owned(), ends_ns, index });
        Ok(())
    }

    fn complete(
        &mut self,
        track: Track,
        name: &str,
        at_ns: i64,
        dur_ns: i64,
        index: usize,
    ) -> Result<(), String> {
        if dur_ns < 0 {
            return Err(format!("{name} has a negative duration"));
        }
        let ends_ns = at_ns + dur_ns;
        let stack = self.stacks.entry(track).or_default();
        // Of two that touch, the first is over; one without length is inside.
        while stack.last().is_some_and(|open| open.ends_ns == Some(at_ns)) && dur_ns > 0 {
            stack.pop();
        }
        let around = stack.iter().rev().find_map(|open| Some((open.ends_ns?, &open.name)));
        if let Some((around_ns, around)) = around.filter(|(around_ns, _)| *around_ns < ends_ns) {
            return Err(format!("{name} ends at {ends_ns} ns, after {around} around it, at {around_ns} ns"));
        }
        self.begin(track, name, Some(ends_ns), index)
    }

    fn end(&mut self, track: Track, name: &str, at_ns: i64) -> Result<(), String> {
        let stack = self.stacks.entry(track).or_default();
        while stack.last().is_some_and(|open| open.ends_ns == Some(at_ns)) {
            stack.pop();
        }
        match stack.last() {
            Some(open) if open.ends_ns.is_none() && open.name == name => {
                stack.pop();
                Ok(())
            }
            Some(open) => Err(format!("{name} ends while {} is open", open.name)),
            None => Err(format!("{name} ends, but nothing is open")),
        }
    }

    fn asynchronous(&mut self, phase: &str, pid: u64, event: &Value, index: usize) -> Result<(), String> {
        let (category, id) = (text(event, "cat")?, text(event, "id")?);
        let open = self.asyncs.entry((category.to_owned(), id.to_owned(), pid)).or_default();
        if phase == "b" {
            open.push(index);
            self.summary.asyncs += 1;
            return Ok(());
        }
        open.pop().map(|_| ()).ok_or(format!("{category} {id} ends without a begin"))
    }

    fn flow(&mut self, phase: &str, track: Track, event: &Value, index: usize) -> Result<(), String> {
        let id = text(event, "id")?;
        if u64::from_str_radix(id.trim_start_matches("0x"), 16).is_err() {
            return Err(format!("the flow id {id:?} is no hexadecimal number"));
        }
        if self.stacks.entry(track).or_default().is_empty() {
            return Err(format!("flow {id} has no slice around its {phase}"));
        }
        let last = self.flows.insert(id.to_owned(), (phase.to_owned(), index));
        match (phase, last.as_ref().map(|(phase, _)| phase.as_str())) {
            ("s", None) => {
                self.summary.flows += 1;
                Ok(())
            }
            ("t" | "f", Some("s" | "t")) => Ok(()),
            (_, Some(last)) => Err(format!("flow {id} has its {phase} after its {last}")),
            (_, None) => Err(format!("flow {id} begins with {phase}")),
        }
    }

    fn finish(mut self) -> Result<Summary, Vec<Problem>> {
        let mut found = Vec::new();
        for open in self.stacks.values().flatten().filter(|open| open.ends_ns.is_none()) {
            found.push((open.index, format!("{} is never closed", open.name)));
        }
        for ((category, id, _), open) in &self.asyncs {
            found.extend(open.iter().map(|index| (*index, format!("{category} {id} has no end"))));
        }
        for (id, (phase, index)) in self.flows.iter().filter(|(_, (phase, _))| phase != "f") {
            found.push((*index, format!("flow {id} ends with {phase}")));
        }
        for (&(pid, tid), &index) in &self.tracks {
            if !self.named_processes.contains(&pid) {
                found.push((index, format!("process {pid} has no name")));
            }
            if !self.named_threads.contains(&(pid, tid)) {
                found.push((index, format!("thread {tid} of process {pid} has no name")));
            }
        }
        found.sort();
        found.into_iter().for_each(|(index, text)| self.say(Some(index), text));
        if self.unlisted > 0 {
            self.problems.push(Problem { event: None, text: format!("and {} more", self.unlisted) });
        }
        self.summary.threads = self.named_threads.len();
        if self.problems.is_empty() { Ok(self.summary) } else { Err(self.problems) }
    }
}

fn text<'a>(event: &'a Value, key: &str) -> Result<&'a str, String> {
    event[key].as_str().ok_or(format!("{key} is missing"))
}

fn number(event: &Value, key: &str) -> Result<u64, String> {
    event[key].as_u64().ok_or(format!("{key} is missing"))
}

/// Microseconds with decimals, as the nanoseconds that they were written from.
fn ns(event: &Value, key: &str) -> Result<i64, String> {
    event[key].as_f64().map(|us| (us * 1e3).round() as i64).ok_or(format!("{key} is missing"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn event(ph: &str, ts: f64, more: Value) -> Value {
        let mut event = json!({"name": "x", "cat": "c", "ph": ph, "ts": ts, "pid": 1, "tid": 1});
        event.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        event
    }

    fn named() -> Vec<Value> {
        let name = |what: &str| json!({"name": what, "ph": "M", "pid": 1, "tid": 1, "args": {"name": "n"}});
        vec![name("process_name"), name("thread_name")]
    }

    fn trace(events: Vec<Value>) -> Value {
        let events: Vec<Value> = named().into_iter().chain(events).collect();
        json!({"otherData": {"dropped_records": 0}, "traceEvents": events})
    }

    #[track_caller]
    fn refuses(events: Vec<Value>, says: &str) {
        let problems = check(&trace(events)).expect_err(says);
        let told: Vec<String> = problems.iter().map(Problem::to_string).collect();
        assert!(told[0].contains(says), "{told:?}, not {says}");
    }

    /// `inner` with a slice around it, from 0 to 9.
    fn inside(inner: Vec<Value>) -> Vec<Value> {
        let around = [event("B", 0.0, json!({})), event("E", 9.0, json!({}))];
        let [begin, end] = around;
        std::iter::once(begin).chain(inner).chain([end]).collect()
    }

    fn id() -> Value {
        json!({"id": "0x1"})
    }

    #[test]
    fn a_good_trace_is_counted() {
        let x = |ts: f64, dur: f64| event("X", ts, json!({ "dur": dur }));
        let events = inside(vec![
            x(1.0, 4.0),
            x(2.0, 1.0),
            x(3.0, 2.0), // It touches the one before and ends with the one around it.
            event("s", 4.0, id()),
            event("b", 5.0, id()),
            x(5.0, 0.0),
            event("t", 6.0, id()),
            event("f", 7.0, id()),
            event("e", 8.0, id()),
            event("i", 8.0, json!({"s": "t"})),
            event("C", 8.0, json!({"args": {"depth": 3}})),
        ]);
        let expected =
            Summary { events: 15, slices: 5, asyncs: 1, flows: 1, instants: 1, threads: 1, dropped: 0 };
        assert_eq!(check(&trace(events)), Ok(expected));
    }

    #[test]
    fn k1_negative_times_and_times_that_go_back_are_refused() {
        refuses(vec![event("i", -1.0, json!({"s": "t"}))], "negative time");
        refuses(vec![event("X", 1.0, json!({"dur": -1.0}))], "negative duration");
        refuses(vec![event("X", 1.0, json!({}))], "dur is missing");
        refuses(vec![event("B", 2.0, json!({})), event("E", 1.0, json!({}))], "time goes back from 2000");
    }

    #[test]
    fn k2_slices_that_do_not_nest_are_refused() {
        refuses(vec![event("B", 2.0, json!({}))], "event 2: x is never closed");
        refuses(vec![event("E", 2.0, json!({}))], "nothing is open");
        refuses(inside(vec![event("E", 2.0, json!({"name": "y"}))]), "y ends while x is open");
        let x = |name: &str, ts: f64, dur: f64| event("X", ts, json!({"name": name, "dur": dur}));
        refuses(vec![x("a", 0.0, 5.0), x("b", 3.0, 4.0)], "b ends at 7000 ns, after a around it, at 5000 ns");
        refuses(inside(vec![x("a", 8.0, 5.0)]), "x ends while a is open");
    }

    #[test]
    fn k3_async_events_without_a_partner_are_refused() {
        refuses(vec![event("b", 2.0, id())], "c 0x1 has no end");
        refuses(vec![event("e", 2.0, id())], "ends without a begin");
        let other = json!({"id": "0x1", "cat": "d"});
        refuses(vec![event("b", 1.0, id()), event("e", 2.0, other)], "d 0x1 ends without a begin");
    }

    #[test]
    fn k4_flows_that_are_cut_or_out_of_order_are_refused() {
        refuses(vec![event("s", 2.0, id())], "no slice around its s");
        refuses(inside(vec![event("s", 2.0, id())]), "flow 0x1 ends with s");
        refuses(inside(vec![event("f", 2.0, id())]), "flow 0x1 begins with f");
        refuses(inside(vec![event("s", 2.0, id()), event("s", 3.0, id())]), "has its s after its s");
        let over = vec![event("s", 2.0, id()), event("f", 3.0, id()), event("t", 4.0, id())];
        refuses(inside(over), "has its t after its f");
        refuses(inside(vec![event("s", 2.0, json!({"id": "job 1"}))]), "no hexadecimal number");
    }

    #[test]
    fn k5_tracks_without_names_are_refused() {
        let elsewhere = |more: Value| vec![event("i", 1.0, json!({"s": "t"})), event("i", 1.0, more)];
        refuses(elsewhere(json!({"s": "t", "tid": 2})), "thread 2 of process 1 has no name");
        refuses(elsewhere(json!({"s": "t", "pid": 2})), "process 2 has no name");
        let nameless = json!({"name": "thread_name", "ph": "M", "pid": 1, "tid": 1, "args": {}});
        refuses(vec![nameless], "thread_name has no args.name");
    }

    #[test]
    fn k6_a_trace_that_hides_what_was_dropped_is_refused() {
        let mut hidden = trace(Vec::new());
        hidden["otherData"] = json!({});
        let problems = check(&hidden).expect_err("refused");
        assert_eq!(problems[0].to_string(), "otherData.dropped_records is missing");
        let mut lost = trace(Vec::new());
        lost["otherData"]["dropped_records"] = json!(7);
        assert_eq!(check(&lost).map(|summary| summary.dropped), Ok(7));
    }

    #[test]
    fn what_is_no_trace_is_refused() {
        let problems = check(&json!({"otherData": {"dropped_records": 0}})).expect_err("refused");
        assert_eq!(problems[0].to_string(), "traceEvents is missing");
        refuses(vec![json!({"ph": "i"})], "name is missing");
        refuses(vec![event("Z", 2.0, json!({}))], "unknown phase Z");
        refuses(vec![event("i", 2.0, json!({}))], "s is missing");
    }

    #[test]
    fn many_problems_are_counted() {
        let problems = check(&trace(vec![event("Z", 1.0, json!({})); 80])).expect_err("refused");
        assert_eq!(problems.len(), LISTED_MAX + 1);
        assert_eq!(problems[LISTED_MAX].to_string(), "and 30 more");
    }
}
