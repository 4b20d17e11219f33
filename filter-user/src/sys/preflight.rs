//! What has to be in place before the kernel is asked for anything: its version and our capabilities.

use caps::{CapSet, Capability};
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};

use super::error::{Doing as _, Error, Result};

/// The oldest kernel that this runs on: `BPF_LINK_CREATE` for XDP came with 5.9, inner arrays and the
/// capability of their own with 5.8 to 5.10.
const OLDEST: Version = Version(5, 10);

/// A kernel's version, major and minor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32);

/// The running kernel's version.
pub fn kernel_version() -> Result<Version> {
    let release = kernel_release()?;
    let mut numbers = release
        .split(|c: char| !c.is_ascii_digit())
        .map_while(|part| part.parse().ok());
    match (numbers.next(), numbers.next()) {
        (Some(major), Some(minor)) => Ok(Version(major, minor)),
        _ => Err(Error::KernelTooOld { found: release }),
    }
}

fn kernel_release() -> Result<String> {
    let name = nix::sys::utsname::uname().doing(|| "cannot ask for the kernel's version".into())?;
    Ok(name.release().to_string_lossy().into_owned())
}

/// Fails if the kernel is too old or this process may not do what every command has to.
pub fn check() -> Result<()> {
    let version = kernel_version()?;
    if version < OLDEST {
        return Err(Error::KernelTooOld {
            found: kernel_release()?,
        });
    }
    let held =
        caps::read(None, CapSet::Effective).doing(|| "cannot read this process's capabilities".into())?;
    // CAP_SYS_ADMIN includes the two that were taken out of it in 5.8. The verifier lets a program without
    // CAP_PERFMON not tell how long a packet is (it would have to subtract pointers).
    let admin = held.contains(&Capability::CAP_SYS_ADMIN);
    let needed = [
        ("CAP_BPF", admin || held.contains(&Capability::CAP_BPF)),
        ("CAP_NET_ADMIN", held.contains(&Capability::CAP_NET_ADMIN)),
        ("CAP_PERFMON", admin || held.contains(&Capability::CAP_PERFMON)),
    ];
    let missing: Vec<&str> = needed
        .iter()
        .filter(|(_, held)| !held)
        .map(|(name, _)| *name)
        .collect();
    if !missing.is_empty() {
        return Err(Error::NotPermitted {
            missing: missing.join(", "),
        });
    }
    if counts_locked_memory(version) && !held.contains(&Capability::CAP_SYS_RESOURCE) {
        let (_, most) = getrlimit(Resource::RLIMIT_MEMLOCK).doing(|| "cannot read RLIMIT_MEMLOCK".into())?;
        if most != RLIM_INFINITY {
            return Err(Error::LockedMemory { most });
        }
    }
    Ok(())
}

/// Whether maps count against RLIMIT_MEMLOCK (before 5.11), tries in full from their beginning. aya then raises the limit,
/// as far as it may.
fn counts_locked_memory(version: Version) -> bool {
    version < Version(5, 11)
}

/// Whether the kernel has frames of several buffers for XDP programs (5.18).
pub fn has_frags(version: Version) -> bool {
    version >= Version(5, 18)
}

/// Whether the kernel has `bpf_ktime_get_coarse_ns` (5.11).
pub fn has_coarse_clock(version: Version) -> bool {
    version >= Version(5, 11)
}
