//! Wrong: it says that it is not ready, and nobody wakes it.

use grader::chunk_it::{Blocks, PIECE};

async fn checksum(blocks: Blocks) -> u64 {
    let mut sum: u64 = 0;
    let mut left = PIECE;
    for block in 0..blocks.len() {
        if blocks.size(block) > left {
            let mut was_here = false;
            std::future::poll_fn(|_context| match std::mem::replace(&mut was_here, true) {
                true => std::task::Poll::Ready(()),
                false => std::task::Poll::Pending,
            })
            .await;
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
