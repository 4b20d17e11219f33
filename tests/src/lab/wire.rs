//! The wire: a bridge in its own namespace, with a port for each host.

use std::os::fd::AsRawFd;
use std::process::Command;

use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use super::host::{Host, INTERFACE};
use super::{Cards, Namespace, Output, must};

/// One Ethernet segment. All hosts on it hear one another.
#[derive(Debug)]
pub struct Wire {
    namespace: Namespace,
    mtu: u32,
    vlan: Option<u16>,
    ports: u8,
}

impl Wire {
    /// A wire for frames of up to `mtu` bytes. If `vlan` is given, hosts have their addresses behind that VLAN tag.
    #[must_use]
    pub fn new(mtu: u32, vlan: Option<u16>) -> Self {
        let namespace = Namespace::new();
        // Multicast snooping is off: neighbour discovery must work at once, before hosts have reported their
        // memberships.
        namespace.ip(&format!(
            "link add bridge type bridge mcast_snooping 0\n\
             link set bridge mtu {mtu} addrgenmode none up\n"
        ));
        Self {
            namespace,
            mtu,
            vlan,
            ports: 0,
        }
    }

    /// Adds a host to this wire. Its addresses include their prefix length (`192.0.2.1/24`). The host treats all
    /// other addresses as on the wire, too.
    pub fn plug(&mut self, name: &str, v4: &str, v6: &str) -> Host {
        self.ports += 1;
        let (number, mtu) = (self.ports, self.mtu);
        let host = Host::new(name, Namespace::new(), [2, 0, 0, 0, 0, number], v4, v6);
        let inside = host.namespace().path();
        let mac = frame_style(host.mac());
        // The port gets a MAC address that no host has. The host's end is created in the host's namespace.
        self.namespace.ip(&format!(
            "link add port{number} mtu {mtu} address 02:00:00:00:01:{number:02x} type veth \
             peer name {INTERFACE} mtu {mtu} address {mac} netns {inside}\n\
             link set port{number} addrgenmode none master bridge up\n"
        ));
        let interface = match self.vlan {
            Some(id) => format!("{INTERFACE}.{id}"),
            None => INTERFACE.to_owned(),
        };
        let tagged = match self.vlan {
            Some(id) => format!("link add link {INTERFACE} name {interface} type vlan id {id}\n"),
            None => String::new(),
        };
        host.namespace().ip(&format!(
            "link set {INTERFACE} up\n\
             {tagged}link set {interface} up\n\
             addr add {v4} dev {interface}\n\
             addr add {v6} dev {interface} nodad\n\
             route add default dev {interface}\n\
             route add ::/0 dev {interface}\n"
        ));
        let port = format!("port{number}");
        self.namespace.run(|| vlan_tags_stay_in_the_frame(&port));
        host.run(|| vlan_tags_stay_in_the_frame(INTERFACE));
        host
    }

    /// Adds a host whose `eth0` is a network card of the machine instead of a veth. The wire gets the card at the
    /// other end of the cable. When host and wire end, the machine has both cards back.
    #[must_use]
    pub fn plug_cards(&mut self, name: &str, cards: &Cards, v4: &str, v6: &str) -> Host {
        let host = Host::new(name, Namespace::new(), cards.mac, v4, v6);
        for (card, namespace, inside) in [
            (&cards.of_host, host.namespace(), INTERFACE),
            (&cards.of_wire, &self.namespace, "card"),
        ] {
            let mut ip = Command::new("ip");
            let arguments = format!("link set {card} netns {} name {inside}", namespace.path());
            Output::of(ip.args(arguments.split(' '))).ok();
        }
        self.namespace
            .ip("link set card addrgenmode none master bridge up\n");
        host.namespace().ip(&format!(
            "link set {INTERFACE} up\n\
             addr add {v4} dev {INTERFACE}\n\
             addr add {v6} dev {INTERFACE} nodad\n\
             route add default dev {INTERFACE}\n\
             route add ::/0 dev {INTERFACE}\n"
        ));
        host
    }

    /// Whether this kernel supports VLAN interfaces. Some kernels are built without them.
    #[must_use]
    pub fn can_tag() -> bool {
        let mut ip = Namespace::new().command("ip");
        let output = Output::of(ip.args("link add link lo name tagged type vlan id 1".split(' ')));
        // On `lo` the command always fails. The message shows whether the kernel knows this type of interface.
        !output.stderr.contains("Unknown device type")
    }

    /// The namespace of the bridge. The ports of the hosts are `port1`, `port2`, … in the order of plugging.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }
}

fn frame_style(mac: [u8; 6]) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}

/// `struct ethtool_value` of `linux/ethtool.h`.
#[repr(C)]
struct EthtoolValue {
    command: u32,
    data: u32,
}

const ETHTOOL_SFLAGS: u32 = 0x26;

/// Switches VLAN acceleration off. With it, veth carries an 802.1Q tag beside the frame, and an XDP program does not
/// see the tag. A real wire carries it inside the frame. (An outer 802.1ad tag is still carried beside it.)
fn vlan_tags_stay_in_the_frame(interface: &str) {
    let socket = socket(
        AddressFamily::Inet,
        SockType::Datagram,
        SockFlag::SOCK_CLOEXEC,
        None,
    );
    let socket = must("open a socket", socket);
    // All flags of the set are off: VLAN in either direction, LRO, NTUPLE, RXHASH.
    let mut value = EthtoolValue {
        command: ETHTOOL_SFLAGS,
        data: 0,
    };
    // SAFETY: an all-zero `ifreq` is a valid value: it holds integers and a pointer that may be null.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (to, from) in request
        .ifr_name
        .iter_mut()
        .zip(interface.bytes())
        .take(libc::IFNAMSIZ - 1)
    {
        *to = libc::c_char::from_ne_bytes([from]);
    }
    request.ifr_ifru.ifru_data = (&raw mut value).cast();
    // SAFETY: the descriptor is open, `request` is an `ifreq` whose data points to an `ethtool_value`, and both
    // outlive the call.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCETHTOOL, &raw mut request) };
    must(
        format_args!("switch off VLAN acceleration on {interface}"),
        nix::errno::Errno::result(result),
    );
}
