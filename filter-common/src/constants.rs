//! What a loaded program is specialised for.

use crate::PORT_SET_BYTES;

/// The settings of one loaded program. The loader writes them into the program's read-only data before the verifier runs,
/// so the verifier removes what is switched off. A switch is 0 or 1.
#[repr(C)]
#[derive(Clone, Copy)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
pub struct Constants {
    /// The secret of all hashes.
    pub secret: u64,
    /// The bits of the first half of an IPv6 address that make its network in the table of drop sources.
    pub source_mask_v6: u64,
    /// The bits of an IPv4 address that make its network in the table of drop sources.
    pub source_mask_v4: u32,
    /// The number of a [`crate::DropLevel`].
    pub drop_level: u8,
    /// Whether any UDP port is protected.
    pub protects_udp: u8,
    /// Whether packets pass that the policy `enforce` would drop.
    pub observes: u8,
    /// Whether the list may hold deny entries.
    pub may_deny: u8,
    /// Whether the list may hold retired prefixes.
    pub may_retire: u8,
    /// Whether `synwall confirm` is awaited.
    pub awaits_confirmation: u8,
    /// Whether the kernel has `bpf_ktime_get_coarse_ns` (5.11 and later).
    pub has_coarse_clock: u8,
    /// Always 0.
    pub reserved: [u8; 5],
    /// A bit for each TCP port: whether it is protected.
    pub tcp_ports: [u8; PORT_SET_BYTES],
    /// A bit for each UDP port: whether it is protected.
    pub udp_ports: [u8; PORT_SET_BYTES],
}

impl Constants {
    /// The name of the constants in the object file.
    pub const NAME: &str = "CONSTANTS";

    /// Everything switched off.
    pub const OFF: Self = Self {
        secret: 0,
        source_mask_v6: 0,
        source_mask_v4: 0,
        drop_level: 0,
        protects_udp: 0,
        observes: 0,
        may_deny: 0,
        may_retire: 0,
        awaits_confirmation: 0,
        has_coarse_clock: 0,
        reserved: [0; 5],
        tcp_ports: [0; PORT_SET_BYTES],
        udp_ports: [0; PORT_SET_BYTES],
    };
}
