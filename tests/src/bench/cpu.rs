//! Pins threads to CPUs. A measurement that moves between CPUs would measure their caches.

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

/// The last CPU that this process may use. Interrupts usually go to another one.
#[must_use]
pub fn last() -> usize {
    allowed().last().copied().unwrap_or_default()
}

/// Moves the calling thread to a CPU. Threads and processes that it starts later run there too.
pub fn stay_on(cpu: usize) {
    put(0, cpu);
}

/// Moves a process with one thread to a CPU. Process 0 is the calling thread.
pub fn put(process: u32, cpu: usize) {
    let mut one = CpuSet::new();
    must("choose a CPU", one.set(cpu));
    must(
        "stay on one CPU",
        sched_setaffinity(Pid::from_raw(process.cast_signed()), &one),
    );
}

/// Gives the calling thread the highest priority (nice -20), so that it runs before ordinary threads on its CPU.
pub fn go_first() {
    // SAFETY: the call takes three numbers and touches no memory; 0 is the calling thread.
    let result = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, -20) };
    must("go first", Errno::result(result));
}

/// CPU time that the calling thread has used. It leaves out the time that other processes had on the same CPU.
#[must_use]
pub fn used() -> Duration {
    let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID);
    must("read the thread's clock", time).into()
}
