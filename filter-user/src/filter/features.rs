//! Which features the lists need from a program. Code for other features is left out of it.

use super::program::Specialisation;
use crate::{
    lists::summary::Summary,
    model::{entry::Action, rules::Rules, settings::Settings},
};

/// The features that the lists need besides looking up trusted sources.
#[derive(Clone, Copy, Default)]
pub struct Features {
    deny: bool,
    retire: bool,
}

impl Features {
    /// The features that lists with these numbers of entries need.
    pub fn of(summary: &Summary) -> Self {
        Self {
            deny: summary.count(Action::Deny) != (0, 0),
            retire: summary.count(Action::Retire) != (0, 0),
        }
    }

    /// The features that entries of this list need.
    pub fn for_list(list: Action) -> Self {
        Self {
            deny: list == Action::Deny,
            retire: list == Action::Retire,
        }
    }

    /// The features that these lists need.
    pub fn of_rules(rules: &Rules) -> Self {
        Self {
            deny: rules.any(Action::Deny),
            retire: rules.any(Action::Retire),
        }
    }

    /// All features of both.
    pub fn or(self, other: Self) -> Self {
        Self {
            deny: self.deny || other.deny,
            retire: self.retire || other.retire,
        }
    }

    /// The constants of a program with these features and settings. `confirm` says whether the interface waits for
    /// `synwall confirm`.
    pub fn specialise(self, settings: &Settings, confirm: bool) -> Specialisation {
        Specialisation {
            settings: settings.clone(),
            deny: self.deny,
            retire: self.retire,
            confirm,
        }
    }
}
