//! Writes many entries of a map with one system call. aya has no function for this.

use std::{
    io,
    os::fd::{AsFd as _, AsRawFd as _},
};

use aya::maps::MapData;
use nix::libc;

/// Values of `enum bpf_cmd` of `include/uapi/linux/bpf.h`.
const BPF_MAP_UPDATE_ELEM: libc::c_int = 2;
const BPF_MAP_UPDATE_BATCH: libc::c_int = 26;

/// The fields of `union bpf_attr` for batch commands.
#[repr(C)]
struct Batch {
    in_batch: u64,
    out_batch: u64,
    keys: u64,
    values: u64,
    count: u32,
    map_fd: u32,
    elem_flags: u64,
    flags: u64,
}

/// The fields of `union bpf_attr` for commands on one entry.
#[repr(C)]
struct Element {
    map_fd: u32,
    reserved: u32,
    key: u64,
    value: u64,
    flags: u64,
}

/// Writes an entry for each key. `KEY` and `VALUE` must be the key and value sizes of the map, in bytes. If the
/// kernel has no batches for this type of map, entries are written one by one. Tries have batches since 5.13,
/// arrays of maps since 5.14.
///
/// # Errors
///
/// Fails if the sizes differ from the map's, or if the kernel refuses an entry. Some entries may then be in the
/// map.
pub fn update<const KEY: usize, const VALUE: usize>(
    map: &MapData,
    keys: &[[u8; KEY]],
    values: &[[u8; VALUE]],
) -> io::Result<()> {
    check(map, KEY, VALUE)?;
    if keys.len() != values.len() {
        return Err(io::Error::other("there are more keys than values, or less"));
    }
    let batch = Batch::new(map, keys, values.as_ptr().addr())?;
    // SAFETY: the kernel reads `count` keys and values, whose sizes were checked above. It writes the number of
    // entries that it took.
    if keys.is_empty() || unsafe { call(BPF_MAP_UPDATE_BATCH, &batch) }.is_ok() {
        return Ok(());
    }
    // If the batch stopped in the middle, its first entries are written again with the same values.
    keys.iter().zip(values).try_for_each(|(key, value)| {
        let element = Element {
            map_fd: batch.map_fd,
            reserved: 0,
            key: key.as_ptr().addr() as u64,
            value: value.as_ptr().addr() as u64,
            flags: 0,
        };
        // SAFETY: the kernel reads one key and one value, whose sizes were checked above.
        unsafe { call(BPF_MAP_UPDATE_ELEM, &element) }
    })
}

impl Batch {
    fn new<const KEY: usize>(map: &MapData, keys: &[[u8; KEY]], values: usize) -> io::Result<Self> {
        Ok(Self {
            in_batch: 0,
            out_batch: 0,
            keys: keys.as_ptr().addr() as u64,
            values: values as u64,
            count: u32::try_from(keys.len()).map_err(io::Error::other)?,
            map_fd: map.fd().as_fd().as_raw_fd().cast_unsigned(),
            elem_flags: 0,
            flags: 0,
        })
    }
}

fn check(map: &MapData, key: usize, value: usize) -> io::Result<()> {
    let info = map.info().map_err(io::Error::other)?;
    let same = info.key_size() as usize == key && info.value_size() as usize == value;
    if same {
        Ok(())
    } else {
        Err(io::Error::other("keys and values are not the map's"))
    }
}

/// Calls `bpf(2)` with a copy of `attributes`.
///
/// # Safety
///
/// The pointers in `attributes` must be valid for what the command reads and writes.
unsafe fn call<T>(command: libc::c_int, attributes: &T) -> io::Result<()> {
    let mut copy = std::mem::MaybeUninit::<T>::uninit();
    // SAFETY: source and target are each one `T`, and do not overlap.
    unsafe { copy.as_mut_ptr().copy_from_nonoverlapping(attributes, 1) };
    // SAFETY: the size passed is the size of the attributes, and the kernel may write into the copy. The caller
    // promises that the pointers in it are valid.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, copy.as_mut_ptr(), size_of::<T>()) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
