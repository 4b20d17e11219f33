//! The drop level, and the record of an interface.

use crate::{INTERFACE_NAME_BYTES, numbered::numbered};

numbered! {
    /// What happens to a TCP segment that opens no connection and comes from an untrusted source.
    pub enum DropLevel {
        /// It passes: what was connected before `up` stays connected.
        New = 0,
        /// It passes only if this host has a socket for that connection.
        Unestablished = 1,
        /// It is dropped.
        All = 2,
    }
}

/// The record of an attached interface. The program reads only `confirm_by_ns`, and only while a confirmation is awaited.
/// The rest is for user space.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
#[cfg_attr(feature = "user", derive(bytemuck::Pod, bytemuck::Zeroable))]
pub struct InterfaceRecord {
    /// Nanoseconds of `CLOCK_MONOTONIC` after which the program passes everything; 0 for never.
    pub confirm_by_ns: u64,
    /// When the interface was attached, in nanoseconds of `CLOCK_MONOTONIC`.
    pub attached_ns: u64,
    /// The inode number of the network namespace, as in `/proc/self/ns/net`.
    pub netns: u64,
    /// A hash of the kernel program's object file and of its constants.
    pub program_hash: u64,
    /// The interface's index in its network namespace.
    pub ifindex: u32,
    /// 1 for native mode, in the driver. 2 for generic mode, in the kernel's generic hook.
    pub mode: u32,
    /// The interface's name when it was attached, padded with NULs.
    pub name: [u8; INTERFACE_NAME_BYTES],
}

const _: () = assert!(size_of::<InterfaceRecord>() == 40 + INTERFACE_NAME_BYTES);
