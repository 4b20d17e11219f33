//! The flood: a kernel program that is run with live frames, so that nothing but the kernel's own receive path
//! and the side under test takes time.

use std::time::{Duration, Instant};

use aya::programs::{TestRun as _, TestRunAttrs, TestRunOptions};

use super::programs::Parked;
use super::traffic::Template;
use crate::lab::must;

/// As in `filter-ebpf/src/bin/bench.rs`.
const ROW: usize = 512;
const ROWS: u32 = 2048;
/// How many sources there is room for.
pub const SOURCES: usize = ROW * ROWS as usize;

/// Frames that are on the way at a time: a quarter of veth's ring, so that none is lost.
const BATCH: u32 = 64;

/// A flood that is ready to be sent.
#[derive(Debug)]
pub struct Flood {
    kinds: Vec<(Kind, u32)>,
}

/// Frames of one kind.
#[derive(Debug)]
struct Kind {
    program: Parked,
    template: Template,
}

impl Flood {
    /// Of such frames, from these sources in a circle: IPv4 addresses, or upper halves of IPv6 ones.
    #[must_use]
    pub fn new(template: Template, sources: &[u64]) -> Self {
        Self::mixed([(template, 1)], sources)
    }

    /// Of frames of several kinds, so many of each in turn.
    #[must_use]
    pub fn mixed(templates: impl IntoIterator<Item = (Template, u32)>, sources: &[u64]) -> Self {
        let kinds = templates.into_iter();
        Self {
            kinds: kinds
                .map(|(template, weight)| (Kind::new(template, sources), weight))
                .collect(),
        }
    }

    /// Sends about so many frames through an interface of the calling thread's namespace; how many it were, and how
    /// long it took until they had been received.
    pub fn send(&self, through: u32, frames: u32) -> (u32, Duration) {
        let all: u32 = self.kinds.iter().map(|(_, weight)| weight).sum();
        let started = Instant::now();
        let mut sent = 0;
        for (kind, weight) in &self.kinds {
            let share = (u64::from(frames) * u64::from(*weight) / u64::from(all)) as u32;
            sent += share.max(1);
            kind.send(through, share.max(1));
        }
        (sent, started.elapsed())
    }
}

impl Kind {
    fn new(template: Template, sources: &[u64]) -> Self {
        let (header, segment) = (template.header_sum, template.segment_sum);
        let mut program = Parked::load(
            template.program,
            &[("HEADER_SUM", header), ("SEGMENT_SUM", segment)],
        );
        let as_in_a_frame: fn(u64) -> u64 = match template.program {
            "flood_ipv4" => |source| u64::from((source as u32).to_be()),
            _ => u64::to_be,
        };
        let mut all = sources.iter().copied().map(as_in_a_frame).cycle();
        let mut map = program.array::<[u64; ROW]>("SOURCES");
        for row in 0..ROWS {
            let row_of_sources: [u64; ROW] = std::array::from_fn(|_| all.next().unwrap_or_default());
            must("fill in sources", map.set(row, row_of_sources, 0));
        }
        let mut state = program.array::<[u64; 2]>("STATE");
        must("fill in a seed", state.set(0, [0, 0x9e37_79b9_7f4a_7c15], 0));
        Self { program, template }
    }

    fn send(&self, through: u32, frames: u32) {
        // `struct xdp_md`: the frame's end is the second word, the interface it came in on the fourth.
        let mut context = [0_u8; 24];
        context[4..8].copy_from_slice(&(self.template.frame.len() as u32).to_ne_bytes());
        context[12..16].copy_from_slice(&through.to_ne_bytes());
        let options = TestRunOptions {
            data_in: Some(&self.template.frame),
            ctx_in: Some(&context),
            repeat: frames,
            attrs: TestRunAttrs::new().xdp_live_frames(BATCH),
            ..Default::default()
        };
        must("send a flood", self.program.xdp().test_run(options));
    }
}
