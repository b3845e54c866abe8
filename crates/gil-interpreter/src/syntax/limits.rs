//! How large and how deeply nested a source may be, checked on its tokens before anything recurses over it.
//!
//! # Model
//! Parser, compiler and the drop of the tree recurse once for each level of the tree. The check walks the tokens and
//! keeps an upper bound of that depth for the statement at hand: per open bracket one count of operators, which a comma
//! sets back to 0 because what it separates stands side by side, and one of keywords, which a comma leaves alone
//! (`lambda a, b: lambda c, d: …` nests). The bound is the sum over the open brackets.
//!
//! # Invariants
//! - L1: a source that passes has at most `DEPTH` levels of expressions in a statement and `INDENTS` of blocks.

use ruff_python_ast::token::TokenKind;
use ruff_python_parser::{Mode, lexer};

use super::refusal::Report;

/// Bytes of source.
pub(super) const SOURCE_BYTES: usize = 1 << 20;
/// Levels of operators, calls, attributes, brackets and one-line blocks in one statement.
const DEPTH: usize = 1000;
/// Open brackets, as CPython's tokenizer.
const BRACKETS: usize = 200;
/// Levels of indentation, as CPython's tokenizer.
const INDENTS: usize = 100;
/// Stack of the thread that compiles: measured need at `DEPTH` in a debug build is below a quarter of it.
pub(super) const STACK_BYTES: usize = 64 << 20;

/// Counts since an open bracket, or since the beginning of the statement.
#[derive(Clone, Copy, Default)]
struct Level {
    operators: usize,
    keywords: usize,
}

/// Reports the first place where the source nests too deeply; `false` when it does.
pub(super) fn check(source: &str, report: &mut Report) -> bool {
    let Some(excess) = excess(source) else { return true };
    // The lexer does not show where its tokens stand, so the shortest prefix that nests too deeply is searched for.
    let (mut fits, mut exceeds) = (0, source.len());
    while exceeds - fits > 1 {
        let middle = fits + (exceeds - fits) / 2;
        match self::excess(&source[..source.floor_char_boundary(middle)]) {
            Some(_) => exceeds = middle,
            None => fits = middle,
        }
    }
    let at = source.floor_char_boundary(fits) as u32;
    match excess {
        Excess::Blocks => {
            let advice = format!("at most {INDENTS} levels; move inner blocks into functions");
            report.refuse(at, "too many levels of indentation", advice);
        }
        Excess::Expression => {
            let advice = format!("at most {BRACKETS} open brackets and {DEPTH} operators in one expression");
            report.refuse(at, "this expression nests too deeply", advice);
        }
    }
    false
}

/// What nests too deeply.
#[derive(Debug, PartialEq)]
enum Excess {
    Blocks,
    Expression,
}

/// The first excess of the source.
fn excess(source: &str) -> Option<Excess> {
    let mut lexer = lexer::lex(source, Mode::Module);
    let mut levels = vec![Level::default()];
    let mut indents = 0_usize;
    loop {
        match lexer.next_token() {
            TokenKind::EndOfFile => return None,
            TokenKind::Newline | TokenKind::Semi => levels = vec![Level::default()],
            TokenKind::Indent => indents += 1,
            TokenKind::Dedent => indents = indents.saturating_sub(1),
            TokenKind::Comma => last(&mut levels).operators = 0,
            TokenKind::Lpar | TokenKind::Lsqb | TokenKind::Lbrace => {
                last(&mut levels).operators += 1;
                levels.push(Level::default());
            }
            TokenKind::Rpar | TokenKind::Rsqb | TokenKind::Rbrace => {
                levels.truncate((levels.len() - 1).max(1))
            }
            kind if nests(kind) => last(&mut levels).keywords += 1,
            kind if operates(kind) => last(&mut levels).operators += 1,
            _ => {}
        }
        if indents > INDENTS {
            return Some(Excess::Blocks);
        }
        let depth: usize = levels.iter().map(|level| level.operators + level.keywords).sum();
        if depth > DEPTH || levels.len() > BRACKETS + 1 {
            return Some(Excess::Expression);
        }
    }
}

fn last(levels: &mut [Level]) -> &mut Level {
    levels.last_mut().expect("the level of the statement is never popped")
}

/// Keywords that begin something nested, however many commas follow.
fn nests(kind: TokenKind) -> bool {
    use TokenKind as T;
    kind.is_soft_keyword()
        || matches!(
            kind,
            T::If
                | T::Elif
                | T::Else
                | T::For
                | T::While
                | T::With
                | T::Try
                | T::Except
                | T::Finally
                | T::Class
                | T::Def
                | T::Lambda
                | T::Async
                | T::Await
                | T::Yield
                | T::ColonEqual
        )
}

/// Operators and the dot, each of which may make the tree one level deeper.
fn operates(kind: TokenKind) -> bool {
    use TokenKind as T;
    let flat = matches!(kind, T::Comma | T::Colon | T::Semi | T::Rpar | T::Rsqb | T::Rbrace);
    matches!(kind, T::And | T::Or | T::Not | T::In | T::Is | T::Tilde | T::At | T::Dot | T::Equal)
        || (kind.is_operator() && !flat)
}
