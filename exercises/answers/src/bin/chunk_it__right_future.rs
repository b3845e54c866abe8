//! Right, another way: a future written by hand that does a piece per poll and wakes itself.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use grader::chunk_it::{Blocks, PIECE};

struct Checksum {
    blocks: Blocks,
    next: usize,
    sum: u64,
}

impl Future for Checksum {
    type Output = u64;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<u64> {
        let mut piece = 0;
        while self.next < self.blocks.len() {
            piece += self.blocks.size(self.next);
            if piece > PIECE {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            self.sum = self.sum.rotate_left(7) ^ self.blocks.digest(self.next);
            self.next += 1;
        }
        Poll::Ready(self.sum)
    }
}

fn checksum(blocks: Blocks) -> Checksum {
    Checksum { blocks, next: 0, sum: 0 }
}

fn main() {
    grader::chunk_it::grade(checksum);
}
