//! Arrays of records that are read and written in place: a million of them would be a million system calls.

use std::{
    error::Error,
    io,
    marker::PhantomData,
    mem::MaybeUninit,
    os::fd::{AsFd as _, AsRawFd as _, RawFd},
    path::Path,
    ptr::{self, NonNull},
    slice,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use aya::{
    Pod,
    maps::{IterableMap, MapData},
};
use nix::libc;

use crate::sys::error::{Doing as _, Result};

/// `BPF_F_MMAPABLE` of `include/uapi/linux/bpf.h`.
pub const MMAPABLE: u32 = 1 << 10;

/// Records of an array map, or a part of them. The kernel program and other processes may change them at any time: so
/// they are copied in and out word by word, each word as a whole.
#[derive(Debug)]
pub struct Mapped<T> {
    words: NonNull<AtomicU64>,
    records: usize,
    record: PhantomData<T>,
}

// SAFETY: what it points to are atomics, which it alone unmaps, when it goes.
unsafe impl<T> Send for Mapped<T> {}
// SAFETY: as above; through a shared reference there is nothing but loads and stores of atomics.
unsafe impl<T> Sync for Mapped<T> {}

impl<T: Pod> Mapped<T> {
    const WORDS: usize = size_of::<T>() / 8;

    /// The records of a map, which was made to be mapped.
    pub fn of<K: Pod, V>(map: &impl IterableMap<K, V>) -> Result<Self> {
        let map = map.map();
        let records = map.info().doing(|| "cannot look at a map".into())?.max_entries();
        Self::part(map, 0, records as usize)
    }

    /// The records of the map that is pinned at `path`.
    pub fn pinned(path: &Path) -> Result<Self, Box<dyn Error + Send + Sync>> {
        let map = MapData::from_pin(path)?;
        let info = map.info()?;
        if info.value_size() as usize != size_of::<T>() {
            return Err("its records have another size".into());
        }
        let (fd, records) = (map.fd().as_fd().as_raw_fd(), info.max_entries() as usize);
        Ok(Self::map(libc::MAP_SHARED, fd, 0, records)?)
    }

    /// `records` records from number `first` on, which must lie at the beginning of a page.
    pub fn part(map: &MapData, first: usize, records: usize) -> Result<Self> {
        let offset = libc::off_t::try_from(first * size_of::<T>()).doing(|| "cannot map a map".into())?;
        Self::map(libc::MAP_SHARED, map.fd().as_fd().as_raw_fd(), offset, records)
    }

    fn map(flags: libc::c_int, fd: RawFd, offset: libc::off_t, records: usize) -> Result<Self> {
        const { assert!(size_of::<T>().is_multiple_of(8) && align_of::<T>() <= 8) };
        // SAFETY: a new mapping, wherever the kernel puts it.
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

    /// Records that lie in no map, the first of them these bytes: what a map may hold can be looked at without one.
    pub fn of_bytes(records: usize, bytes: &[u8]) -> Result<Self> {
        let mapped = Self::map(libc::MAP_PRIVATE | libc::MAP_ANONYMOUS, -1, 0, records)?;
        for (word, bytes) in mapped.words().iter().zip(bytes.as_chunks().0) {
            word.store(u64::from_ne_bytes(*bytes), Relaxed);
        }
        Ok(mapped)
    }

    /// How many records there are.
    pub fn len(&self) -> usize {
        self.records
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// All words of all records.
    pub fn words(&self) -> &[AtomicU64] {
        // SAFETY: so many words are mapped for as long as this lives, at the beginning of a page; whoever else
        // changes them does not break atomics.
        unsafe { slice::from_raw_parts(self.words.as_ptr(), self.records * Self::WORDS) }
    }

    /// A copy of a record.
    pub fn get(&self, number: usize) -> Option<T> {
        let words = self
            .words()
            .get(number * Self::WORDS..(number + 1) * Self::WORDS)?;
        let mut record = MaybeUninit::<T>::uninit();
        let target = record.as_mut_ptr().cast::<u64>();
        for (index, word) in words.iter().enumerate() {
            // SAFETY: the record is as long as these words; it may be aligned to less than a word.
            unsafe { target.add(index).write_unaligned(word.load(Relaxed)) };
        }
        // SAFETY: all its bytes are written, and any bytes are a valid value of a `Pod`.
        Some(unsafe { record.assume_init() })
    }

    /// Writes a record; does nothing where there is none of that number.
    pub fn set(&self, number: usize, record: &T) {
        let Some(words) = self.words().get(number * Self::WORDS..(number + 1) * Self::WORDS) else {
            return;
        };
        let source = ptr::from_ref(record).cast::<u64>();
        for (index, word) in words.iter().enumerate() {
            // SAFETY: the record is as long as these words, without padding as it is `Pod`; it may be aligned to less
            // than a word.
            word.store(unsafe { source.add(index).read_unaligned() }, Relaxed);
        }
    }
}

impl<T> Drop for Mapped<T> {
    fn drop(&mut self) {
        // SAFETY: it was mapped with this length, and no reference into it outlives this.
        unsafe { libc::munmap(self.words.as_ptr().cast(), self.records * size_of::<T>()) };
    }
}
