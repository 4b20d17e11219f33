//! Maps arrays of records into memory, to read and write them in place. A million records would otherwise take a
//! million system calls.

use std::{
    error::Error,
    io,
    marker::PhantomData,
    os::fd::{AsFd as _, AsRawFd as _, RawFd},
    path::Path,
    ptr::{self, NonNull},
    slice,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use aya::maps::{IterableMap, MapData};
use bytemuck::Pod;
use nix::libc;

use crate::sys::error::{Doing as _, Result};

/// `BPF_F_MMAPABLE` of `include/uapi/linux/bpf.h`. The map must be created with this flag.
pub const MMAPABLE: u32 = 1 << 10;

/// Some or all records of an array map, mapped into memory. The kernel program and other processes may change them
/// at any time. So records are copied 64-bit word by word, and each word is read or written atomically. A record as
/// a whole is not.
#[derive(Debug)]
pub struct Mapped<T> {
    words: NonNull<AtomicU64>,
    records: usize,
    record: PhantomData<T>,
}

// SAFETY: it points to atomics. Only its owner unmaps them, when it is dropped.
unsafe impl<T> Send for Mapped<T> {}
// SAFETY: as for `Send`. A shared reference allows only loads and stores of atomics.
unsafe impl<T> Sync for Mapped<T> {}

impl<T: Pod> Mapped<T> {
    const WORDS: usize = size_of::<T>() / 8;

    /// Maps all records of a map.
    ///
    /// # Errors
    ///
    /// Fails if the map was not created with [`MMAPABLE`].
    pub fn of<K: aya::Pod, V>(map: &impl IterableMap<K, V>) -> Result<Self> {
        let map = map.map();
        let records = map.info().doing(|| "cannot look at a map".into())?.max_entries();
        Self::part(map, 0, records as usize)
    }

    /// Maps all records of the map that is pinned at `path`.
    ///
    /// # Errors
    ///
    /// Fails if the map is missing, or if its values do not have the size of `T`.
    pub fn pinned(path: &Path) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let map = MapData::from_pin(path)?;
        let info = map.info()?;
        if info.value_size() as usize != size_of::<T>() {
            return Err("its records have another size".into());
        }
        let (fd, records) = (map.fd().as_fd().as_raw_fd(), info.max_entries() as usize);
        Ok(Self::map(libc::MAP_SHARED, fd, 0, records)?)
    }

    /// Maps `records` records, beginning with number `first`. This record must begin a memory page.
    pub fn part(map: &MapData, first: usize, records: usize) -> Result<Self> {
        let offset = libc::off_t::try_from(first * size_of::<T>()).doing(|| "cannot map a map".into())?;
        Self::map(libc::MAP_SHARED, map.fd().as_fd().as_raw_fd(), offset, records)
    }

    fn map(flags: libc::c_int, fd: RawFd, offset: libc::off_t, records: usize) -> Result<Self> {
        const { assert!(size_of::<T>().is_multiple_of(8) && align_of::<T>() <= 8) };
        // SAFETY: this creates a new mapping, at an address that the kernel chooses.
        let address = unsafe {
            libc::mmap(
                ptr::null_mut(),
                records * size_of::<T>(),
                libc::PROT_READ | libc::PROT_WRITE,
                flags,
                fd,
                offset,
            )
        };
        let words = NonNull::new(address.cast()).filter(|_| address != libc::MAP_FAILED);
        Ok(Self {
            words: words
                .ok_or_else(io::Error::last_os_error)
                .doing(|| "cannot map a map into memory".into())?,
            records,
            record: PhantomData,
        })
    }

    /// Creates records that are in no map, and fills the first ones from `bytes`. So tests can read damaged maps
    /// without a kernel.
    pub fn of_bytes(records: usize, bytes: &[u8]) -> Result<Self> {
        let mapped = Self::map(libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0, records)?;
        for (word, bytes) in mapped.words().iter().zip(bytes.as_chunks().0) {
            word.store(u64::from_ne_bytes(*bytes), Relaxed);
        }
        Ok(mapped)
    }

    /// How many records are mapped.
    pub fn len(&self) -> usize {
        self.records
    }

    /// Whether no records are mapped.
    pub fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// All 64-bit words of all records.
    pub fn words(&self) -> &[AtomicU64] {
        // SAFETY: the mapping has this many words, begins at a page, and exists as long as `self`. Others may
        // change the words, which is allowed for atomics.
        unsafe { slice::from_raw_parts(self.words.as_ptr(), self.records * Self::WORDS) }
    }

    /// A copy of record `number`. `None` if there is none.
    pub fn get(&self, number: usize) -> Option<T> {
        let words = self
            .words()
            .get(number * Self::WORDS..(number + 1) * Self::WORDS)?;
        let mut record = T::zeroed();
        let (chunks, _) = bytemuck::bytes_of_mut(&mut record).as_chunks_mut();
        for (chunk, word) in chunks.iter_mut().zip(words) {
            *chunk = word.load(Relaxed).to_ne_bytes();
        }
        Some(record)
    }

    /// Writes record `number`. Does nothing if there is none.
    pub fn set(&self, number: usize, record: &T) {
        let Some(words) = self.words().get(number * Self::WORDS..(number + 1) * Self::WORDS) else {
            return;
        };
        let (chunks, _) = bytemuck::bytes_of(record).as_chunks();
        for (chunk, word) in chunks.iter().zip(words) {
            word.store(u64::from_ne_bytes(*chunk), Relaxed);
        }
    }
}

impl<T> Drop for Mapped<T> {
    fn drop(&mut self) {
        // SAFETY: it was mapped with this length, and no reference into it outlives `self`.
        unsafe { libc::munmap(self.words.as_ptr().cast(), self.records * size_of::<T>()) };
    }
}
