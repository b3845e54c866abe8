//! Charts: well-formed, told in words, and no text on another, whatever is measured.

use trace_report::chart::{LatencyChart, Limit, Series, latency_svg, ranges_svg};
use trace_report::lanes::{Class, Row, Timeline, TimelineOptions, Window};

mod markup;
mod synthetic;
use markup::{assert_readable, parse};

fn chart(series: Vec<Series>, limits_ms: &[f64]) -> LatencyChart {
    let limits = limits_ms.iter().map(|ms| Limit { label: "one piece of work".to_owned(), value: *ms });
    let title = "Latency of /ping".to_owned();
    LatencyChart { title, series, limits: limits.collect(), ..LatencyChart::default() }
}

fn both(chart: &LatencyChart) -> [String; 2] {
    [latency_svg(chart), ranges_svg(chart)]
}

#[test]
fn v5_a_chart_says_its_figures_in_words() {
    for svg in both(&chart(synthetic::series(), &[120.0])) {
        let tags = parse(&svg).expect("well-formed");
        assert_eq!(tags[0].get("role"), Some("img"));
        let label = tags[0].get("aria-label").expect("a label");
        let description = &tags.iter().find(|tag| tag.name == "desc").expect("a description").text;
        assert!(label.starts_with("Latency of /ping. ") && label.ends_with(description.as_str()));
        for figure in
            ["idle: p50 0.135 ms", "inline: p50 0.150 ms, p99 118 ms, max 121 ms of 1000", "work: 120 ms"]
        {
            assert!(label.contains(figure), "{label}");
        }
    }
}

#[test]
fn texts_of_charts_never_overlap() {
    let equal =
        |count: usize| (0..count).map(|n| Series::from_values(format!("act {n}"), &[1.0, 2.0])).collect();
    let far = vec![Series::from_values("fast", &[0.000_001]), Series::from_values("slow", &[3_600_000.0])];
    let long =
        vec![Series::from_values("아주 긴 이름을 가진 실험의 막 하나 둘 셋", &[1.0, 5.0]); 3];
    let empty = vec![Series::from_values("nothing", &[]), Series::from_values("zero", &[0.0, 0.0])];
    let many_limits = [1.0, 1.01, 1.02, 100.0];
    for (series, limits) in [
        (synthetic::series(), &[120.0][..]),
        (equal(1), &[]),
        (equal(6), &many_limits[..]),
        (equal(14), &[]),
        (far, &[]),
        (long, &[2.0]),
        (empty, &[]),
        (Vec::new(), &[]),
    ] {
        both(&chart(series, limits)).iter().for_each(|svg| assert_readable(svg));
    }
}

#[test]
fn texts_of_timelines_never_overlap() {
    let recording = synthetic::Stage::new(1 << 16).play();
    let whole = Window::all(&recording);
    let options = TimelineOptions { stall_after: None, marks: true };
    for (part, width) in [(1, 920), (1, 480), (2, 1_400), (5, 700), (40, 920), (4_000, 920)] {
        let window =
            Window::new(whole.from_ns + 500_000_000, whole.from_ns + 500_000_000 + whole.length_ns() / part);
        let mut timeline = Timeline::new(&recording, window, &options);
        let spans = (0..40).map(|n| (window.from_ns, window.from_ns + n));
        timeline.rows.push(Row::overlapping("a row with a very long name", Class::Wait, "x", window, spans));
        assert_readable(&timeline.svg("Timeline", width));
    }
}

#[test]
fn curves_rise_and_reach_the_maximum() {
    let svg = latency_svg(&chart(synthetic::series(), &[]));
    let tags = parse(&svg).expect("well-formed");
    let curves: Vec<&str> =
        tags.iter().filter(|tag| tag.name == "polyline").filter_map(|tag| tag.get("points")).collect();
    assert_eq!(curves.len(), 8, "four curves and four lines to their labels");
    for (curve, to_label) in curves[..4].iter().zip(&curves[4..]) {
        let points = |text: &str| -> Vec<(f64, f64)> {
            let pair = |point: &str| {
                let (x, y) = point.split_once(',').expect("x,y");
                (x.parse().expect("x"), y.parse().expect("y"))
            };
            text.split(' ').map(pair).collect()
        };
        let (curve, to_label) = (points(curve), points(to_label));
        assert!(
            curve.windows(2).all(|pair| pair[0].0 <= pair[1].0 && pair[0].1 >= pair[1].1),
            "y grows downwards"
        );
        let end = curve[curve.len() - 1];
        assert!((end.1 - to_label[0].1).abs() < 0.2, "the label's line begins where the curve ends");
    }
}

#[test]
fn curves_differ_without_colour() {
    let svg = latency_svg(&chart(synthetic::series(), &[]));
    let tags = parse(&svg).expect("well-formed");
    let mut dashes: Vec<&str> = tags
        .iter()
        .filter(|tag| tag.name == "polyline")
        .take(4)
        .filter_map(|tag| tag.get("stroke-dasharray"))
        .collect();
    dashes.sort_unstable();
    dashes.dedup();
    assert_eq!(dashes.len(), 4);
}

#[test]
fn the_blocked_loop_is_taller_than_anything_else() {
    let recording = synthetic::Stage::new(1 << 16).play();
    let timeline = Timeline::new(&recording, Window::all(&recording), &TimelineOptions::default());
    let svg = timeline.svg("Timeline", 920);
    let tags = parse(&svg).expect("well-formed");
    let height =
        |tag: &markup::Tag| tag.get("height").and_then(|height| height.parse::<f64>().ok()).unwrap_or(0.0);
    let (stalls, others): (Vec<_>, Vec<_>) = tags
        .iter()
        .filter(|tag| tag.name == "rect" && tag.get("class") != Some("bg") && tag.get("class").is_some())
        .partition(|tag| tag.get("class") == Some("stall"));
    let tallest = others.iter().map(|tag| height(tag)).fold(0.0, f64::max);
    let drawn = stalls.iter().filter(|tag| height(tag) > tallest).count();
    assert_eq!(drawn, 3, "three stalls and the sample of the legend, which is small");
    assert!(svg.contains("<title>GET /block (examples/starvation.rs:88) (stalled): 120 ms</title>"));
}

#[test]
fn the_reader_of_markup_says_no() {
    for (markup, problem) in [
        ("<svg><g></svg>", "while Some(\"g\") is open"),
        ("<svg>", "never closed"),
        ("<svg a=1></svg>", "without quotes"),
        ("<svg a=\"<\"></svg>", "< in the value"),
        ("<svg>a & b</svg>", "ampersand"),
        ("<svg>&nbsp;</svg>", "ampersand"),
        ("<svg", "does not end"),
    ] {
        assert!(parse(markup).expect_err(markup).contains(problem), "{markup}");
    }
}

#[test]
#[should_panic(expected = "overlaps")]
fn the_overlap_test_says_no() {
    let text = "<text x=\"10\" y=\"20\">some words</text>";
    assert_readable(&format!("<svg viewBox=\"0 0 200 100\">{text}{text}</svg>"));
}

#[test]
#[should_panic(expected = "outside")]
fn the_inside_test_says_no() {
    assert_readable("<svg viewBox=\"0 0 200 100\"><text x=\"190\" y=\"20\">some words</text></svg>");
}
