//! An emulated machine that boots a kernel, says what its tests say, and ends.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};

use super::results::Results;
use crate::setup::Kernel;

/// For booting and all tests, on a machine that is busy with other things.
const PATIENCE: Duration = Duration::from_secs(1800);

/// Words of the kernel that tell of a bug in it, or of one that we made it show.
const ALARMS: [&str; 5] = ["WARNING: ", "BUG: ", "Oops", "Call Trace", "Out of memory"];

/// Boots a kernel and listens until it is off. Everything that went wrong in there is in the results.
pub fn run(directory: &Path, kernel: &Kernel, image: &Path) -> Result<Results> {
    let console = directory.join("console.log");
    // It always warns that its hubs have no way out.
    let complaints = directory.join("qemu.log");
    let mut child = qemu(kernel, image, &console)
        .stderr(File::create(&complaints).context("cannot write qemu.log")?)
        .spawn()
        .context("`setpriv` could not be started")?;
    let begun = Instant::now();
    let mut results = Results::default();
    let out = child.stdout.take().context("qemu has no output")?;
    let (sender, lines) = channel();
    // Ends with qemu.
    thread::spawn(move || {
        for line in BufReader::new(out).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    let mut log = File::create(directory.join("tests.log")).context("cannot write tests.log")?;
    loop {
        match lines.recv_timeout(PATIENCE.saturating_sub(begun.elapsed())) {
            Ok(line) => {
                writeln!(log, "{line}").context("cannot write tests.log")?;
                results.hear(&line);
            }
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                results.fails(format!(
                    "it was not done within {} minutes",
                    PATIENCE.as_secs() / 60
                ));
                break;
            }
        }
    }
    end(child);
    results.seconds = begun.elapsed().as_secs();
    let console = fs::read_to_string(&console).unwrap_or_default();
    for line in console
        .lines()
        .filter(|line| ALARMS.iter().any(|alarm| line.contains(alarm)))
    {
        results.fails(format!("the kernel said: {}", line.trim()));
    }
    if !results.is_complete() {
        let lines: Vec<&str> = console.lines().collect();
        let last = lines[lines.len().saturating_sub(20)..].join("\n    ");
        results.fails(format!(
            "it did not get to the end; the emulator said: {}\n  and the kernel's last words:\n    {last}",
            fs::read_to_string(&complaints).unwrap_or_default().trim()
        ));
    }
    Ok(results)
}

fn qemu(kernel: &Kernel, image: &Path, console: &Path) -> Command {
    // It ends with us, however we do.
    let mut qemu = Command::new("setpriv");
    qemu.args(["--pdeathsig", "KILL", "qemu-system-x86_64"]);
    // Software emulation is everywhere. The CPU has what it can emulate; page tables of five levels only slow it down.
    qemu.args(["-accel", "tcg", "-cpu", "max,la57=off", "-smp", "2", "-m", "2048"]);
    qemu.args(["-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"]);
    qemu.arg("-kernel").arg(&kernel.image).arg("-initrd").arg(image);
    qemu.args(["-append", "console=ttyS0 loglevel=5 panic=-1 net.ifnames=0"]);
    // The first port for the kernel, the second one for the tests.
    qemu.args([
        "-serial",
        &format!("file:{}", console.display()),
        "-serial",
        "stdio",
    ]);
    // Two pairs of network cards, each on a wire of its own. The cards take packets of several segments off the host's
    // hands only where they are told to, which XDP does not like.
    for (wire, device) in [
        "virtio-net-pci,guest_csum=off,guest_tso4=off,guest_tso6=off,guest_ecn=off,guest_ufo=off",
        "vmxnet3",
    ]
    .iter()
    .enumerate()
    {
        for end in 0..2 {
            qemu.args(["-netdev", &format!("hubport,id=card{wire}{end},hubid={wire}")]);
            let mac = format!("02:00:00:00:0{}:0{}", wire + 2, end + 1);
            qemu.args(["-device", &format!("{device},netdev=card{wire}{end},mac={mac}")]);
        }
    }
    qemu.stdin(Stdio::null()).stdout(Stdio::piped());
    qemu
}

/// It has ended, or has had its time.
fn end(mut child: Child) {
    // Both fail only if it has ended by itself.
    let _ = child.kill();
    let _ = child.wait();
}
