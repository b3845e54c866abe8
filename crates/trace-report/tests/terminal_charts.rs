//! Charts on a terminal: whole pictures beside their expected text, in any width that a terminal has.

use proptest::prelude::*;
use trace_report::chart::{LatencyChart, Limit, Scale, Series, terminal};
use trace_report::lanes::{Charset, Color, TerminalStyle};
use trace_report::text::columns;

#[allow(dead_code)] // Only its series are drawn here.
mod synthetic;

const PLAIN: TerminalStyle = TerminalStyle { width: 100, color: Color::Never, charset: Charset::Unicode };

fn acts() -> LatencyChart {
    LatencyChart {
        title: "Latency of /ping by act".to_owned(),
        series: synthetic::series(),
        limits: vec![Limit { label: "one piece of work".to_owned(), value: 120.0 }],
        ..LatencyChart::default()
    }
}

/// Updates lost under three locks: zeros, so the axis is linear.
fn lost() -> LatencyChart {
    let of = |name: &str, values: &[f64]| Series::from_values(name, values);
    LatencyChart {
        title: "Updates lost".to_owned(),
        series: vec![
            of("gil310", &[0.0, 0.0, 0.0, 0.0]),
            of("tick", &[12.0, 18.5, 0.0, 31.0, 29.5, 30.0]),
            of("자유 스레드", &[48.0, 55.0, 61.0, 49.0, 52.0, 50.5, 50.0]),
            of("not run", &[]),
        ],
        limits: vec![Limit { label: "a coin".to_owned(), value: 50.0 }],
        unit: "%".to_owned(),
        scale: Scale::Auto,
    }
}

#[track_caller]
fn assert_text(got: &str, expected: &str) {
    assert!(got == expected, "got\n{got}\nexpected\n{expected}");
}

#[test]
fn latencies_are_drawn_over_decades() {
    assert_text(&terminal(&acts(), &PLAIN), include_str!("expected/chart.latency.txt"));
}

#[test]
fn shares_with_zeros_are_drawn_on_a_linear_axis() {
    let narrow = TerminalStyle { width: 72, ..PLAIN };
    assert_text(&terminal(&lost(), &narrow), include_str!("expected/chart.lost.txt"));
}

#[test]
fn ascii_is_enough() {
    let ascii = TerminalStyle { width: 60, charset: Charset::Ascii, ..PLAIN };
    let text = terminal(&acts(), &ascii);
    assert!(text.is_ascii());
    assert_text(&text, include_str!("expected/chart.ascii.txt"));
}

#[test]
fn colours_add_nothing_but_colours() {
    let coloured = terminal(&acts(), &TerminalStyle { color: Color::Always, ..PLAIN });
    let mut plain = coloured.clone();
    for sequence in ["\x1b[0;36m", "\x1b[0;2m", "\x1b[0m"] {
        assert!(coloured.contains(sequence));
        plain = plain.replace(sequence, "");
    }
    assert_text(&plain, &terminal(&acts(), &PLAIN));
}

#[test]
fn a_single_slow_one_among_many_is_seen() {
    let mut values = vec![1.0; 100_000];
    values.push(1_000.0);
    let chart = LatencyChart { series: vec![Series::from_values("a", &values)], ..LatencyChart::default() };
    let text = terminal(&chart, &PLAIN);
    let row = text.lines().nth(1).expect("the row of the series");
    assert!(row.contains('█') && row.contains('▁'), "{text}");
}

#[test]
fn a_plain_number_has_no_unit() {
    let series = vec![Series::from_values("inline / idle", &[310.0, 290.0, 305.0])];
    let chart = LatencyChart { title: "Ratio".to_owned(), series, unit: String::new(), ..acts() };
    let text = terminal(&chart, &PLAIN);
    assert!(text.starts_with("Ratio  ") && text.ends_with("one piece of work: 120\n"), "{text}");
    assert!(!text.contains("ms"), "{text}");
}

proptest! {
    #[test]
    fn no_line_is_wider_than_the_terminal(
        width in 60_usize..=200,
        names in prop::collection::vec("[a-z가-힣 ]{0,30}", 0..5),
        values in prop::collection::vec(prop_oneof![0.0..1e3, -1e9..1e9, 1e-9..1e-3], 0..30),
        limit in -10.0..1e6,
        unit in prop_oneof![Just("ms"), Just(""), Just("%"), Just("lost updates")],
        charset in prop_oneof![Just(Charset::Unicode), Just(Charset::Ascii)],
    ) {
        let chart = LatencyChart {
            title: "a title that is longer than most of the terminals on which it is going to be read".to_owned(),
            series: names.iter().map(|name| Series::from_values(name.as_str(), &values)).collect(),
            limits: vec![Limit { label: "a limit that has a rather long name".to_owned(), value: limit }],
            unit: unit.to_owned(),
            scale: Scale::Auto,
        };
        let text = terminal(&chart, &TerminalStyle { width, color: Color::Never, charset });
        for line in text.lines() {
            prop_assert!(columns(line) <= width, "{} > {width}: {line}", columns(line));
        }
    }
}
