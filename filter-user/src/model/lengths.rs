//! The prefix lengths by which drops of source networks are counted.

use std::{fmt, str::FromStr};

/// The prefix lengths of the networks that drops are counted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lengths {
    /// Bits of an IPv4 network, 8 to 32.
    pub v4: u8,
    /// Bits of an IPv6 network, 16 to 64.
    pub v6: u8,
}

impl Default for Lengths {
    fn default() -> Self {
        Self { v4: 24, v6: 48 }
    }
}

/// Text that is not a valid pair of lengths.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("write a length for IPv4 (8 to 32) and one for IPv6 (16 to 64), as in 24,48")]
pub struct BadLengths;

impl FromStr for Lengths {
    type Err = BadLengths;

    fn from_str(text: &str) -> Result<Self, BadLengths> {
        let length = |text: &str| {
            text.trim()
                .trim_start_matches('/')
                .parse()
                .map_err(|_| BadLengths)
        };
        let (v4, v6) = text.split_once(',').ok_or(BadLengths)?;
        let lengths = Self {
            v4: length(v4)?,
            v6: length(v6)?,
        };
        if (8..=32).contains(&lengths.v4) && (16..=64).contains(&lengths.v6) {
            Ok(lengths)
        } else {
            Err(BadLengths)
        }
    }
}

impl fmt::Display for Lengths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "/{} and /{}", self.v4, self.v6)
    }
}

impl Lengths {
    /// The bits of an IPv4 address that belong to the network.
    pub const fn mask_v4(self) -> u32 {
        u32::MAX << (32 - self.v4)
    }

    /// The bits of the first half of an IPv6 address that belong to the network.
    pub const fn mask_v6(self) -> u64 {
        u64::MAX << (64 - self.v6)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_read_and_bounded() {
        assert_eq!("24,48".parse(), Ok(Lengths::default()));
        assert_eq!("/32, /64".parse(), Ok(Lengths { v4: 32, v6: 64 }));
        for text in ["24", "24,48,1", "33,48", "24,65", "7,48", "24,15", "a,b", ""] {
            assert_eq!(text.parse::<Lengths>(), Err(BadLengths), "{text}");
        }
        assert_eq!(Lengths { v4: 32, v6: 64 }.mask_v4(), u32::MAX);
        assert_eq!(Lengths { v4: 32, v6: 64 }.mask_v6(), u64::MAX);
    }
}
