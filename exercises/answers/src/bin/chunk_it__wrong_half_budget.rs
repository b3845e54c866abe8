//! Wrong: pieces of half the limit at most; with large blocks there is one block in each.

use grader::chunk_it::{Blocks, PIECE, yield_now};

async fn checksum(blocks: Blocks) -> u64 {
    let mut sum: u64 = 0;
    let mut left = PIECE;
    for block in 0..blocks.len() {
        let size = blocks.size(block);
        if size > left {
            yield_now().await;
            left = PIECE / 2;
        }
        left -= size;
        sum = sum.rotate_left(7) ^ blocks.digest(block);
    }
    sum
}

fn main() {
    grader::chunk_it::grade(checksum);
}
