//! The turns at a lock, lane by lane, and what cannot be true about them.

use std::collections::BTreeMap;

use crate::check::Edges;
use crate::event::EventKind;
use crate::recording::Recording;

/// A stretch of time in which one lane held a lock.
struct Turn {
    start_ns: u64,
    end_ns: u64,
    lane: u16,
}

/// R7: says in one sentence each what is wrong. Lanes with holes are left out: there a turn may seem longer than it was.
pub(crate) fn check(recording: &Recording, edges: Edges, problem: &mut dyn FnMut(String)) {
    for (lock, mut turns) in turns(recording, edges, problem) {
        turns.sort_by_key(|turn| (turn.start_ns, turn.end_ns));
        let mut latest: Option<Turn> = None;
        for turn in turns {
            if let Some(before) = latest.as_ref().filter(|before| turn.start_ns < before.end_ns) {
                let (lane, at_ns, other) = (turn.lane, turn.start_ns, before.lane);
                problem(format!("lane {lane} takes lock {lock} at {at_ns} ns while lane {other} has it"));
            }
            if latest.as_ref().is_none_or(|before| turn.end_ns >= before.end_ns) {
                latest = Some(turn);
            }
        }
    }
}

/// The turns by the number of the lock.
fn turns(recording: &Recording, edges: Edges, problem: &mut dyn FnMut(String)) -> BTreeMap<u64, Vec<Turn>> {
    let has_holes = |lane: u16| recording.lanes.get(usize::from(lane)).is_none_or(|info| info.dropped > 0);
    // By lock and lane: since when it is held, `None` when it was given back.
    let mut open: BTreeMap<(u64, u16), Option<u64>> = BTreeMap::new();
    let mut turns: BTreeMap<u64, Vec<Turn>> = BTreeMap::new();
    for record in recording.records.iter().filter(|record| !has_holes(record.lane)) {
        let (lock, lane, t_ns) = (record.id, record.lane, record.t_ns);
        match record.kind {
            EventKind::LockAcquire => {
                let before = open.insert((lock, lane), Some(t_ns)).flatten();
                if before.is_some() {
                    problem(format!("lane {lane} takes lock {lock} at {t_ns} ns, which it has"));
                }
            }
            EventKind::LockRelease => {
                let start_ns = match open.insert((lock, lane), None) {
                    Some(Some(start_ns)) => start_ns,
                    None if edges == Edges::Cut => 0,
                    _ => {
                        problem(format!("lane {lane} gives back lock {lock} at {t_ns} ns, which it has not"));
                        continue;
                    }
                };
                turns.entry(lock).or_default().push(Turn { start_ns, end_ns: t_ns, lane });
            }
            _ => (),
        }
    }
    for ((lock, lane), since_ns) in open {
        let Some(start_ns) = since_ns else { continue };
        if edges == Edges::Whole {
            problem(format!("lane {lane} never gives back lock {lock}, taken at {start_ns} ns"));
        }
        turns.entry(lock).or_default().push(Turn { start_ns, end_ns: u64::MAX, lane });
    }
    turns
}
