//! The text that an exercise printed, made safe for any screen.
//!
//! Control characters are written as they are typed (`^[`), on a terminal as well as in a file: neither the graders nor
//! the exercises print colours, and a program that has gone wrong must not move the cursor, clear the screen or hide
//! what stands above.

/// The text with nothing but lines and tabs in it.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.replace("\r\n", "\n").chars() {
        match c {
            '\n' | '\t' => plain.push(c),
            '\0'..'\x20' => plain.extend(['^', char::from(c as u8 + b'@')]),
            '\x7f' => plain.push_str("^?"),
            // The second set of controls, and the marks that turn the direction of what follows.
            '\u{80}'..='\u{9f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                plain.extend(c.escape_unicode())
            }
            _ => plain.push(c),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn nothing_that_moves_a_cursor_is_left() {
        assert_eq!(plain("a\tb\r\nc\n한글 → ok"), "a\tb\nc\n한글 → ok");
        assert_eq!(plain("\x1b[2J\x07\0\r\x7f"), "^[[2J^G^@^M^?");
        assert_eq!(plain("\u{9b}31m\u{202e}x"), "\\u{9b}31m\\u{202e}x");
    }
}
