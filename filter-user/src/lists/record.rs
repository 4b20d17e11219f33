//! The record of an entry: what is known of it beside its place in the table, which is its slot.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::model::entry::Action;

/// What is known of an entry, beside its place, which is its slot.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Record {
    address: [u8; 16],
    /// When it stops to count, in nanoseconds of `CLOCK_MONOTONIC`; 0 for never.
    pub expires_ns: u64,
    /// When it got its slot.
    pub since_ns: u64,
    /// What had been counted on the slot by then.
    pub base_packets: u64,
    /// The same in bytes.
    pub base_bytes: u64,
    /// The number of its label, 0 for none.
    pub label: u32,
    /// In a free place: the next free slot, and one more.
    next_free: u32,
    /// [`Self::SAVED`] or nothing.
    flags: u32,
    /// The number of its origin.
    pub origin: u16,
    prefix_len: u8,
    /// The number of the action; [`Self::IPV6`] added for IPv6; 0 in a free place.
    action: u8,
}

const _: () = assert!(size_of::<Record>() == 64);

// SAFETY: `#[repr(C)]`, made of integers and arrays of them, without padding (see the size above).
unsafe impl aya::Pod for Record {}

impl Record {
    const IPV6: u8 = 0x80;
    const SAVED: u32 = 1;

    /// A record of a prefix in a list; nothing else is known yet.
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

    /// A free place; `next` is the next one.
    pub fn free(next: Option<u32>) -> Self {
        Self {
            next_free: next.map_or(0, |slot| slot + 1),
            ..Self::default()
        }
    }

    /// The next free place.
    pub fn next(&self) -> Option<u32> {
        self.next_free.checked_sub(1)
    }

    /// The list that it stands in; `None` for a free place.
    pub fn action(&self) -> Option<Action> {
        Action::from_number(self.action & !Self::IPV6)
    }

    /// Its prefix; `None` if nobody of us wrote it.
    pub fn prefix(&self) -> Option<IpNet> {
        let [a, b, c, d, ..] = self.address;
        let prefix = if self.action & Self::IPV6 == 0 {
            Ipv4Net::new([a, b, c, d].into(), self.prefix_len).map(IpNet::from)
        } else {
            Ipv6Net::new(self.address.into(), self.prefix_len).map(IpNet::from)
        };
        prefix.ok().filter(|prefix| *prefix == prefix.trunc())
    }

    /// Whether the agent put it there.
    pub fn is_saved(&self) -> bool {
        self.flags & Self::SAVED != 0
    }

    /// Notes that.
    pub fn set_saved(&mut self, is_saved: bool) {
        self.flags = if is_saved { Self::SAVED } else { 0 };
    }

    /// Whether its time is over.
    pub fn is_over(&self, now_ns: u64) -> bool {
        self.expires_ns != 0 && self.expires_ns <= now_ns
    }
}
