//! A small SVG writer: shapes with CSS classes, escaped text, colours for light and dark in one place.
//!
//! # Model
//! A picture stands alone (it has its own style and background) and may also be put into a page. It needs no ids, so
//! that many pictures fit into one page. Its text equivalent is its `aria-label` and `<desc>`.

use std::fmt::Write;

use crate::text::escape;

/// The colours, as CSS variables, of everything that this crate draws; light, and dark where the reader asks for it.
pub(crate) const COLORS: &str = "\
.tr{--bg:#ffffff;--ink:#1c2127;--soft:#5b6570;--line:#d5dae0;--idle:#c3cad2;--busy:#3b82c4;--job:#2f9e5f;\
--wait:#c98a00;--stall:#d3212c;--on-stall:#ffffff;--s0:#0b6fb8;--s1:#d3212c;--s2:#12805c;--s3:#8a5a00;--s4:#8b4fb8;\
--s5:#5b6570}\
@media screen and (prefers-color-scheme:dark){.tr{--bg:#14181d;--ink:#e8ebee;--soft:#a3adb8;--line:#363e48;--idle:#4a545f;\
--busy:#5aa2e6;--job:#4cc27d;--wait:#e5ad36;--stall:#ff5a5f;--on-stall:#1a0506;--s0:#62b0f2;--s1:#ff6b70;\
--s2:#4cc9a0;--s3:#e0b050;--s4:#c795ee;--s5:#a3adb8}}";

/// The styles of the shapes.
const SHAPES: &str = "\
.tr text{font-family:system-ui,-apple-system,'Segoe UI','Noto Sans','Noto Sans CJK KR',sans-serif;font-size:13px;\
fill:var(--ink)}\
.tr .bg{fill:var(--bg)}.tr .soft{fill:var(--soft)}.tr .small{font-size:12px}.tr .head{font-size:15px;font-weight:600}\
.tr .strong{font-weight:700}.tr .halo{paint-order:stroke;stroke:var(--bg);stroke-width:4px}.tr .stalltext{fill:var(--stall);font-weight:700}\
.tr .grid{stroke:var(--line);stroke-width:1}.tr .base{stroke:var(--soft);stroke-width:1}\
.tr .mark{stroke:var(--soft);stroke-width:1;stroke-dasharray:2 3}\
.tr .idle{fill:var(--idle)}.tr .busy{fill:var(--busy)}.tr .job{fill:var(--job)}.tr .wait{fill:var(--wait)}\
.tr .stall{fill:var(--stall)}\
.tr .curve{fill:none;stroke-width:2.5;stroke-linejoin:round}\
.tr .limit{stroke:var(--soft);stroke-width:1.5;stroke-dasharray:6 4}";

/// A picture being written.
pub(crate) struct Svg {
    out: String,
}

/// Which end of a text is at its position.
#[derive(Clone, Copy)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

impl Svg {
    /// An empty picture with a background; `title` and `description` are what is read aloud.
    pub(crate) fn new(width: f64, height: f64, title: &str, description: &str) -> Svg {
        let (title, description) = (escape(title), escape(description));
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"tr\" role=\"img\" viewBox=\"0 0 {width:.0} {height:.0}\" \
             width=\"{width:.0}\" height=\"{height:.0}\" aria-label=\"{title}. {description}\">\
             <desc>{description}</desc><style>{COLORS}{SHAPES}</style>"
        );
        let _ = write!(out, "<rect class=\"bg\" width=\"{width:.0}\" height=\"{height:.0}\"/>");
        Svg { out }
    }

    /// A filled rectangle; a `tip` is shown when the pointer is over it.
    pub(crate) fn rect(&mut self, class: &str, x: f64, y: f64, width: f64, height: f64, tip: Option<&str>) {
        let shape = format!(
            "class=\"{class}\" x=\"{x:.2}\" y=\"{y:.2}\" width=\"{width:.2}\" height=\"{height:.2}\""
        );
        let _ = match tip {
            Some(tip) => write!(self.out, "<rect {shape}><title>{}</title></rect>", escape(tip)),
            None => write!(self.out, "<rect {shape}/>"),
        };
    }

    /// A straight line.
    pub(crate) fn line(&mut self, class: &str, from: (f64, f64), to: (f64, f64)) {
        let ((x1, y1), (x2, y2)) = (from, to);
        let _ = write!(
            self.out,
            "<line class=\"{class}\" x1=\"{x1:.2}\" y1=\"{y1:.2}\" x2=\"{x2:.2}\" y2=\"{y2:.2}\"/>"
        );
    }

    /// A line of text; `y` is its baseline.
    pub(crate) fn text(&mut self, class: &str, x: f64, y: f64, anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escape(text);
        let _ = write!(
            self.out,
            "<text class=\"{class}\" x=\"{x:.2}\" y=\"{y:.2}\" text-anchor=\"{anchor}\">{text}</text>"
        );
    }

    /// Anything else; `markup` must be escaped already.
    pub(crate) fn raw(&mut self, markup: &str) {
        self.out.push_str(markup);
    }

    /// The finished picture.
    pub(crate) fn finish(mut self) -> String {
        self.out.push_str("</svg>\n");
        self.out
    }
}

/// The vertical positions nearest to `wanted` that are at least `gap` apart and inside `top..=bottom`.
///
/// The order of `wanted` is kept where two want the same place. When there is no room for all, they are spread
/// evenly: they touch, but none leaves the picture.
pub(crate) fn spread(wanted: &[f64], gap: f64, top: f64, bottom: f64) -> Vec<f64> {
    let mut order: Vec<usize> = (0..wanted.len()).collect();
    order.sort_by(|&left, &right| wanted[left].total_cmp(&wanted[right]));
    let gap = gap.min((bottom - top) / (wanted.len().saturating_sub(1).max(1)) as f64);
    let mut placed = vec![0.0; wanted.len()];
    let mut next = top;
    for &index in &order {
        placed[index] = wanted[index].max(next);
        next = placed[index] + gap;
    }
    let mut limit = bottom;
    for &index in order.iter().rev() {
        placed[index] = placed[index].min(limit);
        limit = placed[index] - gap;
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_that_want_one_place_are_spread() {
        assert_eq!(spread(&[50.0, 50.0, 10.0], 15.0, 0.0, 100.0), [50.0, 65.0, 10.0]);
        assert_eq!(spread(&[99.0, 100.0, 98.0], 15.0, 0.0, 100.0), [85.0, 100.0, 70.0]);
        assert_eq!(spread(&[5.0, 5.0, 5.0], 80.0, 0.0, 100.0), [0.0, 50.0, 100.0]);
        assert!(spread(&[], 15.0, 0.0, 100.0).is_empty());
    }
}
