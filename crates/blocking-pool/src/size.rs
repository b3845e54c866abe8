//! How many threads: libuv's rule for `UV_THREADPOOL_SIZE`, as a pure function.
//!
//! # Model
//! libuv reads the variable into 16 bytes and gives it to C's `atoi`. From that follow all the odd cases, which
//! are kept because a program that moves over from libuv brings its environment along:
//!
//! | value                              | threads | why                                                    |
//! |------------------------------------|---------|--------------------------------------------------------|
//! | not set                            | 4       | the default                                            |
//! | `8`, ` 8`, `+8`, `8 threads`       | 8       | `atoi` skips white space and stops at the first letter |
//! | `0`, empty, `many`                 | 1       | `atoi` gives 0, and 0 becomes 1                        |
//! | `-1`, `2000`                       | 1024    | compared as unsigned, and cut                          |
//! | 16 characters or more              | 4       | does not fit, so it is ignored                         |
//! | `4294967300`                       | 4       | `atoi` keeps the low 32 bits                           |
//!
//! # Source
//! libuv 1.x, `src/threadpool.c`, `init_threads`; glibc `atoi`, which is `(int) strtol(s, NULL, 10)`.

/// The number of threads without a word from anybody.
pub const DEFAULT_THREADS: usize = 4;

/// The largest number of threads a pool may have.
pub const MAX_THREADS: usize = 1024;

/// The variable that sets the size of a pool whose builder does not.
pub const SIZE_VARIABLE: &str = "UV_THREADPOOL_SIZE";

/// The number of bytes that libuv reads the value into, with the closing zero.
const BUFFER_BYTES: usize = 16;

/// The pool size that libuv would take from this value of [`SIZE_VARIABLE`] (`None`: not set).
pub fn threads_from_env(value: Option<&[u8]>) -> usize {
    let Some(value) = value else { return DEFAULT_THREADS };
    if value.len() >= BUFFER_BYTES {
        return DEFAULT_THREADS;
    }
    let asked = atoi(value) as u32; // Unsigned, as in libuv: a negative number is a very large one.
    (asked as usize).clamp(1, MAX_THREADS)
}

/// C's `atoi`: white space, a sign, digits; what follows is ignored, and no digits are 0.
fn atoi(text: &[u8]) -> i32 {
    let spaces = text.iter().take_while(|byte| matches!(byte, b' ' | b'\t'..=b'\r')).count(); // C's `isspace`.
    let text = &text[spaces..];
    let (negative, digits) = match text.first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    // At most 15 digits, so 64 bits hold them all; `as i32` keeps the low 32 bits as glibc does.
    let number = digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .fold(0_i64, |sum, byte| sum * 10 + i64::from(byte - b'0'));
    (if negative { -number } else { number }) as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_variable_is_read_as_libuv_reads_it() {
        let table: &[(Option<&str>, usize)] = &[
            (None, 4),
            (Some("1"), 1),
            (Some("8"), 8),
            (Some("1024"), 1024),
            (Some("1025"), 1024),
            (Some("2000"), 1024),
            (Some("0"), 1),
            (Some("00"), 1),
            (Some(""), 1),
            (Some("many"), 1),
            (Some("-"), 1),
            (Some("+"), 1),
            (Some("- 3"), 1),
            (Some("0x10"), 1),
            (Some("-0"), 1),
            (Some("-1"), 1024),
            (Some("-4"), 1024),
            (Some(" 7"), 7),
            (Some("\t\n\u{b}\u{c}\r7"), 7),
            (Some("+7"), 7),
            (Some("7 threads"), 7),
            (Some("7.9"), 7),
            (Some("12abc"), 12),
            (Some("000000000000008"), 8),
            (Some("0000000000000008"), 4),
            (Some("1111111111111111"), 4),
            (Some("               8"), 4),
            (Some("4294967300"), 4),
            (Some("4294967296"), 1),
            (Some("-4294967292"), 4),
            (Some("999999999999999"), 1024),
        ];
        for (value, threads) in table {
            assert_eq!(threads_from_env(value.map(str::as_bytes)), *threads, "{SIZE_VARIABLE}={value:?}");
        }
    }
}
