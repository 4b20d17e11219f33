//! The mounts that a laboratory keeps to itself: a fresh bpffs where synwall looks for its pins, and a tmpfs
//! for files. They live in a mount namespace of the calling thread and of what it starts, and end with them.

use std::fs;
use std::path::{Path, PathBuf};

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

use super::must;

const BPFFS: &str = "/sys/fs/bpf";
/// Covered with a tmpfs, so that files of the laboratory, and state that synwall might keep here, are private.
/// Not `/tmp`: the programs under test are often built there.
const RUN: &str = "/run";

/// The calling thread, cut off from the machine's mounts.
///
/// Threads and processes started from this thread share its mounts; other threads of the process do not see
/// them. So a laboratory is used from the thread that made it, and from threads below that.
#[derive(Debug)]
pub struct Lab {
    directory: PathBuf,
}

impl Lab {
    /// Moves the calling thread into a mount namespace of its own, with an empty bpffs and an empty `/run`.
    ///
    /// # Panics
    /// Without root, and where `/sys/fs/bpf` does not exist (a kernel without BPF).
    #[must_use]
    #[expect(
        clippy::new_without_default,
        reason = "it changes the calling thread, which a default must not"
    )]
    pub fn new() -> Self {
        // A single thread of several may do this: the kernel gives it its own root and working directory.
        must(
            "leave the machine's mount namespace (are you root?)",
            unshare(CloneFlags::CLONE_NEWNS),
        );
        // Without this, our mounts would propagate back to the machine.
        let private = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
        must(
            "make all mounts private",
            mount(None::<&str>, "/", None::<&str>, private, None::<&str>),
        );
        must("mount a bpffs on /sys/fs/bpf", fresh("bpf", BPFFS));
        must("mount a tmpfs on /run", fresh("tmpfs", RUN));
        let directory = Path::new(RUN).join("laboratory");
        must("make a directory for files", fs::create_dir(&directory));
        Self { directory }
    }

    /// Puts a file with this content in the place of one of the machine's, for the calling thread and what it starts.
    ///
    /// # Panics
    /// Where there is no such file.
    pub fn replace(&self, path: &str, content: &str) {
        let name = path.replace('/', "_");
        let file = self.directory.join(name);
        must("write a file", fs::write(&file, content));
        let bind = MsFlags::MS_BIND;
        must(
            format!("mount a file over {path}"),
            mount(Some(&file), path, None::<&str>, bind, None::<&str>),
        );
    }

    /// An empty directory on the private tmpfs: nothing in it needs to be cleaned up.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

fn fresh(kind: &str, target: &str) -> nix::Result<()> {
    mount(Some(kind), target, Some(kind), MsFlags::empty(), None::<&str>)
}
