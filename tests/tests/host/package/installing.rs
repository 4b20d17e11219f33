//! Installing, upgrading and removing a package: what happens to files, to the unit and to the filter.

use crate::package::machine::Machine;

const PINS: &str = "sys/fs/bpf/synwall";

#[test]
fn installing_neither_enables_nor_starts_anything() {
    let machine = Machine::with_package();
    let output = machine.run("find /etc/systemd/system -name *synwall*").ok();
    assert_eq!(output.stdout, "");
    assert!(!machine.path(PINS).exists());
    let version = machine.run("synwall --version").ok();
    assert!(version.stdout.starts_with("synwall "), "{version}");
}

#[test]
fn an_upgrade_leaves_the_filter_and_what_was_configured() {
    let machine = Machine::with_package();
    machine.write("etc/synwall/synwall.toml", "# mine\n");
    machine.run("synwall up eth0 --provider qrator").ok();
    let before = machine.run("synwall status --json").json();
    let output = machine.install();
    assert!(!output.stdout.contains("filter"), "{output}");
    let after = machine.run("synwall status --json").json();
    for same in ["program_id", "state"] {
        assert_eq!(
            before["interfaces"][0][same], after["interfaces"][0][same],
            "{same}"
        );
    }
    assert_eq!(after["interfaces"][0]["state"], "attached");
    let kept = machine.run("cat /etc/synwall/synwall.toml").ok();
    assert_eq!(kept.stdout, "# mine\n");
}

#[test]
fn removing_takes_the_filter_off_and_says_so_and_keeps_what_was_configured() {
    let machine = Machine::with_package();
    machine.run("synwall up eth0 --provider qrator").ok();
    let output = machine.run("dpkg --remove synwall").ok();
    let said: Vec<_> = output
        .stdout
        .lines()
        .filter(|line| line.starts_with("synwall: "))
        .collect();
    assert_eq!(
        said,
        ["synwall: the filter is off: the protected ports are open to everybody, as far as synwall goes"],
        "{output}"
    );
    assert!(!machine.path(PINS).exists());
    assert!(!machine.path("usr/sbin/synwall").exists());
    assert!(machine.path("etc/synwall/synwall.toml").exists());
}

#[test]
fn removing_without_a_filter_says_nothing_of_one() {
    let machine = Machine::with_package();
    let output = machine.run("dpkg --remove synwall").ok();
    assert!(
        !output.stdout.contains("filter") && output.stderr.is_empty(),
        "{output}"
    );
}

#[test]
fn removing_works_where_the_filter_cannot_be_taken_off_and_says_how_to() {
    let machine = Machine::with_package();
    // This is not a filter, so `down` refuses to touch it.
    std::fs::create_dir(machine.path(PINS)).unwrap();
    std::fs::write(machine.path("usr/sbin/synwall"), "#!/bin/sh\nexit 1\n").unwrap();
    let output = machine.run("dpkg --remove synwall").ok();
    assert!(
        output.stderr.contains("by hand: rm -r /sys/fs/bpf/synwall"),
        "{output}"
    );
}

#[test]
fn purging_leaves_nothing() {
    let machine = Machine::with_package();
    machine.write("etc/synwall/saved/trust.list", "192.0.2.0/24\n");
    machine.write("etc/synwall/office.txt", "192.0.2.0/24\n");
    machine.write("var/lib/synwall/last", "…");
    machine.run("dpkg --purge synwall").ok();
    for gone in ["etc/synwall", "var/lib/synwall"] {
        assert!(!machine.path(gone).exists(), "{gone}");
    }
    let known = machine.run("dpkg --listfiles synwall").exits(1);
    assert!(known.stderr.contains("is not installed"), "{known}");
}

#[test]
fn the_shipped_configuration_is_a_configuration() {
    let machine = Machine::with_package();
    let checked = machine.run("synwall config check").ok();
    assert!(checked.stdout.contains("eth0"), "{checked}");
    let shown = machine.run("synwall config show").ok();
    assert!(shown.stdout.contains("policy = \"observe\""), "{shown}");
}
