//! bpf-linker, which makes one BPF object with BTF out of LLVM bitcode.

use std::path::PathBuf;

use anyhow::Result;

use super::crates;

/// The last one that uses the compiler's LLVM; 0.11 and later need one of their own.
const VERSION: &str = "0.10.3";

/// Finds or builds bpf-linker.
pub fn find() -> Result<PathBuf> {
    crates::find(
        "bpf-linker",
        VERSION,
        "the kernel program's linker (about a minute)",
    )
}
