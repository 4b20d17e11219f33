//! Checks the kernel version and the capabilities of this process before anything else is done.

use caps::{CapSet, Capability};
use nix::sys::resource::{RLIM_INFINITY, Resource, getrlimit};

use super::error::{Doing as _, Error, Result};

/// The oldest supported kernel. `BPF_LINK_CREATE` for XDP came with 5.9. Inner arrays and the separate BPF
/// capabilities came with 5.8 to 5.10.
const OLDEST: Version = Version(5, 10);

/// A kernel version: major and minor number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32);

/// The version of the running kernel.
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

/// Checks what every command needs.
///
/// # Errors
///
/// Fails if the kernel is too old, if capabilities are missing, or if the limit of locked memory may be too low.
pub fn check() -> Result<()> {
    let version = kernel_version()?;
    if version < OLDEST {
        return Err(Error::KernelTooOld {
            found: kernel_release()?,
        });
    }
    let held =
        caps::read(None, CapSet::Effective).doing(|| "cannot read this process's capabilities".into())?;
    // CAP_SYS_ADMIN includes CAP_BPF and CAP_PERFMON, which were separated from it in 5.8. CAP_PERFMON is needed
    // because the program subtracts packet pointers to compute the length of a packet. The verifier allows that
    // only with this capability.
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

/// Whether maps count against RLIMIT_MEMLOCK (before 5.11). A trie then counts with its full size as soon as it is
/// created. aya raises the limit as far as it may.
fn counts_locked_memory(version: Version) -> bool {
    version < Version(5, 11)
}

/// Whether XDP programs can get frames of several buffers (since 5.18).
pub fn has_frags(version: Version) -> bool {
    version >= Version(5, 18)
}

/// Whether programs can call `bpf_ktime_get_coarse_ns` (since 5.11).
pub fn has_coarse_clock(version: Version) -> bool {
    version >= Version(5, 11)
}
