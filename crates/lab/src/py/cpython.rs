//! CPython's own bytecode of a file, by source line, when a `python3` is found.
//!
//! The file is only compiled there, never run; `-I` keeps the user's environment and folder out of it.

use std::io;
use std::path::Path;
use std::process::{Command, Stdio};

use super::listing::Unit;

/// Prints the version, then for each unit its name and its instructions, each a source line, a tab and a text.
const SCRIPT: &str = r#"
import dis, sys
sys.stdout.reconfigure(encoding="utf-8")
print(sys.version.split()[0])
def walk(code, name):
    print("unit", name, sep="\t")
    line = code.co_firstlineno
    for one in dis.get_instructions(code):
        now = getattr(one, "line_number", None) or (one.starts_line if type(one.starts_line) is int else None)
        line = now or line
        if one.opname in ("CACHE", "EXTENDED_ARG"):
            continue
        text = one.argrepr.split(" at 0x")[0] + ">" if hasattr(one.argval, "co_code") else one.argrepr or ("" if one.arg is None else str(one.arg))
        print(line, (one.opname + " " + text).strip().replace("\t", " ").replace("\n", " "), sep="\t")
    for inner in code.co_consts:
        if hasattr(inner, "co_code"):
            walk(inner, inner.co_name if name == "<module>" else name + "." + inner.co_name)
with open(sys.argv[1], "rb") as file:
    source = file.read()
try:
    code = compile(source, sys.argv[1], "exec")
except SyntaxError as error:
    sys.exit("SyntaxError: %s (line %s)" % (error.msg, error.lineno))
walk(code, "<module>")
"#;

/// What CPython says about the file.
pub(crate) struct Theirs {
    /// For example `3.11.7`.
    pub(crate) version: String,
    pub(crate) units: Vec<Unit>,
}

/// The bytecode of CPython, or why there is none.
///
/// # Errors
/// A sentence for the reader: no python3, or one that cannot compile the file.
pub(crate) fn bytecode(file: &Path) -> Result<Theirs, String> {
    let python = ["-I", "-c", SCRIPT];
    let ran = Command::new("python3").args(python).arg(file).stdin(Stdio::null()).output();
    let ran = match ran {
        Ok(ran) => ran,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err("no python3 is on the PATH, so CPython's bytecode is not shown".to_owned());
        }
        Err(error) => return Err(format!("python3 cannot be started ({error})")),
    };
    if !ran.status.success() {
        let said = String::from_utf8_lossy(&ran.stderr);
        let last = said.trim_end().lines().last().unwrap_or("it says nothing").to_owned();
        return Err(format!("python3 does not show its bytecode: {last}"));
    }
    parse(&String::from_utf8_lossy(&ran.stdout))
        .ok_or_else(|| "python3 answered in an unknown form".to_owned())
}

fn parse(text: &str) -> Option<Theirs> {
    let mut lines = text.lines();
    let version = lines.next()?.to_owned();
    let mut units: Vec<Unit> = Vec::new();
    for line in lines {
        match line.split_once('\t')? {
            ("unit", name) => units.push(Unit::new(name)),
            (number, text) => units.last_mut()?.push(number.parse().ok()?, text),
        }
    }
    Some(Theirs { version, units })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_read_by_unit_and_line() {
        let theirs =
            parse("3.11.7\nunit\t<module>\n1\tRESUME\n2\tLOAD_CONST 'a'\nunit\tf\n2\tNOP\n").unwrap();
        assert_eq!(theirs.version, "3.11.7");
        assert_eq!(theirs.units.iter().map(|unit| unit.name.as_str()).collect::<Vec<_>>(), ["<module>", "f"]);
        assert_eq!(theirs.units[0].on(2), ["LOAD_CONST 'a'"]);
        assert!(
            parse("").is_none() && parse("3.8\nwhat is this").is_none() && parse("3.8\n1\tNOP").is_none()
        );
    }
}
