//! The program in the kernel, which is compared with the reference. Its filter is set up as `synwall` does it, but on
//! no interface. `BPF_PROG_TEST_RUN` hands it frames.

use std::{collections::BTreeMap, fs, path::Path};

use aya::{
    maps::{MapData, PerCpuArray},
    programs::{TestRun as _, TestRunOptions},
};
use filter_common::{Count, InterfaceCounts, Reason};
use filter_user::{
    filter::{
        instance::Instance,
        program::{Entry, Program, Specialisation},
    },
    lists::sources,
    model::entry::Action,
};
use ipnet::IpNet;

use super::config::Config;
use crate::lab::must;

/// The pin directory, on the laboratory's private bpffs.
const PATH: &str = "/sys/fs/bpf/synwall";
/// The directory of an interface that does not exist.
const INTERFACE: &str = "interface_test";
/// Bytes that `BPF_PROG_TEST_RUN` puts into one buffer: a page without headroom and tailroom, rounded down.
const BUFFER: usize = 3_500;

/// The entry of the object file and the buffers that a frame is run with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The entry for kernels with `xdp.frags`. The frame is in one buffer if it fits.
    Frags,
    /// The entry for kernels with `xdp.frags`. The frame is in several buffers; the number is the size of the first
    /// one.
    Scattered(u32),
    /// The entry for kernels without `xdp.frags`. The frame is in one buffer.
    OneBuffer,
}

impl Way {
    /// Whether a frame can be run this way.
    pub const fn takes(self, frame: &[u8]) -> bool {
        match self {
            Self::Frags => true,
            Self::Scattered(first) => frame.len() > first as usize,
            Self::OneBuffer => frame.len() <= BUFFER,
        }
    }

    /// Whether the frame is in one buffer. If not, bytes after a plain packet that exactly fills the first buffer may
    /// not be counted.
    pub const fn in_one_buffer(self, frame: &[u8]) -> bool {
        !matches!(self, Self::Scattered(_)) && frame.len() <= BUFFER
    }
}

/// The result of one frame.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Outcome {
    pub passed: bool,
    /// Whether the program left the bytes of the frame unchanged.
    pub unchanged: bool,
    /// The interface counters: passed, dropped, would have been dropped.
    pub counts: Counts,
}

/// Packets and bytes: all that passed, and by reason, all that were dropped or would have been.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    pub passed: (u64, u64),
    pub dropped: [(u64, u64); Reason::ALL.len()],
    pub would_drop: [(u64, u64); Reason::ALL.len()],
}

/// A filter in the kernel.
pub struct Subject {
    instance: Instance,
    frags: Program,
    one_buffer: Program,
    counts: PerCpuArray<MapData, InterfaceCounts>,
    before: Counts,
}

impl Subject {
    /// Sets up a filter.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let settings = config.settings();
        let (mut instance, _) = must(
            "set a filter up",
            Instance::open_or_create(Path::new(PATH), &settings),
        );
        must("put lists in force", instance.set_rules(config.rules()));
        must("make a directory", instance.pins().fresh_directory(INTERFACE));
        let specialisation = Specialisation {
            settings,
            deny: config.has(Action::Deny),
            retire: config.has(Action::Retire),
            confirm: false,
        };
        let load = |entry| {
            let program = Program::load(instance.pins(), INTERFACE, &specialisation, entry);
            must("load the program", program)
        };
        let (frags, one_buffer) = (load(Entry::Frags), load(Entry::OneBuffer));
        let counts = must(
            "open the counters",
            instance.pins().map(format!("{INTERFACE}/interface_counts")),
        );
        Self {
            instance,
            frags,
            one_buffer,
            counts,
            before: Counts::default(),
        }
    }

    /// Runs the program on a frame.
    pub fn judge(&mut self, frame: &[u8], way: Way) -> Outcome {
        let mut out = vec![0; frame.len()];
        // `struct xdp_md` has six words. The second one is the end of the first buffer.
        let mut context = [0_u8; 24];
        let context = if let Way::Scattered(first) = way {
            context[4..8].copy_from_slice(&first.to_ne_bytes());
            Some(context)
        } else {
            None
        };
        let mut context_out = [0_u8; 24];
        let options = TestRunOptions {
            data_in: Some(frame),
            data_out: Some(&mut out),
            ctx_in: context.as_ref().map(<[u8; 24]>::as_slice),
            ctx_out: context.as_ref().map(|_| context_out.as_mut_slice()),
            ..Default::default()
        };
        let program = if way == Way::OneBuffer {
            &mut self.one_buffer
        } else {
            &mut self.frags
        };
        let result = must(
            "run the program",
            must("find the program", program.xdp()).test_run(options),
        );
        let passed = match result.return_value {
            1 => false,
            2 => true,
            other => panic!("the program answered with XDP action {other}"),
        };
        let now = self.counts();
        let counts = now.since(&self.before);
        self.before = now;
        Outcome {
            passed,
            unchanged: result.data_size_out as usize == frame.len() && out == frame,
            counts,
        }
    }

    fn counts(&self) -> Counts {
        let mut sum = Counts::default();
        let add = |sum: &mut (u64, u64), count: Count| *sum = (sum.0 + count.packets, sum.1 + count.bytes);
        for cpu in must("read the counters", self.counts.get(&0, 0)).iter() {
            add(&mut sum.passed, cpu.passed);
            for number in 0..Reason::ALL.len() {
                add(&mut sum.dropped[number], cpu.dropped[number]);
                add(&mut sum.would_drop[number], cpu.would_drop[number]);
            }
        }
        sum
    }

    /// Packets by the prefix that they count on. The second part of the key says whether the prefix is retired.
    #[must_use]
    pub fn prefixes(&self) -> BTreeMap<(IpNet, bool), u64> {
        let counted = must("read the prefixes", self.instance.counted());
        let hit = counted.into_iter().filter(|(_, count)| count.packets != 0);
        hit.map(|(entry, count)| ((entry.prefix, entry.action == Action::Retire), count.packets))
            .collect()
    }

    /// Packets that the table of sources has counted.
    #[must_use]
    pub fn sources(&self) -> u64 {
        let lengths = self.instance.settings().sources;
        let sources = must("read the sources", sources::read(self.instance.pins(), lengths));
        let apart: u64 = sources.networks.iter().map(|source| source.packets).sum();
        apart + sources.others
    }

    /// Removes the filter and its pins.
    pub fn remove(self) {
        drop(self);
        must("remove the filter", fs::remove_dir_all(PATH));
    }
}

impl Counts {
    fn since(&self, before: &Self) -> Self {
        let less = |now: (u64, u64), before: (u64, u64)| (now.0 - before.0, now.1 - before.1);
        Self {
            passed: less(self.passed, before.passed),
            dropped: std::array::from_fn(|number| less(self.dropped[number], before.dropped[number])),
            would_drop: std::array::from_fn(|number| {
                less(self.would_drop[number], before.would_drop[number])
            }),
        }
    }
}
