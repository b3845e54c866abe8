//! Tracebacks: an exception as Python prints it, with the files, lines and chains of causes.

use crate::heap::{Heap, TraceEntry};
use crate::machine::Machine;
use crate::types::{self, SLOT_CAUSE, SLOT_CONTEXT};
use crate::value::{Id, Value};

/// So many entries of one line of one function are shown in a row; Python counts the others likewise.
const SHOWN_IN_A_ROW: usize = 3;

impl<H: Heap> Machine<H> {
    /// The text that an uncaught exception ends with, causes first.
    pub(crate) fn traceback(&mut self, exception: Value) -> String {
        let mut text = String::new();
        self.chain(exception, &mut text, 0);
        text
    }

    fn chain(&mut self, exception: Value, text: &mut String, depth: usize) {
        let Value::Instance(id) = exception else { return };
        let (cause, context) = self.heap.instance(id, |instance| {
            let slot = |at: usize| instance.slots.get(at).copied().unwrap_or(Value::Unbound);
            (slot(SLOT_CAUSE), slot(SLOT_CONTEXT))
        });
        if depth < 50 {
            if let Value::Instance(_) = cause {
                self.chain(cause, text, depth + 1);
                text.push_str("\nThe above exception was the direct cause of the following exception:\n\n");
            } else if cause == Value::Unbound && context != exception && matches!(context, Value::Instance(_))
            {
                self.chain(context, text, depth + 1);
                text.push_str("\nDuring handling of the above exception, another exception occurred:\n\n");
            }
        }
        self.entries(id, text);
        let line = self.last_line(exception);
        text.push_str(&line);
        text.push('\n');
    }

    fn entries(&mut self, exception: Id, text: &mut String) {
        let mut outermost_first: Vec<TraceEntry> =
            self.heap.instance(exception, |instance| instance.trace.as_deref().cloned().unwrap_or_default());
        outermost_first.reverse();
        if outermost_first.is_empty() {
            return;
        }
        text.push_str("Traceback (most recent call last):\n");
        let program = std::sync::Arc::clone(&self.shared.program);
        let lines: Vec<&str> = program.source.lines().collect();
        for row in outermost_first.chunk_by(|a, b| (a.code, a.line) == (b.code, b.line)) {
            let name = &program.codes[row[0].code as usize].name;
            for entry in row.iter().take(SHOWN_IN_A_ROW) {
                text.push_str(&format!("  File \"{}\", line {}, in {name}\n", program.file, entry.line));
                if let Some(line) = lines.get((entry.line as usize).wrapping_sub(1)) {
                    text.push_str(&format!("    {}\n", line.trim()));
                }
            }
            match row.len().saturating_sub(SHOWN_IN_A_ROW) {
                0 => {}
                1 => text.push_str("  [Previous line repeated 1 more time]\n"),
                more => text.push_str(&format!("  [Previous line repeated {more} more times]\n")),
            }
        }
    }

    /// `ValueError: message`, the line that ends a traceback.
    pub(crate) fn last_line(&mut self, exception: Value) -> String {
        let class = self.class_of(exception);
        let (name, module) = self.heap.class(class, |class| (class.name.clone(), class.module.clone()));
        let builtin = class.index() < types::CLASSES.len();
        let name = match module {
            Some(module) => format!("{module}.{name}"),
            None if builtin => name.into(),
            None => format!("{}{name}", self.main_prefix()),
        };
        let text = self.str_of(exception).unwrap_or_else(|_| "<exception str() failed>".to_owned());
        if text.is_empty() { name } else { format!("{name}: {text}") }
    }

    /// Python shows a class of the main program by its bare name, one of a child's as `__mp_main__.Name`.
    fn main_prefix(&self) -> &'static str {
        if self.shared.settings.main_name == "__main__" { "" } else { "__mp_main__." }
    }
}
