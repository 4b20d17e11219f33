//! The limits of the data plane, each with its reason.

/// The version of the pinned maps. Raise it whenever a map's key, value or meaning changes, so that no binary writes into
/// maps that another version reads differently.
pub const LAYOUT_VERSION: u32 = 2;

/// VLAN tags (802.1Q and 802.1ad, mixed) that are skipped in front of the IP header. Networks use two at most. But Linux
/// removes any number of tags with VLAN number 0 (`__netif_receive_skb_core` of `net/core/dev.c`), so a frame with more
/// tags is dropped as malformed.
pub const MAX_VLAN_TAGS: usize = 4;

/// IPv6 extension headers that are followed to the transport header. RFC 8504, section 5.3, lets a host limit the chain.
/// Linux does not, so a longer chain is dropped as malformed.
pub const MAX_EXTENSION_HEADERS: usize = 8;

/// The largest offset of a header in a frame, in bytes. The verifier demands a bound on packet offsets. Four VLAN tags and
/// eight extension headers of the greatest length (2,048 bytes) end before it.
pub const MAX_HEADER_OFFSET: usize = 0x4fff;

/// The most prefixes in one trie. A generation has a trie for each IP version, for sources and for retired prefixes.
pub const MAX_PREFIXES: u32 = 1 << 20;

/// The most prefixes with a deadline (`--for`) in one generation.
pub const MAX_EXPIRIES: u32 = 1 << 16;

/// How many nested prefixes that have expired are skipped before a source counts as untrusted. Each costs a lookup in the
/// trie.
pub const MAX_NESTED_EXPIRED: usize = 4;

/// Generations that exist side by side: the one in force, and the one being built or taken down.
pub const GENERATIONS: u32 = 2;

/// Bytes of a port set: a bit for each of the 65,536 ports.
pub const PORT_SET_BYTES: usize = 65_536 / 8;

/// Bytes of an interface name with its final NUL (`IFNAMSIZ` of `include/uapi/linux/if.h`).
pub const INTERFACE_NAME_BYTES: usize = 16;
