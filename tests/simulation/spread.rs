//! Many jobs on all cores, and how many there are to be.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Does every job, a few at a time, and hands over what came of each as it ends. `take` says whether to go on.
pub fn spread<J: Sync, T: Send>(jobs: &[J], work: impl Fn(&J) -> T + Sync, take: impl FnMut(&J, T) -> bool + Send) {
    let next = AtomicUsize::new(0);
    let take = Mutex::new(take);
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let done = work(job);
                    let mut take = take.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                    if !take(job, done) {
                        next.store(jobs.len(), Ordering::Relaxed);
                    }
                }
            });
        }
    });
}

/// A number from the environment.
pub fn number(name: &str, otherwise: u64) -> u64 {
    std::env::var(name)
        .map_or(otherwise, |text| text.parse().unwrap_or_else(|_| panic!("{name} is not a number: {text}")))
}
