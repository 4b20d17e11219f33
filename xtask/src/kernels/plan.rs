//! Which tests run in the emulated machines, and which do not and why. Emulated, everything takes ten to thirty times
//! as long as on the machine itself.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::{exec, place};

/// A test program of the `tests` crate.
struct Program {
    name: &'static str,
    /// Parts of the names of tests that run; all of them where there is none.
    only: &'static [&'static str],
    /// Why not all.
    why: &'static str,
    /// Parts of the names of tests that do not, and why.
    without: &'static [(&'static str, &'static str)],
}

const PROGRAMS: [Program; 6] = [
    Program {
        name: "verifier",
        only: &[],
        why: "",
        without: &[],
    },
    Program {
        name: "kernel",
        only: &[],
        why: "",
        without: &[],
    },
    Program {
        name: "packet_table",
        only: &[],
        why: "",
        without: &[
            ("flood::a_flood", MANY),
            ("flood::the_top", MANY),
            ("coverage::", MANY),
        ],
    },
    Program {
        name: "lifecycle",
        only: &[
            "confirmation::a_",
            "down::",
            "failed_up::on_a_new",
            "in_place::an_addition_that_packets",
            "in_place::one_entry",
            "large_lists::a_prefix_takes",
            "leftovers::half_a_pin_directory_is_cleared_by_down",
            "live_changes::an_upgrade",
            "persistence::",
        ],
        why: "the others kill, crowd and repeat, for the order of our own steps",
        without: &[(
            "confirmation::a_change",
            "the two seconds of its time limit are over before its commands are done",
        )],
    },
    Program {
        name: "command_line",
        only: &[
            "privileges::the_cap",
            "privileges::root",
            "privileges::without",
            "privileges::before",
        ],
        why: "the others are about the words of commands",
        without: &[],
    },
    Program {
        name: "agent",
        only: &["interfaces::"],
        why: "the others are about files and commands",
        without: &[],
    },
];

const MANY: &str = "tens of thousands of frames, for what the program reckons by itself";

/// The programs, built.
pub struct Plan {
    executables: Vec<(&'static str, PathBuf)>,
    filter: Vec<String>,
}

impl Plan {
    /// Builds the programs. The filter goes to each of them.
    pub fn build(filter: &[String]) -> Result<Self> {
        let mut cargo = Command::new(place::cargo());
        cargo.args([
            "test",
            "--release",
            "-p",
            "tests",
            "--no-run",
            "--message-format=json",
        ]);
        for program in &PROGRAMS {
            cargo.args(["--test", program.name]);
        }
        let messages = exec::ask(cargo.current_dir(place::root()).stderr(Stdio::inherit()))?;
        let built: Vec<(String, PathBuf)> = messages.lines().filter_map(executable).collect();
        let find = |program: &Program| {
            let found = built.iter().find(|(name, _)| name == program.name);
            let (_, path) =
                found.with_context(|| format!("Cargo built no test program '{}'", program.name))?;
            Ok((program.name, path.clone()))
        };
        let executables = PROGRAMS.iter().map(find).collect::<Result<Vec<_>>>()?;
        ensure!(!executables.is_empty(), "there is nothing to run");
        Ok(Self {
            executables,
            filter: filter.to_owned(),
        })
    }

    /// Name and file of each program.
    pub fn executables(&self) -> impl Iterator<Item = (&str, &Path)> {
        self.executables
            .iter()
            .map(|(name, path)| (*name, path.as_path()))
    }

    /// Whether all tests run that there are.
    pub fn is_whole(&self) -> bool {
        self.filter.is_empty()
    }

    /// What is never run, and why, a sentence each.
    pub fn left_out() -> impl Iterator<Item = String> {
        PROGRAMS.iter().flat_map(|program| {
            let Program {
                name,
                only,
                why,
                without,
            } = program;
            let others = (!only.is_empty()).then(|| {
                let parts = only.join("…`, `");
                format!("`{name}` but for `{parts}…`: {why}.")
            });
            let without = without
                .iter()
                .map(move |(part, why)| format!("`{name} {part}…`: {why}."));
            others.into_iter().chain(without)
        })
    }

    /// What the first process runs, in the words of [`super::results`].
    pub fn script(&self) -> String {
        let mut script = String::from(
            "export SYNWALL_BIN=/bin/synwall SYNWALL_NGINX=/bin/nginx SYNWALL_EBPF_OBJECT=/synwall-ebpf.o SYNWALL_TEST_CARDS=1 PATH=/usr/bin:/bin RUST_BACKTRACE=0\n",
        );
        for program in &PROGRAMS {
            let Program {
                name, only, without, ..
            } = program;
            let filter: Vec<&str> = if self.filter.is_empty() {
                only.to_vec()
            } else {
                self.filter.iter().map(String::as_str).collect()
            };
            let mut line = format!("/tests/{name} --show-output --test-threads 2");
            for part in filter.iter() {
                line += &format!(" '{part}'");
            }
            for (part, _) in *without {
                line += &format!(" --skip '{part}'");
            }
            // Written to a string: it cannot fail.
            let _ = writeln!(
                script,
                "echo '=== begin {name}'\n{line}\necho \"=== end {name} $?\""
            );
        }
        script + "echo '=== done'\n"
    }
}

/// Name and file of a test program, if that is what a message of Cargo's is about.
fn executable(message: &str) -> Option<(String, PathBuf)> {
    let message: Value = serde_json::from_str(message).ok()?;
    let path = message["executable"].as_str()?;
    Some((message["target"]["name"].as_str()?.to_owned(), path.into()))
}
