//! What is still to be done, and is until it has been.

use std::collections::BTreeSet;

/// What is still to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// Something may have to be done to the lists, or to what follows.
    pub lists: bool,
    /// Settings are to be what the configuration says.
    pub settings: bool,
    /// Indices of interfaces to attach to.
    pub attach: BTreeSet<u32>,
    /// Names of interfaces to be let go.
    pub detach: Vec<String>,
    /// The filter is set up even if somebody took it down.
    pub anew: bool,
}

/// How far it was brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// As far as it can be.
    All,
    /// Nothing that drops packets: a list that is to be trusted has never been there.
    AllButDropping,
    /// Lists or settings could not be brought about.
    NotAll,
}

impl Due {
    /// Whether there is nothing to do.
    pub fn is_nothing(&self) -> bool {
        !self.lists && !self.settings && self.attach.is_empty() && self.detach.is_empty()
    }

    /// What is left of it. `is_up` says whether there is a filter: where there is none, its lists and settings are due until
    /// there is, and so is setting one up anew.
    pub fn rest(self, done: Done, is_up: bool) -> Self {
        let anew = self.anew && !is_up;
        match done {
            Done::NotAll => Self { anew, ..self },
            Done::AllButDropping => Self {
                lists: self.lists && !is_up,
                detach: Vec::new(),
                anew,
                ..self
            },
            Done::All => Self {
                lists: self.lists && !is_up,
                settings: self.settings && !is_up,
                anew,
                ..Self::default()
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn due() -> Due {
        Due {
            lists: true,
            settings: true,
            attach: BTreeSet::from([2]),
            detach: vec!["eth1".to_owned()],
            anew: true,
        }
    }

    #[test]
    fn what_could_not_be_done_is_still_due() {
        let rest = due().rest(Done::NotAll, true);
        assert!(rest.lists && rest.settings && !rest.attach.is_empty() && !rest.detach.is_empty());
        assert!(!rest.anew);
        assert!(due().rest(Done::NotAll, false).anew);
    }

    #[test]
    fn what_drops_packets_waits_for_a_list_that_is_missing() {
        let rest = due().rest(Done::AllButDropping, true);
        assert!(!rest.lists && !rest.anew && rest.detach.is_empty());
        assert!(rest.settings && !rest.attach.is_empty());
        assert!(due().rest(Done::AllButDropping, false).anew);
    }

    #[test]
    fn what_was_done_is_no_longer_due() {
        assert!(due().rest(Done::All, true).is_nothing());
        let rest = due().rest(Done::All, false);
        assert!(rest.lists && rest.settings && rest.anew);
        assert!(rest.attach.is_empty() && rest.detach.is_empty());
    }
}
