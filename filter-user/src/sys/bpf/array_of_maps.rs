//! Creates arrays of maps with a direct system call. With aya they come only from an object file, whose template of
//! the inner map has type information (BTF). Kernels 5.15 to 6.1 then refuse inner maps without BTF (they compare
//! `timer_off`). But aya creates inner maps at run time without it. So here neither the outer map nor the inner
//! maps have BTF.

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
/// `BPF_MAP_TYPE_ARRAY_OF_MAPS` of `include/uapi/linux/bpf.h`.
const ARRAY_OF_MAPS: u32 = 12;

/// The first fields of `union bpf_attr` for `BPF_MAP_CREATE`. The kernel takes missing fields as zero.
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

/// Creates an array of `len` maps and pins it in `directory` as `name`. Inner maps must have the type and sizes of
/// `template`.
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
    // SAFETY: the size passed is the size of `attributes`, whose fields are laid out as the kernel reads them.
    // `inner` is open, because `template` owns it.
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
    // SAFETY: the kernel has just created this descriptor for us, and nothing else owns it.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    MapData::from_fd(fd)
        .doing(what)?
        .pin(directory.join(name))
        .doing(what)
}

/// Puts each map at its place in the array that is pinned in `directory` as `name`. With one system call for all
/// places, the kernel waits for one RCU grace period only.
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
