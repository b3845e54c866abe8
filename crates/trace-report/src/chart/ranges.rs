//! The range chart: p50, p99 and max of each series on one line, with the figures beside them.

use crate::chart::axis::LogAxis;
use crate::chart::{LatencyChart, Series};
use crate::svg::{Anchor, Svg};
use crate::text::{milliseconds, pixels, shorten};

const WIDTH: f64 = 920.0;
const TOP: f64 = 66.0;
const ROW: f64 = 34.0;
/// The columns of figures at the right, each this wide.
const FIGURE: f64 = 66.0;

/// The published figures of the series as a picture that stands alone.
pub fn ranges_svg(chart: &LatencyChart) -> String {
    let names: Vec<String> = chart.series.iter().map(|series| shorten(&series.name, 22)).collect();
    let left = names.iter().map(|name| pixels(name, 13.0)).fold(60.0, f64::max) + 24.0;
    let right = WIDTH - 4.0 * FIGURE - 24.0;
    let bottom = TOP + ROW * chart.series.len() as f64;
    let latency = LogAxis::new(chart.range_ms(), left + 8.0, right);
    let mut svg = Svg::new(WIDTH, bottom + 58.0, &chart.title, &chart.summary());
    svg.text("head", 12.0, 24.0, Anchor::Start, &chart.title);
    for (x, label) in latency.ticks(62.0) {
        svg.line("grid", (x, TOP - 8.0), (x, bottom));
        svg.text("soft small", x, bottom + 18.0, Anchor::Middle, &label);
    }
    for (column, head) in ["p50 ms", "p99 ms", "max ms", "count"].into_iter().enumerate() {
        svg.text("soft small", figure_x(column), TOP - 14.0, Anchor::End, head);
    }
    for (index, (series, name)) in chart.series.iter().zip(&names).enumerate() {
        let y = TOP + ROW * (index as f64 + 0.5);
        svg.text("", left - 8.0, y + 4.0, Anchor::End, name);
        range(&mut svg, index, series, y, &latency);
    }
    legend(&mut svg, left, bottom + 44.0);
    svg.finish()
}

fn figure_x(column: usize) -> f64 {
    WIDTH - 12.0 - FIGURE * (3 - column) as f64
}

fn range(svg: &mut Svg, index: usize, series: &Series, y: f64, latency: &LogAxis) {
    let (Some(p50), Some(p99), Some(max)) = (series.at(50.0), series.at(99.0), series.max()) else {
        svg.text("soft small", figure_x(3), y + 4.0, Anchor::End, "nothing measured");
        return;
    };
    let style = format!("style=\"stroke:var(--s{0});fill:var(--s{0})\"", index % 6);
    let (x50, x99, x100) = (latency.at(p50), latency.at(p99), latency.at(max));
    let tip = crate::text::escape(&series.describe());
    svg.raw(&format!(
        "<g {style}><title>{tip}</title><line stroke-width=\"3\" x1=\"{x50:.1}\" y1=\"{y:.1}\" x2=\"{x100:.1}\" \
         y2=\"{y:.1}\"/><circle cx=\"{x50:.1}\" cy=\"{y:.1}\" r=\"5\"/><rect x=\"{:.1}\" y=\"{:.1}\" width=\"10\" \
         height=\"10\"/><line stroke-width=\"3\" x1=\"{x100:.1}\" y1=\"{:.1}\" x2=\"{x100:.1}\" y2=\"{:.1}\"/></g>",
        x99 - 5.0,
        y - 5.0,
        y - 8.0,
        y + 8.0
    ));
    let figures = [milliseconds(p50), milliseconds(p99), milliseconds(max), series.count.to_string()];
    for (column, figure) in figures.iter().enumerate() {
        svg.text("small", figure_x(column), y + 4.0, Anchor::End, figure);
    }
}

fn legend(svg: &mut Svg, left: f64, y: f64) {
    let text = "● p50   ■ p99   ┃ max; each line goes from the median to the slowest request";
    svg.text("soft small", left, y, Anchor::Start, text);
}
