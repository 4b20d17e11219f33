//! What an enabled unit does when the machine boots: a real systemd, from its first units on, and a network that comes when
//! networks come. The filter has to be there by then.

use std::fs;

use crate::machine::Machine;

/// Ordered as whatever configures networks is (systemd.special(7), network-pre.target), and after nothing else. It looks at
/// what is in force in the moment in which interfaces would be brought up.
const NETWORK: &str = "[Unit]\nDefaultDependencies=no\nWants=network.target\nAfter=network-pre.target\n\
    Before=network.target\n[Service]\nType=oneshot\nRemainAfterExit=yes\n\
    ExecStart=/bin/sh -c 'synwall status; synwall trust list; echo the network comes'\n\
    StandardOutput=append:/run/said\nStandardError=inherit\n";

/// What an administrator does once.
fn enabled(file: &str) -> Machine {
    let machine = Machine::with_package();
    machine.write("etc/synwall/synwall.toml", file);
    machine.write("etc/systemd/system/laboratory-network.service", NETWORK);
    machine.run("systemctl enable synwall").ok();
    machine
}

/// Boots to where ordinary services begin, and runs a script there; returns what was said when the network came.
#[track_caller]
fn boot(machine: &Machine, script: &str) -> String {
    // What is in the kernel's memory does not outlive a boot.
    machine.run("synwall down --all");
    let said = machine.boot(
        "sysinit.target laboratory-network.service",
        &format!("systemctl is-active sysinit.target synwall network.target\n{script}"),
    );
    let (before, after) = said
        .split_once("the network comes\n")
        .unwrap_or_else(|| panic!("no network came\n{said}"));
    assert!(after.starts_with("active\nactive\nactive\n"), "{said}");
    before.to_owned()
}

#[test]
fn the_filter_is_in_force_when_the_network_comes() {
    let machine = enabled("interfaces = [\"eth0\"]\n[trust]\nprefixes = [\"192.0.2.0/24 office\"]\n");
    let said = boot(&machine, "");
    assert!(said.contains("synwall is enforcing"), "{said}");
    let interface = said.lines().find(|line| line.starts_with("eth0\t"));
    assert!(
        interface.is_some_and(|line| line.starts_with("eth0\tattached\t")),
        "{said}"
    );
    assert!(said.contains("192.0.2.0/24\ttrust\toffice\tconfig"), "{said}");
}

#[test]
fn after_a_bad_day_the_last_good_lists_are_in_force_when_the_network_comes() {
    let machine = enabled(
        "interfaces = [\"eth0\"]\n[trust]\nfiles = [\"office.txt\"]\n[source.edge]\nfile = \"edge.txt\"\n",
    );
    machine.write("etc/synwall/office.txt", "192.0.2.0/24 office\n");
    machine.write("etc/synwall/edge.txt", "198.51.100.0/24\n");
    let said = boot(
        &machine,
        "for _ in 1 2 3 4 5 6 7 8; do synwall trust check 198.51.100.1 && break; sleep 1; done\n",
    );
    assert!(
        !said.contains("enforcing"),
        "without the list of its source:\n{said}"
    );
    // The disk of a machine that went down in the middle of things.
    machine.write(
        "etc/synwall/synwall.toml",
        "interfaces = [\"eth0\"]\n[trust]\nfiles = [\"off",
    );
    for gone in ["office.txt", "edge.txt"] {
        fs::remove_file(machine.path("etc/synwall").join(gone)).unwrap();
    }
    let said = boot(&machine, "");
    assert!(said.contains("synwall is enforcing"), "{said}");
    for expected in [
        "192.0.2.0/24\ttrust\toffice\tfile:",
        "198.51.100.0/24\ttrust\tedge\tsource:edge",
    ] {
        assert!(said.contains(expected), "no {expected:?} in\n{said}");
    }
}
