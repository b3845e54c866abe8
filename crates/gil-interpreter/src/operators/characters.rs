//! The texts of one ASCII character, which every program makes again and again: they are the first in every heap.
//!
//! # Invariants
//! - CH1: the text with the id of an ASCII code is that character alone.

use crate::heap::Heap;
use crate::machine::Machine;
use crate::native::Registry;
use crate::value::{Id, Value};

/// How many characters have a text from the start.
const ASCII: u32 = 128;

/// Makes the texts, before any other.
pub(crate) fn register<H: Heap>(registry: &mut Registry<'_, H>) {
    let texts: Vec<Value> = (0..ASCII)
        .map(|code| {
            let text = registry.heap.new_str(char::from_u32(code).unwrap_or_default().to_string());
            assert_eq!(text, Value::Str(Id(code)), "the characters are the first texts of a heap");
            text
        })
        .collect();
    registry.heap.keep_forever(&texts);
}

impl<H: Heap> Machine<H> {
    /// A str of one character.
    #[inline]
    pub(crate) fn character(&mut self, character: char) -> Value {
        if character.is_ascii() {
            Value::Str(Id(u32::from(character)))
        } else {
            self.str(character.to_string())
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::gil::Policy;
    use crate::{Output, Program, RunOptions, run};

    #[test]
    fn ch1_each_ascii_character_has_its_text_under_every_lock() {
        let source =
            "print(''.join([chr(code) for code in range(32, 127)]))\nprint([c for c in 'a~\u{e9}'])\n";
        let program = Program::compile("characters.py", source).expect("it is in the subset");
        let printable: String = (32..127_u8).map(char::from).collect();
        for policy in [Policy::Gil310, Policy::PerInterp, Policy::Free] {
            let output = Output::captured();
            let options = RunOptions { policy, output: output.clone(), ..RunOptions::default() };
            assert_eq!(run(&program, options).exit_code, 0);
            assert_eq!(output.captured_text().0, format!("{printable}\n['a', '~', '\u{e9}']\n"));
        }
    }
}
