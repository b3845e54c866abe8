//! Wrong: it looks whether the piece is full after the block that made it too long.

use grader::chunk_it::{Blocks, PIECE, yield_now};

async fn checksum(blocks: Blocks) -> u64 {
    let mut sum: u64 = 0;
    let mut done = 0;
    for block in 0..blocks.len() {
        sum = sum.rotate_left(7) ^ blocks.digest(block);
        done += blocks.size(block);
        if done >= PIECE {
            yield_now().await;
            done = 0;
        }
    }
    sum
}

fn main() {
    grader::chunk_it::grade(checksum);
}
