//! The reference of the configuration file, `docs/configuration.md`. It is generated from the comments in `file.rs`.

use std::fmt::Write as _;

use serde_json::Value;

use super::schema::{KEYS, on_one_line};

/// A key, as the page shows it.
struct Key<'a> {
    name: &'a str,
    kind: &'a str,
    default: &'a str,
    meaning: String,
    example: &'a str,
}

const SOURCE: &str = "/properties/source/additionalProperties";
const SELECTION: &str = "/properties/source/additionalProperties/properties/json/items";

/// The sections after the top level: the heading, and the JSON pointer to the section in the schema.
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
        // A section has a heading of its own, and no example.
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

/// The page, in Markdown.
pub fn markdown() -> String {
    let mut page = String::from(INTRODUCTION);
    describe(&mut page, "##", &keys(""));
    for (title, pointer) in SECTIONS {
        let section = pointer.strip_suffix("/additionalProperties").unwrap_or(pointer);
        let meaning = match pointer {
            SELECTION => "Each selection is a table in braces. The list has the prefixes of all selections.",
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

This page has every key of `/etc/synwall/synwall.toml`, the TOML file that the agent (`synwall run`) keeps the filter to. It is
written from the program, and a test compares them.

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

- `synwall config check` reads the file and every list that it names. It prints each mistake with file and line. It changes
  nothing and needs no privileges, except to read the files.
- `synwall config show` prints the whole configuration, with every default, and providers as sources.
- **When a change takes effect.** At once if another file replaces this one (`mv`, most editors). A file written in place is
  read after one second without writes, after ten seconds in any case, or at `systemctl reload synwall`, because half of it
  may be valid TOML. If you remove the file and write it again, the agent may read a half.
- **A mistake** refuses the file, and the configuration in force stays. So does a list file that was never readable.
- **Fixed on a running filter**: the `xdp` mode of an interface, and `count-sources-by`. The agent warns, and names the command
  that makes the change.
- **Unknown keys** are mistakes. A missing key has its default.
- **Write access.** The file decides who gets through. It is not read if every user can write it, or if it belongs to another
  user than root and the one who runs synwall.
- **One prefix, one list.** A prefix is either trusted or denied. Retired prefixes are destinations, so they may be any. This
  file ranks before list files, and list files before sources. Between equals, deny goes before trust.
- **A prefix of length 0** (`0.0.0.0/0`, `::/0`) is taken from no file. Only `synwall source refresh NAME --force` takes it.
- **Times** are numbers with units: `500ms`, `30s`, `5m`, `1h 30m`, `7d`, up to `365d`. Months and years are not units: `5M`
  would be five months where you mean five minutes.
- **In an editor.** Packages have a JSON Schema of this file, `/usr/share/synwall/synwall.schema.json`. The first line of the
  packaged file names it: `#:schema file:///usr/share/synwall/synwall.schema.json`. Editors with Taplo or Even Better TOML
  complete keys with it and mark mistakes. `synwall config check` finds more.
"#;

const CONCLUSION: &str = r#"
## Providers

All customers of a provider share its networks. So each of them can reach the origin through the provider. Use mutual TLS as
well, so that proxy and origin authenticate each other. [providers.md](providers.md) has the details of each provider.

## Files

| path | what |
|---|---|
| `/etc/synwall/synwall.toml` | this file; `--config FILE` or `SYNWALL_CONFIG` names another |
| `/etc/synwall/saved/` | list files that `trust`, `deny` and `retire` write with `--save`; you may edit them |
| `/var/lib/synwall/` | last good copies, used at the next start if the original is broken or not reachable |
"#;

#[cfg(test)]
mod tests;
