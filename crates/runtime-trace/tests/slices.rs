//! Begins and ends become slices, and what a cut or a drop tore apart is repaired as the table in `slices.rs` says.

use proptest::prelude::*;
use runtime_trace::EventKind::{self, *};
use runtime_trace::{Edges, Recording, Slice};

mod support;
use support::Script;

fn outline(slices: &[Slice]) -> Vec<(EventKind, u64, u64, u64, u16)> {
    slices.iter().map(|s| (s.kind, s.id, s.start_ns, s.end_ns, s.depth)).collect()
}

#[test]
fn nested_slices_keep_their_depth_and_arguments() {
    let recording = Script::new(&["loop"])
        .with(0, 0, TickBegin, 1, 9)
        .at(1, 0, PollBegin, 1)
        .with(5, 0, PollEnd, 1, 3)
        .with(5, 0, CallbackBegin, 2, 1)
        .at(8, 0, CallbackEnd, 2)
        .at(9, 0, TickEnd, 1)
        .0;
    let slices = recording.slices();
    assert_eq!(
        outline(&slices),
        [(TickBegin, 1, 0, 9, 0), (PollBegin, 1, 1, 5, 1), (CallbackBegin, 2, 5, 8, 1)]
    );
    assert_eq!(
        slices.iter().map(|s| (s.arg, s.end_arg)).collect::<Vec<_>>(),
        [(9, Some(0)), (0, Some(3)), (1, Some(0))]
    );
    assert_eq!((slices[2].begin_index, slices[2].end_index, slices[2].duration_ns()), (Some(3), Some(4), 3));
    assert_eq!(recording.name(slices[2].arg), "connection");
}

#[test]
fn slices_that_a_cut_opens_reach_to_its_edges() {
    let recording = Script::new(&["loop", "pool"])
        .at(5, 1, Wake, 0)
        .at(10, 0, CallbackEnd, 2)
        .at(12, 0, CallbackBegin, 3)
        .at(14, 0, CallbackEnd, 3)
        .at(20, 0, TickEnd, 1)
        .at(30, 0, TickBegin, 4)
        .at(35, 0, CallbackBegin, 5)
        .at(40, 1, Wake, 0)
        .0;
    let slices = recording.slices();
    assert_eq!(
        outline(&slices),
        [
            (TickBegin, 1, 5, 20, 0),
            (CallbackBegin, 2, 5, 10, 1),
            (CallbackBegin, 3, 12, 14, 1),
            (TickBegin, 4, 30, 40, 0),
            (CallbackBegin, 5, 35, 40, 1),
        ]
    );
    assert_eq!(
        slices.iter().map(|s| (s.cut_start, s.cut_end)).collect::<Vec<_>>(),
        [(true, false), (true, false), (false, false), (false, true), (false, true)]
    );
}

#[test]
fn a_lost_end_does_not_make_the_loop_busy_for_ever() {
    // The ends of callback 2 and tick 1 were dropped, then the ring had room again.
    let recording = Script::new(&["loop"])
        .at(0, 0, TickBegin, 1)
        .at(2, 0, CallbackBegin, 2)
        .at(3, 0, SpanBegin, 8)
        .at(100, 0, TickBegin, 3)
        .at(110, 0, TickEnd, 3)
        .at(120, 0, PollEnd, 4)
        .dropped(0, 5)
        .0;
    assert_eq!(
        outline(&recording.slices()),
        [
            (TickBegin, 1, 0, 3, 0),
            (CallbackBegin, 2, 2, 3, 1),
            (SpanBegin, 8, 3, 3, 2),
            (TickBegin, 3, 100, 110, 0),
        ]
    );
}

#[test]
fn an_inner_slice_without_an_end_ends_with_the_outer_one() {
    let recording = Script::new(&["loop"])
        .at(0, 0, TickBegin, 1)
        .at(2, 0, CallbackBegin, 2)
        .at(9, 0, TickEnd, 1)
        .at(20, 0, Wake, 0)
        .0;
    let slices = recording.slices();
    assert_eq!(outline(&slices), [(TickBegin, 1, 0, 9, 0), (CallbackBegin, 2, 2, 9, 1)]);
    assert_eq!((slices[1].cut_end, slices[1].end_index), (true, None));
}

#[test]
fn closing_open_slices_makes_a_cut_whole() {
    let mut recording = Script::new(&["loop", "pool"])
        .at(10, 0, CallbackEnd, 2)
        .at(20, 0, TickEnd, 1)
        .at(30, 0, TickBegin, 4)
        .at(35, 0, CallbackBegin, 5)
        .at(36, 1, SpanBegin, 6)
        .0;
    assert!(recording.check().is_err());
    recording.close_open_slices(50);
    assert_eq!(recording.check(), Ok(()));
    assert!(recording.slices().iter().all(|slice| !slice.cut_start && !slice.cut_end));
    assert_eq!(recording.time_range_ns(), Some((10, 50)));
    let mut early = Script::new(&["loop"]).at(10, 0, TickBegin, 1).at(90, 0, Wake, 0).0;
    early.close_open_slices(50);
    assert_eq!(early.time_range_ns(), Some((10, 90)), "an end before the last record is moved to it");
    Recording::default().close_open_slices(50);
}

/// A random tree of slices on one lane: `true` goes in, `false` comes out.
fn tree(steps: &[bool]) -> Recording {
    let kinds = [TickBegin, PhaseBegin, CallbackBegin, SpanBegin];
    let mut script = Script::new(&["loop"]);
    let mut open: Vec<(EventKind, u64)> = Vec::new();
    let mut t_ns = 0;
    for into in steps {
        t_ns += 1;
        match (into, open.len()) {
            (true, depth @ 0..4) => {
                open.push((kinds[depth], t_ns));
                script = script.at(t_ns, 0, kinds[depth], t_ns);
            }
            _ => {
                let Some((kind, id)) = open.pop() else { continue };
                script = script.at(t_ns, 0, kind.slice_end().expect("a begin"), id);
            }
        }
    }
    for (kind, id) in open.into_iter().rev() {
        t_ns += 1;
        script = script.at(t_ns, 0, kind.slice_end().expect("a begin"), id);
    }
    script.0
}

proptest! {
    #[test]
    fn any_window_of_a_tree_nests_and_can_be_closed(
        steps in proptest::collection::vec(any::<bool>(), 1..80), from in 0..80_usize, length in 0..80_usize,
    ) {
        let whole = tree(&steps);
        prop_assert_eq!(whole.check(), Ok(()));
        let count = whole.records.len();
        let from = from.min(count);
        let mut window = Recording { records: whole.records[from..(from + length).min(count)].to_vec(), ..whole };
        prop_assert_eq!(window.check_edges(Edges::Cut), Ok(()));
        assert_nests(&window.slices())?;
        window.close_open_slices(1_000);
        prop_assert_eq!(window.check(), Ok(()));
    }

    #[test]
    fn whatever_was_dropped_the_rest_still_nests(
        steps in proptest::collection::vec(any::<bool>(), 1..80), kept in proptest::collection::vec(any::<bool>(), 80),
    ) {
        let mut recording = tree(&steps);
        let mut kept = kept.into_iter().chain(std::iter::repeat(true));
        recording.records.retain(|_| kept.next() == Some(true));
        recording.lanes[0].dropped = 1;
        prop_assert_eq!(recording.check(), Ok(()));
        assert_nests(&recording.slices())?;
    }
}

/// Slices of one lane: each is inside the one around it, and begins after its neighbour ends.
fn assert_nests(slices: &[Slice]) -> Result<(), TestCaseError> {
    let mut open: Vec<&Slice> = Vec::new();
    for slice in slices {
        prop_assert!(slice.start_ns <= slice.end_ns);
        prop_assert!(usize::from(slice.depth) <= open.len());
        let closed = open.split_off(usize::from(slice.depth));
        prop_assert!(closed.iter().all(|before| before.end_ns <= slice.start_ns));
        prop_assert!(
            open.iter().all(|outer| outer.start_ns <= slice.start_ns && slice.end_ns <= outer.end_ns)
        );
        open.push(slice);
    }
    Ok(())
}
