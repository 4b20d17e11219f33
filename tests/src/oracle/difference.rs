//! A difference between reference and program. It shows the seed that repeats it, and the bytes for a row of the
//! packet table.

use std::fmt;

use super::{
    config::Config,
    subject::{Counts, Outcome},
};
use filter_common::Reason;

/// How many bytes of a frame are shown.
const SHOWN: usize = 256;

/// The expected and the actual result of a comparison.
pub struct Difference<'a> {
    pub seed: u64,
    pub config: &'a Config,
    /// The place of the difference.
    pub what: String,
    pub expected: String,
    pub seen: String,
    pub frame: &'a [u8],
}

impl fmt::Display for Difference<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "seed {}, {}", self.seed, self.what)?;
        writeln!(f, "  expected {}\n  seen     {}", self.expected, self.seen)?;
        writeln!(f, "{}", self.config)?;
        for (at, line) in self.frame[..self.frame.len().min(SHOWN)].chunks(16).enumerate() {
            write!(f, "    {:04x} ", 16 * at)?;
            for byte in line {
                write!(f, " {byte:02x}")?;
            }
            writeln!(f)?;
        }
        writeln!(f, "    {} bytes in all", self.frame.len())
    }
}

impl Counts {
    /// Clears the numbers of bytes. The numbers of packets stay.
    pub fn forget_bytes(&mut self) {
        let all = self.dropped.iter_mut().chain(&mut self.would_drop);
        for (_, bytes) in all.chain([&mut self.passed]) {
            *bytes = 0;
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.passed { "pass" } else { "drop" })?;
        let mut count = |what: &str, (packets, bytes): (u64, u64)| {
            if (packets, bytes) == (0, 0) {
                return Ok(());
            }
            write!(f, "; {what} +{packets}/{bytes} B")
        };
        count("passed", self.counts.passed)?;
        for reason in Reason::ALL {
            let name = reason.name();
            count(&format!("dropped {name}"), self.counts.dropped[reason.index()])?;
            count(
                &format!("would drop {name}"),
                self.counts.would_drop[reason.index()],
            )?;
        }
        f.write_str(if self.unchanged { "" } else { "; ALTERED" })
    }
}
