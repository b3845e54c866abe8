//! Wrong: a turn after a fixed number of blocks, whatever their sizes.

use grader::chunk_it::{Blocks, yield_now};

async fn checksum(blocks: Blocks) -> u64 {
    let mut sum: u64 = 0;
    for block in 0..blocks.len() {
        if block % 8 == 7 {
            yield_now().await;
        }
        sum = sum.rotate_left(7) ^ blocks.digest(block);
    }
    sum
}

fn main() {
    grader::chunk_it::grade(checksum);
}
