//! A filter stays up without a process, and when `up` runs again.

use tests::origin::{Origin, UP, objects::Objects};

#[test]
fn it_filters_although_no_process_of_ours_runs() {
    let origin = Origin::up();
    origin.no_process_of_ours_runs();
    origin.filters();
    origin.no_process_of_ours_runs();
}

#[test]
fn up_again_changes_nothing_and_says_so() {
    let origin = Origin::up();
    let (objects, list) = (Objects::of(&origin), origin.list("trust"));
    for again in [
        UP,
        "up eth0",
        "up eth0 --xdp native",
        "up eth0 eth0",
        "up eth0 --tcp 443,80 --drop new",
    ] {
        let output = origin.synwall(again);
        assert!(output.stderr.contains("eth0: was up already"), "{output}");
        assert_eq!(Objects::of(&origin), objects, "{output}");
        assert_eq!(origin.list("trust"), list);
    }
    origin.filters();
}

#[test]
fn up_again_changes_what_its_options_name_and_nothing_else() {
    let origin = Origin::up();
    let links = Objects::of(&origin).links;
    origin.synwall("trust add 192.0.2.0/24 --label cafe");
    origin.synwall("up eth0 --drop all");
    origin.synwall("up eth0 --tcp 80,443,8443 --trust 198.51.101.0/24=office");
    let status = origin.json("status --json");
    assert_eq!(
        (&status["drop"], &status["policy"]),
        (&"all".into(), &"enforce".into())
    );
    assert_eq!(status["tcp"], serde_json::json!([80, 443, 8443]));
    assert_eq!(
        origin.list("trust"),
        ["185.94.108.0/24", "192.0.2.0/24", "198.51.101.0/24"]
    );
    assert_eq!(Objects::of(&origin).links, links);
    origin.filters();
}
