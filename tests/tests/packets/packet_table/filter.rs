//! The filter that judges the rows. It is set up as `synwall` does it, but on no interface. `BPF_PROG_TEST_RUN` hands
//! it frames, and the results are read from the maps that users read.
//!
//! Longer than 300 lines because it runs a frame in three ways, and computes the counters that each way should add
//! to.

use std::{collections::BTreeMap, fmt, path::Path};

use aya::{
    maps::{MapData, PerCpuArray},
    programs::{TestRun as _, TestRunOptions},
};
use filter_common::{InterfaceCounts, Reason, headers::ethernet};
use filter_user::{
    filter::{
        instance::Instance,
        program::{Entry, Program, Specialisation},
    },
    lists::sources,
    model::{entry::Action, settings::Policy},
};
use ipnet::IpNet;

use crate::packet_table::{config::Config, frame::Frame, row::Expect};

/// The directory of an interface that does not exist.
const INTERFACE: &str = "interface_test";

/// The entry of the object file and the buffers that a frame is run with.
#[derive(Clone, Copy, Debug)]
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
    /// The entry that the loader chooses for the running kernel, with frames in one buffer.
    pub fn of_kernel() -> Self {
        match Entry::of_kernel().expect("the kernel's version") {
            Entry::Frags => Self::Frags,
            Entry::OneBuffer => Self::OneBuffer,
        }
    }
}

/// Bytes that `BPF_PROG_TEST_RUN` puts into one buffer: a page without headroom and tailroom, rounded down.
pub const BUFFER: usize = 3_500;

pub struct Filter {
    pub instance: Instance,
    program: Program,
    /// How the next frame is run. It may change between one buffer and several, but not to another entry.
    pub way: Way,
    policy: Policy,
    counts: PerCpuArray<MapData, InterfaceCounts>,
    before: Counters,
}

/// Packets and bytes by what they count on, in the words of the command line.
type Counters = BTreeMap<String, (u64, u64)>;

/// The result of one frame.
#[derive(PartialEq, Eq)]
pub struct Outcome {
    passed: bool,
    /// The counters that grew, and by how much.
    grown: Counters,
    /// Whether the program left the bytes of the frame unchanged.
    unchanged: bool,
}

impl Filter {
    /// Sets up a filter at `path`, on a bpffs.
    pub fn new(path: &Path, config: &Config, way: Way) -> Self {
        let settings = config.settings();
        let (mut instance, new) = Instance::open_or_create(path, &settings).expect("a new filter");
        assert!(new, "a filter is there already");
        instance.set_rules(config.rules()).expect("the lists in force");
        instance.pins().fresh_directory(INTERFACE).expect("a directory");
        let specialisation = Specialisation {
            settings,
            deny: config.has(Action::Deny),
            retire: config.has(Action::Retire),
            confirm: false,
        };
        let entry = match way {
            Way::OneBuffer => Entry::OneBuffer,
            Way::Frags | Way::Scattered(_) => Entry::Frags,
        };
        let program = Program::load(instance.pins(), INTERFACE, &specialisation, entry);
        let program = program.expect("the program in the kernel");
        let policy = config.policy;
        let counts = format!("{INTERFACE}/interface_counts");
        let counts = instance.pins().map(counts).expect("the counters");
        let mut filter = Self {
            instance,
            program,
            way,
            policy,
            counts,
            before: Counters::new(),
        };
        filter.before = filter.counters();
        filter
    }

    /// Whether this kernel can run the frame this way.
    pub fn takes(&self, frame: &Frame) -> bool {
        match self.way {
            Way::Frags => true,
            Way::Scattered(first) => frame.bytes.len() > first as usize,
            Way::OneBuffer => frame.bytes.len() <= BUFFER,
        }
    }

    /// Runs the program. Returns whether the frame passed, and whether it is unchanged.
    pub fn run(&mut self, frame: &[u8]) -> (bool, bool) {
        let mut out = vec![0; frame.len()];
        // `struct xdp_md` has six words. The second one is the end of the first buffer.
        let mut context = [0_u8; 24];
        let context = match self.way {
            Way::Scattered(first) => {
                context[4..8].copy_from_slice(&first.to_ne_bytes());
                Some(context)
            }
            _ => None,
        };
        let mut context_out = [0_u8; 24];
        let options = TestRunOptions {
            data_in: Some(frame),
            data_out: Some(&mut out),
            ctx_in: context.as_ref().map(<[u8; 24]>::as_slice),
            ctx_out: context.as_ref().map(|_| context_out.as_mut_slice()),
            ..Default::default()
        };
        let result = self
            .program
            .xdp()
            .expect("the program")
            .test_run(options)
            .expect("a test run");
        if let Some(context) = context {
            assert_eq!(
                context_out[4..8],
                context[4..8],
                "the first buffer ends elsewhere"
            );
        }
        let passed = match result.return_value {
            1 => false,
            2 => true,
            other => panic!("XDP action {other}"),
        };
        (
            passed,
            result.data_size_out as usize == frame.len() && out == frame,
        )
    }

    /// Runs the program on a frame, and finds every counter that changed.
    pub fn judge(&mut self, frame: &Frame) -> Outcome {
        let (passed, unchanged) = self.run(&frame.bytes);
        let now = self.counters();
        let before = std::mem::replace(&mut self.before, now);
        let grown = self.before.iter().filter_map(|(name, (packets, bytes))| {
            let (packets_before, bytes_before) = before.get(name).copied().unwrap_or_default();
            let by = (
                packets.wrapping_sub(packets_before),
                bytes.wrapping_sub(bytes_before),
            );
            (by != (0, 0)).then(|| (name.clone(), by))
        });
        Outcome {
            passed,
            grown: grown.collect(),
            unchanged,
        }
    }

    /// The result that the row expects.
    pub fn should(&self, frame: &Frame, expect: Expect) -> Outcome {
        let once = (1, self.counted(frame));
        let observes = self.policy == Policy::Observe;
        let verb = if observes { "would drop" } else { "dropped" };
        let passed = expect.reason.is_none() || observes;
        let mut grown = Counters::new();
        if passed {
            grown.insert("passed in all".into(), once);
        }
        if let Some(reason) = expect.reason {
            grown.insert(format!("{verb} {}", reason.name()), once);
            if let Some(source) = frame.source {
                grown.insert(format!("source {}", network(source)), once);
            }
        }
        if let Some(prefix) = expect.on {
            grown.insert(format!("prefix {prefix}"), once);
        }
        Outcome {
            passed,
            grown,
            unchanged: true,
        }
    }

    /// The bytes that a frame should be counted with. This is the whole frame, except that bytes in later buffers are
    /// not counted if a plain packet ends with the first buffer.
    fn counted(&self, frame: &Frame) -> u64 {
        let Way::Scattered(first) = self.way else {
            return frame.bytes.len() as u64;
        };
        let shortest = ethernet::SHORTEST_FRAME;
        match frame.plain_end() {
            // A short frame is padded.
            Some((end, least))
                if end >= least
                    && (end == first as usize || (first as usize == shortest && end < shortest)) =>
            {
                first.into()
            }
            _ => frame.bytes.len() as u64,
        }
    }

    fn counters(&self) -> Counters {
        let pins = &self.instance.pins();
        let mut all = Counters::new();
        let mut add = |what: &str, name: &dyn fmt::Display, packets: u64, bytes: u64| {
            if (packets, bytes) != (0, 0) {
                let sum = all.entry(format!("{what} {name}")).or_default();
                *sum = (sum.0 + packets, sum.1 + bytes);
            }
        };
        for cpu in self.counts.get(&0, 0).expect("the counters").iter() {
            add("passed", &"in all", cpu.passed.packets, cpu.passed.bytes);
            for reason in Reason::ALL {
                let (dropped, would_drop) = (cpu.dropped[reason.index()], cpu.would_drop[reason.index()]);
                add("dropped", &reason.name(), dropped.packets, dropped.bytes);
                add("would drop", &reason.name(), would_drop.packets, would_drop.bytes);
            }
        }
        for (entry, count) in self.instance.counted().expect("the counters") {
            add("prefix", &entry.prefix, count.packets, count.bytes);
        }
        let sources = sources::read(pins, self.instance.settings().sources).expect("the sources");
        assert_eq!(sources.others, 0, "packets of networks without a place");
        for source in sources.networks {
            // The rows drop packets of few networks, so the counts are exact.
            assert_eq!(source.error, 0, "the error of {}", source.prefix);
            add("source", &source.prefix, source.packets, source.bytes);
        }
        all
    }
}

/// The network that drops from `address` count on.
pub fn network(address: std::net::IpAddr) -> IpNet {
    let bits = if address.is_ipv4() { 24 } else { 48 };
    IpNet::new(address, bits).expect("a prefix length").trunc()
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.passed { "pass" } else { "drop" })?;
        for (name, (packets, bytes)) in &self.grown {
            write!(f, "; {name} +{packets}/{bytes} B")?;
        }
        if self.unchanged {
            Ok(())
        } else {
            f.write_str("; ALTERED")
        }
    }
}
