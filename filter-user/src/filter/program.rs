//! The kernel program: sets its constants, loads it over the maps of a filter, and checks these maps.

use std::{fs, path::Path, sync::LazyLock};

use aya::{
    Ebpf, EbpfLoader,
    maps::MapInfo,
    programs::{ProgramError, Xdp},
};
use aya_obj::Object;
use filter_common::Constants;
use sha2::{Digest as _, Sha256};

use super::error::Result;
use crate::{
    model::settings::{Policy, Settings},
    pins::{self, directory::Pins, names},
    sys::{self, error::Doing as _, preflight},
};

/// The object file of the kernel program, with the alignment that an ELF parser needs.
static OBJECT: &[u8] = aya::include_bytes_aligned!(env!("SYNWALL_EBPF_OBJECT"));

/// Its SHA-256. A hash of the standard library may change with the compiler, and what is pinned outlives an upgrade.
static OBJECT_HASH: LazyLock<[u8; 32]> = LazyLock::new(|| Sha256::digest(OBJECT).into());

/// The maps that all interfaces of a filter share. Each is pinned under its name in the object file, in lower case.
const SHARED_MAPS: &[&str] = &[
    names::GENERATION,
    names::SOURCES_V4,
    names::SOURCES_V6,
    names::RETIRED_V4,
    names::RETIRED_V6,
    names::EXPIRIES,
    names::PREFIX_COUNTS,
    names::RECENT_COUNTS,
    names::COVERAGE_V4,
    names::COVERAGE_V6,
    names::SOURCE_SETS,
    names::SOURCE_NETWORKS,
];

/// The maps that each interface has for itself.
const INTERFACE_MAPS: &[&str] = &[names::INTERFACE_COUNTS, names::INTERFACE_RECORD];

/// The name of a map in the object file.
fn in_object(pin: &str) -> String {
    pin.to_uppercase()
}

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
    /// What the program reads of it.
    fn constants(&self, has_coarse_clock: bool) -> Constants {
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
        Constants {
            secret: *secret,
            source_mask_v6: sources.mask_v6(),
            source_mask_v4: sources.mask_v4(),
            drop_level: drop.number(),
            protects_udp: (!udp.is_empty()).into(),
            observes: (*policy == Policy::Observe).into(),
            may_deny: (*deny).into(),
            may_retire: (*retire).into(),
            awaits_confirmation: (*confirm).into(),
            has_coarse_clock: has_coarse_clock.into(),
            reserved: [0; 5],
            tcp_ports: *tcp.bits(),
            udp_ports: *udp.bits(),
        }
    }

    /// A number for this specialisation of this version's program, to tell whether what runs is it.
    pub fn hash(&self) -> u64 {
        let digest = Sha256::new()
            .chain_update(*OBJECT_HASH)
            .chain_update(bytemuck::bytes_of(&self.constants(false)))
            .finalize();
        let (first, _) = digest.split_at(8);
        first.iter().fold(0, |hash, byte| hash << 8 | u64::from(*byte))
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
        let version = preflight::kernel_version()?;
        let constants = specialisation.constants(preflight::has_coarse_clock(version));
        let shared = SHARED_MAPS.iter().map(|name| (in_object(name), pins.join(name)));
        let own = INTERFACE_MAPS
            .iter()
            .map(|name| (in_object(name), pins.join(directory).join(name)));
        let maps: Vec<_> = shared.chain(own).collect();
        let mut loader = EbpfLoader::new();
        for (name, path) in &maps {
            loader.map_pin_path(name, path);
        }
        Ok(loader
            .override_global(Constants::NAME, bytemuck::bytes_of(&constants), true)
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
    let check = |name: &str, directory: &str| match object.maps.get(&in_object(name)) {
        Some(expected) => check_map(pins, &Path::new(directory).join(name), expected),
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_object_has_these_maps_and_no_others() {
        let object = Object::parse(OBJECT).unwrap();
        let expected: BTreeSet<String> = SHARED_MAPS
            .iter()
            .chain(INTERFACE_MAPS)
            .map(|name| in_object(name))
            .collect();
        let found = object.maps.keys().filter(|name| !name.starts_with('.'));
        assert_eq!(found.cloned().collect::<BTreeSet<_>>(), expected);
    }
}
