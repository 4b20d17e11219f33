//! What the kernel tells of a link and aya does not.

use std::{fs, io};

/// The interface that the link with that number is on; 0 if the interface is gone. The kernel tells it in
/// `bpf_link_info`, of which aya keeps that part to itself, and in the `fdinfo` of whoever has the link open.
pub fn ifindex(link_id: u32) -> io::Result<u32> {
    for entry in fs::read_dir("/proc/self/fdinfo")? {
        // Descriptors of other threads come and go meanwhile.
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
