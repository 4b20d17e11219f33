//! A machine or a process apart, for tests of what belongs to all of it: others work on this machine, and in this process,
//! meanwhile.

#![expect(clippy::expect_used, reason = "a test stops at the first surprise")]

use std::{env, process::Command};

use nix::{
    mount::{MsFlags, mount},
    sched::{CloneFlags, unshare},
};
use tests::lab::Output;

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

/// Runs the test of that name once more, in a process without other tests, and says whether this is that process.
pub fn process(test: &str) -> bool {
    const IN_IT: &str = "SYNWALL_TEST_APART";
    if env::var_os(IN_IT).is_some() {
        return true;
    }
    let mut command = Command::new(env::current_exe().expect("this program"));
    let output = Output::of(command.args(["--exact", test]).env(IN_IT, "")).ok();
    assert!(output.stdout.contains("1 passed"), "{output}");
    false
}
