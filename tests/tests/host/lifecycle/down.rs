//! `down`: what stays, and that `--all` leaves nothing.

use std::path::Path;

use tests::origin::{Origin, PINS, UP, objects::Objects, pins};

#[test]
fn down_opens_the_interface_and_keeps_lists_and_settings_for_the_next_up() {
    let origin = Origin::up();
    origin.synwall("set --drop all --tcp 80,443,8443 --udp 443");
    origin.synwall("trust add 192.0.2.0/24 --label cafe");
    origin.synwall("deny add 192.0.2.7");
    origin.synwall("retire add 203.0.113.9");
    let shown = |origin: &Origin| {
        let mut status = origin.json("status --json");
        let object = status.as_object_mut().unwrap();
        ["interfaces", "packets"]
            .iter()
            .for_each(|key| drop(object.remove(*key)));
        let lists = ["trust list", "deny list", "retire list"].map(|list| origin.synwall(list).stdout);
        let labels = lists.map(|list| {
            list.lines()
                .map(|line| line.split('\t').take(4).collect::<Vec<_>>().join(" "))
                .collect::<Vec<_>>()
        });
        (status, labels)
    };
    let before = shown(&origin);
    for _ in 0..3 {
        origin.synwall("down eth0");
        origin.serves_everybody();
        origin.run("status").exits(1);
        assert_eq!(shown(&origin), before);
        origin.synwall("up eth0");
        origin.synwall("status");
        assert_eq!(shown(&origin), before);
        origin.filters();
    }
}

#[test]
fn down_all_leaves_no_pin_no_link_no_program_and_no_map() {
    let origin = Origin::new();
    origin.add_interface("eth1");
    origin.synwall("up eth0 eth1 --provider qrator --udp 443");
    origin.synwall("trust add 192.0.2.0/24 2001:db8:1::/48 --for 20m");
    origin.synwall("deny add 192.0.2.7");
    origin.synwall("set --drop unestablished");
    origin.filters();
    let objects = Objects::of(&origin);
    assert_eq!((objects.links.len(), objects.programs.len()), (2, 2));
    assert!(objects.maps.len() > 15, "{objects:?}");
    origin.synwall("down --all");
    assert!(!Path::new(PINS).exists());
    assert_eq!(
        pins(Path::new("/sys/fs/bpf"))
            .iter()
            .filter(|path| path.is_dir())
            .count(),
        0
    );
    objects.are_gone(&origin);
    origin.serves_everybody();
    // A new filter can start.
    origin.synwall(UP);
    assert_eq!(origin.list("trust"), ["185.94.108.0/24"]);
    origin.filters();
}

#[test]
fn what_a_change_replaced_is_gone_too() {
    let origin = Origin::up();
    let first = Objects::of(&origin);
    origin
        .site
        .synwall_with_input(["trust", "replace", "-"], "185.94.108.0/24\n192.0.2.0/24\n")
        .ok();
    origin.synwall("set --drop all");
    let second = Objects::of(&origin);
    let replaced = Objects {
        links: first.links.difference(&second.links).copied().collect(),
        programs: first.programs.difference(&second.programs).copied().collect(),
        maps: first.maps.difference(&second.maps).copied().collect(),
    };
    assert!(
        replaced.links.is_empty() && replaced.programs.len() == 1 && replaced.maps.len() > 2,
        "{replaced:?}"
    );
    replaced.are_gone(&origin);
}

#[test]
fn down_of_one_interface_leaves_the_other_one_filtered() {
    let origin = Origin::new();
    origin.add_interface("eth1");
    origin.synwall("up eth0 eth1 --provider qrator");
    let before = origin.interface("eth0")["program_id"].clone();
    origin.synwall("down eth1");
    origin.filters();
    origin.synwall("status");
    assert_eq!(origin.interface("eth0")["program_id"], before);
    origin.synwall("up eth1");
    origin.synwall("down eth0");
    origin.serves_everybody();
    assert_eq!(origin.interface("eth1")["state"], "attached");
    origin.synwall("status");
}

#[test]
fn two_instances_do_not_influence_one_another() {
    let origin = Origin::up();
    origin.add_interface("eth1");
    let second = |arguments: &str| {
        let mut command = origin.site.synwall_command(arguments.split(' '));
        tests::lab::Output::of(command.env("SYNWALL_PIN_DIR", "/sys/fs/bpf/second")).ok()
    };
    let before = Objects::of(&origin);
    second("up eth1 --trust 198.51.100.0/24 --drop all --tcp 22 --observe");
    second("deny add 198.51.100.7");
    second("set --udp 53");
    assert_eq!(Objects::of(&origin), before);
    assert_eq!(origin.list("trust"), ["185.94.108.0/24"]);
    assert_eq!(origin.list("deny"), [""; 0]);
    origin.filters();
    origin.synwall("trust add 192.0.2.0/24");
    assert!(!second("trust list").stdout.contains("192.0.2.0/24"));
    origin.synwall("down --all");
    second("status");
    assert!(second("trust list").stdout.contains("198.51.100.0/24"));
    origin.synwall(UP);
    second("down --all");
    origin.filters();
}
