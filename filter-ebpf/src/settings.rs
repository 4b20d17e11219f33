//! What this program was specialised for: constants that the loader writes before the verifier runs, so
//! that the verifier removes what is switched off.

use aya_ebpf::Global;
use filter_common::{DropLevel, PORT_SET_BYTES};

type PortSet = [u8; PORT_SET_BYTES];

#[unsafe(no_mangle)]
static TCP_PORTS: Global<PortSet> = Global::new([0; PORT_SET_BYTES]);
#[unsafe(no_mangle)]
static UDP_PORTS: Global<PortSet> = Global::new([0; PORT_SET_BYTES]);
/// 1 if any UDP port is protected.
#[unsafe(no_mangle)]
static UDP: Global<u8> = Global::new(0);
/// The number of a [`DropLevel`].
#[unsafe(no_mangle)]
static DROP_LEVEL: Global<u8> = Global::new(0);
/// 1 if packets pass that would be dropped.
#[unsafe(no_mangle)]
static OBSERVE: Global<u8> = Global::new(0);
/// 1 if the list may hold deny entries.
#[unsafe(no_mangle)]
static DENY: Global<u8> = Global::new(0);
/// 1 if the list may hold retired prefixes.
#[unsafe(no_mangle)]
static RETIRE: Global<u8> = Global::new(0);
/// 1 while `synwall confirm` is awaited.
#[unsafe(no_mangle)]
static CONFIRM: Global<u8> = Global::new(0);
/// 1 if the kernel has `bpf_ktime_get_coarse_ns` (5.11 and later).
#[unsafe(no_mangle)]
static COARSE_CLOCK: Global<u8> = Global::new(0);
/// The secret of all hashes.
#[unsafe(no_mangle)]
static SECRET: Global<u64> = Global::new(0);
/// The bits of an IPv4 address that its drops are counted by.
#[unsafe(no_mangle)]
static SOURCE_MASK_V4: Global<u32> = Global::new(0);
/// Those of the first half of an IPv6 address.
#[unsafe(no_mangle)]
static SOURCE_MASK_V6: Global<u64> = Global::new(0);

/// Whether a port, as it lies in the frame, is protected.
#[inline(always)]
pub fn protects_tcp(port: u16) -> bool {
    contains(&TCP_PORTS, port)
}

#[inline(always)]
pub fn protects_udp(port: u16) -> bool {
    contains(&UDP_PORTS, port)
}

#[inline(always)]
pub fn protects_any_udp() -> bool {
    UDP.load() != 0
}

#[inline(always)]
pub fn drop_level() -> DropLevel {
    DropLevel::from_number(DROP_LEVEL.load()).unwrap_or(DropLevel::All)
}

#[inline(always)]
pub fn observes() -> bool {
    OBSERVE.load() != 0
}

/// Whether TCP segments that open no connection pass, whoever sent them: at level `new`, where row 4 of the table has
/// nothing to say.
#[inline(always)]
pub fn passes_segments() -> bool {
    drop_level() == DropLevel::New && DENY.load() == 0
}

#[inline(always)]
pub fn may_retire() -> bool {
    RETIRE.load() != 0
}

#[inline(always)]
pub fn awaits_confirmation() -> bool {
    CONFIRM.load() != 0
}

#[inline(always)]
pub fn has_coarse_clock() -> bool {
    COARSE_CLOCK.load() != 0
}

#[inline(always)]
pub fn secret() -> u64 {
    SECRET.load()
}

#[inline(always)]
pub fn source_mask_v4() -> u32 {
    SOURCE_MASK_V4.load()
}

#[inline(always)]
pub fn source_mask_v6() -> u64 {
    SOURCE_MASK_V6.load()
}

#[inline(always)]
fn contains(set: &'static Global<PortSet>, port: u16) -> bool {
    let bytes = (&raw const *set).cast::<u8>();
    let number = u16::from_be(port);
    // SAFETY: `Global` is transparent over the port set, which has a byte for every eight ports, and a
    // port divided by eight is below its length. Volatile, since the loader has changed the bytes that
    // the compiler saw.
    let byte = unsafe { bytes.add(usize::from(number >> 3)).read_volatile() };
    byte >> (number & 7) & 1 != 0
}
