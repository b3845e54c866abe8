//! Which pool size? Jobs per second of each size, scheduler and kind of job, beside tokio's `spawn_blocking`.
//!
//! A bench is called `pool/WORKLOAD/SCHEDULER/SIZE`; `cargo bench --bench pool_size -- no-op/fifo` runs a part.

use std::cell::LazyCell;
use std::time::Duration;

use benches::contender::{Contender, Pool, SIZES};
use benches::window::Window;
use benches::work::Work;
use benches::workload::{Load, Workload};
use clock::Clock;
use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, SamplingMode, Throughput};

fn main() {
    // Ninety benches: short ones, so that all of them take minutes and not an hour. The arguments have the last word.
    let mut criterion = Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(150))
        .measurement_time(Duration::from_millis(500))
        .nresamples(2_000)
        .configure_from_args();
    for workload in Workload::ALL {
        compare(&mut criterion, workload);
    }
    criterion.final_summary();
}

fn compare(criterion: &mut Criterion, workload: Workload) {
    let load = workload.load(&Clock::real());
    let mut group = criterion.benchmark_group(format!("pool/{}", workload.name()));
    group.sampling_mode(SamplingMode::Flat);
    for threads in SIZES {
        for contender in Contender::ALL {
            bench(&mut group, &load, contender, threads);
        }
    }
    group.finish();
}

fn bench(group: &mut BenchmarkGroup<'_, WallTime>, load: &Load, contender: Contender, threads: usize) {
    // criterion calls the closure for every sample, and not at all when the filter leaves it out; the pool is there for
    // all samples, with its threads started.
    let pool = LazyCell::new(|| Pool::build(contender, threads, Window::new(load.in_flight)));
    group.throughput(Throughput::Elements(load.jobs() as u64));
    group.bench_function(BenchmarkId::new(contender.name(), threads), |bencher| {
        bencher.iter(|| load.run(&pool, || Work::run));
    });
}
