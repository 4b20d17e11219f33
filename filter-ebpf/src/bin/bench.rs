//! The kernel's side of `cargo xtask bench`: programs that show the least that any filter costs, and the flood.
//!
//! User space runs a flood program on a template frame, as live frames. Each run makes a new segment of the frame, and
//! sends it out of the interface that it is said to have come in on. User space draws the sources, and the program takes
//! them in order. So all sides of a comparison get the same sources, and drawing them costs nothing here.
#![no_std]
#![no_main]
#![cfg_attr(target_arch = "bpf", feature(asm_experimental_arch))]
#![expect(missing_docs, reason = "a program has no API")]

use aya_ebpf::{
    Global,
    bindings::xdp_action,
    btf_maps::Array,
    macros::{btf_map, xdp},
    programs::XdpContext,
};

/// Sources in one value of the map: 4 KiB, so that user space fills the map with few system calls.
const ROW: usize = 512;
/// Rows of the map: 2^20 sources, more than one slice of a measurement sends.
const ROWS: usize = 2048;

/// The sum (RFC 1071) of the IPv4 header without source and checksum.
#[unsafe(no_mangle)]
static HEADER_SUM: Global<u32> = Global::new(0);
/// The sum of the TCP segment and its pseudo header, without source, port, sequence number and checksum.
#[unsafe(no_mangle)]
static SEGMENT_SUM: Global<u32> = Global::new(0);

/// IPv4 addresses, or the upper halves of IPv6 ones, as they lie in a frame.
#[btf_map]
static SOURCES: Array<[u64; ROW], ROWS> = Array::new();
/// The index of the next source, and the state of the random numbers for ports and sequence numbers.
#[btf_map]
static STATE: Array<[u64; 2], 1> = Array::new();

/// Drops every frame unread: no filter can drop faster.
#[xdp]
pub fn drop_all(_ctx: XdpContext) -> u32 {
    xdp_action::XDP_DROP
}

/// Passes every frame unread: no filter can pass faster.
#[xdp]
pub fn pass_all(_ctx: XdpContext) -> u32 {
    xdp_action::XDP_PASS
}

#[xdp]
pub fn flood_ipv4(ctx: XdpContext) -> u32 {
    flood::<34>(&ctx).unwrap_or(xdp_action::XDP_ABORTED)
}

#[xdp]
pub fn flood_ipv6(ctx: XdpContext) -> u32 {
    flood::<54>(&ctx).unwrap_or(xdp_action::XDP_ABORTED)
}

/// Makes a new segment of the frame and sends it. `TCP` is the offset of the TCP header.
#[inline(always)]
fn flood<const TCP: usize>(ctx: &XdpContext) -> Option<u32> {
    let start = ctx.data();
    if start + TCP + 20 > ctx.data_end() {
        return None;
    }
    let (source, random) = next()?;
    let mut sum = SEGMENT_SUM.load();
    // The addresses end where the TCP header begins. Each has 4 bytes with IPv4, and 16 with IPv6.
    if TCP == 34 {
        let words = words(source);
        put(start + 26, words[0]);
        put(start + 28, words[1]);
        let source = u32::from(words[0]) + u32::from(words[1]);
        sum += source;
        put(start + 24, checksum(HEADER_SUM.load() + source));
    } else {
        let (upper, lower) = (words(source), words(random.rotate_left(32) ^ source));
        for (index, word) in upper.into_iter().chain(lower).enumerate() {
            put(start + 22 + 2 * index, word);
            sum += u32::from(word);
        }
    }
    let random = words(random);
    // The lower byte in memory is the upper byte of the port, so no port is below 1024.
    let port = random[0] | 4;
    put(start + TCP, port);
    put(start + TCP + 4, random[1]);
    put(start + TCP + 6, random[2]);
    put(
        start + TCP + 16,
        checksum(sum + u32::from(port) + u32::from(random[1]) + u32::from(random[2])),
    );
    Some(xdp_action::XDP_TX)
}

/// The next source, and a random number.
#[inline(always)]
fn next() -> Option<(u64, u64)> {
    let state = STATE.get_ptr_mut(0)?;
    // SAFETY: the kernel gave the pointer for this run. Only one CPU at a time runs a flood.
    let state = unsafe { &mut *state };
    let index = state[0] as usize;
    state[0] += 1;
    // xorshift64 (Marsaglia, 2003).
    let mut random = state[1];
    random ^= random << 13;
    random ^= random >> 7;
    random ^= random << 17;
    state[1] = random;
    let row = SOURCES.get_ptr((index / ROW % ROWS) as u32)?;
    // SAFETY: the kernel gave the pointer for this run. The index is below the length of the row.
    let source = unsafe { row.cast::<u64>().add(index % ROW).read() };
    Some((source, random))
}

/// The number as it lies in memory, split into the 16-bit words that checksums add.
#[inline(always)]
fn words(number: u64) -> [u16; 4] {
    [
        number as u16,
        (number >> 16) as u16,
        (number >> 32) as u16,
        (number >> 48) as u16,
    ]
}

#[inline(always)]
fn put(at: usize, word: u16) {
    // SAFETY: all words lie in the TCP header or before it, and `flood` has checked that the frame is longer than that.
    // Frames and fields begin at even addresses.
    unsafe { (at as *mut u16).write(word) }
}

#[inline(always)]
fn checksum(sum: u32) -> u16 {
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = (sum & 0xffff) + (sum >> 16);
    !(sum as u16)
}

#[cfg(target_arch = "bpf")]
#[panic_handler]
fn panic(_info: &core::panic::PanicInfo<'_>) -> ! {
    // SAFETY: the verifier refuses a program in which this could be reached.
    unsafe { core::hint::unreachable_unchecked() }
}

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
