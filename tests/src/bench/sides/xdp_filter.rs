//! xdp-filter of Debian's xdp-tools, with one denied port. It knows no prefixes in the sense of this bench: its
//! lists hold single addresses.

use std::fs;
use std::io;

use super::super::wires::{INTERFACE, Receiver};
use crate::lab::{Output, must};

/// Where it pins the programs of interfaces, by the interface's name.
const PROGRAMS: &str = "/sys/fs/bpf/xdp-filter/programs";

/// Loads it natively: with all features, as it does unless told otherwise, or with that for TCP ports alone.
pub(super) fn load(receiver: &Receiver, tcp_only: bool) {
    let features: &[&str] = if tcp_only { &["--features", "tcp"] } else { &[] };
    let run = |arguments: &[&str]| {
        Output::of(receiver.namespace.command("xdp-filter").args(arguments)).ok();
    };
    run(&[&["load", "--mode", "native"], features, &[INTERFACE]].concat());
    run(&["port", "443", "--mode", "dst", "--proto", "tcp"]);
    // The next one has an interface of the same name, in another namespace. What is attached stays so, and ends with its
    // cable.
    match fs::remove_dir_all(PROGRAMS) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => must("remove xdp-filter's pins", Err(error)),
        _ => {}
    }
}
