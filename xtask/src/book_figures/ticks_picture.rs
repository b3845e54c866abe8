//! The static picture of the steps: a row for each pass, a column for each phase, in every place what ran there.

use super::svg::Svg;
use super::ticks::{Ticks, What};

const LEFT: f64 = 74.0;
const COLUMN: f64 = 116.0;
/// A phase in which nothing ran needs no more room than its name.
const NARROW: f64 = 56.0;
const CHIP: f64 = 24.0;
const TOP: f64 = 62.0;

/// What ran at one place of the table, with its number in the order of all.
struct Ran {
    pass: u64,
    column: usize,
    words: String,
}

pub(super) fn draw(ticks: &Ticks) -> String {
    let mut columns = vec!["before".to_owned()];
    columns.extend(ticks.phases.iter().cloned());
    let ran = ran(ticks, &columns);
    let passes = ran.iter().map(|one| one.pass).max().unwrap_or(0);
    let used = |column: usize| ran.iter().any(|one| one.column == column);
    let widths: Vec<f64> =
        (0..columns.len()).map(|column| if used(column) { COLUMN } else { NARROW }).collect();
    let lines = |pass: u64| {
        let in_column = |column| ran.iter().filter(|one| one.pass == pass && one.column == column).count();
        (0..columns.len()).map(in_column).max().unwrap_or(0).max(1)
    };
    let height = TOP + (0..=passes).map(|pass| lines(pass) as f64 * CHIP + 12.0).sum::<f64>() + 48.0;
    let width = LEFT + widths.iter().sum::<f64>() + 8.0;

    let description = ran.iter().map(|one| {
        let place = if one.column == 0 { "before the loop" } else { &columns[one.column] };
        format!("{} in pass {}, {place}", one.words, one.pass)
    });
    let description = description.collect::<Vec<_>>().join("; ");
    let mut svg = Svg::new(
        width as u32,
        height as u32,
        "What ran in which pass and phase, numbered in order",
        &description,
    );
    svg.text("strong", 10.0, 22.0, "What ran in which pass and phase; the numbers are the order");
    let mut x = LEFT;
    for (column, width) in columns.iter().zip(&widths) {
        svg.text("soft small", x + 2.0, TOP - 10.0, column);
        x += width;
    }
    let mut y = TOP;
    for pass in 0..=passes {
        svg.line((10.0, y), (width - 8.0, y));
        svg.text("strong", 10.0, y + 20.0, &format!("pass {pass}"));
        let mut x = LEFT;
        for (column, width) in widths.iter().enumerate() {
            let here = ran.iter().filter(|one| one.pass == pass && one.column == column);
            for (line, one) in here.enumerate() {
                svg.chip(x, y + 6.0 + line as f64 * CHIP, width - 8.0, &one.words);
            }
            x += width;
        }
        y += lines(pass) as f64 * CHIP + 12.0;
    }
    svg.line((10.0, y), (width - 8.0, y));
    let [run, machine] = ticks.run.words();
    svg.text("soft small", 10.0, y + 20.0, &run);
    svg.text("soft small", 10.0, y + 37.0, &format!("{machine}; {} records lost", ticks.dropped));
    svg.finish()
}

fn ran(ticks: &Ticks, columns: &[String]) -> Vec<Ran> {
    let mut ran = Vec::new();
    for step in &ticks.steps {
        if let What::Run { pass, phase, kind, name, .. } = &step.what {
            let column = phase.as_ref().and_then(|phase| columns.iter().position(|known| known == phase));
            let words = format!("{} {kind} {name}", ran.len() + 1);
            ran.push(Ran { pass: *pass, column: column.unwrap_or(0), words });
        }
    }
    ran
}

#[test]
fn every_thing_that_ran_is_in_the_picture_in_its_order() {
    let picture = draw(&super::ticks::tests::example());
    assert!(picture.contains(
        "<desc>1 tick B in pass 0, before the loop; 2 timer A in pass 1, timers; 3 file C in pass 2, poll</desc>"
    ));
    for words in ["1 tick B", "2 timer A", "3 file C", "pass 2", "2 records lost"] {
        assert!(picture.contains(&format!("{words}</text>")), "{words}");
    }
}
