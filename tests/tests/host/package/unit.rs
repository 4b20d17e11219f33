//! What systemd says about the unit, without starting it.

use std::{fs, path::Path, process::Command};

use tests::lab::Output;

use crate::package::made::Unpacked;

/// The highest exposure that the unit may have, of 10.
const EXPOSURE: f64 = 3.0;

#[test]
fn systemd_finds_nothing_wrong_with_it() {
    let unpacked = Unpacked::deb();
    // The files that the unit names must exist at their installed places: the program and the manual pages.
    let unit = fs::read_to_string(unpacked.path("usr/lib/systemd/system/synwall.service")).unwrap();
    let program = unpacked.path("usr/sbin/synwall");
    let here = unit.replace("/usr/sbin/synwall", program.to_str().unwrap());
    assert_ne!(here, unit);
    let copy = unpacked.path("synwall.service");
    fs::write(&copy, here).unwrap();
    let output = verify(&unpacked, &copy).ok();
    assert_eq!(output.stderr, "", "{output}");
}

#[test]
fn a_unit_with_a_mistake_would_be_found() {
    let unpacked = Unpacked::deb();
    let copy = unpacked.path("synwall.service");
    fs::write(&copy, "[Service]\nExecStart=/bin/true\nProtectHom=yes\n").unwrap();
    let output = verify(&unpacked, &copy);
    assert!(output.stderr.contains("ProtectHom"), "{output}");
}

fn verify(unpacked: &Unpacked, unit: &Path) -> Output {
    let mut analyze = Command::new("systemd-analyze");
    let manual = unpacked.path("usr/share/man");
    Output::of(analyze.arg("verify").arg(unit).env("MANPATH", manual))
}

#[test]
fn it_exposes_little() {
    let unpacked = Unpacked::deb();
    let mut analyze = Command::new("systemd-analyze");
    analyze
        .args(["security", "--offline=true", "--no-pager"])
        .arg(unpacked.path("usr/lib/systemd/system/synwall.service"));
    let output = Output::of(analyze.env("LC_ALL", "C.UTF-8")).ok();
    let last = output
        .stdout
        .lines()
        .find_map(|line| line.split_once("exposure level for synwall.service: "));
    let score = last.and_then(|(_, rest)| rest.split(' ').next()?.parse::<f64>().ok());
    let score = score.unwrap_or_else(|| panic!("no score\n{output}"));
    assert!(score > 0.0 && score <= EXPOSURE, "{output}");
}

#[test]
fn it_comes_before_the_network_and_goes_with_the_machine() {
    let unpacked = Unpacked::deb();
    let unit = fs::read_to_string(unpacked.path("usr/lib/systemd/system/synwall.service")).unwrap();
    let values = |key: &str| -> Vec<String> {
        let lines = unit.lines().filter_map(|line| line.split_once('='));
        let values = lines
            .filter(|(name, _)| *name == key)
            .flat_map(|(_, value)| value.split(' '));
        values.map(str::to_owned).collect()
    };
    assert_eq!(values("Before"), ["network-pre.target", "shutdown.target"]);
    assert_eq!(values("Wants"), ["network-pre.target"]);
    assert_eq!(values("Conflicts"), ["shutdown.target"]);
    assert_eq!(values("DefaultDependencies"), ["no"]);
    assert!(!values("After").contains(&"network-online.target".to_owned()));
}
