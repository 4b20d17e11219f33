//! The bench's network: one namespace that sends, and for each side of a comparison a receiving namespace on a
//! cable of its own. Changing sides is sending through another cable: nothing has to be switched.

use nix::net::if_::if_nametoindex;

use super::nic::Nic;
use crate::lab::{Namespace, must};

/// The name of every receiver's interface.
pub const INTERFACE: &str = "eth0";
/// The address under attack.
pub const TARGET_V4: [u8; 4] = [203, 0, 113, 10];
/// The same over IPv6: 2001:db8:113::10.
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
    /// What is measured here lives in this namespace.
    pub namespace: Namespace,
    /// Its interface.
    pub nic: Nic,
    /// The index of the sender's end.
    pub through: u32,
    /// The name of the sender's end.
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

    /// Another cable, with a receiver at its end.
    ///
    /// Answers go to a neighbour that is known for good: nothing that gets through, and nothing that is answered
    /// to a source that nobody has, may fill the neighbour table, which is one for the whole machine.
    pub fn receiver(&mut self) -> Receiver {
        let sender_end = format!("cable{}", self.cables);
        self.cables += 1;
        let namespace = Namespace::new();
        let (ours, theirs) = (shown(SENDER_MAC), shown(RECEIVER_MAC));
        // One queue: what is sent is received on the same CPU, and counted in one place.
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

/// As `ip` reads it.
#[must_use]
pub fn shown(mac: [u8; 6]) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}
