//! Shell completions: each shell accepts its file, and bash completes verbs with it.

use std::process::Command;

use tests::lab::Output;

use crate::package::made::{Unpacked, verbs};

const BASH: &str = "usr/share/bash-completion/completions/synwall";

#[test]
fn every_shell_reads_its_own() {
    let unpacked = Unpacked::deb();
    for (shell, file) in [
        ("bash", BASH),
        ("zsh", "usr/share/zsh/vendor-completions/_synwall"),
        ("fish", "usr/share/fish/vendor_completions.d/synwall.fish"),
    ] {
        let output = Output::of(Command::new(shell).arg("-n").arg(unpacked.path(file))).ok();
        assert_eq!(output.stderr, "", "{shell}");
    }
}

#[test]
fn bash_completes_every_verb() {
    let unpacked = Unpacked::deb();
    let script = r#"source "$1"; COMP_WORDS=(synwall $2 ""); COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
        _synwall synwall "" "${COMP_WORDS[COMP_CWORD - 1]}"; printf '%s\n' "${COMPREPLY[@]}""#;
    for verb in verbs() {
        let (above, name) = verb.rsplit_once(' ').unwrap_or(("", &verb));
        let mut bash = Command::new("bash");
        bash.args(["--norc", "-c", script, "bash"])
            .arg(unpacked.path(BASH))
            .arg(above);
        let output = Output::of(&mut bash).ok();
        assert!(
            output.stdout.lines().any(|reply| reply == name),
            "{verb}\n{output}"
        );
    }
}
