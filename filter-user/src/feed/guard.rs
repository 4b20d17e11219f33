//! The guards: which fetched lists are refused. The publisher of a list decides who gets through. The guards keep a
//! mistake or an attack there from opening or closing the filter.

use std::{collections::HashSet, fmt};

use filter_common::MAX_PREFIXES;
use ipnet::IpNet;

use crate::model::entry::Action;

/// Why a list was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It is empty.
    Empty,
    /// A prefix is wider than any that a provider has.
    TooWide(IpNet),
    /// All prefixes together cover more than any provider has.
    TooManyAddresses,
    /// It has more prefixes than a filter takes.
    TooManyPrefixes(usize),
    /// It has grown so much that it might leave no room for other lists.
    GrownTooMuch {
        /// How many prefixes it had.
        before: usize,
        /// How many it has.
        after: usize,
    },
    /// It has less than half of the prefixes that it had.
    PrefixesLost {
        /// How many it had.
        before: usize,
        /// How many it has.
        after: usize,
    },
    /// More than half of the addresses of one IP version are gone.
    AddressesLost {
        /// Which version.
        version: u8,
        /// How many of its addresses are still there, in percent.
        stays: u8,
    },
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the list was refused: ")?;
        match self {
            Self::Empty => write!(f, "it is empty"),
            Self::TooWide(prefix) => write!(
                f,
                "{prefix} is wider than /{WIDEST_V4} (IPv4) or /{WIDEST_V6} (IPv6), which no provider's network is"
            ),
            Self::TooManyAddresses => write!(
                f,
                "together it covers more than an eighth of all IPv4 addresses, or of the IPv6 addresses in use (2000::/3)"
            ),
            Self::TooManyPrefixes(prefixes) => {
                write!(f, "it has {prefixes} prefixes, and a filter takes {MAX_PREFIXES}")
            }
            Self::GrownTooMuch { before, after } => {
                write!(
                    f,
                    "it had {before} prefixes and has {after}: it might leave no room for other lists"
                )
            }
            Self::PrefixesLost { before, after } => {
                write!(f, "it had {before} prefixes and has {after} now, less than half")
            }
            Self::AddressesLost { version, stays } => {
                write!(
                    f,
                    "only {stays} % of its IPv{version} addresses are still in it, less than half"
                )
            }
        }
    }
}

/// The shortest IPv4 prefix that is accepted: the widest networks that were ever assigned.
const WIDEST_V4: u8 = 8;
/// The shortest IPv6 prefix that is accepted: the widest network that a registry has assigned.
const WIDEST_V6: u8 = 16;

/// This many prefixes are always accepted: a sixteenth of a filter, and more than any provider has.
const MANY: usize = MAX_PREFIXES as usize / 16;

/// An eighth of all IPv4 addresses.
const MOST_V4: u128 = (1 << 32) / 8;
/// An eighth of 2000::/3, from which registries assign.
const MOST_V6: u128 = (1 << 125) / 8;

/// Address counts of one IP version, before and after.
#[derive(Clone, Copy)]
struct Change {
    version: u8,
    /// The most that may be trusted.
    most: u128,
    had: u128,
    has: u128,
    stays: u128,
}

/// Fails if `after` is not a plausible successor of `before`. `force` accepts everything but too many prefixes for a
/// filter.
pub fn check(action: Action, before: Option<&[IpNet]>, after: &[IpNet], force: bool) -> Result<(), Refused> {
    if after.len() > MAX_PREFIXES as usize {
        return Err(Refused::TooManyPrefixes(after.len()));
    }
    if force {
        return Ok(());
    }
    let before = match before {
        // A list that was forced once is not refused the next time, here and below.
        Some([]) if after.is_empty() => return Ok(()),
        _ if after.is_empty() => return Err(Refused::Empty),
        before => before.unwrap_or_default(),
    };
    if after.len() > MANY.max(before.len() + before.len() / 4) {
        return Err(Refused::GrownTooMuch {
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
        return Err(Refused::TooWide(*wide));
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
    // A deny list may cover half of the world.
    if action == Action::Trust
        && changes
            .iter()
            .any(|change| change.has > change.most.max(change.had))
    {
        return Err(Refused::TooManyAddresses);
    }
    for Change {
        version, had, stays, ..
    } in changes
    {
        if stays < had.div_ceil(2) {
            // For a number too large to multiply, hundredths are precise enough.
            let percent = match stays.checked_mul(100) {
                Some(hundredfold) => hundredfold / had,
                None => stays / (had / 100),
            };
            return Err(Refused::AddressesLost {
                version,
                stays: u8::try_from(percent).unwrap_or(49),
            });
        }
    }
    // Prefixes may be aggregated: fewer prefixes then have the same addresses, and nothing is lost.
    let nothing_lost = changes.iter().all(|change| change.stays == change.had);
    if after.len() * 2 < before.len() && !nothing_lost {
        return Err(Refused::PrefixesLost {
            before: before.len(),
            after: after.len(),
        });
    }
    Ok(())
}

/// Addresses of one IP version as sorted ranges (first, last) that neither touch nor overlap.
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

/// The number of addresses. It saturates at `u128::MAX`, one less than all of IPv6.
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
mod tests;
