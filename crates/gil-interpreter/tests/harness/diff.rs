//! A line diff that is short: equal lines are left out but for one around each difference.

/// The lines that differ, `-` for expected and `+` for found; none when the texts are equal.
pub(crate) fn diff(expected: &str, found: &str) -> Option<String> {
    if expected == found {
        return None;
    }
    let (a, b): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), found.lines().collect());
    let mut out = String::new();
    let (mut i, mut j) = (0, 0);
    while i < a.len() || j < b.len() {
        if i < a.len() && j < b.len() && a[i] == b[j] {
            let before_difference = a.get(i + 1) != b.get(j + 1);
            if before_difference {
                out += &format!("  {}\n", a[i]);
            }
            (i, j) = (i + 1, j + 1);
            continue;
        }
        let (next_i, next_j) = meet(&a[i..], &b[j..]);
        a[i..i + next_i].iter().for_each(|line| out += &format!("- {line}\n"));
        b[j..j + next_j].iter().for_each(|line| out += &format!("+ {line}\n"));
        (i, j) = (i + next_i, j + next_j);
    }
    Some(out)
}

/// How many lines to pass on each side until both show the same line again, with the fewest lines passed.
fn meet(a: &[&str], b: &[&str]) -> (usize, usize) {
    for total in 1..a.len() + b.len() {
        for (i, line) in a.iter().enumerate().take(total + 1) {
            if b.get(total - i) == Some(line) {
                return (i, total - i);
            }
        }
    }
    (a.len(), b.len())
}
