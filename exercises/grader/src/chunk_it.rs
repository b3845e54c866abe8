//! Judges `chunk_it`: the same result, in pieces that are neither too long nor too short.
//!
//! # Model
//! The computation is a future on a real loop in a scripted world. Its work goes through [`Blocks`], which counts units and
//! moves the clock. Two computations of random sizes run side by side. Judged are counts: units between two polls of the
//! loop, and how often the future was polled.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::Rc;
use std::task::Poll;

pub use event_loop::yield_now;
use event_loop::{LoopHandle, RunMode, Script};

use crate::meter::{self, Meter};
use crate::seed::Rng;

/// The most units of work between two turns of the loop.
pub const PIECE: u64 = 100;
/// The largest block, in units.
pub const LARGEST: u64 = 40;
const WORLDS: usize = 40;

/// Blocks of data to go through. Clones are the same blocks.
#[derive(Clone)]
pub struct Blocks(Rc<Inner>);

struct Inner {
    meter: Meter,
    blocks: Vec<Block>,
    digested: RefCell<Vec<usize>>,
}

struct Block {
    size: u64,
    digest: u64,
}

impl Blocks {
    fn random(rng: &mut Rng, script: &Script, lp: &LoopHandle, count: u64) -> Blocks {
        let block = |rng: &mut Rng| {
            // Small ones in a row, large ones in a row: a fixed number of blocks has no fixed size.
            let size = if rng.below(4) == 0 { LARGEST - rng.below(8) } else { 1 + rng.below(3) };
            Block { size, digest: rng.below(u64::MAX) }
        };
        let mut blocks: Vec<Block> = (0..count).map(|_| block(rng)).collect();
        if rng.below(2) == 0 {
            blocks.sort_by_key(|block| block.size);
        }
        Blocks(Rc::new(Inner { meter: Meter::new(script, lp), blocks, digested: RefCell::default() }))
    }

    /// How many there are.
    #[allow(clippy::len_without_is_empty)] // A length of 0 is one of the cases to think of.
    pub fn len(&self) -> usize {
        self.0.blocks.len()
    }

    /// How many units of work the digest of this block takes, from 1 to [`LARGEST`]. Asking costs nothing.
    ///
    /// # Panics
    /// When there is no such block.
    pub fn size(&self, block: usize) -> u64 {
        self.0.blocks[block].size
    }

    /// The digest of this block: as many units of work as its size.
    ///
    /// # Panics
    /// When there is no such block.
    pub fn digest(&self, block: usize) -> u64 {
        let found = &self.0.blocks[block];
        self.0.meter.spend(found.size);
        self.0.digested.borrow_mut().push(block);
        found.digest
    }

    fn checksum(&self) -> u64 {
        self.0.blocks.iter().fold(0, |sum: u64, block| sum.rotate_left(7) ^ block.digest)
    }

    fn total(&self) -> u64 {
        self.0.blocks.iter().map(|block| block.size).sum()
    }
}

/// Grades a computation and ends the process.
pub fn grade<F: Future<Output = u64> + 'static>(checksum: fn(Blocks) -> F) {
    crate::run::grade("chunk_it", |seed| judge(checksum, seed));
}

fn judge<F: Future<Output = u64> + 'static>(checksum: fn(Blocks) -> F, seed: u64) -> Result<String, String> {
    let mut rng = Rng::new(seed);
    let mut longest = 0;
    for world in 0..WORLDS {
        let counts = match world {
            0 => [1, 0],
            world => [1 + rng.below(8 * world as u64), rng.below(8 * world as u64)],
        };
        longest = longest.max(run(checksum, &mut rng, counts)?);
    }
    Ok(format!(
        "{WORLDS} random worlds, the sums right, at most {longest} units between two turns of the loop"
    ))
}

/// What is known of one computation.
struct Job {
    blocks: Blocks,
    polls: Rc<Cell<u64>>,
    result: Rc<Cell<Option<u64>>>,
}

fn run<F: Future<Output = u64> + 'static>(
    checksum: fn(Blocks) -> F,
    rng: &mut Rng,
    counts: [u64; 2],
) -> Result<u64, String> {
    let script = Script::new();
    let event_loop = meter::loop_with_limit(&script, PIECE + 1);
    let lp = event_loop.handle();
    let jobs = counts.map(|count| start(&lp, checksum, Blocks::random(rng, &script, &lp, count)));
    if let Err(error) = event_loop.run(RunMode::Default) {
        let open = jobs.iter().filter(|job| job.result.get().is_none()).count();
        return Err(crate::run::why(&format!(
            "the loop could not go on, and {open} of the computations have no result: {error}.\n\
             A future that is not ready must see to it that somebody wakes its task, or nobody polls it again."
        )));
    }
    jobs.iter().try_fold(0, |longest, job| judge_job(job).map(|units| longest.max(units)))
}

fn start<F: Future<Output = u64> + 'static>(
    lp: &LoopHandle,
    checksum: fn(Blocks) -> F,
    blocks: Blocks,
) -> Job {
    let job = Job { blocks: blocks.clone(), polls: Rc::default(), result: Rc::default() };
    let (polls, result) = (job.polls.clone(), job.result.clone());
    let mut future = Box::pin(checksum(blocks));
    lp.spawn(async move {
        let value = std::future::poll_fn(move |context| {
            polls.set(polls.get() + 1);
            match future.as_mut().poll(context) {
                Poll::Ready(value) => Poll::Ready(value),
                Poll::Pending => Poll::Pending,
            }
        });
        result.set(Some(value.await));
    });
    job
}

fn judge_job(job: &Job) -> Result<u64, String> {
    let (count, total) = (job.blocks.len(), job.blocks.total());
    let what = format!("a computation (blocks: {count}, units in all: {total})");
    let digested = job.blocks.0.digested.borrow();
    if let Some(at) = (0..count.max(digested.len())).find(|at| digested.get(*at) != Some(&{ *at })) {
        let name =
            |block: Option<&usize>| block.map_or("nothing more".to_owned(), |block| format!("block {block}"));
        return Err(format!(
            "{what}: digest number {at} was of {}, expected {}. Each block is digested once, from first to last.",
            name(digested.get(at)),
            name((at < count).then_some(&at))
        ));
    }
    let right = job.blocks.checksum();
    match job.result.get() {
        Some(value) if value == right => {}
        Some(value) => return Err(format!("{what}: the checksum is {value:#x}, expected {right:#x}.")),
        None => return Err(format!("{what}: it has no result, and the loop has ended.")),
    }
    let longest = job.blocks.0.meter.longest();
    if longest > PIECE {
        return Err(format!(
            "{what}: the checksum is right, but {longest} units were done in one turn of the loop; the limit is \
             {PIECE}.\nBlocks differ in size (from 1 to {LARGEST} units), and `size` tells it beforehand."
        ));
    }
    let (polls, limit) = (job.polls.get(), total / (PIECE / 2) + 3);
    if polls > limit {
        return Err(format!(
            "{what}: the checksum is right and no piece is too long, but it was polled {polls} times; the limit is \
             {limit}.\nEach turn of the loop has a price. Fill a piece as far as it goes: of {PIECE} units, and no block \
             has more than {LARGEST}, at least half is always possible."
        ));
    }
    Ok(longest)
}
