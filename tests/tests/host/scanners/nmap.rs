//! The real nmap, with options that make it fast and limit it to the scan; and its results.

use std::collections::BTreeMap;

use tests::lab::{Family, Host, Output};

/// A run of nmap.
pub struct Nmap {
    pub output: Output,
}

/// No name lookup, and no ARP instead of the requested probe. An answer may take half a second on a busy machine. A
/// probe without an answer is sent three times in all.
const ALWAYS: &str = "-n --send-ip --disable-arp-ping --min-rtt-timeout 400ms --initial-rtt-timeout 500ms \
                      --max-rtt-timeout 500ms --max-retries 2 --host-timeout 60s -oG -";

impl Nmap {
    /// Runs nmap from one host against another, with options separated by spaces.
    pub fn run(from: &Host, at: &Host, family: Family, options: &str) -> Self {
        let mut nmap = from.command("nmap");
        nmap.args(ALWAYS.split_whitespace())
            .args(options.split_whitespace());
        if family == Family::V6 {
            nmap.arg("-6");
        }
        nmap.arg(at.address(family).to_string());
        let output = Output::of(&mut nmap).ok();
        // nmap exits with 0 even if it found no route, or gave up.
        let is_done = output.stdout.contains("1 IP address") && !output.stdout.contains("Timeout");
        assert!(is_done, "{output}");
        Self { output }
    }

    /// The state of each port, or of each protocol in a protocol scan.
    pub fn ports(&self) -> BTreeMap<u16, String> {
        let line = self.output.stdout.lines().find_map(|line| {
            let rest = line
                .split_once("Ports: ")
                .or_else(|| line.split_once("Protocols: "));
            rest.map(|(_, ports)| ports.split('\t').next().unwrap_or_default())
        });
        // `80/open/tcp//http///, 443/open/…`
        let ports = line.unwrap_or_default().split(", ").filter_map(|port| {
            let mut fields = port.split('/');
            Some((fields.next()?.trim().parse().ok()?, fields.next()?.to_owned()))
        });
        ports.collect()
    }

    /// Whether nmap reports the host as up.
    pub fn is_up(&self) -> bool {
        self.output.stdout.contains("Status: Up")
    }
}
