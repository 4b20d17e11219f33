//! A host that an iptables script protects. Frames reach it over a wire, and the counters of its rules show what
//! happened.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use etherparse::PacketBuilder;

use super::script::{ACCEPTED, DROPPED, FAMILIES, Family, LAST, LAST_PORT, Script};
use crate::{
    lab::{Namespace, Output, PacketSocket, must},
    oracle::{
        config::Config,
        sockets::{HOST, address},
    },
};

/// The interface names of the test's end of the wire, and of the host's end.
const OURS: &str = "wire";
const THEIRS: &str = "eth0";
/// The largest packet that fits the wire.
pub const MTU: usize = 9_000;
/// Random frames have wrong checksums, which this test does not compare. The host also holds fragments of many
/// packets, and must not drop them before the last fragment arrives.
const SETTINGS: [(&str, &str); 4] = [
    ("netfilter/nf_conntrack_checksum", "0"),
    ("netfilter/nf_conntrack_frag6_high_thresh", "67108864"),
    ("ipv4/ipfrag_high_thresh", "67108864"),
    ("ipv6/ip6frag_high_thresh", "67108864"),
];
/// How long frames may take through the host.
const PATIENCE: Duration = Duration::from_secs(5);

/// A host that a script protects.
pub struct Host {
    namespace: Namespace,
    socket: PacketSocket,
    /// A frame that a separate rule counts. It is sent after the others, so its count shows that all have arrived.
    last: Vec<u8>,
    before: Tally,
}

/// Packets that reached the rules.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Packets dropped because their source is not trusted.
    pub dropped: u64,
    /// Packets accepted on a protected port.
    pub accepted: u64,
    last: u64,
}

impl Host {
    /// A host with the addresses that frames are sent to. It has no route for answers.
    pub fn new(config: &Config, script: Script) -> Self {
        let namespace = Namespace::new();
        namespace.ip(&format!(
            "link add {OURS} mtu {MTU} address 02:00:00:00:00:03 type veth \
             peer name {THEIRS} mtu {MTU} address 02:00:00:00:00:01\n\
             link set {OURS} addrgenmode none up\n\
             link set {THEIRS} addrgenmode none up\n\
             addr add {}/32 dev {THEIRS}\naddr add {}/128 dev {THEIRS} nodad\n",
            HOST[0], HOST[1]
        ));
        namespace.run(|| {
            for (setting, value) in SETTINGS {
                must(
                    "change a setting of the network",
                    fs::write(format!("/proc/sys/net/{setting}"), value),
                );
            }
        });
        if script == Script::Tracking {
            Output::with_input(namespace.command("ipset").arg("restore"), &script.sets(config)).ok();
        }
        for family in FAMILIES {
            let rules = script.rules(config, family);
            Output::with_input(&mut namespace.command(family.restore), &rules).ok();
        }
        let mut host = Self {
            socket: PacketSocket::sending(&namespace, OURS),
            namespace,
            last: last(),
            before: Tally::default(),
        };
        host.before = host.tally();
        host
    }

    /// Sends frames and returns what the rules counted.
    pub fn meets<'f>(&mut self, frames: impl IntoIterator<Item = &'f [u8]>) -> Tally {
        for frame in frames {
            self.socket.send(frame);
        }
        self.socket.send(&self.last);
        let began = Instant::now();
        loop {
            let now = self.tally();
            if now.last > self.before.last {
                let met = Tally {
                    dropped: now.dropped - self.before.dropped,
                    accepted: now.accepted - self.before.accepted,
                    last: 1,
                };
                self.before = now;
                return met;
            }
            assert!(began.elapsed() < PATIENCE, "frames were lost on the wire");
            thread::sleep(Duration::from_millis(1));
        }
    }

    fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for Family { save, .. } in FAMILIES {
            let output = Output::of(self.namespace.command(save).arg("-c")).ok();
            for line in output.stdout.lines() {
                // `[packets:bytes] rule`
                let Some((counters, rule)) = line.split_once("] ") else {
                    continue;
                };
                let packets = counters.trim_start_matches('[').split(':').next();
                let packets: u64 = packets.and_then(|text| text.parse().ok()).unwrap_or(0);
                if rule.starts_with(DROPPED) {
                    tally.dropped += packets;
                } else if rule.starts_with(LAST) {
                    tally.last += packets;
                } else if rule.starts_with(ACCEPTED) && !rule.contains("-j ") {
                    tally.accepted += packets;
                }
            }
        }
        tally
    }
}

fn last() -> Vec<u8> {
    let [host, ..] = HOST;
    let to = match address(host) {
        std::net::IpAddr::V4(host) => host.octets(),
        std::net::IpAddr::V6(_) => unreachable!("the first address is IPv4"),
    };
    let packet = PacketBuilder::ethernet2([2, 0, 0, 0, 0, 3], [2, 0, 0, 0, 0, 1])
        .ipv4([192, 0, 2, 1], to, 64)
        .udp(LAST_PORT, LAST_PORT);
    let mut frame = Vec::new();
    must("build a datagram", packet.write(&mut frame, &[]));
    frame
}
