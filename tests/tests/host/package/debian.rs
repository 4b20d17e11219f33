//! Debian's rules for packages.

use std::{fs, process::Command};

use tests::lab::Output;

use crate::package::made::{self, VERSION};

#[test]
fn lintian_has_neither_errors_nor_warnings() {
    // The exceptions and their reasons are in packaging/debian/lintian-overrides.
    let mut lintian = Command::new("lintian");
    lintian
        .args(["--allow-root", "--fail-on", "error,warning"])
        .arg(made::deb());
    let output = Output::of(lintian.env("LC_ALL", "C.UTF-8")).ok();
    assert_eq!(output.stdout, "");
}

#[test]
fn the_fields_say_what_it_is() {
    let field = |name: &str| {
        let mut dpkg = Command::new("dpkg-deb");
        let output = Output::of(dpkg.arg("--field").arg(made::deb()).arg(name)).ok();
        output.stdout.trim_end().to_owned()
    };
    assert_eq!(field("Package"), "synwall");
    assert_eq!(field("Version"), format!("{VERSION}-1"));
    assert_eq!(field("Section"), "net");
    assert!(field("Depends").starts_with("libc6 (>= "), "{}", field("Depends"));
    assert_eq!(field("Recommends"), "ca-certificates");
    assert!(
        field("Description").contains("\n Attaches an XDP program"),
        "{}",
        field("Description")
    );
}

#[test]
fn the_newest_entry_of_the_changelog_is_this_version() {
    let changelog = fs::read_to_string(made::workspace().join("packaging/debian/changelog")).unwrap();
    let expected = format!("synwall ({VERSION}-1) ");
    assert!(changelog.starts_with(&expected), "Cargo.toml says {expected}");
}
