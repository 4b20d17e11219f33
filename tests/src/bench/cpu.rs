//! Which CPU does what: a measurement that wanders between CPUs measures their caches.

use std::time::Duration;

use nix::errno::Errno;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;

use crate::lab::must;

fn allowed() -> Vec<usize> {
    let set = must(
        "see which CPUs there are",
        sched_getaffinity(Pid::from_raw(std::process::id().cast_signed())),
    );
    (0..CpuSet::count())
        .filter(|&cpu| set.is_set(cpu).unwrap_or(false))
        .collect()
}

/// The first CPU that this process may use.
#[must_use]
pub fn first() -> usize {
    allowed().first().copied().unwrap_or_default()
}

/// The last one, away from where interrupts usually go.
#[must_use]
pub fn last() -> usize {
    allowed().last().copied().unwrap_or_default()
}

/// Moves the calling thread to a CPU, and with it what it starts from now on.
pub fn stay_on(cpu: usize) {
    put(0, cpu);
}

/// Moves a process with one thread to a CPU; 0 is the calling thread.
pub fn put(process: u32, cpu: usize) {
    let mut one = CpuSet::new();
    must("choose a CPU", one.set(cpu));
    must(
        "stay on one CPU",
        sched_setaffinity(Pid::from_raw(process.cast_signed()), &one),
    );
}

/// Lets the calling thread run before all others of its CPU that are not in a hurry themselves.
pub fn go_first() {
    // SAFETY: the call takes three numbers and touches no memory; 0 is the calling thread.
    let result = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, -20) };
    must("go first", Errno::result(result));
}

/// What the calling thread has had of its CPU so far: other processes that want the same CPU do not count.
#[must_use]
pub fn used() -> Duration {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID);
    must("read the thread's clock", time).into()
}
