//! The percentile chart: one curve for each series, values over nines.

use std::fmt::Write;

use crate::chart::axis::{NinesAxis, ValueAxis};
use crate::chart::{LatencyChart, Series, quantity};
use crate::svg::{Anchor, Svg, spread};
use crate::text::{pixels, shorten};

/// Dash patterns, one for each curve, so that they differ without colour.
const DASHES: [&str; 6] = ["none", "9 4", "2 4", "12 4 2 4", "5 3", "1 3"];

const WIDTH: f64 = 920.0;
const HEIGHT: f64 = 420.0;
const TOP: f64 = 48.0;
const LEFT: f64 = 64.0;
const BOTTOM: f64 = HEIGHT - 52.0;
const LABEL_GAP: f64 = 18.0;

/// The chart as a picture that stands alone.
pub fn latency_svg(chart: &LatencyChart) -> String {
    let labels: Vec<String> = chart.series.iter().map(|series| end_label(series, &chart.unit)).collect();
    let label_width = labels.iter().map(|label| pixels(label, 13.0)).fold(90.0, f64::max).min(280.0);
    let right = WIDTH - label_width - 44.0;
    let count = chart.series.iter().map(|series| series.count).max().unwrap_or(0);
    let nines = NinesAxis::new(count, LEFT, right);
    let values = chart.axis(BOTTOM, TOP);
    let what = match chart.unit.as_str() {
        "ms" => "Latency in milliseconds".to_owned(),
        "" => "Values".to_owned(),
        unit => format!("Values in {unit}"),
    };
    let description = format!("{what} by percentile. {}", chart.summary());
    let mut svg = Svg::new(WIDTH, HEIGHT, &chart.title, &description);
    svg.text("head", 12.0, 24.0, Anchor::Start, &chart.title);
    grid(&mut svg, &nines, &values, right);
    for (index, series) in chart.series.iter().enumerate() {
        curve(&mut svg, index, series, &nines, &values);
    }
    limits(&mut svg, chart, &values, right);
    end_labels(&mut svg, chart, &labels, &values, right);
    svg.finish()
}

fn end_label(series: &Series, unit: &str) -> String {
    match series.at(99.0) {
        Some(p99) => format!("{}, p99 {}", shorten(&series.name, 20), quantity(p99, unit)),
        None => format!("{}, nothing measured", shorten(&series.name, 20)),
    }
}

fn grid(svg: &mut Svg, nines: &NinesAxis, values: &ValueAxis, right: f64) {
    for (y, label) in values.ticks(26.0) {
        svg.line("grid", (LEFT, y), (right, y));
        svg.text("soft small", LEFT - 8.0, y + 4.0, Anchor::End, &label);
    }
    for (x, label) in nines.ticks() {
        svg.line("grid", (x, TOP), (x, BOTTOM));
        svg.text("soft small", x, BOTTOM + 18.0, Anchor::Middle, &label);
    }
    let caption = "percentile; each further nine takes the same room";
    svg.text("soft small", (LEFT + right) / 2.0, BOTTOM + 40.0, Anchor::Middle, caption);
}

fn limits(svg: &mut Svg, chart: &LatencyChart, values: &ValueAxis, right: f64) {
    let wanted: Vec<f64> = chart.limits.iter().map(|limit| values.at(limit.value) - 6.0).collect();
    let at = spread(&wanted, LABEL_GAP, TOP + 10.0, BOTTOM - 6.0);
    for (limit, label_y) in chart.limits.iter().zip(at) {
        let y = values.at(limit.value);
        svg.line("limit", (LEFT, y), (right, y));
        let text = format!("{}: {}", shorten(&limit.label, 40), quantity(limit.value, &chart.unit));
        svg.text("soft small halo", LEFT + 8.0, label_y, Anchor::Start, &text);
    }
}

fn curve(svg: &mut Svg, index: usize, series: &Series, nines: &NinesAxis, values: &ValueAxis) {
    let mut points = String::new();
    let mut drawn: Option<(f64, f64)> = None;
    let count = series.points.len();
    // A curve begins at the smallest value, whatever its share is.
    let first = series.points.first().map(|point| (0.0, point.1));
    for (position, (percent, value)) in first.into_iter().chain(series.points.iter().copied()).enumerate() {
        let (x, y) = (nines.at(percent), values.at(value));
        // Points closer than half a pixel to the last one draw nothing new, but the last one must be there.
        if drawn.is_none_or(|(x0, y0)| (x - x0).abs() + (y - y0).abs() > 0.5) || position == count {
            let _ = write!(points, "{x:.1},{y:.1} ");
            drawn = Some((x, y));
        }
    }
    if points.is_empty() {
        return;
    }
    let (color, dash) = (index % 6, DASHES[index % DASHES.len()]);
    svg.raw(&format!(
        "<polyline class=\"curve\" style=\"stroke:var(--s{color})\" stroke-dasharray=\"{dash}\" points=\"{}\"/>",
        points.trim_end()
    ));
}

fn end_labels(svg: &mut Svg, chart: &LatencyChart, labels: &[String], values: &ValueAxis, right: f64) {
    let ends: Vec<f64> =
        chart.series.iter().map(|series| values.at(series.max().unwrap_or(0.0)) + 4.0).collect();
    let at = spread(&ends, LABEL_GAP, TOP + 4.0, BOTTOM);
    for (index, ((label, y), end)) in labels.iter().zip(at).zip(ends).enumerate() {
        let style = format!("style=\"stroke:var(--s{})\"", index % 6);
        // From the curve's end to its label, which may have moved; then a sample of its dashes.
        svg.raw(&format!(
            "<polyline class=\"curve\" {style} stroke-dasharray=\"{}\" points=\"{:.1},{:.1} {:.1},{:.1} {:.1},{:.1}\"/>",
            DASHES[index % DASHES.len()],
            right + 3.0,
            end - 4.0,
            right + 12.0,
            y - 4.0,
            right + 34.0,
            y - 4.0
        ));
        svg.text("", right + 39.0, y, Anchor::Start, label);
    }
}
