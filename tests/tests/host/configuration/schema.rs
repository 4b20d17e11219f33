//! The schema that editors check a configuration with: it says what the program reads.

use std::{collections::HashSet, fs, path::Path};

use filter_user::config::{contents::Config, schema};
use regex::Regex;
use serde_json::{Map, Value};

use super::reference::committed;

/// The schema, ready to check.
struct Schema(Value);

impl Schema {
    fn new() -> Self {
        Self(serde_json::from_str(&schema::json()).unwrap())
    }

    /// What is wrong with the text of a configuration.
    fn check(&self, text: &str) -> Result<(), String> {
        let config: toml::Table = toml::from_str(text).map_err(|error| error.to_string())?;
        check(&self.0, &serde_json::to_value(config).unwrap())
    }
}

/// Checks a value with the keywords that the schema has, and stops at any other one.
fn check(schema: &Value, value: &Value) -> Result<(), String> {
    for (keyword, wanted) in schema.as_object().unwrap() {
        let is_valid = match keyword.as_str() {
            "$schema" | "title" | "description" | "examples" | "default" | "format" => true,
            "type" => match wanted.as_str().unwrap() {
                "object" => value.is_object(),
                "array" => value.is_array(),
                "string" => value.is_string(),
                "integer" => value.is_i64(),
                other => panic!("type {other}"),
            },
            "enum" => wanted.as_array().unwrap().contains(value),
            "pattern" => {
                let pattern = Regex::new(wanted.as_str().unwrap()).unwrap();
                value.as_str().is_none_or(|text| pattern.is_match(text))
            }
            "minimum" => value.as_i64() >= wanted.as_i64(),
            "maximum" => value.as_i64() <= wanted.as_i64(),
            "minItems" => items(value).len() as u64 >= wanted.as_u64().unwrap(),
            "uniqueItems" => items(value).iter().collect::<HashSet<_>>().len() == items(value).len(),
            "items" => items(value)
                .iter()
                .try_for_each(|item| check(wanted, item))
                .map(|()| true)?,
            "propertyNames" => {
                let mut names = members(value)
                    .into_iter()
                    .map(|(name, _)| Value::from(name.as_str()));
                names.try_for_each(|name| check(wanted, &name)).map(|()| true)?
            }
            "required" => {
                let members = members(value);
                items(wanted)
                    .iter()
                    .all(|name| members.iter().any(|(member, _)| name == *member))
            }
            "properties" => {
                let mut members = members(value).into_iter();
                members
                    .try_for_each(|(name, value)| {
                        wanted.get(name).map_or(Ok(()), |schema| check(schema, value))
                    })
                    .map(|()| true)?
            }
            "additionalProperties" => {
                let known = schema["properties"].as_object();
                let is_other = |name: &str| known.is_none_or(|known| !known.contains_key(name));
                let mut others = members(value).into_iter().filter(|(name, _)| is_other(name));
                match wanted {
                    Value::Bool(false) => others.next().is_none(),
                    schema => others
                        .try_for_each(|(_, value)| check(schema, value))
                        .map(|()| true)?,
                }
            }
            other => panic!("the schema has the keyword {other}, which is not checked here"),
        };
        if !is_valid {
            return Err(format!("{keyword}: {wanted} is not fulfilled by {value}"));
        }
    }
    Ok(())
}

fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

fn members(value: &Value) -> Vec<(&String, &Value)> {
    value.as_object().map(Map::iter).into_iter().flatten().collect()
}

fn is_read(text: &str) -> bool {
    Config::from_toml(text, Path::new("/etc/synwall/synwall.toml")).is_ok()
}

#[test]
fn the_committed_schema_is_what_the_program_says() {
    assert!(
        committed("packaging/synwall.schema.json") == schema::json(),
        "packaging/synwall.schema.json is another one; write it again: synwall generate DIR makes it"
    );
}

#[test]
fn the_shipped_file_names_it_and_is_valid() {
    let shipped = committed("packaging/synwall.toml");
    assert!(shipped.starts_with("#:schema file:///usr/share/synwall/synwall.schema.json\n"));
    assert_eq!(Schema::new().check(&shipped), Ok(()));
}

#[test]
fn every_configuration_in_the_documentation_is_valid() {
    let schema = Schema::new();
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs");
    let pages = fs::read_dir(docs).unwrap().map(|page| page.unwrap().path());
    let mut checked = 0;
    for page in pages.filter(|page| page.extension().is_some_and(|name| name == "md")) {
        let text = fs::read_to_string(&page).unwrap();
        let blocks = text.split("```toml\n").skip(1);
        for block in blocks.filter_map(|rest| rest.split("```").next()) {
            // A part of a file is not one without the only key that has no default.
            let whole = format!("interfaces = [\"eth0\"]\n{block}");
            for file in [block, &whole].into_iter().filter(|file| is_read(file)) {
                assert_eq!(schema.check(file), Ok(()), "{}: {file}", page.display());
                checked += 1;
            }
        }
    }
    assert!(checked > 5, "{checked}");
}

#[test]
fn what_the_program_reads_is_valid() {
    let schema = Schema::new();
    for file in [
        "interfaces = ['eth0', 'ens*']\nudp = 'none'\ntcp = ' 80 , 8000 - 8010'\ncount-sources-by = '/32, /64'",
        "interfaces = ['eth0']\n[trust]\nprefixes = ['10.0.0.0/8 office', ' 2001:db8::/32# comment', '192.0.2.7']",
        "interfaces = ['eth0']\n[source.a]\nexec = ['/bin/echo']\ninterval = ' 1h 30m'\njitter = '0'\ngrace = '1.5 days'",
        "interfaces = ['eth0']\n[source.a]\ndns-txt = '_a.example.'\nserver = '[fe80::1%2]:5353'\ntimeout = '500000µs'",
        "interfaces = ['eth0']\n[source.a]\nprovider = 'cloudflare'\nhttps = 'https://mirror.example/'",
        "interfaces = ['eth0']\n[source.a]\nfile = 'a'\njson = [{ pointer = '' }, { pointer = '/a', member = 'b', with = { c = 'd' } }]",
        "interfaces = ['lo']\n[metrics]\nlisten = '[::1]:9436'\nprefixes = 0",
    ] {
        assert!(is_read(file), "{file}");
        assert_eq!(schema.check(file), Ok(()), "{file}");
    }
}

#[test]
fn mistakes_that_an_editor_can_see_are_marked() {
    let schema = Schema::new();
    for wrong in [
        "policy = 'observe'",
        "interfaces = []",
        "interfaces = 'eth0'",
        "interfaces = ['eth0', 'eth0']",
        "interfaces = ['eth0']\npolcy = 'observe'",
        "interfaces = ['eth0']\npolicy = 'of-truth'",
        "interfaces = ['eth0']\ntcp = 443",
        "interfaces = ['eth0']\ntcp = 'https'",
        "interfaces = ['eth0']\n[trust]\nprefixes = ['example.org']",
        "interfaces = ['eth0']\n[trust]\nproviders = ['quator']",
        "interfaces = ['eth0']\n[deny]\nproviders = ['qrator']",
        "interfaces = ['eth0']\n[source.A]\nfile = 'a'",
        "interfaces = ['eth0']\n[source.a]\nfile = 'a'\ninterval = '5M'",
        "interfaces = ['eth0']\n[source.a]\nfile = 'a'\njson = [{ member = 'a' }]",
        "interfaces = ['eth0']\n[source.a]\nhttps = 'http://a.example/'",
        "interfaces = ['eth0']\n[metrics]\nprefixes = 10",
        "interfaces = ['eth0']\n[metrics]\nlisten = '127.0.0.1:9436'\nprefixes = -1",
    ] {
        assert!(!is_read(wrong), "{wrong}");
        assert!(schema.check(wrong).is_err(), "{wrong}");
    }
}
