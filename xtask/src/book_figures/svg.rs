//! A small writer of SVG pictures that stand alone: own background, light and dark, a title and a description.

use std::fmt::Write;

/// Colours and shapes. A picture in an `<img>` sees the system's scheme and not the book's theme, so it brings its own
/// background and is readable on either.
const STYLE: &str = "svg{--bg:#fff;--ink:#1c2127;--soft:#5b6570;--line:#d5dae0;--hold:#2166ac;--wait:#a85b00;--chip:#eaf1f8}\
@media screen and (prefers-color-scheme:dark){svg{--bg:#14181d;--ink:#e8ebee;--soft:#a3adb8;--line:#363e48;--hold:#6bb0ee;\
--wait:#f0b050;--chip:#22303e}}\
text{font:13px system-ui,-apple-system,'Segoe UI','Noto Sans',sans-serif;fill:var(--ink)}.soft{fill:var(--soft)}\
.small{font-size:12px}.strong{font-weight:600}.bg{fill:var(--bg)}.chip{fill:var(--chip);stroke:var(--hold)}\
.line{stroke:var(--line)}.hold{fill:var(--hold)}.wait{fill:none;stroke:var(--wait);stroke-width:1.2}";

/// A picture being written.
pub(super) struct Svg {
    out: String,
}

impl Svg {
    pub(super) fn new(width: u32, height: u32, title: &str, description: &str) -> Svg {
        let (title, description) = (escape(title), escape(description));
        let out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\" aria-label=\"{title}\">\n<title>{title}</title>\n<desc>{description}</desc>\n<style>{STYLE}</style>\n\
             <rect class=\"bg\" width=\"{width}\" height=\"{height}\"/>\n"
        );
        Svg { out }
    }

    pub(super) fn text(&mut self, class: &str, x: f64, y: f64, text: &str) {
        let _ =
            writeln!(self.out, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{y:.1}\">{}</text>", escape(text));
    }

    /// A rectangle with round corners and a word in it.
    pub(super) fn chip(&mut self, x: f64, y: f64, width: f64, text: &str) {
        let _ = writeln!(
            self.out,
            "<rect class=\"chip\" x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"20\" rx=\"4\"/>"
        );
        self.text("small", x + 6.0, y + 14.0, text);
    }

    pub(super) fn line(&mut self, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        let _ = writeln!(self.out, "<path class=\"line\" d=\"M{x1:.1} {y1:.1}L{x2:.1} {y2:.1}\"/>");
    }

    /// Many shapes of one class as one path, which is much smaller than as many elements.
    pub(super) fn path(&mut self, class: &str, data: &str) {
        if !data.is_empty() {
            let _ = writeln!(self.out, "<path class=\"{class}\" d=\"{data}\"/>");
        }
    }

    pub(super) fn finish(mut self) -> String {
        self.out.push_str("</svg>\n");
        self.out
    }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[test]
fn words_cannot_become_markup() {
    let mut svg = Svg::new(10, 10, "a \"b\"", "c < d & e");
    svg.text("soft", 1.0, 2.0, "<b>");
    let text = svg.finish();
    assert!(
        text.contains("<title>a &quot;b&quot;</title>") && text.contains("<desc>c &lt; d &amp; e</desc>")
    );
    assert!(text.contains("&lt;b&gt;</text>") && text.ends_with("</svg>\n"));
}
