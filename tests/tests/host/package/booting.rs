//! An enabled unit during boot: a real systemd from its first units on, and a network that comes up as usual. By then
//! the filter must be up.

use std::fs;

use crate::package::{machine::Machine, made::workspace};

/// A unit that is ordered as network configuration is (systemd.special(7), network-pre.target), and after nothing
/// else. It records what is in force when interfaces would come up.
const NETWORK: &str = "[Unit]\nDefaultDependencies=no\nWants=network.target\nAfter=network-pre.target\n\
    Before=network.target\n[Service]\nType=oneshot\nRemainAfterExit=yes\n\
    ExecStart=/bin/sh -c 'synwall status; synwall trust list; echo the network comes'\n\
    StandardOutput=append:/run/said\nStandardError=inherit\n";

/// A machine where an administrator has enabled the unit.
fn enabled(file: &str) -> Machine {
    let machine = Machine::with_package();
    machine.write("etc/synwall/synwall.toml", file);
    machine.write("etc/systemd/system/laboratory-network.service", NETWORK);
    machine.run("systemctl enable synwall").ok();
    machine
}

/// Boots until ordinary services start, and runs a script then. Returns what the network unit recorded.
#[track_caller]
fn boot(machine: &Machine, script: &str) -> String {
    // A filter in kernel memory does not survive a boot.
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
    // The disk of a machine that crashed during a change.
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

/// The drop-in for a web server from docs/install.md.
fn drop_in() -> String {
    let page = fs::read_to_string(workspace().join("docs/install.md")).unwrap();
    let (_, rest) = page.split_once("# systemctl edit nginx\n").expect("the drop-in");
    rest.split_once("```").unwrap().0.to_owned()
}

#[test]
fn a_web_server_with_the_documented_drop_in_waits_for_the_filter_and_does_not_go_with_the_agent() {
    let machine = enabled("interfaces = [\"eth0\"]\n[trust]\nprefixes = [\"192.0.2.0/24\"]\n");
    machine.write(
        "etc/systemd/system/web.service",
        "[Unit]\nDefaultDependencies=no\n[Service]\nExecStart=/bin/sleep 1000\n",
    );
    machine.write("etc/systemd/system/web.service.d/synwall.conf", &drop_in());
    let said = machine.boot(
        "web.service",
        "web() { echo \"web after $1: $(systemctl show --value --property=MainPID web)\"; }\n\
         until systemctl is-active --quiet web; do sleep 0.1; done\n\
         web start; systemctl restart synwall; web restart\n\
         kill -9 $(systemctl show --value --property=MainPID synwall); sleep 0.5; web kill\n\
         systemctl stop synwall; web stop\n\
         systemctl stop web; synwall down --all; rm -r /etc/synwall/synwall.toml /var/lib/synwall/*\n\
         systemctl start web || echo it does not start without a filter\n",
    );
    let pids: Vec<_> = said
        .lines()
        .filter_map(|line| line.strip_prefix("web after "))
        .filter_map(|line| line.split_once(": "))
        .collect();
    assert_eq!(pids.len(), 4, "{said}");
    for (when, pid) in &pids {
        assert!(*pid != "0" && *pid == pids[0].1, "after {when}\n{said}");
    }
    assert!(said.contains("it does not start without a filter"), "{said}");
}
