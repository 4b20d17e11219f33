//! The network of the bench: one namespace that sends, and for each side a receiving namespace on its own cable. The
//! sender changes the side by sending through another cable. Nothing has to be reconfigured.

use nix::net::if_::if_nametoindex;

use super::nic::Nic;
use crate::lab::{Namespace, must};

/// The name of every receiver's interface.
pub const INTERFACE: &str = "eth0";
/// The address that is flooded.
pub const TARGET_V4: [u8; 4] = [203, 0, 113, 10];
/// The IPv6 address that is flooded: 2001:db8:113::10.
pub const TARGET_V6: [u8; 16] = [0x20, 1, 0xd, 0xb8, 1, 0x13, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10];
/// The MAC address of every receiver.
pub const RECEIVER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
/// The MAC address of the sender's end of every cable.
pub const SENDER_MAC: [u8; 6] = [2, 0, 0, 0, 1, 0];

/// The sending side of all cables.
#[derive(Debug)]
pub struct Sender {
    namespace: Namespace,
    cables: u32,
}

/// The far end of a cable.
#[derive(Debug)]
pub struct Receiver {
    /// The namespace of the side under test.
    pub namespace: Namespace,
    /// The receiver's interface.
    pub nic: Nic,
    /// The interface index of the sender's end.
    pub through: u32,
    /// The interface name of the sender's end.
    pub sender_end: String,
}

impl Sender {
    /// A sender without cables.
    #[must_use]
    pub fn new() -> Self {
        Self {
            namespace: Namespace::new(),
            cables: 0,
        }
    }

    /// The sender's namespace.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// Adds a cable with a receiver at its end.
    ///
    /// Answers go to a permanent neighbour entry. The kernel has one neighbour table for the whole machine. Passed
    /// frames and answers to random sources must not fill it.
    pub fn receiver(&mut self) -> Receiver {
        let sender_end = format!("cable{}", self.cables);
        self.cables += 1;
        let namespace = Namespace::new();
        let (ours, theirs) = (shown(SENDER_MAC), shown(RECEIVER_MAC));
        // One queue: a frame is received on the CPU that sent it, and counted in one place.
        let queues = "numtxqueues 1 numrxqueues 1";
        self.namespace.ip(&format!(
            "link add {sender_end} address {ours} {queues} type veth \
             peer name {INTERFACE} address {theirs} {queues} netns {}\n\
             link set {sender_end} addrgenmode none up\n",
            namespace.path()
        ));
        namespace.ip(&format!(
            "link set {INTERFACE} addrgenmode none up\n\
             addr add 203.0.113.10/24 dev {INTERFACE}\n\
             addr add 2001:db8:113::10/64 dev {INTERFACE} nodad\n\
             neigh add 203.0.113.1 lladdr {ours} dev {INTERFACE} nud permanent\n\
             neigh add 2001:db8:113::1 lladdr {ours} dev {INTERFACE} nud permanent\n\
             route add default via 203.0.113.1\n\
             route add ::/0 via 2001:db8:113::1\n"
        ));
        let nic = Nic::new(&namespace, INTERFACE);
        nic.receive_in_batches();
        let index = self.namespace.run(|| if_nametoindex(sender_end.as_str()));
        Receiver {
            namespace,
            nic,
            through: must(format_args!("find {sender_end}"), index),
            sender_end,
        }
    }
}

/// A MAC address in the notation of `ip`.
#[must_use]
pub fn shown(mac: [u8; 6]) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}
