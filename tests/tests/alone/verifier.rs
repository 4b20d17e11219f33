//! How many instructions the verifier follows for the program. The limit shows when a change makes the program more
//! expensive. `docs/kernels.md` has the figures of some kernels. Needs root.

#![expect(clippy::expect_used, reason = "a test stops at the first surprise")]

use std::path::Path;

use aya::programs::{ProgramError, Xdp};
use filter_common::DropLevel;
use filter_user::{
    filter::{
        instance::Instance,
        program::{Entry, Program, Specialisation},
    },
    model::lengths::Lengths,
    model::{
        ports::PortSet,
        settings::{Policy, Settings},
    },
    sys::preflight::{Version, has_frags, kernel_version},
};
use nix::{
    errno::Errno,
    sys::resource::{Resource, getrlimit, setrlimit},
};
use tests::{
    kernel::{fact, skipped},
    lab::Lab,
};

/// The most instructions that the verifier may follow: for the program of a plain `synwall up`, and with every
/// feature on.
const BOUNDS: [u32; 2] = [37_000, 55_000];
/// The limits before Linux 6.12, whose verifier recognises fewer states as equal. These kernels accept up to a
/// million.
const BOUNDS_BEFORE_6_12: [u32; 2] = [70_000, 100_000];

const PATH: &str = "/sys/fs/bpf/synwall";
const INTERFACE: &str = "interface_verifier";

/// This test runs alone, because it takes the whole process's right to open files.
#[test]
fn the_verifier_follows_a_bounded_number_of_instructions() {
    let _alone = crate::alone();
    let _lab = Lab::new();
    let version = kernel_version().expect("the kernel's version");
    let bounds = if version < Version(6, 12) {
        BOUNDS_BEFORE_6_12
    } else {
        BOUNDS
    };
    let specialisations = [standard(), everything()];
    let (instance, _) = Instance::open_or_create(Path::new(PATH), &standard().settings).expect("a filter");
    for (entry, name) in [
        (Entry::Frags, "frags entry"),
        (Entry::OneBuffer, "one-buffer entry"),
    ] {
        if entry == Entry::Frags && !has_frags(version) {
            skipped("the frags entry: the kernel has no frames of several buffers");
            continue;
        }
        for ((specialisation, what), bound) in specialisations
            .iter()
            .zip(["as `up` loads it", "everything on"])
            .zip(bounds)
        {
            let count = in_the_log(&instance, specialisation, entry);
            fact(&format!("verified instructions, {name}, {what}"), count);
            assert!(count <= bound, "{name}, {what}: {count} instructions");
            if let Some(told) = told(&instance, specialisation, entry) {
                assert_eq!(count, told, "{name}, {what}: what the kernel tells of it");
            }
        }
    }
}

fn standard() -> Specialisation {
    Specialisation {
        settings: Settings {
            tcp: "80,443".parse().expect("ports"),
            udp: PortSet::none(),
            drop: DropLevel::New,
            policy: Policy::Enforce,
            sources: Lengths::default(),
            secret: 1,
        },
        deny: false,
        retire: false,
        confirm: false,
    }
}

fn everything() -> Specialisation {
    let standard = standard();
    Specialisation {
        settings: Settings {
            udp: "443".parse().expect("a port"),
            drop: DropLevel::Unestablished,
            ..standard.settings
        },
        deny: true,
        retire: true,
        confirm: true,
    }
}

/// The number that the kernel reports for a loaded program, since Linux 5.16.
fn told(instance: &Instance, specialisation: &Specialisation, entry: Entry) -> Option<u32> {
    instance.pins().fresh_directory(INTERFACE).expect("a directory");
    let mut program = Program::load(instance.pins(), INTERFACE, specialisation, entry).expect("the program");
    let info = program.xdp().expect("the program").info();
    info.expect("what the kernel says of it")
        .verified_instruction_count()
}

/// The number from the verifier's log, for older kernels. The log is only available if loading fails. So the load
/// fails after verification here, because no file descriptor is left.
fn in_the_log(instance: &Instance, specialisation: &Specialisation, entry: Entry) -> u32 {
    instance.pins().fresh_directory(INTERFACE).expect("a directory");
    let mut ebpf = Program::make_maps(instance.pins(), INTERFACE, specialisation).expect("the maps");
    let program: &mut Xdp = ebpf
        .program_mut(entry.name())
        .expect("the entry")
        .try_into()
        .expect("an XDP program");
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
    setrlimit(Resource::RLIMIT_NOFILE, 0, hard).expect("a lower limit");
    let refused = program.load();
    setrlimit(Resource::RLIMIT_NOFILE, soft, hard).expect("the limit as it was");
    let Err(ProgramError::LoadError {
        io_error,
        verifier_log,
    }) = refused
    else {
        panic!("it should not have been loaded: {refused:?}");
    };
    let log = verifier_log.to_string();
    let number = log
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("processed ")?.split(' ').next()?.parse().ok());
    match number {
        Some(number) if io_error.raw_os_error() == Some(Errno::EMFILE as i32) => number,
        _ => panic!("{entry:?} was refused: {io_error}\n{log}"),
    }
}
