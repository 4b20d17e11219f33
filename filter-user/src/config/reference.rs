//! The reference of the configuration file, made of the comments on its keys in [`super::file`].

use std::fmt::Write as _;

use serde_json::Value;

use super::schema::{KEYS, on_one_line};

/// What there is to know about a key.
struct Key<'a> {
    name: &'a str,
    kind: &'a str,
    default: &'a str,
    meaning: String,
    example: &'a str,
}

const SOURCE: &str = "/properties/source/additionalProperties";
const SELECTION: &str = "/properties/source/additionalProperties/properties/json/items";

/// A section: its heading, what it is for, and where the schema has its keys.
const SECTIONS: [(&str, &str); 6] = [
    ("[trust]", "/properties/trust"),
    ("[deny]", "/properties/deny"),
    ("[retire]", "/properties/retire"),
    ("[source.NAME]", SOURCE),
    ("source.NAME.json", SELECTION),
    ("[metrics]", "/properties/metrics"),
];

/// The example of the key that a path leads to, such as `trust.files`.
pub(super) fn example(path: &[String]) -> Option<String> {
    let words: Vec<&str> = path.iter().map(String::as_str).collect();
    let (section, key) = match words.as_slice() {
        [key] => ("", *key),
        ["source", _, "json", key] => (SELECTION, *key),
        ["source", _, key] => (SOURCE, *key),
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

/// The keys of a section, in the order of the code.
fn keys(section: &str) -> Vec<Key<'static>> {
    let properties = KEYS.pointer(section).and_then(|node| node.get("properties"));
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
            meaning: on_one_line(text(node, "description")),
            example,
        });
    }
    keys
}

fn text<'a>(node: &'a Value, what: &str) -> &'a str {
    node.get(what).and_then(Value::as_str).unwrap_or_default()
}

/// The page.
pub fn markdown() -> String {
    let mut page = String::from(INTRODUCTION);
    describe(&mut page, "##", &keys(""));
    for (title, pointer) in SECTIONS {
        let section = pointer.strip_suffix("/additionalProperties").unwrap_or(pointer);
        let meaning = match pointer {
            SELECTION => "Each selection is a table in braces. The prefixes of all of them are the list.",
            _ => text(KEYS.pointer(section).unwrap_or(&Value::Null), "description"),
        };
        // Writing to a String cannot fail.
        let _ = write!(page, "\n## `{title}`\n\n{}\n", on_one_line(meaning));
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
mod tests;
