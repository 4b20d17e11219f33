//! A filter as `synwall` sets it up, with the program in the kernel and on no interface: frames are handed
//! to it with `BPF_PROG_TEST_RUN`, and what it did is read from the maps that users read.

use std::{collections::BTreeMap, fmt, fs, path::Path};

use aya::{
    Ebpf, EbpfLoader,
    maps::{MapData, PerCpuArray},
    programs::{TestRun as _, TestRunOptions, Xdp},
};
use filter_common::{InterfaceCounts, Reason};
use filter_user::{
    entry::Action,
    instance::Instance,
    preflight,
    program::{Program, Specialisation},
    settings::{Policy, Settings},
    sources,
};
use ipnet::IpNet;

use crate::{config::Config, frame::Frame, row::Expect};

/// The directory of the interface that there is not.
const INTERFACE: &str = "interface_test";

/// The maps that all interfaces share, by their names in the object file.
const SHARED_MAPS: [&str; 12] = [
    "GENERATION",
    "SOURCES_V4",
    "SOURCES_V6",
    "RETIRED_V4",
    "RETIRED_V6",
    "EXPIRIES",
    "PREFIX_COUNTS",
    "RECENT_COUNTS",
    "COVERAGE_V4",
    "COVERAGE_V6",
    "SOURCE_SETS",
    "SOURCE_NETWORKS",
];

/// Which way a frame takes through the object file.
#[derive(Clone, Copy, Debug)]
pub enum Way {
    /// The program for kernels with `xdp.frags`, the frame in one buffer as far as it fits.
    Frags,
    /// The same, the frame spread over buffers of which the first has so many bytes.
    Scattered(u32),
    /// The program for kernels without: the frame in one buffer.
    OneBuffer,
}

/// Bytes that `BPF_PROG_TEST_RUN` puts into one buffer: a page without head and tail room, rounded down.
pub const BUFFER: usize = 3_500;

enum Loaded {
    Frags(Box<Program>),
    OneBuffer(Ebpf),
}

pub struct Filter {
    pub instance: Instance,
    loaded: Loaded,
    /// The way of the next frame. Scattered or not is free to change, the program is not.
    pub way: Way,
    policy: Policy,
    counts: PerCpuArray<MapData, InterfaceCounts>,
    before: Counters,
}

/// Packets and bytes by what they were counted on, in the words of the command line.
type Counters = BTreeMap<String, (u64, u64)>;

/// What became of a frame.
#[derive(PartialEq, Eq)]
pub struct Outcome {
    passed: bool,
    /// The counters that grew, and by how much.
    grown: Counters,
    /// Whether the frame came out as it went in.
    unchanged: bool,
}

impl Filter {
    /// Sets a filter up at `path`, on a bpffs.
    pub fn new(path: &Path, config: &Config, way: Way) -> Self {
        let settings = config.settings();
        let (mut instance, new) = Instance::open_or_create(path, &settings).expect("a new filter");
        assert!(new, "a filter is there already");
        instance.set_rules(config.rules()).expect("the lists in force");
        instance.pins.fresh_directory(INTERFACE).expect("a directory");
        let specialisation = Specialisation {
            settings,
            deny: config.has(Action::Deny),
            retire: config.has(Action::Retire),
            confirm: false,
        };
        let loaded = match way {
            Way::OneBuffer => Loaded::OneBuffer(load_for_one_buffer(path, &specialisation)),
            _ => {
                let program = Program::load(&instance.pins, INTERFACE, &specialisation);
                Loaded::Frags(Box::new(program.expect("the program in the kernel")))
            }
        };
        let policy = config.policy;
        let counts = format!("{INTERFACE}/interface_counts");
        let counts = instance.pins.map(counts).expect("the counters");
        let mut filter = Self {
            instance,
            loaded,
            way,
            policy,
            counts,
            before: Counters::new(),
        };
        filter.before = filter.counters();
        filter
    }

    fn xdp(&mut self) -> &mut Xdp {
        match &mut self.loaded {
            Loaded::Frags(program) => program.xdp().expect("the program"),
            Loaded::OneBuffer(ebpf) => ebpf
                .program_mut("synwall")
                .expect("the program")
                .try_into()
                .expect("an XDP program"),
        }
    }

    /// Whether this kernel can be asked to run the frame this way.
    pub fn takes(&self, frame: &Frame) -> bool {
        match self.way {
            Way::Frags => true,
            Way::Scattered(first) => frame.bytes.len() > first as usize,
            Way::OneBuffer => frame.bytes.len() <= BUFFER,
        }
    }

    /// Runs the program, and says whether the frame passed and came out unchanged.
    pub fn run(&mut self, frame: &[u8]) -> (bool, bool) {
        let mut out = vec![0; frame.len()];
        // `struct xdp_md`: six words, of which the second is where the first buffer ends.
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
        let result = self.xdp().test_run(options).expect("a test run");
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

    /// Runs the program on a frame and watches every counter.
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

    /// What should have become of a frame.
    pub fn should(&self, frame: &Frame, expect: Expect) -> Outcome {
        let once = (1, frame.bytes.len() as u64);
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

    fn counters(&self) -> Counters {
        let pins = &self.instance.pins;
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
                let (dropped, would_drop) = (cpu.dropped[reason as usize], cpu.would_drop[reason as usize]);
                add("dropped", &reason.name(), dropped.packets, dropped.bytes);
                add("would drop", &reason.name(), would_drop.packets, would_drop.bytes);
            }
        }
        for (entry, count) in self.instance.counted().expect("the counters") {
            add("prefix", &entry.prefix, count.packets, count.bytes);
        }
        let sources = sources::read(pins, self.instance.settings.sources).expect("the sources");
        for source in sources.networks {
            // While so few networks drop as in the table of packets, their counts are exact.
            assert_eq!(source.error, 0, "the error of {}", source.prefix);
            add("source", &source.prefix, source.packets, source.bytes);
        }
        all
    }
}

/// The network that drops from `address` are counted on.
pub fn network(address: std::net::IpAddr) -> IpNet {
    let bits = if address.is_ipv4() { 24 } else { 48 };
    IpNet::new(address, bits).expect("a prefix length").trunc()
}

/// The program that [`Program`] takes on kernels before 5.18 only.
fn load_for_one_buffer(pins: &Path, specialisation: &Specialisation) -> Ebpf {
    let Specialisation {
        settings,
        deny,
        retire,
        confirm,
    } = specialisation;
    let Settings {
        tcp,
        udp,
        drop,
        policy,
        sources,
        secret,
    } = settings;
    let version = preflight::kernel_version().expect("the kernel's version");
    let flags = [
        ("UDP", u8::from(!udp.is_empty())),
        ("DROP_LEVEL", *drop as u8),
        ("OBSERVE", u8::from(*policy == Policy::Observe)),
        ("DENY", u8::from(*deny)),
        ("RETIRE", u8::from(*retire)),
        ("CONFIRM", u8::from(*confirm)),
        ("COARSE_CLOCK", u8::from(preflight::has_coarse_clock(version))),
    ];
    let mut loader = EbpfLoader::new();
    for name in SHARED_MAPS {
        loader.map_pin_path(name, pins.join(name.to_lowercase()));
    }
    for name in ["INTERFACE_COUNTS", "INTERFACE_RECORD"] {
        loader.map_pin_path(name, pins.join(INTERFACE).join(name.to_lowercase()));
    }
    loader
        .override_global("TCP_PORTS", tcp.bits(), true)
        .override_global("UDP_PORTS", udp.bits(), true);
    let masks = (sources.mask_v4(), sources.mask_v6());
    loader
        .override_global("SECRET", secret, true)
        .override_global("SOURCE_MASK_V4", &masks.0, true)
        .override_global("SOURCE_MASK_V6", &masks.1, true);
    for (name, value) in &flags {
        loader.override_global(name, value, true);
    }
    let built = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/synwall-ebpf.o");
    let object = std::env::var_os("SYNWALL_EBPF_OBJECT").map_or_else(built, Into::into);
    let object = fs::read(&object).expect("the object file, from `cargo xtask build`");
    let mut ebpf = loader.load(&object).expect("the object file");
    let xdp: &mut Xdp = ebpf
        .program_mut("synwall")
        .expect("the program")
        .try_into()
        .expect("an XDP program");
    xdp.load().expect("the program in the kernel");
    ebpf
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
