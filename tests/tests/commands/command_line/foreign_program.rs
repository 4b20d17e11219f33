//! An XDP program that is not synwall's: two instructions that pass every packet, pinned on the private bpffs.

use std::{
    ffi::CString,
    os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd},
    path::PathBuf,
};

use tests::lab::Output;

use crate::command_line::console::Console;

/// The name of the program in the kernel.
pub const NAME: &str = "somebody_elses";

const BPF_PROG_LOAD: libc::c_long = 5;
const BPF_OBJ_PIN: libc::c_long = 6;
const BPF_PROG_TYPE_XDP: u32 = 6;

/// `r0 = 2` (`XDP_PASS`), `exit`.
const PASS: [u64; 2] = [0x0000_0002_0000_00b7, 0x95];

/// The beginning of `union bpf_attr` for `BPF_PROG_LOAD`.
#[repr(C)]
struct Load {
    kind: u32,
    instruction_count: u32,
    instructions: u64,
    license: u64,
    log: [u32; 4],
    kernel_version: u32,
    flags: u32,
    name: [u8; 16],
}

/// The beginning of `union bpf_attr` for `BPF_OBJ_PIN`.
#[repr(C)]
struct Pin {
    path: u64,
    fd: u32,
    flags: u32,
}

/// Attaches the program to an interface of the origin with iproute2. `how` is `xdpdrv` or `xdpgeneric`.
pub fn attach(console: &Console, interface: &str, how: &str) {
    let path = pinned();
    let mut ip = console.site.origin.command("ip");
    Output::of(
        ip.args(["link", "set", "dev", interface, how, "pinned"])
            .arg(&path),
    )
    .ok();
}

fn pinned() -> PathBuf {
    let path = PathBuf::from("/sys/fs/bpf/somebody-elses-program");
    if path.exists() {
        return path;
    }
    let mut name = [0; 16];
    name[..NAME.len()].copy_from_slice(NAME.as_bytes());
    let license = c"GPL";
    let load = Load {
        kind: BPF_PROG_TYPE_XDP,
        instruction_count: PASS.len() as u32,
        instructions: PASS.as_ptr() as u64,
        license: license.as_ptr() as u64,
        log: [0; 4],
        kernel_version: 0,
        flags: 0,
        name,
    };
    let program = bpf(BPF_PROG_LOAD, &load);
    // SAFETY: the kernel has just returned this descriptor, and nothing else owns it.
    let program = unsafe { OwnedFd::from_raw_fd(program) };
    let pathname = CString::new(path.to_str().expect("ASCII")).expect("no NUL");
    bpf(
        BPF_OBJ_PIN,
        &Pin {
            path: pathname.as_ptr() as u64,
            fd: program.as_raw_fd() as u32,
            flags: 0,
        },
    );
    path
}

fn bpf<A>(command: libc::c_long, attributes: &A) -> i32 {
    // SAFETY: both attributes begin as the kernel's union does for their command. Their pointers live until the call
    // returns, and the size is that of the attributes.
    let result = unsafe { libc::syscall(libc::SYS_bpf, command, &raw const *attributes, size_of::<A>()) };
    assert!(result >= 0, "bpf({command}): {}", std::io::Error::last_os_error());
    result as i32
}
