//! Two listings of one file beside each other: our bytecode and CPython's, source line by source line.

use std::collections::BTreeMap;
use std::fmt::Write;

/// The instructions of one module, class body or function, by source line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Unit {
    /// `<module>`, or the names from the outside in: `Box.__init__`.
    pub(crate) name: String,
    by_line: BTreeMap<u32, Vec<String>>,
}

impl Unit {
    /// A unit without instructions.
    pub(crate) fn new(name: &str) -> Unit {
        Unit { name: name.to_owned(), by_line: BTreeMap::new() }
    }

    /// Adds an instruction that belongs to this line.
    pub(crate) fn push(&mut self, line: u32, text: &str) {
        self.by_line.entry(line).or_default().push(text.to_owned());
    }

    /// The instructions of a line.
    pub(crate) fn on(&self, line: u32) -> &[String] {
        self.by_line.get(&line).map_or(&[], Vec::as_slice)
    }

    fn lines(&self) -> impl Iterator<Item = u32> {
        self.by_line.keys().copied()
    }

    fn first_line(&self) -> u32 {
        self.lines().next().unwrap_or(0)
    }
}

/// Columns of the left side at most; a longer instruction is cut.
const LEFT_COLUMNS: usize = 44;

/// The page: for each unit, for each line, its source and below it the two columns.
pub(crate) fn beside(source: &str, ours: &[Unit], theirs: Option<(&str, &[Unit])>) -> String {
    let source: Vec<&str> = source.lines().collect();
    let mut out = String::new();
    let (title, theirs) = theirs.unwrap_or_default();
    let mut left: Vec<bool> = vec![true; theirs.len()]; // What CPython has and no unit of ours has met yet.
    for unit in ours {
        let same = |(at, other): &(usize, &Unit)| left[*at] && other.name == unit.name;
        let met = theirs.iter().enumerate().find(same);
        if let Some((at, _)) = met {
            left[at] = false;
        }
        unit_page(&mut out, &source, unit, met.map(|(_, other)| other), title);
    }
    for (at, unit) in theirs.iter().enumerate() {
        if left[at] {
            unit_page(&mut out, &source, &Unit::new(&unit.name), Some(unit), title);
        }
    }
    out
}

fn unit_page(out: &mut String, source: &[&str], ours: &Unit, theirs: Option<&Unit>, title: &str) {
    let none = Unit::default();
    let theirs = theirs.unwrap_or(&none);
    let mut lines: Vec<u32> = ours.lines().chain(theirs.lines()).collect();
    lines.sort_unstable();
    lines.dedup();
    let first = if ours.first_line() == 0 { theirs.first_line() } else { ours.first_line() };
    let _ = writeln!(out, "== {} (from line {first})", ours.name);
    if !title.is_empty() {
        let _ = writeln!(out, "     {:<LEFT_COLUMNS$}   CPython {title}", "lab");
    }
    for line in lines {
        let text = (line as usize).checked_sub(1).and_then(|at| source.get(at)).copied().unwrap_or("");
        let _ = writeln!(out, "{line:>4} | {}", text.trim_end());
        let (left, right) = (ours.on(line), theirs.on(line));
        for row in 0..left.len().max(right.len()) {
            let ours = cut(left.get(row).map_or("", String::as_str));
            let theirs = right.get(row).map_or("", String::as_str);
            let pair = format!("     {ours:<LEFT_COLUMNS$}   {theirs}");
            let _ = writeln!(out, "{}", pair.trim_end());
        }
    }
    out.push('\n');
}

fn cut(text: &str) -> String {
    if text.chars().count() <= LEFT_COLUMNS {
        return text.to_owned();
    }
    text.chars().take(LEFT_COLUMNS - 1).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unit(name: &str, instructions: &[(u32, &str)]) -> Unit {
        let mut unit = Unit::new(name);
        instructions.iter().for_each(|(line, text)| unit.push(*line, text));
        unit
    }

    #[test]
    fn lines_stand_beside_each_other_and_nothing_is_lost() {
        let ours = [unit("<module>", &[(1, "LoadConst 1"), (1, "StoreGlobal n"), (2, "LoadGlobal n")])];
        let theirs =
            [unit("<module>", &[(1, "RESUME 0"), (2, "LOAD_NAME n")]), unit("f", &[(3, "RETURN_VALUE")])];
        let shown = beside("n = 1\nn\ndef f(): pass\n", &ours, Some(("3.11.7", &theirs)));
        let expected = "\
== <module> (from line 1)
     lab                                            CPython 3.11.7
   1 | n = 1
     LoadConst 1                                    RESUME 0
     StoreGlobal n
   2 | n
     LoadGlobal n                                   LOAD_NAME n

== f (from line 3)
     lab                                            CPython 3.11.7
   3 | def f(): pass
                                                    RETURN_VALUE

";
        assert_eq!(shown, expected);
    }

    #[test]
    fn units_of_one_name_meet_in_their_order() {
        let ours = [unit("f", &[(1, "a")]), unit("f", &[(5, "b")])];
        let theirs = [unit("f", &[(1, "A")]), unit("f", &[(5, "B")])];
        let shown = beside("", &ours, Some(("3", &theirs)));
        let at = |text: &str| shown.find(text).unwrap();
        assert!(at("A") < at(" b") && at(" b") < at("B"));
        assert_eq!(shown.matches("== f").count(), 2);
    }

    #[test]
    fn without_cpython_there_is_one_column() {
        let shown = beside("x\n", &[unit("<module>", &[(1, "Nop")])], None);
        assert_eq!(shown, "== <module> (from line 1)\n   1 | x\n     Nop\n\n");
    }

    #[test]
    fn a_long_instruction_is_cut() {
        assert_eq!(cut(&"x".repeat(100)).chars().count(), LEFT_COLUMNS);
    }
}
