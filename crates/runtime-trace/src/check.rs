//! The trace checker: says what in a recording cannot be true.
//!
//! # Model
//! A recording whose writer is right and whose rings never were full obeys every rule below. Where a lane counted
//! drops, what is missing is explained and accepted; what is contradictory (a job that begins twice, time that
//! goes back) never is.
//!
//! # Invariants
//! - R3: records are in order of time, each lane exists under its own number, each name that a begin uses exists.
//! - R4: the slices of a lane nest and are closed.
//! - R5: a job is submitted, begun, ended and completed at most once, in this order of time, and its outcome is
//!   the same at its end and at its completion.
//! - R6: no stage of a job is missing: a job that was not cancelled has all four, a cancelled one no half of a run.
//! - R7: a lock is held by one lane at a time, and given back by the lane that took it.

use std::collections::BTreeMap;

use crate::event::{EventKind, Record};
use crate::locks;
use crate::recording::Recording;
use crate::slices::{self, Mismatch};

/// More problems than this are counted, not listed.
const LISTED_MAX: usize = 50;

/// How much of the world a recording shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edges {
    /// Everything from the first lane's begin to the last one's end: nothing may be open or in flight.
    Whole,
    /// A window of something longer: slices may cross the edges, jobs may lack their first stages or their last
    /// ones. A stage missing in the middle is still a problem.
    Cut,
}

impl Recording {
    /// Checks a whole recording: `check_edges(Edges::Whole)`.
    ///
    /// # Errors
    /// One sentence for each problem.
    pub fn check(&self) -> Result<(), Vec<String>> {
        self.check_edges(Edges::Whole)
    }

    /// Checks the recording by the rules of this file's header (`runtime-trace/src/check.rs`).
    ///
    /// # Errors
    /// One sentence for each problem, at most 50 and a count of the rest.
    pub fn check_edges(&self, edges: Edges) -> Result<(), Vec<String>> {
        let mut problems = Problems::default();
        check_order(self, &mut problems);
        check_slices(self, edges, &mut problems);
        check_jobs(self, edges, &mut problems);
        locks::check(self, edges, &mut |problem| problems.add(problem));
        problems.into_result()
    }
}

#[derive(Default)]
struct Problems {
    listed: Vec<String>,
    unlisted: usize,
}

impl Problems {
    fn add(&mut self, problem: String) {
        if self.listed.len() < LISTED_MAX {
            self.listed.push(problem);
        } else {
            self.unlisted += 1;
        }
    }

    fn into_result(mut self) -> Result<(), Vec<String>> {
        if self.listed.is_empty() {
            return Ok(());
        }
        if self.unlisted > 0 {
            self.listed.push(format!("and {} more", self.unlisted));
        }
        Err(self.listed)
    }
}

/// R3.
fn check_order(recording: &Recording, problems: &mut Problems) {
    for (index, lane) in recording.lanes.iter().enumerate() {
        if usize::from(lane.id) != index {
            problems.add(format!("lane {index} ({}) carries the number {}", lane.name, lane.id));
        }
    }
    let mut before_ns = 0;
    for (index, record) in recording.records.iter().enumerate() {
        if record.t_ns < before_ns {
            problems.add(format!("record {index} ({}) is earlier than the one before it", describe(record)));
        }
        before_ns = record.t_ns;
        if usize::from(record.lane) >= recording.lanes.len() {
            problems.add(format!("record {index} ({}) is on a lane that does not exist", describe(record)));
        }
        if names_arg(record.kind) && record.arg != 0 && record.arg as usize >= recording.names.len() {
            problems.add(format!("record {index} ({}) uses name {}, unknown", describe(record), record.arg));
        }
    }
}

/// R4.
fn check_slices(recording: &Recording, edges: Edges, problems: &mut Problems) {
    slices::slices(recording, &mut |mismatch| {
        let (record, what, at_edge) = match mismatch {
            Mismatch::BeganBefore(end) => (end, "ends but never began", true),
            Mismatch::OpenAtEnd(begin) => (begin, "begins but never ends", true),
            Mismatch::EndAlone(end) => (end, "ends inside a slice in which it did not begin", false),
            Mismatch::NotClosed(begin) => (begin, "is still open when the slice around it ends", false),
            Mismatch::InsideItself(begin) => (begin, "begins inside itself", false),
        };
        let has_holes = recording.lanes.get(usize::from(record.lane)).is_some_and(|lane| lane.dropped > 0);
        if !(has_holes || at_edge && edges == Edges::Cut) {
            problems.add(format!("{} {what}", describe(&record)));
        }
    });
}

/// The stages of one job as `(t_ns, arg)`: `stages[submit, begin, end, complete]`.
#[derive(Default)]
struct Job {
    stages: [Option<(u64, u32)>; 4],
}

const STAGES: [&str; 4] = ["submitted", "begun", "ended", "completed"];
const CANCELLED: u32 = 1;

/// R5 and R6.
fn check_jobs(recording: &Recording, edges: Edges, problems: &mut Problems) {
    let mut jobs: BTreeMap<u64, Job> = BTreeMap::new();
    for record in &recording.records {
        let Some(stage) = stage_of(record.kind) else { continue };
        let seen = &mut jobs.entry(record.id).or_default().stages[stage];
        if seen.is_some() {
            problems.add(format!("job {} is {} twice", record.id, STAGES[stage]));
        }
        *seen = Some((record.t_ns, record.arg));
    }
    let explained = recording.dropped() > 0;
    for (id, job) in &jobs {
        check_job_order(*id, job, problems);
        if !explained {
            check_job_complete(*id, job, edges, problems);
        }
    }
}

fn check_job_order(id: u64, job: &Job, problems: &mut Problems) {
    let mut before: Option<(usize, u64)> = None;
    for (stage, seen) in job.stages.iter().enumerate() {
        let Some((t_ns, _)) = *seen else { continue };
        if let Some((earlier, before_ns)) = before
            && t_ns < before_ns
        {
            problems.add(format!("job {id} is {} before it is {}", STAGES[stage], STAGES[earlier]));
        }
        before = Some((stage, t_ns));
    }
    // Outcomes: 0 done and 1 panicked at the end, 0 done, 1 cancelled and 2 panicked at the completion.
    if let (Some((_, end)), Some((_, complete))) = (job.stages[2], job.stages[3])
        && complete != CANCELLED
        && (end == 0) != (complete == 0)
    {
        problems.add(format!("job {id} ended with outcome {end} but completed with outcome {complete}"));
    }
}

fn check_job_complete(id: u64, job: &Job, edges: Edges, problems: &mut Problems) {
    let seen = job.stages.map(|stage| stage.is_some());
    let cancelled = job.stages[3].is_some_and(|(_, outcome)| outcome == CANCELLED);
    let first = seen.iter().position(|&stage| stage).unwrap_or(0);
    let last = seen.iter().rposition(|&stage| stage).unwrap_or(3);
    for (stage, name) in STAGES.iter().enumerate() {
        // A job that was cancelled before its start has no run at all.
        let not_needed = cancelled && !seen[1] && !seen[2] && (stage == 1 || stage == 2);
        let beyond_the_edge = edges == Edges::Cut && (stage < first || stage > last);
        if !(seen[stage] || not_needed || beyond_the_edge) {
            problems.add(format!("job {id} is never {name}"));
        }
    }
}

fn stage_of(kind: EventKind) -> Option<usize> {
    match kind {
        EventKind::JobSubmit => Some(0),
        EventKind::JobBegin => Some(1),
        EventKind::JobEnd => Some(2),
        EventKind::JobComplete => Some(3),
        _ => None,
    }
}

/// Whether the `arg` of this kind is an interned name.
fn names_arg(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::PhaseBegin
            | EventKind::CallbackBegin
            | EventKind::TaskPollBegin
            | EventKind::SpanBegin
            | EventKind::JobSubmit
            | EventKind::JobBegin
            | EventKind::Stall
            | EventKind::Mark
    )
}

fn describe(record: &Record) -> String {
    format!("{} {} on lane {} at {} ns", record.kind.word(), record.id, record.lane, record.t_ns)
}
