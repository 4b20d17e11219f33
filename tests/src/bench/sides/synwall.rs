//! synwall as users run it: the real binary, real pins, all features on.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::super::prefixes::Prefixes;
use super::super::wires::{INTERFACE, Receiver};
use crate::lab::{Namespace, Output, must, synwall_program};

/// The drop level: what happens to segments that open no connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// They pass. This is synwall's default.
    New,
    /// They pass if the host has a socket for them.
    Unestablished,
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Unestablished => "unestablished",
        }
    }
}

/// A synwall filter that is up.
#[derive(Debug)]
pub struct Synwall {
    namespace: Namespace,
    pins: String,
}

impl Synwall {
    /// Brings the filter up in native mode, with the provider's network and the list.
    pub fn up(receiver: &Receiver, pins: &str, list: &Path, prefixes: &Prefixes, level: Level) -> Self {
        must("write a list", fs::write(list, prefixes.lines()));
        let synwall = Self {
            namespace: receiver.namespace.clone(),
            pins: pins.to_owned(),
        };
        let mut up = synwall.command(&["up", INTERFACE, "--provider", "qrator", "--xdp", "native"]);
        up.arg("--trust-file").arg(list).args(["--drop", level.name()]);
        Output::of(&mut up).ok();
        synwall
    }

    /// A command on this filter.
    #[must_use]
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.namespace.command(synwall_program());
        command.env("SYNWALL_PIN_DIR", &self.pins).args(arguments);
        command
    }

    /// The pin directory.
    #[must_use]
    pub fn pins(&self) -> &Path {
        Path::new(&self.pins)
    }

    /// The id of the attached program.
    #[must_use]
    pub fn program_id(&self) -> u32 {
        let id = self.status()["interfaces"][0]["program_id"].as_u64();
        let id = id.and_then(|id| u32::try_from(id).ok());
        must("learn the program's id", id.ok_or("`status` shows none"))
    }

    pub(super) fn dropped(&self) -> u64 {
        let dropped = self.status()["packets"]["dropped"].as_u64();
        must(
            "learn what was dropped",
            dropped.ok_or("`status` shows no number"),
        )
    }

    fn status(&self) -> Value {
        Output::of(&mut self.command(&["status", "--json"])).json()
    }
}

impl Drop for Synwall {
    fn drop(&mut self) {
        // Long lists take much memory. If this fails, the end of the bench's mounts removes the filter.
        let _ = Output::of(&mut self.command(&["down", "--all"]));
    }
}
