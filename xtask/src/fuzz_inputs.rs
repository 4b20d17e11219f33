//! `cargo xtask fuzz-inputs`: libFuzzer on everything that user space reads, one kind of input after another.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context as _, Result, ensure};

use crate::{ebpf, exec, place, setup};

/// Seconds after which an input counts as read without end, and megabytes that no input may need.
const TIMEOUT: &str = "-timeout=10";
const MEMORY: &str = "-rss_limit_mb=2048";
/// Bytes of an input: two sets of ports and what else there is of settings.
const MAX_LEN: &str = "-max_len=17000";

/// Looks for inputs that are read wrongly, so many seconds for each kind, or for each of `only`. Fails when there is one.
pub fn run(seconds: u64, only: &[String]) -> Result<()> {
    let seeds = place::root().join("tests/corpus");
    let names = if only.is_empty() {
        kinds(&seeds)?
    } else {
        only.to_vec()
    };
    let fuzzer = build()?;
    for name in &names {
        let seeds = seeds.join(name);
        ensure!(
            seeds.is_dir(),
            "there is no input '{name}'; known: {}",
            kinds(&place::root().join("tests/corpus"))?.join(", ")
        );
        let (found, crashes) = (
            place::fuzz().join("found").join(name),
            place::fuzz().join("crashes").join(name),
        );
        for directory in [&found, &crashes] {
            fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
        }
        let mut command = Command::new(&fuzzer);
        // What is new goes into the first directory.
        command
            .args([&found, &seeds])
            .args([TIMEOUT, MEMORY, MAX_LEN, "-print_final_stats=1"])
            .arg(format!("-max_total_time={seconds}"))
            .arg(format!("-artifact_prefix={}/", crashes.display()))
            .arg(format!(
                "-dict={}",
                place::root().join("tests/fuzz/text.dict").display()
            ))
            .env("SYNWALL_INPUT", name);
        exec::run(&mut command).with_context(|| {
            format!(
                "an input of the kind '{name}' is read wrongly; it lies in {0}. Once more: SYNWALL_INPUT={name} {1} {0}/FILE",
                crashes.display(),
                fuzzer.display()
            )
        })?;
    }
    eprintln!("no input was read wrongly: {}", names.join(", "));
    Ok(())
}

/// The kinds of input: each has a directory of seeds.
fn kinds(seeds: &Path) -> Result<Vec<String>> {
    let read = || -> std::io::Result<Vec<String>> {
        fs::read_dir(seeds)?
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect()
    };
    let mut kinds = read().with_context(|| format!("cannot read {}", seeds.display()))?;
    kinds.sort();
    Ok(kinds)
}

/// Builds the fuzzer and says where it is.
fn build() -> Result<PathBuf> {
    let tools = setup::fuzzing()?;
    ebpf::build(&tools.kernel)?;
    // A sanitizer takes a nightly compiler, and nearly all that is read here is read by safe code.
    exec::run(
        Command::new(&tools.cargo_fuzz)
            .args([
                "fuzz",
                "build",
                "--fuzz-dir",
                "tests/fuzz",
                "--sanitizer",
                "none",
                "--target-dir",
            ])
            .arg(place::fuzz())
            .arg("inputs")
            .env("CARGO", place::cargo())
            .current_dir(place::root()),
    )?;
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let fuzzer = place::fuzz().join(target).join("release/inputs");
    ensure!(
        fuzzer.is_file(),
        "{} is not there after the build",
        fuzzer.display()
    );
    Ok(fuzzer)
}
