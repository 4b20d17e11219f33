//! What this program was specialised for: [`Constants`] that the loader writes before the verifier runs, so that the
//! verifier removes what is switched off.

use filter_common::{Constants, DropLevel};

#[unsafe(no_mangle)]
static CONSTANTS: Constants = Constants::OFF;

/// A constant. The read is volatile, because the loader has changed the bytes that the compiler saw.
macro_rules! constant {
    ($($place:tt)+) => {
        // SAFETY: a place in a static is aligned and holds a value.
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

/// Where in a set of ports the bit of this one is.
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

/// Whether TCP segments that open no connection pass, whoever sent them: at level `new`, where row 4 of the table has
/// nothing to say.
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
