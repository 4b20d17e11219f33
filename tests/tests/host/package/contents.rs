//! The files of both packages, and that their content is correct.

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _},
    process::Command,
};

use tests::lab::Output;

use crate::package::made::{self, Unpacked, VERSION};

#[test]
fn the_debian_package_puts_files_where_debian_has_them() {
    let unpacked = Unpacked::deb();
    for (file, mode) in [
        ("usr/sbin/synwall", 0o755),
        ("etc/synwall/synwall.toml", 0o644),
        ("usr/lib/systemd/system/synwall.service", 0o644),
        ("usr/share/man/man8/synwall.8.gz", 0o644),
        ("usr/share/man/man5/synwall.toml.5.gz", 0o644),
        ("usr/share/bash-completion/completions/synwall", 0o644),
        ("usr/share/zsh/vendor-completions/_synwall", 0o644),
        ("usr/share/fish/vendor_completions.d/synwall.fish", 0o644),
        ("usr/share/doc/synwall/copyright", 0o644),
        ("usr/share/doc/synwall/changelog.Debian.gz", 0o644),
        ("usr/share/doc/synwall/docs/install.md", 0o644),
        ("usr/share/synwall/synwall.schema.json", 0o644),
    ] {
        let metadata = fs::metadata(unpacked.path(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(metadata.permissions().mode() & 0o7777, mode, "{file}");
        assert_eq!((metadata.uid(), metadata.gid()), (0, 0), "{file}");
        assert!(metadata.len() > 0, "{file}");
    }
}

#[test]
fn nothing_in_it_is_set_user_id_or_can_be_written_by_others() {
    let unpacked = Unpacked::deb();
    for file in unpacked.files() {
        let mode = fs::symlink_metadata(unpacked.path(&file))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o6022, 0, "{file}");
    }
}

#[test]
fn the_tarball_has_everything_in_one_directory() {
    let files = Unpacked::tarball().files();
    let root = format!("synwall-{VERSION}-x86_64-linux/");
    let files: Vec<_> = files
        .iter()
        .map(|file| {
            file.strip_prefix(&root)
                .unwrap_or_else(|| panic!("{file} lies outside"))
        })
        .collect();
    for file in [
        "synwall",
        "synwall.service",
        "synwall.toml",
        "synwall.schema.json",
        "man/synwall.8",
        "man/synwall-trust-add.8",
        "man/synwall.toml.5",
        "completions/synwall.bash",
        "completions/_synwall",
        "completions/synwall.fish",
        "README.md",
        "SECURITY.md",
        "docs/install.md",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "third-party-licences.txt",
    ] {
        assert!(files.contains(&file), "{file} is not among {files:?}");
    }
}

#[test]
fn both_have_the_same_binary_and_it_runs() {
    let (deb, tarball) = (Unpacked::deb(), Unpacked::tarball());
    let packaged = deb.path("usr/sbin/synwall");
    let beside = tarball.path(&format!("synwall-{VERSION}-x86_64-linux/synwall"));
    assert!(fs::read(&packaged).unwrap() == fs::read(beside).unwrap());
    let output = Output::of(Command::new(packaged).arg("--version")).ok();
    assert_eq!(output.stdout, format!("synwall {VERSION}\n"));
}

#[test]
fn both_have_the_configuration_and_the_unit_of_the_repository() {
    let (deb, tarball) = (Unpacked::deb(), Unpacked::tarball());
    for (name, place) in [
        ("synwall.toml", "etc/synwall/synwall.toml"),
        ("synwall.service", "usr/lib/systemd/system/synwall.service"),
    ] {
        let ours = fs::read(made::workspace().join("packaging").join(name)).unwrap();
        assert!(fs::read(deb.path(place)).unwrap() == ours, "{name}");
        let beside = tarball.path(&format!("synwall-{VERSION}-x86_64-linux/{name}"));
        assert!(fs::read(beside).unwrap() == ours, "{name}");
    }
}

#[test]
fn the_sums_are_those_of_both() {
    let mut sums = Command::new("sha256sum");
    sums.args(["--check", "--strict", "SHA256SUMS"])
        .current_dir(made::directory());
    let output = Output::of(&mut sums).ok();
    for package in [made::deb(), made::tarball()] {
        let name = package.file_name().unwrap().to_str().unwrap();
        assert!(output.stdout.contains(&format!("{name}: OK")), "{output}");
    }
}

#[test]
fn every_library_in_the_binary_comes_with_its_licence() {
    let tarball = Unpacked::tarball();
    let page = format!("synwall-{VERSION}-x86_64-linux/third-party-licences.txt");
    let page = fs::read_to_string(tarball.path(&page)).unwrap();
    for library in ["aya ", "clap ", "ipnet ", "core-error "] {
        let listed = page
            .lines()
            .any(|line| line.starts_with(library) && line.contains(": "));
        assert_eq!(listed, library != "core-error ", "{library}");
    }
    assert!(page.contains("Permission is hereby granted"), "no text of MIT's");
    // Synwall's own licence is in separate files.
    assert!(!page.contains("filter-user"));
}
