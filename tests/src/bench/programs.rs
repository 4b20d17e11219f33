//! The bench's own kernel programs, and access to any program that is already in the kernel.

use std::borrow::Cow;
use std::env;
use std::path::{Path, PathBuf};
use std::time::Duration;

use aya::maps::{Array, MapData};
use aya::programs::{TestRun as _, TestRunOptions, Xdp, XdpMode, loaded_programs};
use aya::{Ebpf, EbpfLoader};
use aya_obj::programs::XdpAttachType;

use super::cpu;
use super::wires::{INTERFACE, Receiver};
use crate::lab::{Namespace, must};

/// The object file: `SYNWALL_BENCH_OBJECT`, or the file that `cargo xtask bench` left in the workspace.
pub fn object() -> PathBuf {
    let built = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/synwall-bench-ebpf.o");
    env::var_os("SYNWALL_BENCH_OBJECT").map_or_else(built, PathBuf::from)
}

/// Loads the object file with these constants, and loads its program of that name into the kernel.
fn load(program: &str, constants: &[(&str, u32)]) -> Ebpf {
    let mut loader = EbpfLoader::new();
    for (name, value) in constants {
        loader.override_global(name, value, true);
    }
    let object = object();
    let mut ebpf = must(
        format_args!("load {}", object.display()),
        loader.load_file(&object),
    );
    must(format_args!("load {program}"), xdp_mut(&mut ebpf, program).load());
    ebpf
}

fn xdp_mut<'a>(ebpf: &'a mut Ebpf, program: &str) -> &'a mut Xdp {
    let found = ebpf.program_mut(program).ok_or("it is not in the object file");
    must(
        format_args!("use {program} as an XDP program"),
        must(format_args!("find {program}"), found).try_into(),
    )
}

/// A program for `BPF_PROG_TEST_RUN` that is also attached to a cable that leads nowhere.
///
/// The kernel calls attached XDP programs directly, from code that it rewrites for each new program. A test run of a
/// program that is not attached would rewrite this code, which takes longer than what is measured.
#[derive(Debug)]
pub struct Parked {
    ebpf: Ebpf,
    program: &'static str,
    _namespace: Namespace,
}

impl Parked {
    /// Loads the program with these constants.
    #[must_use]
    pub fn load(program: &'static str, constants: &[(&str, u32)]) -> Self {
        let namespace = Namespace::new();
        namespace.ip("link add eth0 type veth peer name nowhere\n");
        let mut ebpf = load(program, constants);
        let attach = || xdp_mut(&mut ebpf, program).attach(INTERFACE, XdpMode::Driver);
        must(format_args!("attach {program}"), namespace.run(attach));
        Self {
            ebpf,
            program,
            _namespace: namespace,
        }
    }

    /// The loaded XDP program.
    #[must_use]
    pub fn xdp(&self) -> &Xdp {
        let found = self
            .ebpf
            .program(self.program)
            .ok_or("it is not in the object file");
        must(
            format_args!("use {} as an XDP program", self.program),
            must(format_args!("find {}", self.program), found).try_into(),
        )
    }

    /// An array map of the program, by name.
    pub fn array<T: aya::Pod>(&mut self, name: &str) -> Array<&mut MapData, T> {
        let found = self.ebpf.map_mut(name).ok_or("it is not in the object file");
        must(
            format_args!("use the map {name}"),
            Array::try_from(must(format_args!("find the map {name}"), found)),
        )
    }
}

/// Loads a program and attaches it in native mode to the receiver. It stays attached as long as the value lives.
#[must_use]
pub fn attached(program: &str, to: &Receiver) -> Ebpf {
    let mut ebpf = load(program, &[]);
    let attach = || xdp_mut(&mut ebpf, program).attach(INTERFACE, XdpMode::Driver);
    must(format_args!("attach {program}"), to.namespace.run(attach));
    ebpf
}

/// A program in the kernel, by its id.
pub fn by_id(id: u32) -> Xdp {
    let mut programs = loaded_programs().flatten();
    let found = programs
        .find(|program| program.id() == id)
        .ok_or("it is not loaded");
    let info = must(format_args!("find program {id}"), found);
    must(
        format_args!("use program {id} as an XDP program"),
        Xdp::from_program_info(info, Cow::Borrowed("program"), XdpAttachType::Interface),
    )
}

/// The time of the program for `repeat` runs on the frame, without the CPU time of other processes.
pub fn time(program: &Xdp, frame: &[u8], repeat: u32) -> Duration {
    let options = TestRunOptions {
        data_in: Some(frame),
        repeat,
        ..Default::default()
    };
    let before = cpu::used();
    must("run a program", program.test_run(options));
    cpu::used() - before
}
