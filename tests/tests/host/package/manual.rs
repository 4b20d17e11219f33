//! The manual pages: there is one for each verb and one for the configuration file, and all are readable.

use std::{fs, path::PathBuf, process::Command};

use tests::lab::Output;

use crate::package::made::{Unpacked, VERSION, verbs};

fn pages(unpacked: &Unpacked) -> Vec<PathBuf> {
    let pages = unpacked
        .files()
        .into_iter()
        .filter(|file| file.contains("/man/man"));
    let pages: Vec<_> = pages.map(|file| unpacked.path(&file)).collect();
    assert!(pages.len() > 20, "{pages:?}");
    pages
}

#[test]
fn every_verb_has_a_page_and_every_page_a_verb() {
    let pages = Unpacked::deb().files();
    let pages: Vec<_> = pages
        .iter()
        .filter_map(|file| file.strip_prefix("usr/share/man/man8/")?.strip_suffix(".8.gz"))
        .collect();
    let mut expected: Vec<_> = verbs()
        .iter()
        .map(|verb| format!("synwall-{}", verb.replace(' ', "-")))
        .collect();
    expected.push("synwall".to_owned());
    expected.sort();
    let mut found = pages.clone();
    found.sort_unstable();
    assert_eq!(found, expected);
}

#[test]
fn they_are_typeset_without_a_warning() {
    let unpacked = Unpacked::deb();
    for page in pages(&unpacked) {
        let mut man = Command::new("man");
        man.args(["--warnings", "--local-file"])
            .arg(&page)
            .env("MANWIDTH", "80");
        let output = Output::of(man.env("LC_ALL", "C.UTF-8")).ok();
        assert_eq!(output.stderr, "", "{}", page.display());
        assert!(output.stdout.contains("NAME"), "{output}");
        assert!(output.stdout.contains(&format!("synwall {VERSION}")), "{output}");
        // Only errors count: clap's pages have paragraph macros without effect, which are warnings.
        let mut mandoc = Command::new("mandoc");
        Output::of(mandoc.args(["-Tlint", "-W", "error"]).arg(&page)).ok();
    }
}

#[test]
fn the_index_of_the_manual_knows_them() {
    let unpacked = Unpacked::deb();
    for page in pages(&unpacked) {
        let output = Output::of(Command::new("lexgrog").arg(&page)).ok();
        let name = page.file_name().unwrap().to_str().unwrap();
        let name = name.strip_suffix(".gz").unwrap();
        let name = name.rsplit_once('.').unwrap().0;
        assert!(output.stdout.contains(&format!("\"{name} - ")), "{output}");
    }
}

#[test]
fn what_is_hidden_in_the_help_is_in_no_page() {
    let unpacked = Unpacked::tarball();
    for file in unpacked.files() {
        if file.contains("/man/") || file.contains("/completions/") {
            assert!(!file.contains("generate"), "{file}");
            let text = fs::read_to_string(unpacked.path(&file)).unwrap();
            assert!(!text.contains("generate"), "{file}");
        }
    }
}
