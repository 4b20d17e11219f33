//! Compares the program with the reference: one configuration for each seed, and the same frames through both.

use std::collections::BTreeMap;

use fastrand::Rng;
use filter_common::Reason;
use filter_user::{
    model::{entry::Action, settings::Policy},
    sys::preflight,
};
use ipnet::IpNet;

use super::{
    config::Config,
    difference::Difference,
    generate,
    reference::{self, Verdict},
    sockets::{self, Sockets},
    subject::{Counts, Outcome, Subject, Way},
    summary::Summary,
};
use crate::lab::{Lab, must};

/// Frames for each configuration. Loading two programs takes as long as about ten thousand frames.
const FRAMES: u32 = 5_000;
/// Likely ends of the first buffer of a scattered frame: around the ends of headers.
const FIRST_BUFFERS: [usize; 12] = [14, 15, 18, 33, 34, 47, 48, 54, 60, 68, 74, 128];

/// Compares one configuration after another, from `seed` on, until `go_on` returns false.
///
/// # Panics
/// Without root, and if a filter cannot be set up.
pub fn run(seed: u64, mut go_on: impl FnMut(&Summary) -> bool + Send) -> Summary {
    let _lab = Lab::new();
    sockets::host().run(|| {
        let sockets = Sockets::open();
        let mut summary = Summary::new();
        let mut seed = seed;
        while go_on(&summary) {
            Batch::new(seed, &sockets, &mut summary).run();
            seed = seed.wrapping_add(1);
        }
        summary
    })
}

/// The configuration of one seed, and the state of its comparison.
struct Batch<'a> {
    seed: u64,
    random: Rng,
    config: Config,
    sockets: &'a Sockets,
    summary: &'a mut Summary,
    ways: Vec<Way>,
    /// Expected counters of prefixes and of the table of sources, at the end of the batch.
    prefixes: BTreeMap<(IpNet, bool), u64>,
    sources: u64,
}

impl<'a> Batch<'a> {
    fn new(seed: u64, sockets: &'a Sockets, summary: &'a mut Summary) -> Self {
        let mut random = Rng::with_seed(seed);
        let config = generate::config(&mut random);
        Self {
            seed,
            random,
            config,
            sockets,
            summary,
            ways: Vec::new(),
            prefixes: BTreeMap::new(),
            sources: 0,
        }
    }

    fn run(mut self) {
        let config = self.config.clone();
        let mut subject = Subject::new(&config);
        for number in 0..FRAMES {
            let frame = generate::frame(&mut self.random, &config);
            let verdict = reference::judge(&config, self.sockets, &frame);
            self.choose_ways(&frame);
            let ways = std::mem::take(&mut self.ways);
            for way in ways.iter().filter(|way| way.takes(&frame)) {
                self.count(&verdict);
                let seen = subject.judge(&frame, *way);
                self.compare(number, &frame, *way, &verdict, seen);
            }
            self.ways = ways;
            self.summary.frame(verdict.because.name());
        }
        let (prefixes, sources) = (subject.prefixes(), subject.sources());
        subject.remove();
        self.compare_counters(&prefixes, sources);
        self.summary.configuration();
    }

    fn choose_ways(&mut self, frame: &[u8]) {
        self.ways = vec![Way::Frags, Way::OneBuffer];
        // Older kernels fill the first buffer and take no other size for it.
        if self.summary.can_scatter {
            let first = match self.random.u32(..4) {
                0 => self.random.usize(14..200),
                // Near the end of the packet, so that bytes after it begin in another buffer.
                1 => frame.len().saturating_sub(self.random.usize(1..25)).max(14),
                _ => FIRST_BUFFERS[self.random.usize(..FIRST_BUFFERS.len())],
            };
            self.ways
                .push(Way::Scattered(u32::try_from(first).unwrap_or(u32::MAX)));
        }
    }

    fn count(&mut self, verdict: &Verdict<'_>) {
        if let Some(entry) = verdict.on {
            let key = (entry.prefix, entry.action == Action::Retire);
            *self.prefixes.entry(key).or_default() += 1;
        }
        if verdict.has_source && verdict.because.reason().is_some() {
            self.sources += 1;
        }
    }

    fn compare(&mut self, number: u32, frame: &[u8], way: Way, verdict: &Verdict<'_>, seen: Outcome) {
        self.summary.run();
        let observes = self.config.policy == Policy::Observe;
        let mut expected = expected(verdict.because.reason(), observes, frame);
        let mut seen = seen;
        if !way.in_one_buffer(frame) {
            expected.counts.forget_bytes();
            seen.counts.forget_bytes();
        }
        if seen == expected {
            return;
        }
        self.summary.differs(Difference {
            seed: self.seed,
            config: &self.config,
            what: format!("frame {number}, {way:?}"),
            expected: format!("{expected}, {}", verdict.because.name()),
            seen: seen.to_string(),
            frame,
        });
    }

    fn compare_counters(&mut self, prefixes: &BTreeMap<(IpNet, bool), u64>, sources: u64) {
        let all = (&self.prefixes, self.sources);
        if (prefixes, sources) == all {
            return;
        }
        let differs =
            |(key, count): &(&(IpNet, bool), &u64), other: &BTreeMap<_, u64>| other.get(*key) != Some(*count);
        let only = |these: &BTreeMap<_, _>, other: &BTreeMap<_, _>| {
            let list: Vec<String> = these
                .iter()
                .filter(|entry| differs(entry, other))
                .map(|((prefix, _), count)| format!("{prefix} {count}"))
                .collect();
            list.join(", ")
        };
        self.summary.differs(Difference {
            seed: self.seed,
            config: &self.config,
            what: "counters in the end".to_owned(),
            expected: format!("sources {}; {}", self.sources, only(&self.prefixes, prefixes)),
            seen: format!("sources {sources}; {}", only(prefixes, &self.prefixes)),
            frame: &[],
        });
    }
}

/// Whether a test run on this kernel can set the size of the first buffer.
pub fn can_scatter() -> bool {
    must("read the kernel's version", preflight::kernel_version()) >= preflight::Version(6, 18)
}

/// The expected outcome for a frame that is dropped for `reason`, or passes.
fn expected(reason: Option<Reason>, observes: bool, frame: &[u8]) -> Outcome {
    let once = (1, frame.len() as u64);
    let passed = reason.is_none() || observes;
    let mut counts = Counts::default();
    if passed {
        counts.passed = once;
    }
    match reason {
        Some(reason) if observes => counts.would_drop[reason.index()] = once,
        Some(reason) => counts.dropped[reason.index()] = once,
        None => {}
    }
    Outcome {
        passed,
        unchanged: true,
        counts,
    }
}
