//! The range chart: p50, p99 and max of each series on one line, with the figures beside them.

use crate::chart::axis::ValueAxis;
use crate::chart::{LatencyChart, Series};
use crate::svg::{Anchor, Svg};
use crate::text::{number, pixels, shorten};

const WIDTH: f64 = 920.0;
const TOP: f64 = 66.0;
const ROW: f64 = 34.0;
/// The columns of figures at the right, each at least this wide.
const FIGURE: f64 = 66.0;

/// The published figures of the series as a picture that stands alone.
pub fn ranges_svg(chart: &LatencyChart) -> String {
    let names: Vec<String> = chart.series.iter().map(|series| shorten(&series.name, 22)).collect();
    let left = names.iter().map(|name| pixels(name, 13.0)).fold(60.0, f64::max) + 24.0;
    let heads = [chart.head("p50"), chart.head("p99"), chart.head("max"), "count".to_owned()];
    let figure_width = heads.iter().map(|head| pixels(head, 12.0) + 14.0).fold(FIGURE, f64::max).min(140.0);
    let figure_x = |column: usize| WIDTH - 12.0 - figure_width * (3 - column) as f64;
    let right = WIDTH - 4.0 * figure_width - 24.0;
    let bottom = TOP + ROW * chart.series.len() as f64;
    let axis = chart.axis(left + 8.0, right);
    let mut svg = Svg::new(WIDTH, bottom + 58.0, &chart.title, &chart.summary());
    svg.text("head", 12.0, 24.0, Anchor::Start, &chart.title);
    for (x, label) in axis.ticks(62.0) {
        svg.line("grid", (x, TOP - 8.0), (x, bottom));
        svg.text("soft small", x, bottom + 18.0, Anchor::Middle, &label);
    }
    for (column, head) in heads.iter().enumerate() {
        svg.text("soft small", figure_x(column), TOP - 14.0, Anchor::End, &shorten(head, 18));
    }
    for (index, (series, name)) in chart.series.iter().zip(&names).enumerate() {
        let y = TOP + ROW * (index as f64 + 0.5);
        svg.text("", left - 8.0, y + 4.0, Anchor::End, name);
        match figures(series) {
            Some(figures) => {
                range(&mut svg, index, &series.describe(&chart.unit), figures, y, &axis);
                let shown = figures.map(number).into_iter().chain([series.count.to_string()]);
                for (column, figure) in shown.enumerate() {
                    svg.text("small", figure_x(column), y + 4.0, Anchor::End, &figure);
                }
            }
            None => svg.text("soft small", figure_x(3), y + 4.0, Anchor::End, "nothing measured"),
        }
    }
    legend(&mut svg, left, bottom + 44.0);
    svg.finish()
}

/// p50, p99 and max.
fn figures(series: &Series) -> Option<[f64; 3]> {
    Some([series.at(50.0)?, series.at(99.0)?, series.max()?])
}

fn range(svg: &mut Svg, index: usize, words: &str, figures: [f64; 3], y: f64, axis: &ValueAxis) {
    let style = format!("style=\"stroke:var(--s{0});fill:var(--s{0})\"", index % 6);
    let [x50, x99, x100] = figures.map(|figure| axis.at(figure));
    let tip = crate::text::escape(words);
    svg.raw(&format!(
        "<g {style}><title>{tip}</title><line stroke-width=\"3\" x1=\"{x50:.1}\" y1=\"{y:.1}\" x2=\"{x100:.1}\" \
         y2=\"{y:.1}\"/><circle cx=\"{x50:.1}\" cy=\"{y:.1}\" r=\"5\"/><rect x=\"{:.1}\" y=\"{:.1}\" width=\"10\" \
         height=\"10\"/><line stroke-width=\"3\" x1=\"{x100:.1}\" y1=\"{:.1}\" x2=\"{x100:.1}\" y2=\"{:.1}\"/></g>",
        x99 - 5.0,
        y - 5.0,
        y - 8.0,
        y + 8.0
    ));
}

fn legend(svg: &mut Svg, left: f64, y: f64) {
    let text = "● p50   ■ p99   ┃ max; each line goes from the median to the maximum";
    svg.text("soft small", left, y, Anchor::Start, text);
}
