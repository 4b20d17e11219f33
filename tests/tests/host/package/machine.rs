//! A machine to install packages on: an overlay over this machine's files, the origin's network, and its own systemd
//! where a test starts one. No change reaches the machine below.

use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use nix::mount::{MsFlags, mount};
use tests::lab::{Output, Site};

/// Devices that every program may expect.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];

/// Sets up the mounts in new namespaces, and becomes the first process. Kernel settings belong to the whole machine,
/// so only network settings can be changed.
const BOOT: &str = r#"set -e
echo $$ >"$CGROUP/cgroup.procs"
exec unshare --mount --pid --cgroup --uts --ipc --fork --kill-child sh -e -c '
    mount -t proc proc "$ROOT/proc"
    for part in fs kernel vm; do
        mount --bind "$ROOT/proc/sys/$part" "$ROOT/proc/sys/$part"
        mount -o remount,bind,ro "$ROOT/proc/sys/$part"
    done
    mount -t sysfs sysfs "$ROOT/sys"
    mount --bind /sys/fs/bpf "$ROOT/sys/fs/bpf"
    mount -t cgroup2 cgroup2 "$ROOT/sys/fs/cgroup"
    cd "$ROOT"
    pivot_root . mnt
    umount --lazy /mnt
    exec env -i container=laboratory /usr/lib/systemd/systemd --system --unit=laboratory.target \
        --log-target=null --show-status=false </dev/null
'"#;

/// A machine. systemd does not run until [`Machine::boot`].
pub struct Machine {
    root: PathBuf,
    cgroup: PathBuf,
    pub site: Site,
}

impl Machine {
    pub fn new() -> Self {
        let site = Site::plan().without_server().build();
        let at = |name: &str| {
            let path = site.lab.directory().join(name);
            fs::create_dir(&path).expect("a directory");
            path
        };
        let (upper, work, root, cgroups) = (at("upper"), at("work"), at("root"), at("cgroups"));
        let layers = format!(
            "lowerdir=/,upperdir={},workdir={}",
            upper.display(),
            work.display()
        );
        mount_on("overlay", &root, Some(&layers));
        bind("/proc", &root.join("proc"));
        bind("/sys", &root.join("sys"));
        bind("/sys/fs/bpf", &root.join("sys/fs/bpf"));
        for fresh in ["dev", "tmp"] {
            mount_on("tmpfs", &root.join(fresh), None);
        }
        for device in DEVICES {
            let device = format!("dev/{device}");
            fs::write(root.join(&device), "").unwrap();
            bind(&format!("/{device}"), &root.join(&device));
        }
        // A unit with private devices gets these from the machine.
        for directory in ["pts", "shm"] {
            fs::create_dir(root.join("dev").join(directory)).unwrap();
        }
        mount_on("devpts", &root.join("dev/pts"), Some("newinstance,ptmxmode=0666"));
        symlink("pts/ptmx", root.join("dev/ptmx")).unwrap();
        // Units of the real machine do not belong here.
        for part in ["etc/systemd/system", "run/systemd", "var/lib/systemd"] {
            let part = root.join(part);
            if part.exists() {
                fs::remove_dir_all(&part).unwrap();
            }
        }
        fs::create_dir_all(root.join("etc/systemd/system")).unwrap();
        // A separate cgroup: systemd takes the top of the tree that it sees as the machine's.
        mount_on("cgroup2", &cgroups, None);
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos();
        let cgroup = cgroups.join(format!("laboratory-{}-{now}", std::process::id()));
        fs::create_dir(&cgroup).expect("a control group");
        Self { root, cgroup, site }
    }

    /// A machine with the package installed.
    pub fn with_package() -> Self {
        let machine = Self::new();
        machine.install();
        machine
    }

    /// Installs the package, or installs it again.
    #[track_caller]
    pub fn install(&self) -> Output {
        fs::copy(crate::package::made::deb(), self.path("tmp/synwall.deb")).expect("a copy");
        self.run("dpkg --install /tmp/synwall.deb").ok()
    }

    /// A path on the machine.
    pub fn path(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// Runs a command on the machine. Its words are separated by spaces.
    pub fn run(&self, line: &str) -> Output {
        let mut chroot = self.site.origin.command("chroot");
        chroot.arg(&self.root).args(line.split(' '));
        chroot
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LC_ALL", "C.UTF-8");
        chroot
            .env("DEBIAN_FRONTEND", "noninteractive")
            .env_remove("SYNWALL_PIN_DIR");
        Output::of(&mut chroot)
    }

    /// Writes a file on the machine.
    pub fn write(&self, path: &str, content: &str) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Starts systemd with these units and their dependencies only. Runs a script when they are up. Returns all
    /// output when everything has ended.
    #[track_caller]
    pub fn boot(&self, units: &str, script: &str) -> String {
        // `/run` is empty when a machine boots, also the second time.
        mount_on("tmpfs", &self.path("run"), None);
        self.write(
            "etc/systemd/system/laboratory.target",
            "[Unit]\nDefaultDependencies=no\nWants=laboratory.service\n",
        );
        self.write(
            "etc/systemd/system/laboratory.service",
            &format!(
                "[Unit]\nDefaultDependencies=no\nWants={units}\nAfter={units}\n\
                 [Service]\nType=oneshot\nExecStart=/bin/sh /etc/script\nExecStopPost=/bin/kill -s RTMIN+14 1\n\
                 StandardOutput=append:/run/said\nStandardError=inherit\nTimeoutStartSec=60\n"
            ),
        );
        self.write("etc/script", script);
        let mut boot = self.site.origin.command("timeout");
        boot.args(["--kill-after=5", "90", "sh", "-c", BOOT]);
        let output = Output::of(boot.env("ROOT", &self.root).env("CGROUP", &self.cgroup));
        fs::read_to_string(self.path("run/said")).unwrap_or_else(|error| panic!("{error}\n{output}"))
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        remove_groups(&self.cgroup);
    }
}

/// Removes directories only: the files in them are the kernel's.
fn remove_groups(group: &Path) {
    for entry in fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_groups(&entry.path());
        }
    }
    // Killed processes may still be in it. An empty cgroup costs nothing.
    let _ = fs::remove_dir(group);
}

fn mount_on(kind: &str, target: &Path, options: Option<&str>) {
    mount(Some(kind), target, Some(kind), MsFlags::empty(), options)
        .unwrap_or_else(|error| panic!("{kind} on {}: {error}", target.display()));
}

fn bind(source: &str, target: &Path) {
    mount(Some(source), target, None::<&str>, MsFlags::MS_BIND, None::<&str>)
        .unwrap_or_else(|error| panic!("{source} on {}: {error}", target.display()));
}
