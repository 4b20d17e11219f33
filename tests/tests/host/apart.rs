//! A machine apart from this one, for tests of what is left on a machine: others may work on this one meanwhile.

#![expect(clippy::expect_used, reason = "a test stops at the first surprise")]

use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, unshare},
};

/// Moves the calling thread, and what it starts from now on, to mounts and a network that nobody else sees. They are as on a
/// machine: mounts are shared with those that begin as a copy, and `ip netns` has a place for names.
pub fn machine() {
    unshare(CloneFlags::CLONE_NEWNS | CloneFlags::CLONE_NEWNET).expect("namespaces");
    let every_mount_is = |shared| {
        mount(
            None::<&str>,
            "/",
            None::<&str>,
            MsFlags::MS_REC | shared,
            None::<&str>,
        )
    };
    every_mount_is(MsFlags::MS_PRIVATE).expect("mounts of its own");
    every_mount_is(MsFlags::MS_SHARED).expect("mounts as on a machine");
    for (kind, place) in [("tmpfs", "/run"), ("bpf", "/sys/fs/bpf")] {
        mount(Some(kind), place, Some(kind), MsFlags::empty(), None::<&str>).expect("a file system");
    }
}
