//! Reads and writes pinned maps as bytes, for any type and content.

use std::{
    fs,
    os::fd::{AsFd as _, AsRawFd as _},
    path::{Path, PathBuf},
};

use aya::{
    maps::{MapData, MapInfo, MapType},
    util::nr_cpus,
};
use tests::random::Random;

/// `enum bpf_cmd` of `include/uapi/linux/bpf.h`.
const LOOKUP: libc::c_int = 1;
const UPDATE: libc::c_int = 2;
const DELETE: libc::c_int = 3;
const NEXT_KEY: libc::c_int = 4;

/// `union bpf_attr` as the commands for one entry read it.
#[repr(C)]
struct Element {
    map_fd: u32,
    reserved: u32,
    key: u64,
    value: u64,
    flags: u64,
}

/// A pinned map.
pub struct Pinned {
    pub path: PathBuf,
    map: MapData,
    kind: MapType,
    key_size: usize,
    /// The bytes of a lookup, with the values of all CPUs.
    value_size: usize,
    entries: u32,
}

impl Pinned {
    pub fn open(path: &Path) -> Self {
        let info = MapInfo::from_pin(path).expect("a pinned map");
        let kind = info.map_type().expect("a type that aya knows");
        let size = info.value_size() as usize;
        let per_cpu = matches!(kind, MapType::PerCpuArray | MapType::PerCpuHash);
        let cpus = nr_cpus().expect("the number of CPUs");
        Self {
            path: path.to_owned(),
            map: MapData::from_pin(path).expect("a pinned map"),
            kind,
            key_size: info.key_size() as usize,
            value_size: if per_cpu {
                size.next_multiple_of(8) * cpus
            } else {
                size
            },
            entries: info.max_entries(),
        }
    }

    /// Every map below a directory, sorted by path.
    pub fn all(directory: &Path) -> Vec<Self> {
        let mut entries: Vec<PathBuf> = fs::read_dir(directory)
            .expect("a directory")
            .map(|entry| entry.unwrap().path())
            .collect();
        entries.sort();
        let maps = entries.iter().flat_map(|path| match path {
            path if path.is_dir() => Self::all(path),
            path if path.ends_with("link") => Vec::new(),
            path => vec![Self::open(path)],
        });
        maps.collect()
    }

    fn call(&self, command: libc::c_int, key: &[u8], value: *mut u8) -> bool {
        let mut element = Element {
            map_fd: self.map.fd().as_fd().as_raw_fd().cast_unsigned(),
            reserved: 0,
            key: key.as_ptr().addr() as u64,
            value: value.addr() as u64,
            flags: 0,
        };
        // SAFETY: key and value have the sizes of the map, because the functions below allocate them so.
        unsafe { libc::syscall(libc::SYS_bpf, command, &raw mut element, size_of::<Element>()) == 0 }
    }

    pub fn get(&self, key: &[u8]) -> Option<Vec<u8>> {
        let mut value = vec![0; self.value_size];
        self.call(LOOKUP, key, value.as_mut_ptr()).then_some(value)
    }

    /// Writes a value. Returns whether the kernel accepted it.
    pub fn set(&self, key: &[u8], value: &[u8]) -> bool {
        assert_eq!((key.len(), value.len()), (self.key_size, self.value_size));
        self.call(UPDATE, key, value.as_ptr().cast_mut())
    }

    /// Damages a random entry, and describes the change.
    pub fn damage(&self, random: &mut Random) -> String {
        let name = self.path.display();
        if self.kind == MapType::ArrayOfMaps {
            let key = (random.below(self.entries.min(2).into()) as u32).to_ne_bytes();
            let done = self.call(DELETE, &key, std::ptr::null_mut());
            return format!("{name}: without map {key:?}: {done}");
        }
        let key = self.key(random);
        let mut value = self.get(&key).unwrap_or_else(|| vec![0; self.value_size]);
        let change = random.below(10);
        match change {
            0 => value.fill(0),
            1 => value.fill(0xff),
            2 => value.iter_mut().for_each(|byte| *byte = random.number() as u8),
            _ => {
                for _ in 0..=random.below(8) {
                    change_field(&mut value, random);
                }
            }
        }
        let done = self.set(&key, &value);
        let shown: Vec<u8> = value.iter().copied().take(64).collect();
        format!("{name}: {key:?} is {shown:?}… now: {done}")
    }

    /// A random key, usually one that exists.
    fn key(&self, random: &mut Random) -> Vec<u8> {
        if matches!(self.kind, MapType::Array | MapType::PerCpuArray) {
            let near = if random.below(4) == 0 {
                self.entries
            } else {
                self.entries.min(8)
            };
            return (random.below(near.into()) as u32).to_ne_bytes().to_vec();
        }
        let mut key: Vec<u8> = (0..self.key_size).map(|_| random.number() as u8).collect();
        if random.below(3) == 0 {
            if self.kind == MapType::LpmTrie {
                key[..4].copy_from_slice(&(random.below(8 * self.key_size as u64 - 31) as u32).to_ne_bytes());
            }
            return key;
        }
        for _ in 0..random.below(4) {
            let mut next = key.clone();
            if self.call(NEXT_KEY, &key, next.as_mut_ptr()) {
                key = next;
            }
        }
        key
    }
}

fn change_field(value: &mut [u8], random: &mut Random) {
    const EDGES: [u64; 12] = [
        0,
        1,
        2,
        31,
        32,
        128,
        4095,
        4096,
        1 << 22,
        i32::MAX as u64,
        u32::MAX as u64,
        u64::MAX,
    ];
    let near = if random.below(2) == 0 {
        value.len()
    } else {
        value.len().min(64)
    };
    let wide = (1_usize << random.below(4)).min(value.len());
    let place = random.below((near / wide) as u64) as usize * wide;
    let number = match random.below(3) {
        0 => random.number(),
        1 => EDGES[random.below(EDGES.len() as u64) as usize],
        _ => {
            value[place] ^= 1 << random.below(8);
            return;
        }
    };
    value[place..place + wide].copy_from_slice(&number.to_ne_bytes()[..wide]);
}
