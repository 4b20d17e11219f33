//! The XDP program: which packets of a NIC reach the host.
//!
//! A plain packet goes plain → verdict → counters. Any other packet goes network → transport → verdict → counters. Each is
//! one file, and reads the bytes that `frame` gives. There are two entries: one for kernels that give XDP frames of
//! several buffers (5.18 and later), and one for the kernels before.
#![no_std]
#![no_main]
#![cfg_attr(target_arch = "bpf", feature(asm_experimental_arch))]
#![expect(
    missing_docs,
    reason = "a program has no API; its map layouts are documented in filter-common"
)]

mod confirm;
mod counters;
mod coverage;
mod drop_sources;
mod established;
mod extensions;
mod frame;
mod lists;
mod network;
mod packet;
mod plain;
mod settings;
mod transport;
mod verdict;

use aya_ebpf::{
    EbpfContext as _,
    bindings::{xdp_action, xdp_md},
    macros::xdp,
    programs::XdpContext,
};

use crate::{frame::Frame, verdict::Verdict};

/// The entry for kernels that give XDP frames of several buffers.
#[xdp(frags)]
#[inline(always)]
pub fn synwall_frags(ctx: XdpContext) -> u32 {
    plain_or(&ctx, filter_any_frame)
}

/// The entry for kernels before 5.18.
#[xdp]
#[inline(always)]
pub fn synwall(ctx: XdpContext) -> u32 {
    plain_or(&ctx, filter_one_buffer)
}

/// Filters a plain packet here. Calls `other` for any other packet, so that the common path stays short.
#[inline(always)]
fn plain_or(ctx: &XdpContext, other: extern "C" fn(*mut xdp_md) -> u32) -> u32 {
    if settings::awaits_confirmation() && confirm::is_overdue() {
        return xdp_action::XDP_PASS;
    }
    let frame = Frame::<false>::new(ctx);
    if let Some(packet) = plain::ipv4(&frame) {
        carry_out(&frame, verdict::of_packet(&frame, &packet))
    } else if let Some(packet) = plain::ipv6(&frame) {
        carry_out(&frame, verdict::of_packet(&frame, &packet))
    } else {
        other(ctx.as_ptr().cast())
    }
}

/// Filters a frame of one or more buffers.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn filter_any_frame(ctx: *mut xdp_md) -> u32 {
    let ctx = XdpContext::new(ctx);
    let frame = Frame::<false>::new(&ctx);
    if frame.is_all() {
        carry_out(&frame, verdict::of(&frame))
    } else {
        let frame = Frame::<true>::new(&ctx);
        carry_out(&frame, verdict::of(&frame))
    }
}

/// Filters a frame of one buffer.
#[unsafe(no_mangle)]
#[inline(never)]
extern "C" fn filter_one_buffer(ctx: *mut xdp_md) -> u32 {
    let frame = Frame::<false>::new(&XdpContext::new(ctx));
    carry_out(&frame, verdict::of(&frame))
}

/// Counts a verdict and carries it out.
#[inline(always)]
fn carry_out<const SCATTERED: bool>(frame: &Frame<SCATTERED>, verdict: Verdict) -> u32 {
    match verdict {
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

/// The kernel offers some of the helpers to programs under the GPL only.
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
