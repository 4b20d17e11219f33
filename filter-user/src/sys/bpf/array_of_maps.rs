//! Arrays of maps. aya makes them from an object file only, with a template of the inner map that has type
//! information. Kernels 5.15 to 6.1 then refuse inner maps that have none (they compare `timer_off`), and aya
//! makes none with it. So outer maps and inner maps are both made without.

use std::{
    io,
    os::fd::{AsFd as _, AsRawFd as _, FromRawFd as _, OwnedFd},
    path::Path,
};

use aya::maps::{IterableMap, MapData};
use nix::libc;

use super::batch;
use crate::sys::error::{Doing as _, Result};

/// `BPF_MAP_CREATE` of `include/uapi/linux/bpf.h`.
const BPF_MAP_CREATE: libc::c_int = 0;
/// `BPF_MAP_TYPE_ARRAY_OF_MAPS`.
const ARRAY_OF_MAPS: u32 = 12;

/// The beginning of `union bpf_attr` as `BPF_MAP_CREATE` reads it. The kernel takes what is missing as zero.
#[repr(C)]
struct MapCreate {
    map_type: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
    map_flags: u32,
    inner_map_fd: u32,
    numa_node: u32,
    map_name: [u8; 16],
}

/// Makes an array of `len` maps that look like `template` and pins it in `directory` as `name`.
pub fn create<K: aya::Pod, V>(
    directory: &Path,
    name: &str,
    len: u32,
    template: &impl IterableMap<K, V>,
) -> Result<()> {
    let what = || format!("cannot make the map '{name}'");
    let inner = template.map().fd().as_fd().as_raw_fd();
    let mut map_name = [0; 16];
    // The last byte stays NUL.
    for (place, byte) in map_name.iter_mut().take(15).zip(name.bytes()) {
        *place = byte;
    }
    let attributes = MapCreate {
        map_type: ARRAY_OF_MAPS,
        key_size: 4,
        value_size: 4,
        max_entries: len,
        map_flags: 0,
        inner_map_fd: inner.cast_unsigned(),
        numa_node: 0,
        map_name,
    };
    // SAFETY: `attributes` is as long as is said and laid out as the kernel reads it; `inner` is open, as
    // `template` has it.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            BPF_MAP_CREATE,
            &raw const attributes,
            size_of::<MapCreate>(),
        )
    };
    let fd = i32::try_from(fd)
        .ok()
        .filter(|fd| *fd >= 0)
        .ok_or_else(io::Error::last_os_error)
        .doing(what)?;
    // SAFETY: the kernel has just made this descriptor for us, and nobody else has it.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    MapData::from_fd(fd)
        .doing(what)?
        .pin(directory.join(name))
        .doing(what)
}

/// Puts maps at places of the array that is pinned in `directory` as `name`. The kernel waits for an RCU grace period after each
/// system call that does so, not after each place.
pub fn set_all<'a>(
    directory: &Path,
    name: &str,
    places: &[u32],
    maps: impl Iterator<Item = &'a MapData>,
) -> Result<()> {
    let what = || format!("cannot put maps into '{name}'");
    let outer = MapData::from_pin(directory.join(name)).doing(what)?;
    let keys: Vec<[u8; 4]> = places.iter().map(|place| place.to_ne_bytes()).collect();
    let values: Vec<[u8; 4]> = maps
        .map(|map| map.fd().as_fd().as_raw_fd().to_ne_bytes())
        .collect();
    batch::update(&outer, &keys, &values).doing(what)
}
