//! Text for pictures: escaping, widths, and durations in a reader's units.

/// The text with everything replaced that has a meaning in HTML and SVG, in attributes too.
///
/// Control characters, which XML forbids and a terminal would obey, become U+FFFD.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(printable(other)),
        }
    }
    out
}

/// The text without characters that would move a terminal's cursor or change its colours.
pub fn plain(text: &str) -> String {
    text.chars().map(printable).collect()
}

fn printable(character: char) -> char {
    match character {
        '\n' | '\t' => ' ',
        '\u{FFFE}' | '\u{FFFF}' => '\u{FFFD}',
        control if control.is_control() => '\u{FFFD}',
        other => other,
    }
}

/// A duration with three digits and the unit that suits it: `201 ms`, `1.23 ms`, `45.0 µs`, `2.50 s`.
pub fn duration(ns: u64) -> String {
    // The limits are where rounding to three digits would carry into the next unit.
    match ns {
        0 => "0 ms".to_owned(),
        1..1_000 => format!("{ns} ns"),
        1_000..999_500 => format!("{} µs", three_digits(ns as f64 / 1e3)),
        999_500..999_500_000 => format!("{} ms", three_digits(ns as f64 / 1e6)),
        _ => format!("{} s", three_digits(ns as f64 / 1e9)),
    }
}

/// A number of milliseconds with three digits, for tables in which the unit is in the header.
pub fn milliseconds(ms: f64) -> String {
    if ms == 0.0 {
        return "0".to_owned();
    }
    if ms.abs() < 0.001 {
        return format!("{ms:.6}");
    }
    three_digits(ms)
}

/// A number of any size with three digits: `0.250`, `1200`, from a million on `2.50e6`.
pub fn number(value: f64) -> String {
    if value.abs() >= 999_999.5 { format!("{value:.2e}") } else { milliseconds(value) }
}

fn three_digits(value: f64) -> String {
    match value.abs() {
        small if small < 0.0995 => format!("{value:.4}"),
        small if small < 0.9995 => format!("{value:.3}"),
        small if small < 9.995 => format!("{value:.2}"),
        small if small < 99.95 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

/// The columns that the text takes on a terminal: Hangul, Kana, Han and full-width forms take two.
pub fn columns(text: &str) -> usize {
    text.chars().map(character_columns).sum()
}

fn character_columns(character: char) -> usize {
    match character as u32 {
        0x0300..=0x036F | 0x200B..=0x200F => 0,
        0x1100..=0x115F | 0x2E80..=0xA4CF | 0xAC00..=0xD7A3 | 0xF900..=0xFAFF => 2,
        0xFE30..=0xFE6F | 0xFF00..=0xFF60 | 0xFFE0..=0xFFE6 | 0x1F300..=0x1FAFF | 0x20000..=0x3FFFD => 2,
        _ => 1,
    }
}

/// The text cut to `limit` columns, with `…` for what is missing.
pub fn shorten(text: &str, limit: usize) -> String {
    let text = plain(text);
    if columns(&text) <= limit {
        return text;
    }
    let mut out = String::new();
    let mut used = 1; // The sign at the end.
    for character in text.chars() {
        used += character_columns(character);
        if used > limit {
            break;
        }
        out.push(character);
    }
    if limit > 0 {
        out.push('…');
    }
    out
}

/// About how many pixels wide the text is in a sans-serif font of `size` pixels; rather more than less.
pub(crate) fn pixels(text: &str, size: f64) -> f64 {
    columns(text) as f64 * size * 0.58
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_html_would_obey_is_escaped() {
        assert_eq!(
            escape(r#"</script><b a="1" c='2'>&"#),
            "&lt;/script&gt;&lt;b a=&quot;1&quot; c=&#39;2&#39;&gt;&amp;"
        );
        assert_eq!(escape("\u{1b}[31m\u{0}"), "\u{FFFD}[31m\u{FFFD}");
        assert_eq!(escape("두 번째"), "두 번째");
    }

    #[test]
    fn durations_have_three_digits_and_carry_into_the_next_unit() {
        let shown =
            [0, 1, 999, 1_000, 45_040, 999_499, 999_500, 1_234_567, 201_000_000, 999_600_000, 2_500_000_000];
        let expected = [
            "0 ms", "1 ns", "999 ns", "1.00 µs", "45.0 µs", "999 µs", "1.00 ms", "1.23 ms", "201 ms",
            "1.00 s", "2.50 s",
        ];
        assert_eq!(shown.map(duration), expected);
        assert_eq!(milliseconds(0.25), "0.250");
        assert_eq!(milliseconds(0.0), "0");
        assert_eq!([0.25, -40.0, 1_234.0, 2_500_000.0].map(number), ["0.250", "-40.0", "1234", "2.50e6"]);
    }

    #[test]
    fn shortened_text_fits_its_columns() {
        assert_eq!(shorten("pool-1", 6), "pool-1");
        assert_eq!(shorten("pool-thread-1", 6), "pool-…");
        assert_eq!(shorten("스레드 하나", 6), "스레…");
        assert_eq!(shorten("anything", 0), "");
        assert_eq!(columns("스레드"), 6);
    }
}
