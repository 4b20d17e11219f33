//! xdp-filter from Debian's xdp-tools, with one denied port. It has no lists of prefixes: its lists hold single
//! addresses.

use std::fs;
use std::io;

use super::super::wires::{INTERFACE, Receiver};
use crate::lab::{Output, must};

/// The directory where it pins the programs of interfaces, by interface name.
const PROGRAMS: &str = "/sys/fs/bpf/xdp-filter/programs";

/// Loads it in native mode: with all features, which is its default, or with the TCP feature only.
pub(super) fn load(receiver: &Receiver, tcp_only: bool) {
    let features: &[&str] = if tcp_only { &["--features", "tcp"] } else { &[] };
    let run = |arguments: &[&str]| {
        Output::of(receiver.namespace.command("xdp-filter").args(arguments)).ok();
    };
    run(&[&["load", "--mode", "native"], features, &[INTERFACE]].concat());
    run(&["port", "443", "--mode", "dst", "--proto", "tcp"]);
    // The next side has an interface of the same name in another namespace. An attached program stays attached until
    // its cable is removed.
    match fs::remove_dir_all(PROGRAMS) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => must("remove xdp-filter's pins", Err(error)),
        _ => {}
    }
}
