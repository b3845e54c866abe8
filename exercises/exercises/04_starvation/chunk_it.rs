//! Chunk it: a computation that lets others in.
//!
//! `checksum` goes through blocks of data on the thread of the event loop. As it stands nobody is served until it is done.
//! Cut it into pieces, and give the loop a turn between two pieces with `yield_now().await`.
//!
//! - The result stays the same: each block is digested once, from first to last.
//! - At most `PIECE` (100) units of work between two turns. The digest of a block takes `blocks.size(block)` units, from
//!   1 to `LARGEST` (40).
//! - A turn of the loop has a price, so do not yield more often than needed: pieces should be at least half full.
//!
//! The grader counts units and polls, not time. It runs two computations at once, with random blocks; also with none.
//!
//! Chapter: starvation and its cures.

use grader::chunk_it::{Blocks, PIECE, yield_now};

async fn checksum(blocks: Blocks) -> u64 {
    let mut sum: u64 = 0;
    for block in 0..blocks.len() {
        sum = sum.rotate_left(7) ^ blocks.digest(block);
    }
    // TODO: one turn at the end helps nobody. When would the piece get longer than `PIECE`?
    let _ = PIECE;
    yield_now().await;
    sum
}

// Below: the grader. Do not edit.
fn main() {
    grader::chunk_it::grade(checksum);
}

#[cfg(test)]
mod tests {
    #[test]
    fn behaves() {
        super::main();
    }
}
