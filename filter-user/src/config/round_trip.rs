//! A configuration that is shown and read again is the same configuration.

use std::path::Path;

use proptest::{collection::vec, option, prelude::*, sample::select};

use super::{contents::Config, show::show};

const PATH: &str = "/etc/synwall/synwall.toml";

/// One of several lines, or none.
fn line(lines: &'static [&'static str]) -> impl Strategy<Value = String> {
    option::of(select(lines)).prop_map(|line| line.map_or(String::new(), |line| format!("{line}\n")))
}

fn settings() -> impl Strategy<Value = String> {
    (
        select(&["[\"eth0\"]", "[\"eth*\", \"en[ps]?\", \"lo\"]", "['bond0']"]),
        line(&["policy = \"observe\"", "policy = \"enforce\""]),
        line(&["drop = \"new\"", "drop = \"unestablished\"", "drop = \"all\""]),
        line(&["tcp = \"443,80,8000-8010\"", "tcp = \"1-65535\""]),
        line(&["udp = \"443\"", "udp = \"none\""]),
        line(&["xdp = \"native\"", "xdp = \"generic\"", "xdp = \"auto\""]),
        line(&["count-sources-by = \"32,64\"", "count-sources-by = \"/8,/16\""]),
        line(&["on-stop = \"detach\""]),
    )
        .prop_map(|(interfaces, policy, drop, tcp, udp, xdp, by, stop)| {
            format!("interfaces = {interfaces}\n{policy}{drop}{tcp}{udp}{xdp}{by}{stop}")
        })
}

/// Labels may have any character, except comments and characters that change what a terminal shows.
fn label() -> impl Strategy<Value = String> {
    "([a-z\"'\\\\\u{e4}=\\[{] ?){0,9}"
}

fn lists() -> impl Strategy<Value = String> {
    (
        vec((any::<[u8; 4]>(), 1..=32_u8, label(), 0..3_usize), 0..8),
        0..3_usize,
    )
        .prop_map(|(prefixes, files)| {
            let mut lists = [Vec::new(), Vec::new(), Vec::new()];
            let mut seen = std::collections::HashSet::new();
            for (address, length, label, list) in prefixes {
                let prefix = ipnet::Ipv4Net::new(address.into(), length).unwrap().trunc();
                if seen.insert(prefix) {
                    lists[list].push(format!("{prefix} {label}"));
                }
            }
            let mut text = String::new();
            for (number, (name, prefixes)) in ["trust", "deny", "retire"].iter().zip(lists).enumerate() {
                let files: Vec<String> = (0..files)
                    .map(|file| format!("../{name}/{file}-{number}.txt"))
                    .collect();
                text += &format!("[{name}]\nprefixes = {prefixes:?}\nfiles = {files:?}\n");
            }
            text
        })
}

fn sources() -> impl Strategy<Value = String> {
    let kind = select(&[
        "https = \"https://a.example:8443/b?c=d\"\nca-file = \"a.pem\"\npost = \"a=b\"",
        "https = \"https://a.example/\"\njson = [{ pointer = \"\" }, { pointer = \"/a~1b/0\", member = \"c\", with = { d = \"\\\"\", e = \"\" } }]",
        "file = \"/var/lib/list\"",
        "file = \"list\"\njson = [{ pointer = \"/a\" }]",
        "dns-txt = \"_a.example.\"\nserver = \"[::1]:5353\"",
        "dns-txt = \"a\"",
        "exec = [\"/bin/echo\", \"\", \"a\\tb\\u007f\"]\njson = [{ pointer = \"/a\" }]",
        "provider = \"qrator\"",
    ]);
    let times = (
        line(&[
            "interval = \"1h 30m\"",
            "interval = \"1s 1ns\"",
            "interval = \"365d\"",
        ]),
        line(&["jitter = \"0s\"", "jitter = \"31days 1h\""]),
        line(&["timeout = \"1500ms\""]),
        line(&["grace = \"0s\"", "grace = \"100d\""]),
    );
    vec((kind, select(&["trust", "deny", "retire"]), times), 0..4).prop_map(|sources| {
        let mut has_preset = false;
        let mut text = String::new();
        for (number, (kind, list, (interval, jitter, timeout, grace))) in sources.into_iter().enumerate() {
            let is_preset = kind.starts_with("provider");
            if is_preset && has_preset {
                continue;
            }
            has_preset |= is_preset;
            let list = if is_preset { "trust" } else { list };
            text += &format!(
                "[source.a-{number}_]\nlist = \"{list}\"\n{kind}\n{interval}{jitter}{timeout}{grace}"
            );
        }
        text
    })
}

proptest! {
    #[test]
    fn what_is_shown_says_the_same(
        settings in settings(),
        lists in lists(),
        sources in sources(),
        metrics in line(&["[metrics]\nlisten = \"127.0.0.2:1\"", "[metrics]\nlisten = \"[::1]:65535\"\nprefixes = 0"]),
    ) {
        let text = settings + &lists + &sources + &metrics;
        let config = Config::from_toml(&text, Path::new(PATH)).map_err(|mistakes| {
            TestCaseError::fail(format!("{mistakes:?}\n{text}"))
        })?;
        let shown = show(&config).unwrap();
        let mut again = Config::from_toml(&shown, Path::new(PATH)).map_err(|mistakes| {
            TestCaseError::fail(format!("{mistakes:?}\n{shown}"))
        })?;
        prop_assert_eq!(show(&again).unwrap(), shown);
        again.text = config.text.clone();
        prop_assert_eq!(again, config);
    }
}

#[test]
fn a_provider_is_shown_as_a_source_with_what_it_has() {
    let text = "interfaces = [\"eth0\"]\n[trust]\nproviders = [\"qrator\"]\n";
    let shown = show(&Config::from_toml(text, Path::new(PATH)).unwrap()).unwrap();
    assert!(
        shown.contains("# Source 'qrator' has built in: 185.94.108.0/24\n"),
        "{shown}"
    );
    assert!(
        shown.contains("[source.qrator]\nprovider = \"qrator\"\ninterval = \"30m\"\n"),
        "{shown}"
    );
}
