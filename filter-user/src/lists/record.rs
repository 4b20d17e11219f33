//! The record of an entry in the table of a generation. Its position in the table is the slot of the entry.

use bytemuck::{Pod, Zeroable};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::model::entry::Action;

/// An entry as the table stores it: prefix, action, deadline, label, origin, and where its counts start. A free
/// slot has a record too.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Pod, Zeroable)]
pub struct Record {
    address: [u8; 16],
    /// When the entry expires, in nanoseconds of `CLOCK_MONOTONIC`; 0 for never.
    pub expires_ns: u64,
    /// When the entry got its slot, in nanoseconds of `CLOCK_MONOTONIC`.
    pub since_ns: u64,
    /// Packets that had been counted on the slot before the entry got it.
    pub base_packets: u64,
    /// Bytes that had been counted on the slot before the entry got it.
    pub base_bytes: u64,
    /// The number of the label plus one; 0 for no label.
    pub label: u32,
    /// Only in a free record: the next free slot plus one; 0 at the end of the chain.
    next_free: u32,
    /// [`Self::SAVED`] or 0.
    flags: u32,
    /// The number of the origin.
    pub origin: u16,
    prefix_len: u8,
    /// The number of the action, plus [`Self::IPV6`] for IPv6; 0 in a free record.
    action: u8,
}

const _: () = assert!(size_of::<Record>() == 64);

filter_common::map_values!(Record);

impl Record {
    const IPV6: u8 = 0x80;
    const SAVED: u32 = 1;

    /// A record of a prefix in a list, without label, deadline or counts.
    pub fn new(action: Action, prefix: IpNet) -> Self {
        let mut address = [0; 16];
        let mut number = action.kernel().number();
        match prefix {
            IpNet::V4(prefix) => address[..4].copy_from_slice(&prefix.addr().octets()),
            IpNet::V6(prefix) => {
                address = prefix.addr().octets();
                number |= Self::IPV6;
            }
        }
        Self {
            address,
            prefix_len: prefix.prefix_len(),
            action: number,
            ..Self::default()
        }
    }

    /// A free record. `next` is the slot of the next free record in the chain.
    pub fn free(next: Option<u32>) -> Self {
        Self {
            next_free: next.map_or(0, |slot| slot + 1),
            ..Self::default()
        }
    }

    /// The slot of the next free record in the chain. `None` at the end.
    pub fn next(&self) -> Option<u32> {
        self.next_free.checked_sub(1)
    }

    /// The list that the entry is in. `None` for a free record.
    pub fn action(&self) -> Option<Action> {
        Action::from_number(self.action & !Self::IPV6)
    }

    /// The prefix of the entry. `None` if the bytes are no valid prefix, so synwall did not write them.
    pub fn prefix(&self) -> Option<IpNet> {
        let [a, b, c, d, ..] = self.address;
        let prefix = if self.action & Self::IPV6 == 0 {
            Ipv4Net::new([a, b, c, d].into(), self.prefix_len).map(IpNet::from)
        } else {
            Ipv6Net::new(self.address.into(), self.prefix_len).map(IpNet::from)
        };
        prefix.ok().filter(|prefix| *prefix == prefix.trunc())
    }

    /// Whether the agent owns the entry. The agent changes and removes only its own entries.
    pub fn is_saved(&self) -> bool {
        self.flags & Self::SAVED != 0
    }

    /// Sets whether the agent owns the entry.
    pub fn set_saved(&mut self, is_saved: bool) {
        self.flags = if is_saved { Self::SAVED } else { 0 };
    }

    /// Whether the entry has expired at `now_ns`.
    pub fn is_over(&self, now_ns: u64) -> bool {
        self.expires_ns != 0 && self.expires_ns <= now_ns
    }
}
