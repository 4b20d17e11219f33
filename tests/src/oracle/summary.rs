//! The results of a comparison so far.

use std::{
    collections::BTreeMap,
    fmt,
    time::{Duration, Instant},
};

use super::{compare::can_scatter, difference::Difference};

/// Differences of one kind: their number, and the first one in full.
type Kind = (u64, String);

/// Counts of frames, and differences by kind.
pub struct Summary {
    /// Frames. Each was run in several ways.
    pub frames: u64,
    runs: u64,
    configurations: u64,
    verdicts: BTreeMap<&'static str, u64>,
    differences: BTreeMap<(String, String), Kind>,
    since: Instant,
    /// Whether a frame can be spread over buffers of a chosen size.
    pub(super) can_scatter: bool,
}

impl Summary {
    pub(super) fn new() -> Self {
        Self {
            frames: 0,
            runs: 0,
            configurations: 0,
            verdicts: BTreeMap::new(),
            differences: BTreeMap::new(),
            since: Instant::now(),
            can_scatter: can_scatter(),
        }
    }

    pub(super) fn frame(&mut self, verdict: &'static str) {
        self.frames += 1;
        *self.verdicts.entry(verdict).or_default() += 1;
    }

    pub(super) const fn run(&mut self) {
        self.runs += 1;
    }

    pub(super) const fn configuration(&mut self) {
        self.configurations += 1;
    }

    pub(super) fn differs(&mut self, difference: Difference<'_>) {
        // Differences that only differ in digits are of the same kind.
        let kind = |text: &str| text.chars().filter(|c| !c.is_ascii_digit()).collect::<String>();
        let key = if difference.frame.is_empty() {
            (difference.what.clone(), String::new())
        } else {
            (kind(&difference.expected), kind(&difference.seen))
        };
        let first = || (0, difference.to_string());
        self.differences.entry(key).or_insert_with(first).0 += 1;
    }

    /// The number of differences.
    #[must_use]
    pub fn differences(&self) -> u64 {
        self.differences.values().map(|(count, _)| count).sum()
    }

    /// The time since the comparison began.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.since.elapsed()
    }

    /// How many frames should have met this verdict: a reason, or `pass: …`.
    #[must_use]
    pub fn expected(&self, verdict: &str) -> u64 {
        self.verdicts.get(verdict).copied().unwrap_or(0)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (kind, (count, first)) in self.differences.values().enumerate() {
            writeln!(f, "difference {}, {count} times, first:\n{first}", kind + 1)?;
        }
        for (verdict, count) in &self.verdicts {
            writeln!(f, "{count:>12}  {verdict}")?;
        }
        let seconds = self.elapsed().as_secs_f64();
        write!(
            f,
            "{} frames under {} configurations, {} runs of the program, in {seconds:.1} s ({:.0} frames/s): {} differences",
            self.frames,
            self.configurations,
            self.runs,
            self.frames as f64 / seconds,
            self.differences(),
        )
    }
}
