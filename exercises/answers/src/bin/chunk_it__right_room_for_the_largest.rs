//! Right in another way: it does not look ahead; it stops when the largest block might not fit.

use grader::chunk_it::{Blocks, LARGEST, PIECE, yield_now};

async fn checksum(blocks: Blocks) -> u64 {
    let mut sum: u64 = 0;
    let mut left = PIECE;
    for block in 0..blocks.len() {
        if left < LARGEST {
            yield_now().await;
            left = PIECE;
        }
        left -= blocks.size(block);
        sum = sum.rotate_left(7) ^ blocks.digest(block);
    }
    sum
}

fn main() {
    grader::chunk_it::grade(checksum);
}
