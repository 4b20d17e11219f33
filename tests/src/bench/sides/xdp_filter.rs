//! xdp-filter of Debian's xdp-tools, with one denied port. It knows no prefixes in the sense of this bench: its
//! lists hold single addresses.

use std::ffi::OsStr;

use super::super::wires::{INTERFACE, Receiver};
use crate::lab::{Namespace, Output};

/// A loaded xdp-filter. There is one at a time: it pins by the interface's name.
#[derive(Debug)]
pub(super) struct XdpFilter {
    namespace: Namespace,
}

impl XdpFilter {
    /// Loads it natively, with no more features than it needs.
    pub(super) fn load(receiver: &Receiver) -> Self {
        let filter = Self {
            namespace: receiver.namespace.clone(),
        };
        filter
            .run(["load", "--mode", "native", "--features", "tcp", INTERFACE])
            .ok();
        filter
            .run(["port", "443", "--mode", "dst", "--proto", "tcp"])
            .ok();
        filter
    }

    /// What it has dropped, by its own statistics.
    pub(super) fn dropped(&self) -> u64 {
        // Version 1.3 shows it all and then exits with 254, for want of the maps of features that are off.
        let status = self.run(["status"]);
        let number = status.stdout.lines().find_map(|line| {
            let mut words = line.split_whitespace();
            words.next().filter(|&word| word == "XDP_DROP")?;
            words.next()?.replace(',', "").parse().ok()
        });
        number.unwrap_or_else(|| panic!("no XDP_DROP in what xdp-filter says:\n{status}"))
    }

    fn run<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Output {
        Output::of(self.namespace.command("xdp-filter").args(arguments))
    }
}

impl Drop for XdpFilter {
    fn drop(&mut self) {
        // Fails only if it is gone already.
        let _ = self.run(["unload", INTERFACE]);
    }
}
