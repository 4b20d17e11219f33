use std::path::Path;

use super::*;
use crate::config::contents::Config;

fn mistakes(text: &str) -> Vec<String> {
    let read = Config::from_toml(text, Path::new("/etc/synwall/synwall.toml"));
    read.err()
        .into_iter()
        .flatten()
        .map(|mistake| mistake.to_string())
        .collect()
}

/// A file with a line in a section, and with the keys that the line needs.
fn file_with(section: &str, name: &str, line: &str) -> String {
    let interfaces = "interfaces = [\"eth0\"]\n";
    match (section, name) {
        ("", "interfaces") => line.to_owned(),
        ("", _) => format!("{interfaces}{line}\n"),
        ("[source.NAME]", "provider" | "https" | "file" | "dns-txt" | "exec") => {
            format!("{interfaces}[source.a]\n{line}\n")
        }
        ("[source.NAME]", "server") => format!("{interfaces}[source.a]\ndns-txt = \"a\"\n{line}\n"),
        ("[source.NAME]", _) => {
            format!("{interfaces}[source.a]\nhttps = \"https://a.example/\"\n{line}\n")
        }
        ("source.NAME.json", "pointer") => {
            format!("{interfaces}[source.a]\nfile = \"a\"\njson = [{{ {line} }}]\n")
        }
        ("source.NAME.json", "with") => {
            format!(
                "{interfaces}[source.a]\nfile = \"a\"\njson = [{{ pointer = \"\", member = \"m\", {line} }}]\n"
            )
        }
        ("source.NAME.json", _) => {
            format!("{interfaces}[source.a]\nfile = \"a\"\njson = [{{ pointer = \"\", {line} }}]\n")
        }
        ("[metrics]", "prefixes") => format!("{interfaces}[metrics]\nlisten = \"127.0.0.1:1\"\n{line}\n"),
        (section, _) => format!("{interfaces}{section}\n{line}\n"),
    }
}

fn sections() -> impl Iterator<Item = (&'static str, &'static str)> {
    [("", "")].into_iter().chain(SECTIONS)
}

#[test]
fn every_example_can_be_written_into_a_file() {
    for (section, pointer) in sections() {
        for key in keys(pointer) {
            assert!(
                key.example.starts_with(&format!("{} = ", key.name)),
                "{}",
                key.example
            );
            let file = file_with(section, key.name, key.example);
            assert_eq!(mistakes(&file), Vec::<String>::new(), "{file}");
        }
    }
}

#[test]
fn every_default_is_what_a_file_without_the_key_says() {
    let show = |file: &str| {
        let config = Config::from_toml(file, Path::new("/etc/synwall/synwall.toml"));
        let config = config.unwrap_or_else(|mistakes| panic!("{mistakes:?}\n{file}"));
        crate::config::show::show(&config).unwrap()
    };
    let mut compared = 0;
    for (section, pointer) in sections() {
        for key in keys(pointer) {
            // A default in words cannot be written into a file.
            if key.default.is_empty() || key.default == "required" || key.default.contains(' ') {
                continue;
            }
            let with = file_with(section, key.name, &format!("{} = {}", key.name, key.default));
            let without = file_with(section, key.name, "").replace(", }", " }");
            assert_eq!(show(&with), show(&without), "{section} {}", key.name);
            compared += 1;
        }
    }
    assert!(compared > 15, "{compared}");
}

#[test]
fn every_key_that_is_read_is_on_the_page() {
    let page = markdown();
    for (section, _) in sections() {
        let told = mistakes(&file_with(section, "unknown", "unknown = 1")).join("");
        let (_, known) = told
            .rsplit_once("; known: ")
            .unwrap_or_else(|| panic!("{section}: {told}"));
        let part = page
            .split("\n## ")
            .filter(|part| section.is_empty() || part.starts_with(&format!("`{section}`")));
        let part: String = part.collect();
        for key in known.split(", ") {
            let is_section =
                sections().any(|(title, _)| title.trim_matches(['[', ']']).split('.').next() == Some(key));
            let heading = if section.is_empty() { "" } else { "\n### " };
            let is_there = part.contains(&format!("{heading}`{key}`\n\nValue: "));
            assert!(
                is_there || section.is_empty() && is_section,
                "{section} {key} is not on the page"
            );
        }
    }
}

#[test]
fn every_file_on_the_page_can_be_used() {
    let files = INTRODUCTION
        .split("```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split("```").next());
    let files: Vec<&str> = files.collect();
    assert!(!files.is_empty());
    for file in files {
        assert_eq!(mistakes(file), Vec::<String>::new(), "{file}");
    }
}

#[test]
fn every_word_that_editors_offer_is_taken() {
    let mut taken = 0;
    for (section, pointer) in sections() {
        for key in keys(pointer) {
            let words = KEYS.pointer(&format!("{pointer}/properties/{}/enum", key.name));
            for word in words.and_then(Value::as_array).into_iter().flatten() {
                let file = file_with(section, key.name, &format!("{} = {word}", key.name));
                assert_eq!(mistakes(&file), Vec::<String>::new(), "{file}");
                let is_told = key.kind.contains(&word.as_str().unwrap().replace('"', "`"));
                assert!(is_told, "{word} is not among {}", key.kind);
                taken += 1;
            }
        }
    }
    assert_eq!(taken, 13);
}
