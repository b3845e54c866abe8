//! Coarser rows for pictures: what is shorter than a pixel is drawn as a share of it.
//!
//! # Model
//! A loop that answers 10,000 requests in a window has 10,000 intervals of a tenth of a pixel. Long intervals stay
//! as they are. Short ones are added up, class by class, in cells of one resolution; a cell's `fill` is the share
//! of it that was taken, in eighths. Neighbouring cells that look the same become one piece.
//!
//! # Invariants
//! - V2: no interval disappears: each class that is in the row is in the pieces, and a stall has fill 8.

use std::sync::Arc;

use crate::lanes::{Class, Interval, Row, Window};

/// Something to draw: one interval, or the share of many.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) start_ns: u64,
    pub(crate) end_ns: u64,
    pub(crate) class: Class,
    /// How much of the piece is taken, in eighths, 1 to 8.
    pub(crate) fill: u8,
    pub(crate) depth: u32,
    pub(crate) label: Arc<str>,
    /// How many intervals it stands for.
    pub(crate) count: u32,
}

/// The row with a resolution of `resolution_ns`: by class, shares before single intervals; 0 changes nothing.
pub(crate) fn coarsen(row: &Row, window: Window, resolution_ns: u64) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for class in Class::ALL {
        let of_class = row.intervals.iter().filter(|interval| interval.class == class);
        let (long, short): (Vec<_>, Vec<_>) = of_class.partition(|one| one.duration_ns() >= resolution_ns);
        pieces.extend(shares(&short, window, resolution_ns));
        pieces.extend(long.into_iter().map(whole));
    }
    pieces
}

fn whole(interval: &Interval) -> Piece {
    Piece {
        start_ns: interval.start_ns,
        end_ns: interval.end_ns,
        class: interval.class,
        fill: 8,
        depth: interval.depth,
        label: interval.label.clone(),
        count: 1,
    }
}

/// The cells that hold short intervals of one class, neighbours that look the same joined.
fn shares(short: &[&Interval], window: Window, resolution_ns: u64) -> Vec<Piece> {
    let cell_of = |interval: &Interval| (interval.start_ns - window.from_ns) / resolution_ns;
    let mut pieces: Vec<Piece> = Vec::new();
    for cell in short.chunk_by(|left, right| cell_of(left) == cell_of(right)) {
        let piece = share(cell, window, cell_of(cell[0]), resolution_ns);
        match pieces.last_mut() {
            Some(last) if looks_like(last, &piece) => {
                last.end_ns = piece.end_ns;
                last.count += piece.count;
                if last.label != piece.label {
                    last.label = Arc::from("");
                }
            }
            _ => pieces.push(piece),
        }
    }
    pieces
}

fn share(cell: &[&Interval], window: Window, index: u64, resolution_ns: u64) -> Piece {
    let start_ns = window.from_ns + index * resolution_ns;
    let taken_ns: u64 = cell.iter().map(|interval| interval.duration_ns()).sum();
    let eighths = (taken_ns * 8).div_ceil(resolution_ns).clamp(1, 8) as u8;
    let same_label = cell.iter().all(|interval| interval.label == cell[0].label);
    Piece {
        start_ns,
        end_ns: (start_ns + resolution_ns).min(window.to_ns),
        class: cell[0].class,
        fill: if cell[0].class == Class::Stall { 8 } else { eighths },
        depth: cell.iter().map(|interval| interval.depth).max().unwrap_or(1),
        label: if same_label { cell[0].label.clone() } else { Arc::from("") },
        count: cell.len() as u32,
    }
}

fn looks_like(left: &Piece, right: &Piece) -> bool {
    left.end_ns == right.start_ns && left.fill == right.fill && left.depth == right.depth
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interval(start_ns: u64, end_ns: u64, class: Class) -> Interval {
        Interval { start_ns, end_ns, class, depth: 1, label: Arc::from("x") }
    }

    fn row(intervals: Vec<Interval>) -> Row {
        Row { name: "loop".to_owned(), intervals, dropped: 0 }
    }

    #[test]
    fn v2_short_things_become_shares_and_long_ones_stay() {
        let intervals = vec![
            interval(0, 10, Class::Busy),
            interval(20, 40, Class::Busy),
            interval(110, 130, Class::Busy),
            interval(200, 900, Class::Stall),
            interval(950, 951, Class::Stall),
        ];
        let pieces = coarsen(&row(intervals), Window::new(0, 1_000), 100);
        let drawn: Vec<_> = pieces.iter().map(|p| (p.start_ns, p.end_ns, p.class, p.fill, p.count)).collect();
        let expected = [
            (0, 100, Class::Busy, 3, 2),
            (100, 200, Class::Busy, 2, 1),
            (900, 1_000, Class::Stall, 8, 1),
            (200, 900, Class::Stall, 8, 1),
        ];
        assert_eq!(drawn, expected);
    }

    #[test]
    fn v2_cells_that_look_the_same_are_one_piece() {
        let busy: Vec<_> = (0..50).map(|cell| interval(cell * 20, cell * 20 + 5, Class::Busy)).collect();
        let pieces = coarsen(&row(busy), Window::new(0, 1_000), 100);
        assert_eq!(pieces.len(), 1);
        assert_eq!(
            (pieces[0].start_ns, pieces[0].end_ns, pieces[0].fill, pieces[0].count),
            (0, 1_000, 2, 50)
        );
    }

    #[test]
    fn a_resolution_of_0_changes_nothing() {
        let intervals = vec![interval(0, 1, Class::Busy), interval(1, 2, Class::Idle)];
        let pieces = coarsen(&row(intervals), Window::new(0, 10), 0);
        assert_eq!(pieces.len(), 2);
        assert!(pieces.iter().all(|piece| piece.fill == 8 && piece.count == 1));
    }
}
