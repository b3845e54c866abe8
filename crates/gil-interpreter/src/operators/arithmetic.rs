//! `+`, `-`, `*` and the other operators of one or two operands: numbers here, sequences and instances by hand-over.
//!
//! # Model
//! ```text
//! binary(op, a, b)    numbers -> here;   an instance -> a.__add__(b), then b.__radd__(a);   else `sequences`
//! inplace(op, a, b)   a.__iadd__(b) or a list in place, else binary with `+=` in its message
//! ```
//! An int that leaves 64 bits is an OverflowError in words; a float that leaves its range is Python's where Python
//! says so (`**`), else infinite.
//!
//! # Source
//! CPython 3.11: Objects/abstract.c (`binary_op1`), Objects/longobject.c, Objects/floatobject.c; the messages are
//! those of 3.11.

use super::numbers::{Number, float_div_mod, floor_div, floor_mod, int_pow, true_div};
use crate::code::{BinaryOp, UnaryOp};
use crate::heap::Heap;
use crate::machine::{Machine, Unwind};
use crate::types;
use crate::value::Value;

impl BinaryOp {
    /// As it stands in the source.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            BinaryOp::Add => "+",
            BinaryOp::Sub => "-",
            BinaryOp::Mul => "*",
            BinaryOp::Div => "/",
            BinaryOp::FloorDiv => "//",
            BinaryOp::Mod => "%",
            BinaryOp::Pow => "**",
            BinaryOp::LShift => "<<",
            BinaryOp::RShift => ">>",
            BinaryOp::And => "&",
            BinaryOp::Or => "|",
            BinaryOp::Xor => "^",
        }
    }

    /// The special methods: plain, reflected, in place.
    fn methods(self) -> [&'static str; 3] {
        match self {
            BinaryOp::Add => ["__add__", "__radd__", "__iadd__"],
            BinaryOp::Sub => ["__sub__", "__rsub__", "__isub__"],
            BinaryOp::Mul => ["__mul__", "__rmul__", "__imul__"],
            BinaryOp::Div => ["__truediv__", "__rtruediv__", "__itruediv__"],
            BinaryOp::FloorDiv => ["__floordiv__", "__rfloordiv__", "__ifloordiv__"],
            BinaryOp::Mod => ["__mod__", "__rmod__", "__imod__"],
            BinaryOp::Pow => ["__pow__", "__rpow__", "__ipow__"],
            BinaryOp::LShift => ["__lshift__", "__rlshift__", "__ilshift__"],
            BinaryOp::RShift => ["__rshift__", "__rrshift__", "__irshift__"],
            BinaryOp::And => ["__and__", "__rand__", "__iand__"],
            BinaryOp::Or => ["__or__", "__ror__", "__ior__"],
            BinaryOp::Xor => ["__xor__", "__rxor__", "__ixor__"],
        }
    }
}

impl<H: Heap> Machine<H> {
    /// a op b
    #[inline]
    pub(crate) fn binary(&mut self, op: BinaryOp, a: Value, b: Value) -> Result<Value, Unwind> {
        match (a, b) {
            (Value::Int(x), Value::Int(y)) => self.int_binary(op, x, y),
            (Value::Float(x), Value::Float(y)) => self.float_binary(op, x, y),
            _ => self.binary_others(op, a, b, false),
        }
    }

    /// a op= b
    pub(crate) fn inplace(&mut self, op: BinaryOp, a: Value, b: Value) -> Result<Value, Unwind> {
        match (a, b) {
            (Value::Int(_), Value::Int(_)) => return self.binary(op, a, b),
            (Value::Float(_), Value::Float(_)) if has_floats(op) => return self.binary(op, a, b),
            (Value::Instance(_), _) => {
                if let Some(method) = self.special(a, op.methods()[2]) {
                    let answer = self.rooted(&[a, b], |m| m.call_special(method, a, &[b]))?;
                    if answer != Value::NotImplemented {
                        return Ok(answer);
                    }
                }
            }
            _ => {
                // A list has no number's method of its own, so an instance on the right is asked before it is extended.
                if let Value::Instance(_) = b
                    && let [plain, reflected, _] = op.methods()
                    && let Some(answer) =
                        self.rooted(&[a, b], |m| m.ask_instances([plain, reflected], a, b))?
                {
                    return Ok(answer);
                }
                if self.sequence_in_place(op, a, b)? {
                    return Ok(a);
                }
            }
        }
        self.binary_others(op, a, b, true)
    }

    fn binary_others(&mut self, op: BinaryOp, a: Value, b: Value, inplace: bool) -> Result<Value, Unwind> {
        if let (BinaryOp::Add, Value::Str(x), Value::Str(y)) = (op, a, b) {
            return self.concatenate_texts(x, y);
        }
        if let (Some(x), Some(y)) = (Number::of(a), Number::of(b)) {
            return match (x, y) {
                (Number::Int(x), Number::Int(y)) => match (a, b, op) {
                    (Value::Bool(x), Value::Bool(y), BinaryOp::And) => Ok(Value::Bool(x & y)),
                    (Value::Bool(x), Value::Bool(y), BinaryOp::Or) => Ok(Value::Bool(x | y)),
                    (Value::Bool(x), Value::Bool(y), BinaryOp::Xor) => Ok(Value::Bool(x ^ y)),
                    _ => self.int_binary(op, x, y),
                },
                _ if has_floats(op) => self.float_binary(op, x.float(), y.float()),
                _ => Err(self.no_operation(op, a, b, inplace)),
            };
        }
        self.rooted(&[a, b], |m| {
            if let (Value::Instance(_), _) | (_, Value::Instance(_)) = (a, b)
                && let [plain, reflected, _] = op.methods()
                && let Some(answer) = m.ask_instances([plain, reflected], a, b)?
            {
                return Ok(answer);
            }
            // What has no `*` but can be indexed or searched is not asked to repeat the other in place.
            if inplace
                && op == BinaryOp::Mul
                && matches!(a, Value::Dict(_) | Value::DictView(_) | Value::Range(_) | Value::Instance(_))
            {
                return Err(m.no_operation(op, a, b, inplace));
            }
            match m.sequence_binary(op, a, b)? {
                Some(value) => Ok(value),
                None => Err(m.no_operation(op, a, b, inplace)),
            }
        })
    }

    /// The special methods of the operands in Python's order; `None` when all say NotImplemented.
    pub(crate) fn ask_instances(
        &mut self,
        methods: [&str; 2],
        a: Value,
        b: Value,
    ) -> Result<Option<Value>, Unwind> {
        let [plain, reflected] = methods;
        let mut asked = [(self.special(a, plain), a, b), (self.special(b, reflected), b, a)];
        if self.class_of(a) == self.class_of(b) {
            asked[1].0 = None;
        } else if self.derives_from(b, a) && self.special(a, reflected) != asked[1].0 {
            asked.reverse();
        }
        for (method, receiver, other) in asked {
            let Some(method) = method.filter(|&method| method != Value::None) else { continue };
            let answer = self.deeper("", |m| m.call_special(method, receiver, &[other]))?;
            if answer != Value::NotImplemented {
                return Ok(Some(answer));
            }
        }
        Ok(None)
    }

    #[cold]
    fn no_operation(&mut self, op: BinaryOp, a: Value, b: Value, inplace: bool) -> Unwind {
        let symbol = match (op, inplace) {
            (BinaryOp::Pow, false) => "** or pow()".to_owned(),
            (_, false) => op.symbol().to_owned(),
            (_, true) => format!("{}=", op.symbol()),
        };
        self.no_operand(&symbol, a, b)
    }

    /// The TypeError of an operator that neither operand supports.
    #[cold]
    pub(crate) fn no_operand(&mut self, symbol: &str, a: Value, b: Value) -> Unwind {
        let (a, b) = (self.type_name(a), self.type_name(b));
        self.type_error(format!("unsupported operand type(s) for {symbol}: '{a}' and '{b}'"))
    }

    #[cold]
    pub(crate) fn zero_division(&mut self, message: &str) -> Unwind {
        self.raise(types::ZERO_DIVISION_ERROR, message)
    }

    #[inline]
    fn int_binary(&mut self, op: BinaryOp, a: i64, b: i64) -> Result<Value, Unwind> {
        let (result, what) = match op {
            BinaryOp::Add => (a.checked_add(b), "addition"),
            BinaryOp::Sub => (a.checked_sub(b), "subtraction"),
            BinaryOp::Mul => (a.checked_mul(b), "multiplication"),
            BinaryOp::FloorDiv if b != 0 => (floor_div(a, b), "division"),
            BinaryOp::Mod if b != 0 => (Some(floor_mod(a, b)), ""),
            BinaryOp::Div if b != 0 => return Ok(Value::Float(true_div(a, b))),
            BinaryOp::And => (Some(a & b), ""),
            BinaryOp::Or => (Some(a | b), ""),
            BinaryOp::Xor => (Some(a ^ b), ""),
            BinaryOp::RShift if b >= 0 => (Some(a >> b.min(63)), ""),
            BinaryOp::LShift if b >= 0 => (shift_left(a, b), "a left shift"),
            BinaryOp::Pow if b >= 0 => (int_pow(a, b.unsigned_abs()), "a power"),
            BinaryOp::Pow => return self.float_power(a as f64, b as f64),
            BinaryOp::FloorDiv => return Err(self.zero_division("integer division or modulo by zero")),
            BinaryOp::Mod => return Err(self.zero_division("integer modulo by zero")),
            BinaryOp::Div => return Err(self.zero_division("division by zero")),
            BinaryOp::RShift | BinaryOp::LShift => return Err(self.value_error("negative shift count")),
        };
        match result {
            Some(number) => Ok(Value::Int(number)),
            None => Err(self.overflow(what)),
        }
    }

    /// For the operators that floats have.
    #[inline]
    fn float_binary(&mut self, op: BinaryOp, a: f64, b: f64) -> Result<Value, Unwind> {
        Ok(Value::Float(match op {
            BinaryOp::Add => a + b,
            BinaryOp::Sub => a - b,
            BinaryOp::Mul => a * b,
            BinaryOp::Div if b != 0.0 => a / b,
            BinaryOp::Div => return Err(self.zero_division("float division by zero")),
            BinaryOp::FloorDiv if b != 0.0 => float_div_mod(a, b).0,
            BinaryOp::FloorDiv => return Err(self.zero_division("float floor division by zero")),
            BinaryOp::Mod if b != 0.0 => float_div_mod(a, b).1,
            BinaryOp::Mod => return Err(self.zero_division("float modulo")),
            BinaryOp::Pow => return self.float_power(a, b),
            _ => return Err(self.no_operand(op.symbol(), Value::Float(a), Value::Float(b))),
        }))
    }

    fn float_power(&mut self, a: f64, b: f64) -> Result<Value, Unwind> {
        if a == 0.0 && b < 0.0 {
            return Err(self.zero_division("0.0 cannot be raised to a negative power"));
        }
        if a < 0.0 && a.is_finite() && b.is_finite() && b.trunc() != b {
            let message =
                "a negative number cannot be raised to a fractional power: there are no complex numbers here";
            return Err(self.value_error(message));
        }
        let power = a.powf(b);
        if power.is_infinite() && a.is_finite() && b.is_finite() {
            let words = self.str("Numerical result out of range");
            return Err(self.raise_with(types::OVERFLOW_ERROR, vec![Value::Int(34), words]));
        }
        Ok(Value::Float(power))
    }

    /// op a
    pub(crate) fn unary(&mut self, op: UnaryOp, a: Value) -> Result<Value, Unwind> {
        match (op, a) {
            (UnaryOp::Not, _) => Ok(Value::Bool(!self.truth(a)?)),
            (UnaryOp::Neg, Value::Float(number)) => Ok(Value::Float(-number)),
            (UnaryOp::Pos, Value::Float(_)) => Ok(a),
            _ => match Number::of(a) {
                Some(Number::Int(number)) => match op {
                    UnaryOp::Neg => match number.checked_neg() {
                        Some(number) => Ok(Value::Int(number)),
                        None => Err(self.overflow("negation")),
                    },
                    UnaryOp::Invert => Ok(Value::Int(!number)),
                    _ => Ok(Value::Int(number)),
                },
                _ => self.unary_instance(op, a),
            },
        }
    }

    fn unary_instance(&mut self, op: UnaryOp, a: Value) -> Result<Value, Unwind> {
        let (method, symbol) = match op {
            UnaryOp::Neg => ("__neg__", "-"),
            UnaryOp::Pos => ("__pos__", "+"),
            UnaryOp::Invert | UnaryOp::Not => ("__invert__", "~"),
        };
        if let Some(method) = self.special(a, method) {
            return self.call_special(method, a, &[]);
        }
        let kind = self.type_name(a);
        Err(self.type_error(format!("bad operand type for unary {symbol}: '{kind}'")))
    }
}

/// Do floats have this operator?
fn has_floats(op: BinaryOp) -> bool {
    !matches!(op, BinaryOp::LShift | BinaryOp::RShift | BinaryOp::And | BinaryOp::Or | BinaryOp::Xor)
}

fn shift_left(a: i64, b: i64) -> Option<i64> {
    if a == 0 {
        return Some(0);
    }
    let shift = u32::try_from(b).ok().filter(|&shift| shift < 64)?;
    let shifted = a << shift;
    (shifted >> shift == a).then_some(shifted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shift_to_the_left_keeps_every_bit_or_does_not_fit() {
        assert_eq!(shift_left(1, 62), Some(1 << 62));
        assert_eq!(shift_left(1, 63), None);
        assert_eq!(shift_left(-1, 63), Some(i64::MIN));
        assert_eq!(shift_left(0, i64::MAX), Some(0));
        assert_eq!(shift_left(3, 1 << 40), None);
    }
}
