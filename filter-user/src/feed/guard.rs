//! What a list must not be. Whoever controls where it comes from decides who gets through, or who no longer does: a mistake
//! there, or an attack, must not become one here.

use std::{collections::HashSet, fmt};

use filter_common::MAX_PREFIXES;
use ipnet::IpNet;

use crate::model::entry::Action;

/// Why a list was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// There is nothing in it.
    Empty,
    /// A prefix is wider than any that a provider has.
    Wide(IpNet),
    /// All of it together is more than any provider has.
    Much,
    /// There is more in it than a filter takes.
    Long(usize),
    /// There is more in it than one of several lists should have.
    Longer {
        /// How many prefixes it had.
        before: usize,
        /// How many it has.
        after: usize,
    },
    /// It has less than half of the prefixes that it had.
    Shorter {
        /// How many it had.
        before: usize,
        /// How many it has.
        after: usize,
    },
    /// More than half of the addresses of one IP version are gone.
    Smaller {
        /// Which version.
        version: u8,
        /// How much of it has stayed, in percent.
        stays: u8,
    },
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the list was refused: ")?;
        match self {
            Self::Empty => write!(f, "it is empty"),
            Self::Wide(prefix) => write!(
                f,
                "{prefix} is wider than /{WIDEST_V4} (IPv4) or /{WIDEST_V6} (IPv6), which no provider's network is"
            ),
            Self::Much => write!(
                f,
                "together it covers more than an eighth of all IPv4 addresses, or of the IPv6 addresses in use (2000::/3)"
            ),
            Self::Long(prefixes) => {
                write!(f, "it has {prefixes} prefixes, and a filter takes {MAX_PREFIXES}")
            }
            Self::Longer { before, after } => {
                write!(
                    f,
                    "it had {before} prefixes and has {after}: it might leave no room for other lists"
                )
            }
            Self::Shorter { before, after } => {
                write!(f, "it had {before} prefixes and has {after} now, less than half")
            }
            Self::Smaller { version, stays } => {
                write!(
                    f,
                    "only {stays} % of its IPv{version} addresses are still in it, less than half"
                )
            }
        }
    }
}

/// The shortest IPv4 prefix that is taken: the widest networks that were ever given to anybody.
const WIDEST_V4: u8 = 8;
/// The same for IPv6: registries give no more than a /16 (the widest so far) to anybody.
const WIDEST_V6: u8 = 16;

/// So many prefixes are taken without a question: a sixteenth of what a filter has room for, and more than any provider has.
const MANY: usize = MAX_PREFIXES as usize / 16;

/// An eighth of all addresses.
const MOST_V4: u128 = (1 << 32) / 8;
/// An eighth of 2000::/3, from which registries assign.
const MOST_V6: u128 = (1 << 125) / 8;

/// How many addresses of one IP version there were, are, and stay.
#[derive(Clone, Copy)]
struct Change {
    version: u8,
    /// How many may be trusted.
    most: u128,
    had: u128,
    has: u128,
    stays: u128,
}

/// Fails if `after` cannot be meant as what follows `before`. `force` has all but the number of prefixes pass.
pub fn check(action: Action, before: Option<&[IpNet]>, after: &[IpNet], force: bool) -> Result<(), Refused> {
    if after.len() > MAX_PREFIXES as usize {
        return Err(Refused::Long(after.len()));
    }
    if force {
        return Ok(());
    }
    let before = match before {
        // What somebody has forced once is not refused the next time, here and below.
        Some([]) if after.is_empty() => return Ok(()),
        _ if after.is_empty() => return Err(Refused::Empty),
        before => before.unwrap_or_default(),
    };
    if after.len() > MANY.max(before.len() + before.len() / 4) {
        return Err(Refused::Longer {
            before: before.len(),
            after: after.len(),
        });
    }
    let is_wide = |prefix: &&IpNet| match prefix {
        IpNet::V4(prefix) => prefix.prefix_len() < WIDEST_V4,
        IpNet::V6(prefix) => prefix.prefix_len() < WIDEST_V6,
    };
    let had_wide: HashSet<&IpNet> = before.iter().filter(is_wide).collect();
    let mut wide = after.iter().filter(is_wide);
    if let Some(wide) = wide.find(|wide| !had_wide.contains(wide)) {
        return Err(Refused::Wide(*wide));
    }
    let changes = [(4, MOST_V4), (6, MOST_V6)].map(|(version, most)| {
        let (had, has) = (Ranges::of(before, version), Ranges::of(after, version));
        Change {
            version,
            most,
            had: size(&had),
            has: size(&has),
            stays: overlap(&had, &has),
        }
    });
    // Whom to deny may be said of half of the world.
    if action == Action::Trust
        && changes
            .iter()
            .any(|change| change.has > change.most.max(change.had))
    {
        return Err(Refused::Much);
    }
    for Change {
        version, had, stays, ..
    } in changes
    {
        if stays < had.div_ceil(2) {
            // Of more than fits a hundred times, a hundredth is exact enough.
            let percent = match stays.checked_mul(100) {
                Some(hundredfold) => hundredfold / had,
                None => stays / (had / 100),
            };
            return Err(Refused::Smaller {
                version,
                stays: u8::try_from(percent).unwrap_or(49),
            });
        }
    }
    // Networks may be put together: then the same addresses are in fewer prefixes, and nothing is lost.
    let nothing_lost = changes.iter().all(|change| change.stays == change.had);
    if after.len() * 2 < before.len() && !nothing_lost {
        return Err(Refused::Shorter {
            before: before.len(),
            after: after.len(),
        });
    }
    Ok(())
}

/// Addresses of one IP version: first and last of each run, in order, no two next to each other or overlapping.
struct Ranges(Vec<(u128, u128)>);

impl Ranges {
    fn of(prefixes: &[IpNet], version: u8) -> Self {
        let mut ranges: Vec<(u128, u128)> = prefixes
            .iter()
            .filter_map(|prefix| match (prefix, version) {
                (IpNet::V4(prefix), 4) => Some((
                    u32::from(prefix.network()).into(),
                    u32::from(prefix.broadcast()).into(),
                )),
                (IpNet::V6(prefix), 6) => Some((prefix.network().into(), prefix.broadcast().into())),
                _ => None,
            })
            .collect();
        ranges.sort_unstable();
        ranges.dedup_by(|next, run| {
            let touches = next.0 <= run.1.saturating_add(1);
            if touches {
                run.1 = run.1.max(next.1);
            }
            touches
        });
        Self(ranges)
    }
}

/// How many addresses there are; one less than there are where they are all of IPv6.
fn size(ranges: &Ranges) -> u128 {
    ranges.0.iter().fold(0, |sum, run| count(sum, *run))
}

fn count(sum: u128, (first, last): (u128, u128)) -> u128 {
    sum.saturating_add(last - first).saturating_add(1)
}

fn overlap(a: &Ranges, b: &Ranges) -> u128 {
    let (mut a, mut b) = (a.0.iter().peekable(), b.0.iter().peekable());
    let mut sum = 0;
    while let (Some((a_first, a_last)), Some((b_first, b_last))) = (a.peek(), b.peek()) {
        let (first, last) = (a_first.max(b_first), a_last.min(b_last));
        if first <= last {
            sum = count(sum, (*first, *last));
        }
        if a_last < b_last {
            a.next();
        } else {
            b.next();
        }
    }
    sum
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;
    use crate::model::prefix;

    fn nets(text: &str) -> Vec<IpNet> {
        text.split_whitespace()
            .map(|prefix| prefix::parse(prefix).unwrap())
            .collect()
    }

    fn checked(before: &str, after: &str) -> Result<(), Refused> {
        let before = nets(before);
        check(Action::Trust, Some(&before), &nets(after), false)
    }

    #[test]
    fn lists_that_can_be_meant_pass() {
        for (before, after) in [
            ("", "10.0.0.0/8"),
            ("10.0.0.0/24", "10.0.0.0/24"),
            ("10.0.0.0/24 10.0.1.0/24", "10.0.0.0/24"),
            ("10.0.0.0/24 10.0.1.0/24 10.0.2.0/24", "10.0.0.0/24 10.0.1.0/24"),
            // Put together.
            ("10.0.0.0/24 10.0.1.0/24 10.0.2.0/24 10.0.3.0/24", "10.0.0.0/22"),
            // Taken apart.
            ("10.0.0.0/22", "10.0.0.0/24 10.0.1.0/24 10.0.2.0/24"),
            ("2001:db8::/32", "2001:db8::/33"),
            ("10.0.0.0/24", "10.0.0.0/24 2001:db8::/32"),
        ] {
            assert_eq!(checked(before, after), Ok(()), "{before} → {after}");
        }
    }

    #[test]
    fn lists_that_can_hardly_be_meant_do_not() {
        let smaller = |version, stays| Refused::Smaller { version, stays };
        for (before, after, refused) in [
            ("10.0.0.0/24", "", Refused::Empty),
            ("", "0.0.0.0/0", Refused::Wide(nets("0.0.0.0/0")[0])),
            ("", "::/0", Refused::Wide(nets("::/0")[0])),
            ("", "0.0.0.0/1 128.0.0.0/1", Refused::Wide(nets("0.0.0.0/1")[0])),
            ("", "8000::/1", Refused::Wide(nets("8000::/1")[0])),
            (
                "10.0.0.0/24 10.0.1.0/24 10.0.2.0/24",
                "10.0.0.0/24",
                smaller(4, 33),
            ),
            ("10.0.0.0/24", "11.0.0.0/24", smaller(4, 0)),
            ("10.0.0.0/24 2001:db8::/32", "10.0.0.0/24", smaller(6, 0)),
            ("10.0.0.0/24 2001:db8::/32", "2001:db8::/32", smaller(4, 0)),
            (
                "2001:db8::1 2001:db8::2 2001:db8::3",
                "2001:db8::2",
                smaller(6, 33),
            ),
            ("::/0", "2001:db8::/32", smaller(6, 0)),
            ("2000::/14", "2003::/16", smaller(6, 25)),
            (
                "10.0.0.0/16 11.0.0.0/24 11.0.1.0/24 11.0.2.0/24",
                "10.0.0.0/16",
                Refused::Shorter { before: 4, after: 1 },
            ),
        ] {
            assert_eq!(checked(before, after), Err(refused), "{before} → {after}");
            let before = nets(before);
            assert_eq!(check(Action::Trust, Some(&before), &nets(after), true), Ok(()));
        }
    }

    #[test]
    fn more_than_an_eighth_of_the_world_is_not_trusted_however_it_is_cut() {
        let v4 = (32..64).map(|n| format!("{n}.0.0.0/8"));
        let v6 = (0x2000..0x2400).map(|n| format!("{n:x}::/16"));
        for (eighth, another) in [
            (v4.collect::<Vec<_>>(), "64.0.0.0/24"),
            (v6.collect(), "2400::/32"),
        ] {
            let eighth = nets(&eighth.join(" "));
            assert_eq!(check(Action::Trust, None, &eighth, false), Ok(()));
            let more: Vec<IpNet> = eighth.into_iter().chain(nets(another)).collect();
            assert_eq!(check(Action::Trust, None, &more, false), Err(Refused::Much));
            assert_eq!(check(Action::Deny, None, &more, false), Ok(()));
        }
    }

    #[test]
    fn what_was_forced_once_is_not_refused_the_next_time() {
        for wide in ["10.0.0.0/7", "2000::/8", "0.0.0.0/1 2001:db8::/32"] {
            assert!(checked("", wide).is_err(), "{wide}");
            assert_eq!(checked(wide, wide), Ok(()), "{wide}");
            let more = format!("{wide} 128.0.0.0/4 192.0.0.0/4");
            assert!(checked(wide, &more).is_err(), "{more}");
        }
        assert_eq!(checked("", ""), Ok(()));
        assert_eq!(check(Action::Deny, None, &[], false), Err(Refused::Empty));
    }

    #[test]
    fn a_list_does_not_become_so_long_that_others_have_no_room() {
        let long = |length: usize| -> Vec<IpNet> {
            let nth = |n: usize| IpNet::from(IpAddr::from(Ipv4Addr::from(0x0a00_0000 + n as u32)));
            (0..length).map(nth).collect()
        };
        let longer = |before, after| Err(Refused::Longer { before, after });
        let many = 65_536;
        for (before, after, expected) in [
            (0, many, Ok(())),
            (0, many + 1, longer(0, many + 1)),
            (10, many + 1, longer(10, many + 1)),
            // It may grow, but by steps.
            (many, many + many / 4, Ok(())),
            (many, 2 * many, longer(many, 2 * many)),
        ] {
            let (list, had) = (long(after), long(before));
            let had = (before > 0).then_some(had.as_slice());
            assert_eq!(
                check(Action::Deny, had, &list, false),
                expected,
                "{before} → {after}"
            );
            assert_eq!(check(Action::Deny, had, &list, true), Ok(()));
        }
    }
}
