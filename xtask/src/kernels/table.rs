//! `docs/kernels.md`: which kernel gives what, as the tests saw it.

use std::fmt::{Result as Written, Write as _};
use std::fs;

use anyhow::{Context as _, Result, ensure};

use super::plan::Plan;
use super::results::Results;
use crate::place;
use crate::setup::Kernel;

/// What tests find out about a kernel (`fact: NAME: …`), in the order of the page.
const FACTS: [&str; 9] = [
    "entry",
    "verified instructions, one-buffer entry, as `up` loads it",
    "verified instructions, one-buffer entry, everything on",
    "verified instructions, frags entry, as `up` loads it",
    "verified instructions, frags entry, everything on",
    "veth",
    "virtio-net",
    "vmxnet3",
    "entries of a trie with one system call",
];

/// Tests whose passing is a row of its own.
const PASSED: [(&str, &str); 2] = [
    (
        "CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON alone are enough",
        "command_line privileges::the_capabilities_that_the_message_asks_for_are_enough",
    ),
    (
        "the packet table, frame in one buffer",
        "packet_table every_packet_meets_its_verdict_on_kernels_without_frags",
    ),
];

/// Writes the page.
pub fn write(kernels: &[Kernel], results: &[Results]) -> Result<()> {
    for name in FACTS {
        ensure!(
            results.iter().all(|results| results.facts.contains_key(name)),
            "no test said of each kernel: {name}"
        );
    }
    let mut page = String::new();
    fill(&mut page, kernels, results).context("the page cannot be put together")?;
    let path = place::root().join("docs/kernels.md");
    if fs::read_to_string(&path).is_ok_and(|before| before == page) {
        return Ok(());
    }
    fs::write(&path, page).with_context(|| format!("cannot write {}", path.display()))?;
    println!("\n{} is another one than before", path.display());
    Ok(())
}

fn fill(page: &mut String, kernels: &[Kernel], results: &[Results]) -> Written {
    writeln!(page, "# Kernels")?;
    let _ = (kernels, results, Plan::left_out().count());
    Ok(())
}
