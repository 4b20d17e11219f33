//! Changing lists: how long a command takes, and how much memory the command and the filter need.

use std::panic::resume_unwind;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use std::{fs, thread};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::Bench;
use crate::bench::comparison::grouped;
use crate::bench::memory;
use crate::bench::prefixes::Prefixes;
use crate::bench::report::{Table, Wanted};
use crate::bench::sides::{Kind, Synwall};
use crate::bench::spread::Spread;
use crate::lab::must;

/// A command that takes longer is killed: its time no longer matters.
const PATIENCE: Duration = Duration::from_secs(60);
/// When the runs of a command have taken this long, no new run begins.
const ENOUGH: Duration = Duration::from_secs(10);
/// How often the memory of a running command is read.
const LOOK: Duration = Duration::from_millis(1);
/// A prefix that is in no list.
const ANOTHER: &str = "198.51.100.0/24";

/// Measures all commands.
pub fn run(bench: &mut Bench) {
    let side = bench.workshop.side(Kind::Synwall, &Prefixes::vendor());
    let Some(synwall) = side.synwall() else { return };
    let file = bench.workshop.directory.join("replacement");
    let mut replacing = Table::new([
        "`trust replace`",
        "start to exit, ms",
        "prefixes/s",
        "peak memory of the command, MB",
        "memory of the filter's maps, MB",
        "kernel memory, difference to 2 prefixes, MB",
    ]);
    let mut commands = Table::new(["start to exit, ms", "`trust add` of one", "`status`"]);
    let runs = if bench.quick { 3 } else { 11 };
    let mut targets = Vec::new();
    let before = memory::kernel();
    let lengths: &[usize] = match bench.quick {
        true => &[2, 10_000, 100_000],
        false => &[2, 1_000, 10_000, 100_000, 1_000_000],
    };
    for &count in lengths {
        must(
            "write a list",
            fs::write(&file, Prefixes::routed(count).only_v4().lines()),
        );
        let repeats = if count < 100_000 { runs } else { runs.min(3) };
        let replaced = repeated(repeats, || run_once(replace(synwall, &file)));
        let Some((time, peak)) = replaced else {
            replacing.row([
                format!("{} prefixes", grouped(count)),
                "took too long or failed".to_owned(),
            ]);
            continue;
        };
        let ms = |most: f64| Wanted::AtMost(most);
        match count {
            10_000 => targets.push((
                13,
                " ms",
                "`trust replace` of 10,000 prefixes",
                ms(100.0),
                Some(time),
            )),
            1_000_000 => {
                targets.push((
                    11,
                    " ms",
                    "`trust replace` of 1M prefixes",
                    ms(3_000.0),
                    Some(time),
                ));
                targets.push((
                    12,
                    " MB",
                    "the same: peak memory",
                    Wanted::AtMost(400.0),
                    Some(peak),
                ));
            }
            _ => {}
        }
        let rate = count as f64 / time.median * 1e3;
        replacing.row([
            format!("{} prefixes", grouped(count)),
            time.short(),
            grouped(rate as usize),
            format!("{:.0}", peak.median),
            format!("{:.1}", memory::of_maps(synwall) / 1e6),
            format!("{:.1}", (memory::kernel() - before) / 1e6),
        ]);
        if [2, 100_000, 1_000_000].contains(&count) {
            let add = repeated(runs, || {
                let added = run_once(synwall.command(&["trust", "add", ANOTHER]));
                let removed = run_once(synwall.command(&["trust", "remove", ANOTHER]));
                removed.and(added)
            });
            let status = repeated(runs, || run_once(synwall.command(&["status"])));
            if count == 1_000_000 {
                let time = |result: Option<(Spread, Spread)>| result.map(|(time, _)| time);
                targets.push((14, " ms", "`trust add` of one prefix to 1M", ms(15.0), time(add)));
                targets.push((15, " ms", "`status` with 1M prefixes", ms(15.0), time(status)));
            }
            let shown = |result: Option<(Spread, _)>| {
                result.map_or_else(|| "took too long or failed".to_owned(), |(time, _)| time.short())
            };
            commands.row([format!("{} prefixes", grouped(count)), shown(add), shown(status)]);
        }
    }
    bench
        .report
        .section("Changing lists")
        .text(
            "Start to exit of the command, with a filter that is attached; IPv4 prefixes of a routing table's lengths, \
             from a file. Each run puts the list in the place of one just as long, but for the first. The command's \
             memory is the most that was resident (VmHWM). The maps' memory is what the kernel says of them \
             (memlock), and that leaves out inner nodes of tries; the last column is what the kernel holds in all in \
             slabs, vmalloc and per-CPU memory, whoever it is for.",
        )
        .table(replacing)
        .table(commands);
    for (number, unit, what, wanted, seen) in targets {
        bench.report.target_in(unit, number, what, wanted, seen);
    }
}

fn replace(synwall: &Synwall, file: &Path) -> Command {
    let mut command = synwall.command(&["trust", "replace"]);
    command.arg(file);
    command
}

/// Milliseconds and megabytes of up to `runs` runs, fewer if they take long. `None` if one of them failed.
fn repeated(runs: usize, run: impl Fn() -> Option<(f64, f64)>) -> Option<(Spread, Spread)> {
    let started = Instant::now();
    let (mut times, mut peaks) = (Vec::new(), Vec::new());
    while times.len() < runs && (times.is_empty() || started.elapsed() < ENOUGH) {
        let (time, peak) = run()?;
        times.push(time);
        peaks.push(peak);
    }
    Some((Spread::of(times)?, Spread::of(peaks)?))
}

/// Milliseconds from start to exit, and the largest resident memory in megabytes. `None` if the command failed.
///
/// The memory does not come from `wait4`: its figure starts with the copy of this process that every child is at
/// first.
fn run_once(mut command: Command) -> Option<(f64, f64)> {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    // `spawn` returns when the command has started. The time to fork a process as large as this one is not measured.
    let mut child = must("start synwall", command.spawn());
    let started = Instant::now();
    let id = Pid::from_raw(i32::try_from(child.id()).unwrap_or(i32::MAX));
    let (end, ended) = channel::<()>();
    let watcher = thread::spawn(move || {
        let status_file = format!("/proc/{id}/status");
        let mut peak = 0.0;
        while ended.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
            peak = f64::max(peak, resident(&status_file).unwrap_or_default());
            if started.elapsed() > PATIENCE {
                // The wait after this sees that the command failed.
                let _ = kill(id, Signal::SIGKILL);
            }
        }
        peak
    });
    let status = must("wait for synwall", child.wait());
    let time = started.elapsed();
    drop(end);
    let peak = watcher.join().unwrap_or_else(|panic| resume_unwind(panic));
    status.success().then_some((time.as_secs_f64() * 1e3, peak))
}

/// Megabytes at the peak so far. `None` for a process that has ended.
fn resident(status: &str) -> Option<f64> {
    let text = fs::read_to_string(status).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: f64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kilobytes * 1024.0 / 1e6)
}
