//! Providers whose published networks are built in.

use ipnet::IpNet;

use crate::{
    Error, Result,
    config::{GRACE, INTERVAL, JITTER, TIMEOUT},
    entry::{Action, Label, NewEntry, Origin},
    feed::{Feed, From},
    prefix,
};

/// A provider, and the networks that it asks its customers to admit.
struct Provider {
    name: &'static str,
    prefixes: &'static [&'static str],
}

/// Qrator names one network in its connection guide (as of November 2026).
const PROVIDERS: &[Provider] = &[Provider {
    name: "qrator",
    prefixes: &["185.94.108.0/24"],
}];

/// The names of the providers that are known.
pub fn names() -> Vec<&'static str> {
    PROVIDERS.iter().map(|provider| provider.name).collect()
}

/// The networks of the provider called `name`, as trust entries.
pub fn entries(name: &str) -> Result<Vec<NewEntry>> {
    let provider = PROVIDERS
        .iter()
        .find(|provider| provider.name == name)
        .ok_or_else(|| Error::UnknownProvider {
            name: crate::error::shown(name),
            known: names().join(", "),
        })?;
    provider
        .prefixes
        .iter()
        .map(|text| {
            let prefix: IpNet = prefix::parse(text)?;
            Ok(NewEntry {
                prefix,
                label: Label::new(provider.name)?,
                origin: Origin::new(&format!("provider:{}", provider.name)),
                expires_ns: None,
                saved: false,
            })
        })
        .collect()
}

/// The list of the provider called `name`, as a source with the usual times.
pub fn feed(name: &str) -> Result<Feed> {
    let entries = entries(name)?;
    Ok(Feed {
        name: name.to_owned(),
        origin: Origin::new(&format!("provider:{name}")),
        action: Action::Trust,
        label: Label::new(name)?,
        from: From::BuiltIn,
        built_in: entries.iter().map(|entry| entry.prefix).collect(),
        interval: INTERVAL,
        jitter: JITTER,
        timeout: TIMEOUT,
        grace: GRACE,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_built_in_network_can_be_used() {
        for name in names() {
            assert!(!entries(name).unwrap().is_empty());
        }
    }

    #[test]
    fn an_unknown_name_lists_the_known_ones() {
        assert_eq!(
            entries("quator").unwrap_err().to_string(),
            "unknown provider 'quator'; known: qrator"
        );
    }
}
