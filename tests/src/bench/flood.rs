//! The flood of the bench: a kernel program that runs with live frames (`BPF_PROG_TEST_RUN`). So only the kernel's
//! receive path and the side under test take time.

use std::time::{Duration, Instant};

use aya::programs::{TestRun as _, TestRunAttrs, TestRunOptions};

use super::programs::Parked;
use super::traffic::Template;
use crate::lab::must;

/// The dimensions of the source table, as in `filter-ebpf/src/bin/bench.rs`.
const ROW: usize = 512;
const ROWS: u32 = 2048;
/// The largest number of sources.
pub const SOURCES: usize = ROW * ROWS as usize;

/// Frames in flight at a time: a quarter of veth's ring, so that no frame is lost.
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
    /// A flood of one kind of frame. Its sources repeat in a circle: IPv4 addresses, or the upper halves of IPv6
    /// addresses.
    #[must_use]
    pub fn new(template: Template, sources: &[u64]) -> Self {
        Self::mixed([(template, 1)], sources)
    }

    /// A flood of several kinds of frames. The number beside each template is its share of a round.
    #[must_use]
    pub fn mixed(templates: impl IntoIterator<Item = (Template, u32)>, sources: &[u64]) -> Self {
        let kinds = templates.into_iter();
        Self {
            kinds: kinds
                .map(|(template, weight)| (Kind::new(template, sources), weight))
                .collect(),
        }
    }

    /// Sends about `frames` frames through an interface of the calling thread's namespace. Returns the number of
    /// frames sent, and the time until all of them were received.
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
        // `struct xdp_md`: the second word is the end of the frame, the fourth is the ingress interface.
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
