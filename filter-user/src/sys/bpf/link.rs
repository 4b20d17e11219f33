//! Reads the interface of a BPF link, which aya does not make public.

use std::{fs, io};

/// The index of the interface that the link with this ID is attached to; 0 if the interface no longer exists.
///
/// The kernel reports it in `bpf_link_info`, but aya keeps this field private. The kernel also reports it in the
/// `fdinfo` of each process that has the link open. So the caller must hold the link open.
pub fn ifindex(link_id: u32) -> io::Result<u32> {
    for entry in fs::read_dir("/proc/self/fdinfo")? {
        // Other threads may close descriptors meanwhile.
        let Ok(text) = fs::read_to_string(entry?.path()) else {
            continue;
        };
        let field = |name: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(name))?;
            line.trim().parse::<u32>().ok()
        };
        if field("link_id:") == Some(link_id)
            && let Some(ifindex) = field("ifindex:")
        {
            return Ok(ifindex);
        }
    }
    Err(io::Error::other("the kernel does not tell its interface"))
}
