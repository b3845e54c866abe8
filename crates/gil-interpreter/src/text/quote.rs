//! Texts and bytes between quotes, as `repr` shows them.
//!
//! # Invariants
//! - TQ1: single quotes, unless the text has some and no double ones; what is not printable is an escape.

use super::unicode::is_printable;

/// `repr` of a str.
pub(crate) fn quote(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    push_quoted(&mut out, text);
    out
}

/// Appends the `repr` of a str.
pub(crate) fn push_quoted(out: &mut String, text: &str) {
    let mark = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(mark);
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'\\' && byte != b'\'') {
        out.push_str(text);
    } else {
        text.chars().for_each(|character| push_escaped(out, character, mark));
    }
    out.push(mark);
}

fn push_escaped(out: &mut String, character: char, mark: char) {
    match character {
        '\\' => out.push_str("\\\\"),
        '\n' => out.push_str("\\n"),
        '\r' => out.push_str("\\r"),
        '\t' => out.push_str("\\t"),
        _ if character == mark => out.extend(['\\', mark]),
        _ if is_printable(character) => out.push(character),
        _ => push_code(out, character),
    }
}

/// `\x..`, `\u....` or `\U........`
pub(crate) fn push_code(out: &mut String, character: char) {
    let code = u32::from(character);
    out.push_str(&match code {
        0..=0xff => format!("\\x{code:02x}"),
        0x100..=0xffff => format!("\\u{code:04x}"),
        _ => format!("\\U{code:08x}"),
    });
}

/// A text with all beyond ASCII as escapes: what `ascii` makes of a `repr`.
pub(crate) fn escape_beyond_ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_ascii() {
            out.push(character);
        } else {
            push_code(&mut out, character);
        }
    }
    out
}

/// `repr` of a bytes.
pub(crate) fn quote_bytes(bytes: &[u8]) -> String {
    let mark = if bytes.contains(&b'\'') && !bytes.contains(&b'"') { b'"' } else { b'\'' };
    let mut out = String::with_capacity(bytes.len() + 3);
    out.push('b');
    out.push(char::from(mark));
    for &byte in bytes {
        match byte {
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            _ if byte == mark => out.extend(['\\', char::from(mark)]),
            b' '..=b'~' => out.push(char::from(byte)),
            _ => out.push_str(&format!("\\x{byte:02x}")),
        }
    }
    out.push(char::from(mark));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tq1_quotes_and_escapes_are_those_of_cpython() {
        for (text, written) in [
            ("plain", "'plain'"),
            ("it's", "\"it's\""),
            ("say \"hi\"", "'say \"hi\"'"),
            ("both ' and \"", "'both \\' and \"'"),
            ("a\tb\n\r\\", "'a\\tb\\n\\r\\\\'"),
            ("\0\x1f\x7f", "'\\x00\\x1f\\x7f'"),
            ("é ü 한 😀", "'é ü 한 😀'"),
            ("\u{200b}\u{a0}\u{ad}", "'\\u200b\\xa0\\xad'"),
            ("\u{e0001}", "'\\U000e0001'"),
        ] {
            assert_eq!(quote(text), written);
        }
        assert_eq!(quote_bytes(b"it's\x00\xff\n"), "b\"it's\\x00\\xff\\n\"");
        assert_eq!(escape_beyond_ascii("'é한😀'"), "'\\xe9\\ud55c\\U0001f600'");
    }
}
