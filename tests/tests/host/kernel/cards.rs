//! Each network driver supports its XDP mode, and filters in it: a stranger gets no answer, the proxy is served.

use std::net::SocketAddr;

use aya::programs::loaded_programs;
use filter_user::sys::preflight::{Version, kernel_version};
use tests::{
    kernel::{fact, skipped},
    lab::{Cards, Family, LARGE_PAGE, Site},
    origin::{Origin, SOON, objects::Objects},
};

/// The provider's list has only the proxy's IPv4 address.
const UP: &str = "up eth0 --provider qrator --trust 2001:db8:94::/48";

#[test]
fn veth_runs_it_natively() {
    let origin = Origin::new();
    filters_natively(&origin);
    fact("veth", "native");
}

#[test]
fn the_entry_is_the_one_for_this_kernel() {
    let origin = Origin::up();
    let objects = Objects::of(&origin);
    let ids: Vec<u32> = objects
        .programs
        .iter()
        .filter_map(|id| u32::try_from(*id).ok())
        .collect();
    let names: Vec<String> = loaded_programs()
        .flatten()
        .filter(|program| ids.contains(&program.id()))
        .filter_map(|program| program.name_as_str().map(str::to_owned))
        .collect();
    let (name, entry) = if version() < Version(5, 18) {
        ("synwall", "one buffer")
    } else {
        ("synwall_frags", "frags")
    };
    assert_eq!(names, [name]);
    fact("entry", entry);
}

#[test]
fn virtio_net_runs_it_natively() {
    let Some(origin) = with_cards("virtio_net") else {
        return;
    };
    filters_natively(&origin);
    fact("virtio-net", "native");
}

#[test]
fn vmxnet3_has_a_native_mode_or_auto_falls_back_to_the_generic_one() {
    let Some(origin) = with_cards("vmxnet3") else {
        return;
    };
    if version() < Version(6, 6) {
        let refused = origin.run(&format!("{UP} --xdp native")).exits(1);
        assert!(
            refused.stderr.contains("eth0 cannot run XDP natively"),
            "{refused}"
        );
        let fallen_back = filters_generically(&origin, "--xdp auto");
        assert!(
            fallen_back.contains("warning: eth0 cannot run XDP natively"),
            "{fallen_back}"
        );
        fact("vmxnet3", "generic: the driver has no native mode");
    } else {
        filters_natively(&origin);
        fact("vmxnet3", "native");
    }
}

fn version() -> Version {
    kernel_version().expect("the kernel's version")
}

/// The laboratory, with two cards for the origin's cable.
fn with_cards(driver: &str) -> Option<Origin> {
    let Some(cards) = Cards::of_driver(driver) else {
        skipped(format!("no cards of {driver} are there to be tested with"));
        return None;
    };
    let site = Site::plan().cards(cards).build();
    Some(Origin { site })
}

fn filters_natively(origin: &Origin) {
    let said = origin.synwall(&format!("{UP} --xdp native")).stderr;
    assert!(said.contains("eth0: up, native XDP"), "{said}");
    filters(origin, "native");
}

fn filters_generically(origin: &Origin, option: &str) -> String {
    let said = origin.synwall(&format!("{UP} {option}")).stderr;
    assert!(said.contains("eth0: up, generic XDP"), "{said}");
    filters(origin, "generic");
    said
}

/// Checks over both versions of IP that only the proxy is served, and everybody once the filter is off.
fn filters(origin: &Origin, mode: &str) {
    assert_eq!(origin.interface("eth0")["xdp"], mode);
    let Site {
        origin: host,
        proxy,
        attacker,
        ..
    } = &origin.site;
    let recording = attacker.capture();
    origin.filters();
    for family in [Family::V4, Family::V6] {
        let port = SocketAddr::new(host.address(family), 80);
        attacker
            .connect(port, SOON / 20)
            .expect_err("the attacker is not let in");
        // Full frames, even if the card merges or splits segments.
        let page = proxy
            .connect(port, SOON)
            .and_then(|mut connection| connection.get(LARGE_PAGE))
            .expect("the proxy is served");
        assert_eq!(page.len(), 4 << 20);
    }
    origin.has_not_answered(&recording);
    let reasons = origin.json("stats reasons --json").to_string();
    assert!(reasons.contains("untrusted-syn"), "{reasons}");
    origin.synwall("down --all");
    origin.serves_everybody();
}
