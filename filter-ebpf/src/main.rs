//! The XDP program: which packets of a NIC reach the host.
//!
//! A packet goes frame → network → transport → verdict → counters, one file after another. Two entries
//! share that road: one for kernels that give XDP frames of several buffers (5.18 and later), one for the
//! kernels before.
#![no_std]
#![no_main]
#![cfg_attr(target_arch = "bpf", feature(asm_experimental_arch))]
#![expect(
    missing_docs,
    reason = "a program has no API; its map layouts are documented in filter-common"
)]

mod confirm;
mod counters;
mod established;
mod frame;
mod lists;
mod network;
mod settings;
mod sources;
mod transport;
mod verdict;

use aya_ebpf::{bindings::xdp_action, macros::xdp, programs::XdpContext};

use crate::{frame::Frame, verdict::Verdict};

#[xdp(frags)]
pub fn synwall_frags(ctx: XdpContext) -> u32 {
    frame::with_frame(&ctx, filter, filter)
}

#[xdp]
pub fn synwall(ctx: XdpContext) -> u32 {
    filter(&Frame::<false>::new(&ctx))
}

#[inline(always)]
fn filter<const SCATTERED: bool>(frame: &Frame<SCATTERED>) -> u32 {
    if settings::awaits_confirmation() && confirm::is_overdue() {
        return xdp_action::XDP_PASS;
    }
    match verdict::of(frame) {
        Verdict::Pass => {
            counters::passed(frame);
            xdp_action::XDP_PASS
        }
        Verdict::Drop(reason) if settings::observes() => {
            counters::would_drop(frame, reason);
            counters::passed(frame);
            xdp_action::XDP_PASS
        }
        Verdict::Drop(reason) => {
            counters::dropped(frame, reason);
            xdp_action::XDP_DROP
        }
    }
}

#[cfg(target_arch = "bpf")]
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: the verifier refuses a program in which this could be reached.
    unsafe { core::hint::unreachable_unchecked() }
}

/// The helpers that this program calls are open to programs under the GPL only.
#[cfg(target_arch = "bpf")]
#[unsafe(link_section = "license")]
#[unsafe(no_mangle)]
static LICENSE: [u8; 13] = *b"Dual MIT/GPL\0";

#[cfg(not(target_arch = "bpf"))]
#[unsafe(no_mangle)]
extern "C" fn main() -> i32 {
    // Only lints and editors build this crate for the host.
    1
}

#[cfg(not(target_arch = "bpf"))]
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
