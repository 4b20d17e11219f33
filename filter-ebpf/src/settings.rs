//! What this program is specialised for. The loader writes the [`Constants`] before the verifier runs, so the verifier
//! removes what is switched off.

use filter_common::{Constants, DropLevel};

#[unsafe(no_mangle)]
static CONSTANTS: Constants = Constants::OFF;

/// Reads a constant. The read is volatile, because the loader changes the bytes that the compiler saw.
macro_rules! constant {
    ($($place:tt)+) => {
        // SAFETY: a field of a static is aligned and holds a value.
        unsafe { (&raw const CONSTANTS.$($place)+).read_volatile() }
    };
}

/// Whether a TCP port, as it lies in the frame, is protected.
#[inline(always)]
pub fn protects_tcp(port: u16) -> bool {
    let (byte, bit) = place(port);
    constant!(tcp_ports[byte]) >> bit & 1 != 0
}

/// Whether a UDP port, as it lies in the frame, is protected.
#[inline(always)]
pub fn protects_udp(port: u16) -> bool {
    let (byte, bit) = place(port);
    constant!(udp_ports[byte]) >> bit & 1 != 0
}

/// The byte and the bit of a port in a set of ports.
#[inline(always)]
fn place(port: u16) -> (usize, u16) {
    let number = u16::from_be(port);
    (usize::from(number >> 3), number & 7)
}

#[inline(always)]
pub fn protects_any_udp() -> bool {
    constant!(protects_udp) != 0
}

#[inline(always)]
pub fn drop_level() -> DropLevel {
    DropLevel::from_number(constant!(drop_level)).unwrap_or(DropLevel::All)
}

#[inline(always)]
pub fn observes() -> bool {
    constant!(observes) != 0
}

/// Whether every TCP segment that opens no connection passes, whatever its source. This is so at drop level `new`, unless
/// the list may hold deny entries (row 4 of the table).
#[inline(always)]
pub fn passes_segments() -> bool {
    drop_level() == DropLevel::New && constant!(may_deny) == 0
}

#[inline(always)]
pub fn may_retire() -> bool {
    constant!(may_retire) != 0
}

#[inline(always)]
pub fn awaits_confirmation() -> bool {
    constant!(awaits_confirmation) != 0
}

#[inline(always)]
pub fn has_coarse_clock() -> bool {
    constant!(has_coarse_clock) != 0
}

#[inline(always)]
pub fn secret() -> u64 {
    constant!(secret)
}

#[inline(always)]
pub fn source_mask_v4() -> u32 {
    constant!(source_mask_v4)
}

#[inline(always)]
pub fn source_mask_v6() -> u64 {
    constant!(source_mask_v6)
}
