//! What the program costs the verifier: a bound, so that a later change does not quietly undo what an earlier one has
//! won. `docs/kernels.md` has the figures of some kernels. Needs root.

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

/// Instructions that the verifier follows: what `synwall up` loads, and everything switched on.
const BOUNDS: [u32; 2] = [37_000, 55_000];
/// The same for kernels before 6.12, whose verifiers find fewer ways alike. They go up to a million.
const BOUNDS_BEFORE_6_12: [u32; 2] = [70_000, 100_000];

const PATH: &str = "/sys/fs/bpf/synwall";
const INTERFACE: &str = "interface_verifier";

/// It takes away the whole process's right to open files.
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

/// What the kernel tells of the loaded program, since 5.16.
fn told(instance: &Instance, specialisation: &Specialisation, entry: Entry) -> Option<u32> {
    instance.pins().fresh_directory(INTERFACE).expect("a directory");
    let mut program = Program::load(instance.pins(), INTERFACE, specialisation, entry).expect("the program");
    let info = program.xdp().expect("the program").info();
    info.expect("what the kernel says of it")
        .verified_instruction_count()
}

/// The same number out of the verifier's log. That one is shown only of programs that could not be loaded, so this one
/// cannot be: there is no file descriptor left for it when it has been verified.
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
