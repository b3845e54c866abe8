//! Joins instructions that touch only locals, constants and the operand stack.

use crate::code::Code;

/// Joins what can be joined.
pub(super) fn fuse(_code: &mut Code) {}
