//! The reference of the configuration file, made of the comments on its keys in [`super::file`].

use std::{fmt::Write as _, sync::LazyLock};

use schemars::schema_for;
use serde_json::Value;

use super::file::File;

/// What there is to know about a key.
struct Key<'a> {
    name: &'a str,
    kind: &'a str,
    default: &'a str,
    meaning: String,
    example: &'a str,
}

/// A section: its heading, what it is for, and where the schema has its keys.
const SECTIONS: [(&str, &str); 6] = [
    ("[trust]", "/properties/trust/anyOf/0"),
    ("[deny]", "/properties/deny/anyOf/0"),
    ("[retire]", "/properties/retire/anyOf/0"),
    ("[source.NAME]", "/properties/source/additionalProperties"),
    ("source.NAME.json", "/$defs/Json"),
    ("[metrics]", "/properties/metrics/anyOf/0"),
];

static SCHEMA: LazyLock<Value> = LazyLock::new(|| schema_for!(File).to_value());

/// The example of the key that a path leads to, such as `trust.files`.
pub(super) fn example(path: &[String]) -> Option<String> {
    let words: Vec<&str> = path.iter().map(String::as_str).collect();
    let (section, key) = match words.as_slice() {
        [key] => ("", *key),
        ["source", _, "json", key] => ("/$defs/Json", *key),
        ["source", _, key] => ("/properties/source/additionalProperties", *key),
        [section, key] => {
            let (_, pointer) = SECTIONS
                .iter()
                .find(|(title, _)| title.trim_matches(['[', ']']) == *section)?;
            (*pointer, *key)
        }
        _ => return None,
    };
    keys(section)
        .into_iter()
        .find(|known| known.name == key)
        .map(|key| key.example.to_owned())
}

/// What a reference in the schema stands for.
fn resolve(node: &'static Value) -> &'static Value {
    node.get("$ref")
        .and_then(Value::as_str)
        .and_then(|reference| SCHEMA.pointer(reference.trim_start_matches('#')))
        .unwrap_or(node)
}

/// The keys of a section, in the order of the code.
fn keys(section: &str) -> Vec<Key<'static>> {
    let properties = SCHEMA
        .pointer(section)
        .map(resolve)
        .and_then(|node| node.get("properties"));
    let text = |node: &'static Value, what: &str| node.get(what).and_then(Value::as_str).unwrap_or_default();
    let mut keys = Vec::new();
    for (name, node) in properties.and_then(Value::as_object).into_iter().flatten() {
        let example = node
            .pointer("/examples/0")
            .and_then(Value::as_str)
            .unwrap_or_default();
        // Sections are told of under headings of their own.
        if example.is_empty() {
            continue;
        }
        keys.push(Key {
            name,
            kind: text(node, "x-type"),
            default: text(node, "x-default"),
            meaning: text(node, "description")
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" "),
            example,
        });
    }
    keys
}

/// The page.
pub fn markdown() -> String {
    let mut page = String::from(INTRODUCTION);
    describe(&mut page, "##", &keys(""));
    for (title, pointer) in SECTIONS {
        let meaning = pointer
            .strip_suffix("/anyOf/0")
            .or_else(|| pointer.strip_suffix("/additionalProperties"));
        let meaning = meaning
            .and_then(|pointer| SCHEMA.pointer(pointer))
            .unwrap_or(&Value::Null);
        let meaning = meaning.get("description").and_then(Value::as_str);
        let meaning = meaning
            .unwrap_or("Each selection is a table in braces. The prefixes of all of them are the list.");
        // Writing to a String cannot fail.
        let _ = write!(
            page,
            "\n## `{title}`\n\n{}\n",
            meaning.split_whitespace().collect::<Vec<_>>().join(" ")
        );
        describe(&mut page, "###", &keys(pointer));
    }
    page + CONCLUSION
}

fn describe(page: &mut String, level: &str, keys: &[Key<'_>]) {
    for Key {
        name,
        kind,
        default,
        meaning,
        example,
    } in keys
    {
        let default = match *default {
            "" => String::new(),
            "required" => ", required".to_owned(),
            words if words.contains(' ') => format!("; without it: {words}"),
            value => format!(", by default `{value}`"),
        };
        let _ = write!(
            page,
            "\n{level} `{name}`\n\nValue: {kind}{default}.\n\n{meaning}\n\n```toml\n{example}\n```\n"
        );
    }
}

const INTRODUCTION: &str = r#"# The configuration file

`synwall run` brings the filter to what this file says, and keeps it there. It is TOML; packages put it at
`/etc/synwall/synwall.toml`. This page is made from what the program reads, and a test compares them.

```toml
interfaces = ["eth0"]
policy = "enforce"
drop = "unestablished"

[trust]
prefixes = ["198.51.100.0/24 office", "2001:db8:1::/48 office"]
files = ["partners.txt"]
providers = ["qrator"]

[deny]
prefixes = ["198.51.100.66 scraper"]

[source.edge]
https = "https://lists.example/edge.json"
json = [
    { pointer = "/prefixes", member = "ip_prefix", with = { service = "EDGE" } },
    { pointer = "/ipv6_prefixes", member = "ipv6_prefix" },
]
interval = "10m"

[metrics]
listen = "127.0.0.1:9436"
```

- `synwall config check` reads the file and every list that it names, and says what is wrong, with file and line. It touches
  nothing and needs no privileges.
- `synwall config show` prints what is in force when this file is: every default filled in, providers as sources.
- The agent takes a change of this file, or of a list file, as soon as another one has taken its place (`mv`, most editors).
  One that is written in its place is taken when nobody has written to it for a second, or after ten, or at
  `systemctl reload synwall`: half of it may be good TOML, too. One that is removed and then written anew is read by halves.
- A file with a mistake, or one that names a list file which has never been readable, is refused: what was in force stays.
- An interface keeps the `xdp` mode that it has, and a filter its `count-sources-by`: a change is warned of, with the
  command that brings it about.
- Nothing that is not listed here may stand in the file. A key that is left out has its default.
- The file decides who gets through, so one that every user can write, or that belongs to somebody else than root, is not
  read.
- A prefix may be trusted or denied, and not both. Retired ones are destinations, and may be any. Between the file, list files
  and sources, the file goes before list files, and these before sources; among equals deny goes before trust.
- A prefix of length 0 (`0.0.0.0/0`, `::/0`) is not taken from any file, but with `synwall source refresh NAME --force`.
- Times are numbers with units: `500ms`, `30s`, `5m`, `1h 30m`, `7d`; `365d` at the most. Months and years are no units here:
  `5M` would be five months, and five minutes are meant.
"#;

const CONCLUSION: &str = r#"
## Providers

A list file from a provider is shared by all of its customers: whoever is one of them can reach the origin through it. Let
the proxy and the origin prove to each other who they are, too (mutual TLS). What is known of each provider is in
[providers.md](providers.md).

## Where things lie

| path | what |
|---|---|
| `/etc/synwall/synwall.toml` | this file; another one: `--config FILE` or `SYNWALL_CONFIG` |
| `/etc/synwall/saved/` | what `trust`, `deny` and `retire` keep with `--save`: list files that may be edited, too |
| `/var/lib/synwall/` | last good copies, which stand in for what is broken or cannot be reached at the next start |
"#;

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::contents::Config;

    fn mistakes(text: &str) -> Vec<String> {
        let read = Config::understand(text, Path::new("/etc/synwall/synwall.toml"));
        read.err()
            .into_iter()
            .flatten()
            .map(|mistake| mistake.to_string())
            .collect()
    }

    /// A file with a line in a section, and what the line needs beside it.
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
            let config = Config::understand(file, Path::new("/etc/synwall/synwall.toml"));
            let config = config.unwrap_or_else(|mistakes| panic!("{mistakes:?}\n{file}"));
            crate::config::show::show(&config).unwrap()
        };
        let mut compared = 0;
        for (section, pointer) in sections() {
            for key in keys(pointer) {
                // Those in words have no value that could be written.
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
                let is_section = sections()
                    .any(|(title, _)| title.trim_matches(['[', ']']).split('.').next() == Some(key));
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
}
