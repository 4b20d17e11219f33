//! `cargo xtask demo`: set-up, build, and the demo, whose exit code is ours.

use std::process::ExitCode;

use anyhow::Result;

use crate::place::Profile;
use crate::stage::Stages;
use crate::{ebpf, exec, setup, user};

/// Runs the demo.
pub fn run() -> Result<ExitCode> {
    let mut stages = Stages::new(4);
    let tools = stages.run(
        "what the demo needs (the first time: a minute or two)",
        setup::demo,
    )?;
    stages.run("the kernel program", || ebpf::build(&tools.kernel))?;
    let synwall = stages.run("synwall and the demo (the first time: a minute or two)", || {
        user::build_beside("demo", Profile::Dev)
    })?;
    stages.begin("the demo (15 s)");
    exec::stand_in(
        user::program_of_tests("demo", Profile::Dev)
            .env("SYNWALL_BIN", synwall)
            .env("SYNWALL_NGINX", tools.nginx),
    )
}
