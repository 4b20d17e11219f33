//! The desired interfaces: which of them exist, which of them the filter protects, and why it does not protect the others.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    apply::Refused,
    interfaces::{Selection, select},
    observed::{Reason, Unprotected},
};
use crate::{config::contents::InterfacePattern, sys::netlink::Interface, text::shown};

/// The desired interfaces and their protection.
#[derive(Debug, Default)]
pub struct Protection {
    selection: Selection,
    /// Why an interface refused the filter, by index.
    refused: BTreeMap<u32, String>,
    /// Indices of the interfaces that the filter protected in the last observation.
    protected: BTreeSet<u32>,
    /// The other interfaces: the name, escaped for a terminal, and the reason.
    unprotected: Vec<(String, String)>,
}

impl Protection {
    /// The desired interfaces that exist.
    pub fn interfaces(&self) -> &[Interface] {
        &self.selection.interfaces
    }

    /// The names in the configuration that no interface has. Patterns do not count: one configuration for many machines may
    /// have patterns that match nothing here.
    pub fn absent(&self) -> Vec<String> {
        let mut absent = self.selection.absent.clone();
        absent.retain(|pattern| !pattern.contains(['*', '?', '[']));
        absent
    }

    /// The desired interfaces without protection: the name, escaped for a terminal, and the reason.
    pub fn unprotected(&self) -> &[(String, String)] {
        &self.unprotected
    }

    /// The desired interfaces that the filter protected in the last observation.
    pub fn protected(&self) -> impl Iterator<Item = &Interface> {
        let interfaces = self.selection.interfaces.iter();
        interfaces.filter(|interface| self.protected.contains(&interface.index))
    }

    /// Whether a desired interface has this index.
    pub fn has(&self, index: u32) -> bool {
        self.selection.interfaces.iter().any(|there| there.index == index)
    }

    /// Whether a desired interface has this name.
    pub fn has_named(&self, name: &str) -> bool {
        self.selection.interfaces.iter().any(|there| there.name == name)
    }

    /// Makes the next [`Self::select`] take every interface for a new one.
    pub fn reset(&mut self) {
        self.selection = Selection::default();
        self.refused.clear();
    }

    /// Selects the desired interfaces from `all`. Returns the indices of new and of renamed ones.
    pub fn select(&mut self, all: &[Interface], patterns: &[InterfacePattern]) -> Vec<u32> {
        let before = std::mem::replace(&mut self.selection, select(all, patterns));
        let key = |interface: &Interface| (interface.index, interface.name.clone());
        let is_new = |interface: &&Interface| {
            let mut before = before.interfaces.iter();
            !before.any(|before| key(before) == key(interface))
        };
        let new = self.selection.interfaces.iter().filter(is_new);
        let new = new.map(|interface| interface.index).collect();
        for pattern in &self.selection.absent {
            if !before.absent.contains(pattern) {
                log::warn!(
                    "there is no interface '{}' (yet); the filter is put on it when it appears",
                    shown(pattern)
                );
            }
        }
        let Self {
            selection, refused, ..
        } = self;
        refused.retain(|index, _| selection.interfaces.iter().any(|there| there.index == *index));
        new
    }

    /// Records the interfaces that refused the filter. A reason that lasts is logged once.
    pub fn record_refused(&mut self, refused: &[Refused]) {
        let before = std::mem::take(&mut self.refused);
        for (interface, error) in refused {
            let error = error.to_string();
            if before.get(&interface.index) != Some(&error) {
                log::error!("{}: {error}", shown(&interface.name));
            }
            self.refused.insert(interface.index, error);
        }
    }

    /// Records which interfaces an observation found unprotected. Without a filter, `observed` is `None`, and all of them are
    /// unprotected for the reason `without_filter`. `pending` are the interfaces to attach to. Returns the indices of the
    /// interfaces that are back without their program.
    pub fn record_observed(
        &mut self,
        observed: Option<Vec<Unprotected>>,
        without_filter: &str,
        pending: &BTreeSet<u32>,
    ) -> Vec<u32> {
        let mut returned = Vec::new();
        let all = self.selection.interfaces.iter().map(|interface| interface.index);
        self.protected = match &observed {
            Some(observed) => all
                .filter(|index| observed.iter().all(|unprotected| unprotected.index != *index))
                .collect(),
            None => BTreeSet::new(),
        };
        self.refused.retain(|index, _| !self.protected.contains(index));
        let explain = |index: u32, otherwise: &str| match self.refused.get(&index) {
            Some(refused) => refused.clone(),
            None if pending.contains(&index) => "the filter is not on it yet".to_owned(),
            None => otherwise.to_owned(),
        };
        let unprotected: Vec<(String, String)> = match observed {
            Some(observed) => observed
                .into_iter()
                .map(|Unprotected { index, name, reason }| {
                    if reason == Reason::Returned {
                        returned.push(index);
                    }
                    (name, explain(index, reason.text()))
                })
                .collect(),
            None => self
                .selection
                .interfaces
                .iter()
                .map(|interface| (shown(&interface.name), explain(interface.index, without_filter)))
                .collect(),
        };
        for (name, reason) in &unprotected {
            if !self.unprotected.iter().any(|(known, _)| known == name) {
                log::warn!("{name} is not protected: {reason}");
            }
        }
        self.unprotected = unprotected;
        returned
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{filter::error::Error, pins};

    #[test]
    fn why_one_was_refused_is_forgotten_when_the_filter_is_on_it() {
        let interface = Interface {
            index: 7,
            name: "wan0".into(),
            xdp: Vec::new(),
            is_loopback: false,
            is_bond: false,
            controller: None,
        };
        let refusal = Error::from(pins::error::Error::NotUp { path: "why".into() });
        let off = || {
            let (name, reason) = ("wan0".to_owned(), Reason::Detached);
            Some(vec![Unprotected {
                index: 7,
                name,
                reason,
            }])
        };
        let mut protection = Protection {
            selection: Selection {
                interfaces: vec![interface.clone()],
                absent: Vec::new(),
            },
            ..Protection::default()
        };
        protection.record_refused(&[(interface, refusal)]);
        protection.record_observed(off(), "", &BTreeSet::new());
        assert!(protection.unprotected()[0].1.contains("why"));
        protection.record_observed(Some(Vec::new()), "", &BTreeSet::new());
        assert_eq!(protection.protected().count(), 1);
        protection.record_observed(off(), "", &BTreeSet::new());
        assert_eq!(protection.unprotected()[0].1, Reason::Detached.text());
    }
}
