//! What a program has to look for besides trusted sources: the lists tell.

use super::program::Specialisation;
use crate::{
    lists::summary::Summary,
    model::{entry::Action, rules::Rules, settings::Settings},
};

/// What of the lists a program has to look for.
#[derive(Clone, Copy, Default)]
pub struct Features {
    deny: bool,
    retire: bool,
}

impl Features {
    /// For lists with that many entries.
    pub fn of(summary: &Summary) -> Self {
        Self {
            deny: summary.count(Action::Deny) != (0, 0),
            retire: summary.count(Action::Retire) != (0, 0),
        }
    }

    /// What entries of one list need.
    pub fn for_list(list: Action) -> Self {
        Self {
            deny: list == Action::Deny,
            retire: list == Action::Retire,
        }
    }

    /// For these lists.
    pub fn of_rules(rules: &Rules) -> Self {
        Self {
            deny: rules.any(Action::Deny),
            retire: rules.any(Action::Retire),
        }
    }

    /// For both.
    pub fn or(self, other: Self) -> Self {
        Self {
            deny: self.deny || other.deny,
            retire: self.retire || other.retire,
        }
    }

    /// What a program is specialised for. `confirm` tells that a confirmation is awaited.
    pub fn specialise(self, settings: &Settings, confirm: bool) -> Specialisation {
        Specialisation {
            settings: settings.clone(),
            deny: self.deny,
            retire: self.retire,
            confirm,
        }
    }
}
