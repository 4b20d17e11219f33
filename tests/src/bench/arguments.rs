//! The command line of the bench: which parts run, how long they measure, and whether the report is written.

use std::time::Duration;

use clap::{Parser, ValueEnum};

use super::rounds::Pace;

/// Measures synwall beside what it replaces, all in one run. Best started as `cargo xtask bench`.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench")]
pub struct Arguments {
    /// About a minute: few short rounds, no list of a million for what changes lists, and nothing is written
    #[arg(long)]
    pub quick: bool,
    /// These parts alone, and nothing is written
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PARTS")]
    pub only: Vec<Part>,
    /// Rounds of each comparison [default: 31; 5 with --quick]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..))]
    pub rounds: Option<u16>,
    /// Write docs/benchmarks.md and its charts also with --quick or --only
    #[arg(long)]
    pub write: bool,
}

/// A part of the bench.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// SYN floods over IPv4: random sources, one network, one source
    FloodIpv4,
    /// SYN floods over IPv6
    FloodIpv6,
    /// SYNs of other lengths
    Sizes,
    /// Floods of ACKs
    Strays,
    /// IPv4 lists of growing length
    PrefixesIpv4,
    /// IPv6 lists of growing length
    PrefixesIpv6,
    /// The program alone
    ProgramCost,
    /// Requests through the filter, without and with a flood
    Honest,
    /// Changing lists: time and memory
    Update,
}

impl Arguments {
    /// Whether this run includes the part.
    #[must_use]
    pub fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }

    /// The number of rounds, and the length of a slice.
    #[must_use]
    pub fn pace(&self) -> Pace {
        Pace {
            rounds: self.rounds.map_or(if self.quick { 5 } else { 31 }, usize::from),
            slice: Duration::from_millis(if self.quick { 20 } else { 60 }),
        }
    }

    /// Whether the report goes into the documentation.
    #[must_use]
    pub fn writes(&self) -> bool {
        self.write || !self.quick && self.only.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::{Arguments, Part};

    #[test]
    fn only_a_whole_run_writes_the_documentation_unless_told_to() {
        let writes = |arguments: &[&str]| Arguments::parse_from([&["bench"], arguments].concat()).writes();
        assert!(writes(&[]));
        assert!(!writes(&["--quick"]));
        assert!(!writes(&["--only", "update"]));
        assert!(writes(&["--quick", "--write"]));
    }

    #[test]
    fn parts_can_be_picked() {
        let arguments = Arguments::parse_from(["bench", "--only", "flood-ipv4,program-cost"]);
        assert_eq!(arguments.only, [Part::FloodIpv4, Part::ProgramCost]);
        assert!(arguments.wants(Part::FloodIpv4) && !arguments.wants(Part::Update));
    }
}
