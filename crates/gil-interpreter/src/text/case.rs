//! Upper, lower, title case: what Rust's mappings leave to do.

/// A character as the first of a word.
pub(crate) fn push_title(out: &mut String, character: char) {
    if let Some(title) = own_title(character) {
        out.push(title);
        return;
    }
    let mut upper = character.to_uppercase();
    out.extend(upper.next());
    for following in upper {
        match following {
            // The n after an apostrophe is the letter itself, an iota below becomes a mark.
            'N' => out.push('N'),
            '\u{399}' => out.push('\u{345}'),
            _ => out.extend(following.to_lowercase()),
        }
    }
}

/// Characters whose title case is a character of its own: digraphs, Greek with iota, Georgian.
fn own_title(character: char) -> Option<char> {
    let code = u32::from(character);
    let title = match code {
        0x1c4..=0x1c6 => 0x1c5,
        0x1c7..=0x1c9 => 0x1c8,
        0x1ca..=0x1cc => 0x1cb,
        0x1f1..=0x1f3 => 0x1f2,
        0x10d0..=0x10fa | 0x10fd..=0x10ff => code,
        0x1f80..=0x1faf => code | 8,
        0x1fb3 | 0x1fbc => 0x1fbc,
        0x1fc3 | 0x1fcc => 0x1fcc,
        0x1ff3 | 0x1ffc => 0x1ffc,
        _ => return None,
    };
    char::from_u32(title)
}

/// Is it between upper and lower case?
pub(crate) fn is_title(character: char) -> bool {
    matches!(u32::from(character), 0x1c5 | 0x1c8 | 0x1cb | 0x1f2 | 0x1f88..=0x1f8f | 0x1f98..=0x1f9f | 0x1fa8..=0x1faf)
        || matches!(u32::from(character), 0x1fbc | 0x1fcc | 0x1ffc)
}

/// Does it have a case at all?
pub(crate) fn is_cased(character: char) -> bool {
    character.is_uppercase() || character.is_lowercase() || is_title(character)
}

/// `str.title`
pub(crate) fn title(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut inside = false;
    for (at, character) in text.char_indices() {
        if inside {
            push_lower(&mut out, text, at, character);
        } else {
            push_title(&mut out, character);
        }
        inside = is_cased(character);
    }
    out
}

/// `str.capitalize`
pub(crate) fn capitalize(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, character) in text.char_indices() {
        if at == 0 {
            push_title(&mut out, character);
        } else {
            push_lower(&mut out, text, at, character);
        }
    }
    out
}

/// `str.swapcase`
pub(crate) fn swap(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for (at, character) in text.char_indices() {
        if character.is_uppercase() {
            push_lower(&mut out, text, at, character);
        } else if character.is_lowercase() {
            out.extend(character.to_uppercase());
        } else {
            out.push(character);
        }
    }
    out
}

/// `str.casefold`: lower case of upper case, but for Cherokee, which folds up, and the i without a dot.
pub(crate) fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match u32::from(character) {
            0x131 => out.push(character),
            0x1e9e => out.push_str("ss"),
            0x13a0..=0x13fd | 0xab70..=0xabbf => out.extend(character.to_uppercase()),
            _ => out.extend(character.to_uppercase().flat_map(char::to_lowercase)),
        }
    }
    out
}

/// A sigma at the end of a word has a form of its own.
fn push_lower(out: &mut String, text: &str, at: usize, character: char) {
    if character != 'Σ' {
        out.extend(character.to_lowercase());
        return;
    }
    let before = text[..at].chars().next_back().is_some_and(is_cased);
    let after = text[at + character.len_utf8()..].chars().next().is_some_and(is_cased);
    out.push(if before && !after { 'ς' } else { 'σ' });
}

/// `str.istitle`: each word begins with upper or title case and goes on in lower case.
pub(crate) fn is_titled(text: &str) -> bool {
    let (mut inside, mut any) = (false, false);
    for character in text.chars() {
        if character.is_uppercase() || is_title(character) {
            if inside {
                return false;
            }
            (inside, any) = (true, true);
        } else if character.is_lowercase() {
            if !inside {
                return false;
            }
            any = true;
        } else {
            inside = false;
        }
    }
    any
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_are_those_of_cpython() {
        for (text, expected) in [
            ("they're bill's", "They'Re Bill'S"),
            ("ß", "Ss"),
            ("ǆa", "ǅa"),
            ("1a", "1A"),
            ("ᾳx", "ᾼx"),
            ("აბ", "აბ"),
            ("ΑΣ ΣΑΣ", "Ας Σας"),
            ("ŉ ᾲ", "ʼN Ὰ\u{345}"),
        ] {
            assert_eq!(title(text), expected);
        }
        assert_eq!(capitalize("éCOLE"), "École");
        assert_eq!(capitalize("ﬁX"), "Fix");
        assert_eq!(swap("aBCǅß"), "AbcǅSS");
        assert_eq!(fold("ßẞıİᏸꭰ"), "ssssıi̇ᏰᎠ");
        assert!(
            is_titled("Title Case")
                && is_titled("ǅ")
                && !is_titled("TitleCase")
                && !is_titled("1")
                && !is_titled("a")
        );
    }
}
