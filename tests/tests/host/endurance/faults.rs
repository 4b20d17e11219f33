//! Faults in system calls: strace makes the Nth call fail, or kills the command there.

use std::fs;

use tests::{lab::Output, origin::Origin};

/// The fault at a system call.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// The call fails once, with this error.
    Fails(&'static str),
    /// The call and all later ones fail with this error.
    FailsFromNowOn(&'static str),
    /// The command gets a SIGKILL.
    Kills,
}

/// A command with a fault.
#[derive(Debug)]
pub struct Faulty {
    /// The output of the command.
    pub output: Output,
    /// Whether the command reached the fault.
    pub happened: bool,
}

/// How many of those system calls a command makes before it begins. Most are the dynamic loader's.
pub fn before_it_begins(origin: &Origin, calls: &str) -> u32 {
    let trace = origin.site.lab.directory().join("trace");
    let synwall = origin.site.synwall_command(["--version"]);
    let mut strace = origin.site.origin.command("strace");
    strace
        .arg(format!("--trace={calls}"))
        .arg("--output")
        .arg(&trace)
        .arg(synwall.get_program())
        .arg("--version");
    Output::of(&mut strace).ok();
    let trace = fs::read_to_string(trace).expect("strace's own output");
    u32::try_from(trace.lines().filter(|line| line.contains('(')).count()).expect("a small number")
}

/// Runs `synwall` with a fault at the `number`th of those system calls, counted from 1.
pub fn run(origin: &Origin, arguments: &str, calls: &str, fault: Fault, number: u32) -> Faulty {
    let what = match fault {
        Fault::Fails(errno) => format!("{calls}:error={errno}:when={number}"),
        Fault::FailsFromNowOn(errno) => format!("{calls}:error={errno}:when={number}+"),
        Fault::Kills => format!("{calls}:signal=KILL:when={number}"),
    };
    let trace = origin.site.lab.directory().join("trace");
    let synwall = origin.site.synwall_command(arguments.split(' '));
    let mut strace = origin.site.origin.command("strace");
    if !matches!(fault, Fault::Kills) {
        // With this option strace stops only at those calls, which is faster. But it cannot send signals then.
        strace.arg("--seccomp-bpf");
    }
    strace
        .args(["--follow-forks", "--quiet=all", "--signal=none", "--output"])
        .arg(&trace)
        .arg(format!("--trace={calls}"))
        .arg(format!("--inject={what}"))
        .arg(synwall.get_program())
        .args(synwall.get_args())
        .env_remove("SYNWALL_PIN_DIR");
    let output = Output::of(&mut strace);
    let trace = fs::read_to_string(trace).expect("strace's own output");
    Faulty {
        happened: match fault {
            Fault::Kills => output.code.is_none(),
            _ => trace.contains("(INJECTED)"),
        },
        output,
    }
}
