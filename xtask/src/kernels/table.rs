//! `docs/kernels.md`: which kernel gives what, as the tests saw it.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context as _, Result, ensure};

use super::plan::Plan;
use super::results::Results;
use crate::place;
use crate::setup::Kernel;

/// What tests find out about a kernel (`fact: NAME: …`), in the order of the page.
const FACTS: [&str; 11] = [
    "entry",
    "verified instructions, frags entry, as `up` loads it",
    "verified instructions, frags entry, everything on",
    "verified instructions, one-buffer entry, as `up` loads it",
    "verified instructions, one-buffer entry, everything on",
    "veth",
    "virtio-net",
    "vmxnet3",
    "capabilities that are enough",
    "memory of a filter with one prefix",
    "memory for each of 20,000 prefixes",
];

/// Tests that have a row of their own.
const TESTS: [(&str, &str); 2] = [
    (
        "packet table, frags entry",
        "packet_table::every_packet_meets_its_verdict",
    ),
    (
        "packet table, one-buffer entry",
        "packet_table::every_packet_meets_its_verdict_on_kernels_without_frags",
    ),
];

const HEAD: &str = "\
# Kernels

Written by `cargo xtask test --kernels`: do not edit, run it again. It boots Debian's kernels for virtual machines, the
newest of each series, in emulated machines (qemu without hardware support, two CPUs) and runs in each of them what
depends on the kernel: the verifier, the packet table, the life of a filter with real traffic, capabilities, and network
cards. `--kernels=5.10,newest` runs some of them, and words behind it run some of the tests.

";

const NOTES: &str = "
- **entry**: since 5.18 a program can take frames of several buffers, and `up` loads one that does; before, one that
  takes frames in one buffer.
- **verified instructions**: what the verifier follows, of the million that it is ready to. Both entries are loaded
  wherever the kernel can, with what a first `up` sets, and with all lists, a confirmation, UDP and level `unestablished`.
- **veth, virtio-net, vmxnet3**: the mode in which an interface of this driver filtered real connections over IPv4 and IPv6.
  virtio-net and vmxnet3 are cards that qemu emulates, virtio-net with one queue.
- **memory**: by the kernel's own account of the maps (`memlock`). Linux 5.10 counts a trie in full from its beginning, with
  the most that it can hold, and against RLIMIT_MEMLOCK; kernels before 6.4 estimate.
- **capabilities**: before 5.11 an unlimited RLIMIT_MEMLOCK is as good as CAP_SYS_RESOURCE.
";

/// Writes the page.
pub fn write(kernels: &[Kernel], results: &[Results]) -> Result<()> {
    let page = page(kernels, results)?;
    let path = place::root().join("docs/kernels.md");
    if fs::read_to_string(&path).is_ok_and(|before| before == page) {
        return Ok(());
    }
    fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))?;
    println!("\n{} says something else than before", path.display());
    Ok(())
}

fn page(kernels: &[Kernel], results: &[Results]) -> Result<String> {
    for name in results.iter().flat_map(|results| results.facts.keys()) {
        ensure!(
            FACTS.contains(&name.as_str()),
            "the page has no row for what a test said: {name}"
        );
    }
    let mut page = HEAD.to_owned();
    let mut row = |name: &str, cells: Vec<String>| page += &format!("| {name} | {} |\n", cells.join(" | "));
    let versions: Vec<String> = kernels.iter().map(version).collect();
    row(
        "",
        versions
            .iter()
            .map(|version| format!("Linux {version}"))
            .collect(),
    );
    row("---", vec!["---".to_owned(); kernels.len()]);
    row(
        "Debian's package",
        kernels
            .iter()
            .map(|kernel| format!("{}, {}", kernel.version, kernel.suite))
            .collect(),
    );
    for name in FACTS {
        let cells: Vec<Option<&String>> = results.iter().map(|results| results.facts.get(name)).collect();
        ensure!(cells.iter().any(Option::is_some), "no test said: {name}");
        row(
            name,
            cells
                .into_iter()
                .map(|cell| cell.map_or("–".into(), Clone::clone))
                .collect(),
        );
    }
    for (name, test) in TESTS {
        let is_it = |passed: &String| passed == test;
        ensure!(
            results.iter().all(|results| results.passed.iter().any(is_it)),
            "this test did not run everywhere: {test}"
        );
        row(
            name,
            results
                .iter()
                .map(|results| outcome(results, test).into())
                .collect(),
        );
    }
    let count = |of: fn(&Results) -> usize| results.iter().map(|results| of(results).to_string()).collect();
    row("tests", count(|results| results.passed.len()));
    row(
        "of these skipped, or a part of them",
        count(|results| results.skipped.len()),
    );
    page += NOTES;

    page += "\n## Skipped there, and why\n\n";
    let mut skipped: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for (version, results) in versions.iter().zip(results) {
        for (test, why) in &results.skipped {
            skipped.entry((test, why)).or_default().push(version);
        }
    }
    for ((test, why), versions) in skipped {
        page += &format!("- {}: `{test}`: {why}.\n", versions.join(", "));
    }
    page += "\n## Not run in emulated machines, and why\n\nThey run in `cargo xtask test`, on the machine's own kernel.\n\n";
    for sentence in Plan::left_out() {
        page += &format!("- {sentence}\n");
    }
    Ok(page)
}

/// Major and minor number.
fn version(kernel: &Kernel) -> String {
    kernel
        .version
        .splitn(3, '.')
        .take(2)
        .collect::<Vec<_>>()
        .join(".")
}

fn outcome(results: &Results, test: &str) -> &'static str {
    if results.skipped.iter().any(|(skipped, _)| skipped == test) {
        "–"
    } else {
        "yes"
    }
}
