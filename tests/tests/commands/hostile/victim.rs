//! An origin whose commands are bounded in time and memory, and looked at whatever they print.

use std::{ffi::OsStr, io, os::unix::process::CommandExt as _, path::Path, process::Command};

use nix::sys::resource::{Resource, setrlimit};
use tests::{
    inputs::assert_fit_for_a_terminal,
    lab::{Output, Site},
};

/// Where the filter is kept: the default place, on the private bpffs.
pub const PINS: &str = "/sys/fs/bpf/synwall";

/// Seconds of CPU time: a command takes some hundredths.
const CPU_SECONDS: u64 = 20;
/// Bytes of address space: maps of 2 MiB, and what a command needs by itself.
const MEMORY: u64 = 2 << 30;

/// A filter with something in every list.
const UP: [&str; 5] = [
    "up eth0 --provider qrator --trust 2001:db8:94::/48=proxy",
    "trust add 192.0.2.0/24 --for 1h --label temporary",
    "deny add 198.51.100.66 2001:db8:bad::/48 --label attackers",
    "deny add 185.94.108.99 --for 1h",
    "retire add 203.0.113.99 --label former",
];

pub struct Victim {
    pub site: Site,
}

impl Victim {
    /// Nothing is up yet.
    pub fn new() -> Self {
        Self {
            site: Site::plan().without_server().build(),
        }
    }

    /// Brings a new filter up.
    pub fn up(&self) {
        for command in UP {
            self.run(command).ok();
        }
    }

    /// Takes the filter down, which must work whatever lies there.
    #[track_caller]
    pub fn down(&self) {
        self.run("down --all").ok();
        assert!(!Path::new(PINS).exists(), "something is left");
    }

    /// Waits until the kernel has taken off what no pin holds any more: it does so in a worker.
    pub fn is_free(&self) {
        let mut ip = self.site.origin.command("ip");
        ip.args(["link", "show", "dev", "eth0"]);
        for _ in 0..500 {
            if !Output::of(&mut ip).ok().stdout.contains("xdp") {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        panic!("eth0 still has a program");
    }

    /// Runs `synwall` with arguments that are separated by spaces.
    #[track_caller]
    pub fn run(&self, arguments: &str) -> Output {
        self.run_with(arguments.split(' '))
    }

    /// Runs `synwall`, and fails unless it ends in time as a command does.
    #[track_caller]
    pub fn run_with<A: AsRef<OsStr>>(&self, arguments: impl IntoIterator<Item = A>) -> Output {
        let mut command = self.site.synwall_command(arguments);
        let output = Output::of(bounded(&mut command));
        is_sound(&output);
        output
    }
}

fn bounded(command: &mut Command) -> &mut Command {
    let bounds = || -> io::Result<()> {
        setrlimit(Resource::RLIMIT_CPU, CPU_SECONDS, CPU_SECONDS)?;
        Ok(setrlimit(Resource::RLIMIT_AS, MEMORY, MEMORY)?)
    };
    // What comes out otherwise is stripped of what only terminals obey.
    command.env("CLICOLOR_FORCE", "1").env_remove("RUST_BACKTRACE");
    // SAFETY: between fork and exec the closure makes two system calls, and builds errors from their numbers.
    unsafe { command.pre_exec(bounds) }
}

/// Fails unless the command ended by itself, with one of our exit codes, and said why where it failed.
#[track_caller]
fn is_sound(output: &Output) {
    assert!(matches!(output.code, Some(0..=2)), "{output}");
    assert!(!output.stderr.contains("panicked"), "{output}");
    for line in output.stdout.lines().chain(output.stderr.lines()) {
        // Our own colours, and the tabs between columns.
        assert_fit_for_a_terminal(&without_colours(line).replace('\t', " "));
    }
    let message = without_colours(&output.stderr);
    // Help comes on standard error where nothing was asked.
    let is_told = message.contains("error: ") || message.contains("Usage: ");
    let answers = output.code == Some(0) || !output.stdout.is_empty() || is_told;
    assert!(answers, "no answer and no error\n{output}");
    // Messages about an option repeat it some times.
    assert!(
        output.stderr.len() < 16_384 + 4 * output.command.len(),
        "{} bytes of messages\n{output}",
        output.stderr.len()
    );
}

/// Text without the sequences that select colours (SGR, ECMA-48): what is left is for people.
fn without_colours(text: &str) -> String {
    let mut parts = text.split("\x1b[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_ascii_digit() && c != ';');
        match end {
            Some(end) if part[end..].starts_with('m') => plain += &part[end + 1..],
            _ => plain += &format!("\x1b[{part}"),
        }
    }
    plain
}
