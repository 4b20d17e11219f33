//! An origin for hostile tests: it limits the time and memory of every command, and checks all output.

use std::{ffi::OsStr, io, os::unix::process::CommandExt as _, path::Path, process::Command};

use nix::sys::resource::{Resource, setrlimit};
use tests::{
    inputs::assert_fit_for_a_terminal,
    lab::{Output, Site},
};

/// The pin directory of the filter: the default one, on the private bpffs.
pub const PINS: &str = "/sys/fs/bpf/synwall";

/// Seconds of CPU time. A command takes some hundredths of a second.
const CPU_SECONDS: u64 = 20;
/// Bytes of address space, for maps of 2 MiB and the command itself.
const MEMORY: u64 = 2 << 30;

/// Commands that set up a filter with an entry in every list.
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
    /// An origin without a filter.
    pub fn new() -> Self {
        Self {
            site: Site::plan().without_server().build(),
        }
    }

    /// Brings up a new filter.
    pub fn up(&self) {
        for command in UP {
            self.run(command).ok();
        }
    }

    /// Takes the filter down. This must work with any content of the pin directory.
    #[track_caller]
    pub fn down(&self) {
        self.run("down --all").ok();
        assert!(!Path::new(PINS).exists(), "something is left");
    }

    /// Waits until the kernel has detached a program without pins. A kernel worker does this.
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

    /// Runs `synwall` with arguments separated by spaces, and checks the output.
    #[track_caller]
    pub fn run(&self, arguments: &str) -> Output {
        self.run_with(arguments.split(' '))
    }

    /// Runs `synwall`, and fails unless it stays within the limits and its output is sound.
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
    // Without colours, the output would be stripped of everything that a terminal obeys.
    command.env("CLICOLOR_FORCE", "1").env_remove("RUST_BACKTRACE");
    // SAFETY: between fork and exec the closure makes two system calls, and builds errors from their numbers.
    unsafe { command.pre_exec(bounds) }
}

/// Fails unless the command exited with one of synwall's exit codes, and printed a reason if it failed.
#[track_caller]
fn is_sound(output: &Output) {
    assert!(matches!(output.code, Some(0..=2)), "{output}");
    assert!(!output.stderr.contains("panicked"), "{output}");
    for line in output.stdout.lines().chain(output.stderr.lines()) {
        // Colours and the tabs between columns are allowed.
        assert_fit_for_a_terminal(&without_colours(line).replace('\t', " "));
    }
    let message = without_colours(&output.stderr);
    // Without a command, help goes to standard error.
    let is_told = message.contains("error: ") || message.contains("Usage: ");
    let answers = output.code == Some(0) || !output.stdout.is_empty() || is_told;
    assert!(answers, "no answer and no error\n{output}");
    // A message about an option repeats it several times.
    assert!(
        output.stderr.len() < 16_384 + 4 * output.command.len(),
        "{} bytes of messages\n{output}",
        output.stderr.len()
    );
}

/// The text without the sequences that select colours (SGR, ECMA-48).
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
