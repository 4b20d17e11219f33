//! The kernel program: sets its constants, loads it over the maps of a filter, and checks these maps.

use std::{
    fs,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    path::Path,
    sync::LazyLock,
};

use aya::{
    Ebpf, EbpfLoader,
    maps::MapInfo,
    programs::{ProgramError, Xdp},
};
use aya_obj::Object;

use super::error::Result;
use crate::{
    model::settings::{Policy, Settings},
    pins::{self, directory::Pins},
    sys::{self, error::Doing as _, preflight},
};

/// The object file of the kernel program, with the alignment that an ELF parser needs.
static OBJECT: &[u8] = aya::include_bytes_aligned!(env!("SYNWALL_EBPF_OBJECT"));

/// The hash of the object file, computed once. It is part of each program's hash, which changes and `status`
/// compare for each interface.
static OBJECT_HASH: LazyLock<u64> = LazyLock::new(|| {
    let mut hasher = DefaultHasher::new();
    OBJECT.hash(&mut hasher);
    hasher.finish()
});

/// The maps that all interfaces of a filter share, by their names in the object file. The name of the pin is the
/// same in lower case.
const SHARED_MAPS: &[&str] = &[
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

/// The maps that each interface has of its own.
const INTERFACE_MAPS: &[&str] = &["INTERFACE_COUNTS", "INTERFACE_RECORD"];

/// The constants of a program. The verifier removes code that they turn off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Specialisation {
    /// The settings of the filter.
    pub settings: Settings,
    /// Whether the program looks for deny entries.
    pub deny: bool,
    /// Whether the program looks for retired prefixes.
    pub retire: bool,
    /// Whether the program compares the clock with the time limit of `--confirm`.
    pub confirm: bool,
}

impl Specialisation {
    /// A hash of the object file and of all constants. If it differs from the hash in the record of an interface,
    /// the program there must be replaced.
    pub fn hash(&self) -> u64 {
        let Self {
            settings,
            deny,
            retire,
            confirm,
        } = self;
        let Settings {
            tcp,
            udp,
            drop,
            policy,
            sources,
            secret,
        } = settings;
        let mut hasher = DefaultHasher::new();
        OBJECT_HASH.hash(&mut hasher);
        (
            tcp.bits(),
            udp.bits(),
            *drop as u8,
            *policy == Policy::Observe,
            (sources.v4, sources.v6),
            secret,
        )
            .hash(&mut hasher);
        (deny, retire, confirm).hash(&mut hasher);
        hasher.finish()
    }
}

/// The entry points in the object file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// For kernels that pass frames of several buffers to XDP programs (since 5.18).
    Frags,
    /// For older kernels.
    OneBuffer,
}

impl Entry {
    /// The entry point for the running kernel.
    pub fn of_kernel() -> Result<Self> {
        let version = preflight::kernel_version()?;
        Ok(if preflight::has_frags(version) {
            Self::Frags
        } else {
            Self::OneBuffer
        })
    }

    /// The name of the entry point in the object file.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Frags => "synwall_frags",
            Self::OneBuffer => "synwall",
        }
    }
}

/// A program with its maps.
pub struct Program {
    ebpf: Ebpf,
    entry: Entry,
}

impl Program {
    /// Loads the program for an interface over the maps in `pins`, and has the kernel verify it. The maps of the
    /// interface are in `directory`. Missing maps are created.
    ///
    /// # Errors
    ///
    /// Fails with the end of the verifier's log if the verifier refuses the program.
    pub fn load(pins: &Pins, directory: &str, specialisation: &Specialisation, entry: Entry) -> Result<Self> {
        let ebpf = Self::make_maps(pins, directory, specialisation)?;
        let mut program = Self { ebpf, entry };
        program.xdp()?.load().map_err(refused)?;
        Ok(program)
    }

    /// Opens all maps that the object file describes. Missing ones are created and pinned.
    pub fn make_maps(pins: &Pins, directory: &str, specialisation: &Specialisation) -> Result<Ebpf> {
        let Specialisation {
            settings,
            deny,
            retire,
            confirm,
        } = specialisation;
        let version = preflight::kernel_version()?;
        let [udp, observe, deny, retire, confirm, coarse] = [
            !settings.udp.is_empty(),
            settings.policy == Policy::Observe,
            *deny,
            *retire,
            *confirm,
            preflight::has_coarse_clock(version),
        ]
        .map(u8::from);
        let drop_level = settings.drop as u8;

        let mut loader = EbpfLoader::new();
        for name in SHARED_MAPS {
            loader.map_pin_path(name, pins.join(name.to_lowercase()));
        }
        for name in INTERFACE_MAPS {
            loader.map_pin_path(name, pins.join(directory).join(name.to_lowercase()));
        }
        Ok(loader
            .override_global("TCP_PORTS", settings.tcp.bits(), true)
            .override_global("UDP_PORTS", settings.udp.bits(), true)
            .override_global("UDP", &udp, true)
            .override_global("DROP_LEVEL", &drop_level, true)
            .override_global("OBSERVE", &observe, true)
            .override_global("DENY", &deny, true)
            .override_global("RETIRE", &retire, true)
            .override_global("CONFIRM", &confirm, true)
            .override_global("COARSE_CLOCK", &coarse, true)
            .override_global("SECRET", &settings.secret, true)
            .override_global("SOURCE_MASK_V4", &settings.sources.mask_v4(), true)
            .override_global("SOURCE_MASK_V6", &settings.sources.mask_v6(), true)
            .load(OBJECT)
            .doing(|| "cannot load the kernel program".into())?)
    }

    /// The program in the form that aya can load and attach.
    pub fn xdp(&mut self) -> Result<&mut Xdp> {
        let name = self.entry.name();
        let program = self.ebpf.program_mut(name).ok_or(ProgramError::NotLoaded);
        Ok(program
            .and_then(TryInto::try_into)
            .doing(|| format!("the object file has no program '{name}'"))?)
    }
}

/// Adds the last lines of the verifier's log, which say why it refused the program. The whole log has thousands of
/// lines.
fn refused(error: ProgramError) -> sys::error::Error {
    const LINES: usize = 12;
    let doing = "the kernel refused the program".to_owned();
    let ProgramError::LoadError {
        io_error,
        verifier_log,
    } = error
    else {
        return sys::error::Error::Kernel {
            doing,
            source: Box::new(error),
        };
    };
    let log = verifier_log.to_string();
    let lines: Vec<&str> = log.lines().collect();
    let tail = lines[lines.len().saturating_sub(LINES)..].join("\n  ");
    sys::error::Error::Kernel {
        doing: format!("{doing}; the verifier's last words:\n  {tail}\n"),
        source: Box::new(io_error),
    }
}

/// Checks that the pinned maps have the types and sizes that this version's program expects. Nothing else checks a
/// map that is used again.
///
/// # Errors
///
/// Fails with [`pins::error::Error::OtherLayout`] if a map is missing or different.
pub fn check_maps(pins: &Pins) -> Result<()> {
    let object = Object::parse(OBJECT).doing(|| "cannot read the kernel program's object file".into())?;
    let check = |name: &str, directory: &str| match object.maps.get(name) {
        Some(expected) => check_map(pins, &Path::new(directory).join(name.to_lowercase()), expected),
        None => Ok(()),
    };
    SHARED_MAPS.iter().try_for_each(|name| check(name, ""))?;
    pins.linked_interfaces()?
        .iter()
        .try_for_each(|directory| INTERFACE_MAPS.iter().try_for_each(|name| check(name, directory)))
}

fn check_map(pins: &Pins, name: &Path, expected: &aya_obj::Map) -> Result<()> {
    let other = |what: String| pins::error::Error::OtherLayout {
        path: pins.path().to_owned(),
        what: format!("its map '{}' {what}", name.display()),
    };
    let what = || format!("cannot look at the map '{}'", name.display());
    if !fs::exists(pins.join(name)).doing(what)? {
        return Err(other("is missing".into()).into());
    }
    let found = MapInfo::from_pin(pins.join(name)).doing(what)?;
    let is = (
        found.map_type().map_or(0, |kind| kind as u32),
        found.key_size(),
        found.value_size(),
        found.max_entries(),
        found.map_flags(),
    );
    let should_be = (
        expected.map_type(),
        expected.key_size(),
        expected.value_size(),
        expected.max_entries(),
        expected.map_flags(),
    );
    if is == should_be {
        return Ok(());
    }
    Err(other(format!(
        "has type, key, value, entries and flags {is:?}, this version {should_be:?}"
    ))
    .into())
}
