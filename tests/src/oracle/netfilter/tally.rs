//! What a comparison with netfilter has seen so far.

use std::{collections::BTreeMap, fmt};

/// Frames by what the program did with them, and what the script saw of those.
#[derive(Default)]
pub struct Totals {
    /// Frames that went both ways.
    pub frames: u64,
    /// By verdict: frames, and of these: dropped by the script, let through by it to a protected port.
    pub verdicts: BTreeMap<&'static str, [u64; 3]>,
    /// Frames that the two differ about for a known reason, by that reason.
    pub explained: BTreeMap<&'static str, u64>,
    /// The others, in full.
    pub unexplained: Vec<String>,
}

impl Totals {
    /// Frames of a verdict, and what the script saw of them.
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
