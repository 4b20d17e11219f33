//! What an emulated machine finds when it boots: a root file system in memory, in two archives behind one another. One
//! with programs and tests is the same for all kernels, one with modules is a kernel's own.

use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail, ensure};

use super::plan::Plan;
use crate::setup::Kernel;
use crate::{exec, place};

/// The first process.
const INIT: &str = include_str!("init.sh");

/// What tests and laboratory call, beside busybox.
const PROGRAMS: [&str; 6] = ["ip", "setpriv", "setarch", "openssl", "bpftool", "curl"];

/// Of tests and laboratory, and of the emulator's network cards. What they need comes with them.
const MODULES: [&str; 7] = [
    "veth",
    "bridge",
    "8021q",
    "bonding",
    "virtio_net",
    "virtio_pci",
    "vmxnet3",
];

/// Files below /etc: nginx asks who it runs as, and openssl for its settings.
const ETC: [(&str, &str); 4] = [
    (
        "etc/passwd",
        "root:x:0:0::/:/bin/sh\nnobody:x:65534:65534::/:/bin/false\nwww-data:x:33:33::/:/bin/false\n",
    ),
    ("etc/group", "root:x:0:\nnogroup:x:65534:\nwww-data:x:33:\n"),
    ("etc/hosts", "127.0.0.1 localhost\n::1 localhost\n"),
    (
        "usr/lib/ssl/openssl.cnf",
        "[req]\ndistinguished_name = name\n[name]\n",
    ),
];

/// The archive for all kernels: programs, tests, and what runs them.
pub fn programs(directory: &Path, synwall: &Path, nginx: &Path, plan: &Plan) -> Result<PathBuf> {
    let root = emptied(&directory.join("programs"))?;
    let mut files = vec![
        (found("busybox")?, "bin/busybox".to_owned()),
        (synwall.to_owned(), "bin/synwall".to_owned()),
        (nginx.to_owned(), "bin/nginx".to_owned()),
        (place::kernel_object(), "synwall-ebpf.o".to_owned()),
    ];
    for program in PROGRAMS {
        files.push((found(program)?, format!("usr/bin/{program}")));
    }
    for (name, executable) in plan.executables() {
        files.push((executable.to_owned(), format!("tests/{name}")));
    }
    let mut libraries = BTreeSet::new();
    for (from, to) in &files {
        copy(from, &root.join(to))?;
        libraries.extend(libraries_of(from)?);
    }
    for library in &libraries {
        copy(library, &root.join(library.strip_prefix("/").unwrap_or(library)))?;
    }
    for (path, text) in ETC {
        write(&root.join(path), text)?;
    }
    write(&root.join("plan"), &plan.script())?;
    write(&root.join("init"), INIT)?;
    fs::set_permissions(root.join("init"), Permissions::from_mode(0o755))?;
    archive(&root)
}

/// The two archives of a kernel in one file.
pub fn of_kernel(directory: &Path, kernel: &Kernel, programs: &Path) -> Result<PathBuf> {
    let root = emptied(&directory.join("root"))?;
    let modules = root.join("modules");
    fs::create_dir(&modules)?;
    let mut order = String::new();
    for module in needed(kernel)? {
        let name = unpack(&module, &modules)?;
        order += &name;
        order.push('\n');
    }
    write(&modules.join("order"), &order)?;
    let image = directory.join("image.cpio");
    let mut whole = File::create(&image).with_context(|| format!("cannot write {}", image.display()))?;
    for part in [programs, &archive(&root)?] {
        io::copy(&mut File::open(part)?, &mut whole)
            .with_context(|| format!("cannot write {}", image.display()))?;
    }
    Ok(image)
}

/// The modules' files in the order in which they have to be loaded.
fn needed(kernel: &Kernel) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for module in MODULES {
        let mut modprobe = Command::new("modprobe");
        modprobe.arg("-d").arg(&kernel.root).args(["-S", &kernel.release]);
        // Not what this machine is told about modules.
        modprobe.args(["-C", "/dev/null", "--show-depends", module]);
        let lines = exec::ask(&mut modprobe)?;
        for file in lines.lines().filter_map(|line| line.strip_prefix("insmod ")) {
            let file = PathBuf::from(file.trim());
            if !files.contains(&file) {
                files.push(file);
            }
        }
    }
    Ok(files)
}

/// Puts a module's file into a directory, as the kernel itself reads it, and returns its name there.
fn unpack(module: &Path, into: &Path) -> Result<String> {
    let name = module
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    if name.ends_with(".ko") {
        copy(module, &into.join(&name))?;
        return Ok(name);
    }
    let Some(plain) = name.strip_suffix(".xz") else {
        bail!("{} is packed in a way that nobody here knows", module.display());
    };
    let file = File::create(into.join(plain))?;
    exec::run_into(Command::new("xz").arg("-dc").arg(module), file)?;
    Ok(plain.to_owned())
}

/// The shared libraries and the loader of a program, where it has any, as `ldd` shows them.
fn libraries_of(program: &Path) -> Result<Vec<PathBuf>> {
    // It fails for what is not linked to any.
    let Ok(lines) = exec::ask(Command::new("ldd").arg(program)) else {
        return Ok(Vec::new());
    };
    let mut libraries = Vec::new();
    for line in lines.lines() {
        ensure!(
            !line.contains("not found"),
            "{} misses a library: {}",
            program.display(),
            line.trim()
        );
        libraries.extend(
            line.split_whitespace()
                .find(|word| word.starts_with('/'))
                .map(PathBuf::from),
        );
    }
    Ok(libraries)
}

/// A cpio archive of a directory, beside it. Not compressed: to unpack it would take the machine seconds.
fn archive(root: &Path) -> Result<PathBuf> {
    let path = root.with_extension("cpio");
    let file = File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
    let mut find = Command::new("find")
        .args([".", "-print0"])
        .current_dir(root)
        .stdout(Stdio::piped())
        .spawn()
        .context("`find` could not be started")?;
    let names = find.stdout.take().context("`find` has no output")?;
    let cpio = Command::new("cpio")
        .args(["--null", "--create", "--format=newc", "--quiet", "--owner=0:0"])
        .current_dir(root)
        .stdin(names)
        .stdout(file)
        .status()
        .context("`cpio` could not be started")?;
    ensure!(
        find.wait()?.success() && cpio.success(),
        "{} could not be archived",
        root.display()
    );
    Ok(path)
}

fn found(program: &str) -> Result<PathBuf> {
    exec::find(program).with_context(|| format!("`{program}` is not installed"))
}

fn emptied(directory: &Path) -> Result<PathBuf> {
    if directory.exists() {
        fs::remove_dir_all(directory).with_context(|| format!("cannot remove {}", directory.display()))?;
    }
    fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    Ok(directory.to_owned())
}

/// Copies a file, the one itself where it is a link.
fn copy(from: &Path, to: &Path) -> Result<()> {
    let parent = to.parent().unwrap_or(to);
    fs::create_dir_all(parent)
        .and_then(|()| fs::copy(from, to))
        .with_context(|| format!("cannot copy {} to {}", from.display(), to.display()))?;
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<()> {
    let parent = path.parent().unwrap_or(path);
    fs::create_dir_all(parent)
        .and_then(|()| fs::write(path, text))
        .with_context(|| format!("cannot write {}", path.display()))
}
