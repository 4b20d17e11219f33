//! Sets of ports: `80,443,8000-8010`.

use std::{fmt, ops::RangeInclusive, str::FromStr};

use filter_common::PORT_SET_BYTES;

use crate::text::shown;

/// How many ranges people see: a few lines of a terminal.
const BRIEF: usize = 64;

/// Text that is not a set of ports.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadPorts {
    /// Not a number or a range of numbers.
    #[error("'{0}' is not a port or a range of ports (examples: 443, 8000-8010)")]
    Syntax(String),
    /// A number that no port has.
    #[error("port {0} is out of range: ports go from 1 to 65535")]
    Range(String),
    /// A range the wrong way round.
    #[error("the range {first}-{last} is the wrong way round: write {last}-{first}")]
    Backwards {
        /// Where it begins.
        first: u16,
        /// Where it ends.
        last: u16,
    },
    /// No port at all.
    #[error("no port given (example: 80,443)")]
    Empty,
}

/// A set of ports, any number of them.
#[derive(Clone, PartialEq, Eq)]
pub struct PortSet(Box<[u8; PORT_SET_BYTES]>);

impl PortSet {
    /// The empty set.
    pub fn none() -> Self {
        Self(Box::new([0; PORT_SET_BYTES]))
    }

    /// The set of these ports.
    pub fn of(ports: impl IntoIterator<Item = u16>) -> Self {
        let mut set = Self::none();
        for port in ports {
            set.0[usize::from(port / 8)] |= 1 << (port % 8);
        }
        set
    }

    /// Whether there is no port in it.
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|byte| *byte == 0)
    }

    /// Whether `port` is in it.
    pub fn contains(&self, port: u16) -> bool {
        self.0[usize::from(port / 8)] >> (port % 8) & 1 != 0
    }

    /// The ports, in order.
    pub fn iter(&self) -> impl Iterator<Item = u16> + '_ {
        (0..=u16::MAX).filter(|port| self.contains(*port))
    }

    /// The ports as ranges, in order. Neighbouring ranges are one.
    fn ranges(&self) -> impl Iterator<Item = RangeInclusive<u16>> + '_ {
        let mut ports = self.iter().peekable();
        std::iter::from_fn(move || {
            let first = ports.next()?;
            let mut last = first;
            while let Some(next) = ports.next_if(|next| Some(*next) == last.checked_add(1)) {
                last = next;
            }
            Some(first..=last)
        })
    }

    /// The set for people: only the first 64 ranges are written out, the other ports are counted.
    pub fn brief(&self) -> Brief<'_> {
        Brief(self)
    }

    /// One bit for each port, the lowest bit of a byte first.
    pub fn bits(&self) -> &[u8; PORT_SET_BYTES] {
        &self.0
    }

    /// The set with these bits. Port 0 does not exist and is left out.
    pub fn from_bits(mut bits: [u8; PORT_SET_BYTES]) -> Self {
        bits[0] &= !1;
        Self(Box::new(bits))
    }

    /// Reads a set, or `none` for the empty one.
    pub fn parse_or_none(text: &str) -> Result<Self, BadPorts> {
        if text == "none" {
            Ok(Self::none())
        } else {
            text.parse()
        }
    }
}

impl FromStr for PortSet {
    type Err = BadPorts;

    fn from_str(text: &str) -> Result<Self, BadPorts> {
        let port = |text: &str| {
            let number = text.trim();
            if number.is_empty() || !number.bytes().all(|byte| byte.is_ascii_digit()) {
                return Err(BadPorts::Syntax(shown(text)));
            }
            match number.parse() {
                Ok(0) | Err(_) => Err(BadPorts::Range(shown(number))),
                Ok(port) => Ok(port),
            }
        };
        if text.trim().is_empty() {
            return Err(BadPorts::Empty);
        }
        let mut set = Self::none();
        for part in text.split(',') {
            let (first, last) = match part.split_once('-') {
                Some((first, last)) => (port(first)?, port(last)?),
                None => (port(part)?, port(part)?),
            };
            if first > last {
                return Err(BadPorts::Backwards { first, last });
            }
            for port in first..=last {
                set.0[usize::from(port / 8)] |= 1 << (port % 8);
            }
        }
        Ok(set)
    }
}

impl fmt::Display for PortSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        write_ranges(f, self.ranges())
    }
}

/// A set for people, see [`PortSet::brief`].
pub struct Brief<'a>(&'a PortSet);

impl fmt::Display for Brief<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut ranges = self.0.ranges();
        if self.0.ranges().count() <= BRIEF {
            return self.0.fmt(f);
        }
        write_ranges(f, ranges.by_ref().take(BRIEF))?;
        let left: usize = ranges.map(|range| range.len()).sum();
        write!(f, " and {left} more ports")
    }
}

fn write_ranges(
    f: &mut fmt::Formatter<'_>,
    ranges: impl Iterator<Item = RangeInclusive<u16>>,
) -> fmt::Result {
    let mut separator = "";
    for range in ranges {
        let (first, last) = (range.start(), range.end());
        match last - first {
            0 => write!(f, "{separator}{first}")?,
            1 => write!(f, "{separator}{first},{last}")?,
            _ => write!(f, "{separator}{first}-{last}")?,
        }
        separator = ",";
    }
    Ok(())
}

impl fmt::Debug for PortSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PortSet({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_written_in_its_shortest_form() {
        for (written, shown) in [
            ("443,80", "80,443"),
            ("80,81", "80,81"),
            ("8000-8010,8005-8020,80", "80,8000-8020"),
            ("65535", "65535"),
            ("1-65535", "1-65535"),
        ] {
            assert_eq!(written.parse::<PortSet>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn is_cut_off_for_people_where_it_goes_on_and_on() {
        let written = |set: &PortSet| set.brief().to_string();
        assert_eq!(written(&PortSet::none()), "none");
        let every_other = |ranges: u16| {
            let ports: Vec<String> = (1..=ranges).map(|number| (number * 2).to_string()).collect();
            ports.join(",")
        };
        let most: PortSet = every_other(64).parse().unwrap();
        assert_eq!(written(&most), most.to_string());
        let more: PortSet = format!("{},1000-1010", every_other(65)).parse().unwrap();
        assert_eq!(written(&more), format!("{} and 12 more ports", every_other(64)));
    }

    #[test]
    fn holds_the_ports_that_were_named_and_no_others() {
        let set: PortSet = "1,80,443,8000-8010,65535".parse().unwrap();
        let ports: Vec<u16> = set.iter().collect();
        let expected: Vec<u16> = [1, 80, 443]
            .into_iter()
            .chain(8000..=8010)
            .chain([65535])
            .collect();
        assert_eq!(ports, expected);
    }

    #[test]
    fn bad_ports_are_named() {
        for (written, error) in [
            ("0", BadPorts::Range("0".into())),
            ("65536", BadPorts::Range("65536".into())),
            ("80,http", BadPorts::Syntax("http".into())),
            ("80,", BadPorts::Syntax(String::new())),
            ("90-80", BadPorts::Backwards { first: 90, last: 80 }),
            ("", BadPorts::Empty),
            ("-80", BadPorts::Syntax(String::new())),
        ] {
            assert_eq!(written.parse::<PortSet>().unwrap_err(), error, "{written}");
        }
    }
}
