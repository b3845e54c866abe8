//! The free-CPU probe: how many processors this program really gets when it asks for all of them.
//!
//! # Model
//! One thread for each processor computes for a moment; the processor time that they got, over the time that went by,
//! is the number of processors that were free. It sees other programs, other virtual machines and limits of containers,
//! on every system. It is a sample of one moment; `cpu_meter` watches the whole run where the kernel tells.

use std::time::Duration;

use clock::Clock;

/// Long enough for a scheduler to move threads apart, short beside a round.
const MOMENT: Duration = Duration::from_millis(20);

/// How many of `cores` processors are free now.
pub fn free_cores(cores: usize, clock: &Clock) -> f64 {
    let spinners: Vec<_> = (0..cores)
        .map(|index| {
            let clock = clock.clone();
            let spin = move || {
                let (begun, used) = (clock.now(), clock::thread_cpu_time());
                let mut value = 1_u64;
                while clock.now().saturating_duration_since(begun) < MOMENT {
                    for _ in 0..1_000 {
                        value = std::hint::black_box(value.wrapping_mul(0x9e37_79b9_7f4a_7c15));
                    }
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
}
