//! A value for each list.

use serde::Serialize;

use crate::model::entry::Action;

/// A value for each list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ByList<T> {
    /// For [`Action::Trust`].
    pub trusted: T,
    /// For [`Action::Deny`].
    pub denied: T,
    /// For [`Action::Retire`].
    pub retired: T,
}

impl<T> ByList<T> {
    /// The value that `of` has for each list.
    pub fn new(of: impl Fn(Action) -> T) -> Self {
        Self {
            trusted: of(Action::Trust),
            denied: of(Action::Deny),
            retired: of(Action::Retire),
        }
    }

    /// The lists with their values.
    pub fn each(&self) -> [(Action, &T); 3] {
        Action::ALL.map(|action| {
            let value = match action {
                Action::Trust => &self.trusted,
                Action::Deny => &self.denied,
                Action::Retire => &self.retired,
            };
            (action, value)
        })
    }
}

/// How many entries of a list are IPv4 and IPv6.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Versions {
    /// IPv4.
    pub v4: usize,
    /// IPv6.
    pub v6: usize,
}

impl Versions {
    /// Both together.
    pub const fn total(self) -> usize {
        self.v4 + self.v6
    }
}
