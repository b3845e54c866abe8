//! The two languages in which this command speaks.

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Language {
    English,
    Korean,
}

impl Language {
    /// Korean when asked for, or when the locale of messages is Korean.
    pub(crate) fn chosen(asked_for_korean: bool) -> Language {
        // The order in which POSIX has them; an empty one counts as not set.
        let set = ["LC_ALL", "LC_MESSAGES", "LANG"].map(|name| std::env::var(name).unwrap_or_default());
        let locale = set.into_iter().find(|value| !value.is_empty()).unwrap_or_default();
        if asked_for_korean || is_korean(&locale) { Language::Korean } else { Language::English }
    }

    /// The text in this language.
    pub(crate) fn pick<T>(self, english: T, korean: T) -> T {
        match self {
            Language::English => english,
            Language::Korean => korean,
        }
    }
}

fn is_korean(locale: &str) -> bool {
    locale.split(['_', '.', '-', '@']).next() == Some("ko")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_locale_is_korean_by_its_first_part() {
        assert!(["ko", "ko_KR", "ko_KR.UTF-8", "ko-KR", "ko.UTF-8"].into_iter().all(is_korean));
        assert!(!["", "C", "en_US.UTF-8", "kok_IN"].into_iter().any(is_korean));
    }
}
