//! F-strings: their parts are formatted one by one and joined.

use ruff_python_ast::{
    ConversionFlag, ExprFString, FStringPart, InterpolatedElement, InterpolatedStringElement,
    InterpolatedStringElements,
};

use crate::code::{Const, Conversion, Op};

use super::compiler::Compiler;

/// Pieces of a string: how many are on the stack, and the literal text that follows them.
#[derive(Default)]
struct Pieces {
    count: u32,
    text: String,
}

impl<'a> Compiler<'a, '_, '_> {
    /// [] -> [text]
    pub(super) fn fstring(&mut self, string: &'a ExprFString) {
        let mut pieces = Pieces::default();
        for part in &string.value {
            match part {
                FStringPart::Literal(literal) => pieces.text.push_str(&literal.value),
                FStringPart::FString(part) => self.elements(&part.elements, &mut pieces),
            }
        }
        self.at(string);
        self.join(pieces);
    }

    fn elements(&mut self, elements: &'a InterpolatedStringElements, pieces: &mut Pieces) {
        for element in elements {
            match element {
                InterpolatedStringElement::Literal(literal) => pieces.text.push_str(&literal.value),
                InterpolatedStringElement::Interpolation(element) => self.interpolation(element, pieces),
            }
        }
    }

    fn interpolation(&mut self, element: &'a InterpolatedElement, pieces: &mut Pieces) {
        if let Some(debug) = &element.debug_text {
            pieces.text.push_str(debug.as_str());
        }
        self.at(element);
        self.flush(pieces);
        self.expr(&element.expression);
        let spec = element.format_spec.as_deref();
        if let Some(spec) = spec {
            let mut inner = Pieces::default();
            self.elements(&spec.elements, &mut inner);
            self.join(inner);
        }
        let conversion = match element.conversion {
            ConversionFlag::None if element.debug_text.is_some() && spec.is_none() => Conversion::Repr,
            ConversionFlag::None => Conversion::None,
            ConversionFlag::Str => Conversion::Str,
            ConversionFlag::Repr => Conversion::Repr,
            ConversionFlag::Ascii => Conversion::Ascii,
        };
        self.emit_at(element, Op::FormatValue { conversion, spec: spec.is_some() });
        pieces.count += 1;
    }

    /// Pushes the literal text.
    fn flush(&mut self, pieces: &mut Pieces) {
        if !pieces.text.is_empty() {
            let text = std::mem::take(&mut pieces.text);
            self.load_const(Const::Str(text.into()));
            pieces.count += 1;
        }
    }

    /// Makes one string of the pieces.
    fn join(&mut self, mut pieces: Pieces) {
        self.flush(&mut pieces);
        match pieces.count {
            0 => self.load_const(Const::Str("".into())),
            1 => {}
            count => self.emit(Op::BuildString(count)),
        }
    }
}
