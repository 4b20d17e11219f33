//! Many entries of a map in one system call. aya has no such thing.

use std::{
    io,
    os::fd::{AsFd as _, AsRawFd as _},
};

use aya::maps::MapData;
use nix::libc;

/// `enum bpf_cmd` of `include/uapi/linux/bpf.h`.
const BPF_MAP_UPDATE_ELEM: libc::c_int = 2;
const BPF_MAP_UPDATE_BATCH: libc::c_int = 26;

/// `union bpf_attr` as the batch commands read it.
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

/// `union bpf_attr` as the commands for one entry read it.
#[repr(C)]
struct Element {
    map_fd: u32,
    reserved: u32,
    key: u64,
    value: u64,
    flags: u64,
}

/// Puts an entry for each key into a map; `KEY` and `VALUE` are the sizes that the map has. Kernels that have no batches
/// for this kind of map (tries have them since 5.13, arrays of maps since 5.14) get the entries one by one.
///
/// # Errors
///
/// Some of the entries may be in the map then.
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
    // SAFETY: the kernel reads `count` keys and values of the sizes that were compared above, and writes how many it
    // took.
    if keys.is_empty() || unsafe { call(BPF_MAP_UPDATE_BATCH, &batch) }.is_ok() {
        return Ok(());
    }
    // What the batch has done already is done again, to the same end.
    keys.iter().zip(values).try_for_each(|(key, value)| {
        let element = Element {
            map_fd: batch.map_fd,
            reserved: 0,
            key: key.as_ptr().addr() as u64,
            value: value.as_ptr().addr() as u64,
            flags: 0,
        };
        // SAFETY: the kernel reads one key and one value of the sizes that were compared above.
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

/// # Safety
///
/// What `attributes` point to must be what the command reads and writes.
unsafe fn call<T>(command: libc::c_int, attributes: &T) -> io::Result<()> {
    let mut copy = std::mem::MaybeUninit::<T>::uninit();
    // SAFETY: both are one `T`.
    unsafe { copy.as_mut_ptr().copy_from_nonoverlapping(attributes, 1) };
    // SAFETY: the attributes are as long as is said; the rest is the caller's promise. The kernel may write into the
    // copy.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, copy.as_mut_ptr(), size_of::<T>()) };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}
