//! The limits of the data plane, each with its reason.

/// The layout of the pinned maps. It goes up whenever a map's key, value or meaning changes, so that a
/// binary never writes into maps that another version understands differently.
pub const LAYOUT_VERSION: u32 = 2;

/// VLAN tags (802.1Q and 802.1ad, mixed) that are skipped in front of the IP header. More than two are not met
/// in practice, but Linux takes off any number of tags that have VLAN number 0 (`__netif_receive_skb_core` of
/// `net/core/dev.c`), so a frame with more is dropped as malformed.
pub const MAX_VLAN_TAGS: usize = 4;

/// IPv6 extension headers that are walked to the transport header. RFC 8504, section 5.3, lets a host
/// limit the chain; Linux does not, so a longer chain is dropped as malformed rather than passed.
pub const MAX_EXTENSION_HEADERS: usize = 8;

/// How far into a frame headers are looked for, in bytes. The verifier wants a bound on packet offsets;
/// 4 VLAN tags and 8 extension headers of the greatest length (2,048 bytes) end before it.
pub const MAX_HEADER_OFFSET: usize = 0x4fff;

/// Prefixes that one generation can hold, of each IP version and of each kind (source, retired).
pub const MAX_PREFIXES: u32 = 1 << 20;

/// Prefixes that can carry an expiry (`--for`) at the same time.
pub const MAX_EXPIRIES: u32 = 1 << 16;

/// How many expired prefixes, one inside the other, a packet's source is taken past before it counts as
/// untrusted. Each costs a lookup in the trie.
pub const MAX_NESTED_EXPIRED: usize = 4;

/// Generations that exist side by side: the one in force and the one being built or taken down.
pub const GENERATIONS: u32 = 2;

/// Bits of a port set: one for each of the 65,536 ports.
pub const PORT_SET_BYTES: usize = 65_536 / 8;

/// Bytes of an interface's name with its final NUL (`IFNAMSIZ` of `include/uapi/linux/if.h`).
pub const INTERFACE_NAME_BYTES: usize = 16;
