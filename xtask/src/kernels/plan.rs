//! Which tests run in the emulated machines, and which do not and why. Emulated, everything takes ten to thirty times
//! as long as on the machine itself.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use crate::place::Profile;
use crate::{exec, place};

/// A module at the top of a test program of the `tests` crate.
struct Group {
    program: &'static str,
    name: &'static str,
    /// How the names of tests begin that run, behind the module's; all of them where there is none.
    only: &'static [&'static str],
    /// Why not all.
    why: &'static str,
    /// How the names of tests begin that do not, and why.
    without: &'static [(&'static str, &'static str)],
}

const GROUPS: [Group; 6] = [
    Group {
        program: "alone",
        name: "verifier",
        only: &[],
        why: "",
        without: &[],
    },
    Group {
        program: "host",
        name: "kernel",
        only: &[],
        why: "",
        without: &[],
    },
    Group {
        program: "packets",
        name: "packet_table",
        only: &[],
        why: "",
        without: &[
            ("flood::a_flood", MANY),
            ("flood::the_top", MANY),
            ("coverage::", MANY),
        ],
    },
    Group {
        program: "host",
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
    Group {
        program: "commands",
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
    Group {
        program: "host",
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
    pub fn build(profile: Profile, filter: &[String]) -> Result<Self> {
        let programs: BTreeSet<&str> = GROUPS.iter().map(|group| group.program).collect();
        let mut cargo = Command::new(place::cargo());
        cargo.args([
            "test",
            "--profile",
            profile.name(),
            "-p",
            "tests",
            "--no-run",
            "--message-format=json",
        ]);
        for program in &programs {
            cargo.args(["--test", program]);
        }
        let messages = exec::ask(cargo.current_dir(place::root()).stderr(Stdio::inherit()))?;
        let built: Vec<(String, PathBuf)> = messages.lines().filter_map(executable).collect();
        let find = |program: &'static str| {
            let found = built.iter().find(|(name, _)| name == program);
            let (_, path) = found.with_context(|| format!("Cargo built no test program '{program}'"))?;
            Ok((program, path.clone()))
        };
        let executables = programs.into_iter().map(find).collect::<Result<Vec<_>>>()?;
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

    /// How the names of tests begin of which one at least has to pass.
    pub fn groups(&self) -> impl Iterator<Item = String> {
        GROUPS
            .iter()
            .filter(|_| self.is_whole())
            .map(|group| format!("{}::", group.name))
    }

    /// Whether all tests run that there are.
    pub fn is_whole(&self) -> bool {
        self.filter.is_empty()
    }

    /// What is never run, and why, a sentence each.
    pub fn left_out() -> impl Iterator<Item = String> {
        GROUPS.iter().flat_map(|group| {
            let Group {
                name,
                only,
                why,
                without,
                ..
            } = group;
            let others = (!only.is_empty()).then(|| {
                let parts = only.join("…`, `");
                format!("`{name}` but for `{parts}…`: {why}.")
            });
            let without = without
                .iter()
                .map(move |(part, why)| format!("`{name}::{part}…`: {why}."));
            others.into_iter().chain(without)
        })
    }

    /// What the first process runs, in the words of [`super::results`].
    pub fn script(&self) -> String {
        let mut script = String::from(
            "export SYNWALL_BIN=/bin/synwall SYNWALL_NGINX=/bin/nginx SYNWALL_EBPF_OBJECT=/synwall-ebpf.o SYNWALL_TEST_CARDS=1 PATH=/usr/bin:/bin RUST_BACKTRACE=0\n",
        );
        let mut run = |name: &str, program: &str, parts: &[String]| {
            let mut line = format!("/tests/{program} --show-output --test-threads 2");
            for part in parts {
                line += &format!(" '{part}'");
            }
            for group in GROUPS.iter().filter(|group| group.program == program) {
                for (part, _) in group.without {
                    line += &format!(" --skip '{}::{part}'", group.name);
                }
            }
            // Written to a string: it cannot fail.
            let _ = writeln!(
                script,
                "echo '=== begin {name}'\n{line}\necho \"=== end {name} $?\""
            );
        };
        if self.is_whole() {
            for group in &GROUPS {
                let parts = if group.only.is_empty() { &[""] } else { group.only };
                let parts: Vec<String> = parts
                    .iter()
                    .map(|part| format!("{}::{part}", group.name))
                    .collect();
                run(group.name, group.program, &parts);
            }
        } else {
            for (program, _) in &self.executables {
                run(program, program, &self.filter);
            }
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
