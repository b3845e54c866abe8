//! Wrong: a turn after each block, however small.

use grader::chunk_it::{Blocks, yield_now};

async fn checksum(blocks: Blocks) -> u64 {
    let mut sum: u64 = 0;
    for block in 0..blocks.len() {
        sum = sum.rotate_left(7) ^ blocks.digest(block);
        yield_now().await;
    }
    sum
}

fn main() {
    grader::chunk_it::grade(checksum);
}
