//! xdp-filter of Debian's xdp-tools, with one denied port. It knows no prefixes in the sense of this bench: its
//! allow and deny lists hold single addresses.

use super::super::wires::{INTERFACE, Receiver};
use crate::lab::Output;

/// Loads it natively, with no more features than it needs.
pub(super) fn load(receiver: &Receiver) {
    run(
        receiver,
        &["load", "--mode", "native", "--features", "tcp", INTERFACE],
    );
    run(receiver, &["port", "443", "--mode", "dst", "--proto", "tcp"]);
}

/// What it has dropped, by its own statistics.
pub(super) fn dropped(receiver: &Receiver) -> u64 {
    // Version 1.3 shows it all and then exits with 254, for want of the maps of features that are off.
    let status = Output::of(receiver.namespace.command("xdp-filter").arg("status"));
    let number = status.stdout.lines().find_map(|line| {
        let mut words = line.split_whitespace();
        words.next().filter(|&word| word == "XDP_DROP")?;
        words.next()?.replace(',', "").parse().ok()
    });
    number.unwrap_or_else(|| panic!("no XDP_DROP in what xdp-filter says:\n{status}"))
}

fn run(receiver: &Receiver, arguments: &[&str]) {
    Output::of(receiver.namespace.command("xdp-filter").args(arguments)).ok();
}
