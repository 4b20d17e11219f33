//! A filter that enforces without a trusted prefix would lock everybody out. Every command that leads there is
//! refused.

use insta::assert_snapshot;

use crate::command_line::console::{Console, PROXY};

#[test]
fn up_with_nobody_trusted_is_refused_and_leaves_nothing() {
    let console = Console::new();
    let empty = console.file("empty", "# nobody yet\n");
    assert_snapshot!(console.refuses(
        2,
        &[
            "up eth0",
            "up eth0 --drop all",
            &format!("up eth0 --trust-file {empty}")
        ]
    ));
    console.run("status").exits(1);
}

#[test]
fn up_with_nobody_trusted_works_to_observe() {
    let console = Console::new();
    let output = console.run("up eth0 --observe").ok();
    assert_snapshot!(output);
    assert_eq!(console.run("status --json").json()["policy"], "observe");
}

#[test]
fn the_last_trusted_prefix_cannot_go_while_enforcing() {
    let console = Console::up();
    let empty = console.file("empty", "\n# nobody\n");
    console.run("deny add 185.94.108.66").ok();
    assert_snapshot!(console.refuses(
        2,
        &[
            &format!("trust remove {PROXY}"),
            &format!("trust replace {empty}")
        ]
    ));
    // With `observe`, the last trusted prefix may go.
    console.run("set --observe").ok();
    console.run(&format!("trust remove {PROXY}")).ok();
}

#[test]
fn enforcing_with_nobody_trusted_is_refused() {
    let console = Console::new();
    console.run("up eth0 --observe").ok();
    assert_snapshot!(console.refuses(2, &["set --enforce", "set --enforce --drop all"]));
    console.run(&format!("trust add {PROXY}")).ok();
    console.run("set --enforce").ok();
}

#[test]
fn a_deny_or_retire_list_may_be_empty() {
    let console = Console::up();
    let empty = console.file("empty", "");
    console.run("deny add 192.0.2.0/24").ok();
    console.run(&format!("deny replace {empty}")).ok();
    console.run("retire add 192.0.2.0/24").ok();
    console.run("retire remove 192.0.2.0/24").ok();
    assert_eq!(
        console.run("deny list --json").json()["prefixes"],
        serde_json::json!([])
    );
}

#[test]
fn a_filter_whose_last_trusted_prefix_has_expired_can_be_changed_and_says_so() {
    let console = Console::up();
    console.run("trust add 192.0.2.7 --for 1s").ok();
    console.run(&format!("trust remove {}", PROXY)).ok();
    std::thread::sleep(std::time::Duration::from_millis(1100));
    let output = console.run("status").ok();
    assert!(output.stderr.contains("nobody is trusted"), "{output}");
    console.run("deny add 198.51.100.66").ok();
    console.run("retire add 203.0.113.99").ok();
    // If a command changes settings and lists at once, only the result counts.
    console.refuses(2, &["up eth0 --tcp 443"]);
    console.run("up eth0 --tcp 443 --trust 192.0.2.8").ok();
}
