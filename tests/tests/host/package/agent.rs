//! The agent under its unit, with a real systemd. It reports that it is ready, works in the sandbox, and reloads its
//! file. The filter stays when it ends.

use crate::package::machine::Machine;

/// Appends the agent's output to the file that also gets systemd's messages.
const DROP_IN: &str = "[Service]\nStandardOutput=append:/run/said\nStandardError=inherit\n";

fn with_file(file: &str) -> Machine {
    let machine = Machine::with_package();
    machine.write("etc/synwall/synwall.toml", file);
    machine.write("etc/systemd/system/synwall.service.d/laboratory.conf", DROP_IN);
    machine
}

#[test]
fn it_is_ready_once_the_filter_is_on_and_leaves_it_on() {
    let machine = with_file("interfaces = [\"eth0\"]\n[trust]\nprefixes = [\"198.51.100.0/24 office\"]\n");
    let said = machine.boot(
        "synwall.service",
        "systemctl show --property=ActiveState,NRestarts,Type synwall; synwall status; synwall trust check 198.51.100.1\n\
         sed -i s/198.51.100/192.0.2/ /etc/synwall/synwall.toml; systemctl reload synwall; sleep 1\n\
         synwall trust check 192.0.2.1 && echo reloaded\n\
         systemctl stop synwall; systemctl show --property=Result synwall; synwall status && echo still on\n",
    );
    for expected in [
        "ActiveState=active",
        "NRestarts=0",
        "trusted   1 IPv4",
        "reloaded",
        "Result=success",
        "still on",
    ] {
        assert!(said.contains(expected), "no {expected:?} in\n{said}");
    }
}

#[test]
fn sources_of_each_kind_work_in_the_sandbox() {
    let machine = with_file(
        "interfaces = [\"eth0\"]\n[source.program]\nexec = [\"/bin/sh\", \"-c\", \"echo 192.0.2.0/24; grep ^CapEff: /proc/self/status >&2\"]\n\
         [source.file]\nfile = \"edge.txt\"\n",
    );
    machine.write("etc/synwall/edge.txt", "198.51.100.0/24\n");
    let said = machine.boot(
        "synwall.service",
        "for _ in 1 2 3 4 5 6 7 8; do synwall trust check 192.0.2.1 && break; sleep 1; done; synwall trust list\n",
    );
    for expected in ["source:program", "source:file", "192.0.2.0/24", "198.51.100.0/24"] {
        assert!(said.contains(expected), "no {expected:?} in\n{said}");
    }
}

#[test]
fn a_file_with_a_mistake_is_named_and_it_does_not_start() {
    let machine = with_file("interfaces = [\"eth0\"]\npolicy = \"enforced\"\n");
    let said = machine.boot("synwall.service", "systemctl is-active synwall; synwall status\n");
    assert!(said.contains("synwall.toml:2"), "{said}");
    assert!(!said.lines().any(|line| line == "active"), "{said}");
}

#[test]
fn a_file_that_was_mended_takes_effect_however_often_it_failed() {
    let machine = with_file("interfaces = [\"eth0\"]\npolicy = \"enforced\"\n");
    let said = machine.boot(
        "synwall.service",
        // Far more restarts than systemd would make by itself.
        "for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do systemctl restart synwall; done; systemctl is-active synwall\n\
         sed -i s/enforced/observe/ /etc/synwall/synwall.toml; systemctl start synwall && synwall status\n",
    );
    assert!(said.contains("synwall is observing"), "{said}");
}
