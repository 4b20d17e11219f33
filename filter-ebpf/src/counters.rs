//! Exact counters: by reason on this interface, and by configured prefix.

use aya_ebpf::{
    btf_maps::{Array, ArrayOfMaps, PerCpuArray},
    helpers::generated::{bpf_ktime_get_coarse_ns, bpf_ktime_get_ns},
    macros::btf_map,
};
use filter_common::{Chunked, Count, InterfaceCounts, PrefixCount, Reason, RecentCount, RecentCounts};

use crate::{frame::Frame, settings};

/// What this CPU counted on the interface that this program is attached to.
#[btf_map]
static INTERFACE_COUNTS: PerCpuArray<InterfaceCounts, 1> = PerCpuArray::new();

/// The counters of configured prefixes, see [`Chunked`].
#[btf_map]
static PREFIX_COUNTS: ArrayOfMaps<
    Array<PrefixCount, { Chunked::CHUNK_LEN as usize }>,
    { Chunked::MAX_CHUNKS as usize },
> = ArrayOfMaps::new();

/// What this CPU has not added to the counters of prefixes yet.
#[btf_map]
static RECENT_COUNTS: PerCpuArray<RecentCounts, 1> = PerCpuArray::new();

#[inline(always)]
pub fn passed<const SCATTERED: bool>(frame: &Frame<SCATTERED>) {
    count(frame, |counts| &mut counts.passed);
}

#[inline(always)]
pub fn dropped<const SCATTERED: bool>(frame: &Frame<SCATTERED>, reason: Reason) {
    count(frame, |counts| &mut counts.dropped[reason.index()]);
}

#[inline(always)]
pub fn would_drop<const SCATTERED: bool>(frame: &Frame<SCATTERED>, reason: Reason) {
    count(frame, |counts| &mut counts.would_drop[reason.index()]);
}

#[inline(always)]
fn count<const SCATTERED: bool>(
    frame: &Frame<SCATTERED>,
    which: impl for<'a> Fn(&'a mut InterfaceCounts) -> &'a mut Count,
) {
    if let Some(counts) = INTERFACE_COUNTS.get_ptr_mut(0) {
        // SAFETY: the value belongs to this CPU, where no other run on this interface interrupts this one. User space
        // only reads it.
        let count = which(unsafe { &mut *counts });
        count.packets += 1;
        count.bytes += frame.len;
    }
}

/// Counts the packet on the prefix that has `slot`.
#[inline(always)]
pub fn prefix<const SCATTERED: bool>(frame: &Frame<SCATTERED>, slot: u32) {
    let Some(recent) = RECENT_COUNTS.get_ptr_mut(0) else {
        return;
    };
    // SAFETY: the value belongs to this CPU, where no other run of an XDP program interrupts this one. User space only
    // reads it. `RecentCounts::place` is below the number of places.
    let recent = unsafe { &mut (*recent).places[RecentCounts::place(slot)] };
    if recent.slot != slot + 1 {
        flush(recent);
        recent.slot = slot + 1;
    }
    recent.packets += 1;
    recent.bytes += frame.len;
    recent.last_ns = now();
}

/// Adds what was counted in a place to the chunk, and empties the place. `turn` tells readers while it happens.
#[inline(always)]
fn flush(recent: &mut RecentCount) {
    let turn = recent.turn;
    // Volatile, so that it is written before the counts.
    // SAFETY: the reference is to an aligned word.
    unsafe { (&raw mut recent.turn).write_volatile(turn.wrapping_add(1)) };
    if let Some(slot) = recent.slot.checked_sub(1) {
        let place = Chunked::locate(slot);
        if let Some(count) = PREFIX_COUNTS.get_value_ptr_mut(place.chunk, &place.index) {
            // SAFETY: the kernel gave the pointer for this run. Additions are atomic. The time is one aligned word, and
            // the value of any CPU will do.
            unsafe {
                add(&raw mut (*count).packets, recent.packets);
                add(&raw mut (*count).bytes, recent.bytes);
                (&raw mut (*count).last_ns).write_volatile(recent.last_ns);
            }
        }
    }
    recent.packets = 0;
    recent.bytes = 0;
    // SAFETY: the reference is to an aligned word.
    unsafe { (&raw mut recent.turn).write_volatile(turn.wrapping_add(2)) };
}

/// Adds to a counter that other CPUs add to at the same time.
///
/// # Safety
///
/// `counter` must be an aligned word in a map's value.
#[inline(always)]
unsafe fn add(counter: *mut u64, value: u64) {
    // The target has no `AtomicU64::fetch_add`. This is the instruction for it.
    // SAFETY: the caller promises an aligned word in a map's value.
    #[cfg(target_arch = "bpf")]
    unsafe {
        core::arch::asm!("lock *(u64 *)({counter} + 0) += {value}", counter = in(reg) counter, value = in(reg) value, options(nostack));
    }
    // SAFETY: the caller promises an aligned word in a map's value.
    #[cfg(not(target_arch = "bpf"))]
    unsafe {
        *counter += value;
    }
}

#[inline(always)]
fn now() -> u64 {
    // The coarse clock is four times as fast, and exact to a timer tick.
    // SAFETY: the helpers have no preconditions. The coarse clock is called only where the kernel has it.
    unsafe {
        if settings::has_coarse_clock() {
            bpf_ktime_get_coarse_ns()
        } else {
            bpf_ktime_get_ns()
        }
    }
}
