//! The JSON that scripts rely on: one document, with all keys of the contract and their types.

use insta::assert_snapshot;
use serde_json::{Value, json};
use tests::lab::{Family, frame};

use crate::command_line::console::Console;

/// Fails unless `document` has every key of `contract` with a value of the same type. More keys are allowed.
#[track_caller]
fn honours(document: &Value, contract: &Value) {
    match (document, contract) {
        (Value::Object(document_), Value::Object(contract)) => {
            for (key, value) in contract {
                let Some(found) = document_.get(key) else {
                    panic!("{key} is missing in {document:#}")
                };
                honours(found, value);
            }
        }
        (Value::Array(values), Value::Array(contract)) => {
            if let Some(contract) = contract.first() {
                assert!(!values.is_empty(), "nothing to compare with {contract}");
                values.iter().for_each(|value| honours(value, contract));
            }
        }
        _ => assert_eq!(
            std::mem::discriminant(document),
            std::mem::discriminant(contract),
            "{document} is not of the type of {contract}"
        ),
    }
}

/// The document as lines, with values that differ between runs replaced.
fn steady(mut document: Value) -> String {
    fn walk(value: &mut Value) {
        match value {
            Value::Object(object) => object.iter_mut().for_each(|(key, value)| {
                if matches!(
                    key.as_str(),
                    "program_id" | "ifindex" | "passed" | "drops_per_second"
                ) {
                    *value = json!(format!("[{key}]"));
                }
                walk(value);
            }),
            Value::Array(values) => values.iter_mut().for_each(walk),
            _ => {}
        }
    }
    walk(&mut document);
    serde_json::to_string_pretty(&document).unwrap()
}

/// A filter with an entry in every list, and three dropped packets from the attacker.
pub fn busy() -> Console {
    let console = Console::up();
    console.run("set --udp 443,8000-8002 --tcp 22,80,443").ok();
    console
        .run("trust add 2001:db8:1::/48 192.0.2.0/24 --label office")
        .ok();
    console.run("deny add 192.0.2.66 --label guest").ok();
    console.run("retire add 203.0.113.9").ok();
    let site = &console.site;
    let syn = frame::syn(
        site.attacker.endpoint(Family::V4, 40_000),
        site.origin.endpoint(Family::V4, 443),
    );
    (0..3).for_each(|_| site.attacker.send_frame(&syn));
    console
}

#[test]
fn status_honours_the_contract() {
    let document = busy().run("status --json").json();
    honours(
        &document,
        &json!({
            "schema": 1, "policy": "enforce", "drop": "new", "tcp": [80, 443], "udp": [443],
            "trusted": {"v4": 2, "v6": 0}, "denied": {"v4": 2, "v6": 0}, "retired": {"v4": 2, "v6": 0},
            "interfaces": [{"name": "eth0", "ifindex": 2, "xdp": "native", "program_id": 123}],
            "packets": {"passed": 0, "dropped": 0}
        }),
    );
    assert_eq!(document["schema"], 1);
    assert_eq!(document["packets"]["dropped"], 3);
    assert_snapshot!(steady(document));
}

#[test]
fn stats_honour_the_contract() {
    let document = busy().run("stats --json").json();
    honours(
        &document,
        &json!({
            "schema": 1,
            "reasons": [{"interface": "eth0", "reason": "untrusted-syn", "packets": 0, "bytes": 0}],
            "prefixes": [{"prefix": "185.94.108.0/24", "action": "trust", "label": "qrator",
                          "origin": "provider:qrator", "packets": 0, "bytes": 0}],
            "sources": [{"prefix": "198.51.100.0/24", "packets": 0, "bytes": 0, "error": 0}]
        }),
    );
    assert_snapshot!(steady(document));
}

#[test]
fn one_table_of_the_stats_is_one_key() {
    let console = busy();
    for table in ["reasons", "prefixes", "sources"] {
        let document = console.run(&format!("stats {table} --json")).json();
        let keys: Vec<_> = document.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys[..2], ["schema", table]);
        assert!(keys[2..].iter().all(|key| key.starts_with(table)), "{keys:?}");
    }
}

#[test]
fn lists_honour_the_contract() {
    let console = busy();
    let shown: Vec<String> = ["trust", "deny", "retire"]
        .iter()
        .map(|list| {
            let document = console.run(&format!("{list} list --json")).json();
            honours(
                &document,
                &json!({"schema": 1, "prefixes": [{"prefix": "", "label": "", "origin": "", "packets": 0}]}),
            );
            steady(document)
        })
        .collect();
    assert_snapshot!(shown.join("\n"));
}

#[test]
fn check_tells_address_answer_and_the_deciding_prefix() {
    let console = busy();
    let shown: Vec<String> = [("192.0.2.1", 0), ("192.0.2.66", 1), ("198.51.100.66", 1)]
        .iter()
        .map(|(address, code)| {
            let output = console.run(&format!("trust check {address} --json")).exits(*code);
            steady(serde_json::from_str(&output.stdout).expect("one document"))
        })
        .collect();
    assert_snapshot!(shown.join("\n"));
}

#[test]
fn a_document_is_one_line_without_colour_on_a_terminal_too() {
    let console = busy();
    for arguments in [
        "status --json",
        "stats --json",
        "trust list --json",
        "trust check 192.0.2.1 --json",
    ] {
        let output = tests::lab::Output::on_terminal(console.command(arguments), 40).ok();
        assert_eq!(output.stdout.lines().count(), 1, "{output}");
        serde_json::from_str::<Value>(&output.stdout).expect("JSON");
    }
}
