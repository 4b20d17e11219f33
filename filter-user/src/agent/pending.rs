//! The pending work: what of the desired state has not been applied yet.

use std::collections::BTreeSet;

/// What of the desired state has not been applied yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pending {
    /// Whether the lists may differ from the desired ones.
    pub lists: bool,
    /// Whether the settings may differ from the configuration.
    pub settings: bool,
    /// Indices of the interfaces to attach to.
    pub attach: BTreeSet<u32>,
    /// Names of the interfaces to detach from.
    pub detach: Vec<String>,
}

/// How much of the pending work an apply has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completion {
    /// All that can be done.
    All,
    /// All but what drops more packets: a trusted source has never had a list.
    AllButDrops,
    /// Only a part: the kernel refused lists or settings.
    Partial,
}

impl Pending {
    /// The lists, and nothing else.
    pub fn lists() -> Self {
        Self {
            lists: true,
            ..Self::default()
        }
    }

    /// Whether everything has been applied.
    pub fn is_empty(&self) -> bool {
        !self.lists && !self.settings && self.attach.is_empty() && self.detach.is_empty()
    }

    /// What an apply leaves pending. Without a filter, its lists and settings stay pending until there is one.
    pub fn after(self, completion: Completion, is_up: bool) -> Self {
        match completion {
            Completion::Partial => self,
            Completion::AllButDrops => Self {
                lists: self.lists && !is_up,
                detach: Vec::new(),
                ..self
            },
            Completion::All => Self {
                lists: self.lists && !is_up,
                settings: self.settings && !is_up,
                ..Self::default()
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pending() -> Pending {
        Pending {
            lists: true,
            settings: true,
            attach: BTreeSet::from([2]),
            detach: vec!["eth1".to_owned()],
        }
    }

    #[test]
    fn what_could_not_be_done_is_still_due() {
        let rest = pending().after(Completion::Partial, true);
        assert!(rest.lists && rest.settings && !rest.attach.is_empty() && !rest.detach.is_empty());
    }

    #[test]
    fn what_drops_packets_waits_for_a_list_that_is_missing() {
        let rest = pending().after(Completion::AllButDrops, true);
        assert!(!rest.lists && rest.detach.is_empty());
        assert!(rest.settings && !rest.attach.is_empty());
    }

    #[test]
    fn what_was_done_is_no_longer_due() {
        assert!(pending().after(Completion::All, true).is_empty());
        let rest = pending().after(Completion::All, false);
        assert!(rest.lists && rest.settings);
        assert!(rest.attach.is_empty() && rest.detach.is_empty());
    }
}
