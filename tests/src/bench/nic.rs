//! The statistics of an interface, and its GRO switch. This calls the ethtool ioctls directly, without `ethtool`, so
//! a reading between two slices of a measurement takes microseconds.

use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, socket};

use crate::lab::{Namespace, must};

/// Constants of `linux/ethtool.h`.
const ETHTOOL_GSTRINGS: u32 = 0x1b;
const ETHTOOL_GSTATS: u32 = 0x1d;
const ETHTOOL_SGRO: u32 = 0x2c;
const ETHTOOL_GSSET_INFO: u32 = 0x37;
const ETH_SS_STATS: u32 = 1;
const ETH_GSTRING_LEN: usize = 32;

/// The receiving end of a cable.
#[derive(Debug)]
pub struct Nic {
    socket: OwnedFd,
    name: String,
    count: usize,
    received: usize,
    dropped_by_xdp: usize,
}

/// What a veth interface has counted since it was created.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counters {
    /// Frames taken from the ring, including dropped ones.
    pub received: u64,
    /// Frames that an XDP program dropped.
    pub dropped_by_xdp: u64,
}

impl Nic {
    /// The interface of that name in a namespace.
    #[must_use]
    pub fn new(namespace: &Namespace, name: &str) -> Self {
        let made = namespace.run(|| {
            socket(
                AddressFamily::Inet,
                SockType::Datagram,
                SockFlag::SOCK_CLOEXEC,
                None,
            )
        });
        let mut nic = Self {
            socket: must("open a socket", made),
            name: name.to_owned(),
            count: 0,
            received: 0,
            dropped_by_xdp: 0,
        };
        // `struct ethtool_sset_info`: command, reserved, a mask of two words, and one word for its bit.
        let mut info = [ETHTOOL_GSSET_INFO, 0, 1 << ETH_SS_STATS, 0, 0];
        nic.ethtool("count its statistics", &mut info);
        nic.count = info[4] as usize;
        let names = nic.names();
        let find = |wanted: &str| {
            let found = names.iter().position(|name| name == wanted);
            must(
                format_args!("find {wanted} in the interface's statistics"),
                found.ok_or_else(|| format!("it has {}", names.join(", "))),
            )
        };
        nic.received = find("rx_queue_0_xdp_packets");
        nic.dropped_by_xdp = find("rx_queue_0_xdp_drops");
        nic
    }

    fn names(&self) -> Vec<String> {
        // `struct ethtool_gstrings`: command, set, length, and the strings.
        let mut words = vec![0_u32; 3 + self.count * ETH_GSTRING_LEN / 4];
        words[..3].copy_from_slice(&[ETHTOOL_GSTRINGS, ETH_SS_STATS, self.count as u32]);
        self.ethtool("name its statistics", &mut words);
        let bytes: Vec<u8> = words[3..].iter().flat_map(|word| word.to_ne_bytes()).collect();
        let text = |name: &[u8]| String::from_utf8_lossy(name).trim_matches('\0').to_owned();
        bytes.chunks(ETH_GSTRING_LEN).map(text).collect()
    }

    /// The current counters.
    #[must_use]
    pub fn counters(&self) -> Counters {
        // `struct ethtool_stats`: command and number in one word, then the statistics.
        let mut words = vec![0_u64; 1 + self.count];
        words[0] = u64::from_ne_bytes(pair(ETHTOOL_GSTATS, self.count as u32));
        self.ethtool("show its statistics", &mut words);
        Counters {
            received: words[1 + self.received],
            dropped_by_xdp: words[1 + self.dropped_by_xdp],
        }
    }

    /// Switches GRO on. Then veth takes frames from its peer in batches, as a network card does, even without an XDP
    /// program.
    pub fn receive_in_batches(&self) {
        self.ethtool("switch on GRO", &mut [ETHTOOL_SGRO, 1]);
    }

    fn ethtool<T>(&self, what: &str, data: &mut [T]) {
        // SAFETY: an all-zero `ifreq` is a valid value: it holds integers and a pointer that may be null.
        let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
        let name = request.ifr_name.iter_mut().take(libc::IFNAMSIZ - 1);
        for (to, from) in name.zip(self.name.bytes()) {
            *to = libc::c_char::from_ne_bytes([from]);
        }
        request.ifr_ifru.ifru_data = data.as_mut_ptr().cast();
        // SAFETY: the descriptor is open. `request` is an `ifreq`, and its data is as long as its command and its
        // count say. Both outlive the call.
        let result = unsafe { libc::ioctl(self.socket.as_raw_fd(), libc::SIOCETHTOOL, &raw mut request) };
        must(format_args!("make {} {what}", self.name), Errno::result(result));
    }
}

fn pair(first: u32, second: u32) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&first.to_ne_bytes());
    bytes[4..].copy_from_slice(&second.to_ne_bytes());
    bytes
}
