//! Expressions whose value is known before the program starts.
//!
//! Only what cannot fail and cannot be seen: literals, their signs, tuples of them, and small whole-number arithmetic.

use ruff_python_ast::{Expr, ExprContext, Number, Operator, UnaryOp};

use crate::code::Const;

use super::subset::is_smallest_int;

/// The value of the expression, when it is constant.
pub(super) fn constant(expr: &Expr) -> Option<Const> {
    Some(match expr {
        Expr::NoneLiteral(_) => Const::None,
        Expr::EllipsisLiteral(_) => Const::Ellipsis,
        Expr::BooleanLiteral(literal) => Const::Bool(literal.value),
        Expr::StringLiteral(literal) => Const::Str(literal.value.to_str().into()),
        Expr::BytesLiteral(literal) => Const::Bytes(literal.value.bytes().collect()),
        Expr::NumberLiteral(literal) => match &literal.value {
            Number::Int(int) => Const::Int(int.as_i64()?),
            Number::Float(float) => Const::Float(*float),
            Number::Complex { .. } => return None,
        },
        Expr::UnaryOp(unary) if is_smallest_int(unary) => Const::Int(i64::MIN),
        Expr::UnaryOp(unary) => match (unary.op, constant(&unary.operand)?) {
            (UnaryOp::USub, Const::Int(int)) => Const::Int(int.checked_neg()?),
            (UnaryOp::USub, Const::Float(float)) => Const::Float(-float),
            (UnaryOp::Invert, Const::Int(int)) => Const::Int(!int),
            _ => return None,
        },
        Expr::BinOp(binary) => match (constant(&binary.right)?, binary.op, constant(&binary.left)?) {
            (Const::Int(right), op, Const::Int(left)) => Const::Int(arithmetic(left, op, right)?),
            _ => return None,
        },
        Expr::Tuple(tuple) if tuple.ctx == ExprContext::Load => Const::Tuple(items(&tuple.elts)?),
        _ => return None,
    })
}

/// The values of the items, when all are constant.
pub(super) fn items(items: &[Expr]) -> Option<Vec<Const>> {
    items.iter().map(constant).collect()
}

/// The result when it fits 64 bits.
fn arithmetic(left: i64, op: Operator, right: i64) -> Option<i64> {
    match op {
        Operator::Add => left.checked_add(right),
        Operator::Sub => left.checked_sub(right),
        Operator::Mult => left.checked_mul(right),
        Operator::Pow => left.checked_pow(u32::try_from(right).ok()?),
        Operator::LShift => {
            left.checked_mul(1_i64.checked_shl(u32::try_from(right).ok()?).filter(|&bit| bit > 0)?)
        }
        _ => None,
    }
}

/// Whether a constant counts as true.
pub(super) fn truth(constant: &Const) -> bool {
    match constant {
        Const::None => false,
        Const::Ellipsis => true,
        Const::Bool(value) => *value,
        Const::Int(value) => *value != 0,
        Const::Float(value) => *value != 0.0,
        Const::Str(value) => !value.is_empty(),
        Const::Bytes(value) => !value.is_empty(),
        Const::Tuple(items) => !items.is_empty(),
    }
}
