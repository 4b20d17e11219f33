//! The private mounts of a laboratory: a fresh bpffs at the place of synwall's pins, and a tmpfs for files. They are
//! in a mount namespace of the calling thread and its children, and end with them.

use std::fs;
use std::path::{Path, PathBuf};

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};

use super::must;

const BPFFS: &str = "/sys/fs/bpf";
/// A tmpfs covers this directory, so that files of the laboratory and state of synwall are private. It is not `/tmp`,
/// because the programs under test are often built there.
const RUN: &str = "/run";

/// The private mounts of the calling thread.
///
/// Threads and processes that this thread starts share its mounts. Other threads of the process do not see them. So
/// use a laboratory only from the thread that made it, and from threads that it starts.
#[derive(Debug)]
pub struct Lab {
    directory: PathBuf,
}

impl Lab {
    /// Moves the calling thread into a new mount namespace with an empty bpffs and an empty `/run`.
    ///
    /// # Panics
    /// Without root, and if `/sys/fs/bpf` does not exist (a kernel without BPF).
    #[must_use]
    #[expect(
        clippy::new_without_default,
        reason = "it changes the calling thread, which a default must not"
    )]
    pub fn new() -> Self {
        // One thread of several may do this: the kernel gives it its own root and working directory.
        must(
            "leave the machine's mount namespace (are you root?)",
            unshare(CloneFlags::CLONE_NEWNS),
        );
        // Without this, the new mounts would propagate back to the machine.
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

    /// Replaces a file of the machine with this content, for the calling thread and its children.
    ///
    /// # Panics
    /// If the file does not exist.
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

    /// An empty directory on the private tmpfs. Its files need no clean-up.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }
}

fn fresh(kind: &str, target: &str) -> nix::Result<()> {
    mount(Some(kind), target, Some(kind), MsFlags::empty(), None::<&str>)
}
