//! The interfaces that the filter should be on: which of them are there, and why it is not on some.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    interfaces::{Selection, select},
    kernel::{Unprotected, Why},
};
use crate::{config::contents::InterfacePattern, filter::error::Error, sys::netlink::Interface, text::shown};

/// The interfaces that the filter should be on.
#[derive(Debug, Default)]
pub struct Guarded {
    selection: Selection,
    /// Why the filter could not be attached, by index.
    refused: BTreeMap<u32, String>,
    /// Indices of those on which the filter was when the kernel was last asked.
    protected: BTreeSet<u32>,
    /// Those on which it was not: the name, fit for a terminal, and the reason.
    unprotected: Vec<(String, String)>,
}

impl Guarded {
    /// Those that are there.
    pub fn interfaces(&self) -> &[Interface] {
        &self.selection.interfaces
    }

    /// Names that no interface has. Of patterns, one configuration for many machines has some that nothing matches.
    pub fn absent(&self) -> Vec<String> {
        let mut absent = self.selection.absent.clone();
        absent.retain(|pattern| !pattern.contains(['*', '?', '[']));
        absent
    }

    /// Those on which the filter is not: the name, fit for a terminal, and the reason.
    pub fn unprotected(&self) -> &[(String, String)] {
        &self.unprotected
    }

    /// Those on which the filter is, as far as is known.
    pub fn protected(&self) -> impl Iterator<Item = &Interface> {
        let interfaces = self.selection.interfaces.iter();
        interfaces.filter(|interface| self.protected.contains(&interface.index))
    }

    /// Whether an interface of that index is among them.
    pub fn has(&self, index: u32) -> bool {
        self.selection.interfaces.iter().any(|there| there.index == index)
    }

    /// Whether an interface of that name is among them.
    pub fn has_named(&self, name: &str) -> bool {
        self.selection.interfaces.iter().any(|there| there.name == name)
    }

    /// Takes all of them for new ones the next time.
    pub fn forget(&mut self) {
        self.selection = Selection::default();
        self.refused.clear();
    }

    /// Looks which of all interfaces are meant now. Returns the indices of those that were not there the last time, or had
    /// another name.
    pub fn look(&mut self, all: &[Interface], patterns: &[InterfacePattern]) -> Vec<u32> {
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

    /// Notes which of them could not have the filter, and what was said of it.
    pub fn refuse(&mut self, refused: &[(Interface, Error)]) {
        let before = std::mem::take(&mut self.refused);
        for (interface, error) in refused {
            let error = error.to_string();
            if before.get(&interface.index) != Some(&error) {
                log::error!("{}: {error}", shown(&interface.name));
            }
            self.refused.insert(interface.index, error);
        }
    }

    /// Notes on which of them the kernel finds no filter; on none of them if there is no filter, for the reason that is
    /// given. `due` are those that it has yet to be put on. Returns the indices of those whose program
    /// went with them and that are back: what somebody took off by hand is left so.
    pub fn note(
        &mut self,
        found: Option<Vec<Unprotected>>,
        without_filter: &str,
        due: &BTreeSet<u32>,
    ) -> Vec<u32> {
        let mut returned = Vec::new();
        let all = self.selection.interfaces.iter().map(|interface| interface.index);
        self.protected = match &found {
            Some(found) => all
                .filter(|index| found.iter().all(|unprotected| unprotected.index != *index))
                .collect(),
            None => BTreeSet::new(),
        };
        self.refused.retain(|index, _| !self.protected.contains(index));
        let reason = |index: u32, otherwise: &str| match self.refused.get(&index) {
            Some(refused) => refused.clone(),
            None if due.contains(&index) => "the filter is not on it yet".to_owned(),
            None => otherwise.to_owned(),
        };
        let unprotected: Vec<(String, String)> = match found {
            Some(found) => found
                .into_iter()
                .map(|Unprotected { index, name, why }| {
                    if why == Why::Returned {
                        returned.push(index);
                    }
                    (name, reason(index, why.text()))
                })
                .collect(),
            None => self
                .selection
                .interfaces
                .iter()
                .map(|interface| (shown(&interface.name), reason(interface.index, without_filter)))
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
    use crate::pins;

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
            let (name, why) = ("wan0".to_owned(), Why::TakenOff);
            Some(vec![Unprotected { index: 7, name, why }])
        };
        let mut guarded = Guarded {
            selection: Selection {
                interfaces: vec![interface.clone()],
                absent: Vec::new(),
            },
            ..Guarded::default()
        };
        guarded.refuse(&[(interface, refusal)]);
        guarded.note(off(), "", &BTreeSet::new());
        assert!(guarded.unprotected()[0].1.contains("why"));
        guarded.note(Some(Vec::new()), "", &BTreeSet::new());
        assert_eq!(guarded.protected().count(), 1);
        guarded.note(off(), "", &BTreeSet::new());
        assert_eq!(guarded.unprotected()[0].1, Why::TakenOff.text());
    }
}
