//! Solution of `chunk_it`: a budget of units; before a block that does not fit any more, the loop gets its turn.

use grader::chunk_it::{Blocks, PIECE, yield_now};

async fn checksum(blocks: Blocks) -> u64 {
    let mut sum: u64 = 0;
    let mut left = PIECE;
    for block in 0..blocks.len() {
        let size = blocks.size(block);
        if size > left {
            yield_now().await;
            left = PIECE;
        }
        left -= size;
        sum = sum.rotate_left(7) ^ blocks.digest(block);
    }
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
