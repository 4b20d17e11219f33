//! `up --confirm`: the program itself stops filtering when nobody confirms in time. So operators who locked themselves
//! out get back in, even if no process of synwall is left.

use aya_ebpf::{btf_maps::Array, helpers::generated::bpf_ktime_get_ns, macros::btf_map};
use filter_common::InterfaceRecord;

/// What is remembered about the interface that this program is attached to.
#[btf_map]
static INTERFACE_RECORD: Array<InterfaceRecord, 1> = Array::new();

/// Whether the time for the confirmation is over.
#[inline(always)]
pub fn is_overdue() -> bool {
    let Some(record) = INTERFACE_RECORD.get(0) else {
        return false;
    };
    // Volatile, because `confirm` clears it while packets come in.
    // SAFETY: the reference is to an aligned word that the kernel gave for this run.
    let confirm_by_ns = unsafe { (&raw const record.confirm_by_ns).read_volatile() };
    // SAFETY: the helper has no preconditions.
    confirm_by_ns != 0 && unsafe { bpf_ktime_get_ns() } >= confirm_by_ns
}
