//! The results of a comparison with netfilter so far.

use std::{collections::BTreeMap, fmt};

/// Frames by the program's verdict, and what the script did with them.
#[derive(Default)]
pub struct Totals {
    /// Frames that went through both.
    pub frames: u64,
    /// For each verdict: the number of frames, how many the script dropped, and how many it accepted on a protected
    /// port.
    pub verdicts: BTreeMap<&'static str, [u64; 3]>,
    /// Frames with a known reason for a difference, by reason.
    pub explained: BTreeMap<&'static str, u64>,
    /// All other differences, in full.
    pub unexplained: Vec<String>,
}

impl Totals {
    /// Adds the counts of one verdict: frames, dropped by the script, accepted by it.
    pub(super) fn add(&mut self, verdict: &'static str, counts: [u64; 3]) {
        self.frames += counts[0];
        let sums = self.verdicts.entry(verdict).or_default();
        for (sum, by) in sums.iter_mut().zip(counts) {
            *sum += by;
        }
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 5;
        for difference in self.unexplained.iter().take(SHOWN) {
            writeln!(f, "{difference}")?;
        }
        writeln!(f, "      frames  dropped by the script  let through  verdict")?;
        for (verdict, [frames, dropped, accepted]) in &self.verdicts {
            writeln!(f, "{frames:>12}  {dropped:>21}  {accepted:>11}  {verdict}")?;
        }
        for (reason, count) in &self.explained {
            writeln!(f, "{count} differ because {reason}")?;
        }
        write!(
            f,
            "{} frames, {} unexplained differences",
            self.frames,
            self.unexplained.len()
        )
    }
}
