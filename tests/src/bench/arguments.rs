//! What can be asked of the bench.

use clap::{Parser, ValueEnum};

/// Measures synwall beside what it replaces, all in one run. Best started as `cargo xtask bench`.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask bench")]
pub struct Arguments {
    /// About a minute, with fewer rounds
    #[arg(long)]
    pub quick: bool,
    /// These parts alone
    #[arg(long, value_enum, value_delimiter = ',', value_name = "PARTS")]
    pub only: Vec<Part>,
    /// Rounds of each comparison [default: 31; 7 with --quick]
    #[arg(long, value_name = "NUMBER")]
    pub rounds: Option<usize>,
}

/// A part of the bench.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// SYN floods over IPv4
    FloodIpv4,
    /// The program alone
    ProgramCost,
}

impl Arguments {
    /// Whether the part is wanted.
    #[must_use]
    pub fn wants(&self, part: Part) -> bool {
        self.only.is_empty() || self.only.contains(&part)
    }
}
