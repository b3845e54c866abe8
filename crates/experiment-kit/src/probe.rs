//! The probes before each round: how many processors this program gets, and what two threads do beside one.
//!
//! # Model
//! One thread for each processor computes for a moment; the processor time that they got, over the time that went by,
//! is the number of processors that were free. It sees other programs, other virtual machines and limits of containers,
//! on every system. It is a sample of one moment; `cpu_meter` watches the whole run where the kernel tells.
//!
//! Two processors that share one core, or that another virtual machine takes in turn, are free by this measure and yet do
//! the work of one. So a fixed piece of work is done by one thread, then by two at once, each its own piece without any
//! lock: twice the time of one over the time of two is the speed-up, 2 on two whole processors and 1 on one.

use std::time::Duration;

use clock::Clock;

use crate::interrupt::Interrupt;

/// Long enough for a scheduler to move threads apart, short beside a round.
const MOMENT: Duration = Duration::from_millis(20);

/// How long the piece of work of the speed-up takes one thread: tens of slices of a scheduler would be better, and too
/// long before each round.
const PIECE: Duration = Duration::from_millis(5);

/// How often the speed-up is looked at: the shortest times count, so that one busy moment does not.
const SPEED_UP_TRIES: usize = 2;

/// How many of `cores` processors are free now.
pub fn free_cores(cores: usize, clock: &Clock) -> f64 {
    let spinners: Vec<_> = (0..cores)
        .map(|index| {
            let clock = clock.clone();
            let spin = move || {
                let (begun, used) = (clock.now(), clock::thread_cpu_time());
                let mut value = 1_u64;
                while clock.now().saturating_duration_since(begun) < MOMENT {
                    value = spin(value);
                }
                let wall = clock.now().saturating_duration_since(begun);
                let got = clock::thread_cpu_time().saturating_sub(used);
                got.as_secs_f64() / wall.as_secs_f64()
            };
            std::thread::Builder::new().name(format!("probe-{index}")).spawn(spin)
        })
        .collect();
    // A thread that the system refuses to start got nothing.
    spinners.into_iter().filter_map(Result::ok).filter_map(|spinner| spinner.join().ok()).sum()
}

/// How much more two threads without any lock do than one; `None` when it was interrupted, or no thread could be started.
pub fn speed_up(clock: &Clock, interrupt: &Interrupt) -> Option<f64> {
    let (begun, mut spins, mut value) = (clock.now(), 0, 1);
    while clock.now().saturating_duration_since(begun) < PIECE {
        value = spin(value);
        spins += 1;
    }
    let (mut one, mut two) = (Duration::MAX, Duration::MAX);
    for _ in 0..SPEED_UP_TRIES {
        if interrupt.came() {
            return None;
        }
        one = one.min(together(1, spins, clock)?);
        two = two.min(together(2, spins, clock)?);
    }
    Some(2.0 * one.as_secs_f64() / two.as_secs_f64())
}

/// How long it takes until each of `threads` threads has done its own `spins`.
fn together(threads: usize, spins: usize, clock: &Clock) -> Option<Duration> {
    let begun = clock.now();
    let spinners: Vec<_> = (0..threads)
        .map(|index| {
            let work = move || (0..spins).fold(1, |value, _| spin(value));
            std::thread::Builder::new().name(format!("probe-{index}")).spawn(work)
        })
        .collect();
    // One that the system refuses to start makes the look worthless; the others are joined all the same.
    let ended = spinners.into_iter().filter_map(Result::ok).filter_map(|spinner| spinner.join().ok()).count();
    (ended == threads).then(|| clock.now().saturating_duration_since(begun))
}

/// A moment of computing that no compiler leaves out.
fn spin(mut value: u64) -> u64 {
    for _ in 0..1_000 {
        value = std::hint::black_box(value.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_gets_something_and_never_more_than_it_asked_for() {
        for cores in [1, 2] {
            let free = free_cores(cores, &Clock::real());
            assert!(free > 0.0 && free <= cores as f64 * 1.01, "{free} of {cores}");
        }
    }

    #[test]
    fn two_threads_do_something_and_an_interrupt_ends_it() {
        let interrupt = Interrupt::default();
        let found = speed_up(&Clock::real(), &interrupt).unwrap();
        // How much depends on the machine; a quarter of one thread's work would be a mistake of the probe.
        assert!(found > 0.25 && found.is_finite(), "{found}");
        interrupt.ask();
        assert_eq!(speed_up(&Clock::real(), &interrupt), None);
    }
}
