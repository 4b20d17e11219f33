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
    /// Parts of the names of tests that do not, and why.
    without: &'static [(&'static str, &'static str)],
}

const PROGRAMS: [Program; 5] = [
    Program {
        name: "verifier",
        only: &[],
        without: &[],
    },
    Program {
        name: "kernel",
        only: &[],
        without: &[],
    },
    Program {
        name: "packet_table",
        only: &[],
        without: &[
            ("flood::a_flood", MANY),
            ("flood::the_top", MANY),
            ("coverage::", MANY),
        ],
    },
    Program {
        name: "lifecycle",
        only: &[],
        without: &[
            ("killed::", KILLED),
            ("killed_up::", KILLED),
            ("in_place::killed_at", KILLED),
            ("live_changes::fifty", LIVE),
            ("live_changes::lists", LIVE),
            ("in_place::a_list_that_is_full", LIVE),
            ("concurrent::eight", PATIENCE),
            ("concurrent::many", PATIENCE),
            ("confirmation::confirmed", CLOCK),
            ("confirmation::unconfirmed", CLOCK),
            ("confirmation::a_change", CLOCK),
            (
                "large_lists::replacing",
                "the memory that is measured there is the command's own",
            ),
        ],
    },
    Program {
        name: "command_line",
        // The others are about what commands say, and look into files of expected words.
        only: &[
            "privileges::the_cap",
            "privileges::root",
            "privileges::without",
            "privileges::before",
        ],
        without: &[],
    },
];

const MANY: &str = "tens of thousands of frames, for what the program reckons by itself";
const LIVE: &str = "a hundred changes in a row, for what a few show as well";
const KILLED: &str =
    "they kill commands at hundreds of instants, to see that the steps are in the right order";
const PATIENCE: &str = "a command waits for the others for five seconds, which they take";
const CLOCK: &str = "the seconds of its time limit are over before its commands are done";

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

    /// Programs, parts of names and reasons: what is never run.
    pub fn left_out() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
        PROGRAMS.iter().flat_map(|program| {
            program
                .without
                .iter()
                .map(|(part, why)| (program.name, *part, *why))
        })
    }

    /// What the first process runs, in the words of [`super::results`].
    pub fn script(&self) -> String {
        let mut script = String::from(
            "export SYNWALL_BIN=/bin/synwall SYNWALL_NGINX=/bin/nginx SYNWALL_EBPF_OBJECT=/synwall-ebpf.o SYNWALL_TEST_CARDS=1 PATH=/usr/bin:/bin RUST_BACKTRACE=0\n",
        );
        for program in &PROGRAMS {
            let Program { name, only, without } = program;
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
